/* The walk over an expression, selections of seeds, and the two public entries. */
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "run/eval.h"

enum { MAX_DEPTH = 3000 }; /* nested expressions, through lets; bounds the stack */

/* ---- values ---- */

struct stm_value stm_value_one(struct stm_cell c)
{
    return (struct stm_value){.kind = STM_VAL_ONE, .one = c};
}

struct stm_value stm_value_cells(struct stm_ev *ev, enum stm_value_kind kind, unsigned n)
{
    struct stm_value v = {.kind = kind, .n = n};
    v.cells = stm_arena_alloc(&ev->scratch, (n ? n : 1) * sizeof *v.cells);
    if (v.cells) return v;
    ev->nomem = true;
    return stm_value_one((struct stm_cell){STM_CELL_INVALID, .v = NAN, .why = "out of memory"});
}

static struct stm_cell cell_at(const struct stm_value *v, unsigned i)
{
    return v->kind == STM_VAL_ONE ? v->one : v->cells[i];
}

struct stm_value stm_value_map2(struct stm_ev *ev, stm_cell_op *f, int op, struct stm_value a,
                                struct stm_value b)
{
    if (a.kind == STM_VAL_ONE && b.kind == STM_VAL_ONE)
        return stm_value_one(f(ev, op, a.one, b.one));
    struct stm_value *shape = a.kind == STM_VAL_ONE ? &b : &a;
    if (a.kind != STM_VAL_ONE && b.kind != STM_VAL_ONE && (a.kind != b.kind || a.n != b.n))
        return stm_value_one(stm_cell_bad(ev, STM_CELL_INVALID,
                                          "values per seed and over a sweep cannot be combined"));
    struct stm_value v = stm_value_cells(ev, shape->kind, shape->n);
    if (v.kind == STM_VAL_ONE) return v;
    v.nodes = shape->nodes;
    for (unsigned i = 0; i < v.n; i++) v.cells[i] = f(ev, op, cell_at(&a, i), cell_at(&b, i));
    return v;
}

static struct stm_cell do_arith(struct stm_ev *ev, int op, struct stm_cell a, struct stm_cell b)
{
    return stm_cell_arith(ev, (enum stm_expr_kind)op, a, b);
}

static struct stm_cell do_compare(struct stm_ev *ev, int op, struct stm_cell a, struct stm_cell b)
{
    return stm_cell_compare(ev, (enum stm_cmp)op, a, b);
}

static struct stm_cell do_and(struct stm_ev *ev, int op, struct stm_cell a, struct stm_cell b)
{
    (void)ev, (void)op;
    return stm_cell_and(a, b);
}

static struct stm_cell do_or(struct stm_ev *ev, int op, struct stm_cell a, struct stm_cell b)
{
    (void)ev, (void)op;
    return stm_cell_or(a, b);
}

static struct stm_cell do_not(struct stm_ev *ev, int op, struct stm_cell a, struct stm_cell b)
{
    (void)ev, (void)op, (void)b;
    return stm_cell_not(a);
}

static struct stm_cell do_neg(struct stm_ev *ev, int op, struct stm_cell a, struct stm_cell b)
{
    (void)op, (void)b;
    return stm_cell_neg(ev, a);
}

/* ---- the kinds of expression ---- */

static struct stm_value x_num(struct stm_ev *ev, const struct stm_expr *e,
                              const struct stm_scope *scope)
{
    (void)ev, (void)scope;
    return stm_value_one(stm_cell_num(e->num));
}

static struct stm_value x_str(struct stm_ev *ev, const struct stm_expr *e,
                              const struct stm_scope *scope)
{
    (void)ev, (void)scope;
    return stm_value_one((struct stm_cell){.v = NAN, .sym = e->name});
}

static struct stm_value x_list(struct stm_ev *ev, const struct stm_expr *e,
                               const struct stm_scope *scope)
{
    struct stm_value v = stm_value_cells(ev, STM_VAL_CURVE, e->n);
    for (unsigned i = 0; v.kind == STM_VAL_CURVE && i < e->n; i++) {
        struct stm_value k = stm_ev_eval(ev, e->kids[i], scope);
        v.cells[i] = k.kind == STM_VAL_ONE
                         ? k.one
                         : stm_cell_bad(ev, STM_CELL_INVALID, "a list holds single numbers");
    }
    return v;
}

static struct stm_value x_call(struct stm_ev *ev, const struct stm_expr *e,
                               const struct stm_scope *scope)
{
    if (e->ref != STM_R_FUNCTION)
        return e->n > 0 && stm_ev_is_place(e->kids[0]) ? stm_ev_member(ev, e, scope)
                                                       : stm_ev_named(ev, e, scope);
    const struct stm_function *f = stm_function_find(e->name);
    if (!f)
        return stm_value_one(
            stm_cell_bad(ev, STM_CELL_INVALID, "`%s` is not a function of numbers", e->name));
    if (e->n < f->min_args || e->n > f->max_args)
        return stm_value_one(stm_cell_bad(ev, STM_CELL_INVALID, "`%s` takes %u to %u arguments",
                                          e->name, f->min_args, f->max_args));
    return f->call(ev, f, e, scope);
}

static struct stm_value x_unary(struct stm_ev *ev, const struct stm_expr *e,
                                const struct stm_scope *scope)
{
    struct stm_value a = stm_ev_eval(ev, e->kids[0], scope);
    return stm_value_map2(ev, do_neg, 0, a, stm_value_one(stm_cell_num(0)));
}

static struct stm_value x_binary(struct stm_ev *ev, const struct stm_expr *e,
                                 const struct stm_scope *scope)
{
    struct stm_value a = stm_ev_eval(ev, e->kids[0], scope);
    return stm_value_map2(ev, do_arith, e->kind, a, stm_ev_eval(ev, e->kids[1], scope));
}

static struct stm_value x_compare(struct stm_ev *ev, const struct stm_expr *e,
                                  const struct stm_scope *scope)
{
    struct stm_value left = stm_ev_eval(ev, e->kids[0], scope);
    struct stm_value all = stm_value_one(stm_cell_truth(true));
    for (unsigned i = 1; i < e->n; i++) {
        struct stm_value right = stm_ev_eval(ev, e->kids[i], scope);
        all = stm_value_map2(ev, do_and, 0, all,
                             stm_value_map2(ev, do_compare, e->ops[i - 1], left, right));
        left = right;
    }
    return all;
}

static struct stm_value x_in(struct stm_ev *ev, const struct stm_expr *e,
                             const struct stm_scope *scope)
{
    const struct stm_expr *range = e->kids[1];
    if (range->kind != STM_X_LIST || range->n != 2)
        return stm_value_one(stm_cell_bad(ev, STM_CELL_INVALID, "`in` needs [low, high]"));
    struct stm_value x = stm_ev_eval(ev, e->kids[0], scope);
    struct stm_value low = stm_ev_eval(ev, range->kids[0], scope);
    struct stm_value high = stm_ev_eval(ev, range->kids[1], scope);
    return stm_value_map2(ev, do_and, 0, stm_value_map2(ev, do_compare, STM_GE, x, low),
                          stm_value_map2(ev, do_compare, STM_LE, x, high));
}

/* The value as truths: times that have come, comparisons as they are. */
static struct stm_value truths(struct stm_ev *ev, const struct stm_expr *e,
                               const struct stm_scope *scope)
{
    struct stm_value v = stm_ev_eval(ev, e, scope), t = v;
    if (v.kind == STM_VAL_ONE) return stm_value_one(stm_cell_as_truth(v.one, scope->step));
    t = stm_value_cells(ev, v.kind, v.n);
    for (unsigned i = 0; t.kind != STM_VAL_ONE && i < v.n; i++)
        t.cells[i] = stm_cell_as_truth(v.cells[i], scope->step);
    return t;
}

static struct stm_value x_not(struct stm_ev *ev, const struct stm_expr *e,
                              const struct stm_scope *scope)
{
    return stm_value_map2(ev, do_not, 0, truths(ev, e->kids[0], scope),
                          stm_value_one(stm_cell_num(0)));
}

static struct stm_value x_logic(struct stm_ev *ev, const struct stm_expr *e,
                                const struct stm_scope *scope)
{
    struct stm_value a = truths(ev, e->kids[0], scope);
    return stm_value_map2(ev, e->kind == STM_X_AND ? do_and : do_or, 0, a,
                          truths(ev, e->kids[1], scope));
}

static struct stm_value x_at(struct stm_ev *ev, const struct stm_expr *e,
                             const struct stm_scope *scope)
{
    struct stm_scope inner = *scope;
    inner.at = e;
    inner.step = NAN;
    inner.when = STM_AT_STEP;
    return stm_ev_eval(ev, e->kids[0], &inner);
}

static struct stm_value x_on(struct stm_ev *ev, const struct stm_expr *e,
                             const struct stm_scope *scope)
{
    (void)e, (void)scope;
    return stm_value_one(
        stm_cell_bad(ev, STM_CELL_INVALID, "a metric `on` something else is not in this version"));
}

static struct stm_value x_index(struct stm_ev *ev, const struct stm_expr *e,
                                const struct stm_scope *scope)
{
    (void)e, (void)scope;
    return stm_value_one(stm_cell_bad(ev, STM_CELL_INVALID, "an arm is not a number"));
}

static stm_ev_fn *const by_kind[] = {[STM_X_NUM] = x_num,
                                     [STM_X_STR] = x_str,
                                     [STM_X_NAME] = stm_ev_named,
                                     [STM_X_LIST] = x_list,
                                     [STM_X_TUPLE] = x_list,
                                     [STM_X_CALL] = x_call,
                                     [STM_X_FIELD] = stm_ev_member,
                                     [STM_X_INDEX] = x_index,
                                     [STM_X_NEG] = x_unary,
                                     [STM_X_NOT] = x_not,
                                     [STM_X_ADD] = x_binary,
                                     [STM_X_SUB] = x_binary,
                                     [STM_X_MUL] = x_binary,
                                     [STM_X_DIV] = x_binary,
                                     [STM_X_COMPARE] = x_compare,
                                     [STM_X_IN] = x_in,
                                     [STM_X_AND] = x_logic,
                                     [STM_X_OR] = x_logic,
                                     [STM_X_AT] = x_at,
                                     [STM_X_AT_STEP] = x_at,
                                     [STM_X_ON] = x_on};

struct stm_value stm_ev_eval(struct stm_ev *ev, const struct stm_expr *e,
                             const struct stm_scope *scope)
{
    if (ev->depth >= MAX_DEPTH)
        return stm_value_one(stm_cell_bad(ev, STM_CELL_INVALID,
                                          "more than %d expressions in each other", MAX_DEPTH));
    ev->depth++;
    struct stm_value v = by_kind[e->kind](ev, e, scope);
    ev->depth--;
    return v;
}

struct stm_value stm_ev_memo(struct stm_ev *ev, const void *what, stm_ev_fn *fn,
                             const struct stm_expr *e, const struct stm_scope *scope)
{
    struct stm_ev_key key = {what, scope->at, scope->env, scope->node, -1, scope->step};
    const struct stm_value *kept = stm_ev_cached(ev, &key);
    if (kept) return *kept;
    bool outer = ev->depends;
    ev->depends = false;
    struct stm_value v = fn(ev, e, scope);
    stm_ev_cache(ev, &key, &v, ev->depends ? ev->gen : 0);
    ev->depends |= outer;
    return v;
}

/* ---- selections ---- */

struct stm_cell *stm_ev_gather(struct stm_ev *ev, const struct stm_value *v, unsigned *n,
                               struct stm_cell *bad)
{
    bool seeds = v->kind == STM_VAL_SEEDS;
    unsigned total = seeds ? ev->n_sel : v->kind == STM_VAL_ONE ? 1 : v->n, counted = 0;
    struct stm_cell *out = stm_arena_alloc(&ev->scratch, (total + 1) * sizeof *out);
    *n = 0;
    *bad = (struct stm_cell){.state = STM_CELL_OK};
    if (!out) {
        ev->nomem = true;
        *bad = (struct stm_cell){STM_CELL_INVALID, .v = NAN, .why = "out of memory"};
        return NULL;
    }
    if (seeds) ev->depends = true;
    for (unsigned i = 0; i < total; i++) {
        struct stm_cell c = cell_at(v, seeds ? ev->sel[i] : i);
        if (c.state == STM_CELL_ABSENT) continue;
        if (c.state != STM_CELL_OK && bad->state == STM_CELL_OK) *bad = c;
        if (c.state == STM_CELL_OK && !c.censored && !c.bound) counted++;
        out[(*n)++] = c;
    }
    if (seeds && counted < ev->counted) ev->counted = counted;
    return out;
}

static int init(struct stm_ev *ev, const struct stm_data *d, unsigned first, unsigned n,
                struct stm_err *err)
{
    *ev = (struct stm_ev){.d = d, .first = first, .n_seeds = n, .hi = n, .counted = UINT32_MAX};
    ev->all = stm_calloc(n ? n : 1, sizeof *ev->all);
    if (!ev->all) return stm_fail(err, STM_E_NOMEM, "evaluating: out of memory");
    for (unsigned i = 0; i < n; i++) ev->all[i] = i;
    stm_ev_base(ev, NULL, 0);
    return 0;
}

int stm_ev_init(struct stm_ev *ev, const struct stm_data *d, struct stm_err *err)
{
    return init(ev, d, 0, d->n_seeds, err);
}

void stm_ev_release(struct stm_ev *ev)
{
    stm_free(ev->all);
    stm_free(ev->slots);
    stm_arena_release(&ev->keep);
    stm_arena_release(&ev->scratch);
    *ev = (struct stm_ev){.d = NULL};
}

void stm_ev_select(struct stm_ev *ev, const unsigned *seeds, unsigned n)
{
    stm_arena_release(&ev->scratch);
    ev->sel = seeds;
    ev->n_sel = n;
    ev->gen = ++ev->last_gen;
    ev->depends = false;
}

void stm_ev_base(struct stm_ev *ev, const unsigned *seeds, unsigned n)
{
    ev->base = seeds ? seeds : ev->all;
    ev->n_base = seeds ? n : ev->n_seeds;
    ev->base_gen = ++ev->last_gen;
    stm_ev_select(ev, ev->base, ev->n_base);
}

int stm_ev_status(const struct stm_ev *ev, struct stm_err *err)
{
    return ev->nomem ? stm_fail(err, STM_E_NOMEM, "evaluating: out of memory") : 0;
}

/* ---- the public entries ---- */

static int result_of(const struct stm_ev *ev, struct stm_cell c, double *out, struct stm_err *err)
{
    if (stm_ev_status(ev, err)) return STM_E_NOMEM;
    if (c.state == STM_CELL_UNKNOWN) return stm_fail(err, STM_E_NOTFOUND, "%s", c.why);
    if (c.state == STM_CELL_ABSENT)
        return stm_fail(err, STM_E_INVALID, "not evaluable: it takes part for no seed");
    if (c.state == STM_CELL_INVALID) return stm_fail(err, STM_E_INVALID, "%s", c.why);
    if (c.censored)
        return stm_fail(err, STM_E_INVALID, "not evaluable: it is only known to be > %.10g", c.v);
    if (c.sym) return stm_fail(err, STM_E_INVALID, "`%s` is a word, not a number", c.sym);
    *out = c.v;
    return 0;
}

static int eval_seed(const struct stm_data *d, const struct stm_expr *e, int node, unsigned seed,
                     struct stm_moment at, bool truth, double *out, struct stm_err *err)
{
    struct stm_ev ev;
    int rc = init(&ev, d, seed, 1, err);
    if (rc) return rc;
    ev.ignore_exists = true;
    struct stm_scope scope = STM_SCOPE(node);
    scope.step = at.step;
    scope.when = at.when;
    struct stm_value v = stm_ev_eval(&ev, e, &scope);
    struct stm_cell c = v.kind == STM_VAL_SEEDS ? v.cells[0] : v.one;
    if (v.kind == STM_VAL_CURVE)
        c = stm_cell_bad(&ev, STM_CELL_INVALID, "a curve, where one number is needed");
    if (truth) c = stm_cell_as_truth(c, at.step);
    rc = result_of(&ev, c, out, err);
    stm_ev_release(&ev);
    return rc;
}

int stm_eval_seed(const struct stm_data *d, const struct stm_expr *e, int node, unsigned seed,
                  struct stm_moment at, double *out, struct stm_err *err)
{
    return eval_seed(d, e, node, seed, at, false, out, err);
}

int stm_eval_require(const struct stm_data *d, const struct stm_expr *e, int node, unsigned seed,
                     struct stm_moment at, bool *out, struct stm_err *err)
{
    double v = 0;
    int rc = eval_seed(d, e, node, seed, at, true, &v, err);
    if (rc == 0) *out = v != 0;
    return rc;
}

int stm_eval_across(const struct stm_data *d, const struct stm_expr *e, int node, int need,
                    double *out, struct stm_err *err)
{
    struct stm_ev ev;
    int rc = stm_ev_init(&ev, d, err);
    if (rc) return rc;
    struct stm_scope scope = STM_SCOPE(node);
    struct stm_value v = stm_ev_eval(&ev, e, &scope);
    struct stm_cell c = v.one;
    if (v.kind != STM_VAL_ONE)
        c = stm_cell_bad(&ev, STM_CELL_INVALID, "a value per seed, where one number is needed");
    unsigned asked = need < 0 ? d->n_seeds : (unsigned)need;
    if (c.state != STM_CELL_UNKNOWN && ev.counted < asked)
        c = stm_cell_bad(&ev, STM_CELL_INVALID, "not evaluable: %u of the %u seeds needed",
                         ev.counted, asked);
    rc = result_of(&ev, c, out, err);
    stm_ev_release(&ev);
    return rc;
}
