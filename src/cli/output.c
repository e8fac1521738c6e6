/* Text for a terminal: how wide it is, where lines are cut, and that it was written. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "cli/cli.h"

void wrapped_print(struct stm_buf *out, unsigned indent, const char *fmt, ...)
{
    enum { COLUMNS = 80 };
    char text[4096];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t column = 0;
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, ",:");
        while (p[n] && p[n + 1] && p[n + 1] != ' ') n += 1 + strcspn(p + n + 1, ",:");
        if (p[n]) n++; /* the comma stays */
        if (column && column + n > COLUMNS) {
            stm_buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
            while (*p == ' ') p++, n--;
        }
        stm_buf_put(out, p, n);
        column += n;
        p += n;
    }
    stm_buf_u8(out, '\n');
}

void line_end(struct stm_buf *out, size_t start, const char *below, unsigned hang)
{
    const size_t width = stdout_width();
    size_t n = out->n > start ? out->n - start : 0;
    char *text = stm_utf8_columns(out->p + start, n) > width ? stm_malloc(n) : NULL;
    if (!text) { /* it fits; a line that is too wide is better than none, too */
        stm_buf_u8(out, '\n');
        return;
    }
    memcpy(text, out->p + start, n);
    out->n = start;
    size_t column = 0, begun = 0; /* how far it was printed, and where the words began */
    while (begun < n && text[begun] == ' ') begun++;
    size_t at = 0;
    for (size_t end = begun; at < n; at = end) {
        while (end < n && text[end] == ' ') end++;
        while (end < n && text[end] != ' ') end++;
        size_t columns = stm_utf8_columns(text + at, end - at);
        if (at > begun && column + columns > width) {
            stm_buf_printf(out, "\n%s%*s", below, (int)hang, "");
            column = stm_utf8_columns(below, strlen(below)) + hang;
            while (text[at] == ' ') at++;
            columns = stm_utf8_columns(text + at, end - at);
        }
        stm_buf_put(out, text + at, end - at);
        column += columns;
    }
    stm_buf_u8(out, '\n');
    stm_free(text);
}

int put_out(struct stm_buf *b)
{
    int code = EXIT_YES;
    if (b->failed) {
        fprintf(stderr, "stemma: writing the result: out of memory\n");
        code = EXIT_BROKEN;
    } else if ((b->n && fwrite(b->p, 1, b->n, stdout) != b->n) || fflush(stdout)) {
        /* A reader that has seen enough, as `head` has, is told nothing. */
        if (errno != EPIPE) fprintf(stderr, "stemma: writing the result: %s\n", strerror(errno));
        code = EXIT_BROKEN;
    }
    stm_buf_release(b);
    return code;
}

bool stdout_color(void)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

unsigned stdout_width(void)
{
    struct winsize w;
    if (isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) && w.ws_col >= 20)
        return w.ws_col;
    return 80;
}
