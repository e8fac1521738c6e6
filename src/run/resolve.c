/* From what the store has to what is still to be done: one pass over the plan, parents first. */
#include <stdio.h>

#include "base/fail.h"
#include "base/mem.h"
#include "run/resolve.h"

static void set_status(struct stm_replicate *r, enum stm_rep_status s, const char *why)
{
    r->pub.status = s;
    if (why) snprintf(r->why, sizeof r->why, "%s", why);
}

/* False when the replicate cannot be located; its status says why. */
static bool enter(struct stm_view *v, struct stm_replicate *r)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    r->why[0] = 0;
    r->pub.fork_step = 0;
    if (node->off) {
        set_status(r, STM_REP_OFF, "");
        return false;
    }
    if (node->fork < 0) return true;
    const struct stm_fork_state *f = stm_view_fork_state(v, node->fork, r->seed);
    r->pub.fork_step = f->pub.known && f->pub.reached ? f->pub.step : STM_NEVER;
    enum stm_rep_status s = f->pub.cancelled                  ? STM_REP_CANCELLED
                            : f->pub.known && !f->pub.reached ? STM_REP_ABSENT
                            : !f->pub.known                   ? STM_REP_WAITING
                                                              : STM_REP_PENDING;
    set_status(r, s, f->why);
    return s == STM_REP_PENDING;
}

static void measure_extent(struct stm_replicate *r)
{
    const struct stm_piece *p = &r->pieces[r->n_pieces - 1];
    bool has = p->trail && p->trail->exists;
    r->pub.last = !has ? p->from : p->trail->last < p->cut ? p->trail->last : p->cut;
    bool started = r->n_pieces > 1 || has;
    r->pub.status = started ? STM_REP_PARTIAL : STM_REP_PENDING;
    if (has && p->trail->diverged != STM_NEVER && p->trail->diverged <= p->cut) {
        r->pub.status = STM_REP_DIVERGED;
        r->pub.stop = p->trail->diverged;
    }
}

/* A run ends at its last fork, or at its stop when it has no forks. */
static void close_run(const struct stm_view *v, struct stm_replicate *r)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    uint64_t end = r->pub.fork_step;
    for (unsigned i = 0; i < node->n_forks; i++) {
        const struct stm_fork_state *fs = stm_view_fork_state(v, node->forks[i], r->seed);
        if (!fs->pub.known) return;
        if (fs->pub.reached && fs->pub.step > end) end = fs->pub.step;
    }
    r->pub.stop = end;
}

static int resolve_replicate(struct stm_view *v, struct stm_replicate *r, struct stm_demand *d,
                             struct stm_err *err)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    bool forking_run = node->fork < 0 && node->n_forks;
    int rc = 0;
    if (r->pub.status != STM_REP_DIVERGED) {
        r->pub.stop = STM_NEVER;
        if (node->stop && !forking_run) rc = stm_resolve_stop(v, r, node->stop, d, err);
    }
    if (!rc) rc = stm_resolve_forks(v, r, d, err);
    if (forking_run && r->pub.status != STM_REP_DIVERGED) close_run(v, r);
    return rc;
}

static void finish(struct stm_view *v, struct stm_replicate *r, struct stm_demand *d)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    for (unsigned i = 0; i < node->n_forks; i++) {
        const struct stm_fork_state *fs = stm_view_fork_state(v, node->forks[i], r->seed);
        if (fs->need_row) stm_want_resume(d, fs->pub.step);
    }
    if (r->gap != STM_NEVER && r->gap <= r->pub.stop && d->any)
        stm_want_resume(d, r->gap);
    else if (r->gap != STM_NEVER && r->pub.stop == STM_NEVER)
        stm_want_resume(d, r->gap);
    if (r->pub.status == STM_REP_DIVERGED)
        d->any = false;
    else if (!d->any && r->pub.stop != STM_NEVER && r->pub.last >= r->pub.stop)
        r->pub.status = STM_REP_DONE;
}

/* Where a replicate begins, how far it has come, and which events it has had. */
static int locate(struct stm_view *v, struct stm_replicate *r, struct stm_err *err)
{
    r->pub.bound = r->pub.stop = STM_NEVER;
    r->pub.last = 0;
    r->located = false;
    if (!enter(v, r)) return 0;
    int rc = stm_view_locate(v, r, err);
    if (!rc && !r->located) r->pub.status = STM_REP_WAITING;
    if (rc || !r->located) return rc;
    measure_extent(r);
    rc = stm_resolve_events(v, r, err);
    return rc ? rc : stm_resolve_bound(v, r, v->plan->nodes[r->node].stop, err);
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

/* Stops and forks may depend on every seed, so each stage is done for all seeds before the next. */
static int resolve_node(struct stm_view *v, int n, struct stm_demand *demands, struct stm_err *err)
{
    const struct stm_node *node = &v->plan->nodes[n];
    int rc = 0;
    for (unsigned s = 0; !rc && s < v->n_seeds; s++)
        rc = locate(v, stm_view_replicate(v, n, s), err);
    for (unsigned s = 0; !rc && s < v->n_seeds; s++) {
        struct stm_replicate *r = stm_view_replicate(v, n, s);
        demands[s] = (struct stm_demand){.resume = STM_NEVER};
        if (r->located)
            rc = resolve_replicate(v, r, &demands[s], err);
        else
            pass_on(v, r);
    }
    for (unsigned i = 0; !rc && i < node->n_forks; i++) {
        stm_judge_fork(v, node->forks[i]);
        for (unsigned s = 0; s < v->n_seeds; s++) stm_check_captures(v, node->forks[i], s);
    }
    for (unsigned s = 0; !rc && s < v->n_seeds; s++) {
        struct stm_replicate *r = stm_view_replicate(v, n, s);
        if (!r->located) continue;
        finish(v, r, &demands[s]);
        if (demands[s].any) rc = stm_add_task(v, r, &demands[s], err);
    }
    return rc;
}

int stm_view_resolve(struct stm_view *v, struct stm_err *err)
{
    struct stm_demand *demands = stm_calloc(v->n_seeds, sizeof *demands);
    if (!demands) return stm_fail(err, STM_E_NOMEM, "planning: out of memory");
    int rc = 0;
    v->n_tasks = 0;
    for (unsigned n = 0; !rc && n < v->plan->n_nodes; n++)
        rc = resolve_node(v, (int)n, demands, err);
    if (!rc) rc = stm_add_misses(v, err);
    for (size_t i = 0; !rc && i < v->n_tasks; i++) stm_add_sibling_cuts(v, &v->tasks[i]);
    stm_free(demands);
    return rc;
}
