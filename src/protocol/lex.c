#include "protocol/lex.h"

#include <ctype.h>
#include <string.h>

#include "protocol/number.h"

static const char *const kind_names[TK_KINDS] = {
    [TK_EOF] = "the end of the file",
    [TK_NL] = "the end of the line",
    [TK_ID] = "a name",
    [TK_NUM] = "a number",
    [TK_STR] = "a string",
    [TK_COMMENT] = "a comment",
    [TK_LBRACE] = "`{`",
    [TK_RBRACE] = "`}`",
    [TK_LPAREN] = "`(`",
    [TK_RPAREN] = "`)`",
    [TK_LBRACK] = "`[`",
    [TK_RBRACK] = "`]`",
    [TK_COMMA] = "`,`",
    [TK_DOT] = "`.`",
    [TK_DOTDOT] = "`..`",
    [TK_COLON] = "`:`",
    [TK_AT] = "`@`",
    [TK_ASSIGN] = "`=`",
    [TK_MULSET] = "`*=`",
    [TK_ADDSET] = "`+=`",
    [TK_EQ] = "`==`",
    [TK_NE] = "`!=`",
    [TK_LT] = "`<`",
    [TK_LE] = "`<=`",
    [TK_GT] = "`>`",
    [TK_GE] = "`>=`",
    [TK_PLUS] = "`+`",
    [TK_MINUS] = "`-`",
    [TK_STAR] = "`*`",
    [TK_SLASH] = "`/`",
};

const char *lex_kind_name(enum tok_kind kind) { return kind_names[kind]; }

/* Longer spellings before their prefixes. */
static const struct {
    const char *text;
    enum tok_kind kind;
} punctuation[] = {
    {"..", TK_DOTDOT}, {"*=", TK_MULSET}, {"+=", TK_ADDSET}, {"==", TK_EQ},    {"!=", TK_NE},
    {"<=", TK_LE},     {">=", TK_GE},     {"{", TK_LBRACE},  {"}", TK_RBRACE}, {"(", TK_LPAREN},
    {")", TK_RPAREN},  {"[", TK_LBRACK},  {"]", TK_RBRACK},  {",", TK_COMMA},  {".", TK_DOT},
    {":", TK_COLON},   {"@", TK_AT},      {"=", TK_ASSIGN},  {"<", TK_LT},     {">", TK_GT},
    {"+", TK_PLUS},    {"-", TK_MINUS},   {"*", TK_STAR},    {"/", TK_SLASH},
};

void lex_init(struct lexer *lx, struct ctx *c, unsigned file, const char *src, size_t n)
{
    *lx = (struct lexer){.c = c, .src = src, .n = n, .file = file, .line = 1, .fresh = true};
    if (n >= 3 && memcmp(src, "\xEF\xBB\xBF", 3) == 0) lx->at = lx->line_start = 3;
}

static int peek(const struct lexer *lx, size_t ahead)
{
    return lx->at + ahead < lx->n ? (unsigned char)lx->src[lx->at + ahead] : -1;
}

static struct stm_span span_at(const struct lexer *lx, size_t at, size_t len)
{
    return (struct stm_span){lx->file, lx->line, (unsigned)(at - lx->line_start) + 1,
                             (unsigned)len};
}

static void next_line(struct lexer *lx)
{
    lx->at++;
    lx->line++;
    lx->line_start = lx->at;
    lx->fresh = true;
}

static struct token make(struct lexer *lx, enum tok_kind kind, size_t start)
{
    struct token t = {.kind = kind, .at = start, .first = lx->fresh};
    t.span = span_at(lx, start, lx->at - start);
    lx->fresh = false;
    return t;
}

static struct token lex_name(struct lexer *lx)
{
    size_t start = lx->at;
    while (isalnum(peek(lx, 0)) || peek(lx, 0) == '_') lx->at++;
    struct token t = make(lx, TK_ID, start);
    t.text = pr_strndup(lx->c, lx->src + start, lx->at - start);
    lx->name_end = lx->at;
    return t;
}

/* A dot right behind a name goes on with it: blocks.0.attn has a name in its middle, no number. */
static bool at_dot_of_name(const struct lexer *lx)
{
    return lx->name_end == lx->at && lx->at && peek(lx, 0) == '.' && peek(lx, 1) != '.';
}

/* To the end of what may be meant as a number: 1e-3, 60k, 1.5.2, 12abc; not of 0..4 or 3.name. */
static void number_extent(struct lexer *lx)
{
    for (size_t start = lx->at;; lx->at++) {
        int ch = peek(lx, 0), after = peek(lx, 1);
        int before = lx->at > start ? (unsigned char)lx->src[lx->at - 1] : 0;
        bool point = ch == '.' && (isdigit(after) || (isdigit(before) && after != '.' &&
                                                      !isalpha(after) && after != '_'));
        bool sign = (ch == '-' || ch == '+') && (before == 'e' || before == 'E') && isdigit(after);
        if (!isalnum(ch) && ch != '_' && !point && !sign) return;
    }
}

static void bad_number(struct lexer *lx, enum pr_number fault, struct stm_span at, const char *s)
{
    int shown = (int)(at.len > 40 ? 40 : at.len);
    struct stm_diag *d;
    if (fault == PR_NUMBER_RANGE) {
        d = pr_diag(lx->c, "E0301", at, "`%.*s` is outside of the domain of numbers", shown, s);
        pr_label(lx->c, d, "numbers are " PR_NUMBER_DOMAIN);
        return;
    }
    d = pr_diag(lx->c, "E0002", at, "`%.*s` is not a number", shown, s);
    if (fault == PR_NUMBER_POINT)
        pr_help(lx->c, d, "write %s", pr_number_completed(lx->c, s, at.len));
    else
        pr_help(lx->c, d, "numbers look like 12, 0.4, 1e-3, 60k, 1.5M, 60_000");
}

static struct token lex_number(struct lexer *lx)
{
    size_t start = lx->at;
    double num = 1;
    number_extent(lx);
    struct token t = make(lx, TK_NUM, start);
    enum pr_number fault = pr_number_read(lx->c, lx->src + start, lx->at - start, &num);
    t.num = fault ? 1 : num;
    if (fault) bad_number(lx, fault, t.span, lx->src + start);
    return t;
}

/* Text is handled as C strings from here on: a NUL would cut off what follows it. */
static void refuse_nul(struct lexer *lx)
{
    if (peek(lx, 0) != 0) return;
    pr_diag(lx->c, "E0001", span_at(lx, lx->at, 1), "a control character (0x00) in the text");
}

static struct token lex_string(struct lexer *lx)
{
    size_t start = lx->at++;
    while (peek(lx, 0) >= 0 && peek(lx, 0) != '"' && peek(lx, 0) != '\n') {
        refuse_nul(lx);
        lx->at++;
    }
    size_t end = lx->at;
    bool closed = peek(lx, 0) == '"';
    if (closed) lx->at++;
    struct token t = make(lx, TK_STR, start);
    t.text = pr_strndup(lx->c, lx->src + start + 1, end - start - 1);
    if (!closed) {
        struct stm_diag *d = pr_diag(lx->c, "E0003", t.span, "a string that does not end");
        pr_help(lx->c, d, "strings end with `\"` on the line on which they begin");
    }
    return t;
}

static struct token lex_comment(struct lexer *lx)
{
    size_t start = lx->at;
    while (peek(lx, 0) >= 0 && peek(lx, 0) != '\n') {
        refuse_nul(lx);
        lx->at++;
    }
    size_t end = lx->at;
    while (end > start && isspace((unsigned char)lx->src[end - 1])) end--;
    struct token t = make(lx, TK_COMMENT, start);
    t.span.len = (unsigned)(end - start);
    return t;
}

/* The bytes of one character that is not in the language, reported once a run of them. */
static void bad_characters(struct lexer *lx)
{
    size_t start = lx->at;
    while (peek(lx, 0) >= 0 && !isspace(peek(lx, 0)) && !isalnum(peek(lx, 0)) &&
           !strchr("_{}()[],.:@=<>+-*/#\";", peek(lx, 0)))
        lx->at++;
    if (lx->at == start) lx->at++; /* a lone `!` or NUL */
    struct stm_span at = span_at(lx, start, lx->at - start);
    int first = (unsigned char)lx->src[start];
    struct stm_diag *d;
    if (first < 32 || first == 127)
        d = pr_diag(lx->c, "E0001", at, "a control character (0x%02x) in the text", first);
    else
        d = pr_diag(lx->c, "E0001", at, "`%.*s` has no meaning in a protocol",
                    (int)(at.len > 40 ? 40 : at.len), lx->src + start);
    pr_label(lx->c, d, "not a character of the language");
}

static struct token lex_punctuation(struct lexer *lx, bool *known)
{
    *known = true;
    for (size_t i = 0; i < sizeof punctuation / sizeof *punctuation; i++) {
        size_t len = strlen(punctuation[i].text);
        if (lx->n - lx->at < len || memcmp(lx->src + lx->at, punctuation[i].text, len) != 0)
            continue;
        enum tok_kind kind = punctuation[i].kind;
        size_t start = lx->at;
        lx->at += len;
        if (kind == TK_LPAREN || kind == TK_LBRACK) lx->parens++;
        if ((kind == TK_RPAREN || kind == TK_RBRACK) && lx->parens) lx->parens--;
        if (kind == TK_LBRACE || kind == TK_RBRACE) lx->parens = 0;
        return make(lx, kind, start);
    }
    *known = false;
    return (struct token){0};
}

struct token lex_next(struct lexer *lx)
{
    for (;;) {
        int ch = peek(lx, 0);
        if (ch < 0) return make(lx, TK_EOF, lx->at);
        if (at_dot_of_name(lx)) {
            lx->name_dot = ++lx->at;
            return make(lx, TK_DOT, lx->at - 1);
        }
        if (ch == '\n' && lx->parens && !lx->keep_comments) {
            next_line(lx);
        } else if (ch == '\n') {
            struct token t = make(lx, TK_NL, lx->at);
            next_line(lx);
            return t;
        } else if (ch == ' ' || ch == '\t' || ch == '\r') {
            lx->at++;
        } else if (ch == ';') {
            lx->at++;
            return make(lx, TK_NL, lx->at - 1);
        } else if (ch == '#') {
            struct token t = lex_comment(lx);
            if (lx->keep_comments) return t;
        } else if (isalpha(ch) || ch == '_' || (isdigit(ch) && lx->at && lx->name_dot == lx->at)) {
            return lex_name(lx);
        } else if (isdigit(ch) || (ch == '.' && isdigit(peek(lx, 1)))) {
            return lex_number(lx);
        } else if (ch == '"') {
            return lex_string(lx);
        } else {
            bool known;
            struct token t = lex_punctuation(lx, &known);
            if (known) return t;
            bad_characters(lx);
        }
    }
}
