/* Which state a moment of a replicate is: the one place that says so. */
#include "run/view.h"

uint64_t stm_piece_last(const struct stm_piece *p)
{
    if (!p->trail || !p->trail->exists) return p->from;
    return p->trail->last < p->cut.lo ? p->trail->last : p->cut.lo;
}

struct stm_moment stm_view_fork_moment(const struct stm_view *v, int fork, unsigned seed)
{
    const struct stm_replicate *parent = stm_view_replicate(v, v->plan->forks[fork].node, seed);
    uint64_t step = v->forks[(size_t)fork * v->n_seeds + seed].pub.step;
    /* A fork where its parent begins leaves the state that the parent's own edits made. */
    if (step == parent->pub.fork_step) return (struct stm_moment){STM_AT_START, (double)step};
    return STM_STEP(step);
}

static enum stm_fact start_of(const struct stm_replicate *r, struct stm_place *out)
{
    if (!r->n_pieces) return STM_FACT_UNKNOWN;
    *out = (struct stm_place){r, &r->pieces[0], r->pieces[0].from};
    return STM_FACT_KNOWN;
}

static enum stm_fact fork_of(const struct stm_view *v, const struct stm_replicate *r,
                             struct stm_place *out)
{
    int fork = v->plan->nodes[r->node].fork;
    if (fork < 0) return start_of(r, out);
    const struct stm_fork_at *at = &v->forks[(size_t)fork * v->n_seeds + r->seed].pub;
    if (!at->reached) return STM_FACT_UNKNOWN;
    return stm_view_place(v, v->plan->forks[fork].node, r->seed,
                          stm_view_fork_moment(v, fork, r->seed), out);
}

/* A step after the replicate's fork. */
static enum stm_fact own_step(const struct stm_replicate *r, uint64_t step, struct stm_place *out)
{
    if (step > r->end.hi) return STM_FACT_NONE;
    if (step > r->end.lo) return STM_FACT_UNKNOWN;
    for (unsigned i = 0; i < r->n_pieces; i++)
        if (step <= r->pieces[i].cut.lo) {
            *out = (struct stm_place){r, &r->pieces[i], step};
            return STM_FACT_KNOWN;
        }
    return STM_FACT_UNKNOWN;
}

static enum stm_fact step_of(const struct stm_view *v, const struct stm_replicate *r, uint64_t step,
                             struct stm_place *out)
{
    int fork = v->plan->nodes[r->node].fork;
    uint64_t begin = fork < 0 ? 0 : r->pub.fork_step;
    if (begin == STM_NEVER) return STM_FACT_UNKNOWN;
    if (step > begin) return own_step(r, step, out);
    if (step == begin) return fork_of(v, r, out);
    return step_of(v, stm_view_replicate(v, v->plan->forks[fork].node, r->seed), step, out);
}

enum stm_fact stm_view_place(const struct stm_view *v, int node, unsigned seed,
                             struct stm_moment at, struct stm_place *out)
{
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    switch (at.when) {
    case STM_AT_FORK: return fork_of(v, r, out);
    case STM_AT_START: return start_of(r, out);
    case STM_AT_STOP:
        if (!stm_range_known(r->end) || !r->n_pieces) return STM_FACT_UNKNOWN;
        if (r->end.lo == r->pub.fork_step) return start_of(r, out);
        return own_step(r, r->end.lo, out);
    case STM_AT_STEP: break;
    }
    if (!(at.step >= 0)) return STM_FACT_NONE;
    return step_of(v, r, (uint64_t)at.step, out);
}

const struct stm_trail_entry *stm_place_entry(const struct stm_place *p)
{
    return p->piece->trail && p->piece->trail->exists ? stm_trail_at(p->piece->trail, p->step)
                                                      : NULL;
}
