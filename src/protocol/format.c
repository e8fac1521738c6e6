/* The canonical layout. It works on tokens, so that comments and blank lines stay where they are;
 * the file is parsed first, so that only what has a meaning is laid out. */
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "protocol/ast.h"
#include "protocol/lex.h"

struct layout {
    struct stm_buf *out;
    const char *src;
    struct token *t; /* all tokens, TK_EOF last */
    unsigned n;
    int depth;    /* of braces */
    int brackets; /* open ( and [ */
    bool line_start;
    enum tok_kind last;
};

static bool is_word(const struct token *t, const char *word)
{
    return t->kind == TK_ID && strcmp(t->text, word) == 0;
}

/* A minus or plus with nothing before it to subtract from or add to. */
static bool is_prefix(const struct layout *f, unsigned i)
{
    if (f->t[i].kind != TK_MINUS) return false;
    enum tok_kind before = i ? f->t[i - 1].kind : TK_NL;
    if (before == TK_ID)
        return is_word(&f->t[i - 1], "step") || is_word(&f->t[i - 1], "in") ||
               is_word(&f->t[i - 1], "and") || is_word(&f->t[i - 1], "or") ||
               is_word(&f->t[i - 1], "not") || is_word(&f->t[i - 1], "over") ||
               is_word(&f->t[i - 1], "by") || is_word(&f->t[i - 1], "expect");
    return before != TK_NUM && before != TK_RPAREN && before != TK_RBRACK;
}

/* Words after which a bracket opens a value, not a call. */
static bool takes_value(const struct token *t)
{
    static const char *const words[] = {"in",   "and",   "or", "not",    "over", "by",
                                        "step", "sweep", "ci", "expect", "all",  "no",
                                        "any",  "at",    "on", "from",   "until"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(t, words[i])) return true;
    return false;
}

static bool space_before(const struct layout *f, unsigned i)
{
    enum tok_kind a = f->t[i - 1].kind, b = f->t[i].kind;
    if (a == TK_LPAREN || a == TK_LBRACK || a == TK_DOT || a == TK_DOTDOT) return false;
    if (b == TK_RPAREN || b == TK_RBRACK || b == TK_COMMA || b == TK_DOT || b == TK_DOTDOT ||
        b == TK_COLON)
        return false;
    if (a == TK_LBRACE && b == TK_RBRACE) return false;
    if (a == TK_MINUS && is_prefix(f, i - 1)) return false;
    if (b == TK_LPAREN || b == TK_LBRACK)
        return !(a == TK_RPAREN || a == TK_RBRACK || (a == TK_ID && !takes_value(&f->t[i - 1])));
    return true;
}

static void put_token(struct layout *f, const struct token *t)
{
    stm_buf_put(f->out, f->src + t->at, t->span.len);
}

static void new_line(struct layout *f)
{
    if (!f->line_start) stm_buf_u8(f->out, '\n');
    f->line_start = true;
}

static void indent(struct layout *f, unsigned i)
{
    bool closing =
        f->t[i].kind == TK_RBRACE || f->t[i].kind == TK_RPAREN || f->t[i].kind == TK_RBRACK;
    int levels = f->depth + (f->brackets ? 2 : 0) - (closing ? f->brackets ? 2 : 1 : 0);
    stm_buf_printf(f->out, "%*s", 2 * (levels > 0 ? levels : 0), "");
    f->line_start = false;
}

/* Whether the block that opens at token i fits on its line: it was written so, and holds at most
 * one statement. */
static bool one_line(const struct layout *f, unsigned i)
{
    int depth = 0;
    for (; i < f->n; i++) {
        enum tok_kind kind = f->t[i].kind;
        if (kind == TK_NL || kind == TK_COMMENT || kind == TK_EOF) return false;
        if (kind == TK_LBRACE) depth++;
        if (kind == TK_RBRACE && --depth == 0) return true;
    }
    return false;
}

/* A newline token: one line break, and at most one blank line, none at the ends of a block. */
static void line_break(struct layout *f, unsigned *i)
{
    unsigned lines = 0;
    bool semicolon_only = true;
    for (; f->t[*i].kind == TK_NL; ++*i)
        if (f->src[f->t[*i].at] == '\n') lines++, semicolon_only = false;
    enum tok_kind next = f->t[*i].kind;
    /* `a; # comment` keeps its comment on the line */
    if (semicolon_only && next == TK_COMMENT) {
        --*i;
        return;
    }
    new_line(f);
    bool edge = f->last == TK_LBRACE || next == TK_RBRACE || next == TK_EOF || !f->out->n;
    if (lines > 1 && !edge) stm_buf_u8(f->out, '\n');
    --*i;
}

static void comment(struct layout *f, unsigned i)
{
    if (f->line_start)
        indent(f, i);
    else
        stm_buf_printf(f->out, "  ");
    put_token(f, &f->t[i]);
    f->line_start = false;
}

static void bracket_depth(struct layout *f, enum tok_kind kind)
{
    if (kind == TK_LPAREN || kind == TK_LBRACK) f->brackets++;
    if ((kind == TK_RPAREN || kind == TK_RBRACK) && f->brackets) f->brackets--;
}

static void plain_token(struct layout *f, unsigned i, bool *inline_block)
{
    const struct token *t = &f->t[i];
    bool closes = t->kind == TK_RBRACE, was_inline = *inline_block;
    if (closes && !was_inline && f->last != TK_LBRACE) new_line(f);
    if (f->line_start)
        indent(f, i);
    else if (i && space_before(f, i))
        stm_buf_u8(f->out, ' ');
    if (closes) {
        f->depth -= f->depth > 0;
        *inline_block = false;
    }
    put_token(f, t);
    bracket_depth(f, t->kind);
    if (t->kind == TK_LBRACE) {
        f->depth++;
        *inline_block = one_line(f, i);
        bool empty = f->t[i + 1].kind == TK_RBRACE;
        if (!*inline_block && !empty && f->t[i + 1].kind != TK_NL && f->t[i + 1].kind != TK_COMMENT)
            new_line(f);
    }
}

static void lay_out(struct layout *f)
{
    bool inline_block = false;
    for (unsigned i = 0; i < f->n && f->t[i].kind != TK_EOF; i++) {
        enum tok_kind kind = f->t[i].kind;
        if (kind == TK_NL)
            line_break(f, &i);
        else if (kind == TK_COMMENT)
            comment(f, i);
        else
            plain_token(f, i, &inline_block);
        if (kind != TK_NL) f->last = kind;
    }
    new_line(f);
}

struct job {
    struct stm_buf *out;
    const char *path, *text;
    size_t n;
};

static void format_body(struct ctx *c, void *arg)
{
    const struct job *j = arg;
    struct stm_source_file *file = pr_push(c, &c->files, sizeof *file);
    char *path = stm_arena_strndup(c->diag_arena, j->path, strlen(j->path));
    char *text = stm_arena_strndup(c->diag_arena, j->text, j->n > PR_MAX_BYTES ? 0 : j->n);
    if (!path || !text) pr_nomem(c);
    *file = (struct stm_source_file){path, text};
    if (j->n > PR_MAX_BYTES) {
        pr_diag(c, "E0106", (struct stm_span){0, 1, 1, 0}, "a file of more than %d MiB",
                PR_MAX_BYTES >> 20);
        return;
    }
    struct vec stmts = {0}, tokens = {0};
    pr_parse_file(c, 0, text, j->n, &stmts);
    if (c->errors) return;
    struct lexer lx;
    lex_init(&lx, c, 0, text, j->n);
    lx.keep_comments = true;
    struct token t;
    do {
        t = lex_next(&lx);
        *(struct token *)pr_push(c, &tokens, sizeof t) = t;
    } while (t.kind != TK_EOF);
    struct layout f = {.out = &c->scratch,
                       .src = text,
                       .t = tokens.p,
                       .n = tokens.n,
                       .line_start = true,
                       .last = TK_NL};
    lay_out(&f);
    pr_align(c, pr_scratch_take(c, 0), j->out);
    if (j->out->failed) pr_nomem(c);
}

int stm_protocol_format(struct stm_buf *out, struct stm_diags **diags, const char *path,
                        const char *text, size_t n, struct stm_err *err)
{
    struct stm_arena work = {0};
    struct ctx *c = stm_calloc(1, sizeof *c);
    struct stm_diags *d = stm_calloc(1, sizeof *d);
    struct stm_arena *a = stm_calloc(1, sizeof *a);
    int code = STM_E_NOMEM;
    *diags = NULL;
    if (!c || !d || !a) {
        stm_free(d);
        stm_free(a);
        goto out;
    }
    d->arena = a;
    c->plan_arena = &work;
    struct job job = {out, path, text, n};
    code = pr_guard(c, d, format_body, &job);
    if (code) {
        stm_diags_free(d);
    } else {
        *diags = d;
        if (d->errors) code = stm_fail(err, STM_E_INVALID, "%s: %u errors", path, d->errors);
    }
out:
    stm_arena_release(&work);
    stm_free(c);
    if (code == STM_E_NOMEM) stm_fail(err, code, "format %s: out of memory", path);
    return code;
}
