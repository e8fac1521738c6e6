/* The facts of a view, as the functions that expressions read (struct stm_data). */
#include <math.h>
#include <stdio.h>

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

static bool finished(const struct stm_replicate *r)
{
    return r->pub.status == STM_REP_DONE || r->pub.status == STM_REP_DIVERGED;
}

static bool fact_stop_step(void *ctx, int node, unsigned seed, double *step)
{
    const struct stm_replicate *r = stm_view_replicate(ctx, node, seed);
    if (!finished(r)) return false;
    *step = (double)r->pub.stop;
    return true;
}

static bool fact_event(void *ctx, int node, unsigned seed, int event, double *step, bool *censored)
{
    const struct stm_replicate *r = stm_view_replicate(ctx, node, seed);
    uint64_t t = r->event[event];
    if (!r->located) return false;
    if (t != STM_NEVER && t <= r->pub.stop) {
        *step = (double)t;
        *censored = false;
        return true;
    }
    if (!finished(r)) return false;
    /* A divergence ends the data, not the budget: the time is censored at the bound. */
    uint64_t end =
        r->pub.status == STM_REP_DIVERGED && r->pub.bound != STM_NEVER ? r->pub.bound : r->pub.stop;
    *step = (double)end;
    *censored = true;
    return true;
}

static bool read_metric(const struct stm_view *v, int node, unsigned seed, const char *text,
                        uint64_t step, double *out)
{
    const struct stm_piece *p = stm_view_piece(v, node, seed, step, NULL);
    const struct stm_trail_entry *e = p && p->trail ? stm_trail_at(p->trail, step) : NULL;
    return e && stm_trail_metric(p->trail, e, text, out);
}

static bool fact_metric(void *ctx, int node, unsigned seed, const char *text, double step,
                        double *out)
{
    struct stm_view *v = ctx;
    double unused;
    if (!(step >= 0)) return false;
    if (read_metric(v, node, seed, text, (uint64_t)step, out)) return true;
    /* An evaluation ends at the first seed that lacks a value: the others are asked for with it. */
    for (unsigned s = 0; v->noting && s < v->n_seeds; s++)
        if (s == seed || !read_metric(v, node, s, text, (uint64_t)step, &unused))
            stm_view_note_miss(v, node, s, (uint64_t)step);
    return false;
}

static bool fact_log_step(void *ctx, int node, unsigned seed, unsigned i, double *step)
{
    const struct stm_view *v = ctx;
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    uint64_t end = r->pub.last < r->pub.stop ? r->pub.last : r->pub.stop;
    uint64_t at = (uint64_t)i * v->plan->log_every;
    if (!r->located || !v->plan->log_every || at > end) return false;
    *step = (double)at;
    return true;
}

static bool fact_capture(void *ctx, int capture, int node, unsigned seed, double *out)
{
    struct stm_view *v = ctx;
    const struct stm_capture *c = &v->plan->captures[capture];
    (void)node; /* the evaluator has chosen the instance */
    if (c->fork < 0) {
        const struct stm_replicate *r = stm_view_replicate(v, c->node, seed);
        return r->located && !stm_eval_seed(&v->data, c->expr, c->node, seed,
                                            (double)r->pub.fork_step, out, NULL);
    }
    const struct stm_fork_state *f = &v->forks[(size_t)c->fork * v->n_seeds + seed];
    if (!f->pub.reached || !f->pub.state.alg) return false;
    return !stm_eval_seed(&v->data, c->expr, v->plan->forks[c->fork].node, seed,
                          (double)f->pub.step, out, NULL);
}

static bool fact_calibrate(void *ctx, int calibrate, int node, double *out)
{
    struct stm_view *v = ctx;
    const struct stm_calibrate *c = &v->plan->calibrates[calibrate];
    (void)node;
    if (isnan(v->calibrated[calibrate])) {
        struct stm_err err = {0};
        int need = c->need < 0 ? (int)v->n_seeds : c->need;
        bool noting = v->noting;
        double value;
        v->noting =
            true; /* what the calibration reads must be measured, if need be by re-running */
        int rc =
            stm_eval_across(&v->data, c->expr, v->plan->forks[c->fork].node, need, &value, &err);
        v->noting = noting;
        if (rc) {
            snprintf(v->calibrate_why, sizeof v->calibrate_why, "%s: %.130s", c->name, err.msg);
            return false;
        }
        v->calibrated[calibrate] = value;
    }
    *out = v->calibrated[calibrate];
    return true;
}

static bool fact_identical(void *ctx, int a, int b, unsigned seed, bool *same,
                           unsigned long *compared)
{
    const struct stm_view *v = ctx;
    const struct stm_replicate *ra = stm_view_replicate(v, a, seed);
    const struct stm_replicate *rb = stm_view_replicate(v, b, seed);
    if (!finished(ra) || !finished(rb)) return false;
    struct stm_measured x, y;
    *same = true;
    *compared = 0;
    for (size_t i = 0; stm_view_step(v, a, seed, i, &x); i++) {
        if (x.step > ra->pub.stop || !stm_view_at(v, b, seed, x.step, &y)) continue;
        ++*compared;
        if (!stm_id_eq(&x.state, &y.state)) *same = false;
    }
    return true;
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
