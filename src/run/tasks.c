/* From demands to tasks for workers. */
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "run/resolve.h"

void stm_want_until(struct stm_demand *d, uint64_t step)
{
    d->any = true;
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

int stm_add_task(struct stm_view *v, const struct stm_replicate *r, const struct stm_demand *d,
                 struct stm_err *err)
{
    const struct stm_piece *p = &r->pieces[r->n_pieces - 1];
    for (unsigned i = 0; d->resume != STM_NEVER && i < r->n_pieces; i++)
        if (d->resume <= r->pieces[i].cut) {
            p = &r->pieces[i];
            break;
        }
    for (size_t i = 0; i < v->n_tasks; i++)
        if (same_stretch(&v->tasks[i], p))
            return 0; /* asked for already; what is left comes later */
    if (v->n_tasks == v->cap_tasks) {
        size_t cap = v->cap_tasks ? 2 * v->cap_tasks : 64;
        struct stm_task *t = stm_realloc(v->tasks, cap * sizeof *t);
        if (!t) return stm_fail(err, STM_E_NOMEM, "planning: out of memory");
        v->tasks = t;
        v->cap_tasks = cap;
    }
    struct stm_task *t = &v->tasks[v->n_tasks++];
    *t = (struct stm_task){.node = r->node,
                           .seed = r->seed,
                           .piece = p,
                           .resume = d->resume < r->pub.last ? d->resume : r->pub.last,
                           .until = d->until < p->cut ? d->until : p->cut,
                           .root = v->plan->nodes[r->node].fork < 0 && p == r->pieces,
                           .stop_events = d->stop_events,
                           .anchor_events = d->anchor_events,
                           .n_anchors = d->n_anchors};
    memcpy(t->anchors, d->anchors, sizeof t->anchors);
    for (unsigned e = 0; e < v->plan->n_events; e++)
        if (r->event[e] != STM_NEVER && r->event[e] <= p->from &&
            !(t->root && r->event[e] == p->from))
            t->latched |= UINT32_C(1) << e;
    return 0;
}

/* Steps at which siblings of the same trajectory change their settings: kept now, so that they need
 * not be trained for again. */
void stm_add_sibling_cuts(struct stm_view *v, struct stm_task *t)
{
    for (unsigned n = 0; n < v->plan->n_nodes; n++) {
        const struct stm_replicate *r = stm_view_replicate(v, (int)n, t->seed);
        for (unsigned i = 0; i < r->n_pieces; i++) {
            const struct stm_piece *p = &r->pieces[i];
            if (p->cut == STM_NEVER || p->cut <= p->from || !same_stretch(t, p)) continue;
            bool have = false;
            for (unsigned k = 0; k < t->n_anchors; k++) have = have || t->anchors[k] == p->cut;
            if (!have && t->n_anchors < sizeof t->anchors / sizeof *t->anchors)
                t->anchors[t->n_anchors++] = p->cut;
        }
    }
}

/* Stretches to be re-executed because something was asked for at steps that were not measured. */
int stm_add_misses(struct stm_view *v, struct stm_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < v->n_misses; i++) {
        struct stm_miss m = v->misses[i];
        int owner;
        const struct stm_piece *p = stm_view_piece(v, m.node, m.seed, m.step, &owner);
        const struct stm_replicate *r = p ? stm_view_replicate(v, owner, m.seed) : NULL;
        if (!r || m.step > r->pub.last) continue; /* it will come by itself */
        struct stm_demand d = {.resume = STM_NEVER};
        for (size_t k = i; k < v->n_misses; k++) {
            const struct stm_miss *x = &v->misses[k];
            if (x->node != m.node || x->seed != m.seed || x->step > p->cut || x->step < p->from)
                continue;
            stm_want_resume(&d, x->step);
            stm_want_anchor(&d, x->step);
        }
        rc = stm_add_task(v, r, &d, err);
    }
    v->n_misses = 0;
    return rc;
}
