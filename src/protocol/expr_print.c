#include <string.h>

#include "protocol/check.h"

/* Priorities as in the grammar; an operand that binds looser than its operator gets parentheses. */
enum { P_OR = 1, P_AND, P_NOT, P_COMPARE, P_SUM, P_PRODUCT, P_UNARY, P_SAMPLE, P_POSTFIX };

static void put(struct stm_buf *b, const struct stm_expr *e, int limit);

static void put_text(struct stm_buf *b, const char *s) { stm_buf_put(b, s, strlen(s)); }

static void put_args(struct stm_buf *b, const struct stm_expr *e, unsigned first,
                     const char *const *keys)
{
    for (unsigned i = first; i < e->n; i++) {
        if (i > first) put_text(b, ", ");
        const char *key = keys ? keys[i - first] : NULL;
        if (key) stm_buf_printf(b, "%s = ", key);
        put(b, e->kids[i], 0);
    }
}

static void put_num(struct stm_buf *b, const struct stm_expr *e) { pr_put_number(b, e->num); }
static void put_str(struct stm_buf *b, const struct stm_expr *e)
{
    stm_buf_printf(b, "\"%s\"", e->name);
}
static void put_name(struct stm_buf *b, const struct stm_expr *e) { put_text(b, e->name); }

static void put_list(struct stm_buf *b, const struct stm_expr *e)
{
    put_text(b, e->kind == STM_X_LIST ? "[" : "(");
    put_args(b, e, 0, NULL);
    put_text(b, e->kind == STM_X_LIST ? "]" : ")");
}

static void put_call(struct stm_buf *b, const struct stm_expr *e)
{
    if (e->text) {
        put_text(b, e->text);
        return;
    }
    stm_buf_printf(b, "%s(", e->name);
    put_args(b, e, 0, e->keys);
    put_text(b, ")");
}

static void put_field(struct stm_buf *b, const struct stm_expr *e)
{
    put(b, e->kids[0], P_POSTFIX);
    put_text(b, ".");
    if (e->n == 2)
        put_call(b, e->kids[1]);
    else
        put_text(b, e->name);
}

static void put_index(struct stm_buf *b, const struct stm_expr *e)
{
    put(b, e->kids[0], P_POSTFIX);
    put_text(b, "[");
    put_args(b, e, 1, e->keys);
    put_text(b, "]");
}

static void put_neg(struct stm_buf *b, const struct stm_expr *e)
{
    put_text(b, "-");
    put(b, e->kids[0], P_UNARY);
}

static void put_not(struct stm_buf *b, const struct stm_expr *e)
{
    put_text(b, "not ");
    put(b, e->kids[0], P_NOT);
}

static void put_compare(struct stm_buf *b, const struct stm_expr *e)
{
    static const char *const ops[] = {"<", "<=", ">", ">=", "==", "!="};
    put(b, e->kids[0], P_SUM);
    for (unsigned i = 1; i < e->n; i++) {
        stm_buf_printf(b, " %s ", ops[e->ops[i - 1]]);
        put(b, e->kids[i], P_SUM);
    }
}

static const struct printer {
    void (*put)(struct stm_buf *b, const struct stm_expr *e); /* NULL: infix */
    int priority;
    const char *infix;
} printers[] = {
    [STM_X_NUM] = {put_num, P_POSTFIX, NULL},
    [STM_X_STR] = {put_str, P_POSTFIX, NULL},
    [STM_X_NAME] = {put_name, P_POSTFIX, NULL},
    [STM_X_LIST] = {put_list, P_POSTFIX, NULL},
    [STM_X_TUPLE] = {put_list, P_POSTFIX, NULL},
    [STM_X_CALL] = {put_call, P_POSTFIX, NULL},
    [STM_X_FIELD] = {put_field, P_POSTFIX, NULL},
    [STM_X_INDEX] = {put_index, P_POSTFIX, NULL},
    [STM_X_NEG] = {put_neg, P_UNARY, NULL},
    [STM_X_NOT] = {put_not, P_NOT, NULL},
    [STM_X_ADD] = {NULL, P_SUM, " + "},
    [STM_X_SUB] = {NULL, P_SUM, " - "},
    [STM_X_MUL] = {NULL, P_PRODUCT, " * "},
    [STM_X_DIV] = {NULL, P_PRODUCT, " / "},
    [STM_X_COMPARE] = {put_compare, P_COMPARE, NULL},
    [STM_X_IN] = {NULL, P_COMPARE, " in "},
    [STM_X_AND] = {NULL, P_AND, " and "},
    [STM_X_OR] = {NULL, P_OR, " or "},
    [STM_X_AT] = {NULL, P_SAMPLE, " @ "},
    [STM_X_AT_STEP] = {NULL, P_SAMPLE, " @ step "},
    [STM_X_ON] = {NULL, P_SAMPLE, " on "},
};

/* The operands of an infix operator: the left one may be of the same priority. Of samples neither
 * is more than a postfix expression, but `x @ step 5 + 1` takes a whole sum. */
static void put_infix(struct stm_buf *b, const struct stm_expr *e, const struct printer *p)
{
    bool on = e->kind == STM_X_ON;
    bool sample = e->kind == STM_X_AT || e->kind == STM_X_AT_STEP;
    put(b, e->kids[0], sample ? P_POSTFIX : on ? P_SAMPLE : p->priority);
    put_text(b, p->infix);
    put(b, e->kids[1], sample || on ? P_POSTFIX : p->priority + 1);
}

static int priority_of(const struct stm_expr *e)
{
    if (e->kind == STM_X_NUM && e->num < 0) return P_UNARY;
    return printers[e->kind].priority;
}

static void put(struct stm_buf *b, const struct stm_expr *e, int limit)
{
    const struct printer *p = &printers[e->kind];
    bool parens = priority_of(e) < limit;
    if (parens) put_text(b, "(");
    if (p->put)
        p->put(b, e);
    else
        put_infix(b, e, p);
    if (parens) put_text(b, ")");
}

void stm_expr_print(const struct stm_expr *e, struct stm_buf *out) { put(out, e, 0); }

const char *pr_expr_text(struct ctx *c, const struct stm_expr *e)
{
    size_t mark = c->scratch.n;
    stm_expr_print(e, &c->scratch);
    return pr_scratch_take(c, mark);
}
