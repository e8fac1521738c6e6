/* Least squares over arms. */
#include <math.h>
#include <string.h>

#include "report/results.h"

/* The cells of a fit. The list that joins several `over` expressions goes with the results, since
 * the evaluator keeps values by the expression. */
static const int *cells(struct rep_compute *c, const struct stm_claim *claim, unsigned *n,
                        struct stm_cell *why)
{
    struct stm_scope scope = STM_SCOPE(-1);
    struct stm_expr *list = stm_arena_alloc(&c->r->mem, sizeof *list);
    *why = (struct stm_cell){.state = STM_CELL_INVALID, .v = NAN, .why = "out of memory"};
    if (!list) {
        c->ev.nomem = true;
        return NULL;
    }
    list->kind = STM_X_LIST;
    list->n = claim->n_over;
    list->kids = (struct stm_expr **)claim->over;
    return stm_ev_nodes(&c->ev, list, &scope, n, why);
}

bool rep_fit_prepare(struct rep_compute *c, const struct stm_claim *claim, struct rep_work *w,
                     struct stm_cell *why)
{
    const struct stm_expr *ols = claim->expr, *xs = ols->kids[1];
    if (xs->kind != STM_X_LIST || xs->n > STM_OLS_MAX) {
        *why = stm_cell_bad(&c->ev, STM_CELL_INVALID,
                            "a fit takes y and a list of at most %d regressors", STM_OLS_MAX);
        return false;
    }
    w->nodes = cells(c, claim, &w->n_nodes, why);
    if (!w->nodes) return false;
    w->room = stm_arena_alloc(&c->r->mem, (xs->n + 1) * (size_t)(w->n_nodes + 1) * sizeof *w->room);
    if (!w->room) c->ev.nomem = true;
    for (unsigned i = 0; i < w->n_nodes; i++) {
        struct stm_scope scope = STM_SCOPE(w->nodes[i]);
        if (c->d->plan->nodes[w->nodes[i]].off) continue;
        rep_reads(c, ols->kids[0], &scope, w->reads);
        for (unsigned j = 0; j < xs->n; j++) rep_reads(c, xs->kids[j], &scope, w->reads);
    }
    return w->room;
}

/* One point: y and the regressors of a node. False when it is left out, because something of it is
 * censored, and when the fit cannot be made without it, for the reason *why. */
static bool point(struct rep_compute *c, const struct stm_expr *ols, int node, double *row,
                  struct stm_cell *why)
{
    const struct stm_expr *xs = ols->kids[1];
    for (unsigned j = 0; j <= xs->n; j++) {
        struct stm_cell v = rep_number(&c->ev, j ? xs->kids[j - 1] : ols->kids[0], node);
        if (v.state == STM_CELL_OK && v.sym)
            v = stm_cell_bad(&c->ev, STM_CELL_INVALID, "a cell of the fit is the word `%s`", v.sym);
        if (v.state != STM_CELL_OK) {
            *why = v;
            return false;
        }
        if (v.censored) return false;
        row[j] = v.v;
    }
    return true;
}

static bool design(struct rep_compute *c, const struct stm_claim *claim, struct rep_work *w,
                   double *x, double *y, unsigned *n, struct stm_cell *why)
{
    unsigned k = claim->expr->kids[1]->n, kept = 0, all = w->n_nodes;
    double row[STM_OLS_MAX + 1];
    w->left_out = 0;
    for (unsigned i = 0; i < all; i++) {
        if (c->d->plan->nodes[w->nodes[i]].off) continue;
        if (!point(c, claim->expr, w->nodes[i], row, why)) {
            if (why->state != STM_CELL_OK) return false;
            w->left_out++;
            continue;
        }
        y[kept] = row[0];
        for (unsigned j = 0; j < k; j++) x[j * all + kept] = row[j + 1];
        kept++;
    }
    for (unsigned j = 1; j < k; j++) memmove(x + j * kept, x + j * all, kept * sizeof *x);
    *n = kept;
    return true;
}

struct stm_cell rep_fit(struct rep_compute *c, const struct stm_claim *claim, struct rep_work *w)
{
    unsigned k = claim->expr->kids[1]->n, n;
    double *x = w->room, *y = x + k * (size_t)w->n_nodes;
    struct stm_cell why = {.state = STM_CELL_OK};
    if (!design(c, claim, w, x, y, &n, &why)) {
        if (why.state != STM_CELL_ABSENT) return why;
        return stm_cell_bad(&c->ev, STM_CELL_INVALID, "a cell of the fit has no number");
    }
    if (!stm_stat_ols(x, y, n, k, &w->fit))
        return stm_cell_bad(&c->ev, STM_CELL_INVALID,
                            "too few cells, or the regressors depend on each other");
    return stm_cell_num(w->fit.r2);
}

/* ---- its parts ---- */

static double slope(const struct stm_ols *f) { return f->k ? f->coef[f->k - 1] : NAN; }
static double intercept(const struct stm_ols *f) { return f->intercept; }
static double r2(const struct stm_ols *f) { return f->r2; }
static double dr2(const struct stm_ols *f) { return f->dr2; }
static double points(const struct stm_ols *f) { return (double)f->n; }

/* Through as many points as it has parameters a fit goes exactly, and its RSS is rounding. */
static double aic(const struct stm_ols *f)
{
    return f->n > f->k + 1 ? stm_stat_aic(f->rss, f->n, f->k + 1) : -INFINITY;
}

/* slope, coef: of the last regressor, whose gain in R2 is dr2. */
static const struct {
    const char *name;
    double (*get)(const struct stm_ols *f);
} parts[] = {{"value", r2}, {"r2", r2},   {"slope", slope}, {"coef", slope},
             {"dr2", dr2},  {"aic", aic}, {"n", points},    {"intercept", intercept}};

bool rep_fit_part(const struct stm_ols *f, const char *part, double *out)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strcmp(parts[i].name, part) == 0) {
            *out = parts[i].get(f);
            return true;
        }
    return false;
}
