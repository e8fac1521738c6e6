/* Blocks: which statements may stand in them, and how parsing goes on after a broken one. */

#include <string.h>

#include "protocol/near.h"
#include "protocol/parse.h"

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
    for (size_t i = 0; i < PR_KEYWORDS; i++)
        if (pr_at_word(p, pr_keywords[i].word)) return &pr_keywords[i];
    return NULL;
}

/* The statement of this block that a misspelt word is near to, or NULL. Keywords are short, so one
 * edit in three letters is the most. */
static const char *meant(const struct parser *p, enum block_kind kind)
{
    struct near near = {.name = p->tok.text};
    for (size_t i = 0; i < PR_KEYWORDS && p->tok.kind == TK_ID; i++)
        if (pr_keywords[i].blocks & IN(kind)) pr_near(&near, pr_keywords[i].word);
    return near.best && 3 * near.distance <= strlen(near.name) ? near.best : NULL;
}

static void not_allowed(struct parser *p, enum block_kind kind)
{
    size_t mark = p->c->scratch.n;
    for (size_t i = 0; i < PR_KEYWORDS; i++)
        if (pr_keywords[i].blocks & IN(kind))
            stm_buf_printf(&p->c->scratch, "%s%s", p->c->scratch.n > mark ? ", " : "",
                           pr_keywords[i].word);
    const char *allowed = pr_scratch_take(p->c, mark);
    struct stm_diag *d;
    if (keyword_at(p))
        d = pr_diag(p->c, "E0103", p->tok.span, "`%s` cannot stand %s", p->tok.text,
                    block_names[kind]);
    else
        d = pr_diag(p->c, "E0103", p->tok.span, "expected a statement, found %s", pr_found(p));
    const char *near = keyword_at(p) ? NULL : meant(p, kind);
    if (near)
        pr_help(p->c, d, "there is a statement with a similar name, `%s`; %s there can be: %s",
                near, block_names[kind], allowed);
    else
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

static bool read_block(struct parser *p, struct ast_stmt *owner, enum block_kind kind, bool told);

/* To the end of the line. A block that the broken statement opens is still read, so that its own
 * faults are found and its braces stay in step; braces of other statements are skipped. */
static void recover(struct parser *p, struct ast_stmt *s, enum block_kind opens)
{
    p->lx.parens = 0;
    bool started = false;
    while (p->tok.kind != TK_NL && p->tok.kind != TK_RBRACE && p->tok.kind != TK_EOF) {
        if (started && p->tok.first) return;
        if (p->tok.kind == TK_LBRACE && opens != B_KINDS) {
            if (!s->block) pr_parse_block(p, s, opens);
            return;
        }
        started = true;
        if (p->tok.kind == TK_LBRACE)
            skip_braces(p);
        else
            pr_advance(p);
        p->lx.parens = 0;
    }
    if (opens != B_KINDS && !s->block && pr_block_follows(p, s, opens))
        read_block(p, s, opens, true);
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
    p->in = kind;
    if (kind == B_TRAIN || kind == B_DISPLAY) {
        s = stmt_new(p, S_ASSIGN);
        ok = pr_want_key(p, &s->name, kind == B_TRAIN) && pr_parse_assign(p, s);
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

/* Whether the token in hand begins something of the block: no statement of the block around it, or
 * one that stands on the owner's line or is indented below it. */
static bool looks_inside(const struct parser *p, const struct ast_stmt *owner, enum block_kind kind)
{
    const struct keyword *k = keyword_at(p);
    bool below = !p->tok.first || p->tok.span.col > owner->span.col;
    if (p->tok.kind == TK_RBRACE) return !p->tok.first;
    if (p->tok.kind != TK_ID) return false;
    if (kind == B_TRAIN || kind == B_DISPLAY) return !k || below;
    if (kind == B_KINDS) return below;
    return k && (k->blocks & IN(kind)) && (below || !(k->blocks & IN(p->in)));
}

bool pr_block_follows(struct parser *p, const struct ast_stmt *owner, enum block_kind kind)
{
    const struct parser before = *p;
    pr_skip_newlines(p);
    if (looks_inside(p, owner, kind)) return true;
    *p = before;
    return false;
}

/* `told`: that a brace is missing. */
static void block_statements(struct parser *p, struct ast_stmt *owner, enum block_kind kind,
                             bool told, struct vec *stmts)
{
    for (;;) {
        pr_skip_newlines(p);
        if (p->tok.kind == TK_RBRACE) {
            owner->block->close = p->tok.span;
            pr_advance(p);
            return;
        }
        if (p->too_deep) return;
        if (p->tok.kind == TK_EOF || looks_unclosed(p, owner, kind)) {
            if (!told) missing_brace(p, owner->block);
            /* at the end of the file the innermost block stands for all of them */
            if (p->tok.kind == TK_EOF) p->too_deep = true;
            return;
        }
        struct ast_stmt *s = statement(p, kind);
        if (s) *(struct ast_stmt **)pr_push(p->c, stmts, sizeof s) = s;
    }
}

/* From its `{` on, or where that is missing from the first statement on. */
static bool read_block(struct parser *p, struct ast_stmt *owner, enum block_kind kind, bool told)
{
    struct ast_block *b = pr_alloc(p->c, sizeof *b);
    b->open = p->tok.span;
    pr_take(p, TK_LBRACE);
    owner->block = b;
    if (!pr_enter(p)) return false;
    struct vec stmts = {0};
    block_statements(p, owner, kind, told, &stmts);
    pr_leave(p);
    b->stmts = stmts.p;
    b->n = stmts.n;
    return true;
}

bool pr_parse_block(struct parser *p, struct ast_stmt *owner, enum block_kind kind)
{
    bool there = p->tok.kind == TK_LBRACE;
    if (!there) pr_unexpected(p, "`{`");
    return (there || pr_block_follows(p, owner, kind)) && read_block(p, owner, kind, !there);
}

static void parse_lang(struct parser *p)
{
    pr_skip_newlines(p);
    struct stm_span at = p->tok.span;
    if (!pr_take_word(p, "lang")) {
        bool nothing = p->tok.kind == TK_EOF;
        if (nothing) at = (struct stm_span){.file = at.file}; /* the whole of it */
        struct stm_diag *d = pr_diag(p->c, "E0104", at, "%s",
                                     nothing ? "the file has no statement"
                                             : "the first line does not name the language version");
        pr_help(p->c, d, "begin the file with `lang 1`");
        return;
    }
    double version = 0;
    struct stm_span number = p->tok.span;
    struct ast_stmt none = {0};
    if (!pr_want_int(p, &version, "a version number")) {
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
        pr_skip_newlines(&p);
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
