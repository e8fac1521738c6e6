#include "run/row.h"

static bool row_exists(void *ctx, int node, unsigned seed)
{
    const struct stm_data *d = ((const struct stm_row *)ctx)->base;
    return d->exists(d->ctx, node, seed);
}

static bool row_fork_step(void *ctx, int node, unsigned seed, double *step)
{
    const struct stm_data *d = ((const struct stm_row *)ctx)->base;
    return d->fork_step(d->ctx, node, seed, step);
}

static bool row_stop_step(void *ctx, int node, unsigned seed, double *step)
{
    const struct stm_data *d = ((const struct stm_row *)ctx)->base;
    return d->stop_step(d->ctx, node, seed, step);
}

static bool row_event(void *ctx, int node, unsigned seed, int event, double *step, bool *censored)
{
    const struct stm_row *x = ctx;
    struct stm_range t = x->events[event];
    (void)node, (void)seed;
    *censored = t.lo > x->step;
    *step = (double)(*censored ? x->step : t.hi);
    return *censored || t.hi <= x->step;
}

static enum stm_fact row_metric(void *ctx, int node, unsigned seed, const char *text,
                                struct stm_moment at, double *out)
{
    const struct stm_row *x = ctx;
    if (x->metric) return x->metric(x->ctx, text, out);
    return x->base->metric(x->base->ctx, node, seed, text, at, out);
}

static bool row_log_step(void *ctx, int node, unsigned seed, unsigned i, double *step)
{
    const struct stm_data *d = ((const struct stm_row *)ctx)->base;
    return d->log_step(d->ctx, node, seed, i, step);
}

static enum stm_fact row_capture(void *ctx, int capture, int node, unsigned seed, double *out)
{
    const struct stm_data *d = ((const struct stm_row *)ctx)->base;
    return d->capture(d->ctx, capture, node, seed, out);
}

static enum stm_fact row_calibrate(void *ctx, int calibrate, int node, double *out)
{
    const struct stm_data *d = ((const struct stm_row *)ctx)->base;
    return d->calibrate(d->ctx, calibrate, node, out);
}

static bool row_identical(void *ctx, int a, int b, unsigned seed, struct stm_comparison *out)
{
    const struct stm_data *d = ((const struct stm_row *)ctx)->base;
    return d->identical(d->ctx, a, b, seed, out);
}

void stm_row_init(struct stm_row *row, const struct stm_data *base)
{
    row->base = base;
    row->data = *base;
    row->data.ctx = row;
    row->data.exists = row_exists;
    row->data.fork_step = row_fork_step;
    row->data.stop_step = row_stop_step;
    row->data.event = row_event;
    row->data.metric = row_metric;
    row->data.log_step = row_log_step;
    row->data.capture = row_capture;
    row->data.calibrate = row_calibrate;
    row->data.identical = row_identical;
}
