/* Forks: at which step, from which state, and whether their requirements hold. */
#include <stdio.h>

#include "base/buf.h"
#include "run/eval.h"
#include "run/resolve.h"

struct stm_fork_state *stm_view_fork_state(const struct stm_view *v, int fork, unsigned seed)
{
    return &v->forks[(size_t)fork * v->n_seeds + seed];
}

/* The step of a fork for one seed. *known false: not yet; step STM_NEVER: never. */
static int fork_step_of(struct stm_view *v, const struct stm_fork *f, const struct stm_replicate *r,
                        bool *known, uint64_t *step, struct stm_err *err)
{
    uint64_t n = 0;
    int rc = stm_time_value(v, &f->at, r->node, r->seed, &n, err);
    if (rc) return rc;
    *known = true;
    switch (f->at.kind) {
    case STM_T_START: *step = r->pub.fork_step; return 0;
    case STM_T_STEP: *step = n; return 0;
    case STM_T_PLUS: *step = r->pub.fork_step + n; return 0;
    case STM_T_EACH: {
        uint64_t t = r->event[f->at.event],
                 end = r->pub.stop < r->pub.bound ? r->pub.stop : r->pub.bound;
        *known = t != STM_NEVER || r->pub.last >= end || r->pub.status == STM_REP_DIVERGED;
        *step = t != STM_NEVER && t < n ? n : t;
        return 0;
    }
    case STM_T_ALL:
    case STM_T_ANY: {
        struct stm_common_time c = stm_common_event(v, r->node, f->at.kind, f->at.event);
        *known = c.known;
        *step = c.step != STM_NEVER && c.step < n ? n : c.step;
        return 0;
    }
    }
    return 0;
}

/* Finds the state at the fork in the trails, or asks for it. */
static void fork_locate(struct stm_view *v, const struct stm_replicate *r,
                        struct stm_fork_state *fs, uint64_t step, struct stm_demand *d)
{
    fs->pub.step = step;
    fs->pub.reached = step != STM_NEVER && step <= r->pub.stop && step <= r->pub.bound &&
                      step >= r->pub.fork_step;
    if (!fs->pub.reached) {
        fs->pub.known = true;
        snprintf(fs->why, sizeof fs->why, "%s",
                 step < r->pub.fork_step ? "the event of the fork came before its parent began"
                                         : "this seed ends before the fork");
        return;
    }
    const struct stm_piece *first = &r->pieces[0];
    if (step == r->pub.fork_step && first->start_known) {
        fs->pub.state = first->start;
        fs->pub.known = first->trail->exists;
        if (!fs->pub.known)
            stm_want_until(d, step), stm_want_anchor(d, step), stm_want_resume(d, step);
        return;
    }
    const struct stm_piece *p = stm_view_piece(v, r->node, r->seed, step, NULL);
    const struct stm_trail_entry *e = p && p->trail ? stm_trail_at(p->trail, step) : NULL;
    if (e && e->stored) {
        fs->pub.known = true;
        fs->pub.state = e->state;
        return;
    }
    snprintf(fs->why, sizeof fs->why, "the fork is at step %llu, the parent is at step %llu",
             (unsigned long long)step, (unsigned long long)r->pub.last);
    stm_want_until(d, step);
    stm_want_anchor(d, step);
    if (r->pub.last >= step) stm_want_resume(d, step);
}

/* Whether one `require` holds for one seed: 1, 0, or -1 when a measurement is missing. */
static int requirement(const struct stm_view *v, const struct stm_require *q,
                       const struct stm_replicate *r, uint64_t step)
{
    if (q->expr->ref == STM_R_EVENT && q->expr->kind == STM_X_NAME) {
        uint64_t t = r->event[q->expr->index];
        return t != STM_NEVER && t <= step;
    }
    bool holds;
    if (stm_eval_require(&v->data, q->expr, r->node, r->seed, (double)step, &holds, NULL))
        return -1;
    return holds;
}

static const char *quantifier_name(const struct stm_require *q)
{
    return q->quantifier == STM_Q_ALL ? "all" : q->quantifier == STM_Q_NO ? "no" : "any";
}

/* Tests the requires of a fork over the seeds [lo, hi). Returns false while something is missing.
 */
static bool test_requires(struct stm_view *v, int fork, unsigned lo, unsigned hi)
{
    const struct stm_fork *f = &v->plan->forks[fork];
    for (unsigned i = 0; i < f->n_requires; i++) {
        const struct stm_require *q = &f->requires[i];
        unsigned n = 0, holds = 0, culprit = lo;
        for (unsigned s = lo; s < hi; s++) {
            struct stm_fork_state *fs = stm_view_fork_state(v, fork, s);
            if (!fs->pub.known) return false;
            if (!fs->pub.reached) continue;
            int h = requirement(v, q, stm_view_replicate(v, f->node, s), fs->pub.step);
            if (h < 0) {
                fs->need_row = true;
                return false;
            }
            if (h != (q->quantifier != STM_Q_NO)) culprit = s;
            n++, holds += (unsigned)h;
        }
        bool ok = q->quantifier == STM_Q_ALL  ? holds == n
                  : q->quantifier == STM_Q_NO ? !holds
                                              : holds > 0;
        if (ok || !n) continue;
        struct stm_buf text = {0};
        stm_expr_print(q->expr, &text);
        for (unsigned s = lo; s < hi; s++) {
            struct stm_fork_state *fs = stm_view_fork_state(v, fork, s);
            fs->pub.cancelled = true;
            snprintf(fs->why, sizeof fs->why, "`require %s %s` fails at step %llu (seed %d)",
                     quantifier_name(q), stm_buf_text(&text),
                     (unsigned long long)stm_view_fork_state(v, fork, culprit)->pub.step,
                     v->seeds[culprit]);
        }
        stm_buf_release(&text);
    }
    return true;
}

/* A fork that every seed reaches at a step of the plan is judged once for all seeds. */
void stm_judge_fork(struct stm_view *v, int fork)
{
    const struct stm_fork *f = &v->plan->forks[fork];
    bool each = f->at.kind == STM_T_EACH;
    if (!f->n_requires) return;
    if (!each) {
        if (test_requires(v, fork, 0, v->n_seeds)) return;
        for (unsigned s = 0; s < v->n_seeds; s++) {
            struct stm_fork_state *fs = stm_view_fork_state(v, fork, s);
            if (!fs->pub.known) continue;
            fs->pub.known = false;
            snprintf(fs->why, sizeof fs->why, "its `require` waits for the other seeds");
        }
        return;
    }
    for (unsigned s = 0; s < v->n_seeds; s++)
        if (stm_view_fork_state(v, fork, s)->pub.known && !test_requires(v, fork, s, s + 1))
            stm_view_fork_state(v, fork, s)->pub.known = false;
}

/* Captured numbers that were never measured at the fork's step. */
void stm_check_captures(struct stm_view *v, int fork, unsigned seed)
{
    struct stm_fork_state *fs = stm_view_fork_state(v, fork, seed);
    double unused;
    for (unsigned i = 0; fs->pub.known && fs->pub.reached && i < v->plan->n_captures; i++)
        if (v->plan->captures[i].fork == fork &&
            !v->data.capture(v, (int)i, v->plan->forks[fork].node, seed, &unused))
            fs->need_row = true;
}

int stm_resolve_forks(struct stm_view *v, struct stm_replicate *r, struct stm_demand *d,
                      struct stm_err *err)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    for (unsigned i = 0; i < node->n_forks; i++) {
        const struct stm_fork *f = &v->plan->forks[node->forks[i]];
        struct stm_fork_state *fs = stm_view_fork_state(v, node->forks[i], r->seed);
        *fs = (struct stm_fork_state){0};
        bool known = false;
        uint64_t step = STM_NEVER;
        int rc = fork_step_of(v, f, r, &known, &step, err);
        if (rc) return rc;
        if (known) {
            fork_locate(v, r, fs, step, d);
            continue;
        }
        snprintf(fs->why, sizeof fs->why, "the event of the fork has not come yet");
        uint32_t bit = UINT32_C(1) << f->at.event;
        d->anchor_events |= bit;
        if (node->fork < 0 && r->event[f->at.event] == STM_NEVER) {
            stm_want_until(d, r->pub.bound);
            d->stop_events |= bit;
        }
    }
    return 0;
}
