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

static const char *found(struct parser *p)
{
    if (p->tok.kind == TK_ID) return pr_printf(p->c, "`%.60s`", p->tok.text);
    if (p->tok.kind == TK_NUM)
        return pr_printf(p->c, "`%.*s`", (int)(p->tok.span.len > 40 ? 40 : p->tok.span.len),
                         p->lx.src + p->tok.at);
    return lex_kind_name(p->tok.kind);
}

struct stm_diag *pr_unexpected(struct parser *p, const char *what)
{
    struct stm_diag *d =
        pr_diag(p->c, "E0101", p->tok.span, "expected %s, found %s", what, found(p));
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

static bool want_word(struct parser *p, const char *word)
{
    if (pr_take_word(p, word)) return true;
    pr_unexpected(p, pr_printf(p->c, "`%s`", word));
    return false;
}

static bool want_name(struct parser *p, struct word *out, const char *what)
{
    if (p->tok.kind != TK_ID) return pr_unexpected(p, what), false;
    *out = (struct word){p->tok.text, p->tok.span};
    pr_advance(p);
    return true;
}

/* A whole number, perhaps with a minus that the checker will refuse. */
static bool want_int(struct parser *p, double *out, const char *what)
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

/* ---- times ---- */

static const struct {
    const char *word;
    int kind;
} quantifiers[] = {{"each", STM_T_EACH}, {"all", STM_T_ALL}, {"any", STM_T_ANY}};

static bool event_time(struct parser *p, struct ast_time *t)
{
    if (!want_name(p, &t->event, "an event")) return false;
    if (!pr_take_word(p, "after")) return true;
    return want_word(p, "step") && (t->value = pr_parse_sum(p));
}

static bool time_after_word(struct parser *p, struct ast_time *t)
{
    t->kind = AST_T_BARE;
    for (size_t i = 0; i < sizeof quantifiers / sizeof *quantifiers; i++)
        if (pr_take_word(p, quantifiers[i].word)) t->kind = quantifiers[i].kind;
    if (t->kind != AST_T_BARE) return event_time(p, t);
    if (pr_take_word(p, "start")) return t->kind = STM_T_START, true;
    bool step = pr_take_word(p, "step");
    if (step || pr_take_word(p, "epoch")) {
        t->kind = step ? STM_T_STEP : AST_T_EPOCH;
        return (t->value = pr_parse_sum(p)) != NULL;
    }
    return event_time(p, t);
}

static bool parse_time(struct parser *p, struct ast_time *t)
{
    struct stm_span at = p->tok.span;
    bool ok;
    p->operators = 0;
    if (pr_take(p, TK_PLUS)) {
        t->kind = STM_T_PLUS;
        ok = (t->value = pr_parse_sum(p)) && want_word(p, "steps");
    } else if (p->tok.kind == TK_ID) {
        ok = time_after_word(p, t);
    } else {
        struct stm_diag *d = pr_unexpected(p, "a time");
        pr_help(p->c, d,
                "times are `start`, `step 800`, `+ 200 steps`, `each EVENT`, `all EVENT`, "
                "`any EVENT`");
        ok = false;
    }
    t->span = pr_span_join(at, p->prev);
    return ok;
}

/* ---- statements ---- */

static bool parse_block(struct parser *p, struct ast_stmt *owner, enum block_kind kind);

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
    if (!want_name(p, &s->name, "a name")) return false;
    if (s->kind == S_METRIC && pr_at_word(p, "on")) {
        pr_diag(p->c, "E0900", p->tok.span, "`metric on path` is not in this version");
        return false;
    }
    if (!pr_want(p, TK_ASSIGN, NULL)) return false;
    return (s->expr = pr_parse_expr(p)) != NULL;
}

static bool p_setup(struct parser *p, struct ast_stmt *s)
{
    if (!want_name(p, &s->name, "a name")) return false;
    if (p->tok.kind == TK_LBRACE) return parse_block(p, s, B_TRAIN);
    if (!pr_want(p, TK_ASSIGN, "or `{`")) return false;
    return (s->expr = pr_parse_expr(p)) != NULL;
}

static bool p_seeds(struct parser *p, struct ast_stmt *s)
{
    return want_int(p, &s->lo, "the first seed") && pr_want(p, TK_DOTDOT, NULL) &&
           want_int(p, &s->hi, "the last seed");
}

static bool p_every(struct parser *p, struct ast_stmt *s)
{
    return want_int(p, &s->lo, "a number of steps") && want_word(p, "steps") &&
           parse_block(p, s, B_EVERY);
}

static void skip_newlines(struct parser *p)
{
    while (p->tok.kind == TK_NL) pr_advance(p);
}

static bool p_log(struct parser *p, struct ast_stmt *s)
{
    if (!want_word(p, "every") || !want_int(p, &s->lo, "a number of steps") ||
        !want_word(p, "steps") || !pr_want(p, TK_LBRACE, NULL))
        return false;
    struct vec list = {0};
    skip_newlines(p);
    while (p->tok.kind != TK_RBRACE) {
        if (!push_expr(p, &list)) return false;
        skip_newlines(p);
        if (!pr_take(p, TK_COMMA)) break;
        skip_newlines(p);
    }
    s->list = list.p;
    s->n_list = list.n;
    return pr_want(p, TK_RBRACE, "or `,`");
}

static bool p_run(struct parser *p, struct ast_stmt *s)
{
    static const char *const what[] = {"a model", "a task", "a train block"};
    static const char *const after[] = {"on", "with", NULL};
    static const int slot[] = {1, 0, 2}; /* run X = MODEL on TASK with TRAIN */
    if (!want_name(p, &s->name, "a name") || !pr_want(p, TK_ASSIGN, NULL)) return false;
    for (int i = 0; i < 3; i++) {
        if (!want_name(p, &s->words[slot[i]], what[i])) return false;
        if (after[i] && !want_word(p, after[i])) return false;
    }
    return parse_block(p, s, B_RUN);
}

/* ID "in" expr | "(" ID {"," ID} ")" "in" expr */
static bool parse_bind(struct parser *p, struct vec *out)
{
    struct ast_bind bind = {0};
    struct vec names = {0};
    bind.tuple = pr_take(p, TK_LPAREN);
    do {
        struct word w;
        if (!want_name(p, &w, "a sweep variable")) return false;
        *(struct word *)pr_push(p->c, &names, sizeof w) = w;
    } while (bind.tuple && pr_take(p, TK_COMMA));
    if (bind.tuple && !pr_want(p, TK_RPAREN, "or `,`")) return false;
    bind.names = names.p;
    bind.n_names = names.n;
    if (!want_word(p, "in") || !(bind.values = pr_parse_expr(p))) return false;
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
    if (!want_name(p, &s->name, "a name") || !parse_sweep(p, s) || !want_word(p, "at"))
        return false;
    s->times = pr_alloc(p->c, sizeof *s->times);
    s->n_times = 1;
    return parse_time(p, s->times) && parse_block(p, s, B_FORK);
}

static bool p_arm(struct parser *p, struct ast_stmt *s)
{
    if (!want_name(p, &s->name, "a name")) return false;
    s->sweep_span = p->tok.span;
    s->chain = pr_take_word(p, "chain");
    if (s->chain) {
        struct word w;
        if (!want_name(p, &w, "a name") || !want_word(p, "in") || !p_seeds(p, s)) return false;
    } else if (!parse_sweep(p, s)) {
        return false;
    }
    return parse_block(p, s, B_ARM);
}

static bool p_off(struct parser *p, struct ast_stmt *s)
{
    s->off = true;
    return want_word(p, "arm") && p_arm(p, s);
}

static bool optional_ci(struct parser *p, struct ast_stmt *s)
{
    return !pr_take_word(p, "ci") || (s->ci = pr_parse_expr(p));
}

static bool p_contrast(struct parser *p, struct ast_stmt *s)
{
    if (!want_name(p, &s->name, "a name") || !pr_want(p, TK_ASSIGN, NULL)) return false;
    p->operators = 0;
    if (!(s->a = pr_parse_postfix(p))) return false;
    if (p->tok.kind != TK_SLASH && p->tok.kind != TK_MINUS)
        return pr_unexpected(p, "`/` or `-`"), false;
    s->op = p->tok.kind == TK_SLASH ? '/' : '-';
    pr_advance(p);
    if (!(s->b = pr_parse_postfix(p)) || !want_word(p, "on")) return false;
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
        (!want_name(p, &s->quantifier, "`arm`, `seed` or a sweep variable") ||
         !pr_want(p, TK_COLON, NULL)))
        return false;
    return (s->expr = pr_parse_expr(p)) != NULL;
}

static bool p_display(struct parser *p, struct ast_stmt *s)
{
    return want_name(p, &s->name, "a name") && parse_block(p, s, B_DISPLAY);
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
        if (!parse_time(p, s->from)) return false;
    }
    if (pr_take_word(p, "until")) {
        s->until = pr_alloc(p->c, sizeof *s->until);
        if (!parse_time(p, s->until)) return false;
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
    if (pr_take_word(p, "round") && !want_name(p, &s->round, "`nearest`")) return false;
    return parse_window(p, s);
}

static bool p_freeze(struct parser *p, struct ast_stmt *s)
{
    return parse_target(p, s) && parse_window(p, s);
}

static bool p_stop(struct parser *p, struct ast_stmt *s)
{
    struct vec times = {0};
    if (!want_word(p, "at")) return false;
    do {
        struct ast_time t = {0};
        if (!parse_time(p, &t)) return false;
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
    return want_name(p, &s->quantifier, "a quantifier") && (s->expr = pr_parse_expr(p));
}

static bool p_need(struct parser *p, struct ast_stmt *s)
{
    if (pr_take_word(p, "all"))
        s->lo = -1;
    else if (!want_int(p, &s->lo, "a number of seeds, or `all`"))
        return false;
    return want_word(p, "seeds");
}

static bool p_calibrate(struct parser *p, struct ast_stmt *s)
{
    if (!p_define(p, s)) return false;
    s->has_need = pr_take_word(p, "need");
    return !s->has_need || p_need(p, s);
}

/* NAME, or in a train block NAME.NAME: precision.loss */
static bool want_key(struct parser *p, struct word *out, bool dotted)
{
    if (!want_name(p, out, "a name")) return false;
    while (dotted && pr_take(p, TK_DOT)) {
        struct word part;
        if (!want_name(p, &part, "a name after `.`")) return false;
        out->text = pr_printf(p->c, "%s.%s", out->text, part.text);
        out->span = pr_span_join(out->span, part.span);
    }
    return true;
}

/* train, table and figure blocks: NAME = expr */
static bool p_assign(struct parser *p, struct ast_stmt *s)
{
    if (!pr_want(p, TK_ASSIGN, NULL)) return false;
    return (s->expr = pr_parse_expr(p)) && over_by(p, s, true);
}

#define IN(block) (1u << (block))

static const struct keyword {
    const char *word;
    enum stmt_kind kind;
    unsigned blocks;       /* where it may stand */
    enum block_kind opens; /* the block it ends with; B_KINDS: none */
    bool (*parse)(struct parser *p, struct ast_stmt *s);
} keywords[] = {
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
enum { N_KEYWORDS = sizeof keywords / sizeof *keywords };

const char *pr_stmt_word(enum stmt_kind kind)
{
    for (size_t i = 0; i < N_KEYWORDS; i++)
        if (keywords[i].kind == kind) return keywords[i].word;
    return "assignment";
}

static const char *const block_names[B_KINDS] = {
    [B_FILE] = "at the top of a file",
    [B_RUN] = "in a run",
    [B_FORK] = "in a fork",
    [B_ARM] = "in an arm",
    [B_EVERY] = "in an `every` block",
    [B_TRAIN] = "in a train block",
    [B_DISPLAY] = "in a table or figure",
};

static const struct keyword *keyword_at(const struct parser *p)
{
    for (size_t i = 0; i < N_KEYWORDS; i++)
        if (pr_at_word(p, keywords[i].word)) return &keywords[i];
    return NULL;
}

static void not_allowed(struct parser *p, enum block_kind kind)
{
    size_t mark = p->c->scratch.n;
    for (size_t i = 0; i < N_KEYWORDS; i++)
        if (keywords[i].blocks & IN(kind))
            stm_buf_printf(&p->c->scratch, "%s%s", p->c->scratch.n > mark ? ", " : "",
                           keywords[i].word);
    const char *allowed = pr_scratch_take(p->c, mark);
    struct stm_diag *d;
    if (keyword_at(p))
        d = pr_diag(p->c, "E0103", p->tok.span, "`%s` cannot stand %s", p->tok.text,
                    block_names[kind]);
    else
        d = pr_diag(p->c, "E0103", p->tok.span, "expected a statement, found %s", found(p));
    pr_help(p->c, d, "%s there can be: %s", block_names[kind], allowed);
}

/* Past the `}` that belongs to the `{` in hand. */
static void skip_braces(struct parser *p)
{
    int depth = 0;
    do {
        if (p->tok.kind == TK_LBRACE) depth++;
        if (p->tok.kind == TK_RBRACE) depth--;
        pr_advance(p);
    } while (depth > 0 && p->tok.kind != TK_EOF);
}

/* To the end of the line. A block that the broken statement opens is still read, so that its own
 * faults are found and its braces stay in step; braces of other statements are skipped. */
static void recover(struct parser *p, struct ast_stmt *s, enum block_kind opens)
{
    p->lx.parens = 0;
    bool started = false;
    while (p->tok.kind != TK_NL && p->tok.kind != TK_RBRACE && p->tok.kind != TK_EOF) {
        if (started && p->tok.first) return;
        if (p->tok.kind == TK_LBRACE && opens != B_KINDS) {
            if (!s->block) parse_block(p, s, opens);
            return;
        }
        started = true;
        if (p->tok.kind == TK_LBRACE)
            skip_braces(p);
        else
            pr_advance(p);
        p->lx.parens = 0;
    }
}

static struct ast_stmt *stmt_new(struct parser *p, enum stmt_kind kind)
{
    struct ast_stmt *s = pr_alloc(p->c, sizeof *s);
    s->kind = kind;
    s->span = p->tok.span;
    return s;
}

static bool ends_statement(const struct parser *p)
{
    return p->tok.kind == TK_NL || p->tok.kind == TK_RBRACE || p->tok.kind == TK_EOF;
}

/* One statement of a block; NULL after an error, with the rest of it skipped. */
static struct ast_stmt *statement(struct parser *p, enum block_kind kind)
{
    const struct keyword *k = NULL;
    struct ast_stmt *s;
    bool ok;
    int depth = p->depth; /* an error leaves its levels behind */
    if (kind == B_TRAIN || kind == B_DISPLAY) {
        s = stmt_new(p, S_ASSIGN);
        ok = want_key(p, &s->name, kind == B_TRAIN) && p_assign(p, s);
    } else {
        k = keyword_at(p);
        s = stmt_new(p, k ? k->kind : S_KINDS);
        ok = k && (k->blocks & IN(kind));
        if (!ok) not_allowed(p, kind);
        if (ok) {
            pr_advance(p);
            ok = k->parse(p, s);
        }
    }
    bool unclosed = ok && s->block && p->tok.first; /* reported with the block */
    if (ok && !unclosed && !ends_statement(p)) {
        pr_unexpected(p, "the end of the line");
        ok = false;
    }
    p->depth = depth;
    if (!ok && !p->too_deep) recover(p, s, k ? k->opens : B_KINDS);
    return ok ? s : NULL;
}

/* A statement that belongs further out and is not indented below the block's owner: the block was
 * not closed. */
static bool looks_unclosed(const struct parser *p, const struct ast_stmt *owner,
                           enum block_kind kind)
{
    const struct keyword *k = keyword_at(p);
    return k && p->tok.first && !(k->blocks & IN(kind)) && p->tok.span.col <= owner->span.col;
}

static void missing_brace(struct parser *p, struct ast_block *block)
{
    struct stm_diag *d = pr_diag(p->c, "E0102", block->open, "this `{` is never closed");
    pr_label(p->c, d, "opened here");
    pr_note_at(p->c, d, p->tok.span, "a `}` was expected before this");
}

static void block_statements(struct parser *p, struct ast_stmt *owner, enum block_kind kind,
                             struct vec *stmts)
{
    for (;;) {
        skip_newlines(p);
        if (p->tok.kind == TK_RBRACE) {
            owner->block->close = p->tok.span;
            pr_advance(p);
            return;
        }
        if (p->too_deep) return;
        if (p->tok.kind == TK_EOF || looks_unclosed(p, owner, kind)) {
            missing_brace(p, owner->block);
            /* at the end of the file the innermost block stands for all of them */
            if (p->tok.kind == TK_EOF) p->too_deep = true;
            return;
        }
        struct ast_stmt *s = statement(p, kind);
        if (s) *(struct ast_stmt **)pr_push(p->c, stmts, sizeof s) = s;
    }
}

static bool parse_block(struct parser *p, struct ast_stmt *owner, enum block_kind kind)
{
    struct ast_block *b = pr_alloc(p->c, sizeof *b);
    b->open = p->tok.span;
    if (!pr_want(p, TK_LBRACE, NULL)) return false;
    owner->block = b;
    if (!pr_enter(p)) return false;
    struct vec stmts = {0};
    block_statements(p, owner, kind, &stmts);
    pr_leave(p);
    b->stmts = stmts.p;
    b->n = stmts.n;
    return true;
}

static void parse_lang(struct parser *p)
{
    skip_newlines(p);
    struct stm_span at = p->tok.span;
    if (!pr_take_word(p, "lang")) {
        struct stm_diag *d =
            pr_diag(p->c, "E0104", at, "the first line does not name the language version");
        pr_help(p->c, d, "begin the file with `lang 1`");
        return;
    }
    double version = 0;
    struct stm_span number = p->tok.span;
    struct ast_stmt none = {0};
    if (!want_int(p, &version, "a version number")) {
        recover(p, &none, B_KINDS);
    } else if (version > 1) {
        struct stm_diag *d = pr_diag(p->c, "E0105", number,
                                     "language version %.0f is newer than this program", version);
        pr_label(p->c, d, "this program knows version 1");
        p->too_deep = true; /* nothing further down can be judged */
    } else if (version < 1) {
        struct stm_diag *d =
            pr_diag(p->c, "E0104", number, "there is no language version %.0f", version);
        pr_help(p->c, d, "begin the file with `lang 1`");
    } else if (!ends_statement(p)) {
        pr_unexpected(p, "the end of the line");
        recover(p, &none, B_KINDS);
    }
}

void pr_parse_file(struct ctx *c, unsigned file, const char *text, size_t n, struct vec *out)
{
    struct parser p = {.c = c};
    lex_init(&p.lx, c, file, text, n);
    pr_advance(&p);
    parse_lang(&p);
    while (!p.too_deep) {
        skip_newlines(&p);
        if (p.tok.kind == TK_EOF) return;
        if (p.tok.kind == TK_RBRACE) {
            pr_diag(c, "E0102", p.tok.span, "this `}` closes nothing");
            pr_advance(&p);
            continue;
        }
        p.depth = 0;
        struct ast_stmt *s = statement(&p, B_FILE);
        if (s) *(struct ast_stmt **)pr_push(c, out, sizeof s) = s;
    }
}
