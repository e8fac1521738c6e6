/* The functions of the language: what they take and what they give. A new one is a line in the
 * table at the end. */
#include <math.h>
#include <string.h>

#include "protocol/check.h"

static struct ty ty(enum ty_base base, const struct ty *from)
{
    return (struct ty){.base = base, .open = from && from->open, .cells = from && from->cells};
}

static struct ty reject(struct check *k, const char *code, const struct stm_expr *e,
                        const char *why, const char *help)
{
    struct stm_diag *d = pr_diag(k->c, code, e->span, "%s", why);
    if (help) pr_help(k->c, d, "%s", help);
    return pr_bad();
}

/* A value per seed, or (where allowed) a time that may be censored. */
static struct ty over_seeds(struct check *k, const struct stm_expr *e, bool censored_too)
{
    struct ty t = pr_type(k, e->kids[0]);
    const char *f = e->name;
    if (t.base == TY_BAD) return t;
    if (t.base == TY_CURVE)
        return reject(k, "E0304", e->kids[0],
                      pr_printf(k->c, "`%s` needs one value per seed, not a curve", f),
                      "sample it: `metric @ stop`, `@ EVENT`, `@ step N`, `@ nearest(T)`");
    if (t.base != TY_SEED && t.base != TY_TIME)
        return reject(
            k, "E0303", e->kids[0],
            pr_printf(k->c, "`%s` is taken over seeds, and this is one number already", f), NULL);
    if (t.base == TY_TIME && !censored_too)
        return reject(k, "E0501", e->kids[0],
                      pr_printf(k->c, "`%s` of times that may be censored by `stop`", f),
                      "use median(...), or say which: only(T), or restricted(T, N)");
    return ty(TY_ACROSS, &t);
}

static struct ty t_median(struct check *k, const struct stm_expr *e)
{
    return over_seeds(k, e, true);
}
static struct ty t_mean(struct check *k, const struct stm_expr *e)
{
    return over_seeds(k, e, false);
}

static struct ty t_quantile(struct check *k, const struct stm_expr *e)
{
    const struct stm_expr *q = e->kids[1];
    if (q->kind != STM_X_NUM || q->num < 0 || q->num > 1)
        return reject(k, "E0301", q, "a quantile is a number between 0 and 1", NULL);
    return over_seeds(k, e, true);
}

/* count and frac: of seeds that have a time, or for which something holds. */
static struct ty t_count(struct check *k, const struct stm_expr *e)
{
    struct ty t = pr_type(k, e->kids[0]);
    if (t.base == TY_BAD) return t;
    if (t.base == TY_SEEDS) return ty(TY_ACROSS, NULL);
    if (t.base == TY_TIME || (t.base == TY_SEED && t.truth)) return ty(TY_ACROSS, &t);
    return reject(k, "E0303", e->kids[0],
                  pr_printf(k->c,
                            "`%s` counts seeds: it takes an event, a time, `seeds`, or a "
                            "comparison per seed",
                            e->name),
                  NULL);
}

/* min and max: of a curve over its steps, of seeds, or of several numbers. */
static struct ty t_extreme(struct check *k, const struct stm_expr *e)
{
    struct ty t = pr_type(k, e->kids[0]);
    if (t.base == TY_BAD) return t;
    if (e->n == 1) {
        if (t.base == TY_CURVE) return ty(TY_SEED, &t);
        return over_seeds(k, e, false);
    }
    for (unsigned i = 1; i < e->n; i++) {
        struct ty u = pr_type(k, e->kids[i]);
        if (u.base == TY_BAD) return u;
        if (u.base > TY_SEED || t.base > TY_SEED)
            return reject(k, "E0303", e->kids[i],
                          pr_printf(k->c, "`%s` of several values takes numbers", e->name), NULL);
        if (u.base > t.base) t.base = u.base;
        t.open |= u.open;
        t.cells |= u.cells;
    }
    return ty(t.base, &t);
}

static struct ty t_scalar(struct check *k, const struct stm_expr *e)
{
    struct ty t = pr_type(k, e->kids[0]);
    if (t.base == TY_BAD || (t.base >= TY_NUM && t.base <= TY_SEED && !t.truth)) return t;
    if (t.base == TY_CLAIM) return ty(TY_ACROSS, &t);
    if (t.base == TY_TIME)
        return reject(k, "E0501", e->kids[0],
                      pr_printf(k->c, "`%s` of times that may be censored by `stop`", e->name),
                      "aggregate first, or use only(T) or restricted(T, N)");
    return reject(k, t.base == TY_CURVE ? "E0304" : "E0303", e->kids[0],
                  pr_printf(k->c, "`%s` takes a number", e->name), NULL);
}

static struct ty t_uncensor(struct check *k, const struct stm_expr *e)
{
    struct ty t = pr_type(k, e->kids[0]);
    if (t.base == TY_BAD) return t;
    if (t.base != TY_TIME)
        return reject(k, "E0303", e->kids[0],
                      pr_printf(k->c, "`%s` takes a time that may be censored", e->name), NULL);
    if (e->n == 2 && e->kids[1]->kind != STM_X_NUM)
        return reject(k, "E0301", e->kids[1], "the horizon of `restricted` is a number of steps",
                      NULL);
    return ty(TY_SEED, &t);
}

static const struct stm_expr *named(const struct stm_expr *e, const char *key)
{
    for (unsigned i = 0; i < e->n; i++)
        if (e->keys && e->keys[i] && strcmp(e->keys[i], key) == 0) return e->kids[i];
    return NULL;
}

/* One value for each instance of a sweep: up.T */
static bool want_cells(struct check *k, const struct stm_expr *e, const char *f)
{
    struct ty t = pr_type(k, e);
    if (t.base == TY_BAD) return false;
    if (t.base == TY_ACROSS && t.cells) return true;
    reject(k, "E0303", e,
           pr_printf(k->c, "`%s` goes along a sweep: it takes one number for each of its arms", f),
           "write `arm.name`, with an arm that has a sweep and a number over seeds");
    return false;
}

static struct ty t_interp(struct check *k, const struct stm_expr *e)
{
    const struct stm_expr *along = named(e, "along"), *at = named(e, "at");
    if (!along || !at)
        return reject(k, "E0301", e, "`interp` needs `along = ...` and `at = ...`", NULL);
    if (!want_cells(k, e->kids[0], "interp") || !want_cells(k, along, "interp")) return pr_bad();
    struct ty t = pr_type(k, at);
    if (t.base == TY_BAD) return t;
    if ((t.base != TY_NUM && t.base != TY_ACROSS) || t.cells)
        return reject(k, "E0303", at, "`at` is one number", NULL);
    return ty(TY_ACROSS, &t);
}

static struct ty t_monotone(struct check *k, const struct stm_expr *e)
{
    const struct stm_expr *along = named(e, "along");
    if (!along) return reject(k, "E0301", e, "`monotone` needs `along = ...`", NULL);
    if (!want_cells(k, e->kids[0], "monotone")) return pr_bad();
    if (along->ref != STM_R_BIND && !want_cells(k, along, "monotone")) return pr_bad();
    const struct stm_expr *way = e->n > 2 ? e->kids[2] : NULL;
    for (unsigned i = 0; i < e->n; i++)
        if (i && !e->keys[i]) way = e->kids[i];
    if (!way || way->kind != STM_X_NAME ||
        (strcmp(way->name, "up") != 0 && strcmp(way->name, "down") != 0))
        return reject(k, "E0301", e, "`monotone` needs `up` or `down`", NULL);
    return (struct ty){.base = TY_ACROSS, .truth = true};
}

static struct ty t_identical(struct check *k, const struct stm_expr *e)
{
    for (unsigned i = 0; i < 2; i++)
        if (pr_type(k, e->kids[i]).base != TY_ARMS)
            return reject(k, "E0301", e->kids[i], "`identical` compares two arms", NULL);
    return (struct ty){.base = TY_ACROSS, .truth = true};
}

static struct ty t_arms(struct check *k, const struct stm_expr *e)
{
    const struct stm_expr *of = e->kids[0];
    if (of->kind != STM_X_NAME || (of->ref != STM_R_FORK && of->ref != STM_R_FAMILY))
        return reject(k, "E0301", of, "`arms` takes a fork or a run", NULL);
    return (struct ty){.base = TY_ARMS};
}

static struct ty t_ols(struct check *k, const struct stm_expr *e)
{
    if (e->kids[1]->kind != STM_X_LIST || e->kids[1]->n == 0)
        return reject(k, "E0301", e->kids[1], "`ols` takes a list of regressors: ols(y, [x, ...])",
                      NULL);
    struct ty t = pr_type(k, e->kids[0]);
    for (unsigned i = 0; t.base != TY_BAD && i < e->kids[1]->n; i++) {
        struct ty x = pr_type(k, e->kids[1]->kids[i]);
        if (x.base != TY_ACROSS && x.base != TY_NUM && x.base != TY_BAD)
            return reject(k, "E0303", e->kids[1]->kids[i], "a regressor is one number an arm",
                          NULL);
        if (x.base == TY_BAD) return x;
    }
    if (t.base != TY_BAD && t.base != TY_ACROSS)
        return reject(k, "E0303", e->kids[0], "`ols` fits one number an arm",
                      "aggregate over seeds: median(...)");
    return (struct ty){.base = t.base == TY_BAD ? TY_BAD : TY_FIT};
}

/* fraction(0.5) is 0.5, where it can be nothing else; folded, so that only others come here. */
static double fraction(double x) { return x > 0 && x <= 1 ? x : NAN; }

static struct ty t_constant(struct check *k, const struct stm_expr *e)
{
    return reject(k, "E0303", e->kids[0], pr_printf(k->c, "`%s` takes a constant", e->name), NULL);
}

/* bootstrap and nearest have their places, `ci` and `@`; elsewhere they are no values. */
static struct ty t_misplaced(struct check *k, const struct stm_expr *e)
{
    return reject(k, "E0301", e, pr_printf(k->c, "`%s(...)` is not a value", e->name),
                  strcmp(e->name, "nearest") == 0 ? "it stands after `@`" : "it stands after `ci`");
}

static const struct function functions[] = {
    {"median", 1, 1, {NULL}, t_median, NULL},
    {"mean", 1, 1, {NULL}, t_mean, NULL},
    {"std", 1, 1, {NULL}, t_mean, NULL},
    {"iqr", 1, 1, {NULL}, t_mean, NULL},
    {"quantile", 2, 2, {NULL}, t_quantile, NULL},
    {"count", 1, 1, {NULL}, t_count, NULL},
    {"frac", 1, 1, {NULL}, t_count, NULL},
    {"min", 1, 8, {NULL}, t_extreme, NULL},
    {"max", 1, 8, {NULL}, t_extreme, NULL},
    {"log", 1, 1, {NULL}, t_scalar, log},
    {"exp", 1, 1, {NULL}, t_scalar, exp},
    {"sqrt", 1, 1, {NULL}, t_scalar, sqrt},
    {"abs", 1, 1, {NULL}, t_scalar, fabs},
    {"fraction", 1, 1, {NULL}, t_constant, fraction},
    {"only", 1, 1, {NULL}, t_uncensor, NULL},
    {"restricted", 2, 2, {NULL}, t_uncensor, NULL},
    {"interp", 1, 1, {"along", "at", NULL}, t_interp, NULL},
    {"monotone", 2, 2, {"along", NULL}, t_monotone, NULL},
    {"identical", 2, 2, {NULL}, t_identical, NULL},
    {"arms", 1, 1, {NULL}, t_arms, NULL},
    {"ols", 2, 2, {NULL}, t_ols, NULL},
    {"bootstrap", 1, 1, {"n", "hold_fixed", NULL}, t_misplaced, NULL},
    {"nearest", 1, 1, {NULL}, t_misplaced, NULL},
};

const struct function *pr_function(const char *name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i].name, name) == 0) return &functions[i];
    return NULL;
}

const struct function *pr_function_at(size_t i)
{
    return i < sizeof functions / sizeof *functions ? &functions[i] : NULL;
}

void pr_near_functions(struct near *n)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) pr_near(n, functions[i].name);
}
