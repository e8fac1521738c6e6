#include <string.h>

#include "protocol/check.h"

/* Priorities as in the grammar; an operand that binds looser than its operator gets parentheses. */
enum { P_OR = 1, P_AND, P_NOT, P_COMPARE, P_SUM, P_PRODUCT, P_UNARY, P_SAMPLE, P_POSTFIX };

/* What stands behind an expression: a sample in front of some operators needs parentheses, so that
 * it is clear how far its `@` reaches. */
enum behind { NOTHING, PRODUCT, SUM };

static void put(struct stm_buf *b, const struct stm_expr *e, int limit);
static void put_before(struct stm_buf *b, const struct stm_expr *e, int limit, enum behind behind);

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

static void put_num(struct stm_buf *b, const struct stm_expr *e) { stm_buf_number(b, e->num); }
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
    void (*put)(struct stm_buf *b, const struct stm_expr *e); /* NULL: an operator */
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
    [STM_X_NEG] = {NULL, P_UNARY, "-"},
    [STM_X_NOT] = {NULL, P_NOT, "not "},
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

/* fork + 100, behind `@` */
static bool after_fork(const struct stm_expr *e)
{
    return e->kind == STM_X_ADD && e->kids[0]->kind == STM_X_NAME &&
           strcmp(e->kids[0]->name, "fork") == 0;
}

/* Of samples neither operand is more than a postfix expression. */
static void put_sample(struct stm_buf *b, const struct stm_expr *e, const struct printer *p)
{
    put(b, e->kids[0], e->kind == STM_X_ON ? P_SAMPLE : P_POSTFIX);
    put_text(b, p->infix);
    if (e->kind != STM_X_AT || !after_fork(e->kids[1])) {
        put(b, e->kids[1], P_POSTFIX);
        return;
    }
    put_text(b, "+ ");
    put(b, e->kids[1]->kids[1], P_SUM);
    put_text(b, " steps");
}

/* The operands of an operator: the left one may be of the same priority. */
static void put_operator(struct stm_buf *b, const struct stm_expr *e, const struct printer *p,
                         enum behind behind)
{
    enum behind here = p->priority == P_SUM ? SUM : p->priority == P_PRODUCT ? PRODUCT : NOTHING;
    if (p->priority == P_SAMPLE) {
        put_sample(b, e, p);
    } else if (e->n == 1) {
        put_text(b, p->infix);
        put_before(b, e->kids[0], p->priority, behind);
    } else {
        put_before(b, e->kids[0], p->priority, here);
        put_text(b, p->infix);
        put_before(b, e->kids[1], p->priority + 1, behind);
    }
}

static int priority_of(const struct stm_expr *e)
{
    if (e->kind == STM_X_NUM && e->num < 0) return P_UNARY;
    return printers[e->kind].priority;
}

static void put_before(struct stm_buf *b, const struct stm_expr *e, int limit, enum behind behind)
{
    const struct printer *p = &printers[e->kind];
    bool open = p->priority == P_SAMPLE &&
                (behind == SUM || (behind == PRODUCT && e->kind == STM_X_AT_STEP));
    bool parens = open || priority_of(e) < limit;
    if (parens) put_text(b, "(");
    if (p->put)
        p->put(b, e);
    else
        put_operator(b, e, p, parens ? NOTHING : behind);
    if (parens) put_text(b, ")");
}

static void put(struct stm_buf *b, const struct stm_expr *e, int limit)
{
    put_before(b, e, limit, NOTHING);
}

void stm_expr_print(const struct stm_expr *e, struct stm_buf *out) { put(out, e, 0); }

const char *pr_expr_text(struct ctx *c, const struct stm_expr *e)
{
    size_t mark = c->scratch.n;
    stm_expr_print(e, &c->scratch);
    return pr_scratch_take(c, mark);
}
