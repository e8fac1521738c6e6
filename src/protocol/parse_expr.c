#include "protocol/parse.h"

#include <string.h>

struct stm_span pr_span_join(struct stm_span a, struct stm_span b)
{
    if (a.line == b.line && b.col + b.len > a.col) a.len = b.col + b.len - a.col;
    return a;
}

struct stm_expr *pr_expr_new(struct ctx *c, enum stm_expr_kind kind, struct stm_span span,
                             unsigned n)
{
    struct stm_expr *e = pr_alloc(c, sizeof *e);
    *e = (struct stm_expr){.kind = kind, .span = span, .n = n, .index = -1};
    if (n) e->kids = pr_alloc(c, n * sizeof *e->kids);
    return e;
}

/* Binary operators, loosest first. Comparisons share a priority and chain. */
enum { P_OR = 1, P_AND, P_NOT, P_COMPARE, P_SUM, P_PRODUCT, P_UNARY };

static const struct binary {
    enum tok_kind tok;
    const char *word; /* of a TK_ID */
    int priority;
    enum stm_expr_kind kind;
    enum stm_cmp cmp;
} operators[] = {
    {TK_ID, "or", P_OR, STM_X_OR, 0},
    {TK_ID, "and", P_AND, STM_X_AND, 0},
    {TK_ID, "in", P_COMPARE, STM_X_IN, 0},
    {TK_LT, NULL, P_COMPARE, STM_X_COMPARE, STM_LT},
    {TK_LE, NULL, P_COMPARE, STM_X_COMPARE, STM_LE},
    {TK_GT, NULL, P_COMPARE, STM_X_COMPARE, STM_GT},
    {TK_GE, NULL, P_COMPARE, STM_X_COMPARE, STM_GE},
    {TK_EQ, NULL, P_COMPARE, STM_X_COMPARE, STM_EQ},
    {TK_NE, NULL, P_COMPARE, STM_X_COMPARE, STM_NE},
    {TK_PLUS, NULL, P_SUM, STM_X_ADD, 0},
    {TK_MINUS, NULL, P_SUM, STM_X_SUB, 0},
    {TK_STAR, NULL, P_PRODUCT, STM_X_MUL, 0},
    {TK_SLASH, NULL, P_PRODUCT, STM_X_DIV, 0},
};

static const struct binary *operator_at(const struct parser *p)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        const struct binary *o = &operators[i];
        if (o->tok != p->tok.kind) continue;
        if (!o->word || strcmp(o->word, p->tok.text) == 0) return o;
    }
    return NULL;
}

static bool count_operator(struct parser *p)
{
    if (++p->operators <= PR_MAX_OPERATORS) return true;
    if (p->operators == PR_MAX_OPERATORS + 1)
        pr_diag(p->c, "E0106", p->tok.span, "an expression of more than %d operators",
                PR_MAX_OPERATORS);
    return false;
}

static struct stm_expr *subexpr(struct parser *p, int limit);

struct arg_list {
    struct vec kids; /* struct stm_expr * */
    struct vec keys; /* const char * */
};

/* expr {"," expr} up to and with `close`; `key = expr` where keyed. */
static bool arguments(struct parser *p, enum tok_kind close, struct arg_list *out)
{
    if (!pr_enter(p)) return false;
    while (p->tok.kind != close) {
        struct stm_expr *e = subexpr(p, 0);
        if (!e) return false;
        const char *key = NULL;
        if (p->tok.kind == TK_ASSIGN && e->kind == STM_X_NAME) {
            key = e->name;
            pr_advance(p);
            if (!(e = subexpr(p, 0))) return false;
        }
        *(struct stm_expr **)pr_push(p->c, &out->kids, sizeof e) = e;
        *(const char **)pr_push(p->c, &out->keys, sizeof key) = key;
        if (out->kids.n > PR_MAX_ARGUMENTS) {
            pr_diag(p->c, "E0106", e->span, "more than %d values in one list", PR_MAX_ARGUMENTS);
            return false;
        }
        if (!pr_take(p, TK_COMMA)) break;
    }
    pr_leave(p);
    return pr_want(p, close, "or `,`");
}

static struct stm_expr *list_or_group(struct parser *p)
{
    struct stm_span open = p->tok.span;
    bool list = p->tok.kind == TK_LBRACK;
    struct arg_list args = {0};
    pr_advance(p);
    if (!arguments(p, list ? TK_RBRACK : TK_RPAREN, &args)) return NULL;
    struct stm_expr **kids = args.kids.p;
    for (unsigned i = 0; i < args.keys.n; i++)
        if (((const char **)args.keys.p)[i]) {
            pr_diag(p->c, "E0101", kids[i]->span, "a named value outside a call");
            return NULL;
        }
    if (!list && args.kids.n == 0) {
        pr_diag(p->c, "E0101", open, "`()` holds no value");
        return NULL;
    }
    if (!list && args.kids.n == 1) return kids[0];
    struct stm_expr *e = pr_expr_new(p->c, list ? STM_X_LIST : STM_X_TUPLE,
                                     pr_span_join(open, p->prev), args.kids.n);
    if (e->n) memcpy(e->kids, kids, e->n * sizeof *kids);
    return e;
}

static struct stm_expr *primary(struct parser *p)
{
    static const char *const reserved[] = {"in", "and", "or", "not"}; /* `bias = on` */
    struct stm_expr *e;
    if (p->tok.kind == TK_LPAREN || p->tok.kind == TK_LBRACK) return list_or_group(p);
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (pr_at_word(p, reserved[i])) return pr_unexpected(p, "a value"), NULL;
    if (p->tok.kind == TK_NUM) {
        e = pr_expr_new(p->c, STM_X_NUM, p->tok.span, 0);
        e->num = p->tok.num;
    } else if (p->tok.kind == TK_STR || p->tok.kind == TK_ID) {
        e = pr_expr_new(p->c, p->tok.kind == TK_STR ? STM_X_STR : STM_X_NAME, p->tok.span, 0);
        e->name = p->tok.text;
    } else {
        pr_unexpected(p, "a value");
        return NULL;
    }
    pr_advance(p);
    return e;
}

static struct stm_expr *field(struct parser *p, struct stm_expr *of)
{
    pr_advance(p);
    if (p->tok.kind != TK_ID) return pr_unexpected(p, "a name after `.`"), NULL;
    struct stm_expr *e = pr_expr_new(p->c, STM_X_FIELD, pr_span_join(of->span, p->tok.span), 1);
    e->kids[0] = of;
    e->name = p->tok.text;
    pr_advance(p);
    return e;
}

/* NAME(...) and x.NAME(...); the latter keeps the call as the second kid of the field. */
static struct stm_expr *call(struct parser *p, struct stm_expr *callee)
{
    if (callee->kind != STM_X_NAME && (callee->kind != STM_X_FIELD || callee->n != 1)) {
        pr_diag(p->c, "E0101", callee->span, "only a name can be called");
        return NULL;
    }
    struct arg_list args = {0};
    pr_advance(p);
    if (!arguments(p, TK_RPAREN, &args)) return NULL;
    struct stm_expr *e = pr_expr_new(p->c, STM_X_CALL, pr_span_join(callee->span, p->prev), 0);
    e->n = args.kids.n;
    e->kids = args.kids.p;
    e->keys = args.keys.p;
    e->name = callee->name;
    if (callee->kind == STM_X_NAME) return e;
    struct stm_expr *f = pr_expr_new(p->c, STM_X_FIELD, e->span, 2);
    f->name = callee->name;
    f->kids[0] = callee->kids[0];
    f->kids[1] = e;
    return f;
}

static struct stm_expr *index_of(struct parser *p, struct stm_expr *of)
{
    struct arg_list args = {0};
    pr_advance(p);
    if (!arguments(p, TK_RBRACK, &args)) return NULL;
    struct stm_expr *e =
        pr_expr_new(p->c, STM_X_INDEX, pr_span_join(of->span, p->prev), args.kids.n + 1);
    e->kids[0] = of;
    e->keys = args.keys.p;
    for (unsigned i = 0; i < args.kids.n; i++) {
        e->kids[i + 1] = ((struct stm_expr **)args.kids.p)[i];
        if (!e->keys[i]) {
            struct stm_diag *d = pr_diag(p->c, "E0101", e->kids[i + 1]->span,
                                         "an instance is named by its sweep variable");
            pr_help(p->c, d, "write `%s[name = value]`", of->name ? of->name : "arm");
            return NULL;
        }
    }
    return e;
}

struct stm_expr *pr_parse_postfix(struct parser *p)
{
    struct stm_expr *e = primary(p);
    while (e) {
        bool more = p->tok.kind == TK_DOT || p->tok.kind == TK_LPAREN || p->tok.kind == TK_LBRACK;
        if (!more) return e;
        if (!count_operator(p)) return NULL;
        if (p->tok.kind == TK_DOT)
            e = field(p, e);
        else if (p->tok.kind == TK_LPAREN)
            e = call(p, e);
        else
            e = index_of(p, e);
    }
    return NULL;
}

static struct stm_expr *pair(struct parser *p, enum stm_expr_kind kind, struct stm_expr *a,
                             struct stm_expr *b)
{
    struct stm_expr *e = pr_expr_new(p->c, kind, pr_span_join(a->span, b->span), 2);
    e->kids[0] = a;
    e->kids[1] = b;
    return e;
}

/* A number of steps after the fork: `@ + 100 steps` is `@ (fork + 100)`. */
static struct stm_expr *after_fork(struct parser *p, struct stm_span at)
{
    struct stm_expr *steps = pr_parse_sum(p);
    if (!steps || !pr_want_word(p, "steps")) return NULL;
    struct stm_expr *fork = pr_expr_new(p->c, STM_X_NAME, at, 0);
    fork->name = "fork";
    return pair(p, STM_X_ADD, fork, steps);
}

/* Whether an operator behind a sample would leave open how far its `@` reaches. */
static bool ambiguous(const struct parser *p, const struct stm_expr *sample)
{
    bool sum = p->tok.kind == TK_PLUS || p->tok.kind == TK_MINUS;
    bool product = p->tok.kind == TK_STAR || p->tok.kind == TK_SLASH;
    return sum || (product && sample->kind == STM_X_AT_STEP);
}

static bool is_fork(const struct stm_expr *e)
{
    return e->kind == STM_X_NAME && strcmp(e->name, "fork") == 0;
}

/* `m @ fork + 100` is neither (m @ fork) + 100 nor m @ (fork + 100). */
static void two_readings(struct parser *p, const struct stm_expr *e)
{
    const char *op = lex_kind_name(p->tok.kind);
    int sign = op[1];
    struct stm_diag *d = pr_diag(p->c, "E0101", p->tok.span,
                                 "%s behind a sampled metric can be read in two ways", op);
    pr_label(p->c, d, "does `@` end before this?");
    pr_advance(p);
    const struct stm_expr *right = subexpr(p, sign == '*' || sign == '/' ? P_PRODUCT : P_SUM);
    if (!right) return;
    const char *whole = pr_expr_text(p->c, e), *when = pr_expr_text(p->c, e->kids[1]);
    const char *metric = pr_expr_text(p->c, e->kids[0]), *by = pr_expr_text(p->c, right);
    if (e->kind == STM_X_AT_STEP)
        pr_help(p->c, d, "write `(%s) %c %s` or `%s @ step (%s %c %s)`", whole, sign, by, metric,
                when, sign, by);
    else if (sign == '+' && is_fork(e->kids[1]))
        pr_help(p->c, d, "write `(%s) + %s` or `%s @ + %s steps`", whole, by, metric, by);
    else
        pr_help(p->c, d, "write `(%s) %c %s`; a step by number is `@ step N` or `@ + N steps`",
                whole, sign, by);
}

/* postfix [ "@" ( "step" postfix | "+" sum "steps" | postfix ) ] [ "on" postfix ] */
static struct stm_expr *sample(struct parser *p)
{
    struct stm_expr *e = pr_parse_postfix(p);
    if (e && pr_take(p, TK_AT)) {
        struct stm_span at = p->tok.span;
        bool step = pr_take_word(p, "step");
        bool plus = !step && pr_take(p, TK_PLUS);
        struct stm_expr *when = plus ? after_fork(p, at) : pr_parse_postfix(p);
        if (!when) return NULL;
        e = pair(p, step ? STM_X_AT_STEP : STM_X_AT, e, when);
        if (ambiguous(p, e)) return two_readings(p, e), NULL;
    }
    if (e && pr_take_word(p, "on")) {
        struct stm_expr *where = pr_parse_postfix(p);
        if (!where) return NULL;
        e = pair(p, STM_X_ON, e, where);
    }
    return e;
}

static struct stm_expr *prefix(struct parser *p)
{
    bool minus = p->tok.kind == TK_MINUS, negate = pr_at_word(p, "not");
    if (!minus && !negate) return sample(p);
    struct stm_span at = p->tok.span;
    if (!count_operator(p) || !pr_enter(p)) return NULL;
    pr_advance(p);
    struct stm_expr *kid = subexpr(p, minus ? P_UNARY : P_NOT);
    pr_leave(p);
    if (!kid) return NULL;
    struct stm_expr *e =
        pr_expr_new(p->c, minus ? STM_X_NEG : STM_X_NOT, pr_span_join(at, kid->span), 1);
    e->kids[0] = kid;
    return e;
}

/* a < b < c: one node with every operand, so that `b` is evaluated once. */
static struct stm_expr *comparison(struct parser *p, struct stm_expr *first)
{
    struct vec kids = {0}, ops = {0};
    *(struct stm_expr **)pr_push(p->c, &kids, sizeof first) = first;
    const struct binary *o;
    while ((o = operator_at(p)) && o->kind == STM_X_COMPARE) {
        if (!count_operator(p)) return NULL;
        pr_advance(p);
        struct stm_expr *next = subexpr(p, P_COMPARE);
        if (!next) return NULL;
        *(struct stm_expr **)pr_push(p->c, &kids, sizeof next) = next;
        *(enum stm_cmp *)pr_push(p->c, &ops, sizeof o->cmp) = o->cmp;
    }
    struct stm_expr *e = pr_expr_new(p->c, STM_X_COMPARE, pr_span_join(first->span, p->prev), 0);
    e->n = kids.n;
    e->kids = kids.p;
    e->ops = ops.p;
    return e;
}

/* Operators that bind tighter than `limit`, to the left. */
static struct stm_expr *subexpr(struct parser *p, int limit)
{
    if (!pr_enter(p)) return NULL;
    struct stm_expr *e = prefix(p);
    const struct binary *o;
    while (e && (o = operator_at(p)) && o->priority > limit) {
        if (o->kind == STM_X_COMPARE) {
            e = comparison(p, e);
            continue;
        }
        if (!count_operator(p)) return NULL;
        pr_advance(p);
        struct stm_expr *right = subexpr(p, o->priority);
        e = right ? pair(p, o->kind, e, right) : NULL;
    }
    pr_leave(p);
    return e;
}

struct stm_expr *pr_parse_expr(struct parser *p)
{
    p->operators = 0;
    return subexpr(p, 0);
}

struct stm_expr *pr_parse_sum(struct parser *p) { return subexpr(p, P_COMPARE); }
