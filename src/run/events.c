/* Events: the first measured step of a history at which their expression holds. */
#include "base/fail.h"
#include "run/resolve.h"
#include "run/row.h"

/* Whether the parent's history leaves it open if the event came by the fork. */
static bool open_before(const struct stm_view *v, const struct stm_replicate *r, unsigned event)
{
    struct stm_range t = r->event[event];
    return v->plan->nodes[r->node].fork >= 0 && !stm_range_known(t) && t.lo <= r->pub.fork_step;
}

void stm_events_inherit(const struct stm_view *v, struct stm_replicate *r)
{
    int fork = v->plan->nodes[r->node].fork;
    uint64_t every = v->plan->every, step = r->pub.fork_step;
    for (unsigned e = 0; e < v->plan->n_events; e++) {
        if (r->n_pieces && !open_before(v, r, e)) continue;
        r->event[e] = stm_range_from(0);
        if (fork < 0) continue;
        r->event[e] = stm_view_replicate(v, v->plan->forks[fork].node, r->seed)->event[e];
        if (r->event[e].lo > step) /* it has not come yet: the arm's own grid steps are next */
            r->event[e] = stm_range_from(every ? (step / every + 1) * every : STM_NEVER);
    }
}

/* A measured step of a trail. */
struct measured {
    const struct stm_trail *trail;
    const struct stm_trail_entry *entry;
};

static enum stm_fact metric_of(const void *ctx, const char *text, double *out)
{
    const struct measured *m = ctx;
    return stm_trail_metric(m->trail, m->entry, text, out) ? STM_FACT_KNOWN : STM_FACT_UNKNOWN;
}

/* Looks for one event on the grid, up to `limit`. */
static int advance(struct stm_view *v, struct stm_replicate *r, unsigned event, uint64_t limit,
                   struct stm_err *err)
{
    const struct stm_piece *p = NULL;
    struct stm_range *t = &r->event[event];
    struct measured at;
    struct stm_row row = {.events = r->event, .metric = metric_of, .ctx = &at};
    stm_row_init(&row, &v->data);
    while (!stm_range_known(*t) && t->lo <= limit) {
        for (unsigned i = 0; !p || t->lo > p->cut.lo; i++) p = &r->pieces[i];
        if (!p->trail || !p->trail->exists) return 0;
        at = (struct measured){p->trail, stm_trail_at(p->trail, t->lo)};
        row.step = t->lo;
        if (!at.entry) return 0;
        double holds;
        int rc = stm_eval_seed(&row.data, v->plan->events[event].expr, r->node, r->seed,
                               STM_STEP(t->lo), &holds, err);
        if (rc == STM_E_NOTFOUND) return 0;
        if (rc && rc != STM_E_INVALID) return rc; /* 0/0 is no event */
        *t = !rc && holds != 0 ? stm_range_at(t->lo) : stm_range_from(t->lo + v->plan->every);
    }
    return 0;
}

int stm_events_advance(struct stm_view *v, struct stm_replicate *r, uint64_t limit,
                       struct stm_err *err)
{
    for (unsigned e = 0; v->plan->every && e < v->plan->n_events; e++) {
        if (open_before(v, r, e)) continue;
        int rc = advance(v, r, e, limit, err);
        if (rc) return rc;
    }
    return 0;
}

uint64_t stm_events_gap(const struct stm_view *v, const struct stm_replicate *r)
{
    uint64_t gap = STM_NEVER, last = r->pub.last < r->end.hi ? r->pub.last : r->end.hi;
    for (unsigned e = 0; v->plan->every && e < v->plan->n_events; e++) {
        struct stm_range t = r->event[e];
        if (stm_range_known(t) || open_before(v, r, e)) continue;
        if (t.lo <= last && t.lo < gap) gap = t.lo;
    }
    return gap;
}
