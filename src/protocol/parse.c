/* What follows each keyword. */
#include "protocol/parse.h"

#include <math.h>
#include <string.h>

/* ---- tokens ---- */

void pr_advance(struct parser *p)
{
    p->prev = p->tok.span;
    p->tok = lex_next(&p->lx);
}

bool pr_at_word(const struct parser *p, const char *word)
{
    return p->tok.kind == TK_ID && strcmp(p->tok.text, word) == 0;
}

bool pr_take_word(struct parser *p, const char *word)
{
    if (!pr_at_word(p, word)) return false;
    pr_advance(p);
    return true;
}

bool pr_take(struct parser *p, enum tok_kind kind)
{
    if (p->tok.kind != kind) return false;
    pr_advance(p);
    return true;
}

const char *pr_found(struct parser *p)
{
    if (p->tok.kind == TK_ID) return pr_printf(p->c, "`%.60s`", p->tok.text);
    if (p->tok.kind == TK_NUM)
        return pr_printf(p->c, "`%.*s`", (int)(p->tok.span.len > 40 ? 40 : p->tok.span.len),
                         p->lx.src + p->tok.at);
    return lex_kind_name(p->tok.kind);
}

struct stm_diag *pr_unexpected(struct parser *p, const char *what)
{
    struct stm_span at = p->tok.span;
    if (p->tok.kind == TK_NL && p->prev.file == at.file && p->prev.line == at.line) {
        at.col = p->prev.col + p->prev.len; /* before a comment */
        at.len = 0;
    }
    struct stm_diag *d = pr_diag(p->c, "E0101", at, "expected %s, found %s", what, pr_found(p));
    pr_label(p->c, d, "expected %s", what);
    return d;
}

bool pr_want(struct parser *p, enum tok_kind kind, const char *where)
{
    if (pr_take(p, kind)) return true;
    pr_unexpected(p, where ? pr_printf(p->c, "%s %s", lex_kind_name(kind), where)
                           : lex_kind_name(kind));
    return false;
}

bool pr_want_word(struct parser *p, const char *word)
{
    if (pr_take_word(p, word)) return true;
    pr_unexpected(p, pr_printf(p->c, "`%s`", word));
    return false;
}

bool pr_want_name(struct parser *p, struct word *out, const char *what)
{
    if (p->tok.kind != TK_ID) return pr_unexpected(p, what), false;
    *out = (struct word){p->tok.text, p->tok.span};
    pr_advance(p);
    return true;
}

/* A whole number, perhaps with a minus that the checker will refuse. */
bool pr_want_int(struct parser *p, double *out, const char *what)
{
    if (p->tok.kind != TK_NUM || p->tok.num > 1e15 || p->tok.num != floor(p->tok.num))
        return pr_unexpected(p, what), false;
    *out = p->tok.num;
    pr_advance(p);
    return true;
}

bool pr_enter(struct parser *p)
{
    if (p->depth++ < PR_MAX_DEPTH) return true;
    if (!p->too_deep)
        pr_diag(p->c, "E0106", p->tok.span, "nested more than %d levels deep", PR_MAX_DEPTH);
    p->too_deep = true;
    return false;
}

void pr_leave(struct parser *p) { p->depth--; }

/* ---- statements ---- */

static bool push_expr(struct parser *p, struct vec *v)
{
    struct stm_expr *e = pr_parse_expr(p);
    if (e) *(struct stm_expr **)pr_push(p->c, v, sizeof e) = e;
    return e != NULL;
}

static bool p_string(struct parser *p, struct ast_stmt *s)
{
    if (p->tok.kind != TK_STR) return pr_unexpected(p, "a string in quotes"), false;
    s->name = (struct word){p->tok.text, p->tok.span};
    pr_advance(p);
    return true;
}

/* param x = e, let x = e, event, metric, capture, estimate */
static bool p_define(struct parser *p, struct ast_stmt *s)
{
    if (!pr_want_name(p, &s->name, "a name")) return false;
    if (s->kind == S_METRIC && pr_at_word(p, "on")) {
        pr_diag(p->c, "E0900", p->tok.span, "`metric on path` is not in this version");
        return false;
    }
    if (!pr_want(p, TK_ASSIGN, NULL)) return false;
    return (s->expr = pr_parse_expr(p)) != NULL;
}

static bool p_setup(struct parser *p, struct ast_stmt *s)
{
    if (!pr_want_name(p, &s->name, "a name")) return false;
    if (p->tok.kind == TK_LBRACE) return pr_parse_block(p, s, B_TRAIN);
    if (s->kind == S_TRAIN && p->tok.kind == TK_NL) return pr_parse_block(p, s, B_TRAIN);
    if (!pr_want(p, TK_ASSIGN, "or `{`")) return false;
    return (s->expr = pr_parse_expr(p)) != NULL;
}

static bool p_seeds(struct parser *p, struct ast_stmt *s)
{
    return pr_want_int(p, &s->lo, "the first seed") && pr_want(p, TK_DOTDOT, NULL) &&
           pr_want_int(p, &s->hi, "the last seed");
}

static bool p_every(struct parser *p, struct ast_stmt *s)
{
    return pr_want_int(p, &s->lo, "a number of steps") && pr_want_word(p, "steps") &&
           pr_parse_block(p, s, B_EVERY);
}

void pr_skip_newlines(struct parser *p)
{
    while (p->tok.kind == TK_NL) pr_advance(p);
}

static bool p_log(struct parser *p, struct ast_stmt *s)
{
    if (!pr_want_word(p, "every") || !pr_want_int(p, &s->lo, "a number of steps") ||
        !pr_want_word(p, "steps"))
        return false;
    bool missing = !pr_want(p, TK_LBRACE, NULL);
    if (missing && !pr_block_follows(p, s, B_KINDS)) return false;
    struct vec list = {0};
    pr_skip_newlines(p);
    while (p->tok.kind != TK_RBRACE) {
        if (!push_expr(p, &list)) return false;
        pr_skip_newlines(p);
        if (!pr_take(p, TK_COMMA)) break;
        pr_skip_newlines(p);
    }
    s->list = list.p;
    s->n_list = list.n;
    return pr_take(p, TK_RBRACE) || missing || pr_want(p, TK_RBRACE, "or `,`");
}

static bool p_run(struct parser *p, struct ast_stmt *s)
{
    static const char *const what[] = {"a model", "a task", "a train block"};
    static const char *const after[] = {"on", "with", NULL};
    static const int slot[] = {1, 0, 2}; /* run X = MODEL on TASK with TRAIN */
    if (!pr_want_name(p, &s->name, "a name") || !pr_want(p, TK_ASSIGN, NULL)) return false;
    for (int i = 0; i < 3; i++) {
        if (!pr_want_name(p, &s->words[slot[i]], what[i])) return false;
        if (after[i] && !pr_want_word(p, after[i])) return false;
    }
    return pr_parse_block(p, s, B_RUN);
}

/* ID "in" expr | "(" ID {"," ID} ")" "in" expr */
static bool parse_bind(struct parser *p, struct vec *out)
{
    struct ast_bind bind = {0};
    struct vec names = {0};
    bind.tuple = pr_take(p, TK_LPAREN);
    do {
        struct word w;
        if (!pr_want_name(p, &w, "a sweep variable")) return false;
        *(struct word *)pr_push(p->c, &names, sizeof w) = w;
    } while (bind.tuple && pr_take(p, TK_COMMA));
    if (bind.tuple && !pr_want(p, TK_RPAREN, "or `,`")) return false;
    bind.names = names.p;
    bind.n_names = names.n;
    if (!pr_want_word(p, "in") || !(bind.values = pr_parse_expr(p))) return false;
    *(struct ast_bind *)pr_push(p->c, out, sizeof bind) = bind;
    return true;
}

static bool parse_sweep(struct parser *p, struct ast_stmt *s)
{
    s->sweep_span = p->tok.span;
    if (!pr_take_word(p, "sweep")) return true;
    struct vec binds = {0};
    do {
        if (!parse_bind(p, &binds)) return false;
    } while (pr_take(p, TK_COMMA));
    s->sweep = binds.p;
    s->n_sweep = binds.n;
    return true;
}

static bool p_fork(struct parser *p, struct ast_stmt *s)
{
    if (!pr_want_name(p, &s->name, "a name") || !parse_sweep(p, s) || !pr_want_word(p, "at"))
        return false;
    s->times = pr_alloc(p->c, sizeof *s->times);
    s->n_times = 1;
    return pr_parse_time(p, s->times) && pr_parse_block(p, s, B_FORK);
}

static bool p_arm(struct parser *p, struct ast_stmt *s)
{
    if (!pr_want_name(p, &s->name, "a name")) return false;
    s->sweep_span = p->tok.span;
    s->chain = pr_take_word(p, "chain");
    if (s->chain) {
        struct word w;
        if (!pr_want_name(p, &w, "a name") || !pr_want_word(p, "in") || !p_seeds(p, s))
            return false;
    } else if (!parse_sweep(p, s)) {
        return false;
    }
    return pr_parse_block(p, s, B_ARM);
}

static bool p_off(struct parser *p, struct ast_stmt *s)
{
    s->off = true;
    return pr_want_word(p, "arm") && p_arm(p, s);
}

static bool optional_ci(struct parser *p, struct ast_stmt *s)
{
    return !pr_take_word(p, "ci") || (s->ci = pr_parse_expr(p));
}

static bool p_contrast(struct parser *p, struct ast_stmt *s)
{
    if (!pr_want_name(p, &s->name, "a name") || !pr_want(p, TK_ASSIGN, NULL)) return false;
    p->operators = 0;
    if (!(s->a = pr_parse_postfix(p))) return false;
    if (p->tok.kind != TK_SLASH && p->tok.kind != TK_MINUS)
        return pr_unexpected(p, "`/` or `-`"), false;
    s->op = p->tok.kind == TK_SLASH ? '/' : '-';
    pr_advance(p);
    if (!(s->b = pr_parse_postfix(p)) || !pr_want_word(p, "on")) return false;
    return (s->expr = pr_parse_expr(p)) && optional_ci(p, s);
}

static bool p_estimate(struct parser *p, struct ast_stmt *s)
{
    return p_define(p, s) && optional_ci(p, s);
}

/* {"over" expr} and {"by" expr} */
static bool over_by(struct parser *p, struct ast_stmt *s, bool by_too)
{
    struct vec over = {0}, by = {0};
    for (;;) {
        bool is_over = pr_take_word(p, "over");
        if (!is_over && !(by_too && pr_take_word(p, "by"))) break;
        if (!push_expr(p, is_over ? &over : &by)) return false;
    }
    s->over = over.p;
    s->n_over = over.n;
    s->by = by.p;
    s->n_by = by.n;
    return true;
}

static bool p_fit(struct parser *p, struct ast_stmt *s)
{
    return p_define(p, s) && over_by(p, s, false);
}

static bool p_expect(struct parser *p, struct ast_stmt *s)
{
    if (pr_take_word(p, "every") &&
        (!pr_want_name(p, &s->quantifier, "`arm`, `seed` or a sweep variable") ||
         !pr_want(p, TK_COLON, NULL)))
        return false;
    return (s->expr = pr_parse_expr(p)) != NULL;
}

static bool p_display(struct parser *p, struct ast_stmt *s)
{
    return pr_want_name(p, &s->name, "a name") && pr_parse_block(p, s, B_DISPLAY);
}

static bool parse_target(struct parser *p, struct ast_stmt *s)
{
    p->operators = 0;
    return (s->target = pr_parse_postfix(p)) != NULL;
}

static bool parse_window(struct parser *p, struct ast_stmt *s)
{
    if (pr_take_word(p, "from")) {
        s->from = pr_alloc(p->c, sizeof *s->from);
        if (!pr_parse_time(p, s->from)) return false;
    }
    if (pr_take_word(p, "until")) {
        s->until = pr_alloc(p->c, sizeof *s->until);
        if (!pr_parse_time(p, s->until)) return false;
    }
    return true;
}

static bool p_action(struct parser *p, struct ast_stmt *s)
{
    static const struct {
        enum tok_kind tok;
        char op;
    } ops[] = {{TK_ASSIGN, '='}, {TK_LE, '<'}, {TK_MULSET, '*'}, {TK_ADDSET, '+'}};
    if (!parse_target(p, s)) return false;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (p->tok.kind == ops[i].tok) s->op = ops[i].op;
    if (!s->op) return pr_unexpected(p, "`=`"), false;
    pr_advance(p);
    if (!(s->expr = pr_parse_expr(p))) return false;
    if (pr_take_word(p, "round") && !pr_want_name(p, &s->round, "`nearest`")) return false;
    return parse_window(p, s);
}

static bool p_freeze(struct parser *p, struct ast_stmt *s)
{
    return parse_target(p, s) && parse_window(p, s);
}

static bool p_stop(struct parser *p, struct ast_stmt *s)
{
    struct vec times = {0};
    if (!pr_want_word(p, "at")) return false;
    do {
        struct ast_time t = {0};
        if (!pr_parse_time(p, &t)) return false;
        *(struct ast_time *)pr_push(p->c, &times, sizeof t) = t;
    } while (pr_take_word(p, "or"));
    s->times = times.p;
    s->n_times = times.n;
    return true;
}

static bool p_require(struct parser *p, struct ast_stmt *s)
{
    if (!pr_at_word(p, "all") && !pr_at_word(p, "no") && !pr_at_word(p, "any"))
        return pr_unexpected(p, "`all`, `no` or `any`"), false;
    return pr_want_name(p, &s->quantifier, "a quantifier") && (s->expr = pr_parse_expr(p));
}

static bool p_need(struct parser *p, struct ast_stmt *s)
{
    if (pr_take_word(p, "all"))
        s->lo = -1;
    else if (!pr_want_int(p, &s->lo, "a number of seeds, or `all`"))
        return false;
    return pr_want_word(p, "seeds");
}

static bool p_calibrate(struct parser *p, struct ast_stmt *s)
{
    if (!p_define(p, s)) return false;
    s->has_need = pr_take_word(p, "need");
    return !s->has_need || p_need(p, s);
}

/* NAME, or in a train block NAME.NAME: precision.loss */
bool pr_want_key(struct parser *p, struct word *out, bool dotted)
{
    if (!pr_want_name(p, out, "a name")) return false;
    while (dotted && pr_take(p, TK_DOT)) {
        struct word part;
        if (!pr_want_name(p, &part, "a name after `.`")) return false;
        out->text = pr_printf(p->c, "%s.%s", out->text, part.text);
        out->span = pr_span_join(out->span, part.span);
    }
    return true;
}

/* train, table and figure blocks: NAME = expr */
bool pr_parse_assign(struct parser *p, struct ast_stmt *s)
{
    if (!pr_want(p, TK_ASSIGN, NULL)) return false;
    return (s->expr = pr_parse_expr(p)) && over_by(p, s, true);
}

const struct keyword pr_keywords[] = {
    {"protocol", S_PROTOCOL, IN(B_FILE), B_KINDS, p_string},
    {"import", S_IMPORT, IN(B_FILE), B_KINDS, p_string},
    {"param", S_PARAM, IN(B_FILE), B_KINDS, p_define},
    {"let", S_LET, IN(B_FILE) | IN(B_FORK), B_KINDS, p_define},
    {"task", S_TASK, IN(B_FILE), B_KINDS, p_setup},
    {"model", S_MODEL, IN(B_FILE), B_KINDS, p_setup},
    {"train", S_TRAIN, IN(B_FILE), B_TRAIN, p_setup},
    {"seeds", S_SEEDS, IN(B_FILE), B_KINDS, p_seeds},
    {"every", S_EVERY, IN(B_FILE), B_EVERY, p_every},
    {"log", S_LOG, IN(B_FILE), B_KINDS, p_log},
    {"event", S_EVENT, IN(B_EVERY), B_KINDS, p_define},
    {"metric", S_METRIC, IN(B_EVERY), B_KINDS, p_define},
    {"run", S_RUN, IN(B_FILE), B_RUN, p_run},
    {"contrast", S_CONTRAST, IN(B_FILE), B_KINDS, p_contrast},
    {"estimate", S_ESTIMATE, IN(B_FILE), B_KINDS, p_estimate},
    {"fit", S_FIT, IN(B_FILE), B_KINDS, p_fit},
    {"expect", S_EXPECT, IN(B_FILE), B_KINDS, p_expect},
    {"table", S_TABLE, IN(B_FILE), B_DISPLAY, p_display},
    {"figure", S_FIGURE, IN(B_FILE), B_DISPLAY, p_display},
    {"fork", S_FORK, IN(B_RUN) | IN(B_ARM), B_FORK, p_fork},
    {"arm", S_ARM, IN(B_FORK), B_ARM, p_arm},
    {"off", S_ARM, IN(B_FORK), B_ARM, p_off},
    {"set", S_SET, IN(B_RUN) | IN(B_ARM), B_KINDS, p_action},
    {"hold", S_HOLD, IN(B_RUN) | IN(B_ARM), B_KINDS, p_action},
    {"once", S_ONCE, IN(B_RUN) | IN(B_ARM), B_KINDS, p_action},
    {"freeze", S_FREEZE, IN(B_RUN) | IN(B_ARM), B_KINDS, p_freeze},
    {"release", S_RELEASE, IN(B_RUN) | IN(B_ARM), B_KINDS, p_freeze},
    {"stop", S_STOP, IN(B_RUN) | IN(B_FORK) | IN(B_ARM), B_KINDS, p_stop},
    {"require", S_REQUIRE, IN(B_FORK) | IN(B_ARM), B_KINDS, p_require},
    {"capture", S_CAPTURE, IN(B_RUN) | IN(B_FORK) | IN(B_ARM), B_KINDS, p_define},
    {"calibrate", S_CALIBRATE, IN(B_FORK), B_KINDS, p_calibrate},
    {"need", S_NEED, IN(B_FORK), B_KINDS, p_need},
};
_Static_assert(sizeof pr_keywords / sizeof *pr_keywords == PR_KEYWORDS, "the count is wrong");

const char *pr_stmt_word(enum stmt_kind kind)
{
    for (size_t i = 0; i < PR_KEYWORDS; i++)
        if (pr_keywords[i].kind == kind) return pr_keywords[i].word;
    return "assignment";
}
