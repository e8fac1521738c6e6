/* Events: the first measured step of a history at which their expression holds. */
#include "run/resolve.h"

static void reset_scan(const struct stm_view *v, struct stm_replicate *r)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    const struct stm_replicate *parent =
        node->fork < 0 ? NULL : stm_view_replicate(v, v->plan->forks[node->fork].node, r->seed);
    for (unsigned e = 0; e < v->plan->n_events; e++) {
        uint64_t t = parent ? parent->event[e] : STM_NEVER;
        r->event[e] = t != STM_NEVER && t <= r->pub.fork_step ? t : STM_NEVER;
    }
    r->scanned = parent ? r->pub.fork_step + 1 : 0;
}

/* Tests the events that have not come yet at one step. False when a measurement is missing. */
static int test_events(struct stm_view *v, struct stm_replicate *r, uint64_t step, bool *missing,
                       struct stm_err *err)
{
    for (unsigned e = 0; e < v->plan->n_events; e++) {
        if (r->event[e] != STM_NEVER) continue;
        double holds;
        int rc = stm_eval_seed(&v->data, v->plan->events[e].expr, r->node, r->seed, (double)step,
                               &holds, err);
        if (rc == STM_E_NOTFOUND)
            *missing = true;
        else if (rc && rc != STM_E_INVALID)
            return rc;
        else if (!rc && holds != 0)
            r->event[e] = step;
    }
    return 0;
}

static bool all_latched(const struct stm_view *v, const struct stm_replicate *r)
{
    for (unsigned e = 0; e < v->plan->n_events; e++)
        if (r->event[e] == STM_NEVER) return false;
    return true;
}

/* Latches the events of the grid steps that have come since the last scan. */
int stm_resolve_events(struct stm_view *v, struct stm_replicate *r, struct stm_err *err)
{
    r->gap = STM_NEVER;
    if (!r->pieces[0].start_known) {
        reset_scan(v, r);
        return 0;
    }
    if (!stm_id_eq(&r->scanned_key, &r->pieces[0].key)) {
        reset_scan(v, r);
        r->scanned_key = r->pieces[0].key;
    }
    uint64_t every = v->plan->every;
    if (!every || !r->pieces[0].trail->exists) return 0;
    for (uint64_t g = (r->scanned + every - 1) / every * every; g <= r->pub.last; g += every) {
        if (all_latched(v, r)) break;
        bool missing = false;
        int rc = test_events(v, r, g, &missing, err);
        if (rc) return rc;
        if (missing) {
            r->gap = g;
            return 0;
        }
        r->scanned = g + 1;
    }
    return 0;
}
