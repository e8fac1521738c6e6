/* Tasks on worker processes, one each. A worker that dies, of whatever, has lost only what came
 * after its last anchor; its task is made again from the store. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/mem.h"
#include "run/process.h"

enum {
    JOBS_MAX = 256,
    BARREN_MAX = 5,  /* workers in a row with nothing new in the store: the task is given up */
    DEATHS_TOLD = 3, /* deaths on one trajectory: the user is told */
    WAIT_MS = 200,
    FORKS_MAX = 25 /* refused one after the other, WAIT_MS apart, while no worker runs */
};

/* What a task extends. The start of a trajectory becomes known while its first task runs, so a task
 * made before and one made after are compared by the origin as well as by the key. */
struct stretch {
    struct stm_id origin, key; /* no id: the start is a stored state; not known yet */
};

struct slot {
    struct stm_process process; /* no pid: free */
    struct stretch stretch;     /* the task's identity, so that it is not given out twice */
    struct stm_id id;           /* the same for setbacks.h */
    bool start_known;           /* what the store had when it began: is there anything new? */
    struct stm_id head;
    int node;
    unsigned seed;
    uint64_t from, until, step;
};

struct scheduler {
    struct stm_view *v;
    const struct stm_run_options *o;
    struct stm_run_outcome *out;
    struct slot *slots;
    pid_t parent;
    unsigned jobs, busy;
    uint64_t anchor_every;
    unsigned width;   /* workers at once: `jobs` until the memory proves too small for so many */
    unsigned refused; /* attempts to start a worker that failed in a row */
    bool stopping;
};

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
        if (!s->slots[i].process.pid) continue;
        if (same_id(&x->origin, &y->origin) || same_id(&x->key, &y->key)) return true;
    }
    return false;
}

static struct stm_id head_of(const struct stm_task *t)
{
    return t->piece->trail ? t->piece->trail->head : (struct stm_id){0};
}

static struct slot slot_for(const struct stm_task *t)
{
    const struct stm_trail_entry *a =
        t->piece->trail ? stm_trail_anchor(t->piece->trail, t->resume) : NULL;
    struct slot slot = {.stretch = stretch_of(t),
                        .id = stm_setback_id(t),
                        .start_known = t->piece->start_known,
                        .head = head_of(t),
                        .node = t->node,
                        .seed = t->seed,
                        .from = a ? a->step : t->piece->from,
                        .until = t->until};
    slot.step = slot.from;
    return slot;
}

/* Returns 0 or errno. */
static int start(struct scheduler *s, struct slot *slot, const struct stm_task *t)
{
    int others[JOBS_MAX];
    struct slot made = slot_for(t);
    const struct stm_setback *b = stm_setback_find(s->v, &made.id);
    struct stm_process_job job = {.view = s->v,
                                  .task = t,
                                  .parent = s->parent,
                                  .from = made.from,
                                  .anchor_every = s->anchor_every,
                                  .usual = s->anchor_every,
                                  .others = others};
    if (b && b->anchor_every) job.anchor_every = b->anchor_every;
    for (unsigned i = 0; i < s->jobs; i++)
        if (s->slots[i].process.pid) others[job.n_others++] = s->slots[i].process.fd;
    int e = stm_process_start(&made.process, &job);
    if (e) return e;
    *slot = made;
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

/* The most urgent task that does not extend what a worker extends already; NULL: none. One whose
 * workers left nothing new waits until the others have been given out. */
static const struct stm_task *next_task(const struct scheduler *s)
{
    const struct stm_task *best = NULL;
    unsigned least = 0;
    for (size_t i = 0; i < s->v->n_tasks; i++) {
        const struct stm_task *t = &s->v->tasks[i];
        struct stretch stretch = stretch_of(t);
        struct stm_id id = stm_setback_id(t);
        const struct stm_setback *b = stm_setback_find(s->v, &id);
        unsigned barren = b ? b->barren : 0;
        if ((b && b->given_up) || running(s, &stretch)) continue;
        if (best &&
            (barren > least || (barren == least && urgency(s->v, t) <= urgency(s->v, best))))
            continue;
        best = t;
        least = barren;
    }
    return best;
}

/* A worker could not be started: others that run may end and make room, else it is tried again for
 * a while. */
static int not_started(struct scheduler *s, int e, struct stm_err *err)
{
    bool passes = e == EAGAIN || e == ENOMEM || e == EMFILE || e == ENFILE;
    if (passes && s->busy) return 0;
    if (!passes || ++s->refused > FORKS_MAX) return stm_fail_errno(err, e, "starting a worker");
    poll(NULL, 0, WAIT_MS);
    return 0;
}

/* *idle: nothing runs, and there is nothing to run. */
static int fill(struct scheduler *s, bool *idle, struct stm_err *err)
{
    const struct stm_task *t = NULL;
    for (unsigned i = 0; !s->stopping && s->busy < s->width && i < s->jobs; i++) {
        if (s->slots[i].process.pid) continue;
        t = next_task(s);
        if (!t) break;
        int e = start(s, &s->slots[i], t);
        if (e) {
            *idle = false;
            return not_started(s, e, err);
        }
        s->refused = 0;
    }
    *idle = !s->busy;
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

/* Takes one message; false at the end of the pipe. */
static bool receive(const struct scheduler *s, struct slot *slot)
{
    struct stm_message m;
    if (!stm_process_receive(&slot->process, &m)) return false;
    if (m.final) return true;
    if (m.step > slot->step) slot->step = m.step;
    tell(s, slot, false);
    return true;
}

static void notice(const struct scheduler *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void notice(const struct scheduler *s, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (s->o->notice) s->o->notice(s->o->ctx, text);
}

/* Whether the store has something new since the worker in `slot` began, or the task is done. */
static bool advanced(const struct scheduler *s, const struct slot *slot)
{
    for (size_t i = 0; i < s->v->n_tasks; i++) {
        const struct stm_task *t = &s->v->tasks[i];
        struct stm_id id = stm_setback_id(t), head = head_of(t);
        if (!stm_id_eq(&id, &slot->id)) continue;
        return t->piece->start_known != slot->start_known || !stm_id_eq(&head, &slot->head);
    }
    return true;
}

/* Errors that another worker on another trajectory need not have. */
static bool of_one_arm(int rc)
{
    return rc == STM_E_MISMATCH || rc == STM_E_INVALID || rc == STM_E_ENGINE;
}

static bool ends_run(const struct stm_end *e)
{
    bool again = e->rc == STM_E_CONFLICT || e->rc == STM_E_INTERRUPTED;
    return e->rc && !stm_end_died(e) && !again && !of_one_arm(e->rc);
}

/* Killed for want of memory while others ran: they may have had it. As many as are left then fit;
 * true when that may help. */
static bool make_room(struct scheduler *s, const struct slot *slot, const struct stm_end *e)
{
    if (!s->busy || s->busy >= s->width || !stm_end_of_memory(e)) return false;
    s->width = s->busy;
    notice(s,
           "a worker of %s#%d died, likely for want of memory (it had %.0f MB): going on with %u",
           s->v->plan->nodes[slot->node].path, s->v->seeds[slot->seed], e->peak_mb, s->width);
    return true;
}

static void tell_of_deaths(struct scheduler *s, struct stm_setback *b, const struct stm_end *e)
{
    char of[32];
    bool told = b->deaths < DEATHS_TOLD;
    for (size_t i = 0; i < s->v->n_setbacks; i++)
        told = told || (s->v->setbacks[i].told && s->v->setbacks[i].node == b->node);
    if (told) return;
    b->told = true;
    stm_end_of(e, of);
    notice(s, "workers of %s#%d die again and again (the last one of %s, at step %llu); %s",
           s->v->plan->nodes[b->node].path, s->v->seeds[b->seed], of, (unsigned long long)e->step,
           b->anchor_every ? "states are stored more often" : "each goes on where the store ends");
}

/* A worker has died, or left nothing new in the store, or said that the task cannot be done. */
static int take_setback(struct scheduler *s, const struct slot *slot, const struct stm_end *e,
                        bool moved, struct stm_err *err)
{
    struct stm_setback *b = stm_setback_note(s->v, &slot->id, slot->node, slot->seed);
    if (!b) return stm_fail(err, STM_E_NOMEM, "running: out of memory");
    if (e->heard && of_one_arm(e->rc)) {
        stm_setback_refuse(b, e);
        return 0;
    }
    s->out->restarts++;
    b->deaths += stm_end_died(e);
    if (moved) b->barren = 0;
    if (!moved && stm_end_died(e))
        stm_setback_store_earlier(b, e, s->anchor_every, s->v->plan->every);
    if (!moved && !make_room(s, slot, e)) b->barren++;
    if (b->barren >= BARREN_MAX)
        stm_setback_give_up(b, e);
    else
        tell_of_deaths(s, b, e);
    return 0;
}

/* Frees the slot of a worker that has closed its pipe. */
static void bury(struct scheduler *s, struct slot *slot, struct stm_end *e)
{
    stm_process_wait(&slot->process, e);
    s->busy--;
    if (e->heard) slot->step = slot->from + slot->process.last.steps;
    e->from = slot->from;
    e->step = slot->step;
    s->out->steps += slot->step - slot->from;
    if (e->peak_mb > s->out->peak_mb) s->out->peak_mb = e->peak_mb;
}

/* The worker in `slot` has ended: takes its answer and looks at the store again. */
static int reap(struct scheduler *s, struct slot *slot, struct stm_err *err)
{
    struct stm_end e;
    bury(s, slot, &e);
    if (ends_run(&e)) return stm_fail(err, e.rc, "%s", e.text);
    bool done = e.heard && !e.rc;
    if (done) tell(s, slot, true);
    int rc = stm_view_refresh(s->v, err);
    if (rc || s->stopping) return rc;
    bool moved = advanced(s, slot);
    if (stm_end_died(&e) || of_one_arm(e.rc) || !moved)
        return take_setback(s, slot, &e, moved, err);
    struct stm_setback *b = stm_setback_find(s->v, &slot->id);
    if (b) b->barren = 0;
    s->out->restarts += !done;
    return 0;
}

static void stop_workers(struct scheduler *s)
{
    if (s->stopping) return;
    s->stopping = true;
    for (unsigned i = 0; i < s->jobs; i++)
        if (s->slots[i].process.pid) kill(s->slots[i].process.pid, SIGTERM);
}

/* Waits for messages of any worker and handles them. */
static int wait_some(struct scheduler *s, struct stm_err *err)
{
    struct pollfd p[JOBS_MAX];
    unsigned which[JOBS_MAX], n = 0;
    for (unsigned i = 0; i < s->jobs; i++)
        if (s->slots[i].process.pid) {
            which[n] = i;
            p[n++] = (struct pollfd){.fd = s->slots[i].process.fd, .events = POLLIN};
        }
    int ready = poll(p, n, WAIT_MS);
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
        bool idle;
        int rc = fill(s, &idle, err);
        if (rc) return rc;
        if (idle) break;
        rc = s->busy ? wait_some(s, err) : 0;
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
    s.width = s.jobs;
    s.anchor_every = options->anchor_every ? options->anchor_every : 4000;
    s.slots = stm_calloc(s.jobs, sizeof *s.slots);
    if (!s.slots) return stm_fail(err, STM_E_NOMEM, "starting workers: out of memory");
    /* Where the caller's caller ignores it, nobody would learn how a worker ended. */
    struct sigaction chld = {.sa_handler = SIG_DFL}, before;
    sigaction(SIGCHLD, &chld, &before);
    int rc = run_all(&s, err);
    if (rc && s.busy) { /* let the others save what they have */
        stop_workers(&s);
        while (s.busy) {
            struct stm_err ignored;
            if (wait_some(&s, &ignored) && !s.busy) break;
        }
    }
    sigaction(SIGCHLD, &before, NULL);
    stm_free(s.slots);
    return rc;
}
