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

static bool same_stretch(const struct stm_task *a, const struct stm_piece *p)
{
    if (a->piece->start_known != p->start_known) return false;
    if (p->start_known) return stm_id_eq(&a->piece->key, &p->key);
    struct stm_id x = stm_origin_key(&a->piece->origin), y = stm_origin_key(&p->origin);
    return stm_id_eq(&x, &y);
}

/* The piece in which the first step that is wanted lies: a later one cannot be begun before. */
static const struct stm_piece *piece_of(const struct stm_replicate *r, uint64_t resume)
{
    for (unsigned i = 0; resume != STM_NEVER && i < r->n_pieces; i++)
        if (resume <= r->pieces[i].cut.lo) return &r->pieces[i];
    return &r->pieces[r->n_pieces - 1];
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

const struct stm_trail_entry *stm_task_anchor(const struct stm_view *v, const struct stm_task *t,
                                              const struct stm_trail *trail)
{
    const struct stm_trail_entry *e = stm_trail_at(trail, t->resume);
    bool update = false;
    for (unsigned i = 0; t->again && t->resume > t->piece->from && i < v->n_columns; i++) {
        double unused;
        if (v->column_uses[i] & STM_USE_UPDATE)
            update = update || !e || !stm_trail_metric(trail, e, v->columns[i], &unused);
    }
    return stm_trail_anchor(trail, t->resume - update);
}

/* What a task executes of what was executed before: from its anchor to where something is missing,
 * and as far as measurements are missing. */
static uint64_t repeated(const struct stm_view *v, const struct stm_task *t)
{
    const struct stm_piece *p = t->piece;
    if (!p->trail || !p->trail->exists) return 0;
    uint64_t last = stm_piece_last(p), to = least(t->until, last);
    const struct stm_trail_entry *a = stm_task_anchor(v, t, p->trail);
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
    for (size_t i = 0; i < v->n_tasks; i++)
        if (same_stretch(&v->tasks[i], t.piece))
            return 0; /* asked for already; what is left comes later */
    if (v->n_tasks == v->cap_tasks) {
        size_t cap = v->cap_tasks ? 2 * v->cap_tasks : 64;
        struct stm_task *p = stm_realloc(v->tasks, cap * sizeof *p);
        if (!p) return stm_fail(err, STM_E_NOMEM, "planning: out of memory");
        v->tasks = p;
        v->cap_tasks = cap;
    }
    v->tasks[v->n_tasks++] = t;
    return 0;
}

/* Steps at which siblings of the same trajectory change their settings, and where they end: kept
 * and measured now, so that they need not be trained for again. */
void stm_add_sibling_cuts(struct stm_view *v, struct stm_task *t)
{
    for (unsigned n = 0; n < v->plan->n_nodes; n++) {
        const struct stm_replicate *r = stm_view_replicate(v, (int)n, t->seed);
        for (unsigned i = 0; i < r->n_pieces; i++) {
            const struct stm_piece *p = &r->pieces[i];
            if (p->cut.hi <= p->from || !same_stretch(t, p)) continue;
            if (r->end.hi < p->cut.hi) stm_view_wish(v, t->seed, r->end.hi);
            if (p->cut.lo == STM_NEVER) continue;
            t->anchor_events |= p->watch;
            if (!stm_range_known(p->cut)) continue;
            bool have = false;
            for (unsigned k = 0; k < t->n_anchors; k++) have = have || t->anchors[k] == p->cut.lo;
            if (!have && t->n_anchors < STM_ANCHORS_MAX) t->anchors[t->n_anchors++] = p->cut.lo;
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
