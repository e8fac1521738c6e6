/* What the two halves of the parser share: the token in hand, and the depth so far. */
#ifndef STEMMA_PROTOCOL_PARSE_H
#define STEMMA_PROTOCOL_PARSE_H

#include "protocol/ast.h"
#include "protocol/lex.h"

struct parser {
    struct ctx *c;
    struct lexer lx;
    struct token tok;
    struct stm_span prev; /* the token before */
    int depth;            /* of blocks and brackets */
    unsigned operators;   /* in the expression at hand */
    bool too_deep;        /* reported; the rest of the file is given up */
    enum block_kind in;   /* the block whose statements are read */
};

void pr_advance(struct parser *p);
bool pr_at_word(const struct parser *p, const char *word);
bool pr_take_word(struct parser *p, const char *word);
bool pr_take(struct parser *p, enum tok_kind kind);
/* Consumes `kind` or reports what was expected. */
bool pr_want(struct parser *p, enum tok_kind kind, const char *where);
/* "expected WHAT, found ..." */
struct stm_diag *pr_unexpected(struct parser *p, const char *what);
/* One more level; false and a diagnostic beyond the limit. Pair with pr_leave. */
bool pr_enter(struct parser *p);
void pr_leave(struct parser *p);

const char *pr_found(struct parser *p); /* "`word`", for messages */
void pr_skip_newlines(struct parser *p);
bool pr_want_word(struct parser *p, const char *word);
bool pr_want_name(struct parser *p, struct word *out, const char *what);
/* A whole number. */
bool pr_want_int(struct parser *p, double *out, const char *what);

/* parse.c: the statements. */
#define IN(block) (1u << (block))
struct keyword {
    const char *word;
    enum stmt_kind kind;
    unsigned blocks;       /* where it may stand */
    enum block_kind opens; /* the block it ends with; B_KINDS: none */
    bool (*parse)(struct parser *p, struct ast_stmt *s);
};
enum { PR_KEYWORDS = 32 };
extern const struct keyword pr_keywords[PR_KEYWORDS];
/* NAME, or in a train block NAME.NAME: precision.loss */
bool pr_want_key(struct parser *p, struct word *out, bool dotted);
/* What follows it in train, table and figure blocks: = expr */
bool pr_parse_assign(struct parser *p, struct ast_stmt *s);

/* parse_time.c */
bool pr_parse_time(struct parser *p, struct ast_time *t);

/* parse_block.c */
bool pr_parse_block(struct parser *p, struct ast_stmt *owner, enum block_kind kind);
/* Where a `{` is missing: whether the block (B_KINDS: a list) is there all the same, on this line
 * or the next ones. Stands before it then. */
bool pr_block_follows(struct parser *p, const struct ast_stmt *owner, enum block_kind kind);

/* parse_expr.c. NULL after a reported error. */
struct stm_expr *pr_parse_expr(struct parser *p);
struct stm_expr *pr_parse_sum(struct parser *p);
struct stm_expr *pr_parse_postfix(struct parser *p);
struct stm_expr *pr_expr_new(struct ctx *c, enum stm_expr_kind kind, struct stm_span span,
                             unsigned n);
/* From the beginning of `a` to the end of `b`, or `a` when they are on different lines. */
struct stm_span pr_span_join(struct stm_span a, struct stm_span b);

#endif
