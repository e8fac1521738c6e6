/* Numbers, strings and expressions as text. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "report/results.h"

/* A number that somebody wrote, such as a sweep value: at most 4 digits say all of it. */
static bool is_short(double v, char text[32])
{
    snprintf(text, 32, "%.4g", v);
    return fabs(v) >= 1e-3 && fabs(v) < 1e6 && strtod(text, NULL) == v;
}

void rep_put_number(struct stm_buf *b, double v)
{
    char text[32];
    double size = fabs(v);
    if (v == 0) v = 0; /* without a sign */
    if (isnan(v))
        stm_buf_printf(b, "-");
    else if (isinf(v))
        stm_buf_printf(b, "%sinf", v < 0 ? "-" : "");
    else if (size < 1e15 && v == floor(v))
        stm_buf_printf(b, "%.0f", v);
    else if (size < 1e15 && 2 * v == floor(2 * v))
        stm_buf_printf(b, "%.1f", v);
    else if (is_short(v, text))
        stm_buf_printf(b, "%s", text);
    else if (size < 1e-2 || size >= 1e6)
        stm_buf_printf(b, "%.4g", v);
    else
        stm_buf_printf(b, "%.*f", size < 100 ? 3 : size < 1000 ? 2 : 1, v);
}

void rep_put_cell(struct stm_buf *b, const struct stm_cell *c)
{
    if (c->state == STM_CELL_UNKNOWN) {
        stm_buf_printf(b, "not measured yet");
    } else if (c->state != STM_CELL_OK) {
        stm_buf_printf(b, "-");
    } else if (c->sym) {
        stm_buf_printf(b, "%s", c->sym);
    } else if (c->truth) {
        stm_buf_printf(b, "%s", c->v != 0 ? "yes" : "no");
    } else {
        if (c->censored) stm_buf_printf(b, "> ");
        rep_put_number(b, c->v);
    }
}

void rep_put_json_number(struct stm_buf *b, double v)
{
    char text[32];
    if (!isfinite(v)) {
        stm_buf_printf(b, "null");
        return;
    }
    if (v == 0) v = 0; /* without a sign */
    if (v == floor(v) && fabs(v) < 1e15) {
        stm_buf_printf(b, "%.0f", v);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v) break;
    }
    stm_buf_printf(b, "%s", text);
}

void rep_put_json_bound(struct stm_buf *b, double v, bool censored)
{
    if (censored) stm_buf_printf(b, "{\"greater_than\":");
    rep_put_json_number(b, v);
    if (censored) stm_buf_u8(b, '}');
}

void rep_put_json_string(struct stm_buf *b, const char *s) { stm_json_string(b, s); }

static const char *keep(struct stm_arena *mem, struct stm_buf *b)
{
    const char *text = b->failed ? NULL : stm_arena_strndup(mem, stm_buf_text(b), b->n);
    if (b->failed) text = NULL;
    stm_buf_release(b);
    return text;
}

const char *rep_expr_text(struct stm_arena *mem, const struct stm_expr *e)
{
    struct stm_buf b = {0};
    stm_expr_print(e, &b);
    return keep(mem, &b);
}

const char *rep_claim_text(struct stm_arena *mem, const struct stm_claim *claim)
{
    struct stm_buf b = {0};
    if (claim->kind == STM_C_CONTRAST) {
        stm_expr_print(claim->a, &b);
        stm_buf_printf(&b, " %c ", claim->op);
        stm_expr_print(claim->b, &b);
        stm_buf_printf(&b, " on ");
    }
    stm_expr_print(claim->expr, &b);
    for (unsigned i = 0; i < claim->n_over; i++) {
        stm_buf_printf(&b, i ? ", " : claim->n_over > 1 ? " over [" : " over ");
        stm_expr_print(claim->over[i], &b);
    }
    if (claim->n_over > 1) stm_buf_u8(&b, ']');
    return keep(mem, &b);
}

const char *rep_outcome_name(enum stm_outcome outcome)
{
    static const char *const names[] = {
        [STM_HOLDS] = "holds", [STM_FAILS] = "FAILS", [STM_NOT_EVALUABLE] = "not evaluable"};
    return names[outcome];
}
