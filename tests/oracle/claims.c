/* Contrasts, estimates, fits with their bootstrap intervals, and expectations. */
#include <math.h>
#include <string.h>

#include "oracle.h"

enum { RESAMPLES = 4000 };

struct statistic {
    const struct stm_claim *claim;
    int a, b;   /* contrast: the nodes */
    int *cells; /* fit: its points */
    unsigned n_cells;
    const char *field; /* fit: which of its numbers */
};

static struct cell one_number(const struct stm_expr *e, const struct scope *base, int node)
{
    struct scope s = *base;
    s.node = node;
    struct value v = eval(e, &s);
    return v.kind == V_ONE ? v.one : cell_bad(C_INVALID);
}

/* ---- fits ---- */

/* The points that have numbers; those with a censored one are counted. False: one has no number. */
static bool fit_points(const struct statistic *t, const struct scope *s, double *x, double *y,
                       unsigned *n, unsigned *left_out)
{
    const struct stm_expr *xs = t->claim->expr->kids[1];
    double(*rows)[OLS_MAX + 1] = oracle_alloc(t->n_cells * sizeof *rows);
    *n = *left_out = 0;
    for (unsigned i = 0; i < t->n_cells; i++) {
        bool censored = false;
        if (s->w->plan->nodes[t->cells[i]].off) continue;
        for (unsigned j = 0; j <= xs->n && !censored; j++) {
            const struct stm_expr *e = j ? xs->kids[j - 1] : t->claim->expr->kids[0];
            struct cell c = one_number(e, s, t->cells[i]);
            if (c.state != C_OK || c.sym) return false;
            censored = c.censored;
            rows[*n][j] = c.v;
        }
        *(censored ? left_out : n) += 1;
    }
    for (unsigned i = 0; i < *n; i++) {
        y[i] = rows[i][0];
        for (unsigned j = 0; j < xs->n; j++) x[j * *n + i] = rows[i][j + 1];
    }
    return true;
}

static bool fit(const struct statistic *t, const struct scope *s, struct ols *out,
                unsigned *left_out)
{
    unsigned k = t->claim->expr->kids[1]->n, n;
    double *x = oracle_alloc((size_t)k * t->n_cells * sizeof *x);
    double *y = oracle_alloc(t->n_cells * sizeof *y);
    return k <= OLS_MAX && fit_points(t, s, x, y, &n, left_out) && stat_ols(x, y, n, k, out);
}

static bool fit_number(const struct ols *f, const char *field, double *out)
{
    if (!strcmp(field, "value") || !strcmp(field, "r2"))
        *out = f->r2;
    else if (!strcmp(field, "dr2"))
        *out = f->dr2;
    else if (!strcmp(field, "slope") || !strcmp(field, "coef"))
        *out = f->k ? f->coef[f->k - 1] : NAN;
    else if (!strcmp(field, "intercept"))
        *out = f->intercept;
    else if (!strcmp(field, "aic"))
        *out = stat_aic(f);
    else if (!strcmp(field, "n"))
        *out = f->n;
    else
        return false;
    return true;
}

/* ---- any claim, over the sample at hand ---- */

static struct cell compute(const struct statistic *t, const struct scope *s)
{
    const struct stm_claim *c = t->claim;
    if (c->kind == STM_C_ESTIMATE) return one_number(c->expr, s, -1);
    if (c->kind == STM_C_CONTRAST)
        return cell_arith(c->op == '/' ? STM_X_DIV : STM_X_SUB, one_number(c->expr, s, t->a),
                          one_number(c->expr, s, t->b));
    struct ols f;
    unsigned left_out;
    double v;
    if (!fit(t, s, &f, &left_out) || !fit_number(&f, t->field, &v) || !isfinite(v))
        return cell_bad(C_INVALID);
    return cell_num(v);
}

/* ---- the bootstrap ---- */

static const struct stm_expr *option(const struct stm_expr *ci, const char *key)
{
    for (unsigned i = 0; ci->keys && i < ci->n; i++)
        if (ci->keys[i] && !strcmp(ci->keys[i], key)) return ci->kids[i];
    return NULL;
}

static void hold_fixed(struct sample *sample, const struct stm_expr *ci)
{
    const struct stm_expr *e = option(ci, "hold_fixed");
    if (!e) return;
    unsigned n = e->kind == STM_X_LIST ? e->n : 1;
    const char **names = oracle_alloc(n * sizeof *names);
    for (unsigned i = 0; i < n; i++) names[i] = e->kind == STM_X_LIST ? e->kids[i]->name : e->name;
    sample->fixed = names;
    sample->n_fixed = n;
}

/* Quantiles 0.025 and 0.975 of the resampled values; none if one resample has no value. */
static bool bootstrap(const struct statistic *t, const struct scope *base, struct cell *lo,
                      struct cell *hi)
{
    const struct stm_expr *n_expr = option(t->claim->ci, "n");
    unsigned n = n_expr ? (unsigned)n_expr->num : RESAMPLES;
    unsigned n_seeds = base->sample->n, *seeds = oracle_alloc(n_seeds * sizeof *seeds);
    struct obs *x = oracle_alloc(n * sizeof *x), end[2];
    struct sample sample = {.seeds = seeds,
                            .n = n_seeds,
                            .full = base->sample->seeds,
                            .n_full = n_seeds,
                            .computing = true};
    struct scope s = *base;
    s.sample = &sample;
    hold_fixed(&sample, t->claim->ci);
    for (unsigned r = 0; r < n; r++) {
        size_t mark = oracle_mark();
        for (unsigned i = 0; i < n_seeds; i++)
            seeds[i] = base->sample->seeds[stat_draw(r, i, n_seeds)];
        struct cell c = compute(t, &s);
        oracle_release(mark);
        if (c.state != C_OK) return false;
        x[r] = (struct obs){c.v, c.censored};
    }
    if (!stat_quantile(x, n, 0.025, &end[0]) || !stat_quantile(x, n, 0.975, &end[1])) return false;
    *lo = (struct cell){.v = end[0].v, .censored = end[0].censored};
    *hi = (struct cell){.v = end[1].v, .censored = end[1].censored};
    return true;
}

/* ---- one claim ---- */

/* The arms that an expression reads: those that it names, through lets and other claims, and the
 * one it is read in. */
static void note_reads(const struct stm_expr *e, const struct scope *s, bool *reads)
{
    int *nodes = oracle_alloc((s->w->plan->n_nodes + 1) * sizeof *nodes);
    unsigned n = 0;
    if (!e) return;
    if (e->ref == STM_R_LET && e->index >= 0) note_reads(s->w->plan->lets[e->index].expr, s, reads);
    if (e->ref == STM_R_CLAIM && s->results)
        for (unsigned i = 0; i < s->w->plan->n_nodes; i++)
            reads[i] |= s->results->claims[e->index].reads && s->results->claims[e->index].reads[i];
    if ((is_place(e) || (e->kind == STM_X_CALL && e->name && !strcmp(e->name, "arms"))) &&
        eval_nodes(e, s, nodes, &n))
        for (unsigned i = 0; i < n; i++) reads[nodes[i]] = true;
    for (unsigned i = 0; i < e->n; i++) note_reads(e->kids[i], s, reads);
}

static bool lacks_seeds(const struct world *w, const bool *reads)
{
    for (unsigned i = 0; i < w->plan->n_nodes; i++)
        if (reads[i] && world_need((struct world *)w, (int)i)) return true;
    return false;
}

bool may_read(const struct stm_expr *e, const struct scope *s)
{
    bool *reads = oracle_alloc(s->w->plan->n_nodes * sizeof *reads);
    note_reads(e, s, reads);
    if (s->node >= 0) reads[s->node] = true;
    return !lacks_seeds(s->w, reads);
}

/* Whether it reads an end of an interval: that is not resampled. */
static bool reads_end(const struct stm_expr *e, const struct scope *s)
{
    if (!e) return false;
    if (e->ref == STM_R_LET && e->index >= 0 && reads_end(s->w->plan->lets[e->index].expr, s))
        return true;
    if (e->kind == STM_X_FIELD && e->kids[0]->ref == STM_R_CLAIM && e->name &&
        (!strcmp(e->name, "lo") || !strcmp(e->name, "hi")))
        return true;
    if (e->ref == STM_R_CLAIM && reads_end(s->w->plan->claims[e->index].expr, s)) return true;
    for (unsigned i = 0; i < e->n; i++)
        if (reads_end(e->kids[i], s)) return true;
    return false;
}

static bool fit_cells(struct statistic *t, const struct scope *s)
{
    t->cells = oracle_alloc(s->w->plan->n_nodes * sizeof *t->cells);
    for (unsigned i = 0; i < t->claim->n_over; i++)
        if (!eval_nodes(t->claim->over[i], s, t->cells, &t->n_cells)) return false;
    return true;
}

static bool one_node(const struct stm_expr *e, const struct scope *s, int *out)
{
    int *nodes = oracle_alloc(s->w->plan->n_nodes * sizeof *nodes);
    unsigned n = 0;
    if (!eval_nodes(e, s, nodes, &n) || n != 1) return false;
    *out = nodes[0];
    return true;
}

/* Finds its arms, and all the arms that it reads. */
static bool prepare(struct statistic *t, const struct scope *s, bool *reads)
{
    const struct stm_claim *c = t->claim;
    if (c->kind == STM_C_CONTRAST && (!one_node(c->a, s, &t->a) || !one_node(c->b, s, &t->b)))
        return false;
    if (c->kind == STM_C_FIT && !fit_cells(t, s)) return false;
    struct scope in = *s;
    note_reads(c->expr, s, reads);
    if (c->kind == STM_C_CONTRAST) reads[t->a] = reads[t->b] = true;
    for (unsigned i = 0; i < t->n_cells; i++) {
        if (s->w->plan->nodes[t->cells[i]].off) continue;
        in.node = t->cells[i];
        note_reads(c->expr, &in, reads);
        reads[t->cells[i]] = true;
    }
    return true;
}

static void claim(struct world *w, struct results *all, unsigned i)
{
    struct result *r = &all->claims[i];
    struct statistic t = {.claim = &w->plan->claims[i], .field = "value"};
    unsigned *seeds = oracle_alloc(w->n_seeds * sizeof *seeds);
    struct sample sample = {.seeds = seeds, .counted = w->n_seeds, .computing = true};
    struct scope s = {.w = w, .sample = &sample, .results = all, .node = -1, .seed = -1};
    r->reads = oracle_alloc(w->plan->n_nodes * sizeof *r->reads);
    if (!prepare(&t, &s, r->reads)) return;
    for (unsigned k = 0; k < w->n_seeds; k++) {
        bool in = true;
        for (unsigned j = 0; j < w->plan->n_nodes; j++)
            in = in && (!r->reads[j] || takes_part(w, (int)j, k));
        if (in) seeds[sample.n++] = k;
    }
    if (lacks_seeds(w, r->reads) || !sample.n) return;
    r->value = compute(&t, &s);
    r->known = r->value.state == C_OK && !r->value.sym;
    r->n = sample.n;
    if (t.claim->kind == STM_C_FIT) fit(&t, &s, &r->fit, &r->left_out);
    if (r->known && t.claim->ci && sample.n >= 3 && !reads_end(t.claim->expr, &s))
        r->has_interval = bootstrap(&t, &s, &r->lo, &r->hi);
}

/* What the claim is on the sample of another one that reads it. */
static struct cell again(const struct scope *s, int index, const char *field)
{
    struct statistic t = {.claim = &s->w->plan->claims[index], .field = field};
    bool *reads = oracle_alloc(s->w->plan->n_nodes * sizeof *reads);
    struct scope in = *s;
    in.node = -1;
    in.at = NULL;
    return prepare(&t, &in, reads) ? compute(&t, &in) : cell_bad(C_INVALID);
}

struct cell result_field(const struct scope *s, int index, const char *field)
{
    if (!s->results) return cell_bad(C_INVALID);
    const struct result *r = &s->results->claims[index];
    bool low = !strcmp(field, "lo"), end = low || !strcmp(field, "hi");
    double v;
    if (!r->known) return cell_bad(C_INVALID);
    if (s->sample->computing && !end) return again(s, index, field);
    if (s->w->plan->claims[index].kind == STM_C_FIT && fit_number(&r->fit, field, &v))
        return isfinite(v) ? cell_num(v) : cell_bad(C_INVALID);
    if (!end) return r->value;
    if (!r->has_interval) return cell_bad(C_INVALID);
    return low ? r->lo : r->hi;
}

void results_compute(struct world *w, struct results *r)
{
    const struct stm_plan *p = w->plan;
    unsigned *seeds = oracle_alloc(w->n_seeds * sizeof *seeds);
    struct sample sample = {.seeds = seeds, .n = w->n_seeds, .counted = w->n_seeds};
    struct scope s = {.w = w, .sample = &sample, .results = r, .node = -1, .seed = -1};
    r->claims = oracle_alloc(p->n_claims * sizeof *r->claims);
    r->expects = oracle_alloc(p->n_expects * sizeof *r->expects);
    for (unsigned i = 0; i < w->n_seeds; i++) seeds[i] = i;
    for (unsigned i = 0; i < p->n_claims; i++) claim(w, r, i);
    for (unsigned i = 0; i < p->n_expects; i++) r->expects[i] = expect_outcome(&s, &p->expects[i]);
}
