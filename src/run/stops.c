/* Where replicates end. */
#include <math.h>

#include "base/fail.h"
#include "run/resolve.h"

int stm_time_value(const struct stm_view *v, const struct stm_time *t, int node, unsigned seed,
                   uint64_t *out, struct stm_err *err)
{
    double x = 0;
    int rc = t->value ? stm_eval_seed(&v->data, t->value, node, seed, NAN, &x, err) : 0;
    if (rc) return rc;
    if (!(x >= 0) || x != floor(x) || x > 9e15)
        return stm_fail(err, STM_E_INVALID, "a step must be a whole number, here it is %g", x);
    *out = (uint64_t)x;
    return 0;
}

struct stm_common_time stm_common_event(const struct stm_view *v, int node, enum stm_time_kind kind,
                                        int event)
{
    struct stm_common_time c = {.known = true, .at_most = STM_NEVER};
    uint64_t latest = 0;
    bool never = false, waiting = false;
    for (unsigned s = 0; s < v->n_seeds; s++) {
        const struct stm_replicate *r = stm_view_replicate(v, node, s);
        enum stm_rep_status st = r->pub.status;
        if (st == STM_REP_OFF || st == STM_REP_CANCELLED || st == STM_REP_ABSENT) continue;
        uint64_t t = r->located ? r->event[event] : STM_NEVER;
        bool ended = st == STM_REP_DIVERGED || (r->located && r->pub.last >= r->pub.bound);
        if (t == STM_NEVER && ended)
            never = true;
        else if (t == STM_NEVER)
            waiting = true;
        else {
            latest = t > latest ? t : latest;
            c.at_most = t < c.at_most ? t : c.at_most;
        }
    }
    if (kind == STM_T_ALL) {
        c.known = never || !waiting;
        c.step = never ? STM_NEVER : latest;
    } else {
        c.known = !waiting;
        c.step = c.at_most;
    }
    return c;
}

int stm_resolve_bound(struct stm_view *v, struct stm_replicate *r, const struct stm_stop *stop,
                      struct stm_err *err)
{
    r->pub.bound = STM_NEVER;
    for (unsigned i = 0; stop && i < stop->n; i++) {
        const struct stm_time *t = &stop->alternatives[i];
        uint64_t n = 0;
        if (t->kind != STM_T_STEP && t->kind != STM_T_PLUS && t->kind != STM_T_START) continue;
        int rc = stm_time_value(v, t, r->node, r->seed, &n, err);
        if (rc) return rc;
        if (t->kind != STM_T_STEP) n += r->pub.fork_step;
        if (n < r->pub.fork_step) n = r->pub.fork_step;
        if (n < r->pub.bound) r->pub.bound = n;
    }
    return 0;
}

/* Sets pub.stop when it is known; else adds to the demand what brings it nearer. */
int stm_resolve_stop(struct stm_view *v, struct stm_replicate *r, const struct stm_stop *stop,
                     struct stm_demand *d, struct stm_err *err)
{
    uint64_t known = r->pub.bound, until = r->pub.bound;
    bool open = false, wait = false;
    uint32_t watch = 0;
    for (unsigned i = 0; i < stop->n; i++) {
        const struct stm_time *t = &stop->alternatives[i];
        uint64_t after = 0, at = STM_NEVER;
        if (t->event < 0) continue;
        int rc = stm_time_value(v, t, r->node, r->seed, &after, err);
        if (rc) return rc;
        uint64_t own = r->event[t->event];
        struct stm_common_time c = {.known = own != STM_NEVER, .step = own, .at_most = own};
        if (t->kind != STM_T_EACH) c = stm_common_event(v, r->node, t->kind, t->event);
        if (c.known)
            at = c.step;
        else if (own == STM_NEVER)
            open = true, watch |= UINT32_C(1) << t->event;
        else
            wait = true;
        if (t->kind == STM_T_ANY && c.at_most < until) until = c.at_most;
        if (at != STM_NEVER && at < after) at = after;
        if (at != STM_NEVER && at < r->pub.fork_step) at = r->pub.fork_step;
        if (at < known) known = at;
    }
    if (known <= r->pub.last || (!open && !wait)) {
        r->pub.stop = known;
        if (known > r->pub.last) stm_want_until(d, known), stm_want_anchor(d, known);
        return 0;
    }
    if (!open) return 0; /* the other seeds decide */
    stm_want_until(d, until < known ? until : known);
    d->stop_events |= watch;
    return 0;
}
