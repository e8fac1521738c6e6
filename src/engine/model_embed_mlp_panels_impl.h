/* embed_mlp in one precision on the panels of products.h: the fast case of the portable profile,
 * with the bits of model_embed_mlp_impl.h. Included twice by model_embed_mlp.c.
 *
 * Hidden units lie in panels: an array [n][H] is panels of [n][panel], zeros past the last unit, so
 * that no right factor has to be packed and a panel's rows stay in the first cache. Logits are
 * computed with pairs as lanes, from the transposed activations [H][panel of pairs].
 */

/* Panel j of an array of `rows` rows. */
static REAL *R(panel_of)(const struct stm_net *net, int work, size_t j, size_t rows)
{
    return (REAL *)net->work[work] + j * rows * R(stm_p)()->panel;
}

static size_t R(panels)(size_t n) { return (n + R(stm_p)()->panel - 1) / R(stm_p)()->panel; }

/* How many of n columns panel j has. */
static size_t R(width)(size_t n, size_t j)
{
    const size_t panel = R(stm_p)()->panel;
    return n - j * panel < panel ? n - j * panel : panel;
}

static void R(panels_carve)(struct stm_net *net, struct stm_carve *c, size_t tile)
{
    const size_t p = net->task.tokens, C = net->task.classes, d = (size_t)net->arg[EMBED],
                 H = (size_t)net->arg[HIDDEN], panel = R(stm_p)()->panel;
    const size_t wide = R(panels)(H) * panel, w1 = d * panel, w1t = H * panel;
    const size_t elements[] = {
        [U] = p * wide,        [V] = p * wide,
        [W2T] = C * wide,      [ACTS] = tile * wide,
        [DU] = p * wide,       [DV] = p * wide,
        [SLOPE] = tile * wide, [DW2T] = C * wide,
        [LANES16] = 16 * C,    [ACTST] = H * ((tile + panel - 1) / panel * panel),
        [BIAS_ROW] = wide,     [W1_PANELS] = w1 > w1t ? w1 : w1t,
    };
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        net->work[i] = elements[i] ? stm_carve_take(c, elements[i] * sizeof(REAL)) : NULL;
    net->work[AT_A] = stm_carve_take(c, tile * sizeof(uint32_t));
    net->work[AT_B] = stm_carve_take(c, tile * sizeof(uint32_t));
}

/* One panel of U or V: out[p][panel] = start + E W1[0:d] or E W1[d:2d], columns of panel j. */
static void R(first_layer)(struct stm_net *net, const REAL *w1, size_t j, const REAL *start,
                           REAL *out)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t d = (size_t)net->arg[EMBED], H = (size_t)net->arg[HIDDEN], n = R(width)(H, j);
    REAL *packed = net->work[W1_PANELS];
    for (size_t l = 0; l < d; l++) {
        memcpy(packed + l * k->panel, w1 + l * H + j * k->panel, n * sizeof(REAL));
        memset(packed + l * k->panel + n, 0, (k->panel - n) * sizeof(REAL));
    }
    const struct R(stm_product) u = {.m = net->task.tokens,
                                     .n = k->panel,
                                     .k = d,
                                     .a = net->param[E],
                                     .a_row = d,
                                     .a_k = 1,
                                     .b = packed,
                                     .c = out,
                                     .ldc = k->panel,
                                     .start = start};
    k->multiply(&u);
}

static void R(panels_begin)(struct stm_net *net, bool grad)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t p = net->task.tokens, C = net->task.classes, d = (size_t)net->arg[EMBED],
                 H = (size_t)net->arg[HIDDEN], J = R(panels)(H);
    const REAL *w1 = net->param[W1], *w2 = net->param[W2];
    const bool bias = net->spec[B1].n > 0;

    if (bias) memcpy(net->work[BIAS_ROW], net->param[B1], H * sizeof(REAL));
    for (size_t j = 0; j < J; j++) {
        const REAL *b1 = bias ? R(panel_of)(net, BIAS_ROW, j, 1) : NULL;
        R(first_layer)(net, w1, j, b1, R(panel_of)(net, U, j, p));
        R(first_layer)(net, w1 + d * H, j, NULL, R(panel_of)(net, V, j, p));
        k->transpose(w2 + j * k->panel * C, C, R(width)(H, j), C, R(panel_of)(net, W2T, j, C),
                     k->panel);
    }
    if (!grad) return;
    memset(net->work[DU], 0, J * p * k->panel * sizeof(REAL));
    memset(net->work[DV], 0, J * p * k->panel * sizeof(REAL));
    memset(net->work[DW2T], 0, J * C * k->panel * sizeof(REAL));
    memset(net->work[LANES16], 0, 16 * C * sizeof(REAL));
}

/* Activations of the tile's pairs, their slopes, and the activations transposed. */
static void R(activate)(struct stm_net *net, size_t T, bool grad)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t p = net->task.tokens, H = (size_t)net->arg[HIDDEN], panel = k->panel;
    const int act = (int)net->arg[ACT];
    for (size_t j = 0; j < R(panels)(H); j++)
        for (size_t t = 0; t < T; t += panel) {
            const size_t n = T - t < panel ? T - t : panel;
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
            k->transpose(h, panel, n, R(width)(H, j),
                         R(panel_of)(net, ACTST, t / panel, H) + j * panel * panel, panel);
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
    for (size_t t = 0; t < T; t += k->panel) {
        REAL *c = (REAL *)logits + t;
        const struct R(stm_product) x = {.m = C,
                                         .n = T - t < k->panel ? T - t : k->panel,
                                         .k = H,
                                         .a = net->param[W2],
                                         .a_row = 1,
                                         .a_k = C,
                                         .b = R(panel_of)(net, ACTST, t / k->panel, H),
                                         .c = c,
                                         .ldc = T,
                                         .start = bias ? c : NULL,
                                         .start_row = T};
        k->multiply(&x);
    }
    if (scale != 1) R(stm_k)()->scale(logits, (REAL)scale, C * T);
}

static void R(panels_backward)(struct stm_net *net, const uint32_t *pairs, size_t T,
                               const void *dlogits)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t p = net->task.tokens, C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    (void)pairs; /* those of the forward pass */

    R(stm_k)()->row_lanes(dlogits, net->work[LANES16], C, T);
    for (size_t j = 0; j < R(panels)(H); j++) {
        REAL *dw2t = R(panel_of)(net, DW2T, j, C);
        const struct R(stm_product) dw2 = {.m = C,
                                           .n = k->panel,
                                           .k = T,
                                           .a = dlogits,
                                           .a_row = T,
                                           .a_k = 1,
                                           .b = R(panel_of)(net, ACTS, j, STM_TILE),
                                           .c = dw2t,
                                           .ldc = k->panel,
                                           .start = dw2t,
                                           .start_row = k->panel};
        const struct R(stm_hidden_grad) dh = {.T = T,
                                              .C = C,
                                              .dlogits = dlogits,
                                              .w2t = R(panel_of)(net, W2T, j, C),
                                              .slope = R(panel_of)(net, SLOPE, j, STM_TILE),
                                              .at_a = net->work[AT_A],
                                              .at_b = net->work[AT_B],
                                              .du = R(panel_of)(net, DU, j, p),
                                              .dv = R(panel_of)(net, DV, j, p)};
        k->multiply(&dw2);
        k->hidden_grad(&dh);
    }
}

/* de[p][d] (+)= g W1half^T, g the panels of dU or dV. */
static void R(embedding_grad)(struct stm_net *net, int g, const REAL *w1, bool add)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t p = net->task.tokens, d = (size_t)net->arg[EMBED], H = (size_t)net->arg[HIDDEN];
    REAL *w1t = net->work[W1_PANELS];
    for (size_t q = 0; q < R(panels)(d); q++) {
        const size_t n = R(width)(d, q);
        REAL *de = (REAL *)net->grad[E] + q * k->panel;
        k->transpose(w1 + q * k->panel * H, H, n, H, w1t, k->panel);
        for (size_t j = 0; j < R(panels)(H); j++) {
            const struct R(stm_product) x = {.m = p,
                                             .n = n,
                                             .k = R(width)(H, j),
                                             .a = R(panel_of)(net, g, j, p),
                                             .a_row = k->panel,
                                             .a_k = 1,
                                             .b = w1t + j * k->panel * k->panel,
                                             .c = de,
                                             .ldc = d,
                                             .start = add || j ? de : NULL,
                                             .start_row = d};
            k->multiply(&x);
        }
    }
}

static void R(panels_end)(struct stm_net *net)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t p = net->task.tokens, C = net->task.classes, d = (size_t)net->arg[EMBED],
                 H = (size_t)net->arg[HIDDEN];
    const REAL *w1 = net->param[W1];
    REAL *dw2 = net->grad[W2], *db1 = net->grad[B1];

    if (net->spec[B2].n) R(stm_k)()->lane_sums(net->work[LANES16], net->grad[B2], C);
    memset(db1, 0, net->spec[B1].n * sizeof(REAL));
    for (size_t j = 0; j < R(panels)(H); j++) {
        const size_t n = R(width)(H, j), at = j * k->panel;
        const REAL *du = R(panel_of)(net, DU, j, p);
        k->transpose(R(panel_of)(net, DW2T, j, C), k->panel, C, n, dw2 + at * C, C);
        for (size_t a = 0; a < p && net->spec[B1].n; a++)
            R(stm_k)()->add(db1 + at, du + a * k->panel, n);
        for (int half = 0; half < 2; half++) {
            const struct R(stm_product) x = {.m = d,
                                             .n = n,
                                             .k = p,
                                             .a = net->param[E],
                                             .a_row = 1,
                                             .a_k = d,
                                             .b = R(panel_of)(net, half ? DV : DU, j, p),
                                             .c = (REAL *)net->grad[W1] + (half ? d * H : 0) + at,
                                             .ldc = H};
            k->multiply(&x);
        }
    }
    R(embedding_grad)(net, DU, w1, false);
    R(embedding_grad)(net, DV, w1 + d * H, true);
}
