/* Contrasts, estimates and fits, with their bootstrap intervals.
 *
 * A claim is a function of the seeds that entered it, those that take part in every arm that it
 * reads: its value is that of all of them, its interval that of resamples of them, and the claims
 * that it reads are computed of the same seeds each time.
 */
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

/* ---- the value over the seeds that are selected ---- */

struct stm_cell rep_number(struct stm_ev *ev, const struct stm_expr *e, int node)
{
    struct stm_scope scope = STM_SCOPE(node);
    struct stm_value v = stm_ev_eval(ev, e, &scope);
    if (v.kind == STM_VAL_ONE) return v.one;
    return stm_cell_bad(ev, STM_CELL_INVALID, "%s, where one number is needed",
                        v.kind == STM_VAL_SEEDS ? "a value per seed" : "a curve");
}

static struct stm_cell contrast(struct stm_ev *ev, const struct stm_claim *c,
                                const struct rep_work *w)
{
    struct stm_cell a = rep_number(ev, c->expr, w->a), b = rep_number(ev, c->expr, w->b);
    return stm_cell_arith(ev, c->op == '/' ? STM_X_DIV : STM_X_SUB, a, b);
}

/* A claim may be read several times, by others and by itself: one computation a selection. */
static struct stm_cell compute(struct rep_compute *c, unsigned i)
{
    const struct stm_claim *claim = &c->d->plan->claims[i];
    struct rep_work *w = &c->work[i];
    if (w->gen == c->ev.gen) return w->value;
    unsigned long gen = c->ev.gen;
    if (claim->kind == STM_C_FIT)
        w->value = rep_fit(c, claim, w);
    else if (claim->kind == STM_C_CONTRAST)
        w->value = contrast(&c->ev, claim, w);
    else
        w->value = rep_number(&c->ev, claim->expr, -1);
    w->gen = gen;
    return w->value;
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

static void put_interval(struct stm_claim_result *out, struct stm_obs *x, unsigned n)
{
    struct stm_obs lo, hi;
    out->has_interval = stm_boot_interval(x, n, &lo, &hi);
    out->lo = lo.v;
    out->hi = hi.v;
    out->lo_censored = lo.censored;
    out->hi_censored = hi.censored;
}

/* Percentile bootstrap over the seeds that entered. Both arms of a contrast see the same resample,
 * so it is paired; claims that it reads are computed of it again. A resample without a value leaves
 * the claim without an interval: dropping it would bias what is left. */
static void bootstrap(struct rep_compute *c, unsigned i, unsigned n, struct stm_claim_result *out)
{
    struct stm_obs *x = stm_calloc(n, sizeof *x);
    if (!x || !hold_fixed(c, out->claim->ci)) {
        c->ev.nomem = true;
        stm_free(x);
        return;
    }
    unsigned r = 0;
    for (; r < n && !c->ev.nomem; r++) {
        resample(c, r);
        struct stm_cell v = compute(c, i);
        if (v.state != STM_CELL_OK) {
            snprintf(out->why, sizeof out->why, "no interval: resample %u has no value: %s", r,
                     v.why ? v.why : "");
            break;
        }
        x[r] = (struct stm_obs){v.v, v.censored};
    }
    if (r == n) put_interval(out, x, n);
    c->ev.n_fixed = 0;
    stm_free(x);
}

static void interval(struct rep_compute *c, unsigned i, struct stm_claim_result *out)
{
    const struct stm_expr *ci = out->claim->ci;
    if (!ci) return;
    const struct stm_expr *n = option(ci, "n");
    double count = n ? n->num : REP_RESAMPLES;
    if (c->ev.n_base < REP_MIN_SEEDS)
        snprintf(out->why, sizeof out->why, "needs at least %d seeds", REP_MIN_SEEDS);
    else if (!(count >= 1 && count <= REP_MAX_RESAMPLES))
        snprintf(out->why, sizeof out->why, "the number of resamples is not between 1 and %d",
                 REP_MAX_RESAMPLES);
    else
        bootstrap(c, i, (unsigned)count, out);
}

/* ---- one claim ---- */

/* Finds its arms, and all the arms that it reads. */
static bool prepare(struct rep_compute *c, const struct stm_claim *claim, struct rep_work *w,
                    struct stm_cell *why)
{
    struct stm_scope scope = STM_SCOPE(-1);
    if (claim->kind == STM_C_FIT) return rep_fit_prepare(c, claim, w, why);
    if (claim->kind == STM_C_ESTIMATE) {
        rep_reads(c, claim->expr, &scope, w->reads);
        return true;
    }
    w->a = stm_ev_node(&c->ev, claim->a, &scope, why);
    w->b = w->a < 0 ? -1 : stm_ev_node(&c->ev, claim->b, &scope, why);
    if (w->b < 0) return false;
    const int arms[] = {w->a, w->b};
    for (size_t i = 0; i < 2; i++) {
        struct stm_scope in = STM_SCOPE(arms[i]);
        w->reads[arms[i]] = true;
        rep_reads(c, claim->expr, &in, w->reads);
    }
    return true;
}

/* The seeds that take part in every arm that the claim reads become its full sample. */
static void enter(struct rep_compute *c, const struct rep_work *w)
{
    const struct stm_data *d = c->d;
    unsigned n = 0;
    for (unsigned s = 0; s < d->n_seeds; s++) {
        bool in = true;
        for (unsigned i = 0; in && i < d->plan->n_nodes; i++)
            in = !w->reads[i] || d->exists(d->ctx, (int)i, s);
        if (in) c->base[n++] = s;
    }
    stm_ev_base(&c->ev, c->base, n);
}

static void state(struct rep_compute *c, unsigned i, struct stm_claim_result *out)
{
    struct rep_work *w = &c->work[i];
    struct stm_cell v;
    if (!prepare(c, out->claim, w, &v)) {
        because(out, v.why);
        return;
    }
    enter(c, w);
    out->n_seeds = c->ev.n_base;
    if (!rep_has_need(c->d, w->reads, out->why)) return;
    if (out->n_seeds == 0) {
        because(out, "no seed takes part in every arm that it reads");
        return;
    }
    v = compute(c, i);
    out->unknown = v.state == STM_CELL_UNKNOWN;
    if (v.state != STM_CELL_OK || v.sym) {
        because(out, v.why && v.why[0] ? v.why : "it is not a number");
        return;
    }
    out->known = true;
    out->value = v.v;
    out->censored = v.censored;
    c->r->fits[i] = w->fit;
    c->r->left_out[i] = w->left_out;
    interval(c, i, out);
}

void rep_claim(struct rep_compute *c, unsigned i)
{
    struct stm_claim_result *out = &c->r->pub.claims[i];
    *out = (struct stm_claim_result){
        .claim = &c->d->plan->claims[i], .value = NAN, .lo = NAN, .hi = NAN};
    stm_ev_base(&c->ev, NULL, 0);
    c->computing = true;
    state(c, i, out);
    c->computing = false;
}

/* ---- reading a claim ---- */

static struct stm_cell end(struct rep_compute *c, struct stm_ev *ev,
                           const struct stm_claim_result *r, bool lo)
{
    const char *name = r->claim->name;
    if (!r->has_interval)
        return stm_cell_bad(ev, STM_CELL_INVALID, "%s has no interval: %s", name,
                            r->why[0] ? r->why : "none was asked for");
    if (c->computing && ev->sel != ev->base)
        return stm_cell_bad(ev, STM_CELL_INVALID, "the interval of %s is not resampled", name);
    return (struct stm_cell){.v = lo ? r->lo : r->hi,
                             .censored = lo ? r->lo_censored : r->hi_censored};
}

struct stm_cell rep_claim_field(void *ctx, struct stm_ev *ev, int claim_index, const char *field)
{
    struct rep_compute *c = ctx;
    const struct stm_claim_result *r = &c->r->pub.claims[claim_index];
    const struct stm_ols *fit = &c->r->fits[claim_index];
    const char *name = r->claim->name;
    bool lo = strcmp(field, "lo") == 0;
    struct stm_cell v = {.v = r->value, .censored = r->censored};
    ev->depends = true; /* on the selection */
    if (!r->known)
        return stm_cell_bad(ev, r->unknown ? STM_CELL_UNKNOWN : STM_CELL_INVALID,
                            "%s is not known: %s", name, r->why);
    if (r->claim->kind != STM_C_FIT && (lo || strcmp(field, "hi") == 0)) return end(c, ev, r, lo);
    if (c->computing) {
        v = compute(c, (unsigned)claim_index);
        fit = &c->work[claim_index].fit;
    }
    if (v.state != STM_CELL_OK) return v;
    if (r->claim->kind != STM_C_FIT && strcmp(field, "value") == 0) return v;
    if (r->claim->kind != STM_C_FIT || !rep_fit_part(fit, field, &v.v))
        return stm_cell_bad(ev, STM_CELL_INVALID, "%s has no `%s`", name, field);
    if (isfinite(v.v)) return v;
    return stm_cell_bad(ev, STM_CELL_INVALID, "`%s` of %s is not a finite number", field, name);
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
    c->base = stm_arena_alloc(&r->mem, (c->d->n_seeds + 1) * sizeof *c->base);
    c->sel = stm_arena_alloc(&r->mem, (c->d->n_seeds + 1) * sizeof *c->sel);
    c->work = stm_arena_alloc(&r->mem, (p->n_claims + 1) * sizeof *c->work);
    for (unsigned i = 0; c->work && i < p->n_claims; i++) {
        c->work[i].reads = stm_arena_alloc(&r->mem, p->n_nodes + 1);
        if (!c->work[i].reads) return false;
    }
    return r->pub.claims && r->pub.expects && r->fits && r->left_out && c->base && c->sel &&
           c->work;
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
