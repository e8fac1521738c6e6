/* Arithmetic, comparison and logic of values that may be censored or missing. */
#include <math.h>
#include <string.h>

#include "oracle.h"

struct cell cell_num(double v) { return (struct cell){.v = v}; }
struct cell cell_truth(bool yes) { return (struct cell){.v = yes, .truth = true}; }
struct cell cell_bad(enum cell_state state) { return (struct cell){.state = state, .v = NAN}; }

static struct cell finite_cell(double v, bool censored, bool bound)
{
    if (!isfinite(v)) return cell_bad(C_INVALID);
    return (struct cell){.v = v, .censored = censored, .bound = bound};
}

/* What keeps two cells from being combined: absence before all else, then the first of them. */
static bool spoiled(struct cell a, struct cell b, struct cell *out)
{
    if (a.state == C_OK && b.state == C_OK) return false;
    *out = a.state == C_ABSENT ? a : b.state == C_ABSENT ? b : a.state != C_OK ? a : b;
    return true;
}

/* A censored side is anything above its bound: the result is above what the bounds give, or there
 * is none. */
struct cell cell_arith(enum stm_expr_kind op, struct cell a, struct cell b)
{
    struct cell bad;
    bool censored = a.censored || b.censored, bound = a.bound || b.bound;
    if (spoiled(a, b, &bad)) return bad;
    if (a.sym || b.sym) return cell_bad(C_INVALID);
    switch (op) {
    case STM_X_ADD: return finite_cell(a.v + b.v, censored, bound);
    case STM_X_SUB:
        if (b.censored) return cell_bad(C_INVALID);
        return finite_cell(a.v - b.v, censored, bound);
    case STM_X_MUL: /* it must grow with each side that is censored */
        if (a.censored && b.censored && (a.v < 0 || b.v < 0)) return cell_bad(C_INVALID);
        if (a.censored != b.censored && !((a.censored ? b.v : a.v) > 0)) return cell_bad(C_INVALID);
        return finite_cell(a.v * b.v, censored, bound);
    default:
        if (b.censored || b.v == 0 || (a.censored && b.v < 0)) return cell_bad(C_INVALID);
        return finite_cell(a.v / b.v, censored, bound);
    }
}

struct cell cell_neg(struct cell a)
{
    if (a.state != C_OK) return a;
    if (a.sym || a.censored) return cell_bad(C_INVALID);
    a.v = -a.v;
    a.truth = false;
    return a;
}

static bool holds(enum stm_cmp op, int sign)
{
    switch (op) {
    case STM_LT: return sign < 0;
    case STM_LE: return sign <= 0;
    case STM_GT: return sign > 0;
    case STM_GE: return sign >= 0;
    case STM_EQ: return sign == 0;
    default: return sign != 0;
    }
}

/* It holds, or does not, if it does so whatever the censored times are. */
struct cell cell_compare(enum stm_cmp op, struct cell a, struct cell b)
{
    struct cell bad;
    if (spoiled(a, b, &bad)) return bad;
    if (a.sym || b.sym) {
        if (!a.sym || !b.sym || (op != STM_EQ && op != STM_NE)) return cell_bad(C_INVALID);
        return cell_truth((strcmp(a.sym, b.sym) == 0) == (op == STM_EQ));
    }
    bool can[3]; /* a < b, a == b, a > b */
    if (!a.censored && !b.censored) {
        can[0] = a.v < b.v;
        can[1] = a.v == b.v;
        can[2] = a.v > b.v;
    } else {
        can[0] = b.censored || a.v < b.v;
        can[2] = a.censored || b.v < a.v;
        can[1] = can[0] && can[2];
    }
    bool yes = false, no = false;
    for (int i = 0; i < 3; i++)
        if (can[i]) *(holds(op, i - 1) ? &yes : &no) = true;
    if (yes == no) return cell_bad(C_INVALID);
    struct cell c = cell_truth(yes);
    c.bound = a.bound || b.bound;
    return c;
}

static bool is(struct cell c, bool yes) { return c.state == C_OK && (c.v != 0) == yes; }

struct cell cell_and(struct cell a, struct cell b)
{
    if (is(a, false)) return a;
    if (is(b, false)) return b;
    return is(a, true) ? b : a;
}

struct cell cell_or(struct cell a, struct cell b)
{
    if (is(a, true)) return a;
    if (is(b, true)) return b;
    return is(a, false) ? b : a;
}

struct cell cell_not(struct cell a)
{
    if (a.state == C_OK) a.v = a.v == 0;
    return a;
}

struct cell cell_as_truth(struct cell a)
{
    if (a.state != C_OK || a.truth) return a;
    return cell_truth(!a.censored);
}
