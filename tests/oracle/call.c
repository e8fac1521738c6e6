/* The functions of the language. */
#include <math.h>
#include <string.h>

#include "oracle.h"

static const struct stm_expr *argument(const struct stm_expr *e, const char *key, unsigned place)
{
    for (unsigned i = 0; i < e->n; i++)
        if (e->keys && e->keys[i] && !strcmp(e->keys[i], key)) return e->kids[i];
    return place < e->n && !(e->keys && e->keys[place]) ? e->kids[place] : NULL;
}

/* ---- samples ---- */

/* The cells that statistics are taken of: seeds of the sample, points of a curve. Those that take
 * no part are left out; *bad is the first that has no value. */
static struct cell *gather(const struct value *v, const struct scope *s, unsigned *n,
                           struct cell *bad)
{
    bool seeds = v->kind == V_SEEDS;
    unsigned total = seeds ? s->sample->n : v->kind == V_ONE ? 1 : v->n, counted = 0;
    struct cell *out = oracle_alloc(total * sizeof *out);
    *n = 0;
    *bad = cell_num(0);
    for (unsigned i = 0; i < total; i++) {
        struct cell c = v->kind == V_ONE ? v->one : v->cells[seeds ? s->sample->seeds[i] : i];
        if (c.state == C_ABSENT) continue;
        if (c.state != C_OK && bad->state == C_OK) *bad = c;
        counted += c.state == C_OK && !c.censored && !c.bound;
        out[(*n)++] = c;
    }
    if (seeds && counted < s->sample->counted) s->sample->counted = counted;
    return out;
}

static struct obs *observe(const struct value *v, const struct scope *s, unsigned *n,
                           struct cell *bad)
{
    struct cell *c = gather(v, s, n, bad);
    struct obs *x = oracle_alloc(*n * sizeof *x);
    if (bad->state == C_OK && *n == 0) *bad = cell_bad(C_INVALID);
    for (unsigned i = 0; i < *n; i++) {
        if (c[i].sym && bad->state == C_OK) *bad = cell_bad(C_INVALID);
        x[i] = (struct obs){c[i].v, c[i].censored};
    }
    return bad->state == C_OK ? x : NULL;
}

static struct cell of_obs(bool ok, struct obs x)
{
    if (!ok) return cell_bad(C_INVALID);
    return (struct cell){.v = x.v, .censored = x.censored};
}

static struct cell statistic(enum stat what, const struct value *v, const struct scope *s)
{
    unsigned n;
    struct cell bad;
    struct obs out = {0}, *x = observe(v, s, &n, &bad);
    if (!x) return bad;
    bool ok = stat_of(what, x, n, &out);
    return of_obs(ok, out);
}

static struct value quantile(const struct stm_expr *e, const struct scope *s)
{
    struct value v = eval(e->kids[0], s), q = eval(e->kids[1], s);
    unsigned n;
    struct cell bad;
    struct obs out = {0}, *x = observe(&v, s, &n, &bad);
    if (!x) return value_one(bad);
    if (q.kind != V_ONE || q.one.state != C_OK) return value_one(cell_bad(C_INVALID));
    bool ok = stat_quantile(x, n, q.one.v, &out);
    return value_one(of_obs(ok, out));
}

static struct value counting(const struct stm_expr *e, const struct scope *s, bool share)
{
    struct value v = eval(e->kids[0], s);
    unsigned n, yes = 0;
    struct cell bad, *c = gather(&v, s, &n, &bad);
    if (bad.state != C_OK) return value_one(bad);
    for (unsigned i = 0; i < n; i++) yes += c[i].truth ? c[i].v != 0 : !c[i].censored;
    if (!share) return value_one(cell_num(yes));
    return value_one(n ? cell_num((double)yes / n) : cell_bad(C_INVALID));
}

/* ---- min and max ---- */

static bool is_curve(const struct stm_expr *e, const struct scope *s)
{
    return (e->ref == STM_R_ENGINE || e->ref == STM_R_METRIC) && !s->at &&
           s->moment.when == AT_NONE;
}

/* Over the logged steps of each seed, from its fork to its stop. */
static struct value over_log(enum stat what, const struct stm_expr *e, const struct scope *s)
{
    struct scope in = *s;
    if (e->kind != STM_X_NAME && e->n > 0 && is_place(e->kids[0])) {
        int *nodes = oracle_alloc(s->w->plan->n_nodes * sizeof *nodes);
        unsigned n = 0;
        if (!eval_nodes(e->kids[0], s, nodes, &n) || n != 1) return value_one(cell_bad(C_INVALID));
        in.node = nodes[0];
    }
    if (in.node < 0) return value_one(cell_bad(C_INVALID));
    struct value v = value_cells(V_SEEDS, s->w->n_seeds);
    for (unsigned k = 0; k < v.n; k++) {
        const struct rep *r = world_rep(s->w, in.node, k);
        v.cells[k] = cell_bad(!takes_part(s->w, in.node, k) ? C_ABSENT : C_UNKNOWN);
        if (!takes_part(s->w, in.node, k) || r->status == ST_WAITING) continue;
        struct value curve = value_cells(
            V_CURVE, (unsigned)(r->stop / (s->w->plan->log_every + !s->w->plan->log_every)) + 1);
        curve.n = 0;
        in.seed = (int)k;
        for (uint64_t i = 0; logged(s->w, r, i) != NEVER; i++) {
            in.moment = (struct moment){AT_STEP, logged(s->w, r, i)};
            if (in.moment.step < r->fork) continue;
            struct value one = eval_name(e, &in);
            curve.cells[curve.n++] = one.kind == V_SEEDS ? one.cells[k] : one.one;
        }
        v.cells[k] = statistic(what, &curve, s);
    }
    return v;
}

/* The smaller or larger; where censoring leaves that open, the larger is above both bounds, and of
 * the smaller nothing is known. */
static struct cell extreme(int max, struct cell a, struct cell b)
{
    struct cell less = cell_compare(STM_LE, a, b);
    if (less.state == C_OK) return (less.v != 0) == !max ? a : b;
    if (!max || a.state != C_OK || b.state != C_OK) return less;
    struct cell c = a.v > b.v ? a : b;
    c.censored = true;
    return c;
}

static struct value extremes(const struct stm_expr *e, const struct scope *s, bool max)
{
    enum stat what = max ? STAT_MAX : STAT_MIN;
    if (e->n == 1 && is_curve(e->kids[0], s)) return over_log(what, e->kids[0], s);
    struct value v = eval(e->kids[0], s);
    if (e->n == 1) return value_one(statistic(what, &v, s));
    for (unsigned i = 1; i < e->n; i++) v = value_map2(extreme, max, v, eval(e->kids[i], s));
    return v;
}

/* ---- cell by cell ---- */

static struct cell only(int op, struct cell c, struct cell b)
{
    (void)op, (void)b;
    if (c.censored) c.state = C_ABSENT;
    return c;
}

static struct cell restricted(int op, struct cell c, struct cell limit)
{
    (void)op;
    if (c.state != C_OK) return c;
    if (limit.state != C_OK) return limit;
    if (c.censored && c.v < limit.v) return cell_bad(C_INVALID);
    c.v = c.v < limit.v ? c.v : limit.v;
    c.censored = false;
    return c;
}

enum { F_LOG, F_EXP, F_SQRT, F_ABS };
static struct cell map(int op, struct cell c, struct cell b)
{
    (void)b;
    if (c.state != C_OK) return c;
    double y = op == F_LOG    ? log(c.v)
               : op == F_EXP  ? exp(c.v)
               : op == F_SQRT ? sqrt(c.v)
                              : fabs(c.v);
    if (c.sym || !isfinite(y) || (c.censored && op == F_ABS && c.v < 0)) return cell_bad(C_INVALID);
    c.v = y;
    c.truth = false;
    return c;
}

/* ---- curves over a sweep ---- */

static struct value over_points(const struct stm_expr *e, const struct value *curve,
                                const struct scope *s)
{
    unsigned n = curve->kind == V_CURVE ? curve->n : 1;
    struct value v = eval(e, s);
    if (v.kind == V_CURVE || (v.kind == V_ONE && v.one.state == C_OK && n == 1)) return v;
    if (!curve->nodes || v.kind == V_SEEDS) return v;
    struct value out = value_cells(V_CURVE, n);
    struct scope in = *s;
    for (unsigned i = 0; i < n; i++) {
        in.node = curve->nodes[i];
        struct value one = eval(e, &in);
        if (one.kind != V_ONE) return one;
        out.cells[i] = one.one;
    }
    return out;
}

static double *numbers(const struct value *v, const struct scope *s, unsigned *n, struct cell *bad)
{
    *bad = cell_bad(C_INVALID);
    if (v->kind == V_SEEDS) return NULL;
    struct obs *x = observe(v, s, n, bad);
    if (!x) return NULL;
    double *out = oracle_alloc(*n * sizeof *out);
    for (unsigned i = 0; i < *n; i++) {
        out[i] = x[i].v;
        *bad = cell_bad(C_INVALID);
        if (x[i].censored) return NULL;
    }
    return out;
}

static struct value interpolate(const struct stm_expr *e, const struct scope *s)
{
    struct value curve = eval(e->kids[0], s), place = eval(argument(e, "at", 2), s);
    struct value points = over_points(argument(e, "along", 1), &curve, s);
    unsigned nx, ny;
    struct cell bad;
    double out, *y = numbers(&curve, s, &ny, &bad);
    if (!y) return value_one(bad);
    double *x = numbers(&points, s, &nx, &bad);
    if (!x) return value_one(bad);
    if (place.kind != V_ONE) return value_one(cell_bad(C_INVALID));
    if (place.one.state != C_OK) return place;
    if (place.one.censored || nx != ny || !stat_interp(x, y, nx, place.one.v, &out))
        return value_one(cell_bad(C_INVALID));
    return value_one(cell_num(out));
}

static struct value monotone(const struct stm_expr *e, const struct scope *s)
{
    const struct stm_expr *way = argument(e, "way", 2);
    bool down = way && way->name && !strcmp(way->name, "down");
    struct value curve = eval(e->kids[0], s);
    struct value points = over_points(argument(e, "along", 1), &curve, s);
    unsigned nx, ny;
    struct cell bad, all = cell_truth(true);
    double *x = numbers(&points, s, &nx, &bad);
    if (!x) return value_one(bad);
    if (curve.kind == V_SEEDS) return value_one(cell_bad(C_INVALID));
    struct cell *y = gather(&curve, s, &ny, &bad);
    if (bad.state != C_OK) return value_one(bad);
    if (nx != ny) return value_one(cell_bad(C_INVALID));
    for (unsigned i = 0; i < nx; i++)
        for (unsigned j = 0; j < nx; j++)
            if (x[i] < x[j]) all = cell_and(all, cell_compare(down ? STM_GE : STM_LE, y[i], y[j]));
    return value_one(all);
}

/* ---- identical ---- */

static bool same_at(struct world *w, const struct rep *a, const struct rep *b, uint64_t step)
{
    const struct row *x = moment_row(w, a, fork_moment(a, step), false);
    const struct row *y = moment_row(w, b, fork_moment(b, step), false);
    return !memcmp(&x->id, &y->id, sizeof x->id);
}

/* From where both have begun to where one of them ends: both ends and the grids between. */
static struct cell compare_replicates(struct world *w, const struct rep *a, const struct rep *b)
{
    uint64_t begin = a->fork > b->fork ? a->fork : b->fork;
    uint64_t end = a->stop < b->stop ? a->stop : b->stop;
    unsigned every = w->plan->every, log_every = w->plan->log_every;
    if (a->status == ST_WAITING || b->status == ST_WAITING || begin > end)
        return cell_bad(C_UNKNOWN);
    if (a == b) return cell_truth(true);
    for (uint64_t n = begin; n <= end; n++) {
        bool grid = (every && n % every == 0) || (log_every && n % log_every == 0);
        if ((grid || n == begin || n == end) && !same_at(w, a, b, n)) return cell_truth(false);
    }
    return cell_truth(true);
}

static struct value identical(const struct stm_expr *e, const struct scope *s)
{
    int *nodes = oracle_alloc(2 * s->w->plan->n_nodes * sizeof *nodes), node[2];
    for (unsigned i = 0; i < 2; i++) {
        unsigned n = 0;
        if (!eval_nodes(e->kids[i], s, nodes, &n) || n != 1) return value_one(cell_bad(C_INVALID));
        node[i] = nodes[0];
    }
    struct value v = value_cells(V_SEEDS, s->w->n_seeds);
    for (unsigned k = 0; k < v.n; k++) {
        v.cells[k] = cell_bad(C_ABSENT);
        if (takes_part(s->w, node[0], k) && takes_part(s->w, node[1], k))
            v.cells[k] =
                compare_replicates(s->w, world_rep(s->w, node[0], k), world_rep(s->w, node[1], k));
    }
    return v;
}

/* ---- ols as a number: its R2 ---- */

static struct value ols(const struct stm_expr *e, const struct scope *s)
{
    const struct stm_expr *xs = e->kids[1];
    struct value curve = eval(e->kids[0], s);
    unsigned n, nx;
    struct cell bad;
    struct ols fit;
    double *y = numbers(&curve, s, &n, &bad);
    if (!y) return value_one(bad);
    double *x = oracle_alloc((size_t)xs->n * n * sizeof *x);
    for (unsigned k = 0; k < xs->n; k++) {
        struct value points = over_points(xs->kids[k], &curve, s);
        double *one = numbers(&points, s, &nx, &bad);
        if (!one) return value_one(bad);
        if (nx != n) return value_one(cell_bad(C_INVALID));
        memcpy(x + (size_t)k * n, one, n * sizeof *x);
    }
    if (!stat_ols(x, y, n, xs->n, &fit)) return value_one(cell_bad(C_INVALID));
    return value_one(cell_num(fit.r2));
}

struct value eval_call(const struct stm_expr *e, const struct scope *s)
{
    static const struct {
        const char *name;
        int what;
    } stats[] = {{"median", STAT_MEDIAN},
                 {"mean", STAT_MEAN},
                 {"std", STAT_STD},
                 {"iqr", STAT_IQR}},
      maps[] = {{"log", F_LOG}, {"exp", F_EXP}, {"sqrt", F_SQRT}, {"abs", F_ABS}};
    const char *f = e->name;
    struct value none = value_one(cell_num(0));
    for (size_t i = 0; i < 4; i++) {
        if (!strcmp(stats[i].name, f)) {
            struct value v = eval(e->kids[0], s);
            return value_one(statistic((enum stat)stats[i].what, &v, s));
        }
        if (!strcmp(maps[i].name, f))
            return value_map2(map, maps[i].what, eval(e->kids[0], s), none);
    }
    if (!strcmp(f, "min") || !strcmp(f, "max")) return extremes(e, s, f[1] == 'a');
    if (!strcmp(f, "quantile")) return quantile(e, s);
    if (!strcmp(f, "count") || !strcmp(f, "frac")) return counting(e, s, f[0] == 'f');
    if (!strcmp(f, "only")) return value_map2(only, 0, eval(e->kids[0], s), none);
    if (!strcmp(f, "restricted"))
        return value_map2(restricted, 0, eval(e->kids[0], s), eval(e->kids[1], s));
    if (!strcmp(f, "interp")) return interpolate(e, s);
    if (!strcmp(f, "monotone")) return monotone(e, s);
    if (!strcmp(f, "identical")) return identical(e, s);
    if (!strcmp(f, "ols")) return ols(e, s);
    return value_one(cell_bad(C_INVALID));
}
