/* embed_mlp in one precision on panels: the fast case of the portable profile, with the bits of
 * model_embed_mlp_impl.h. Included twice by model_embed_mlp.c. */

static void R(panels_carve)(struct stm_net *net, struct stm_carve *c)
{
    const size_t p = net->task.tokens, C = net->task.classes, d = (size_t)net->arg[EMBED],
                 H = (size_t)net->arg[HIDDEN], panel = R(stm_p)()->panel;
    const size_t wide = R(stm_panels)(H) * panel, w1 = d * panel, w1t = H * panel;
    const size_t elements[] = {
        [U] = p * wide,
        [V] = p * wide,
        [W2T] = C * wide,
        [ACTS] = STM_TILE * wide,
        [DU] = p * wide,
        [DV] = p * wide,
        [SLOPE] = STM_TILE * wide,
        [DW2T] = C * wide,
        [LANES16] = 16 * C,
        [ACTST] = H * ((STM_TILE + panel - 1) / panel * panel),
        [BIAS_ROW] = wide,
        [W1_PANELS] = w1 > w1t ? w1 : w1t,
        [DH] = STM_TILE * panel,
    };
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        net->work[i] = elements[i] ? stm_carve_take(c, elements[i] * sizeof(REAL)) : NULL;
    net->work[AT_A] = stm_carve_take(c, STM_TILE * sizeof(uint32_t));
    net->work[AT_B] = stm_carve_take(c, STM_TILE * sizeof(uint32_t));
}

/* The rows of U or dU, and of V or dV, that the tile's pairs have. */
static struct R(stm_rows) R(rows_of)(const struct stm_net *net, int work, int at)
{
    return (struct R(stm_rows)){net->work[work], net->task.tokens, net->work[at]};
}

/* U or V: out = start + E W1[0:d] or E W1[d:2d]; a start is one row. */
static void R(first_layer)(struct stm_net *net, const REAL *w1, const REAL *start, REAL *out)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t p = net->task.tokens, d = (size_t)net->arg[EMBED], H = (size_t)net->arg[HIDDEN];
    for (size_t j = 0; j < R(stm_panels)(H); j++) {
        R(stm_to_panels)(w1 + j * k->panel, H, d, R(stm_panel_width)(H, j), net->work[W1_PANELS]);
        const struct R(stm_product) u = {.m = p,
                                         .n = k->panel,
                                         .k = d,
                                         .a = net->param[E],
                                         .a_row = d,
                                         .a_k = 1,
                                         .b = net->work[W1_PANELS],
                                         .c = out + j * p * k->panel,
                                         .ldc = k->panel,
                                         .start = start ? start + j * k->panel : NULL};
        k->multiply(&u);
    }
}

static void R(panels_begin)(struct stm_net *net, bool grad)
{
    const size_t p = net->task.tokens, C = net->task.classes, d = (size_t)net->arg[EMBED],
                 H = (size_t)net->arg[HIDDEN], wide = R(stm_panels)(H) * R(stm_p)()->panel;
    const REAL *w1 = net->param[W1];
    const bool bias = net->spec[B1].n > 0;

    if (bias) memcpy(net->work[BIAS_ROW], net->param[B1], H * sizeof(REAL));
    R(first_layer)(net, w1, bias ? net->work[BIAS_ROW] : NULL, net->work[U]);
    R(first_layer)(net, w1 + d * H, NULL, net->work[V]);
    if (!grad) return;
    R(stm_to_panels_transposed)(net->param[W2], H, C, net->work[W2T]);
    memset(net->work[DU], 0, p * wide * sizeof(REAL));
    memset(net->work[DV], 0, p * wide * sizeof(REAL));
    memset(net->work[DW2T], 0, C * wide * sizeof(REAL));
    memset(net->work[LANES16], 0, 16 * C * sizeof(REAL));
}

static void R(panels_forward)(struct stm_net *net, const uint32_t *pairs, size_t T, double scale,
                              void *logits, bool grad)
{
    const uint32_t p = net->task.tokens;
    const size_t C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    uint32_t *at_a = net->work[AT_A], *at_b = net->work[AT_B];

    for (size_t t = 0; t < T; t++) {
        at_a[t] = pairs[t] / p;
        at_b[t] = pairs[t] - at_a[t] * p;
    }
    const struct R(stm_rows) u = R(rows_of)(net, U, AT_A), v = R(rows_of)(net, V, AT_B);
    const REAL *bias = net->spec[B2].n ? net->param[B2] : NULL;
    const struct R(stm_layout) h = R(stm_layout_panels)(net->work[ACTS], STM_TILE),
                               ht = R(stm_layout_panels)(net->work[ACTST], H);
    REAL *slope = grad ? net->work[SLOPE] : NULL;
    R(stm_activate_panels)((int)net->arg[ACT], T, H, u, v, h, slope, ht);
    R(stm_panels_logits)(T, C, H, net->param[W2], bias, ht.at, scale, logits);
}

static void R(panels_backward)(struct stm_net *net, const uint32_t *pairs, size_t T,
                               const void *dlogits)
{
    const size_t C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    const struct R(stm_hidden_grad) dh = {.T = T,
                                          .C = C,
                                          .d = dlogits,
                                          .ldd = T,
                                          .wt = net->work[W2T],
                                          .slope = net->work[SLOPE],
                                          .sums = net->work[DH]};
    (void)pairs; /* those of the forward pass */

    R(stm_k)()->row_lanes(dlogits, net->work[LANES16], C, T);
    R(stm_panels_out_grad)(T, C, H, dlogits, net->work[ACTS], net->work[DW2T]);
    R(stm_panels_hidden_grad)(&dh, H, R(rows_of)(net, DU, AT_A), R(rows_of)(net, DV, AT_B));
}

/* de[p][d] (+)= g W1half^T, g the panels of dU or dV. */
static void R(embedding_grad)(struct stm_net *net, int g, const REAL *w1, bool add)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t p = net->task.tokens, d = (size_t)net->arg[EMBED], H = (size_t)net->arg[HIDDEN];
    REAL *w1t = net->work[W1_PANELS];
    for (size_t q = 0; q < R(stm_panels)(d); q++) {
        const size_t n = R(stm_panel_width)(d, q);
        REAL *de = (REAL *)net->grad[E] + q * k->panel;
        R(stm_to_panels_transposed)(w1 + q * k->panel * H, n, H, w1t);
        for (size_t j = 0; j < R(stm_panels)(H); j++) {
            const struct R(stm_product) x = {.m = p,
                                             .n = n,
                                             .k = R(stm_panel_width)(H, j),
                                             .a = (REAL *)net->work[g] + j * p * k->panel,
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

/* dW1[0:d] or dW1[d:2d] = E^T g, g the panels of dU or dV. */
static void R(first_layer_grad)(struct stm_net *net, int g, REAL *dw1)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t p = net->task.tokens, d = (size_t)net->arg[EMBED], H = (size_t)net->arg[HIDDEN];
    for (size_t j = 0; j < R(stm_panels)(H); j++) {
        const struct R(stm_product) x = {.m = d,
                                         .n = R(stm_panel_width)(H, j),
                                         .k = p,
                                         .a = net->param[E],
                                         .a_row = 1,
                                         .a_k = d,
                                         .b = (REAL *)net->work[g] + j * p * k->panel,
                                         .c = dw1 + j * k->panel,
                                         .ldc = H};
        k->multiply(&x);
    }
}

static void R(panels_end)(struct stm_net *net)
{
    const size_t p = net->task.tokens, C = net->task.classes, d = (size_t)net->arg[EMBED],
                 H = (size_t)net->arg[HIDDEN];
    const REAL *w1 = net->param[W1];
    REAL *dw1 = net->grad[W1];

    if (net->spec[B2].n) R(stm_k)()->lane_sums(net->work[LANES16], net->grad[B2], C);
    R(stm_from_panels_transposed)(net->work[DW2T], H, C, net->grad[W2]);
    if (net->spec[B1].n) R(stm_sum_rows)(net->work[DU], p, H, net->grad[B1]);
    R(first_layer_grad)(net, DU, dw1);
    R(first_layer_grad)(net, DV, dw1 + d * H);
    R(embedding_grad)(net, DU, w1, false);
    R(embedding_grad)(net, DV, w1 + d * H, true);
}
