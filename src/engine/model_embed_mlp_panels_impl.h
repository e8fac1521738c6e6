/* embed_mlp in one precision on the panels of products.h: the fast case of the portable profile,
 * with the bits of model_embed_mlp_impl.h. Included twice by model_embed_mlp.c.
 *
 * Hidden units lie in panels: an array [n][H] is panels of [n][panel], zeros past the last unit, so
 * that no right factor has to be packed and a panel's rows stay in the first cache. Logits are
 * computed with pairs as lanes, from the transposed activations [H][panel of pairs]. Products take
 * a group of panels; panels between the last unit and the end of a group are zeros.
 */

/* The panel that begins at column j of an array of `rows` rows. */
static REAL *R(panel_of)(const struct stm_net *net, int work, size_t j, size_t rows)
{
    return (REAL *)net->work[work] + j * rows;
}

/* How many of the n columns are left at column j, up to `most`. */
static size_t R(width)(size_t n, size_t j, size_t most) { return n - j < most ? n - j : most; }

static void R(panels_carve)(struct stm_net *net, struct stm_carve *c, size_t tile)
{
    const size_t p = net->task.tokens, C = net->task.classes, d = (size_t)net->arg[EMBED],
                 H = (size_t)net->arg[HIDDEN], group = R(stm_p)()->group;
    const size_t wide = (H + group - 1) / group * group, w1 = d * group, w1t = H * group;
    const size_t elements[] = {
        [U] = p * wide,        [V] = p * wide,    [W2T] = C * wide,
        [ACTS] = tile * wide,  [DU] = p * wide,   [DV] = p * wide,
        [SLOPE] = tile * wide, [DW2T] = C * wide, [LANES16] = 16 * C,
        [ACTST] = H * tile,    [BIAS_ROW] = wide, [W1_PANELS] = w1 > w1t ? w1 : w1t,
    };
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        net->work[i] = elements[i] ? stm_carve_take(c, elements[i] * sizeof(REAL)) : NULL;
    net->work[AT_A] = stm_carve_take(c, tile * sizeof(uint32_t));
    net->work[AT_B] = stm_carve_take(c, tile * sizeof(uint32_t));
}

/* A group of U or V from column j: out[p] = start + E W1[0:d] or E W1[d:2d]. */
static void R(first_layer)(struct stm_net *net, const REAL *w1, size_t j, const REAL *start,
                           REAL *out)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t p = net->task.tokens, d = (size_t)net->arg[EMBED], H = (size_t)net->arg[HIDDEN],
                 panel = k->panel;
    REAL *packed = net->work[W1_PANELS];
    memset(packed, 0, d * k->group * sizeof(REAL));
    for (size_t v = 0; v < R(width)(H, j, k->group); v += panel)
        for (size_t l = 0; l < d; l++)
            memcpy(packed + v * d + l * panel, w1 + l * H + j + v,
                   R(width)(H, j + v, panel) * sizeof(REAL));
    const struct R(stm_product) u = {.m = p,
                                     .n = k->group,
                                     .k = d,
                                     .a = net->param[E],
                                     .a_row = d,
                                     .a_k = 1,
                                     .b = packed,
                                     .b_panel = d * panel,
                                     .c = out,
                                     .ldc = panel,
                                     .c_panel = p * panel,
                                     .start = start,
                                     .start_panel = panel};
    k->multiply(&u);
}

static void R(panels_begin)(struct stm_net *net, bool grad)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t p = net->task.tokens, C = net->task.classes, d = (size_t)net->arg[EMBED],
                 H = (size_t)net->arg[HIDDEN], panel = k->panel,
                 wide = (H + k->group - 1) / k->group * k->group;
    const REAL *w1 = net->param[W1], *w2 = net->param[W2];
    const bool bias = net->spec[B1].n > 0;

    if (bias) memcpy(net->work[BIAS_ROW], net->param[B1], H * sizeof(REAL));
    for (size_t j = 0; j < H; j += k->group) {
        const REAL *b1 = bias ? R(panel_of)(net, BIAS_ROW, j, 1) : NULL;
        R(first_layer)(net, w1, j, b1, R(panel_of)(net, U, j, p));
        R(first_layer)(net, w1 + d * H, j, NULL, R(panel_of)(net, V, j, p));
    }
    for (size_t j = 0; j < H; j += panel)
        k->transpose(w2 + j * C, C, R(width)(H, j, panel), C, R(panel_of)(net, W2T, j, C), panel);
    if (!grad) return;
    memset(net->work[DU], 0, p * wide * sizeof(REAL));
    memset(net->work[DV], 0, p * wide * sizeof(REAL));
    memset(net->work[DW2T], 0, C * wide * sizeof(REAL));
    memset(net->work[LANES16], 0, 16 * C * sizeof(REAL));
}

/* Activations of the tile's pairs, their slopes, and the activations transposed. */
static void R(activate)(struct stm_net *net, size_t T, bool grad)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t p = net->task.tokens, H = (size_t)net->arg[HIDDEN], panel = k->panel;
    const int act = (int)net->arg[ACT];
    for (size_t j = 0; j < H; j += panel)
        for (size_t t = 0; t < T; t += panel) {
            const size_t n = R(width)(T, t, panel);
            REAL *h = R(panel_of)(net, ACTS, j, STM_TILE) + t * panel;
            REAL *slope = R(panel_of)(net, SLOPE, j, STM_TILE) + t * panel;
            const struct R(stm_hidden) x = {.T = n,
                                            .at_a = (uint32_t *)net->work[AT_A] + t,
                                            .at_b = (uint32_t *)net->work[AT_B] + t,
                                            .u = R(panel_of)(net, U, j, p),
                                            .v = R(panel_of)(net, V, j, p),
                                            .h = h,
                                            .slope = grad ? slope : NULL};
            k->hidden[act](&x);
            k->transpose(h, panel, n, R(width)(H, j, panel),
                         R(panel_of)(net, ACTST, t, H) + j * panel, panel);
        }
}

static void R(panels_forward)(struct stm_net *net, const uint32_t *pairs, size_t T, double scale,
                              void *logits, bool grad)
{
    const struct R(stm_products) *k = R(stm_p)();
    const uint32_t p = net->task.tokens;
    const size_t C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    uint32_t *at_a = net->work[AT_A], *at_b = net->work[AT_B];
    const bool bias = net->spec[B2].n > 0;

    for (size_t t = 0; t < T; t++) {
        at_a[t] = pairs[t] / p;
        at_b[t] = pairs[t] - at_a[t] * p;
    }
    R(activate)(net, T, grad);
    if (bias) R(stm_k)()->fill_rows(logits, net->param[B2], C, T);
    for (size_t t = 0; t < T; t += k->group) {
        REAL *c = (REAL *)logits + t;
        const struct R(stm_product) x = {.m = C,
                                         .n = R(width)(T, t, k->group),
                                         .k = H,
                                         .a = net->param[W2],
                                         .a_row = 1,
                                         .a_k = C,
                                         .b = R(panel_of)(net, ACTST, t, H),
                                         .b_panel = H * k->panel,
                                         .c = c,
                                         .ldc = T,
                                         .c_panel = k->panel,
                                         .start = bias ? c : NULL,
                                         .start_row = T,
                                         .start_panel = k->panel};
        k->multiply(&x);
    }
    if (scale != 1) R(stm_k)()->scale(logits, (REAL)scale, C * T);
}

static void R(panels_backward)(struct stm_net *net, const uint32_t *pairs, size_t T,
                               const void *dlogits)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t p = net->task.tokens, C = net->task.classes, H = (size_t)net->arg[HIDDEN],
                 panel = k->panel;
    (void)pairs; /* those of the forward pass */

    R(stm_k)()->row_lanes(dlogits, net->work[LANES16], C, T);
    for (size_t j = 0; j < H; j += k->group) {
        REAL *dw2t = R(panel_of)(net, DW2T, j, C);
        const struct R(stm_product) dw2 = {.m = C,
                                           .n = k->group,
                                           .k = T,
                                           .a = dlogits,
                                           .a_row = T,
                                           .a_k = 1,
                                           .b = R(panel_of)(net, ACTS, j, STM_TILE),
                                           .b_panel = STM_TILE * panel,
                                           .c = dw2t,
                                           .ldc = panel,
                                           .c_panel = C * panel,
                                           .start = dw2t,
                                           .start_row = panel,
                                           .start_panel = C * panel};
        const struct R(stm_hidden_grad) dh = {.T = T,
                                              .C = C,
                                              .dlogits = dlogits,
                                              .w2t = R(panel_of)(net, W2T, j, C),
                                              .slope = R(panel_of)(net, SLOPE, j, STM_TILE),
                                              .slope_panel = STM_TILE * panel,
                                              .at_a = net->work[AT_A],
                                              .at_b = net->work[AT_B],
                                              .du = R(panel_of)(net, DU, j, p),
                                              .dv = R(panel_of)(net, DV, j, p),
                                              .tokens = p};
        k->multiply(&dw2);
        k->hidden_grad(&dh);
    }
}

/* de[p][d] (+)= g W1half^T, g the panels of dU or dV. */
static void R(embedding_grad)(struct stm_net *net, int g, const REAL *w1, bool add)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t p = net->task.tokens, d = (size_t)net->arg[EMBED], H = (size_t)net->arg[HIDDEN],
                 panel = k->panel;
    REAL *w1t = net->work[W1_PANELS];
    for (size_t q = 0; q < d; q += k->group) {
        const size_t n = R(width)(d, q, k->group);
        REAL *de = (REAL *)net->grad[E] + q;
        for (size_t v = 0; v < n; v += panel)
            k->transpose(w1 + (q + v) * H, H, R(width)(n, v, panel), H, w1t + v * H, panel);
        for (size_t j = 0; j < H; j += panel) {
            const struct R(stm_product) x = {.m = p,
                                             .n = n,
                                             .k = R(width)(H, j, panel),
                                             .a = R(panel_of)(net, g, j, p),
                                             .a_row = panel,
                                             .a_k = 1,
                                             .b = w1t + j * panel,
                                             .b_panel = H * panel,
                                             .c = de,
                                             .ldc = d,
                                             .c_panel = panel,
                                             .start = add || j ? de : NULL,
                                             .start_row = d,
                                             .start_panel = panel};
            k->multiply(&x);
        }
    }
}

static void R(panels_end)(struct stm_net *net)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t p = net->task.tokens, C = net->task.classes, d = (size_t)net->arg[EMBED],
                 H = (size_t)net->arg[HIDDEN], panel = k->panel;
    const REAL *w1 = net->param[W1];
    REAL *dw2 = net->grad[W2], *db1 = net->grad[B1];

    if (net->spec[B2].n) R(stm_k)()->lane_sums(net->work[LANES16], net->grad[B2], C);
    memset(db1, 0, net->spec[B1].n * sizeof(REAL));
    for (size_t j = 0; j < H; j += panel) {
        const size_t n = R(width)(H, j, panel);
        const REAL *du = R(panel_of)(net, DU, j, p);
        k->transpose(R(panel_of)(net, DW2T, j, C), panel, C, n, dw2 + j * C, C);
        for (size_t a = 0; a < p && net->spec[B1].n; a++)
            R(stm_k)()->add(db1 + j, du + a * panel, n);
    }
    for (size_t j = 0; j < H; j += k->group)
        for (int half = 0; half < 2; half++) {
            const struct R(stm_product) x = {.m = d,
                                             .n = R(width)(H, j, k->group),
                                             .k = p,
                                             .a = net->param[E],
                                             .a_row = 1,
                                             .a_k = d,
                                             .b = R(panel_of)(net, half ? DV : DU, j, p),
                                             .b_panel = p * panel,
                                             .c = (REAL *)net->grad[W1] + (half ? d * H : 0) + j,
                                             .ldc = H,
                                             .c_panel = panel};
            k->multiply(&x);
        }
    R(embedding_grad)(net, DU, w1, false);
    R(embedding_grad)(net, DV, w1 + d * H, true);
}
