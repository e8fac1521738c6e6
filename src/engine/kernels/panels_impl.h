/* panels.h in one precision; included twice by panels.c. */

size_t R(stm_panels)(size_t n) { return (n + R(stm_p)()->panel - 1) / R(stm_p)()->panel; }

size_t R(stm_panel_width)(size_t n, size_t j)
{
    const size_t panel = R(stm_p)()->panel;
    return n - j * panel < panel ? n - j * panel : panel;
}

void R(stm_to_panels)(const REAL *in, size_t ldi, size_t rows, size_t n, REAL *out)
{
    const size_t panel = R(stm_p)()->panel;
    for (size_t j = 0; j < R(stm_panels)(n); j++)
        for (size_t r = 0, here = R(stm_panel_width)(n, j); r < rows; r++, out += panel) {
            memcpy(out, in + r * ldi + j * panel, here * sizeof(REAL));
            memset(out + here, 0, (panel - here) * sizeof(REAL));
        }
}

void R(stm_from_panels)(const REAL *in, size_t rows, size_t n, REAL *out)
{
    const size_t panel = R(stm_p)()->panel;
    for (size_t j = 0; j < R(stm_panels)(n); j++)
        for (size_t r = 0; r < rows; r++, in += panel)
            memcpy(out + r * n + j * panel, in, R(stm_panel_width)(n, j) * sizeof(REAL));
}

void R(stm_to_panels_transposed)(const REAL *in, size_t n, size_t cols, REAL *out)
{
    const struct R(stm_products) *k = R(stm_p)();
    for (size_t j = 0; j < R(stm_panels)(n); j++)
        k->transpose(in + j * k->panel * cols, cols, R(stm_panel_width)(n, j), cols,
                     out + j * cols * k->panel, k->panel);
}

void R(stm_from_panels_transposed)(const REAL *in, size_t n, size_t cols, REAL *out)
{
    const struct R(stm_products) *k = R(stm_p)();
    for (size_t j = 0; j < R(stm_panels)(n); j++)
        k->transpose(in + j * cols * k->panel, k->panel, cols, R(stm_panel_width)(n, j),
                     out + j * k->panel * cols, cols);
}

void R(stm_sum_rows)(const REAL *in, size_t rows, size_t n, REAL *out)
{
    const size_t panel = R(stm_p)()->panel;
    memset(out, 0, n * sizeof(REAL));
    for (size_t j = 0; j < R(stm_panels)(n); j++)
        for (size_t r = 0; r < rows; r++, in += panel)
            R(stm_k)()->add(out + j * panel, in, R(stm_panel_width)(n, j));
}

static REAL *R(panel_at)(struct R(stm_rows) x, size_t j)
{
    return x.panels + j * x.rows * R(stm_p)()->panel;
}

struct R(stm_layout) R(stm_layout_panels)(REAL *at, size_t rows)
{
    const size_t panel = R(stm_p)()->panel;
    return (struct R(stm_layout)){at, rows * panel, panel};
}

/* A panel is a power of two of cache lines; an odd number of them has no factor in common with the
 * number of sets. */
struct R(stm_layout) R(stm_layout_rows)(REAL *at, size_t n)
{
    const size_t panel = R(stm_p)()->panel;
    return (struct R(stm_layout)){at, panel, R(stm_panels)(n) * panel + 64 / sizeof(REAL)};
}

void R(stm_activate_panels)(int act, size_t T, size_t H, struct R(stm_rows) u, struct R(stm_rows) v,
                            struct R(stm_layout) h, REAL *slope, struct R(stm_layout) ht)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t panel = k->panel;
    for (size_t j = 0; j < R(stm_panels)(H); j++)
        for (size_t t = 0; t < T; t += panel) {
            const struct R(stm_hidden)
                x = {.T = R(stm_panel_width)(T, t / panel),
                     .at_a = u.at + t,
                     .at_b = v.at + t,
                     .u = R(panel_at)(u, j),
                     .v = R(panel_at)(v, j),
                     .h = h.at + j * h.step + t * h.row,
                     .ldh = h.row,
                     .slope = slope ? slope + (j * STM_TILE + t) * panel : NULL};
            k->hidden[act](&x);
            k->transpose(x.h, h.row, x.T, R(stm_panel_width)(H, j),
                         ht.at + t / panel * ht.step + j * panel * ht.row, ht.row);
        }
}

void R(stm_transpose_tile)(struct R(stm_layout) h, size_t T, size_t H, struct R(stm_layout) ht)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t panel = k->panel;
    for (size_t j = 0; j < R(stm_panels)(H); j++)
        for (size_t t = 0; t < T; t += panel)
            k->transpose(h.at + j * h.step + t * h.row, h.row, R(stm_panel_width)(T, t / panel),
                         R(stm_panel_width)(H, j), ht.at + t / panel * ht.step + j * panel * ht.row,
                         ht.row);
}

void R(stm_panels_logits)(size_t T, size_t C, size_t H, const REAL *w, const REAL *bias,
                          const REAL *ht, double scale, REAL *logits)
{
    const struct R(stm_products) *k = R(stm_p)();
    if (bias) R(stm_k)()->fill_rows(logits, bias, C, T);
    for (size_t t = 0; t < T; t += k->panel) {
        const struct R(stm_product) x = {.m = C,
                                         .n = R(stm_panel_width)(T, t / k->panel),
                                         .k = H,
                                         .a = w,
                                         .a_row = 1,
                                         .a_k = C,
                                         .b = ht + t * H,
                                         .c = logits + t,
                                         .ldc = T,
                                         .start = bias ? logits + t : NULL,
                                         .start_row = T};
        k->multiply(&x);
    }
    if (scale != 1) R(stm_k)()->scale(logits, (REAL)scale, C * T);
}

void R(stm_panels_out_grad)(size_t T, size_t C, size_t H, const REAL *dlogits, const REAL *h,
                            REAL *dwt)
{
    const struct R(stm_products) *k = R(stm_p)();
    for (size_t j = 0; j < R(stm_panels)(H); j++) {
        REAL *c = dwt + j * C * k->panel;
        const struct R(stm_product) x = {.m = C,
                                         .n = k->panel,
                                         .k = T,
                                         .a = dlogits,
                                         .a_row = T,
                                         .a_k = 1,
                                         .b = h + j * STM_TILE * k->panel,
                                         .c = c,
                                         .ldc = k->panel,
                                         .start = c,
                                         .start_row = k->panel};
        k->multiply(&x);
    }
}

void R(stm_panels_hidden_grad)(const struct R(stm_hidden_grad) * first, size_t H,
                               struct R(stm_rows) a, struct R(stm_rows) b)
{
    const struct R(stm_products) *k = R(stm_p)();
    struct R(stm_hidden_grad) x = *first;
    x.at_a = a.at;
    x.at_b = b.at;
    for (size_t j = 0; j < R(stm_panels)(H); j++) {
        x.wt = first->wt + j * x.C * k->panel;
        x.slope = first->slope + j * STM_TILE * k->panel;
        x.du = R(panel_at)(a, j);
        x.dv = R(panel_at)(b, j);
        k->hidden_grad(&x);
    }
}
