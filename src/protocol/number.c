#include "protocol/number.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is left to read, and the digits so far, without `_`. */
struct reader {
    const char *s;
    size_t n;
    struct stm_buf *b;
};

static int peek(const struct reader *r, size_t ahead)
{
    return ahead < r->n ? (unsigned char)r->s[ahead] : -1;
}

static void skip(struct reader *r, size_t n)
{
    r->s += n;
    r->n -= n;
}

/* Digits with `_` between them; how many. */
static size_t digits(struct reader *r)
{
    size_t n = 0;
    for (; isdigit(peek(r, 0)) || (n && peek(r, 0) == '_' && isdigit(peek(r, 1))); skip(r, 1))
        if (peek(r, 0) != '_') stm_buf_u8(r->b, (uint8_t)peek(r, 0)), n++;
    return n;
}

/* e-3, then k or M, as one exponent. */
static int exponent(struct reader *r)
{
    int sign = peek(r, 1) == '-' || peek(r, 1) == '+', e = 0;
    if ((peek(r, 0) == 'e' || peek(r, 0) == 'E') && isdigit(peek(r, 1 + (size_t)sign))) {
        bool minus = peek(r, 1) == '-';
        skip(r, 1 + (size_t)sign);
        for (; isdigit(peek(r, 0)); skip(r, 1))
            if (e < 100000) e = 10 * e + peek(r, 0) - '0';
        if (minus) e = -e;
    }
    int shift = peek(r, 0) == 'k' ? 3 : peek(r, 0) == 'M' ? 6 : 0;
    if (shift) skip(r, 1);
    return e + shift;
}

bool pr_number_holds(double x) { return isfinite(x) && fabs(x) >= DBL_MIN; }

enum pr_number pr_number_read(struct ctx *c, const char *s, size_t n, double *out)
{
    struct reader r = {s, n, &c->scratch};
    size_t mark = c->scratch.n, before = digits(&r), after = 0;
    bool point = before ? peek(&r, 0) == '.' : peek(&r, 0) == '.' && isdigit(peek(&r, 1));
    if (point) {
        stm_buf_u8(r.b, '.');
        skip(&r, 1);
        after = digits(&r);
    }
    stm_buf_printf(r.b, "e%d", exponent(&r));
    const char *text = pr_scratch_take(c, mark);
    if (r.n || (!before && !after)) return PR_NUMBER_MALFORMED;
    *out = strtod(text, NULL);
    bool zero = text[strspn(text, "0.")] == 'e';
    if (!zero && !pr_number_holds(*out)) return PR_NUMBER_RANGE;
    return !before || (point && !after) ? PR_NUMBER_POINT : PR_NUMBER;
}

const char *pr_number_completed(struct ctx *c, const char *s, size_t n)
{
    size_t point = 0;
    while (point < n && s[point] != '.') point++;
    bool digit = point + 1 < n && isdigit((unsigned char)s[point + 1]);
    return pr_printf(c, "%s%.*s%s%.*s", point ? "" : "0", (int)(point + 1), s, digit ? "" : "0",
                     (int)(n - point - 1), s + point + 1);
}
