#include "run/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/worker.h"

_Static_assert(sizeof(struct stm_message) <= 512, "a message must fit into PIPE_BUF");

/* ---- in the worker ---- */

static volatile int stop_flag;

static void on_stop(int sig)
{
    (void)sig;
    stop_flag = 1;
}

static void send_message(int fd, const struct stm_message *m)
{
    const char *p = (const char *)m;
    size_t left = sizeof *m;
    while (left) {
        ssize_t n = write(fd, p, left);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return; /* the parent is gone; the store is what counts */
        p += n;
        left -= (size_t)n;
    }
}

/* What a worker's progress needs. */
struct voice {
    int fd;
    uint64_t from, usual;
    struct stm_work *work;
};

/* A worker that stores more often, because one before it died, goes back to the usual distance by
 * doubling as it lives on. Anchors of the new distance are anchors of the old one too. */
static void relax(const struct voice *x, uint64_t step)
{
    struct stm_work *w = x->work;
    if ((step - x->from) / 8 >= w->anchor_every && w->anchor_every <= x->usual / 2)
        w->anchor_every *= 2;
}

static void send_progress(void *ctx, uint64_t step)
{
    const struct voice *x = ctx;
    struct stm_message m = {.step = step};
    struct pollfd p = {.fd = x->fd, .events = POLLOUT};
    relax(x, step);
    /* Where nobody reads, as while the terminal is held, training goes on all the same. */
    if (poll(&p, 1, 0) == 1) send_message(x->fd, &m);
}

static void work(const struct stm_process_job *job, int fd)
{
    struct stm_err err = {0};
    struct stm_store *store = NULL;
    struct stm_message m = {.final = true};
    struct voice voice = {.fd = fd, .from = job->from, .usual = job->usual};
    struct stm_work w = {.view = job->view,
                         .task = job->task,
                         .anchor_every = job->anchor_every,
                         .interrupt = &stop_flag,
                         .progress = send_progress,
                         .ctx = &voice};
    struct rusage usage;
    voice.work = &w;
    m.rc = stm_store_open(&store, stm_store_dir(job->view->store), 0, &err);
    w.store = store;
    if (!m.rc) m.rc = stm_work_do(&w, &m.steps, &err);
    stm_store_close(store);
    getrusage(RUSAGE_SELF, &usage);
    m.peak_mb = (double)usage.ru_maxrss / 1024.0;
    memcpy(m.text, err.msg, sizeof m.text);
    send_message(fd, &m);
}

/* `stop`, the signals that ask to stop, are blocked until the worker's own handlers stand; then
 * they come through, whoever blocked them. */
static void worker_main(const struct stm_process_job *job, int fd, const sigset_t *stop)
{
    struct sigaction sa = {.sa_handler = on_stop};
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    sigprocmask(SIG_UNBLOCK, stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != job->parent) stop_flag = 1; /* it died before the line above */
    /* Only the parent reads the pipes of the others: when it dies, they must notice. */
    for (unsigned i = 0; i < job->n_others; i++) close(job->others[i]);
    work(job, fd);
    close(fd);
}

/* ---- in the parent ---- */

int stm_process_start(struct stm_process *p, const struct stm_process_job *job)
{
    int fd[2];
    if (pipe(fd)) return errno;
    sigset_t stop, mask;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, &mask);
    pid_t pid = fork();
    int e = errno;
    if (pid == 0) {
        close(fd[0]);
        worker_main(job, fd[1], &stop);
        _exit(0);
    }
    sigprocmask(SIG_SETMASK, &mask, NULL);
    close(fd[1]);
    if (pid < 0) {
        close(fd[0]);
        return e;
    }
    *p = (struct stm_process){.pid = pid, .fd = fd[0]};
    return 0;
}

bool stm_process_receive(struct stm_process *p, struct stm_message *m)
{
    char *to = (char *)m;
    size_t have = 0;
    while (have < sizeof *m) {
        ssize_t n = read(p->fd, to + have, sizeof *m - have);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        have += (size_t)n;
    }
    if (m->final) {
        p->heard = true;
        p->last = *m;
    }
    return true;
}

void stm_process_wait(struct stm_process *p, struct stm_end *e)
{
    struct rusage u = {0};
    *e = (struct stm_end){.heard = p->heard, .rc = p->last.rc, .text = p->last.text};
    close(p->fd);
    while (wait4(p->pid, &e->status, 0, &u) < 0 && errno == EINTR) {
    }
    p->pid = 0;
    e->cpu_s = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
               1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    e->peak_mb = p->heard ? p->last.peak_mb : (double)u.ru_maxrss / 1024.0;
}
