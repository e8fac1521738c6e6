/* Which engine metrics a plan mentions, and where. */
#include <string.h>

#include "base/fail.h"
#include "run/view.h"

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
    struct stm_view *v;
    uint32_t use;
    unsigned cap;
};

enum { COLUMNS_MAX = 200 };

static int add(void *ctx, const char *text)
{
    struct collector *c = ctx;
    struct stm_view *v = c->v;
    for (unsigned i = 0; i < v->n_columns; i++)
        if (!strcmp(v->columns[i], text)) {
            v->column_uses[i] |= c->use;
            return 0;
        }
    struct stm_metric m;
    bool update = !stm_metric_parse(&m, text, NULL) && stm_metric_reads_update(&m);
    if (v->n_columns == COLUMNS_MAX) return STM_E_INVALID;
    v->columns[v->n_columns] = text;
    v->column_uses[v->n_columns++] = c->use | (update ? STM_USE_UPDATE : 0);
    return 0;
}

static int collect(struct collector *c, uint32_t use, const struct stm_expr *e)
{
    c->use = use;
    return stm_expr_engine_metrics(c->v->plan, e, add, c);
}

/* What is read over the logged steps: `min(m)`, `max(m)` of a metric that is not sampled, and
 * `m @ nearest(T)`. */
static int collect_traces(struct collector *c, const struct stm_expr *e, bool sampled,
                          unsigned depth)
{
    const struct stm_plan *p = c->v->plan;
    if (!e || depth > 64) return 0;
    bool call = e->kind == STM_X_CALL && e->ref == STM_R_FUNCTION && e->n == 1;
    bool extreme = call && (!strcmp(e->name, "min") || !strcmp(e->name, "max"));
    bool metric = extreme && (e->kids[0]->ref == STM_R_ENGINE || e->kids[0]->ref == STM_R_METRIC);
    const struct stm_expr *t = e->kind == STM_X_AT ? e->kids[1] : NULL;
    bool near = t && t->kind == STM_X_CALL && t->name && !strcmp(t->name, "nearest");
    int rc = 0;
    if (near || (metric && !sampled)) rc = collect(c, STM_USE_LOG, e->kids[0]);
    if (!rc && e->ref == STM_R_LET && e->index >= 0)
        rc = collect_traces(c, p->lets[e->index].expr, sampled, depth + 1);
    for (unsigned i = 0; !rc && i < e->n; i++)
        rc = collect_traces(c, e->kids[i], sampled || (t && i == 0), depth + 1);
    return rc;
}

/* An expression of a claim, a table or a calibration. */
static int collect_read(struct collector *c, const struct stm_expr *e)
{
    int rc = collect(c, STM_USE_OTHER, e);
    if (!rc) rc = collect_traces(c, e, false, 0);
    return rc ? rc : stm_view_collect_samples(c->v, e, 0);
}

static int collect_requires(struct collector *c, const struct stm_require *q, unsigned n)
{
    int rc = 0;
    for (unsigned i = 0; !rc && i < n; i++) rc = collect(c, STM_USE_OTHER, q[i].expr);
    return rc;
}

int stm_view_collect_columns(struct stm_view *v, struct stm_err *err)
{
    const struct stm_plan *p = v->plan;
    struct collector c = {.v = v};
    v->columns = stm_arena_alloc(&v->arena, COLUMNS_MAX * sizeof *v->columns);
    v->column_uses = stm_arena_alloc(&v->arena, COLUMNS_MAX * sizeof *v->column_uses);
    if (!v->columns || !v->column_uses)
        return stm_fail(err, STM_E_NOMEM, "planning: out of memory");
    int rc = 0;
    for (unsigned i = 0; !rc && i < p->n_events; i++)
        rc = collect(&c, STM_USE_EVENT, p->events[i].expr);
    for (unsigned i = 0; !rc && i < p->n_logs; i++) rc = collect(&c, STM_USE_LOG, p->logs[i].expr);
    for (unsigned i = 0; !rc && i < p->n_captures; i++)
        rc = collect(&c, STM_USE_OTHER, p->captures[i].expr);
    for (unsigned i = 0; !rc && i < p->n_calibrates; i++)
        rc = collect_read(&c, p->calibrates[i].expr);
    for (unsigned i = 0; !rc && i < p->n_forks; i++)
        rc = collect_requires(&c, p->forks[i].requires, p->forks[i].n_requires);
    for (unsigned i = 0; !rc && i < p->n_nodes; i++)
        rc = collect_requires(&c, p->nodes[i].requires, p->nodes[i].n_requires);
    for (unsigned i = 0; !rc && i < p->n_claims; i++) rc = collect_read(&c, p->claims[i].expr);
    for (unsigned i = 0; !rc && i < p->n_expects; i++) rc = collect_read(&c, p->expects[i].expr);
    for (unsigned i = 0; !rc && i < p->n_displays; i++)
        for (unsigned k = 0; !rc && k < p->displays[i].n_columns; k++)
            rc = collect_read(&c, p->displays[i].columns[k].value);
    if (rc == STM_E_NOMEM) return stm_fail(err, rc, "planning: out of memory");
    if (rc)
        return stm_fail(err, STM_E_INVALID, "planning %s: more than %d different metrics", p->name,
                        COLUMNS_MAX);
    return 0;
}
