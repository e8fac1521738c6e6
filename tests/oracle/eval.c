/* The walk over an expression. */
#include <math.h>
#include <string.h>

#include "oracle.h"

struct value value_one(struct cell c) { return (struct value){.kind = V_ONE, .one = c}; }

struct value value_cells(enum value_kind kind, unsigned n)
{
    return (struct value){.kind = kind, .n = n, .cells = oracle_alloc(n * sizeof(struct cell))};
}

static struct cell cell_at(const struct value *v, unsigned i)
{
    return v->kind == V_ONE ? v->one : v->cells[i];
}

/* Cell by cell; one number goes with every seed or point. */
struct value value_map2(cell_op *f, int op, struct value a, struct value b)
{
    if (a.kind == V_ONE && b.kind == V_ONE) return value_one(f(op, a.one, b.one));
    if (a.kind != V_ONE && b.kind != V_ONE && (a.kind != b.kind || a.n != b.n))
        return value_one(cell_bad(C_INVALID));
    const struct value *shape = a.kind == V_ONE ? &b : &a;
    struct value v = value_cells(shape->kind, shape->n);
    v.nodes = shape->nodes;
    for (unsigned i = 0; i < v.n; i++) v.cells[i] = f(op, cell_at(&a, i), cell_at(&b, i));
    return v;
}

static struct cell arith(int op, struct cell a, struct cell b)
{
    return cell_arith((enum stm_expr_kind)op, a, b);
}

static struct cell compare(int op, struct cell a, struct cell b)
{
    return cell_compare((enum stm_cmp)op, a, b);
}

static struct cell both(int op, struct cell a, struct cell b)
{
    a = cell_as_truth(a);
    b = cell_as_truth(b);
    return op == STM_X_OR ? cell_or(a, b) : cell_and(a, b);
}

static struct cell negate(int op, struct cell a, struct cell b)
{
    (void)b;
    return op == STM_X_NOT ? cell_not(cell_as_truth(a)) : cell_neg(a);
}

static struct value compare_chain(const struct stm_expr *e, const struct scope *s)
{
    struct value all = value_one(cell_truth(true)), left = eval(e->kids[0], s);
    for (unsigned i = 1; i < e->n; i++) {
        struct value right = eval(e->kids[i], s);
        all =
            value_map2(both, STM_X_AND, all, value_map2(compare, (int)e->ops[i - 1], left, right));
        left = right;
    }
    return all;
}

static struct value in_interval(const struct stm_expr *e, const struct scope *s)
{
    const struct stm_expr *range = e->kids[1];
    if (range->kind != STM_X_LIST || range->n != 2) return value_one(cell_bad(C_INVALID));
    struct value x = eval(e->kids[0], s);
    struct value low = value_map2(compare, STM_GE, x, eval(range->kids[0], s));
    return value_map2(both, STM_X_AND, low,
                      value_map2(compare, STM_LE, x, eval(range->kids[1], s)));
}

static struct value list(const struct stm_expr *e, const struct scope *s)
{
    struct value v = value_cells(V_CURVE, e->n);
    for (unsigned i = 0; i < e->n; i++) {
        struct value k = eval(e->kids[i], s);
        v.cells[i] = k.kind == V_ONE ? k.one : cell_bad(C_INVALID);
    }
    return v;
}

static struct value sampled(const struct stm_expr *e, const struct scope *s)
{
    struct scope inner = *s;
    inner.at = e;
    inner.moment = (struct moment){AT_NONE, 0};
    return eval(e->kids[0], &inner);
}

static struct value call(const struct stm_expr *e, const struct scope *s)
{
    if (e->ref == STM_R_FUNCTION) return eval_call(e, s);
    return e->n > 0 && is_place(e->kids[0]) ? eval_member(e, s) : eval_name(e, s);
}

struct value eval(const struct stm_expr *e, const struct scope *s)
{
    struct value zero = value_one(cell_num(0));
    switch (e->kind) {
    case STM_X_NUM: return value_one(cell_num(e->num));
    case STM_X_STR: return value_one((struct cell){.v = NAN, .sym = e->name});
    case STM_X_NAME: return eval_name(e, s);
    case STM_X_LIST:
    case STM_X_TUPLE: return list(e, s);
    case STM_X_CALL: return call(e, s);
    case STM_X_FIELD: return eval_member(e, s);
    case STM_X_NEG:
    case STM_X_NOT: return value_map2(negate, (int)e->kind, eval(e->kids[0], s), zero);
    case STM_X_ADD:
    case STM_X_SUB:
    case STM_X_MUL:
    case STM_X_DIV:
        return value_map2(arith, (int)e->kind, eval(e->kids[0], s), eval(e->kids[1], s));
    case STM_X_COMPARE: return compare_chain(e, s);
    case STM_X_IN: return in_interval(e, s);
    case STM_X_AND:
    case STM_X_OR: return value_map2(both, (int)e->kind, eval(e->kids[0], s), eval(e->kids[1], s));
    case STM_X_AT:
    case STM_X_AT_STEP: return sampled(e, s);
    case STM_X_INDEX:
    case STM_X_ON: break;
    }
    return value_one(cell_bad(C_INVALID));
}

struct cell eval_seed(struct world *w, const struct stm_expr *e, int node, unsigned seed,
                      struct moment at)
{
    struct sample sample = {.seeds = &seed, .n = 1};
    struct scope s = {.w = w, .sample = &sample, .node = node, .moment = at, .seed = (int)seed};
    struct value v = eval(e, &s);
    if (v.kind == V_CURVE) return cell_bad(C_INVALID);
    return v.kind == V_SEEDS ? v.cells[seed] : v.one;
}
