/* The facts of a view, as the functions that expressions read (struct stm_data). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "run/list.h"
#include "run/view.h"

static bool fact_exists(void *ctx, int node, unsigned seed)
{
    enum stm_rep_status s = stm_view_replicate(ctx, node, seed)->pub.status;
    return s != STM_REP_OFF && s != STM_REP_CANCELLED && s != STM_REP_ABSENT;
}

static bool fact_fork_step(void *ctx, int node, unsigned seed, double *step)
{
    const struct stm_replicate *r = stm_view_replicate(ctx, node, seed);
    if (r->pub.status == STM_REP_OFF || r->pub.fork_step == STM_NEVER) return false;
    *step = (double)r->pub.fork_step;
    return true;
}

/* Where the replicate ends, once it was trained to there. */
static bool has_ended(const struct stm_replicate *r)
{
    return r->located && stm_range_known(r->end) && r->pub.last >= r->end.lo;
}

static bool fact_stop_step(void *ctx, int node, unsigned seed, double *step)
{
    const struct stm_replicate *r = stm_view_replicate(ctx, node, seed);
    if (!has_ended(r)) return false;
    *step = (double)r->end.lo;
    return true;
}

static bool fact_event(void *ctx, int node, unsigned seed, int event, double *step, bool *censored)
{
    const struct stm_replicate *r = stm_view_replicate(ctx, node, seed);
    struct stm_range t = r->event[event];
    if (!r->located) return false;
    *censored = !stm_range_within(t, r->end);
    *step = (double)t.lo;
    if (!*censored) return true;
    if (!has_ended(r) || !stm_range_beyond(t, r->end)) return false;
    /* A divergence ends the data, not the budget: the time is censored at the bound. */
    bool diverged = stm_replicate_diverged(r) && r->pub.bound != STM_NEVER;
    *step = (double)(diverged ? r->pub.bound : r->end.lo);
    return true;
}

static enum stm_fact read_metric(const struct stm_view *v, int node, unsigned seed,
                                 const char *text, struct stm_moment at, double *out)
{
    struct stm_place p;
    enum stm_fact known = stm_view_place(v, node, seed, at, &p);
    if (known != STM_FACT_KNOWN) return known;
    const struct stm_trail_entry *e = stm_place_entry(&p);
    return e && stm_trail_metric(p.piece->trail, e, text, out) ? STM_FACT_KNOWN : STM_FACT_UNKNOWN;
}

static enum stm_fact fact_metric(void *ctx, int node, unsigned seed, const char *text,
                                 struct stm_moment at, double *out)
{
    struct stm_view *v = ctx;
    double unused;
    enum stm_fact known = read_metric(v, node, seed, text, at, out);
    if (known != STM_FACT_UNKNOWN) return known;
    /* An evaluation ends at the first seed that lacks a value: the others are asked for with it. */
    for (unsigned s = 0; v->noting && s < v->n_seeds; s++)
        if (s == seed || read_metric(v, node, s, text, at, &unused) == STM_FACT_UNKNOWN)
            stm_view_note_miss(v, node, s, at);
    if (!v->pretend) return known;
    *out = 1; /* so that the evaluation goes on to what else is missing; nobody keeps its value */
    return STM_FACT_KNOWN;
}

static bool fact_log_step(void *ctx, int node, unsigned seed, unsigned i, double *step)
{
    const struct stm_view *v = ctx;
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    uint64_t at = (uint64_t)i * v->plan->log_every;
    if (!v->plan->log_every || !has_ended(r) || at > r->end.lo) return false;
    *step = (double)at;
    return true;
}

/* Whether a fork that was not reached may be yet; `node` is its parent. */
static bool may_come(const struct stm_view *v, int node, unsigned seed,
                     const struct stm_fork_state *f)
{
    bool off = stm_view_replicate(v, node, seed)->pub.status == STM_REP_OFF;
    return !off && !f->pub.known && !f->pub.cancelled;
}

static enum stm_fact fact_capture(void *ctx, int capture, int node, unsigned seed, double *out)
{
    struct stm_view *v = ctx;
    const struct stm_capture *c = &v->plan->captures[capture];
    int fork = c->fork >= 0 ? c->fork : v->plan->nodes[c->node].fork, at = c->node;
    struct stm_moment moment = {STM_AT_FORK, 0};
    (void)node; /* the evaluator has chosen the instance */
    if (fork >= 0) {
        const struct stm_fork_state *f = &v->forks[(size_t)fork * v->n_seeds + seed];
        at = v->plan->forks[fork].node;
        if (!f->pub.reached) return may_come(v, at, seed, f) ? STM_FACT_UNKNOWN : STM_FACT_NONE;
        moment = stm_view_fork_moment(v, fork, seed);
    }
    int rc = stm_eval_seed(&v->data, c->expr, at, seed, moment, out, NULL);
    return rc == 0 ? STM_FACT_KNOWN : rc == STM_E_NOTFOUND ? STM_FACT_UNKNOWN : STM_FACT_NONE;
}

static enum stm_fact fact_calibrate(void *ctx, int calibrate, int node, double *out)
{
    struct stm_view *v = ctx;
    const struct stm_calibrate *c = &v->plan->calibrates[calibrate];
    (void)node;
    if (isnan(v->calibrated[calibrate])) {
        struct stm_err err = {0};
        int need = c->need < 0 ? (int)v->n_seeds : c->need;
        bool noting = v->noting, pretend = v->pretend;
        double value;
        /* What the calibration reads must be measured, if need be by re-running. */
        v->noting = true;
        v->pretend = false;
        int rc =
            stm_eval_across(&v->data, c->expr, v->plan->forks[c->fork].node, need, &value, &err);
        v->noting = noting;
        v->pretend = pretend;
        if (rc) {
            snprintf(v->calibrate_why, sizeof v->calibrate_why, "%s: %.130s", c->name, err.msg);
            return rc == STM_E_NOTFOUND ? STM_FACT_UNKNOWN : STM_FACT_NONE;
        }
        v->calibrated[calibrate] = value;
    }
    *out = v->calibrated[calibrate];
    return STM_FACT_KNOWN;
}

/* The state of a replicate at a step that it shares with another: where it has just begun that is
 * its own first one. */
static bool state_at(struct stm_view *v, int node, unsigned seed, uint64_t step,
                     struct stm_measured *out)
{
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    struct stm_moment at = STM_STEP(step);
    if (step == r->pub.fork_step) at.when = STM_AT_START;
    if (stm_view_at(v, node, seed, at, out) == STM_FACT_KNOWN) return true;
    if (v->noting) stm_view_note_miss(v, node, seed, at);
    return false;
}

/* The names of the tensors in which two states differ. */
static void name_tensors(const struct stm_measured *a, const struct stm_measured *b, char *out,
                         size_t size)
{
    struct stm_list list = {.out = out, .size = size};
    out[0] = 0;
    for (unsigned i = 0; i < a->n_tensors; i++)
        for (unsigned k = 0; k < b->n_tensors; k++)
            if (!strcmp(a->names[i], b->names[k]) && !stm_id_eq(&a->tensors[i], &b->tensors[k]))
                stm_list_add(&list, a->names[i]);
    stm_list_end(&list);
}

static uint64_t next_on(uint64_t step, uint64_t every)
{
    return every ? (step / every + 1) * every : STM_NEVER;
}

static bool fact_identical(void *ctx, int a, int b, unsigned seed, struct stm_comparison *out)
{
    struct stm_view *v = ctx;
    const struct stm_replicate *x = stm_view_replicate(v, a, seed);
    const struct stm_replicate *y = stm_view_replicate(v, b, seed);
    *out = (struct stm_comparison){.same = true};
    if (!has_ended(x) || !has_ended(y)) return false;
    uint64_t step = x->pub.fork_step > y->pub.fork_step ? x->pub.fork_step : y->pub.fork_step;
    uint64_t end = x->end.lo < y->end.lo ? x->end.lo : y->end.lo;
    bool known = true;
    for (;;) {
        struct stm_measured p, q;
        if (step > end) break; /* one of them had ended when the other began */
        bool of_a = state_at(v, a, seed, step, &p), of_b = state_at(v, b, seed, step, &q);
        bool both = of_a && of_b;
        known = known && both;
        out->compared += both;
        if (both && !stm_id_eq(&p.state, &q.state)) {
            out->same = false;
            out->step = step;
            name_tensors(&p, &q, out->tensors, sizeof out->tensors);
            break; /* what comes later cannot make them the same again */
        }
        if (step == end) break;
        uint64_t e = next_on(step, v->plan->every), l = next_on(step, v->plan->log_every);
        step = e < l ? e : l;
        if (step > end) step = end;
    }
    return known || !out->same;
}

void stm_view_bind_data(struct stm_view *v)
{
    v->data = (struct stm_data){.ctx = v,
                                .plan = v->plan,
                                .n_seeds = v->n_seeds,
                                .seeds = v->seeds,
                                .exists = fact_exists,
                                .fork_step = fact_fork_step,
                                .stop_step = fact_stop_step,
                                .event = fact_event,
                                .metric = fact_metric,
                                .log_step = fact_log_step,
                                .capture = fact_capture,
                                .calibrate = fact_calibrate,
                                .identical = fact_identical};
}
