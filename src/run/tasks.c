/* From demands to tasks for workers. */
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "run/resolve.h"

void stm_want_until(struct stm_demand *d, uint64_t step)
{
    if (step > d->until) d->until = step;
}

void stm_want_anchor(struct stm_demand *d, uint64_t step)
{
    for (unsigned i = 0; i < d->n_anchors; i++)
        if (d->anchors[i] == step) return;
    if (d->n_anchors < sizeof d->anchors / sizeof *d->anchors) d->anchors[d->n_anchors++] = step;
}

void stm_want_resume(struct stm_demand *d, uint64_t step)
{
    d->any = true;
    if (step < d->resume) d->resume = step;
    if (step > d->until) d->until = step;
}

/* ---- tasks by what they extend ---- */

/* A trajectory has the same name for all replicates of it: its key, its origin's while its first
 * state is not known. */
static const struct stm_id *name_of(const struct stm_piece *p)
{
    return p->start_known ? &p->key : &p->origin_key;
}

/* The slot of a trajectory: a task's, or a free one. */
static uint32_t *slot_of(const struct stm_view *v, const struct stm_id *name)
{
    uint64_t h;
    memcpy(&h, name->h, sizeof h);
    for (size_t i = (size_t)h;; i++) {
        uint32_t *slot = &v->task_slots[i & (v->n_task_slots - 1)];
        if (!*slot || stm_id_eq(name_of(v->tasks[*slot - 1].piece), name)) return slot;
    }
}

static struct stm_task *find_task(const struct stm_view *v, const struct stm_piece *p)
{
    uint32_t slot = v->n_task_slots ? *slot_of(v, name_of(p)) : 0;
    return slot ? &v->tasks[slot - 1] : NULL;
}

void stm_forget_tasks(struct stm_view *v)
{
    v->n_tasks = 0;
    if (v->task_slots) memset(v->task_slots, 0, v->n_task_slots * sizeof *v->task_slots);
}

/* Room for one more, in the array and in the table, which stays at most half full. */
static int reserve_task(struct stm_view *v)
{
    if (v->n_tasks < v->cap_tasks) return 0;
    size_t cap = v->cap_tasks ? 2 * v->cap_tasks : 64;
    struct stm_task *tasks = stm_realloc(v->tasks, cap * sizeof *tasks);
    if (!tasks) return STM_E_NOMEM;
    v->tasks = tasks;
    uint32_t *slots = stm_calloc(2 * cap, sizeof *slots);
    if (!slots) return STM_E_NOMEM;
    stm_free(v->task_slots);
    v->task_slots = slots;
    v->n_task_slots = 2 * cap;
    v->cap_tasks = cap;
    for (size_t i = 0; i < v->n_tasks; i++)
        *slot_of(v, name_of(v->tasks[i].piece)) = (uint32_t)i + 1;
    return 0;
}

/* ---- making them ---- */

/* The piece in which the first step that is wanted lies: a later one cannot be begun before. */
static const struct stm_piece *piece_of(const struct stm_replicate *r, uint64_t resume)
{
    for (unsigned i = 0; resume != STM_NEVER && i < r->n_pieces; i++)
        if (resume <= r->pieces[i].cut.lo) return &r->pieces[i];
    return &r->pieces[r->n_pieces - 1];
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* What a task executes of what was executed before: from its anchor to where something is missing,
 * and as far as measurements are missing. */
static uint64_t repeated(const struct stm_view *v, const struct stm_task *t)
{
    const struct stm_piece *p = t->piece;
    if (!p->trail || !p->trail->exists) return 0;
    uint64_t last = stm_piece_last(p), to = least(t->until, last);
    const struct stm_trail_entry *a =
        stm_job_anchor(&v->columns, p->from, t->resume, t->again, p->trail);
    uint64_t n = t->resume - (a ? a->step : p->from);
    return n + (t->again && to > t->resume ? to - t->resume : 0);
}

static struct stm_task make_task(const struct stm_view *v, const struct stm_replicate *r,
                                 const struct stm_demand *d)
{
    const struct stm_piece *p = piece_of(r, d->resume);
    struct stm_task t = {.node = r->node,
                         .seed = r->seed,
                         .piece = p,
                         .resume = least(d->resume, stm_piece_last(p)),
                         .again = d->resume != STM_NEVER,
                         .until = least(d->until, p->cut.hi),
                         .root = v->plan->nodes[r->node].fork < 0 && p == r->pieces,
                         .stop_events = d->stop_events,
                         .anchor_events = d->anchor_events,
                         .n_anchors = d->n_anchors};
    if (t.until < p->from) t.until = p->from;
    memcpy(t.anchors, d->anchors, sizeof t.anchors);
    for (unsigned e = 0; e < v->plan->n_events; e++)
        if (stm_range_known(r->event[e]) && r->event[e].lo <= p->from &&
            !(t.root && r->event[e].lo == p->from))
            t.latched |= UINT32_C(1) << e;
    return t;
}

int stm_add_task(struct stm_view *v, struct stm_replicate *r, const struct stm_demand *d,
                 struct stm_err *err)
{
    struct stm_task t = make_task(v, r, d);
    r->again += repeated(v, &t);
    if (find_task(v, t.piece)) return 0; /* asked for already; what is left comes later */
    if (reserve_task(v)) return stm_fail(err, STM_E_NOMEM, "planning: out of memory");
    v->tasks[v->n_tasks++] = t;
    *slot_of(v, name_of(t.piece)) = (uint32_t)v->n_tasks;
    return 0;
}

int stm_task_job(const struct stm_view *v, const struct stm_task *t, struct stm_arena *a,
                 struct stm_job *out, struct stm_err *err)
{
    const struct stm_piece *p = t->piece;
    const struct stm_wish *w;
    size_t n = stm_view_wishes(v, t->seed, p->from, t->until, &w);
    uint64_t *rows = n ? stm_arena_alloc(a, n * sizeof *rows) : NULL;
    if (n && !rows) return stm_fail(err, STM_E_NOMEM, "planning: out of memory");
    for (size_t i = 0; i < n; i++) rows[i] = w[i].step;
    *out = (struct stm_job){.plan = v->record,
                            .node = t->node,
                            .seed = v->seeds[t->seed],
                            .fork = stm_view_replicate(v, t->node, t->seed)->pub.fork_step,
                            .origin = p->origin,
                            .start_known = p->start_known,
                            .start = p->start,
                            .head = p->trail ? p->trail->head : (struct stm_id){0},
                            .resume = t->resume,
                            .until = t->until,
                            .again = t->again,
                            .root = t->root,
                            .stop_events = t->stop_events,
                            .anchor_events = t->anchor_events,
                            .latched = t->latched,
                            .anchor_every = STM_ANCHOR_EVERY,
                            .usual = STM_ANCHOR_EVERY,
                            .anchors = t->anchors,
                            .n_anchors = t->n_anchors,
                            .rows = rows,
                            .n_rows = n};
    return 0;
}

static void add_anchor(struct stm_task *t, uint64_t step)
{
    for (unsigned k = 0; k < t->n_anchors; k++)
        if (t->anchors[k] == step) return;
    if (t->n_anchors < STM_ANCHORS_MAX) t->anchors[t->n_anchors++] = step;
}

/* The states at which forks leave a sibling, where they lie in its piece. */
static void add_forks(const struct stm_view *v, struct stm_task *t, const struct stm_replicate *r,
                      const struct stm_piece *p)
{
    struct stm_demand d = {.resume = STM_NEVER};
    if (!r->located || r->settled) return;
    stm_demand_forks(v, r, &d);
    t->anchor_events |= d.anchor_events;
    for (unsigned i = 0; i < d.n_anchors; i++)
        if (d.anchors[i] > p->from && d.anchors[i] <= p->cut.lo) add_anchor(t, d.anchors[i]);
}

void stm_add_sibling_cuts(struct stm_view *v)
{
    for (size_t i = 0; v->n_tasks && i < (size_t)v->plan->n_nodes * v->n_seeds; i++) {
        const struct stm_replicate *r = &v->reps[i];
        for (unsigned k = 0; k < r->n_pieces; k++) {
            const struct stm_piece *p = &r->pieces[k];
            struct stm_task *t = p->cut.hi > p->from ? find_task(v, p) : NULL;
            if (!t) continue;
            if (r->end.hi < p->cut.hi) stm_view_wish(v, t->seed, r->end.hi);
            add_forks(v, t, r, p);
            if (p->cut.lo == STM_NEVER) continue;
            t->anchor_events |= p->watch;
            if (stm_range_known(p->cut)) add_anchor(t, p->cut.lo);
        }
    }
}

static int by_replicate(const void *a, const void *b)
{
    const struct stm_miss *x = a, *y = b;
    if (x->node != y->node) return x->node < y->node ? -1 : 1;
    return x->seed < y->seed ? -1 : x->seed > y->seed;
}

/* Where a miss lies, if that was trained already; else it will come by itself. */
static bool place_of(const struct stm_view *v, const struct stm_miss *m, struct stm_place *at)
{
    return stm_view_place(v, m->node, m->seed, m->at, at) == STM_FACT_KNOWN &&
           at->step <= stm_piece_last(at->piece);
}

/* The misses [i, end) that lie in the piece of miss `i` are measured together. */
static struct stm_demand demand_of(const struct stm_view *v, size_t i, size_t end,
                                   const struct stm_piece *piece)
{
    struct stm_demand d = {.resume = STM_NEVER};
    for (; i < end; i++) {
        struct stm_place at;
        if (place_of(v, &v->misses[i], &at) && at.piece == piece) stm_want_resume(&d, at.step);
    }
    return d;
}

/* The misses [from, end) are of one replicate; those in more than a few pieces come up again. */
static int add_misses_of(struct stm_view *v, size_t from, size_t end, struct stm_err *err)
{
    const struct stm_piece *seen[16];
    unsigned n_seen = 0;
    int rc = 0;
    for (size_t i = from; !rc && i < end && n_seen < sizeof seen / sizeof *seen; i++) {
        struct stm_place at;
        bool before = !place_of(v, &v->misses[i], &at);
        for (unsigned k = 0; !before && k < n_seen; k++) before = seen[k] == at.piece;
        if (before) continue;
        seen[n_seen++] = at.piece;
        struct stm_demand d = demand_of(v, i, end, at.piece);
        struct stm_replicate *owner = stm_view_replicate(v, at.owner->node, at.owner->seed);
        owner->settled = false;
        rc = stm_add_task(v, owner, &d, err);
    }
    return rc;
}

int stm_add_misses(struct stm_view *v, struct stm_err *err)
{
    int rc = 0;
    if (v->n_misses) qsort(v->misses, v->n_misses, sizeof *v->misses, by_replicate);
    for (size_t i = 0, end; !rc && i < v->n_misses; i = end) {
        for (end = i + 1; end < v->n_misses && !by_replicate(&v->misses[i], &v->misses[end]);)
            end++;
        rc = add_misses_of(v, i, end, err);
    }
    v->n_misses = 0;
    return rc;
}
