/* Which engine metrics a plan mentions, and where. */
#include <string.h>

#include "base/fail.h"
#include "run/columns.h"
#include "stemma/engine.h"

static int walk(const struct stm_plan *plan, const struct stm_expr *e, unsigned depth,
                int (*each)(void *ctx, const char *text), void *ctx)
{
    if (!e || depth > 64) return 0;
    if (e->ref == STM_R_ENGINE && e->text) return each(ctx, e->text);
    int rc = 0;
    if (e->ref == STM_R_METRIC && e->index >= 0)
        rc = walk(plan, plan->metrics[e->index].expr, depth + 1, each, ctx);
    if (e->ref == STM_R_LET && e->index >= 0)
        rc = walk(plan, plan->lets[e->index].expr, depth + 1, each, ctx);
    for (unsigned i = 0; !rc && i < e->n; i++) rc = walk(plan, e->kids[i], depth + 1, each, ctx);
    return rc;
}

int stm_expr_engine_metrics(const struct stm_plan *plan, const struct stm_expr *e,
                            int (*each)(void *ctx, const char *text), void *ctx)
{
    return walk(plan, e, 0, each, ctx);
}

struct collector {
    const struct stm_plan *plan;
    struct stm_columns *c;
    uint32_t use;
};

static int add(void *ctx, const char *text)
{
    struct collector *x = ctx;
    struct stm_columns *c = x->c;
    for (unsigned i = 0; i < c->n; i++)
        if (!strcmp(c->text[i], text)) {
            c->use[i] |= x->use;
            return 0;
        }
    struct stm_metric m;
    bool update = !stm_metric_parse(&m, text, NULL) && stm_metric_reads_update(&m);
    if (c->n == STM_COLUMNS_MAX) return STM_E_INVALID;
    c->text[c->n] = text;
    c->use[c->n++] = x->use | (update ? STM_USE_UPDATE : 0);
    return 0;
}

static int collect(struct collector *c, uint32_t use, const struct stm_expr *e)
{
    c->use = use;
    return stm_expr_engine_metrics(c->plan, e, add, c);
}

/* What is read over the logged steps: `min(m)`, `max(m)` of a metric that is not sampled, and
 * `m @ nearest(T)`. */
static int collect_traces(struct collector *c, const struct stm_expr *e, bool sampled,
                          unsigned depth)
{
    if (!e || depth > 64) return 0;
    bool call = e->kind == STM_X_CALL && e->ref == STM_R_FUNCTION && e->n == 1;
    bool extreme = call && (!strcmp(e->name, "min") || !strcmp(e->name, "max"));
    bool metric = extreme && (e->kids[0]->ref == STM_R_ENGINE || e->kids[0]->ref == STM_R_METRIC);
    const struct stm_expr *t = e->kind == STM_X_AT ? e->kids[1] : NULL;
    bool near = t && t->kind == STM_X_CALL && t->name && !strcmp(t->name, "nearest");
    int rc = 0;
    if (near || (metric && !sampled)) rc = collect(c, STM_USE_LOG, e->kids[0]);
    if (!rc && e->ref == STM_R_LET && e->index >= 0)
        rc = collect_traces(c, c->plan->lets[e->index].expr, sampled, depth + 1);
    for (unsigned i = 0; !rc && i < e->n; i++)
        rc = collect_traces(c, e->kids[i], sampled || (t && i == 0), depth + 1);
    return rc;
}

/* An expression of a claim, a table or a calibration. */
static int collect_read(void *ctx, const struct stm_expr *e)
{
    int rc = collect(ctx, STM_USE_OTHER, e);
    return rc ? rc : collect_traces(ctx, e, false, 0);
}

static int collect_requires(struct collector *c, const struct stm_require *q, unsigned n)
{
    int rc = 0;
    for (unsigned i = 0; !rc && i < n; i++) rc = collect(c, STM_USE_OTHER, q[i].expr);
    return rc;
}

int stm_plan_each_read(const struct stm_plan *p, int (*each)(void *ctx, const struct stm_expr *e),
                       void *ctx)
{
    int rc = 0;
    for (unsigned i = 0; !rc && i < p->n_calibrates; i++) rc = each(ctx, p->calibrates[i].expr);
    for (unsigned i = 0; !rc && i < p->n_claims; i++) rc = each(ctx, p->claims[i].expr);
    for (unsigned i = 0; !rc && i < p->n_expects; i++) rc = each(ctx, p->expects[i].expr);
    for (unsigned i = 0; !rc && i < p->n_displays; i++)
        for (unsigned k = 0; !rc && k < p->displays[i].n_columns; k++)
            rc = each(ctx, p->displays[i].columns[k].value);
    return rc;
}

int stm_columns_collect(struct stm_columns *out, const struct stm_plan *p, struct stm_arena *a,
                        struct stm_err *err)
{
    struct collector c = {.plan = p, .c = out};
    *out = (struct stm_columns){0};
    out->text = stm_arena_alloc(a, STM_COLUMNS_MAX * sizeof *out->text);
    out->use = stm_arena_alloc(a, STM_COLUMNS_MAX * sizeof *out->use);
    if (!out->text || !out->use) return stm_fail(err, STM_E_NOMEM, "planning: out of memory");
    int rc = 0;
    for (unsigned i = 0; !rc && i < p->n_events; i++)
        rc = collect(&c, STM_USE_EVENT, p->events[i].expr);
    for (unsigned i = 0; !rc && i < p->n_logs; i++) rc = collect(&c, STM_USE_LOG, p->logs[i].expr);
    for (unsigned i = 0; !rc && i < p->n_captures; i++)
        rc = collect(&c, STM_USE_OTHER, p->captures[i].expr);
    for (unsigned i = 0; !rc && i < p->n_forks; i++)
        rc = collect_requires(&c, p->forks[i].requires, p->forks[i].n_requires);
    for (unsigned i = 0; !rc && i < p->n_nodes; i++)
        rc = collect_requires(&c, p->nodes[i].requires, p->nodes[i].n_requires);
    if (!rc) rc = stm_plan_each_read(p, collect_read, &c);
    if (rc)
        return stm_fail(err, STM_E_INVALID, "planning %s: more than %d different metrics", p->name,
                        STM_COLUMNS_MAX);
    return 0;
}
