/* Tasks on worker processes: fork, one task each, a pipe back. A worker that dies, of whatever, has
 * lost only what came after its last anchor; its task is made again from the store. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/mem.h"
#include "run/worker.h"

enum { JOBS_MAX = 256, BARREN_MAX = 5 };

/* What a worker sends: small enough that a pipe takes it in one piece. */
struct message {
    bool final;
    int rc;
    uint64_t step, steps;
    double peak_mb;
    char text[256];
};
_Static_assert(sizeof(struct message) <= 512, "a message must fit into PIPE_BUF");

/* What a task extends. The start of a trajectory becomes known while its first task runs, so a task
 * made before and one made after are compared by the origin as well as by the key. */
struct stretch {
    struct stm_id origin, key; /* no id: the start is a stored state; not known yet */
};

struct slot {
    pid_t pid; /* 0: free */
    int fd;
    struct stretch stretch; /* the task's identity, so that it is not given out twice */
    int node;
    unsigned seed;
    uint64_t from, until, step;
    bool heard; /* the final message has come */
    struct message last;
};

struct scheduler {
    struct stm_view *v;
    const struct stm_run_options *o;
    struct stm_run_outcome *out;
    struct slot *slots;
    pid_t parent;
    unsigned jobs, busy;
    uint64_t anchor_every;
    unsigned barren; /* workers that died in a row without anything new in the store */
    bool stopping;
};

/* ---- in the worker ---- */

static volatile sig_atomic_t stop_requested;
static volatile int stop_flag;

static void on_stop(int sig)
{
    (void)sig;
    stop_requested = 1;
    stop_flag = 1;
}

static void send_message(int fd, const struct message *m)
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

static void send_progress(void *ctx, uint64_t step)
{
    struct message m = {.step = step};
    send_message(*(const int *)ctx, &m);
}

/* `mask` is put back once the worker's own handlers stand: until then a request to stop waits. */
static int worker_main(const struct scheduler *s, const struct stm_task *t, int fd,
                       const sigset_t *mask)
{
    struct sigaction sa = {.sa_handler = on_stop};
    struct stm_err err = {0};
    struct stm_store *store = NULL;
    struct message m = {.final = true};
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != s->parent) stop_flag = 1; /* it died before the line above */
    int rc = stm_store_open(&store, stm_store_dir(s->v->store), 0, &err);
    struct stm_work w = {.view = s->v,
                         .task = t,
                         .store = store,
                         .anchor_every = s->anchor_every,
                         .interrupt = &stop_flag,
                         .progress = send_progress,
                         .ctx = &fd};
    if (!rc) rc = stm_work_do(&w, &m.steps, &err);
    stm_store_close(store);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    m.peak_mb = (double)usage.ru_maxrss / 1024.0;
    m.rc = rc;
    memcpy(m.text, err.msg, sizeof m.text);
    send_message(fd, &m);
    close(fd);
    return 0;
}

/* ---- in the parent ---- */

static struct stretch stretch_of(const struct stm_task *t)
{
    struct stretch x = {0};
    if (t->piece->derived) x.origin = stm_origin_key(&t->piece->origin);
    if (t->piece->start_known) x.key = t->piece->key;
    return x;
}

static bool same_id(const struct stm_id *a, const struct stm_id *b)
{
    return a->alg && stm_id_eq(a, b);
}

static bool running(const struct scheduler *s, const struct stretch *x)
{
    for (unsigned i = 0; i < s->jobs; i++) {
        const struct stretch *y = &s->slots[i].stretch;
        if (!s->slots[i].pid) continue;
        if (same_id(&x->origin, &y->origin) || same_id(&x->key, &y->key)) return true;
    }
    return false;
}

static int start(struct scheduler *s, struct slot *slot, const struct stm_task *t,
                 struct stm_err *err)
{
    int fd[2];
    if (pipe(fd)) return stm_fail_errno(err, errno, "starting a worker: pipe");
    sigset_t stop, mask;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, &mask);
    pid_t pid = fork();
    int e = errno;
    if (pid == 0) {
        close(fd[0]);
        _exit(worker_main(s, t, fd[1], &mask));
    }
    sigprocmask(SIG_SETMASK, &mask, NULL);
    if (pid < 0) {
        close(fd[0]);
        close(fd[1]);
        return stm_fail_errno(err, e, "starting a worker: fork");
    }
    close(fd[1]);
    const struct stm_trail_entry *a =
        t->piece->trail ? stm_trail_anchor(t->piece->trail, t->resume) : NULL;
    *slot = (struct slot){.pid = pid,
                          .fd = fd[0],
                          .stretch = stretch_of(t),
                          .node = t->node,
                          .seed = t->seed,
                          .from = a ? a->step : t->piece->from,
                          .until = t->until};
    slot->step = slot->from;
    s->busy++;
    s->out->stretches++;
    return 0;
}

/* How far the arm of a task will go: the mean of its seeds that are done, the bound of the task
 * while there are none. */
static uint64_t expected_end(const struct stm_view *v, const struct stm_task *t)
{
    uint64_t sum = 0, n = 0;
    for (unsigned i = 0; i < v->n_seeds; i++) {
        const struct stm_replicate *r = stm_view_replicate(v, t->node, i);
        if (r->pub.status != STM_REP_DONE) continue;
        sum += r->pub.last;
        n++;
    }
    return n && sum / n < t->until ? sum / n : t->until;
}

/* Tasks on which forks wait go first, then the longest ones, so that none of these begins when the
 * other processors have run out of work. */
static uint64_t urgency(const struct stm_view *v, const struct stm_task *t)
{
    const uint64_t gate = UINT64_C(1) << 62;
    uint64_t from = t->piece->from, end = expected_end(v, t);
    if (t->piece->trail && t->piece->trail->exists && t->piece->trail->last > from)
        from = t->piece->trail->last;
    return (v->plan->nodes[t->node].n_forks ? gate : 0) + (end > from ? end - from : 0);
}

/* The most urgent task that does not extend what a worker extends already; NULL: none. */
static const struct stm_task *next_task(const struct scheduler *s)
{
    const struct stm_task *best = NULL;
    for (size_t i = 0; i < s->v->n_tasks; i++) {
        const struct stm_task *t = &s->v->tasks[i];
        struct stretch stretch = stretch_of(t);
        if (running(s, &stretch)) continue;
        if (!best || urgency(s->v, t) > urgency(s->v, best)) best = t;
    }
    return best;
}

static int fill(struct scheduler *s, struct stm_err *err)
{
    for (unsigned i = 0; !s->stopping && i < s->jobs; i++) {
        if (s->slots[i].pid) continue;
        const struct stm_task *t = next_task(s);
        if (!t) return 0;
        int rc = start(s, &s->slots[i], t, err);
        if (rc) return rc;
    }
    return 0;
}

static void tell(const struct scheduler *s, const struct slot *slot, bool done)
{
    struct stm_progress p = {.node = slot->node,
                             .seed = slot->seed,
                             .step = slot->step,
                             .from = slot->from,
                             .until = slot->until};
    if (s->o->progress) s->o->progress(s->o->ctx, &p, done);
}

/* Reads one message; false at the end of the pipe. */
static bool receive(struct scheduler *s, struct slot *slot)
{
    struct message m;
    char *p = (char *)&m;
    size_t have = 0;
    while (have < sizeof m) {
        ssize_t n = read(slot->fd, p + have, sizeof m - have);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        have += (size_t)n;
    }
    if (m.final) {
        slot->heard = true;
        slot->last = m;
    } else {
        slot->step = m.step;
        tell(s, slot, false);
    }
    return true;
}

static uint64_t stored_steps(const struct stm_view *v)
{
    uint64_t n = v->n_slots;
    for (size_t i = 0; i < v->cap_slots; i++)
        if (v->slots[i]) n += v->slots[i]->trail.last + v->slots[i]->trail.n_entries;
    return n;
}

/* The worker in `slot` has ended: takes its answer and looks at the store again. */
static int reap(struct scheduler *s, struct slot *slot, struct stm_err *err)
{
    int status = 0;
    uint64_t before = stored_steps(s->v);
    close(slot->fd);
    while (waitpid(slot->pid, &status, 0) < 0 && errno == EINTR) {
    }
    slot->pid = 0;
    s->busy--;
    const struct message *m = &slot->last;
    if (slot->heard) {
        s->out->steps += m->steps;
        if (m->peak_mb > s->out->peak_mb) s->out->peak_mb = m->peak_mb;
        slot->step = slot->from + m->steps;
    }
    bool retry = !slot->heard || m->rc == STM_E_CONFLICT;
    if (slot->heard && m->rc == STM_E_INTERRUPTED && !s->stopping) retry = true;
    if (slot->heard && m->rc && m->rc != STM_E_INTERRUPTED && !retry)
        return stm_fail(err, m->rc, "%s", m->text);
    if (slot->heard && !m->rc) tell(s, slot, true);
    int rc = stm_view_refresh(s->v, err);
    if (rc || !retry) {
        s->barren = retry ? s->barren : 0;
        return rc;
    }
    s->out->restarts++;
    s->barren = stored_steps(s->v) > before ? 0 : s->barren + 1;
    if (s->barren < BARREN_MAX || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) return 0;
    return stm_fail(err, STM_E_ENGINE,
                    "workers died %d times in a row without progress (the last one by signal %d)",
                    s->barren, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void stop_workers(struct scheduler *s)
{
    if (s->stopping) return;
    s->stopping = true;
    for (unsigned i = 0; i < s->jobs; i++)
        if (s->slots[i].pid) kill(s->slots[i].pid, SIGTERM);
}

/* Waits for messages of any worker and handles them. */
static int wait_some(struct scheduler *s, struct stm_err *err)
{
    struct pollfd p[JOBS_MAX];
    unsigned which[JOBS_MAX], n = 0;
    for (unsigned i = 0; i < s->jobs; i++)
        if (s->slots[i].pid) {
            which[n] = i;
            p[n++] = (struct pollfd){.fd = s->slots[i].fd, .events = POLLIN};
        }
    int ready = poll(p, n, 200);
    if (ready < 0 && errno != EINTR) return stm_fail_errno(err, errno, "waiting for workers: poll");
    for (unsigned i = 0; ready > 0 && i < n; i++) {
        struct slot *slot = &s->slots[which[i]];
        if (!p[i].revents || receive(s, slot)) continue;
        int rc = reap(s, slot, err);
        if (rc) return rc;
    }
    return 0;
}

static int run_all(struct scheduler *s, struct stm_err *err)
{
    for (;;) {
        if (s->o->interrupt && *s->o->interrupt) stop_workers(s);
        int rc = fill(s, err);
        if (rc) return rc;
        if (!s->busy) break;
        rc = wait_some(s, err);
        if (rc) return rc;
    }
    return s->stopping ? stm_fail(err, STM_E_INTERRUPTED, "interrupted; everything so far is saved")
                       : 0;
}

int stm_run_execute(struct stm_view *v, const struct stm_run_options *options,
                    struct stm_run_outcome *outcome, struct stm_err *err)
{
    struct scheduler s = {.v = v, .o = options, .out = outcome, .parent = getpid()};
    *outcome = (struct stm_run_outcome){0};
    if (strcmp(stm_engine_profile(), v->profile))
        return stm_fail(err, STM_E_PROFILE,
                        "this machine computes under profile %s, the plan asks for %s",
                        stm_engine_profile(), v->profile);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    s.jobs = options->jobs ? options->jobs : cores > 0 ? (unsigned)cores : 1;
    if (s.jobs > JOBS_MAX) s.jobs = JOBS_MAX;
    s.anchor_every = options->anchor_every ? options->anchor_every : 4000;
    s.slots = stm_calloc(s.jobs, sizeof *s.slots);
    if (!s.slots) return stm_fail(err, STM_E_NOMEM, "starting workers: out of memory");
    int rc = run_all(&s, err);
    if (rc && s.busy) { /* let the others save what they have */
        stop_workers(&s);
        while (s.busy) {
            struct stm_err ignored;
            if (wait_some(&s, &ignored) && !s.busy) break;
        }
    }
    stm_free(s.slots);
    return rc;
}
