/* The lexer: one token at a time, newlines as tokens except inside ( ) and [ ]. */
#ifndef STEMMA_PROTOCOL_LEX_H
#define STEMMA_PROTOCOL_LEX_H

#include "protocol/ctx.h"

enum tok_kind {
    TK_EOF,
    TK_NL, /* a newline or `;` */
    TK_ID,
    TK_NUM,
    TK_STR,
    TK_COMMENT, /* only when the lexer keeps comments */
    TK_LBRACE,
    TK_RBRACE,
    TK_LPAREN,
    TK_RPAREN,
    TK_LBRACK,
    TK_RBRACK,
    TK_COMMA,
    TK_DOT,
    TK_DOTDOT,
    TK_COLON,
    TK_AT,
    TK_ASSIGN,
    TK_MULSET,
    TK_ADDSET,
    TK_EQ,
    TK_NE,
    TK_LT,
    TK_LE,
    TK_GT,
    TK_GE,
    TK_PLUS,
    TK_MINUS,
    TK_STAR,
    TK_SLASH,
    TK_KINDS
};

struct token {
    enum tok_kind kind;
    struct stm_span span;
    size_t at;        /* byte offset; its source text is span.len bytes */
    const char *text; /* identifier or the string's contents */
    double num;
    bool first; /* first on its line */
};

struct lexer {
    struct ctx *c;
    const char *src;
    size_t n, at, line_start;
    unsigned file, line;
    int parens;                /* open ( and [ */
    bool fresh;                /* nothing but blanks on this line so far */
    size_t name_end, name_dot; /* behind the last name, behind the last dot that goes on with one */
    bool keep_comments;
};

void lex_init(struct lexer *lx, struct ctx *c, unsigned file, const char *src, size_t n);
struct token lex_next(struct lexer *lx);
/* "`{`", "a name", "the end of the line". */
const char *lex_kind_name(enum tok_kind kind);

#endif
