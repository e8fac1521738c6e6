/* From what the store has to what is still to be done: one pass over the plan, parents first. */
#include <stdio.h>

#include "base/fail.h"
#include "base/mem.h"
#include "run/resolve.h"

static void set_status(struct stm_replicate *r, enum stm_rep_status s, const char *why)
{
    r->pub.status = s;
    if (why) snprintf(r->why, sizeof r->why, "%.159s", why);
}

/* What its fork says of an arm. */
static enum stm_rep_status status_at_fork(struct stm_view *v, struct stm_replicate *r)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    const struct stm_fork_state *f = stm_view_fork_state(v, node->fork, r->seed);
    snprintf(r->why, sizeof r->why, "%s", f->why);
    if (stm_view_replicate(v, v->plan->forks[node->fork].node, r->seed)->pub.status == STM_REP_OFF)
        return STM_REP_OFF;
    if (f->pub.cancelled) return STM_REP_CANCELLED;
    if (f->pub.known && !f->pub.reached) return STM_REP_ABSENT;
    if (f->pub.reached) r->pub.fork_step = f->pub.step;
    if (!f->pub.known) return STM_REP_WAITING;
    switch (stm_judge_arm(v, r->node, r->seed, r->why)) {
    case STM_FACT_KNOWN: return STM_REP_PENDING;
    case STM_FACT_NONE: return STM_REP_CANCELLED;
    case STM_FACT_UNKNOWN: break;
    }
    set_status(r, STM_REP_WAITING, "its `require` is not measured yet");
    return STM_REP_WAITING;
}

/* False when the replicate cannot be located; its status says why. */
static bool enter(struct stm_view *v, struct stm_replicate *r)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    r->why[0] = 0;
    r->pub.fork_step = node->fork < 0 ? 0 : STM_NEVER;
    r->pub.status = node->off        ? STM_REP_OFF
                    : node->fork < 0 ? STM_REP_PENDING
                                     : status_at_fork(v, r);
    return r->pub.status == STM_REP_PENDING;
}

/* A number of its own that has no value (0 / 0) keeps one arm of one seed from being; the rest goes
 * on. Other errors are passed on. */
static int cannot_be(struct stm_replicate *r, int rc, const struct stm_err *why,
                     struct stm_err *err)
{
    if (rc != STM_E_INVALID) {
        if (rc && err) *err = *why;
        return rc;
    }
    stm_view_drop_pieces(r);
    r->located = false;
    set_status(r, STM_REP_CANCELLED, why->msg);
    return 0;
}

/* Where a replicate begins, how far it has come, and which events it has had. */
static int locate(struct stm_view *v, struct stm_replicate *r, struct stm_err *err)
{
    r->pub.bound = r->pub.stop = STM_NEVER;
    r->pub.last = 0;
    r->located = false;
    r->gap = STM_NEVER;
    r->own = r->rule = r->end = stm_range_from(0);
    if (!enter(v, r)) return 0;
    struct stm_err local = {0};
    int rc = stm_view_locate(v, r, &local);
    if (!rc && !r->located) r->pub.status = STM_REP_WAITING;
    if (!rc && r->located) rc = stm_resolve_own(v, r, &local);
    return cannot_be(r, rc, &local, err);
}

/* Whether a step has its ids, and where `logs` all logged metrics. */
static bool is_measured(const struct stm_view *v, const struct stm_place *at, bool logs)
{
    const struct stm_trail_entry *e = stm_place_entry(at);
    for (unsigned i = 0; e && logs && i < v->columns.n; i++) {
        double unused;
        if ((v->columns.use[i] & STM_USE_LOG) &&
            !stm_trail_metric(at->piece->trail, e, v->columns.text[i], &unused))
            e = NULL;
    }
    return e != NULL;
}

/* Follows a grid from *next, the first step after the fork that is not known to be measured. */
static void follow_grid(const struct stm_view *v, struct stm_replicate *r, uint64_t every,
                        uint64_t *next, bool logs)
{
    bool root = v->plan->nodes[r->node].fork < 0;
    uint64_t last = r->pub.last < r->end.hi ? r->pub.last : r->end.hi;
    if (!every) return;
    if (!*next && !root) *next = (r->pub.fork_step / every + 1) * every;
    for (; *next <= last; *next += every) {
        struct stm_place at;
        if (stm_view_place(v, r->node, r->seed, STM_STEP(*next), &at) != STM_FACT_KNOWN) return;
        if (is_measured(v, &at, logs)) continue;
        if (*next < r->gap) r->gap = *next;
        return;
    }
}

/* The first state and the last one are measured, and logged, whatever the grid. */
static void follow_ends(const struct stm_view *v, struct stm_replicate *r)
{
    struct stm_place at;
    const struct stm_moment ends[] = {{STM_AT_START, NAN}, {STM_AT_STOP, NAN}};
    const struct stm_trail *t = r->pieces[0].trail;
    for (unsigned i = 0; t && t->exists && i < 2; i++) {
        if (stm_view_place(v, r->node, r->seed, ends[i], &at) != STM_FACT_KNOWN) continue;
        if (at.step > r->pub.last || is_measured(v, &at, true)) continue;
        if (at.step < r->gap) r->gap = at.step;
    }
}

/* What the replicate still has to do. */
static void demand(struct stm_view *v, struct stm_replicate *r, struct stm_demand *d)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    const struct stm_piece *last = &r->pieces[r->n_pieces - 1];
    r->gap = stm_events_gap(v, r);
    follow_grid(v, r, v->plan->every, &r->gridded, false);
    follow_grid(v, r, v->plan->log_every, &r->logged, true);
    follow_ends(v, r);
    if (!stm_ends_at_forks(node)) stm_demand_stop(v, r, d);
    stm_demand_forks(v, r, d);
    d->stop_events |= last->watch;
    if (d->until > r->end.hi) d->until = r->end.hi;
    uint64_t can = *r->blocked ? last->cut.lo : STM_NEVER; /* it cannot go further than this */
    bool begun = last->trail && last->trail->exists;
    if (!begun && (r->n_pieces == 1 || last->from < r->end.hi)) d->any = true;
    if (d->until > r->pub.last && can > r->pub.last) d->any = true;
    if (r->gap != STM_NEVER) {
        stm_want_resume(d, r->gap);
        stm_want_until(d, r->pub.last < r->end.hi ? r->pub.last : r->end.hi);
    }
}

/* The forks of a replicate that is not there: they share its fate and its reason. */
static void pass_on(struct stm_view *v, const struct stm_replicate *r)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    for (unsigned i = 0; i < node->n_forks; i++) {
        struct stm_fork_state *fs = stm_view_fork_state(v, node->forks[i], r->seed);
        *fs = (struct stm_fork_state){.pub.cancelled = r->pub.status == STM_REP_CANCELLED,
                                      .pub.known = r->pub.status == STM_REP_ABSENT};
        snprintf(fs->why, sizeof fs->why, "%s", r->why);
    }
}

static int resolve_rule(struct stm_view *v, struct stm_replicate *r, struct stm_err *err)
{
    struct stm_err local = {0};
    int rc = stm_resolve_rule(v, r, &local);
    return cannot_be(r, rc, &local, err);
}

static void finish(struct stm_view *v, struct stm_replicate *r, const struct stm_demand *d)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    const struct stm_trail *t = r->pieces[r->n_pieces - 1].trail;
    bool ended = stm_range_known(r->end) && r->pub.last >= r->end.lo;
    if (stm_range_known(r->end)) r->pub.stop = r->end.lo;
    if (*r->blocked && !d->any && r->end.lo > r->pieces[r->n_pieces - 1].cut.lo) {
        set_status(r, STM_REP_CANCELLED, r->blocked);
        pass_on(v, r);
        return;
    }
    if (d->any || !ended)
        r->pub.status = r->n_pieces > 1 || (t && t->exists) ? STM_REP_PARTIAL : STM_REP_PENDING;
    else
        r->pub.status = stm_replicate_diverged(r) ? STM_REP_DIVERGED : STM_REP_DONE;
    r->settled = !d->any && ended;
    /* What the parent's history leaves open is not settled, and what descends from here reads it.
     */
    for (unsigned e = 0; e < v->plan->n_events; e++)
        if (!stm_range_known(r->event[e]) && r->event[e].lo <= r->end.lo) r->settled = false;
    for (unsigned i = 0; i < node->n_forks; i++) {
        const struct stm_fork_state *fs = stm_view_fork_state(v, node->forks[i], r->seed);
        if (!fs->have && !(fs->pub.known && !fs->pub.reached)) r->settled = false;
    }
}

/* Whether no seed of the node can do anything and yet one does not know where it ends: it waits for
 * events of other seeds. */
static bool is_stuck(const struct stm_view *v, int n, const struct stm_demand *demands)
{
    bool waits = false;
    for (unsigned s = 0; s < v->n_seeds; s++) {
        const struct stm_replicate *r = stm_view_replicate(v, n, s);
        if (demands[s].any) return false;
        waits = waits || (r->located && !*r->blocked && !stm_range_known(r->end));
    }
    return waits;
}

/* A run ends at its last fork, but how long its other seeds live may depend on events that come in
 * it later: it goes on to look for them. */
static void look_further(struct stm_view *v, int n, struct stm_demand *demands)
{
    for (unsigned s = 0; s < v->n_seeds; s++) {
        struct stm_replicate *r = stm_view_replicate(v, n, s);
        uint32_t watch = r->located ? stm_stop_watch(v, r) : 0;
        if (!watch || demands[s].any || *r->blocked) continue;
        demands[s].stop_events = watch;
        stm_want_until(&demands[s], r->rule.hi);
        for (unsigned e = 0; e < v->plan->n_events; e++)
            if ((watch >> e & 1) && r->event[e].lo <= r->pub.last)
                stm_want_resume(&demands[s], r->event[e].lo);
        demands[s].any = demands[s].any || r->rule.hi > r->pub.last;
        r->settled = false;
    }
}

/* Stops and forks may depend on every seed, so each stage is done for all seeds before the next. */
static int resolve_node(struct stm_view *v, int n, struct stm_demand *demands, struct stm_err *err)
{
    const struct stm_node *node = &v->plan->nodes[n];
    struct stm_replicate *reps = stm_view_replicate(v, n, 0);
    int rc = 0;
    for (unsigned s = 0; !rc && s < v->n_seeds; s++)
        if (!reps[s].settled) rc = locate(v, &reps[s], err);
    for (unsigned s = 0; !rc && s < v->n_seeds; s++)
        if (reps[s].located && !reps[s].settled) rc = resolve_rule(v, &reps[s], err);
    for (unsigned s = 0; !rc && s < v->n_seeds; s++) {
        if (reps[s].settled) continue;
        if (reps[s].located)
            rc = stm_resolve_forks(v, &reps[s], err);
        else
            pass_on(v, &reps[s]);
    }
    for (unsigned i = 0; !rc && i < node->n_forks; i++) {
        for (unsigned s = 0; s < v->n_seeds; s++) stm_check_captures(v, node->forks[i], s);
        stm_judge_fork(v, node->forks[i]);
    }
    for (unsigned s = 0; !rc && s < v->n_seeds; s++) {
        struct stm_replicate *r = &reps[s];
        demands[s] = (struct stm_demand){.resume = STM_NEVER};
        r->again = 0;
        for (unsigned i = 0; i < node->n_forks; i++)
            if (stm_view_fork_state(v, node->forks[i], s)->need_row) r->settled = false;
        if (r->located) stm_wish_samples(v, r);
        if (r->located && !r->settled) demand(v, r, &demands[s]);
    }
    if (!rc && is_stuck(v, n, demands)) look_further(v, n, demands);
    for (unsigned s = 0; !rc && s < v->n_seeds; s++) {
        struct stm_replicate *r = &reps[s];
        if (!r->located || r->settled) continue;
        finish(v, r, &demands[s]);
        if (demands[s].any) rc = stm_add_task(v, r, &demands[s], err);
    }
    return rc;
}

static bool is_open(const struct stm_view *v)
{
    bool open = false;
    for (size_t i = 0; i < (size_t)v->plan->n_nodes * v->n_seeds; i++) {
        const struct stm_replicate *r = &v->reps[i];
        open = open || r->pub.status == STM_REP_WAITING || (r->located && !r->settled);
    }
    return open;
}

int stm_view_resolve(struct stm_view *v, struct stm_err *err)
{
    struct stm_demand *demands = stm_calloc(v->n_seeds, sizeof *demands);
    if (!demands) return stm_fail(err, STM_E_NOMEM, "planning: out of memory");
    int rc = 0;
    stm_forget_tasks(v);
    for (unsigned n = 0; !rc && n < v->plan->n_nodes; n++)
        rc = resolve_node(v, (int)n, demands, err);
    v->open = is_open(v);
    if (!rc) rc = stm_add_misses(v, err);
    if (!rc) stm_add_sibling_cuts(v);
    stm_free(demands);
    return rc;
}
