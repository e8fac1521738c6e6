/* Contrasts, estimates and fits, with their bootstrap intervals. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "report/results.h"

static void because(struct stm_claim_result *out, const char *why)
{
    snprintf(out->why, sizeof out->why, "%s", why);
}

/* A claim as a statistic of the seeds that are selected. */
struct statistic {
    const struct stm_claim *claim;
    int a, b; /* contrast: the nodes */
};

static struct stm_cell at_node(struct stm_ev *ev, const struct stm_expr *e, int node)
{
    struct stm_scope scope = STM_SCOPE(node);
    struct stm_value v = stm_ev_eval(ev, e, &scope);
    if (v.kind == STM_VAL_ONE) return v.one;
    return stm_cell_bad(ev, STM_CELL_INVALID, "%s, where one number is needed",
                        v.kind == STM_VAL_SEEDS ? "a value per seed" : "a curve");
}

static struct stm_cell compute(struct stm_ev *ev, const struct statistic *s)
{
    const struct stm_claim *c = s->claim;
    if (c->kind == STM_C_ESTIMATE) return at_node(ev, c->expr, -1);
    struct stm_cell a = at_node(ev, c->expr, s->a), b = at_node(ev, c->expr, s->b);
    return stm_cell_arith(ev, c->op == '/' ? STM_X_DIV : STM_X_SUB, a, b);
}

/* ---- the bootstrap ---- */

static const struct stm_expr *option(const struct stm_expr *ci, const char *key)
{
    for (unsigned i = 0; ci->keys && i < ci->n; i++)
        if (ci->keys[i] && strcmp(ci->keys[i], key) == 0) return ci->kids[i];
    return NULL;
}

/* The names of hold_fixed = L or [L, M]. */
static bool hold_fixed(struct rep_compute *c, const struct stm_expr *ci)
{
    const struct stm_expr *e = option(ci, "hold_fixed");
    c->ev.n_fixed = 0;
    if (!e) return true;
    unsigned n = e->kind == STM_X_LIST ? e->n : 1;
    c->ev.fixed = stm_arena_alloc(&c->r->mem, (n ? n : 1) * sizeof *c->ev.fixed);
    if (!c->ev.fixed) return false;
    for (unsigned i = 0; i < n; i++) {
        const struct stm_expr *name = e->kind == STM_X_LIST ? e->kids[i] : e;
        if (name->name) c->ev.fixed[c->ev.n_fixed++] = name->name;
    }
    return true;
}

static void resample(struct rep_compute *c, unsigned r)
{
    unsigned n = c->ev.n_base;
    for (unsigned i = 0; i < n; i++) c->sel[i] = c->ev.base[stm_boot_index(r, i, n)];
    stm_ev_select(&c->ev, c->sel, n);
}

/* Percentile bootstrap over the seeds of the full sample. Both arms of a contrast see the same
 * resample, so it is paired. A resample without a value leaves the claim without an interval:
 * dropping it would bias what is left. */
static void bootstrap(struct rep_compute *c, const struct statistic *s, unsigned n,
                      struct stm_claim_result *out)
{
    struct stm_obs *x = stm_calloc(n, sizeof *x);
    if (!x || !hold_fixed(c, s->claim->ci)) {
        c->ev.nomem = true;
        stm_free(x);
        return;
    }
    unsigned r = 0;
    for (; r < n && !c->ev.nomem; r++) {
        resample(c, r);
        struct stm_cell v = compute(&c->ev, s);
        if (v.state != STM_CELL_OK) {
            snprintf(out->why, sizeof out->why, "no interval: resample %u has no value: %s", r,
                     v.why ? v.why : "");
            break;
        }
        x[r] = (struct stm_obs){v.v, v.censored};
    }
    if (r == n) out->has_interval = stm_boot_interval(x, n, &out->lo, &out->hi);
    c->ev.n_fixed = 0;
    stm_free(x);
}

static void interval(struct rep_compute *c, const struct statistic *s, struct stm_claim_result *out)
{
    const struct stm_expr *ci = s->claim->ci;
    if (!ci) return;
    const struct stm_expr *n = option(ci, "n");
    double count = n ? n->num : REP_RESAMPLES;
    if (c->ev.n_base < REP_MIN_SEEDS)
        because(out, "needs at least 3 seeds");
    else if (!(count >= 1 && count <= REP_MAX_RESAMPLES))
        because(out, "the number of resamples is not between 1 and 1000000");
    else
        bootstrap(c, s, (unsigned)count, out);
}

/* ---- contrasts and estimates ---- */

/* The seeds that take part in both nodes become the full sample. */
static bool pair_seeds(struct rep_compute *c, int a, int b)
{
    const struct stm_data *d = c->d;
    unsigned *both = stm_arena_alloc(&c->r->mem, (d->n_seeds + 1) * sizeof *both), n = 0;
    if (!both) {
        c->ev.nomem = true;
        return false;
    }
    for (unsigned s = 0; s < d->n_seeds; s++)
        if (d->exists(d->ctx, a, s) && d->exists(d->ctx, b, s)) both[n++] = s;
    stm_ev_base(&c->ev, both, n);
    return true;
}

static void statistic_claim(struct rep_compute *c, const struct stm_claim *claim,
                            struct stm_claim_result *out)
{
    struct statistic s = {claim, -1, -1};
    struct stm_scope scope = STM_SCOPE(-1);
    struct stm_cell v;
    stm_ev_base(&c->ev, NULL, 0);
    if (claim->kind == STM_C_CONTRAST) {
        s.a = stm_ev_node(&c->ev, claim->a, &scope, &v);
        if (s.a >= 0) s.b = stm_ev_node(&c->ev, claim->b, &scope, &v);
        if (s.a < 0 || s.b < 0) {
            because(out, v.why);
            return;
        }
        if (!pair_seeds(c, s.a, s.b)) return;
    }
    out->n_seeds = c->ev.n_base;
    if (out->n_seeds == 0) {
        because(out, "no seed takes part");
        return;
    }
    v = compute(&c->ev, &s);
    if (v.state != STM_CELL_OK || v.sym) {
        because(out, v.why && v.why[0] ? v.why : "it is not a number");
        return;
    }
    out->known = true;
    out->value = v.v;
    out->censored = v.censored;
    interval(c, &s, out);
}

/* ---- fits ---- */

/* One point: y and the regressors of a node. False when it is left out (*why says so when the fit
 * cannot be made without it). */
static bool point(struct rep_compute *c, const struct stm_expr *ols, int node, double *row,
                  unsigned *left_out, struct stm_cell *why)
{
    const struct stm_expr *xs = ols->kids[1];
    for (unsigned j = 0; j <= xs->n; j++) {
        struct stm_cell v = at_node(&c->ev, j ? xs->kids[j - 1] : ols->kids[0], node);
        if (v.state == STM_CELL_OK && v.censored) {
            ++*left_out;
            return false;
        }
        if (v.state != STM_CELL_OK || v.sym) {
            *why = v;
            return false;
        }
        row[j] = v.v;
    }
    return true;
}

static bool design(struct rep_compute *c, const struct stm_claim *claim, double *x, double *y,
                   const int *nodes, unsigned *n, unsigned *left_out, struct stm_cell *why)
{
    unsigned k = claim->expr->kids[1]->n, kept = 0, all = *n;
    double row[STM_OLS_MAX + 1];
    for (unsigned i = 0; i < all; i++) {
        if (c->d->plan->nodes[nodes[i]].off) continue;
        if (!point(c, claim->expr, nodes[i], row, left_out, why)) {
            if (why->state != STM_CELL_OK) return false;
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

static void fit_claim(struct rep_compute *c, unsigned i, const struct stm_claim *claim,
                      struct stm_claim_result *out)
{
    const struct stm_expr *xs = claim->expr->kids[1];
    struct stm_cell why;
    unsigned n = 0;
    stm_ev_base(&c->ev, NULL, 0);
    out->n_seeds = c->ev.n_base;
    if (xs->kind != STM_X_LIST || xs->n > STM_OLS_MAX) {
        because(out, "a fit takes y and a list of at most 8 regressors");
        return;
    }
    const int *nodes = cells(c, claim, &n, &why);
    if (!nodes) {
        because(out, why.why);
        return;
    }
    why = (struct stm_cell){.state = STM_CELL_OK};
    double *x = stm_arena_alloc(&c->r->mem, (xs->n + 1) * (size_t)(n + 1) * sizeof *x);
    if (!x) {
        c->ev.nomem = true;
        return;
    }
    double *y = x + xs->n * (size_t)n;
    if (!design(c, claim, x, y, nodes, &n, &c->r->left_out[i], &why))
        because(out, why.why && why.why[0] ? why.why : "a cell of the fit has no number");
    else if (!stm_stat_ols(x, y, n, xs->n, &c->r->fits[i]))
        because(out, "too few cells, or the regressors depend on each other");
    else
        out->known = true;
    out->value = out->known ? c->r->fits[i].r2 : NAN;
}

void rep_claim(struct rep_compute *c, unsigned i)
{
    const struct stm_claim *claim = &c->d->plan->claims[i];
    struct stm_claim_result *out = &c->r->pub.claims[i];
    *out = (struct stm_claim_result){.claim = claim, .value = NAN, .lo = NAN, .hi = NAN};
    if (claim->kind == STM_C_FIT)
        fit_claim(c, i, claim, out);
    else
        statistic_claim(c, claim, out);
}

/* ---- reading a claim ---- */

static double slope(const struct stm_ols *f) { return f->k ? f->coef[f->k - 1] : NAN; }
static double intercept(const struct stm_ols *f) { return f->intercept; }
static double r2(const struct stm_ols *f) { return f->r2; }
static double dr2(const struct stm_ols *f) { return f->dr2; }
static double points(const struct stm_ols *f) { return (double)f->n; }
static double aic(const struct stm_ols *f) { return stm_stat_aic(f->rss, f->n, f->k + 1); }

/* Parts of a fit. slope, coef: of the last regressor, whose gain in R2 is dr2. */
static const struct {
    const char *name;
    double (*get)(const struct stm_ols *f);
} fit_fields[] = {{"value", r2}, {"r2", r2},   {"slope", slope}, {"coef", slope},
                  {"dr2", dr2},  {"aic", aic}, {"n", points},    {"intercept", intercept}};

struct stm_cell rep_claim_field(void *ctx, struct stm_ev *ev, int claim_index, const char *field)
{
    const struct rep_compute *c = ctx;
    const struct stm_claim_result *r = &c->r->pub.claims[claim_index];
    const char *name = c->d->plan->claims[claim_index].name;
    if (!r->known) return stm_cell_bad(ev, STM_CELL_INVALID, "%s is not known: %s", name, r->why);
    for (size_t i = 0; i < sizeof fit_fields / sizeof fit_fields[0]; i++)
        if (r->claim->kind == STM_C_FIT && strcmp(fit_fields[i].name, field) == 0)
            return stm_cell_num(fit_fields[i].get(&c->r->fits[claim_index]));
    if (strcmp(field, "value") == 0)
        return (struct stm_cell){.v = r->value, .censored = r->censored};
    bool lo = strcmp(field, "lo") == 0;
    if (!lo && strcmp(field, "hi") != 0)
        return stm_cell_bad(ev, STM_CELL_INVALID, "%s has no `%s`", name, field);
    if (!r->has_interval)
        return stm_cell_bad(ev, STM_CELL_INVALID, "%s has no interval: %s", name,
                            r->why[0] ? r->why : "none was asked for");
    return stm_cell_num(lo ? r->lo : r->hi);
}

/* ---- all of it ---- */

static bool allocate(struct rep_compute *c)
{
    const struct stm_plan *p = c->d->plan;
    struct rep_results *r = c->r;
    r->pub.claims = stm_arena_alloc(&r->mem, (p->n_claims + 1) * sizeof *r->pub.claims);
    r->pub.expects = stm_arena_alloc(&r->mem, (p->n_expects + 1) * sizeof *r->pub.expects);
    r->fits = stm_arena_alloc(&r->mem, (p->n_claims + 1) * sizeof *r->fits);
    r->left_out = stm_arena_alloc(&r->mem, (p->n_claims + 1) * sizeof *r->left_out);
    c->sel = stm_arena_alloc(&r->mem, (c->d->n_seeds + 1) * sizeof *c->sel);
    return r->pub.claims && r->pub.expects && r->fits && r->left_out && c->sel;
}

static void compute_all(struct rep_compute *c)
{
    struct stm_results *r = &c->r->pub;
    for (unsigned i = 0; i < c->d->plan->n_claims && !c->ev.nomem; i++) rep_claim(c, i);
    stm_ev_base(&c->ev, NULL, 0);
    for (unsigned i = 0; i < c->d->plan->n_expects && !c->ev.nomem; i++) {
        rep_expect(c, i);
        unsigned *const count[] = {&r->holds, &r->fails, &r->not_evaluable};
        ++*count[r->expects[i].outcome];
    }
}

int stm_results_compute(struct stm_results **out, const struct stm_data *d, struct stm_err *err)
{
    struct rep_compute c = {.d = d, .r = stm_calloc(1, sizeof *c.r)};
    *out = NULL;
    if (!c.r) return stm_fail(err, STM_E_NOMEM, "results: out of memory");
    c.r->pub.arena = &c.r->mem;
    int rc = allocate(&c) ? stm_ev_init(&c.ev, d, err)
                          : stm_fail(err, STM_E_NOMEM, "results: out of memory");
    if (rc == 0) {
        c.ev.claim = rep_claim_field;
        c.ev.claim_ctx = &c;
        compute_all(&c);
        rc = stm_ev_status(&c.ev, err);
        stm_ev_release(&c.ev);
    }
    if (rc)
        stm_results_free(&c.r->pub);
    else
        *out = &c.r->pub;
    return rc;
}

void stm_results_free(struct stm_results *r)
{
    struct rep_results *all = (struct rep_results *)r;
    if (!r) return;
    stm_arena_release(&all->mem);
    stm_free(all);
}
