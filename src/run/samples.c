/* The numbers at which claims sample metrics: `m @ step N`, `m @ + N steps`. Who trains through
 * such a step measures it in full, so that nobody has to come back for it; starts, stops and the
 * steps at which events come are measured in full anyway. */
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "run/resolve.h"

static bool is_number(const struct stm_expr *e)
{
    return e->kind == STM_X_AT_STEP || (e->kind == STM_X_AT && e->kids[1]->kind == STM_X_ADD);
}

static int add(struct stm_view *v, const struct stm_expr *time)
{
    if (v->n_samples == v->cap_samples) {
        size_t cap = v->cap_samples ? 2 * v->cap_samples : 16;
        const struct stm_expr **p = stm_realloc(v->samples, cap * sizeof *p);
        if (!p) return STM_E_NOMEM;
        v->samples = p;
        v->cap_samples = cap;
    }
    v->samples[v->n_samples++] = time;
    return 0;
}

/* The arms that an argument of `identical` names. */
static void mark_arms(struct stm_view *v, const struct stm_expr *e, unsigned depth)
{
    if (!e || depth > 64) return;
    if (e->ref == STM_R_FAMILY && e->index >= 0) {
        const struct stm_family *f = &v->plan->families[e->index];
        for (unsigned i = 0; i < f->n_nodes; i++) v->compared[f->nodes[i]] = true;
    }
    for (unsigned i = 0; i < e->n; i++) mark_arms(v, e->kids[i], depth + 1);
}

static int collect(struct stm_view *v, const struct stm_expr *e, unsigned depth)
{
    if (!e || depth > 64) return 0;
    int rc = is_number(e) ? add(v, e->kids[1]) : 0;
    bool call = e->kind == STM_X_CALL && e->ref == STM_R_FUNCTION;
    if (call && !strcmp(e->name, "identical")) mark_arms(v, e, depth);
    if (!rc && e->ref == STM_R_LET && e->index >= 0)
        rc = collect(v, v->plan->lets[e->index].expr, depth + 1);
    for (unsigned i = 0; !rc && i < e->n; i++) rc = collect(v, e->kids[i], depth + 1);
    return rc;
}

static int collect_read(void *ctx, const struct stm_expr *e) { return collect(ctx, e, 0); }

int stm_view_collect_samples(struct stm_view *v, struct stm_err *err)
{
    int rc = stm_plan_each_read(v->plan, collect_read, v);
    return rc ? stm_fail(err, rc, "planning: out of memory") : 0;
}

/* The step of a sample in one replicate, which is located; false: it has none. */
static bool step_of(const struct stm_view *v, const struct stm_replicate *r,
                    const struct stm_expr *time, uint64_t *step)
{
    double x;
    if (stm_eval_seed(&v->data, time, r->node, r->seed, STM_NOWHERE, &x, NULL)) return false;
    if (!(x >= 0) || x > 9e15) return false;
    *step = (uint64_t)x;
    return true;
}

void stm_wish_samples(struct stm_view *v, struct stm_replicate *r)
{
    uint64_t step;
    bool ends = v->compared[r->node] && r->end.hi != STM_NEVER;
    if (!r->wished && ends) stm_view_wish(v, r->seed, r->end.hi); /* the other one's state there */
    for (size_t i = 0; !r->wished && i < v->n_samples; i++)
        if (step_of(v, r, v->samples[i], &step)) stm_view_wish(v, r->seed, step);
    r->wished = true;
}

/* ---- what reading may cost ---- */

static bool is_full(const struct stm_view *v, const struct stm_place *p, bool *update)
{
    const struct stm_trail_entry *e = stm_place_entry(p);
    bool full = e != NULL;
    for (unsigned i = 0; i < v->columns.n; i++) {
        double unused;
        bool reads_update = v->columns.use[i] & STM_USE_UPDATE;
        if (!(v->columns.use[i] & STM_USE_OTHER)) continue;
        if (reads_update && p->step == p->piece->from) continue; /* there was none */
        if (e && stm_trail_metric(p->piece->trail, e, v->columns.text[i], &unused)) continue;
        *update = *update || reads_update;
        full = false;
    }
    return full;
}

/* Steps from an anchor to a moment that was trained and is not measured in full. */
static uint64_t reading(const struct stm_view *v, const struct stm_replicate *r,
                        struct stm_moment at)
{
    struct stm_place p;
    bool update = false;
    if (stm_view_place(v, r->node, r->seed, at, &p) != STM_FACT_KNOWN) return 0;
    if (!p.piece->trail || !p.piece->trail->exists || p.step > stm_piece_last(p.piece)) return 0;
    if (is_full(v, &p, &update) || p.step == p.piece->from) return 0;
    const struct stm_trail_entry *a = stm_trail_anchor(p.piece->trail, p.step - update);
    return p.step - (a ? a->step : p.piece->from);
}

/* Where it ends, or may; a known end that is not measured at all is among the replicate's demands.
 */
static uint64_t reading_of_end(const struct stm_view *v, const struct stm_replicate *r)
{
    struct stm_place p;
    struct stm_moment end = STM_STEP((double)r->end.hi);
    if (r->end.hi == STM_NEVER) return 0;
    if (stm_range_known(r->end)) end.when = STM_AT_STOP;
    bool demanded = stm_range_known(r->end) &&
                    stm_view_place(v, r->node, r->seed, end, &p) == STM_FACT_KNOWN &&
                    !stm_place_entry(&p);
    return demanded ? 0 : reading(v, r, end);
}

uint64_t stm_cost_of_reading(const struct stm_view *v, const struct stm_replicate *r,
                             uint64_t length)
{
    /* Where the arm that it is compared with ends may be known when it has passed there. */
    uint64_t n = v->open && v->compared[r->node] ? length : 0, step;
    if (!v->open || !r->located) return n;
    n += reading(v, r, (struct stm_moment){STM_AT_FORK, NAN});
    n += reading_of_end(v, r);
    for (size_t i = 0; i < v->n_samples; i++)
        if (step_of(v, r, v->samples[i], &step)) n += reading(v, r, STM_STEP((double)step));
    for (unsigned e = 0; e < v->plan->n_events; e++)
        if (stm_range_within(r->event[e], r->end))
            n += reading(v, r, STM_STEP((double)r->event[e].lo));
    return n;
}
