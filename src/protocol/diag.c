/* Diagnostics: collecting, ordering and printing them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "protocol/ctx.h"

enum { KEPT = 200, TAB = 4 }; /* what is kept before the first PR_MAX_DIAGS are chosen */

static char *text_v(struct ctx *c, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    char *p = stm_arena_alloc(c->diag_arena, (size_t)(n < 0 ? 0 : n) + 1);
    if (!p) pr_nomem(c);
    if (n > 0) vsnprintf(p, (size_t)n + 1, fmt, ap);
    return p;
}

static bool seen_before(struct ctx *c, const char *code, struct stm_span at)
{
    const char *key = pr_printf(c, "%s:%u:%u:%u", code, at.file, at.line, at.col);
    if (pr_map_get(&c->seen, key) >= 0) return true;
    pr_map_put(c, &c->seen, key, 1);
    return false;
}

struct stm_diag *pr_diag(struct ctx *c, const char *code, struct stm_span at, const char *fmt, ...)
{
    bool error = code[0] == 'E';
    if (seen_before(c, code, at)) return &c->nowhere;
    if (error) c->errors++;
    if (c->diags.n >= KEPT) return &c->nowhere;
    struct stm_diag *d = stm_arena_alloc(c->diag_arena, sizeof *d);
    if (!d) pr_nomem(c);
    snprintf(d->code, sizeof d->code, "%s", code);
    d->span = at;
    va_list ap;
    va_start(ap, fmt);
    d->msg = text_v(c, fmt, ap);
    va_end(ap);
    *(struct stm_diag **)pr_push(c, &c->diags, sizeof d) = d;
    return d;
}

void pr_label(struct ctx *c, struct stm_diag *d, const char *fmt, ...)
{
    if (d == &c->nowhere) return;
    va_list ap;
    va_start(ap, fmt);
    d->label = text_v(c, fmt, ap);
    va_end(ap);
}

void pr_help(struct ctx *c, struct stm_diag *d, const char *fmt, ...)
{
    if (d == &c->nowhere) return;
    va_list ap;
    va_start(ap, fmt);
    d->help = text_v(c, fmt, ap);
    va_end(ap);
}

static void add_note(struct ctx *c, struct stm_diag *d, struct stm_note note)
{
    struct stm_note *notes = stm_arena_alloc(c->diag_arena, (d->n_notes + 1) * sizeof *notes);
    if (!notes) pr_nomem(c);
    if (d->n_notes) memcpy(notes, d->notes, d->n_notes * sizeof *notes);
    notes[d->n_notes++] = note;
    d->notes = notes;
}

void pr_note(struct ctx *c, struct stm_diag *d, const char *fmt, ...)
{
    if (d == &c->nowhere) return;
    va_list ap;
    va_start(ap, fmt);
    struct stm_note note = {.text = text_v(c, fmt, ap)};
    va_end(ap);
    add_note(c, d, note);
}

void pr_note_at(struct ctx *c, struct stm_diag *d, struct stm_span at, const char *fmt, ...)
{
    if (d == &c->nowhere) return;
    va_list ap;
    va_start(ap, fmt);
    struct stm_note note = {.has_span = true, .span = at, .text = text_v(c, fmt, ap)};
    va_end(ap);
    add_note(c, d, note);
}

static int in_source_order(const void *pa, const void *pb)
{
    const struct stm_diag *a = *(struct stm_diag *const *)pa, *b = *(struct stm_diag *const *)pb;
    if (a->span.file != b->span.file) return a->span.file < b->span.file ? -1 : 1;
    if (a->span.line != b->span.line) return a->span.line < b->span.line ? -1 : 1;
    if (a->span.col != b->span.col) return a->span.col < b->span.col ? -1 : 1;
    return strcmp(a->code, b->code);
}

void pr_diags_finish(struct ctx *c, struct stm_diags *out)
{
    struct stm_diag **list = c->diags.p;
    unsigned n = c->diags.n;
    if (n) qsort(list, n, sizeof *list, in_source_order);
    if (n > PR_MAX_DIAGS) {
        unsigned more = c->errors > PR_MAX_DIAGS ? c->errors - PR_MAX_DIAGS : n - PR_MAX_DIAGS;
        n = PR_MAX_DIAGS;
        pr_note(c, list[n - 1], "and %u more", more);
    }
    struct stm_diag *d = stm_arena_alloc(c->diag_arena, (n + 1) * sizeof *d);
    if (!d) pr_nomem(c);
    for (unsigned i = 0; i < n; i++) d[i] = *list[i];
    out->d = d;
    out->n = n;
    out->errors = c->errors;
    out->n_files = c->files.n;
    struct stm_source_file *files =
        stm_arena_alloc(c->diag_arena, (c->files.n + 1) * sizeof *files);
    if (!files) pr_nomem(c);
    if (c->files.n) memcpy(files, c->files.p, c->files.n * sizeof *files);
    out->files = files;
}

void stm_diags_free(struct stm_diags *d)
{
    if (!d) return;
    struct stm_arena *a = d->arena;
    stm_arena_release(a);
    stm_free(a);
    stm_free(d);
}

/* ---- printing ---- */

struct glyph {
    unsigned bytes, columns;
    bool escape; /* shown as \xNN */
};

static unsigned columns_of(unsigned u)
{
    static const unsigned wide[][2] = {{0x1100, 0x115f},   {0x2e80, 0xa4cf},  {0xac00, 0xd7a3},
                                       {0xf900, 0xfaff},   {0xfe30, 0xfe6f},  {0xff00, 0xff60},
                                       {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
    if ((u >= 0x300 && u <= 0x36f) || u == 0x200d || (u >= 0xfe00 && u <= 0xfe0f)) return 0;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (u >= wide[i][0] && u <= wide[i][1]) return 2;
    return 1;
}

/* Control characters, also those written in UTF-8 (C1, bidirectional overrides), are escaped. */
static struct glyph glyph_at(const unsigned char *s, size_t n)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned len = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
    if (!len || len > n || s[0] > 0xf4) return (struct glyph){1, 4, true};
    unsigned u = len == 1 ? s[0] : s[0] & (0x7fu >> len);
    for (unsigned i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) return (struct glyph){1, 4, true};
        u = u << 6 | (s[i] & 0x3f);
    }
    bool control = u < 32 || (u >= 0x7f && u < 0xa0) || (u >= 0x202a && u <= 0x202e) ||
                   (u >= 0x2066 && u <= 0x2069) || (u >= 0xd800 && u <= 0xdfff) || u > 0x10ffff ||
                   u < least[len];
    if (control) return (struct glyph){1, 4, true};
    return (struct glyph){len, columns_of(u), false};
}

/* Prints s[0..n) with columns `skip` to `limit` (0: all); returns the columns of all of it. */
static unsigned put_line(struct stm_buf *b, const char *s, size_t n, unsigned skip, unsigned limit)
{
    const unsigned char *p = (const unsigned char *)s;
    unsigned col = 0;
    for (size_t i = 0; i < n;) {
        bool tab = p[i] == '\t';
        struct glyph g = tab ? (struct glyph){1, TAB - col % TAB, false} : glyph_at(p + i, n - i);
        bool shown = b && col >= skip && (!limit || col + g.columns <= limit);
        if (shown && tab)
            stm_buf_printf(b, "%*s", (int)g.columns, "");
        else if (shown && g.escape)
            stm_buf_printf(b, "\\x%02x", p[i]);
        else if (shown)
            stm_buf_put(b, p + i, g.bytes);
        col += g.columns;
        i += g.bytes;
    }
    return col;
}

static void put_safe(struct stm_buf *b, const char *s) { put_line(b, s, strlen(s), 0, 0); }

void pr_put_words(struct stm_buf *b, const char *s, unsigned indent, unsigned width)
{
    unsigned col = indent;
    for (bool first = true; *s; first = false) {
        const size_t n = first ? strcspn(s, " ") : 1 + strcspn(s + 1, " ");
        const unsigned columns = put_line(NULL, s, n, 0, 0);
        if (!first && width && col + columns > width) {
            stm_buf_printf(b, "\n%*s", (int)indent, "");
            put_line(b, s + 1, n - 1, 0, 0);
            col = indent + columns - 1;
        } else {
            put_line(b, s, n, 0, 0);
            col += columns;
        }
        s += n;
    }
}

static const char *source_line(const struct stm_diags *all, struct stm_span at, size_t *n)
{
    if (at.file >= all->n_files) return NULL;
    const char *s = all->files[at.file].text;
    for (unsigned line = 1; s && line < at.line; line++) {
        s = strchr(s, '\n');
        if (s) s++;
    }
    if (!s) return NULL;
    *n = strcspn(s, "\r\n");
    return s;
}

struct paint {
    const char *strong, *error, *gutter, *off;
};

static struct paint paint_of(bool color, bool warning)
{
    if (!color) return (struct paint){"", "", "", ""};
    return (struct paint){"\033[1m", warning ? "\033[1;33m" : "\033[1;31m", "\033[1;34m",
                          "\033[0m"};
}

static void put_snippet(const struct stm_diags *all, const struct stm_diag *d, struct paint c,
                        int gutter, unsigned width, struct stm_buf *out)
{
    size_t n;
    const char *line = d->span.line ? source_line(all, d->span, &n) : NULL;
    if (!line) return;
    size_t at = d->span.col - 1 < n ? d->span.col - 1 : n;
    size_t len = d->span.len < n - at ? d->span.len : n - at;
    unsigned before = put_line(NULL, line, at, 0, 0);
    unsigned carets = put_line(NULL, line, at + len, 0, 0) - before;
    unsigned room = width > (unsigned)gutter + 24 ? width - (unsigned)gutter - 3 : 0;
    unsigned skip = room && before + carets > room ? before - (before < 8 ? before : 8) : 0;
    if (room && carets > room - 8) carets = room - 8;
    stm_buf_printf(out, "%*s %s|%s\n", gutter, "", c.gutter, c.off);
    stm_buf_printf(out, "%s%*u |%s ", c.gutter, gutter, d->span.line, c.off);
    put_line(out, line, n, skip, room ? skip + room : 0);
    stm_buf_printf(out, "\n%*s %s|%s %*s%s", gutter, "", c.gutter, c.off, (int)(before - skip), "",
                   c.error);
    for (unsigned i = 0; i < (carets ? carets : 1); i++) stm_buf_u8(out, '^');
    if (d->label) {
        stm_buf_u8(out, ' ');
        put_safe(out, d->label);
    }
    stm_buf_printf(out, "%s\n", c.off);
}

void stm_diag_print(const struct stm_diags *all, const struct stm_diag *d, bool color,
                    unsigned width, struct stm_buf *out)
{
    bool warning = d->code[0] == 'W';
    struct paint c = paint_of(color, warning);
    int gutter = snprintf(NULL, 0, "%u", d->span.line);
    const char *path = d->span.file < all->n_files ? all->files[d->span.file].path : "?";
    stm_buf_printf(out, "%s%s[%s]%s%s: ", c.error, warning ? "warning" : "error", d->code, c.off,
                   c.strong);
    pr_put_words(out, d->msg, (unsigned)strlen(warning ? "warning[E0000]: " : "error[E0000]: "),
                 width);
    stm_buf_printf(out, "%s\n%*s%s-->%s %s", c.off, gutter, "", c.gutter, c.off, path);
    if (d->span.line) stm_buf_printf(out, ":%u:%u", d->span.line, d->span.col);
    stm_buf_u8(out, '\n');
    put_snippet(all, d, c, gutter, width, out);
    const unsigned words = width ? width : 80; /* of notes: lists of all there is */
    for (unsigned i = 0; i < d->n_notes; i++) {
        const struct stm_note *note = &d->notes[i];
        stm_buf_printf(out, "%*s %s=%s note: ", gutter, "", c.gutter, c.off);
        pr_put_words(out, note->text, (unsigned)gutter + 9, words);
        if (note->has_span && note->span.file < all->n_files)
            stm_buf_printf(out, " (%s:%u:%u)", all->files[note->span.file].path, note->span.line,
                           note->span.col);
        stm_buf_printf(out, "\n");
    }
    if (!d->help) return;
    stm_buf_printf(out, "%*s %s=%s help: ", gutter, "", c.gutter, c.off);
    pr_put_words(out, d->help, (unsigned)gutter + 9, width);
    stm_buf_printf(out, "\n");
}

static void put_json_place(const struct stm_diags *all, struct stm_span at, struct stm_buf *b)
{
    stm_buf_printf(b, ",\"file\":");
    stm_json_string(b, at.file < all->n_files ? all->files[at.file].path : "?");
    stm_buf_printf(b, ",\"line\":%u,\"column\":%u,\"length\":%u", at.line, at.col, at.len);
}

void stm_diag_json(const struct stm_diags *all, const struct stm_diag *d, struct stm_buf *out)
{
    stm_buf_printf(out, "{\"code\":\"%s\",\"severity\":\"%s\",\"message\":", d->code,
                   d->code[0] == 'W' ? "warning" : "error");
    stm_json_string(out, d->msg);
    put_json_place(all, d->span, out);
    if (d->label) {
        stm_buf_printf(out, ",\"label\":");
        stm_json_string(out, d->label);
    }
    stm_buf_printf(out, ",\"notes\":[");
    for (unsigned i = 0; i < d->n_notes; i++) {
        stm_buf_printf(out, "%s{\"message\":", i ? "," : "");
        stm_json_string(out, d->notes[i].text);
        if (d->notes[i].has_span) put_json_place(all, d->notes[i].span, out);
        stm_buf_printf(out, "}");
    }
    stm_buf_printf(out, "]");
    if (d->help) {
        stm_buf_printf(out, ",\"help\":");
        stm_json_string(out, d->help);
    }
    stm_buf_printf(out, "}");
}
