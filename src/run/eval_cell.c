/* Arithmetic, comparison and logic of single cells. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "run/eval.h"

struct stm_cell stm_cell_num(double v) { return (struct stm_cell){.v = v}; }

struct stm_cell stm_cell_truth(bool yes)
{
    return (struct stm_cell){.v = yes ? 1 : 0, .truth = true};
}

struct stm_cell stm_cell_bad(struct stm_ev *ev, enum stm_cell_state state, const char *fmt, ...)
{
    char text[STM_REASON];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const char *kept = stm_arena_strndup(&ev->keep, text, strlen(text));
    if (!kept) {
        ev->nomem = true;
        kept = "out of memory";
    }
    return (struct stm_cell){.state = state, .v = NAN, .why = kept};
}

/* The side that spoils a combination, or NULL: absence first, it needs no reason. */
static const struct stm_cell *spoiler(const struct stm_cell *a, const struct stm_cell *b)
{
    if (a->state == STM_CELL_ABSENT) return a;
    if (b->state == STM_CELL_ABSENT) return b;
    if (a->state != STM_CELL_OK) return a;
    return b->state != STM_CELL_OK ? b : NULL;
}

static struct stm_cell no_value(struct stm_ev *ev, const char *what)
{
    return stm_cell_bad(ev, STM_CELL_INVALID, "%s", what);
}

static struct stm_cell in_range(struct stm_ev *ev, double v, bool censored, const char *what)
{
    if (!isfinite(v)) return no_value(ev, what);
    return (struct stm_cell){.v = v, .censored = censored};
}

static const char *const upper_bound = "a censored time is known from below only; here it would "
                                       "have to be known from above";

static struct stm_cell add(struct stm_ev *ev, struct stm_cell a, struct stm_cell b)
{
    return in_range(ev, a.v + b.v, a.censored || b.censored, "the sum is not a finite number");
}

static struct stm_cell sub(struct stm_ev *ev, struct stm_cell a, struct stm_cell b)
{
    if (b.censored) return no_value(ev, upper_bound);
    return in_range(ev, a.v - b.v, a.censored, "the difference is not a finite number");
}

static struct stm_cell mul(struct stm_ev *ev, struct stm_cell a, struct stm_cell b)
{
    bool censored = a.censored || b.censored;
    if (censored && (a.v < 0 || b.v < 0 || (a.v == 0 && !a.censored) || (b.v == 0 && !b.censored)))
        return no_value(ev, upper_bound);
    return in_range(ev, a.v * b.v, censored, "the product is not a finite number");
}

static struct stm_cell quotient(struct stm_ev *ev, struct stm_cell a, struct stm_cell b)
{
    if (b.censored || (a.censored && b.v < 0)) return no_value(ev, upper_bound);
    if (b.v == 0) return no_value(ev, "division by zero");
    return in_range(ev, a.v / b.v, a.censored, "the quotient is not a finite number");
}

struct stm_cell stm_cell_arith(struct stm_ev *ev, enum stm_expr_kind expr_kind, struct stm_cell a,
                               struct stm_cell b)
{
    static struct stm_cell (*const op[])(struct stm_ev *, struct stm_cell, struct stm_cell) = {
        [STM_X_ADD] = add, [STM_X_SUB] = sub, [STM_X_MUL] = mul, [STM_X_DIV] = quotient};
    const struct stm_cell *bad = spoiler(&a, &b);
    if (bad) return *bad;
    if (a.sym || b.sym) return no_value(ev, "arithmetic on a word");
    struct stm_cell c = op[expr_kind](ev, a, b);
    c.bound = a.bound || b.bound;
    return c;
}

struct stm_cell stm_cell_neg(struct stm_ev *ev, struct stm_cell a)
{
    if (a.state != STM_CELL_OK) return a;
    if (a.sym) return no_value(ev, "arithmetic on a word");
    if (a.censored) return no_value(ev, upper_bound);
    a.v = -a.v;
    a.truth = false;
    return a;
}

/* ---- comparison ---- */

/* What each sign of (a - b) says about `a op b`: [op][0: less, 1: equal, 2: greater]. */
static const bool holds[][3] = {[STM_LT] = {1, 0, 0}, [STM_LE] = {1, 1, 0}, [STM_GT] = {0, 0, 1},
                                [STM_GE] = {0, 1, 1}, [STM_EQ] = {0, 1, 0}, [STM_NE] = {1, 0, 1}};

static struct stm_cell undecided(struct stm_ev *ev, struct stm_cell a, struct stm_cell b)
{
    return stm_cell_bad(ev, STM_CELL_INVALID, "%s%.10g against %s%.10g is not decided",
                        a.censored ? "> " : "", a.v, b.censored ? "> " : "", b.v);
}

struct stm_cell stm_cell_compare(struct stm_ev *ev, enum stm_cmp op, struct stm_cell a,
                                 struct stm_cell b)
{
    const struct stm_cell *bad = spoiler(&a, &b);
    if (bad) return *bad;
    if (a.sym || b.sym) {
        if (!a.sym || !b.sym || (op != STM_EQ && op != STM_NE))
            return no_value(ev, "a word is compared with a number, or for size");
        return stm_cell_truth(holds[op][strcmp(a.sym, b.sym) == 0 ? 1 : 0]);
    }
    bool possible[3];
    if (!a.censored && !b.censored) {
        possible[0] = a.v < b.v;
        possible[1] = a.v == b.v;
        possible[2] = a.v > b.v;
    } else { /* a censored value is anything above its bound */
        bool above = a.censored && !b.censored && a.v >= b.v;
        bool below = b.censored && !a.censored && b.v >= a.v;
        possible[0] = !above;
        possible[1] = !above && !below;
        possible[2] = !below;
    }
    bool yes = false, no = false;
    for (int i = 0; i < 3; i++)
        if (possible[i]) *(holds[op][i] ? &yes : &no) = true;
    if (yes == no) return undecided(ev, a, b);
    struct stm_cell c = stm_cell_truth(yes);
    c.bound = a.bound || b.bound;
    return c;
}

/* ---- logic ---- */

static bool is(const struct stm_cell *c, bool yes)
{
    return c->state == STM_CELL_OK && (c->v != 0) == yes;
}

/* Of two sides that do not decide: the one without a value, and of two such one that is not known
 * yet, as it may still decide. */
static struct stm_cell open_side(struct stm_cell a, struct stm_cell b)
{
    if (a.state == STM_CELL_OK || b.state == STM_CELL_UNKNOWN) return b;
    return a;
}

struct stm_cell stm_cell_and(struct stm_cell a, struct stm_cell b)
{
    if (is(&a, false)) return a;
    if (is(&b, false)) return b;
    return open_side(a, b);
}

struct stm_cell stm_cell_or(struct stm_cell a, struct stm_cell b)
{
    if (is(&a, true)) return a;
    if (is(&b, true)) return b;
    return open_side(a, b);
}

struct stm_cell stm_cell_not(struct stm_cell a)
{
    if (a.state == STM_CELL_OK) a.v = a.v == 0;
    return a;
}

struct stm_cell stm_cell_as_truth(struct stm_cell a, double step)
{
    if (a.state != STM_CELL_OK || a.truth) return a;
    return stm_cell_truth(!a.censored && !(a.v > step));
}
