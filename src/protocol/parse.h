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

/* parse_expr.c. NULL after a reported error. */
struct stm_expr *pr_parse_expr(struct parser *p);
struct stm_expr *pr_parse_sum(struct parser *p);
struct stm_expr *pr_parse_postfix(struct parser *p);
struct stm_expr *pr_expr_new(struct ctx *c, enum stm_expr_kind kind, struct stm_span span,
                             unsigned n);
/* From the beginning of `a` to the end of `b`, or `a` when they are on different lines. */
struct stm_span pr_span_join(struct stm_span a, struct stm_span b);

#endif
