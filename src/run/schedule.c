/* Jobs to places, until nothing is left. A worker that dies, of whatever, has lost only what came
 * after its last anchor; its task is made again from the store.
 *
 * What a job has changed is seen when the view is resolved again. That takes a time that grows with
 * the plan, so it is not done after each job: not before it is a small part of the time that has
 * passed since, unless there is nothing else to give out. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/mem.h"
#include "run/queue.h"

enum {
    BARREN_MAX = 5,     /* workers in a row with nothing new in the store: the task is given up */
    DEATHS_TOLD = 3,    /* deaths on one trajectory: the user is told */
    WAIT_MS = 200,      /* between looks at the interrupt */
    ELSEWHERE_MS = 100, /* between looks at what another process works on */
    FORKS_MAX = 25,     /* refused one after the other, WAIT_MS apart, while no worker runs */
    LOOK_SHARE = 20,    /* looking at the store takes at most one part in so many of the time; */
    COUPLED_SHARE = 2   /* where the end of one seed is also that of others, which train on */
};

/* What a job extends. The start of a trajectory becomes known while its first job runs, so one made
 * before and one made after are compared by the origin as well as by the key. */
struct stretch {
    struct stm_id origin, key; /* no id: the start is a stored state; not known yet */
};

struct slot {
    bool busy;
    struct stretch stretch; /* so that it is not given out twice */
    struct stm_id id;       /* the same for setbacks.h */
    bool start_known;       /* what the store had when it began: is there anything new? */
    struct stm_id head;
    int node;
    unsigned seed;
    uint64_t from, until, step;
    unsigned look; /* the view that the job was made from */
};

struct scheduler {
    struct stm_view *v;
    const struct stm_run_options *o;
    struct stm_run_outcome *out;
    const struct stm_executor *exec;
    void *x;
    struct slot *slots;
    struct stm_queue queue;
    unsigned jobs, busy;
    uint64_t anchor_every;
    unsigned width;   /* workers at once: `jobs` until the memory proves too small for so many */
    unsigned refused; /* attempts to start a worker that failed in a row */
    bool stopping;
    bool stale; /* a job has ended since the last look at the store */
    unsigned looks, share;
    uint64_t looked, looking; /* ns: when the last look ended, how long it took */
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now_ms(void) { return now_ns() / 1000000; }

/* ---- what runs ---- */

static struct stretch stretch_of(const struct stm_task *t)
{
    struct stretch x = {0};
    if (t->piece->derived) x.origin = t->piece->origin_key;
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
        if (!s->slots[i].busy) continue;
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
    struct slot slot = {.busy = true,
                        .stretch = stretch_of(t),
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

/* ---- giving out ---- */

/* Returns 0 or errno. */
static int start(struct scheduler *s, unsigned place, const struct stm_task *t)
{
    struct slot made = slot_for(t);
    const struct stm_setback *b = stm_setback_find(s->v, &made.id);
    struct stm_arena arena = {0};
    struct stm_job job;
    int e = ENOMEM;
    if (!stm_task_job(s->v, t, &arena, &job, NULL)) {
        job.usual = s->anchor_every;
        job.anchor_every = b && b->anchor_every ? b->anchor_every : s->anchor_every;
        e = s->exec->start(s->x, place, &job);
    }
    stm_arena_release(&arena);
    if (e) return e;
    made.look = s->looks;
    s->slots[place] = made;
    s->busy++;
    return 0;
}

static bool may_start(void *ctx, const struct stm_queue_entry *e)
{
    const struct scheduler *s = ctx;
    const struct stm_setback *b = stm_setback_find(s->v, &e->id);
    struct stretch stretch = stretch_of(e->task);
    if (b && (b->given_up || b->elsewhere > now_ms())) return false;
    return !running(s, &stretch);
}

/* A worker could not be started: others that run may end and make room, else it is tried again for
 * a while. */
static int not_started(struct scheduler *s, int e, struct stm_err *err)
{
    bool passes = e == EAGAIN || e == ENOMEM || e == EMFILE || e == ENFILE;
    s->stale = true; /* the task is asked for again */
    if (passes && s->busy) return 0;
    if (!passes || ++s->refused > FORKS_MAX) return stm_fail_errno(err, e, "starting a worker");
    poll(NULL, 0, WAIT_MS);
    return 0;
}

static int fill(struct scheduler *s, struct stm_err *err)
{
    for (unsigned i = 0; !s->stopping && s->busy < s->width && i < s->jobs; i++) {
        if (s->slots[i].busy) continue;
        const struct stm_task *t = stm_queue_take(&s->queue, may_start, s);
        if (!t) break;
        int e = start(s, i, t);
        if (e) return not_started(s, e, err);
        s->refused = 0;
    }
    return 0;
}

/* ---- looking ---- */

static int look(struct scheduler *s, struct stm_err *err)
{
    uint64_t began = now_ns();
    s->queue.n = s->queue.first = 0; /* its tasks are of the view before */
    int rc = stm_view_refresh(s->v, err);
    if (!rc) rc = stm_queue_fill(&s->queue, s->v, err);
    s->stale = false;
    s->looks++;
    s->looked = now_ns();
    s->looking = s->looked - began;
    return rc;
}

static bool is_due(const struct scheduler *s)
{
    return s->stale && now_ns() - s->looked >= (s->share - 1) * s->looking;
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

/* ---- hearing ---- */

static void on_step(void *ctx, unsigned place, uint64_t step)
{
    struct scheduler *s = ctx;
    struct slot *slot = &s->slots[place];
    if (step > slot->step) slot->step = step;
    tell(s, slot, false);
}

static void on_pack(void *ctx, const char *name)
{
    const struct scheduler *s = ctx;
    stm_store_learn(s->v->store, name);
}

/* Another process has the trajectory: it is asked for again after a while. */
static int is_elsewhere(struct scheduler *s, const struct slot *slot, struct stm_err *err)
{
    struct stm_setback *b = stm_setback_note(s->v, &slot->id, slot->node, slot->seed);
    if (!b) return stm_fail(err, STM_E_NOMEM, "running: out of memory");
    b->elsewhere = now_ms() + ELSEWHERE_MS;
    return 0;
}

static void count(struct scheduler *s, const struct slot *slot, const struct stm_end *e)
{
    s->out->stretches++;
    s->out->steps += e->step - slot->from;
    if (e->peak_mb > s->out->peak_mb) s->out->peak_mb = e->peak_mb;
}

/* The job in `slot` did not end as jobs do: looks at the store, and at what is to be done. */
static int look_after(struct scheduler *s, const struct slot *slot, const struct stm_end *e,
                      struct stm_err *err)
{
    int rc = look(s, err);
    if (rc || s->stopping) return rc;
    bool moved = advanced(s, slot);
    if (stm_end_died(e) || of_one_arm(e->rc) || !moved) {
        rc = take_setback(s, slot, e, moved, err);
        return rc ? rc : stm_queue_fill(&s->queue, s->v, err);
    }
    struct stm_setback *b = stm_setback_find(s->v, &slot->id);
    if (b) b->barren = 0;
    s->out->restarts++;
    return 0;
}

struct hearing {
    struct scheduler *s;
    struct stm_err *err;
};

static int take_end(struct scheduler *s, struct slot *slot, struct stm_end *e, struct stm_err *err)
{
    slot->busy = false;
    s->busy--;
    s->stale = true;
    /* A look while it ran found the task as it was before. */
    if (slot->look != s->looks) stm_queue_drop(&s->queue, &slot->id);
    if (e->busy) return is_elsewhere(s, slot, err);
    if (e->heard) slot->step = slot->from + e->steps;
    e->from = slot->from;
    e->step = slot->step;
    count(s, slot, e);
    if (ends_run(e)) return stm_fail(err, e->rc, "%s", e->text);
    if (!e->heard || e->rc || !e->commits) {
        if (e->heard && !e->rc) tell(s, slot, true);
        return look_after(s, slot, e, err);
    }
    tell(s, slot, true);
    struct stm_setback *b = stm_setback_find(s->v, &slot->id);
    if (b) b->barren = 0;
    return 0;
}

static int on_end(void *ctx, unsigned place, struct stm_end *e)
{
    const struct hearing *h = ctx;
    return take_end(h->s, &h->s->slots[place], e, h->err);
}

static void hearing_step(void *ctx, unsigned place, uint64_t step)
{
    on_step(((const struct hearing *)ctx)->s, place, step);
}

static void hearing_pack(void *ctx, const char *name)
{
    on_pack(((const struct hearing *)ctx)->s, name);
}

static int listen_for(struct scheduler *s, int ms, struct stm_err *err)
{
    struct hearing h = {s, err};
    struct stm_exec_ears ears = {
        .ctx = &h, .step = hearing_step, .pack = hearing_pack, .end = on_end};
    return s->exec->wait(s->x, ms, &ears, err);
}

/* ---- the run ---- */

static void stop_workers(struct scheduler *s)
{
    if (s->stopping) return;
    s->stopping = true;
    s->exec->stop(s->x);
}

/* Whether something is left that another process works on. */
static bool waits_for_others(const struct scheduler *s)
{
    for (size_t i = s->queue.first; i < s->queue.n; i++) {
        const struct stm_setback *b = stm_setback_find(s->v, &s->queue.e[i].id);
        if (s->queue.e[i].task && b && !b->given_up && b->elsewhere) return true;
    }
    return false;
}

/* Nothing runs, and nothing could be given out: looks again, waits for another process, or says
 * that this is the end. */
static int idle(struct scheduler *s, bool *end, struct stm_err *err)
{
    *end = s->stopping;
    if (*end) return s->stale ? look(s, err) : 0;
    if (s->stale) return look(s, err);
    *end = !waits_for_others(s);
    if (*end) return 0;
    poll(NULL, 0, ELSEWHERE_MS);
    return look(s, err);
}

static int run_all(struct scheduler *s, struct stm_err *err)
{
    int rc = stm_queue_fill(&s->queue, s->v, err);
    for (bool end = false; !rc && !end;) {
        if (s->o->interrupt && *s->o->interrupt) stop_workers(s);
        rc = is_due(s) ? look(s, err) : 0;
        if (!rc) rc = fill(s, err);
        if (!rc && s->busy < s->width && s->stale && !s->stopping) {
            rc = look(s, err); /* a place is free, and the queue has nothing for it */
            if (!rc) rc = fill(s, err);
        }
        if (rc) break;
        rc = s->busy ? listen_for(s, WAIT_MS, err) : idle(s, &end, err);
    }
    if (rc || !s->stopping) return rc;
    return stm_fail(err, STM_E_INTERRUPTED, "interrupted; everything so far is saved");
}

/* Lets those that still run save what they have. */
static void drain(struct scheduler *s)
{
    struct stm_err ignored;
    if (!s->busy) return;
    stop_workers(s);
    while (s->busy) listen_for(s, WAIT_MS, &ignored);
}

/* Whether some stop or fork is one for all seeds. */
static bool is_coupled(const struct stm_plan *p)
{
    bool yes = false;
    for (unsigned i = 0; i < p->n_forks; i++)
        yes = yes || p->forks[i].at.kind == STM_T_ALL || p->forks[i].at.kind == STM_T_ANY;
    for (unsigned i = 0; i < p->n_nodes; i++)
        for (unsigned k = 0; p->nodes[i].stop && k < p->nodes[i].stop->n; k++) {
            enum stm_time_kind kind = p->nodes[i].stop->alternatives[k].kind;
            yes = yes || kind == STM_T_ALL || kind == STM_T_ANY;
        }
    return yes;
}

static int open_executor(struct scheduler *s, struct stm_err *err)
{
    struct stm_exec_options o = {.plan = s->v->plan,
                                 .columns = &s->v->columns,
                                 .store = stm_store_dir(s->v->store),
                                 .places = s->jobs};
    s->exec = stm_executor_find(NULL);
    s->slots = stm_calloc(s->jobs, sizeof *s->slots);
    if (!s->slots) return stm_fail(err, STM_E_NOMEM, "starting workers: out of memory");
    return s->exec->open(&s->x, &o, err);
}

int stm_run_execute(struct stm_view *v, const struct stm_run_options *options,
                    struct stm_run_outcome *outcome, struct stm_err *err)
{
    struct scheduler s = {.v = v, .o = options, .out = outcome};
    *outcome = (struct stm_run_outcome){0};
    if (strcmp(stm_engine_profile(), v->profile))
        return stm_fail(err, STM_E_PROFILE,
                        "this machine computes under profile %s, the plan asks for %s",
                        stm_engine_profile(), v->profile);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    s.jobs = options->jobs ? options->jobs : cores > 0 ? (unsigned)cores : 1;
    if (s.jobs > STM_PLACES_MAX) s.jobs = STM_PLACES_MAX;
    s.width = s.jobs;
    s.share = is_coupled(v->plan) ? COUPLED_SHARE : LOOK_SHARE;
    s.anchor_every = options->anchor_every ? options->anchor_every : STM_ANCHOR_EVERY;
    /* Where the caller's caller ignores it, nobody would learn how a worker ended. */
    struct sigaction chld = {.sa_handler = SIG_DFL}, before;
    sigaction(SIGCHLD, &chld, &before);
    int rc = open_executor(&s, err);
    if (!rc) rc = run_all(&s, err);
    if (s.x) drain(&s);
    if (s.x) s.exec->close(s.x);
    sigaction(SIGCHLD, &before, NULL);
    stm_queue_release(&s.queue);
    stm_free(s.slots);
    return rc;
}
