/* Children of this process, one a place. A child does one short job after the other; after a long
 * one it ends, so that its memory and its limit of processor time are a new one's. It opens the
 * store once, and learns with each job which packs the others have made since.
 *
 * Both directions are frames: their length (u32), a letter, the rest. To the child: 'j', the names
 * of packs (u32, strings), the job. From it: 's' step; 'p' name of a pack; 'e' how the job ended.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/fileops.h"
#include "base/mem.h"
#include "run/exec.h"
#include "run/worker.h"

enum {
    LONG_JOB_MS = 1000, /* processor time after which a child is not used again */
    FRAME_MAX = 64 << 20
};

/* ---- frames ---- */

static int send_all(int fd, const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        ssize_t k = send(fd, at, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return -1;
        at += k;
        n -= (size_t)k;
    }
    return 0;
}

/* Begins a frame in `b`, whose length is put in by frame_send. */
static void frame_begin(struct stm_buf *b, char letter)
{
    stm_buf_clear(b);
    stm_buf_u32(b, 0);
    stm_buf_u8(b, (uint8_t)letter);
}

static int frame_send(int fd, struct stm_buf *b)
{
    if (b->failed) {
        errno = ENOMEM;
        return -1;
    }
    stm_put_le32(b->p, (uint32_t)(b->n - 4));
    return send_all(fd, b->p, b->n);
}

/* False at the end, or where a signal came before the first byte and *stop is set. */
static bool receive(int fd, void *p, size_t n, const volatile int *stop)
{
    char *to = p;
    size_t have = 0;
    while (have < n) {
        ssize_t k = read(fd, to + have, n - have);
        if (k < 0 && errno == EINTR && !(stop && *stop && !have)) continue;
        if (k <= 0) return false;
        have += (size_t)k;
    }
    return true;
}

static bool frame_receive(int fd, struct stm_buf *b, const volatile int *stop)
{
    unsigned char length[4];
    stm_buf_clear(b);
    if (!receive(fd, length, sizeof length, stop)) return false;
    uint32_t n = stm_get_le32(length);
    if (n == 0 || n > FRAME_MAX) return false;
    stm_buf_zero(b, n);
    return !b->failed && receive(fd, b->p, n, NULL);
}

/* ---- in the child ---- */

static volatile int stop_flag;

static void on_stop(int sig)
{
    (void)sig;
    stop_flag = 1;
}

struct child {
    const struct stm_exec_options *o;
    int fd;
    struct stm_store *store;
    struct stm_buf out;
};

static void say_step(void *ctx, uint64_t step)
{
    struct child *c = ctx;
    struct pollfd p = {.fd = c->fd, .events = POLLOUT};
    /* Where nobody reads, as while the terminal is held, training goes on all the same. */
    if (poll(&p, 1, 0) != 1) return;
    frame_begin(&c->out, 's');
    stm_buf_u64(&c->out, step);
    frame_send(c->fd, &c->out); /* an error: the parent is gone; the store is what counts */
}

static void say_pack(void *ctx, const char *name)
{
    struct child *c = ctx;
    frame_begin(&c->out, 'p');
    stm_buf_str(&c->out, name);
    frame_send(c->fd, &c->out);
}

/* `leaves`: it takes no other job. */
static void say_end(struct child *c, int rc, const struct stm_work_done *done, const char *text,
                    bool leaves)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    frame_begin(&c->out, 'e');
    stm_buf_u32(&c->out, (uint32_t)-rc);
    stm_buf_u64(&c->out, done->steps);
    stm_buf_u32(&c->out, done->commits);
    stm_buf_u8(&c->out, done->busy);
    stm_buf_u8(&c->out, leaves);
    stm_buf_f64(&c->out, (double)usage.ru_maxrss / 1024.0);
    stm_buf_str(&c->out, text);
    frame_send(c->fd, &c->out);
}

static void learn(struct child *c, struct stm_rd *r, struct stm_arena *a)
{
    for (uint32_t n = stm_rd_u32(r); n && !r->bad; n--) {
        size_t length;
        const char *s = stm_rd_str(r, &length), *name = s ? stm_arena_strndup(a, s, length) : NULL;
        if (name) stm_store_learn(c->store, name);
    }
}

static int work(struct child *c, const struct stm_buf *frame, struct stm_work_done *done,
                struct stm_err *err)
{
    struct stm_arena arena = {0};
    struct stm_rd r = {.p = frame->p, .n = frame->n, .at = 1};
    struct stm_job job;
    int rc = 0;
    if (!c->store) {
        rc = stm_store_open(&c->store, c->o->store, 0, err);
        if (!rc) stm_store_watch(c->store, say_pack, c);
    }
    if (!rc) learn(c, &r, &arena);
    if (!rc) rc = stm_job_decode(&job, frame->p + r.at, frame->n - r.at, &arena, err);
    struct stm_work w = {.plan = c->o->plan,
                         .columns = c->o->columns,
                         .job = &job,
                         .store = c->store,
                         .interrupt = &stop_flag,
                         .progress = say_step,
                         .ctx = c};
    if (!rc) rc = stm_work_do(&w, done, err);
    stm_arena_release(&arena);
    return rc;
}

static bool is_worn(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec * 1000 + u.ru_utime.tv_usec / 1000 >= LONG_JOB_MS;
}

static void serve(struct child *c)
{
    struct stm_buf frame = {0};
    for (bool leaves = false; !leaves && frame_receive(c->fd, &frame, &stop_flag);) {
        struct stm_err err = {0};
        struct stm_work_done done = {0};
        int rc = work(c, &frame, &done, &err);
        leaves = stop_flag || is_worn();
        say_end(c, rc, &done, err.msg, leaves);
    }
    stm_buf_release(&frame);
    stm_buf_release(&c->out);
    stm_store_close(c->store);
}

/* ---- in the parent ---- */

struct names {
    char (*name)[STM_PACK_NAME_SIZE];
    size_t n, cap;
};

struct place {
    pid_t pid; /* 0: no child */
    int fd;
    bool busy;
    struct names packs; /* that its child has not been told of */
};

struct fork_exec {
    struct stm_exec_options o;
    pid_t parent;
    struct place *places;
    struct stm_buf frame;
};

static int fork_open(void **out, const struct stm_exec_options *o, struct stm_err *err)
{
    struct fork_exec *x = stm_calloc(1, sizeof *x);
    struct place *places = stm_calloc(o->places, sizeof *places);
    if (!x || !places) {
        stm_free(x);
        stm_free(places);
        return stm_fail(err, STM_E_NOMEM, "starting workers: out of memory");
    }
    *x = (struct fork_exec){.o = *o, .parent = getpid(), .places = places};
    *out = x;
    return 0;
}

/* `stop`, the signals that ask to stop, are blocked until the child's own handlers stand; then they
 * come through, whoever blocked them. */
static void child_main(const struct fork_exec *x, int fd, const sigset_t *stop)
{
    struct sigaction sa = {.sa_handler = on_stop};
    struct child c = {.o = &x->o, .fd = fd};
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    sigprocmask(SIG_UNBLOCK, stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != x->parent) stop_flag = 1; /* it died before the line above */
    /* Only the parent has the other ends of the others: when it dies, they must notice. */
    for (unsigned i = 0; i < x->o.places; i++)
        if (x->places[i].pid) close(x->places[i].fd);
    serve(&c);
    close(fd);
}

static int make_child(struct fork_exec *x, struct place *p)
{
    int fd[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd)) return errno;
    sigset_t stop, mask;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, &mask);
    pid_t pid = fork();
    int e = errno;
    if (pid == 0) {
        close(fd[0]);
        child_main(x, fd[1], &stop);
        _exit(0);
    }
    sigprocmask(SIG_SETMASK, &mask, NULL);
    close(fd[1]);
    if (pid < 0) {
        close(fd[0]);
        return e;
    }
    p->pid = pid;
    p->fd = fd[0];
    p->packs.n = 0; /* it reads the whole store when it opens it */
    return 0;
}

/* Waits for a child whose end of the line is closed. */
static void bury(struct place *p, struct stm_end *e)
{
    struct rusage u = {0};
    close(p->fd);
    while (wait4(p->pid, &e->status, 0, &u) < 0 && errno == EINTR) {
    }
    p->pid = 0;
    p->busy = false;
    e->cpu_s = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
               1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    e->peak_mb = (double)u.ru_maxrss / 1024.0;
}

static int send_job(struct fork_exec *x, struct place *p, const struct stm_job *job)
{
    struct stm_buf *b = &x->frame;
    frame_begin(b, 'j');
    stm_buf_u32(b, (uint32_t)p->packs.n);
    for (size_t i = 0; i < p->packs.n; i++) stm_buf_str(b, p->packs.name[i]);
    stm_job_encode(job, b);
    if (frame_send(p->fd, b)) return errno;
    p->packs.n = 0;
    p->busy = true;
    return 0;
}

static int fork_start(void *exec, unsigned place, const struct stm_job *job)
{
    struct fork_exec *x = exec;
    struct place *p = &x->places[place];
    struct stm_end unused;
    if (p->pid) {
        int e = send_job(x, p, job);
        if (e != EPIPE && e != ECONNRESET) return e;
        bury(p, &unused); /* it was killed while it had nothing to do */
    }
    int e = make_child(x, p);
    return e ? e : send_job(x, p, job);
}

/* A name that cannot be kept costs the child a look at the directory. */
static void note_pack(struct names *l, const char *name)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        void *more = stm_realloc(l->name, cap * sizeof *l->name);
        if (!more) return;
        l->name = more;
        l->cap = cap;
    }
    strcpy(l->name[l->n++], name);
}

static void hear_pack(struct fork_exec *x, unsigned from, struct stm_rd *r,
                      const struct stm_exec_ears *ears)
{
    char name[STM_PACK_NAME_SIZE];
    size_t n;
    const char *s = stm_rd_str(r, &n);
    if (!s || n >= sizeof name) return;
    memcpy(name, s, n);
    name[n] = 0;
    for (unsigned i = 0; i < x->o.places; i++)
        if (i != from && x->places[i].pid) note_pack(&x->places[i].packs, name);
    ears->pack(ears->ctx, name);
}

static int hear_end(struct fork_exec *x, unsigned place, struct stm_rd *r,
                    const struct stm_exec_ears *ears)
{
    char text[256];
    struct stm_end e = {.heard = true, .text = text}, unused;
    size_t n;
    e.rc = -(int)stm_rd_u32(r);
    e.steps = stm_rd_u64(r);
    e.commits = stm_rd_u32(r);
    e.busy = stm_rd_u8(r) != 0;
    bool leaves = stm_rd_u8(r) != 0;
    e.peak_mb = stm_rd_f64(r);
    const char *s = stm_rd_str(r, &n);
    if (n >= sizeof text) n = sizeof text - 1;
    if (s) memcpy(text, s, n);
    text[s ? n : 0] = 0;
    x->places[place].busy = false;
    if (leaves) bury(&x->places[place], &unused);
    return ears->end(ears->ctx, place, &e);
}

/* One frame of a child, or its end. */
static int hear(struct fork_exec *x, unsigned place, const struct stm_exec_ears *ears)
{
    struct place *p = &x->places[place];
    if (!frame_receive(p->fd, &x->frame, NULL)) {
        struct stm_end e = {.heard = false, .text = ""};
        bool busy = p->busy;
        bury(p, &e);
        return busy ? ears->end(ears->ctx, place, &e) : 0;
    }
    struct stm_rd r = {.p = x->frame.p, .n = x->frame.n};
    switch (stm_rd_u8(&r)) {
    case 's': ears->step(ears->ctx, place, stm_rd_u64(&r)); return 0;
    case 'p': hear_pack(x, place, &r, ears); return 0;
    case 'e': return hear_end(x, place, &r, ears);
    }
    return 0;
}

static int fork_wait(void *exec, int ms, const struct stm_exec_ears *ears, struct stm_err *err)
{
    struct fork_exec *x = exec;
    struct pollfd p[STM_PLACES_MAX];
    unsigned which[STM_PLACES_MAX], n = 0;
    for (unsigned i = 0; i < x->o.places; i++)
        if (x->places[i].pid) {
            which[n] = i;
            p[n++] = (struct pollfd){.fd = x->places[i].fd, .events = POLLIN};
        }
    int ready = poll(p, n, ms);
    if (ready < 0 && errno != EINTR) return stm_fail_errno(err, errno, "waiting for workers: poll");
    for (unsigned i = 0; ready > 0 && i < n; i++) {
        int rc = p[i].revents ? hear(x, which[i], ears) : 0;
        if (rc) return rc;
    }
    return 0;
}

static void fork_stop(void *exec)
{
    struct fork_exec *x = exec;
    for (unsigned i = 0; i < x->o.places; i++)
        if (x->places[i].pid) kill(x->places[i].pid, SIGTERM);
}

/* Closing the line ends a child that is idle. */
static void fork_close(void *exec)
{
    struct fork_exec *x = exec;
    struct stm_end unused;
    if (!x) return;
    for (unsigned i = 0; i < x->o.places; i++) {
        if (x->places[i].busy) kill(x->places[i].pid, SIGKILL);
        if (x->places[i].pid) bury(&x->places[i], &unused);
        stm_free(x->places[i].packs.name);
    }
    stm_buf_release(&x->frame);
    stm_free(x->places);
    stm_free(x);
}

const struct stm_executor stm_exec_fork = {
    .name = "fork",
    .open = fork_open,
    .start = fork_start,
    .wait = fork_wait,
    .stop = fork_stop,
    .close = fork_close,
};
