/* The functions of the language, one line each in the table at the end. */
#include <math.h>
#include <string.h>

#include "run/eval.h"

#define BAD(ev, ...) stm_value_one(stm_cell_bad(ev, STM_CELL_INVALID, __VA_ARGS__))

/* The argument called `key`, else the one at `place`, else NULL. */
static const struct stm_expr *argument(const struct stm_expr *e, const char *key, unsigned place)
{
    for (unsigned i = 0; i < e->n; i++)
        if (e->keys && e->keys[i] && strcmp(e->keys[i], key) == 0) return e->kids[i];
    return place < e->n && !(e->keys && e->keys[place]) ? e->kids[place] : NULL;
}

/* ---- statistics of a sample ---- */

/* Observations of the cells that take part; on failure NULL, with the reason in *why. */
static struct stm_obs *observe(struct stm_ev *ev, const struct stm_value *v, const char *name,
                               unsigned *n, struct stm_cell *why)
{
    struct stm_cell *cells = stm_ev_gather(ev, v, n, why);
    if (!cells || why->state != STM_CELL_OK) return NULL;
    struct stm_obs *x = stm_arena_alloc(&ev->scratch, (*n + 1) * sizeof *x);
    *why = (struct stm_cell){STM_CELL_INVALID, .v = NAN, .why = "out of memory"};
    if (!x) ev->nomem = true;
    if (*n == 0) *why = stm_cell_bad(ev, STM_CELL_INVALID, "`%s` of nothing: no seed has it", name);
    for (unsigned i = 0; x && i < *n; i++) {
        if (cells[i].sym) {
            *why = stm_cell_bad(ev, STM_CELL_INVALID, "`%s` of the word `%s`", name, cells[i].sym);
            return NULL;
        }
        x[i] = (struct stm_obs){cells[i].v, cells[i].censored};
    }
    return *n ? x : NULL;
}

static struct stm_cell no_statistic(struct stm_ev *ev, const char *name, const struct stm_obs *x,
                                    unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (x[i].censored)
            return stm_cell_bad(ev, STM_CELL_INVALID,
                                "`%s` of times of which some are censored: use only(...) or "
                                "restricted(..., N)",
                                name);
    return stm_cell_bad(ev, STM_CELL_INVALID, "`%s` of %u value%s", name, n, n == 1 ? "" : "s");
}

static struct stm_cell statistic(struct stm_ev *ev, const struct stm_function *f,
                                 const struct stm_value *v)
{
    unsigned n;
    struct stm_cell why;
    struct stm_obs *x = observe(ev, v, f->name, &n, &why), out;
    if (!x) return why;
    if (!f->stat(x, n, &out)) return no_statistic(ev, f->name, x, n);
    return (struct stm_cell){.v = out.v, .censored = out.censored};
}

/* A metric that is not sampled: its curve over the steps logged from the fork on. */
static bool is_trace(const struct stm_expr *e, const struct stm_scope *scope)
{
    return (e->ref == STM_R_ENGINE || e->ref == STM_R_METRIC) && !scope->at && isnan(scope->step);
}

static struct stm_cell trace_of_seed(struct stm_ev *ev, const struct stm_function *f,
                                     const struct stm_expr *e, int node, unsigned seed)
{
    struct stm_value steps = stm_ev_log_steps(ev, node, seed);
    struct stm_value curve = stm_value_cells(ev, STM_VAL_CURVE, steps.n);
    double fork;
    if (steps.kind == STM_VAL_ONE) return steps.one;
    if (curve.kind == STM_VAL_ONE) return curve.one;
    if (!ev->d->plan->log_every)
        return stm_cell_bad(ev, STM_CELL_INVALID,
                            "`%s` of a curve, and the file has no `log every`", f->name);
    if (steps.n == 0 || !ev->d->fork_step(ev->d->ctx, node, ev->first + seed, &fork))
        return stm_cell_bad(ev, STM_CELL_UNKNOWN, "the log of %s is not known yet",
                            stm_ev_place(ev, node, seed));
    if (steps.cells[steps.n - 1].v < fork)
        return stm_cell_bad(ev, STM_CELL_INVALID, "%s logs no step between its fork and its stop",
                            stm_ev_place(ev, node, seed));
    unsigned lo = ev->lo, hi = ev->hi;
    ev->lo = seed;
    ev->hi = seed + 1;
    for (unsigned i = 0; i < steps.n; i++) {
        struct stm_scope scope = STM_SCOPE(node);
        scope.step = steps.cells[i].v;
        curve.cells[i] = (struct stm_cell){STM_CELL_ABSENT, .v = NAN};
        if (scope.step < fork) continue;
        struct stm_value v = stm_ev_named(ev, e, &scope);
        curve.cells[i] = v.kind == STM_VAL_SEEDS ? v.cells[seed] : v.one;
    }
    ev->lo = lo;
    ev->hi = hi;
    return statistic(ev, f, &curve);
}

/* The statistic over the logged steps of each seed: a value per seed. */
static struct stm_value trace(struct stm_ev *ev, const struct stm_function *f,
                              const struct stm_expr *e, const struct stm_scope *scope)
{
    int node = scope->node;
    struct stm_cell why;
    if (e->kind != STM_X_NAME && e->n > 0 && stm_ev_is_place(e->kids[0])) {
        node = stm_ev_node(ev, e->kids[0], scope, &why);
        if (node < 0) return stm_value_one(why);
    }
    if (node < 0) return BAD(ev, "`%s` is read in no arm", e->text ? e->text : e->name);
    stm_ev_reads(ev, node);
    struct stm_ev_key key = {e, f, scope->env, node, -1, 0};
    const struct stm_value *kept = stm_ev_cached(ev, &key);
    if (kept) return *kept;
    struct stm_value v = stm_value_cells(ev, STM_VAL_SEEDS, ev->n_seeds);
    for (unsigned s = 0; v.kind == STM_VAL_SEEDS && s < v.n; s++) {
        v.cells[s] = (struct stm_cell){STM_CELL_ABSENT, .v = NAN};
        if (s < ev->lo || s >= ev->hi) continue;
        if (ev->d->exists(ev->d->ctx, node, ev->first + s))
            v.cells[s] = trace_of_seed(ev, f, e, node, s);
    }
    if (v.kind == STM_VAL_SEEDS) stm_ev_cache(ev, &key, &v, 0);
    return v;
}

static struct stm_value f_stat(struct stm_ev *ev, const struct stm_function *f,
                               const struct stm_expr *e, const struct stm_scope *scope)
{
    struct stm_value v = stm_ev_eval(ev, e->kids[0], scope);
    return stm_value_one(statistic(ev, f, &v));
}

/* The smaller or larger of two cells. Where a censored side cannot be ordered, the larger one is
 * above each censoring bound, and nothing is said of the smaller one. */
static struct stm_cell extreme(struct stm_ev *ev, int max, struct stm_cell a, struct stm_cell b)
{
    struct stm_cell less = stm_cell_compare(ev, STM_LE, a, b);
    if (less.state == STM_CELL_OK) return (less.v != 0) == !max ? a : b;
    if (!max || a.state != STM_CELL_OK || b.state != STM_CELL_OK) return less;
    return b.censored && (!a.censored || b.v > a.v) ? b : a;
}

/* Of several values, cell by cell; of one metric that is not sampled, over the logged steps of
 * each seed; else over seeds. */
static struct stm_value f_extreme(struct stm_ev *ev, const struct stm_function *f,
                                  const struct stm_expr *e, const struct stm_scope *scope)
{
    if (e->n == 1 && is_trace(e->kids[0], scope)) return trace(ev, f, e->kids[0], scope);
    if (e->n == 1) return f_stat(ev, f, e, scope);
    struct stm_value v = stm_ev_eval(ev, e->kids[0], scope);
    for (unsigned i = 1; i < e->n; i++)
        v = stm_value_map2(ev, extreme, f->stat == stm_stat_max, v,
                           stm_ev_eval(ev, e->kids[i], scope));
    return v;
}

static struct stm_value f_quantile(struct stm_ev *ev, const struct stm_function *f,
                                   const struct stm_expr *e, const struct stm_scope *scope)
{
    struct stm_value v = stm_ev_eval(ev, e->kids[0], scope);
    struct stm_value q = stm_ev_eval(ev, e->kids[1], scope);
    unsigned n;
    struct stm_cell why;
    struct stm_obs *x = observe(ev, &v, f->name, &n, &why), out;
    if (!x) return stm_value_one(why);
    if (q.kind != STM_VAL_ONE || q.one.state != STM_CELL_OK || q.one.censored ||
        !stm_stat_quantile(x, n, q.one.v, &out))
        return BAD(ev, "`quantile` needs a share between 0 and 1");
    return stm_value_one((struct stm_cell){.v = out.v, .censored = out.censored});
}

/* How many have come (times), hold (truths) or are there (anything else); of how many. */
static struct stm_cell counted(struct stm_ev *ev, const struct stm_value *v, unsigned *yes,
                               unsigned *n)
{
    struct stm_cell bad, *cells = stm_ev_gather(ev, v, n, &bad);
    *yes = 0;
    for (unsigned i = 0; cells && bad.state == STM_CELL_OK && i < *n; i++)
        *yes += cells[i].truth ? cells[i].v != 0 : !cells[i].censored;
    return bad;
}

static struct stm_value f_count(struct stm_ev *ev, const struct stm_function *f,
                                const struct stm_expr *e, const struct stm_scope *scope)
{
    const struct stm_expr *of = e->kids[0];
    (void)f;
    if (of->kind == STM_X_NAME && of->ref == STM_R_WORD && strcmp(of->name, "seeds") == 0)
        return stm_value_one(stm_cell_num(ev->d->n_seeds)); /* whoever takes part */
    struct stm_value v = stm_ev_eval(ev, of, scope);
    unsigned yes, n;
    struct stm_cell bad = counted(ev, &v, &yes, &n);
    return stm_value_one(bad.state == STM_CELL_OK ? stm_cell_num(yes) : bad);
}

static struct stm_value f_frac(struct stm_ev *ev, const struct stm_function *f,
                               const struct stm_expr *e, const struct stm_scope *scope)
{
    (void)f;
    struct stm_value v = stm_ev_eval(ev, e->kids[0], scope);
    unsigned yes, n;
    struct stm_cell bad = counted(ev, &v, &yes, &n);
    if (bad.state != STM_CELL_OK) return stm_value_one(bad);
    if (n == 0) return BAD(ev, "`frac` of nothing: no seed has it");
    return stm_value_one(stm_cell_num((double)yes / n));
}

/* ---- cell by cell ---- */

typedef struct stm_cell cell_map(struct stm_ev *ev, const struct stm_function *f, struct stm_cell c,
                                 double limit);

static struct stm_value map(struct stm_ev *ev, const struct stm_function *f, cell_map *m,
                            const struct stm_value *v, double limit)
{
    struct stm_value out = *v;
    if (v->kind == STM_VAL_ONE) {
        out.one = m(ev, f, v->one, limit);
        return out;
    }
    out = stm_value_cells(ev, v->kind, v->n);
    out.nodes = v->nodes;
    for (unsigned i = 0; out.kind != STM_VAL_ONE && i < v->n; i++)
        out.cells[i] = m(ev, f, v->cells[i], limit);
    return out;
}

static struct stm_cell drop_censored(struct stm_ev *ev, const struct stm_function *f,
                                     struct stm_cell c, double limit)
{
    (void)ev, (void)f, (void)limit;
    if (c.censored) c.state = STM_CELL_ABSENT;
    return c;
}

static struct stm_cell restrict_cell(struct stm_ev *ev, const struct stm_function *f,
                                     struct stm_cell c, double limit)
{
    struct stm_obs out;
    (void)f;
    if (c.state != STM_CELL_OK) return c;
    if (!stm_stat_restrict((struct stm_obs){c.v, c.censored}, limit, &out))
        return stm_cell_bad(ev, STM_CELL_INVALID, "censored at %.10g, before the limit %.10g", c.v,
                            limit);
    c.v = out.v;
    c.censored = false;
    return c;
}

static struct stm_cell apply_map(struct stm_ev *ev, const struct stm_function *f, struct stm_cell c,
                                 double limit)
{
    (void)limit;
    if (c.state != STM_CELL_OK) return c;
    double y = c.sym || (c.censored && !f->increasing) ? NAN : f->map(c.v);
    if (!isfinite(y))
        return stm_cell_bad(ev, STM_CELL_INVALID, "`%s` of %s%.10g has no value", f->name,
                            c.censored ? "> " : "", c.v);
    c.v = y;
    c.truth = false;
    return c;
}

static struct stm_value f_only(struct stm_ev *ev, const struct stm_function *f,
                               const struct stm_expr *e, const struct stm_scope *scope)
{
    struct stm_value v = stm_ev_eval(ev, e->kids[0], scope);
    return map(ev, f, drop_censored, &v, 0);
}

static struct stm_value f_restricted(struct stm_ev *ev, const struct stm_function *f,
                                     const struct stm_expr *e, const struct stm_scope *scope)
{
    struct stm_value v = stm_ev_eval(ev, e->kids[0], scope);
    struct stm_value limit = stm_ev_eval(ev, e->kids[1], scope);
    if (limit.kind != STM_VAL_ONE) return BAD(ev, "the limit of `restricted` is one number");
    if (limit.one.state != STM_CELL_OK) return limit;
    if (limit.one.censored || limit.one.sym)
        return BAD(ev, "the limit of `restricted` is a number");
    return map(ev, f, restrict_cell, &v, limit.one.v);
}

static struct stm_value f_map(struct stm_ev *ev, const struct stm_function *f,
                              const struct stm_expr *e, const struct stm_scope *scope)
{
    struct stm_value v = stm_ev_eval(ev, e->kids[0], scope);
    return map(ev, f, apply_map, &v, 0);
}

/* ---- curves ---- */

/* `e` over the points of `curve`: a curve of its own (`up.L`), or read in each arm (`tau`). */
static struct stm_value over_points(struct stm_ev *ev, const struct stm_expr *e,
                                    const struct stm_value *curve, const struct stm_scope *scope)
{
    unsigned n = curve->kind == STM_VAL_CURVE ? curve->n : 1;
    struct stm_value v = stm_ev_eval(ev, e, scope);
    if (v.kind == STM_VAL_CURVE) return v;
    if (v.kind == STM_VAL_ONE && v.one.state == STM_CELL_OK && n == 1) return v;
    if (!curve->nodes || v.kind == STM_VAL_SEEDS) return v;
    struct stm_value out = stm_value_cells(ev, STM_VAL_CURVE, n);
    struct stm_scope inner = *scope;
    for (unsigned i = 0; out.kind == STM_VAL_CURVE && i < n; i++) {
        inner.node = curve->nodes[i];
        struct stm_value one = stm_ev_eval(ev, e, &inner);
        if (one.kind != STM_VAL_ONE) return one;
        out.cells[i] = one.one;
    }
    return out;
}

/* Whether every point of a curve is there: one that is left out would shift the others against
 * another curve. */
static bool is_whole(struct stm_ev *ev, const struct stm_value *v, const char *name,
                     struct stm_cell *why)
{
    for (unsigned i = 0; v->kind == STM_VAL_CURVE && i < v->n; i++)
        if (v->cells[i].state == STM_CELL_ABSENT) {
            *why =
                stm_cell_bad(ev, STM_CELL_INVALID, "`%s`: a point of the curve is not there", name);
            return false;
        }
    return true;
}

/* The numbers of a curve; on failure NULL, with the reason in *why. */
static double *numbers(struct stm_ev *ev, const struct stm_value *v, const char *name, unsigned *n,
                       struct stm_cell *why)
{
    if (v->kind == STM_VAL_SEEDS) {
        *why =
            stm_cell_bad(ev, STM_CELL_INVALID, "`%s` reads curves over a sweep, not seeds", name);
        return NULL;
    }
    struct stm_obs *x = is_whole(ev, v, name, why) ? observe(ev, v, name, n, why) : NULL;
    double *out = x ? stm_arena_alloc(&ev->scratch, *n * sizeof *out) : NULL;
    if (x && !out) ev->nomem = true;
    for (unsigned i = 0; out && i < *n; i++) {
        out[i] = x[i].v;
        if (!x[i].censored) continue;
        *why = stm_cell_bad(ev, STM_CELL_INVALID, "a point of the curve is censored, at %.10g",
                            x[i].v);
        return NULL;
    }
    return out;
}

static struct stm_value f_interp(struct stm_ev *ev, const struct stm_function *f,
                                 const struct stm_expr *e, const struct stm_scope *scope)
{
    const struct stm_expr *along = argument(e, "along", 1), *at = argument(e, "at", 2);
    if (!along || !at) return BAD(ev, "`interp` needs along = and at =");
    struct stm_value curve = stm_ev_eval(ev, e->kids[0], scope);
    struct stm_value place = stm_ev_eval(ev, at, scope), points;
    points = over_points(ev, along, &curve, scope);
    unsigned nx, ny;
    struct stm_cell why;
    double *y = numbers(ev, &curve, f->name, &ny, &why), out;
    if (!y) return stm_value_one(why);
    double *x = numbers(ev, &points, f->name, &nx, &why);
    if (!x) return stm_value_one(why);
    if (place.kind != STM_VAL_ONE) return BAD(ev, "`interp` is read at one number");
    if (place.one.state != STM_CELL_OK) return place;
    if (place.one.censored || nx != ny) return BAD(ev, "`interp` needs one number a point");
    if (!stm_stat_interp(x, y, nx, place.one.v, &out))
        return BAD(ev,
                   "`interp` at %.10g: outside the curve, which goes from %.10g to %.10g, or "
                   "two of its points coincide",
                   place.one.v, x[0], x[nx - 1]);
    return stm_value_one(stm_cell_num(out));
}

/* Whether the curve, in the order of `along`, never goes against `up` or `down`. */
static struct stm_value f_monotone(struct stm_ev *ev, const struct stm_function *f,
                                   const struct stm_expr *e, const struct stm_scope *scope)
{
    const struct stm_expr *along = argument(e, "along", 1), *way = argument(e, "way", 2);
    bool down = way && way->name && strcmp(way->name, "down") == 0;
    if (!along || !way || !way->name || (!down && strcmp(way->name, "up") != 0))
        return BAD(ev, "`monotone` needs along = and up or down");
    struct stm_value curve = stm_ev_eval(ev, e->kids[0], scope), points;
    points = over_points(ev, along, &curve, scope);
    unsigned nx, ny;
    struct stm_cell why;
    double *x = numbers(ev, &points, f->name, &nx, &why);
    if (!x) return stm_value_one(why);
    struct stm_cell *y = stm_ev_gather(ev, &curve, &ny, &why);
    if (!y || why.state != STM_CELL_OK) return stm_value_one(why);
    if (nx != ny || curve.kind == STM_VAL_SEEDS) return BAD(ev, "`monotone` reads a sweep");
    struct stm_cell all = stm_cell_truth(true);
    for (unsigned i = 0; i < nx; i++)
        for (unsigned j = 0; j < nx; j++)
            if (x[i] < x[j])
                all = stm_cell_and(all, stm_cell_compare(ev, down ? STM_GE : STM_LE, y[i], y[j]));
    return stm_value_one(all);
}

/* ---- arms ---- */

/* Whether two replicates have the same states; of those that do not, `why` says where they part. */
static struct stm_cell compared(struct stm_ev *ev, int a, int b, unsigned seed)
{
    const struct stm_data *d = ev->d;
    struct stm_comparison x;
    const char *left = stm_ev_node_name(d->plan, a), *right = stm_ev_node_name(d->plan, b);
    if (!d->identical(d->ctx, a, b, ev->first + seed, &x))
        return stm_cell_bad(ev, STM_CELL_UNKNOWN, "%s and %s, seed %d, are not compared yet", left,
                            right, d->seeds[ev->first + seed]);
    if (!x.compared)
        return stm_cell_bad(ev, STM_CELL_INVALID, "%s and %s, seed %d, have no step in common",
                            left, right, d->seeds[ev->first + seed]);
    struct stm_cell c = stm_cell_truth(x.same);
    if (!x.same) {
        struct stm_cell text =
            stm_cell_bad(ev, STM_CELL_INVALID, "first differ at step %llu, in %s",
                         (unsigned long long)x.step, x.tensors);
        c.why = text.why;
    }
    return c;
}

static struct stm_value f_identical(struct stm_ev *ev, const struct stm_function *f,
                                    const struct stm_expr *e, const struct stm_scope *scope)
{
    (void)f;
    const struct stm_data *d = ev->d;
    struct stm_cell why;
    int a = stm_ev_node(ev, e->kids[0], scope, &why);
    int b = a < 0 ? -1 : stm_ev_node(ev, e->kids[1], scope, &why);
    if (b < 0) return stm_value_one(why);
    stm_ev_reads(ev, a);
    stm_ev_reads(ev, b);
    struct stm_value v = stm_value_cells(ev, STM_VAL_SEEDS, ev->n_seeds);
    for (unsigned s = ev->lo; v.kind == STM_VAL_SEEDS && s < ev->hi; s++) {
        v.cells[s] = (struct stm_cell){STM_CELL_ABSENT, .v = NAN};
        if (d->exists(d->ctx, a, ev->first + s) && d->exists(d->ctx, b, ev->first + s))
            v.cells[s] = compared(ev, a, b, s);
    }
    return v;
}

/* ols(y, [x, ...]) over curves: R². A `fit` gives the other numbers. */
static struct stm_value f_ols(struct stm_ev *ev, const struct stm_function *f,
                              const struct stm_expr *e, const struct stm_scope *scope)
{
    const struct stm_expr *xs = e->kids[1];
    if (xs->kind != STM_X_LIST || xs->n > STM_OLS_MAX)
        return BAD(ev, "`ols` takes y and a list of at most %d regressors", STM_OLS_MAX);
    struct stm_value curve = stm_ev_eval(ev, e->kids[0], scope), points[STM_OLS_MAX];
    for (unsigned k = 0; k < xs->n; k++) points[k] = over_points(ev, xs->kids[k], &curve, scope);
    unsigned n, nx;
    struct stm_cell why;
    struct stm_ols fit;
    double *y = numbers(ev, &curve, f->name, &n, &why);
    if (!y) return stm_value_one(why);
    double *x = stm_arena_alloc(&ev->scratch, (xs->n * (size_t)n + 1) * sizeof *x);
    if (!x) ev->nomem = true;
    for (unsigned k = 0; x && k < xs->n; k++) {
        double *one = numbers(ev, &points[k], f->name, &nx, &why);
        if (!one) return stm_value_one(why);
        if (nx != n) return BAD(ev, "`ols` needs as many values of x as of y");
        memcpy(x + (size_t)k * n, one, n * sizeof *x);
    }
    if (!x || !stm_stat_ols(x, y, n, xs->n, &fit))
        return BAD(ev, "`ols` of %u points: too few, or the regressors depend on each other", n);
    return stm_value_one(stm_cell_num(fit.r2));
}

static struct stm_value f_nearest(struct stm_ev *ev, const struct stm_function *f,
                                  const struct stm_expr *e, const struct stm_scope *scope)
{
    (void)f, (void)e, (void)scope;
    return BAD(ev, "`nearest(T)` stands after @ only");
}

static const struct stm_function functions[] = {
    /* name, fewest and most arguments, implementation */
    {"median", 1, 1, f_stat, .stat = stm_stat_median},
    {"mean", 1, 1, f_stat, .stat = stm_stat_mean},
    {"std", 1, 1, f_stat, .stat = stm_stat_sd},
    {"min", 1, 8, f_extreme, .stat = stm_stat_min},
    {"max", 1, 8, f_extreme, .stat = stm_stat_max},
    {"iqr", 1, 1, f_stat, .stat = stm_stat_iqr},
    {"quantile", 2, 2, f_quantile, .stat = NULL},
    {"count", 1, 1, f_count, .stat = NULL},
    {"frac", 1, 1, f_frac, .stat = NULL},
    {"only", 1, 1, f_only, .stat = NULL},
    {"restricted", 2, 2, f_restricted, .stat = NULL},
    {"log", 1, 1, f_map, .map = log, .increasing = true},
    {"exp", 1, 1, f_map, .map = exp, .increasing = true},
    {"sqrt", 1, 1, f_map, .map = sqrt, .increasing = true},
    {"abs", 1, 1, f_map, .map = fabs},
    {"interp", 3, 3, f_interp, .stat = NULL},
    {"monotone", 3, 3, f_monotone, .stat = NULL},
    {"identical", 2, 2, f_identical, .stat = NULL},
    {"nearest", 1, 1, f_nearest, .stat = NULL},
    {"ols", 2, 2, f_ols, .stat = NULL},
};

const struct stm_function *stm_function_find(const char *name)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (strcmp(functions[i].name, name) == 0) return &functions[i];
    return NULL;
}
