/* Columns: in consecutive lines of one kind the `=` stand below each other, so do the `{` of arms
 * on one line, and so do comments at the ends of lines. */
#include <ctype.h>
#include <string.h>

#include "protocol/ast.h"

struct line {
    const char *s;
    unsigned n; /* bytes, without the newline */
    unsigned indent;
    unsigned key_len; /* the first word, which says what kind of line it is */
    bool assigns;     /* NAME = ... without a keyword */
    unsigned anchor;  /* the `=` or `{` to align; 0: none */
    unsigned comment; /* the `#` at the end of a line; 0: none */
    unsigned pad, comment_pad;
};

static bool anchors_brace(const struct line *l)
{
    return (l->key_len == 3 && !strncmp(l->s + l->indent, "arm", 3)) ||
           (l->key_len == 3 && !strncmp(l->s + l->indent, "off", 3));
}

static bool anchors_equals(const struct line *l)
{
    static const char *const words[] = {"param",  "let",      "task",     "model", "event",
                                        "metric", "contrast", "estimate", "fit",   "capture"};
    if (l->assigns) return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == l->key_len && !strncmp(l->s + l->indent, words[i], l->key_len))
            return true;
    return false;
}

/* Finds the first ` = ` or ` {` and the comment, outside of strings. */
static void scan(struct line *l)
{
    while (l->indent < l->n && l->s[l->indent] == ' ') l->indent++;
    unsigned at = l->indent;
    while (at < l->n && (isalnum((unsigned char)l->s[at]) || l->s[at] == '_' || l->s[at] == '.'))
        at++;
    l->key_len = at - l->indent;
    l->assigns = l->key_len && at + 2 < l->n && !strncmp(l->s + at, " = ", 3);
    bool brace = anchors_brace(l), equals = anchors_equals(l), string = false;
    for (; at < l->n; at++) {
        if (l->s[at] == '"') string = !string;
        if (string) continue;
        if (l->s[at] == '#') {
            if (at > l->indent) l->comment = at;
            break;
        }
        bool here =
            (brace && l->s[at] == '{') || (equals && l->s[at] == '=' && at && l->s[at - 1] == ' ' &&
                                           at + 1 < l->n && l->s[at + 1] == ' ');
        if (here && !l->anchor) l->anchor = at;
    }
    unsigned end = l->comment ? l->comment : l->n;
    while (end && l->s[end - 1] == ' ') end--;
    if (brace && (!end || l->s[end - 1] != '}')) l->anchor = 0;
}

static bool same_kind(const struct line *a, const struct line *b)
{
    if (!a->anchor || !b->anchor || a->indent != b->indent || a->assigns != b->assigns)
        return false;
    return a->assigns ||
           (a->key_len == b->key_len && !strncmp(a->s + a->indent, b->s + b->indent, a->key_len));
}

/* Columns up to byte `n`, a character being one. */
static unsigned columns(const char *s, unsigned n)
{
    unsigned c = 0;
    for (unsigned i = 0; i < n; i++) c += ((unsigned char)s[i] & 0xc0) != 0x80;
    return c;
}

static void align_anchors(struct line *l, unsigned n)
{
    for (unsigned i = 0, j; i < n; i = j) {
        unsigned widest = l[i].anchor;
        for (j = i + 1; j < n && same_kind(&l[i], &l[j]); j++)
            if (l[j].anchor > widest) widest = l[j].anchor;
        for (unsigned k = i; k < j && l[i].anchor; k++) l[k].pad = widest - l[k].anchor;
    }
}

static void align_comments(struct line *l, unsigned n)
{
    for (unsigned i = 0, j; i < n; i = j) {
        unsigned widest = 0;
        for (j = i; j < n && l[j].comment; j++) {
            unsigned at = columns(l[j].s, l[j].comment) + l[j].pad;
            if (at > widest) widest = at;
        }
        for (unsigned k = i; k < j; k++)
            l[k].comment_pad = widest - columns(l[k].s, l[k].comment) - l[k].pad;
        if (j == i) j++;
    }
}

static void put_line(const struct line *l, struct stm_buf *out)
{
    unsigned at = 0;
    if (l->pad) {
        stm_buf_put(out, l->s, l->anchor);
        stm_buf_printf(out, "%*s", (int)l->pad, "");
        at = l->anchor;
    }
    if (l->comment_pad) {
        stm_buf_put(out, l->s + at, l->comment - at);
        stm_buf_printf(out, "%*s", (int)l->comment_pad, "");
        at = l->comment;
    }
    stm_buf_put(out, l->s + at, l->n - at);
    stm_buf_u8(out, '\n');
}

void pr_align(struct ctx *c, const char *text, struct stm_buf *out)
{
    struct vec lines = {0};
    while (*text) {
        struct line l = {.s = text, .n = (unsigned)strcspn(text, "\n")};
        scan(&l);
        *(struct line *)pr_push(c, &lines, sizeof l) = l;
        text += l.n + (text[l.n] == '\n');
    }
    align_anchors(lines.p, lines.n);
    align_comments(lines.p, lines.n);
    for (unsigned i = 0; i < lines.n; i++) put_line((struct line *)lines.p + i, out);
}
