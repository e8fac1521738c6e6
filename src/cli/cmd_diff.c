#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"

/* One side: its session stays open while the state is in use. */
struct side {
    struct session s;
    struct stm_state state;
    struct stm_id id;
};

static bool is_id(const char *text)
{
    size_t n = strspn(text, "0123456789abcdef");
    return n >= 8 && n <= STM_ID_HEX && !text[n];
}

static int by_id(struct side *x, const struct options *o, const char *text)
{
    struct stm_err err = {0};
    int code;
    x->s.store = open_store(o, STORE_EXISTS, &code);
    if (code) return code;
    int rc = stm_store_find(x->s.store, text, &x->id, &err);
    if (!rc) rc = stm_state_get(x->s.store, &x->id, &x->state, &err);
    return rc ? fail(&err, NULL) : EXIT_YES;
}

static int by_address(struct side *x, const struct options *o, const char *text)
{
    struct stm_address a;
    struct stm_err err = {0};
    int code = session_address(&x->s, o, text, &a);
    if (code) return code;
    if (a.seed < 0 || !a.has_at) {
        fprintf(stderr,
                "stemma: `%s` names no single state\nhelp: add a seed and a step, as in "
                "raised#7@2000\n",
                text);
        return EXIT_USAGE;
    }
    int rc = stm_view_restore(x->s.view, a.node, (unsigned)a.seed, a.at, &x->state, &err);
    if (!rc) rc = stm_state_ids(&x->state, &x->id, NULL, &err);
    return rc ? fail(&err, NULL) : EXIT_YES;
}

static int open_side(struct side *x, const struct options *o, const char *text)
{
    return is_id(text) ? by_id(x, o, text) : by_address(x, o, text);
}

static void row(const struct stm_tensor_diff *d, int width, struct stm_buf *out)
{
    stm_buf_printf(out, "%-*s ", width, d->name);
    if (d->only_a || d->only_b)
        stm_buf_printf(out, "only in the %s\n", d->only_a ? "first" : "second");
    else if (d->shape_differs)
        stm_buf_printf(out, "another shape or type\n");
    else if (!d->differ)
        stm_buf_printf(out, "equal\n");
    else
        stm_buf_printf(out, "%7llu/%-7llu %9.3g %9.3g %9.3g  %.6f\n", (unsigned long long)d->differ,
                       (unsigned long long)d->elements, d->max_abs, d->max_ulp, d->rel_norm,
                       d->cosine);
}

static void json_number(const char *name, double v, struct stm_buf *out)
{
    if (isfinite(v))
        stm_buf_printf(out, ",\"%s\":%.17g", name, v);
    else
        stm_buf_printf(out, ",\"%s\":null", name);
}

static void json_row(const struct stm_tensor_diff *d, struct stm_buf *out)
{
    stm_buf_printf(out, "{\"tensor\":");
    json_text(d->name, out);
    stm_buf_printf(out, ",\"elements\":%llu,\"differ\":%llu", (unsigned long long)d->elements,
                   (unsigned long long)d->differ);
    stm_buf_printf(out, ",\"comparable\":%s",
                   d->only_a || d->only_b || d->shape_differs ? "false" : "true");
    json_number("max_abs", d->max_abs, out);
    json_number("max_ulp", d->max_ulp, out);
    json_number("rel_norm", d->rel_norm, out);
    json_number("cosine", d->cosine, out);
    stm_buf_printf(out, "}");
}

static void print_json(const struct side *a, const struct side *b, const struct stm_tensor_diff *d,
                       size_t n, struct stm_buf *out)
{
    char ha[STM_ID_TEXT], hb[STM_ID_TEXT];
    stm_buf_printf(out, "{\"same\":%s,\"a\":\"%s\",\"b\":\"%s\",\"tensors\":[",
                   stm_id_eq(&a->id, &b->id) ? "true" : "false", stm_id_text(&a->id, ha),
                   stm_id_text(&b->id, hb));
    for (size_t i = 0; i < n; i++) {
        if (i) stm_buf_printf(out, ",\n");
        json_row(&d[i], out);
    }
    stm_buf_printf(out, "]}\n");
}

static void print_text(const struct options *o, const struct side *a, const struct side *b,
                       const struct stm_tensor_diff *d, size_t n, struct stm_buf *out)
{
    char ha[STM_ID_TEXT], hb[STM_ID_TEXT];
    int width = 18;
    if (stm_id_eq(&a->id, &b->id)) {
        stm_buf_printf(out, "one state: %s (%zu tensors)\n", stm_id_text(&a->id, ha), n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        if ((int)strlen(d[i].name) > width) width = (int)strlen(d[i].name);
    stm_buf_printf(out, "two states\n  %s  %s\n  %s  %s\n\n", stm_id_text(&a->id, ha), o->args[0],
                   stm_id_text(&b->id, hb), o->args[1]);
    stm_buf_printf(out, "%-*s %15s %9s %9s %9s  %s\n", width, "tensor", "elements differ",
                   "max abs", "max ULP", "rel norm", "cosine");
    for (size_t i = 0; i < n; i++) row(&d[i], width, out);
}

static int compare(const struct options *o, const struct side *a, const struct side *b)
{
    struct stm_buf out = {0};
    struct stm_tensor_diff *d = stm_calloc(a->state.n + b->state.n, sizeof *d);
    if (!d)
        return fail(&(struct stm_err){STM_E_NOMEM, "comparing two states: out of memory"}, NULL);
    size_t n = stm_state_diff(&a->state, &b->state, d);
    if (o->json)
        print_json(a, b, d, n, &out);
    else
        print_text(o, a, b, d, n, &out);
    int written = put_out(&out);
    stm_free(d);
    return written ? written : stm_id_eq(&a->id, &b->id) ? EXIT_YES : EXIT_NO;
}

int cmd_diff(const struct options *o)
{
    struct side a = {0}, b = {0};
    int code = open_side(&a, o, o->args[0]);
    if (!code) code = open_side(&b, o, o->args[1]);
    if (!code) code = compare(o, &a, &b);
    stm_state_release(&a.state);
    stm_state_release(&b.state);
    session_close(&a.s);
    session_close(&b.s);
    return code;
}
