/* Forks: at which step, from which state, and whether their requirements hold. */
#include <stdio.h>

#include "base/buf.h"
#include "run/eval.h"
#include "run/resolve.h"
#include "run/row.h"

struct stm_fork_state *stm_view_fork_state(const struct stm_view *v, int fork, unsigned seed)
{
    return &v->forks[(size_t)fork * v->n_seeds + seed];
}

/* The step of a fork for one seed. */
static int fork_time(struct stm_view *v, const struct stm_fork *f, const struct stm_replicate *r,
                     struct stm_range *out, struct stm_err *err)
{
    uint64_t n = 0;
    int rc = stm_time_value(v, &f->at, r->node, r->seed, &n, err);
    struct stm_range least = stm_range_at(n);
    if (rc) return rc;
    switch (f->at.kind) {
    case STM_T_START: *out = stm_range_at(r->pub.fork_step); break;
    case STM_T_STEP: *out = least; break;
    case STM_T_PLUS: *out = stm_range_at(r->pub.fork_step + n); break;
    case STM_T_EACH: *out = stm_range_max(r->event[f->at.event], least); break;
    case STM_T_ALL:
    case STM_T_ANY:
        *out = stm_range_max(
            stm_common_event(v, r->node, f->at.kind, f->at.event, stm_replicate_life), least);
        break;
    }
    return 0;
}

static void not_reached(struct stm_fork_state *fs, const char *why)
{
    fs->pub.known = true;
    snprintf(fs->why, sizeof fs->why, "%s", why);
}

/* Whether the replicate comes to the fork, and the state there when it is stored. */
static void fork_locate(const struct stm_view *v, const struct stm_replicate *r, int fork)
{
    struct stm_fork_state *fs = stm_view_fork_state(v, fork, r->seed);
    struct stm_range t = fs->time, life = stm_replicate_life(r);
    if (stm_range_beyond(t, life)) {
        not_reached(fs, "this seed ends before the fork");
        return;
    }
    if (t.hi < r->pub.fork_step) {
        not_reached(fs, "the event of the fork came before its parent began");
        return;
    }
    if (!stm_range_known(t)) {
        snprintf(fs->why, sizeof fs->why, "the event of the fork has not come yet");
        return;
    }
    fs->pub.step = t.lo;
    fs->pub.reached = stm_range_within(t, life);
    snprintf(fs->why, sizeof fs->why, "the fork is at step %llu, the parent is at step %llu",
             (unsigned long long)t.lo, (unsigned long long)r->pub.last);
    struct stm_place at;
    const struct stm_trail_entry *e = NULL;
    if (fs->pub.reached &&
        stm_view_place(v, r->node, r->seed, stm_view_fork_moment(v, fork, r->seed), &at) ==
            STM_FACT_KNOWN)
        e = stm_place_entry(&at);
    if (!e || !e->stored) return;
    fs->have = fs->pub.known = true;
    fs->pub.state = e->state;
    fs->why[0] = 0;
}

bool stm_ends_at_forks(const struct stm_node *node)
{
    return node->n_forks && (node->fork < 0 || !node->stop);
}

/* A run that has forks, or an arm that has forks and no stop, ends at the last of them; where one
 * is not reached, at its stop. */
static void close_run(const struct stm_view *v, struct stm_replicate *r)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    uint64_t last = r->pub.fork_step;
    bool missed = false, open = false;
    for (unsigned i = 0; i < node->n_forks; i++) {
        const struct stm_fork_state *fs = stm_view_fork_state(v, node->forks[i], r->seed);
        missed = missed || (fs->pub.known && !fs->pub.reached);
        bool ahead = !fs->pub.known && !fs->pub.reached;
        open = open || ahead;
        if (fs->pub.reached && fs->pub.step > last) last = fs->pub.step;
        if (ahead && fs->time.lo > last) last = fs->time.lo; /* it does not end before that */
    }
    r->end = missed ? r->rule
             : open ? (struct stm_range){last < r->rule.lo ? last : r->rule.lo, r->rule.hi}
                    : stm_range_at(last);
}

int stm_resolve_forks(struct stm_view *v, struct stm_replicate *r, struct stm_err *err)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    for (unsigned i = 0; i < node->n_forks; i++) {
        struct stm_fork_state *fs = stm_view_fork_state(v, node->forks[i], r->seed);
        *fs = (struct stm_fork_state){0};
        struct stm_err local = {0};
        int rc = fork_time(v, &v->plan->forks[node->forks[i]], r, &fs->time, &local);
        if (rc == STM_E_INVALID) { /* its step has no value, or is none: the arms cannot be */
            fs->time = stm_range_at(STM_NEVER);
            snprintf(fs->why, sizeof fs->why, "%.159s", local.msg);
            continue;
        }
        if (rc && err) *err = local;
        if (rc) return rc;
    }
    /* How far it goes is needed to say which state a fork is, and the forks of a run say it. */
    r->end = stm_replicate_life(r);
    for (unsigned i = 0; i < node->n_forks; i++) fork_locate(v, r, node->forks[i]);
    if (stm_ends_at_forks(node)) close_run(v, r);
    r->end = stm_range_min(r->end, r->diverged);
    return 0;
}

/* What brings a fork of a run nearer; an arm goes on to its own stop anyway. Where its own event
 * has come the run goes as far as it does for certain, while other seeds decide. */
static void demand_step(const struct stm_view *v, const struct stm_replicate *r,
                        const struct stm_fork_state *fs, const struct stm_fork *f,
                        struct stm_demand *d)
{
    uint32_t watch = stm_stop_watch(v, r);
    uint64_t reach = watch ? r->rule.hi : r->rule.lo, to = fs->time.lo;
    if (f->at.event >= 0 && !stm_range_known(r->event[f->at.event])) {
        watch |= UINT32_C(1) << f->at.event;
        reach = r->rule.hi;
        to = fs->time.hi;
    }
    stm_want_until(d, to < reach ? to : reach);
    d->stop_events |= watch;
}

void stm_demand_forks(const struct stm_view *v, const struct stm_replicate *r, struct stm_demand *d)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    bool run = stm_ends_at_forks(node);
    for (unsigned i = 0; i < node->n_forks; i++) {
        const struct stm_fork *f = &v->plan->forks[node->forks[i]];
        const struct stm_fork_state *fs = stm_view_fork_state(v, node->forks[i], r->seed);
        if (fs->need_row) stm_want_resume(d, fs->pub.step);
        if (run && fs->pub.known && !fs->pub.reached) stm_demand_stop(v, r, d);
        if (fs->have || (fs->pub.known && !fs->pub.reached)) continue;
        if (f->at.event >= 0) d->anchor_events |= UINT32_C(1) << f->at.event;
        /* Where the event comes earlier, the fork is at the number behind `after`. */
        uint64_t after;
        if (f->at.event >= 0 && f->at.value &&
            !stm_time_value(v, &f->at, r->node, r->seed, &after, NULL))
            stm_want_anchor(d, after);
        if (run) demand_step(v, r, fs, f, d);
        if (!stm_range_known(fs->time)) continue;
        stm_want_anchor(d, fs->time.lo);
        if (fs->pub.reached && r->pub.last >= fs->time.lo) stm_want_resume(d, fs->time.lo);
    }
}

/* ---- requires ---- */

/* Whether one `require` holds for one seed. */
static enum stm_fact requirement(const struct stm_view *v, const struct stm_require *q, int fork,
                                 unsigned seed, bool *holds)
{
    int parent = v->plan->forks[fork].node;
    const struct stm_replicate *r = stm_view_replicate(v, parent, seed);
    struct stm_moment at = stm_view_fork_moment(v, fork, seed);
    struct stm_row row = {.events = r->event, .step = stm_view_fork_state(v, fork, seed)->pub.step};
    stm_row_init(&row, &v->data);
    int rc = stm_eval_require(&row.data, q->expr, parent, seed, at, holds, NULL);
    if (rc == STM_E_INVALID) *holds = false; /* 0/0: nothing that holds */
    return !rc || rc == STM_E_INVALID ? STM_FACT_KNOWN : STM_FACT_UNKNOWN;
}

static const char *quantifier_name(const struct stm_require *q)
{
    return q->quantifier == STM_Q_ALL ? "all" : q->quantifier == STM_Q_NO ? "no" : "any";
}

/* Tests one `require` over the seeds [lo, hi) that reach the fork. NONE: it fails. */
static enum stm_fact test(struct stm_view *v, int fork, const struct stm_require *q, unsigned lo,
                          unsigned hi, char why[STM_WHY])
{
    unsigned n = 0, yes = 0, culprit = lo;
    bool open = false;
    for (unsigned s = lo; s < hi; s++) {
        struct stm_fork_state *fs = stm_view_fork_state(v, fork, s);
        bool holds = false;
        open = open || (!fs->pub.reached && !fs->pub.known && !fs->pub.cancelled);
        if (!fs->pub.reached) continue;
        if (requirement(v, q, fork, s, &holds) == STM_FACT_UNKNOWN) {
            fs->need_row = fs->have;
            open = true;
            continue;
        }
        if (holds != (q->quantifier != STM_Q_NO)) culprit = s;
        n++, yes += holds;
    }
    if (open) return STM_FACT_UNKNOWN;
    bool ok = q->quantifier == STM_Q_ALL ? yes == n : q->quantifier == STM_Q_NO ? !yes : yes > 0;
    if (ok || !n) return STM_FACT_KNOWN;
    struct stm_buf text = {0};
    stm_expr_print(q->expr, &text);
    snprintf(why, STM_WHY, "`require %s %s` fails at step %llu (seed %d)", quantifier_name(q),
             stm_buf_text(&text),
             (unsigned long long)stm_view_fork_state(v, fork, culprit)->pub.step,
             v->seeds[culprit]);
    stm_buf_release(&text);
    return STM_FACT_NONE;
}

/* All of them; the first that fails is the reason. */
static enum stm_fact test_all(struct stm_view *v, int fork, const struct stm_require *q, unsigned n,
                              unsigned seed, char why[STM_WHY])
{
    bool each = v->plan->forks[fork].at.kind == STM_T_EACH;
    unsigned lo = each ? seed : 0, hi = each ? seed + 1 : v->n_seeds;
    enum stm_fact all = STM_FACT_KNOWN;
    for (unsigned i = 0; i < n && all == STM_FACT_KNOWN; i++)
        all = test(v, fork, &q[i], lo, hi, why);
    return all;
}

/* A fork that every seed reaches at a step of the plan is judged once for all seeds. */
void stm_judge_fork(struct stm_view *v, int fork)
{
    const struct stm_fork *f = &v->plan->forks[fork];
    bool each = f->at.kind == STM_T_EACH;
    char why[STM_WHY] = "";
    enum stm_fact result = STM_FACT_KNOWN;
    for (unsigned s = 0; f->n_requires && s < v->n_seeds; s++) {
        struct stm_fork_state *fs = stm_view_fork_state(v, fork, s);
        if (each || !s) result = test_all(v, fork, f->requires, f->n_requires, s, why);
        if (!fs->pub.reached) continue;
        fs->pub.cancelled = result == STM_FACT_NONE;
        fs->pub.known = fs->have && result == STM_FACT_KNOWN;
        if (fs->pub.cancelled)
            snprintf(fs->why, sizeof fs->why, "%s", why);
        else if (fs->have)
            snprintf(fs->why, sizeof fs->why, "%s",
                     fs->pub.known ? "" : "its `require` waits for the other seeds");
    }
}

enum stm_fact stm_judge_arm(struct stm_view *v, int node, unsigned seed, char why[STM_WHY])
{
    const struct stm_node *n = &v->plan->nodes[node];
    if (!n->n_requires) return STM_FACT_KNOWN;
    return test_all(v, n->fork, n->requires, n->n_requires, seed, why);
}

/* Captured numbers that were never measured at the fork's step: the fork's own, and its arms'. */
void stm_check_captures(struct stm_view *v, int fork, unsigned seed)
{
    struct stm_fork_state *fs = stm_view_fork_state(v, fork, seed);
    double unused;
    for (unsigned i = 0; fs->have && i < v->plan->n_captures; i++) {
        const struct stm_capture *c = &v->plan->captures[i];
        bool arms = c->node >= 0 && v->plan->nodes[c->node].fork == fork;
        if ((c->fork == fork || arms) &&
            v->data.capture(v, (int)i, c->node, seed, &unused) == STM_FACT_UNKNOWN)
            fs->need_row = true;
    }
}
