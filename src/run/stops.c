/* Where replicates end. */
#include <math.h>

#include "base/fail.h"
#include "run/resolve.h"

int stm_time_value(const struct stm_view *v, const struct stm_time *t, int node, unsigned seed,
                   uint64_t *out, struct stm_err *err)
{
    double x = 0;
    int rc = t->value ? stm_eval_seed(&v->data, t->value, node, seed, STM_NOWHERE, &x, err) : 0;
    if (rc) return rc;
    if (!(x >= 0) || x != floor(x) || x > 9e15)
        return stm_fail(err, STM_E_INVALID, "a step must be a whole number, here it is %g", x);
    *out = (uint64_t)x;
    return 0;
}

struct stm_range stm_replicate_life(const struct stm_replicate *r)
{
    return stm_range_min(r->rule, r->diverged);
}

/* When an event comes in one seed of a node, as far as its `life`. */
static struct stm_range event_by(const struct stm_replicate *r, int event,
                                 struct stm_range (*life)(const struct stm_replicate *r))
{
    if (!r->located) return stm_range_from(0);
    return stm_range_by(r->event[event], life(r));
}

struct stm_range stm_common_event(const struct stm_view *v, int node, enum stm_time_kind kind,
                                  int event, struct stm_range (*life)(const struct stm_replicate *))
{
    bool all = kind == STM_T_ALL;
    unsigned n = 0;
    struct stm_range c = stm_range_at(all ? 0 : STM_NEVER);
    for (unsigned s = 0; s < v->n_seeds; s++) {
        const struct stm_replicate *r = stm_view_replicate(v, node, s);
        enum stm_rep_status st = r->pub.status;
        if (st == STM_REP_OFF || st == STM_REP_CANCELLED || st == STM_REP_ABSENT) continue;
        struct stm_range t = event_by(r, event, life);
        c = all ? stm_range_max(c, t) : stm_range_min(c, t);
        n++;
    }
    return n ? c : stm_range_at(STM_NEVER);
}

/* A stop acts no earlier than `after`, nor than the replicate's fork. */
static struct stm_range at_least(const struct stm_replicate *r, struct stm_range t, uint64_t after)
{
    uint64_t least = after > r->pub.fork_step ? after : r->pub.fork_step;
    return stm_range_max(t, stm_range_at(least));
}

int stm_resolve_own(struct stm_view *v, struct stm_replicate *r, struct stm_err *err)
{
    const struct stm_stop *stop = v->plan->nodes[r->node].stop;
    r->own = stm_range_at(STM_NEVER);
    r->pub.bound = STM_NEVER;
    for (unsigned i = 0; stop && i < stop->n; i++) {
        const struct stm_time *t = &stop->alternatives[i];
        uint64_t n = 0;
        if (t->kind == STM_T_ALL || t->kind == STM_T_ANY) continue;
        int rc = stm_time_value(v, t, r->node, r->seed, &n, err);
        if (rc) return rc;
        if (t->kind == STM_T_EACH) {
            r->own = stm_range_min(r->own, at_least(r, r->event[t->event], n));
            continue;
        }
        if (t->kind != STM_T_STEP) n += r->pub.fork_step;
        if (n < r->pub.fork_step) n = r->pub.fork_step;
        r->own = stm_range_min(r->own, stm_range_at(n));
        if (n < r->pub.bound) r->pub.bound = n;
    }
    return 0;
}

static struct stm_range own_life(const struct stm_replicate *r)
{
    return stm_range_min(r->own, r->diverged);
}

int stm_resolve_rule(struct stm_view *v, struct stm_replicate *r, struct stm_err *err)
{
    const struct stm_stop *stop = v->plan->nodes[r->node].stop;
    r->rule = r->own;
    for (unsigned i = 0; stop && i < stop->n; i++) {
        const struct stm_time *t = &stop->alternatives[i];
        uint64_t after = 0;
        if (t->kind != STM_T_ALL && t->kind != STM_T_ANY) continue;
        int rc = stm_time_value(v, t, r->node, r->seed, &after, err);
        if (rc) return rc;
        struct stm_range c = stm_common_event(v, r->node, t->kind, t->event, own_life);
        r->rule = stm_range_min(r->rule, at_least(r, c, after));
    }
    return 0;
}

uint32_t stm_stop_watch(const struct stm_view *v, const struct stm_replicate *r)
{
    const struct stm_stop *stop = v->plan->nodes[r->node].stop;
    uint32_t watch = 0;
    for (unsigned i = 0; stop && !stm_range_known(r->rule) && i < stop->n; i++) {
        int event = stop->alternatives[i].event;
        if (event >= 0 && !stm_range_known(r->event[event])) watch |= UINT32_C(1) << event;
    }
    return watch;
}

void stm_demand_stop(const struct stm_view *v, const struct stm_replicate *r, struct stm_demand *d)
{
    /* Where none of its own events is open, other seeds decide: until then it lives for certain. */
    uint32_t watch = stm_stop_watch(v, r);
    d->stop_events |= watch;
    stm_want_until(d, watch ? r->rule.hi : r->rule.lo);
}
