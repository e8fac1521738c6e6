/* mlp in one precision on panels: the fast case of the portable profile, with the bits of
 * model_mlp_impl.h. Included twice by model_mlp.c.
 *
 * The layers between hidden units are products of three kinds, all without packing. Their left
 * factors lie in rows (stm_layout_rows): the activations of the layer before, transposed in the
 * forward pass, as they are in the gradient of W, and the transposed gradient in the backward pass.
 * The right factors, in panels, are W, the gradient, and W transposed. The last layer is that of
 * embed_mlp.
 */

static void R(panels_carve)(struct stm_net *net, struct stm_carve *c)
{
    const size_t p = net->task.tokens, C = net->task.classes, in = net->task.inputs,
                 H = (size_t)net->arg[HIDDEN], L = (size_t)net->arg[LAYERS];
    const size_t wide = R(stm_panels)(H) * R(stm_p)()->panel;
    const size_t units = R(stm_layout_rows)(NULL, H).row,
                 pairs = R(stm_layout_rows)(NULL, STM_TILE).row;
    const size_t elements[] = {
        [P_ACTS] = L * STM_TILE * units,
        [P_SLOPE] = L * STM_TILE * wide,
        [P_SUMS] = STM_TILE * wide,
        [P_DX] = STM_TILE * wide,
        [P_TURNED] = H * pairs,
        [P_U] = p * wide,
        [P_V] = p * wide,
        [P_DU] = p * wide,
        [P_DV] = p * wide,
        [P_W] = (in + (L - 1) * H) * wide,
        [P_WT] = (L - 1) * H * wide,
        [P_OUTT] = C * wide,
        [P_DOUTT] = C * wide,
        [P_BIAS] = L * wide,
        [P_DBIAS] = L * wide,
        [P_LANES16] = 16 * C,
        [P_X] = STM_TILE * in,
        [P_ROW] = in * (sizeof(double) / sizeof(REAL)),
    };
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        net->work[i] = elements[i] ? stm_carve_take(c, elements[i] * sizeof(REAL)) : NULL;
    net->work[P_AT] = stm_carve_take(c, 4 * STM_TILE * sizeof(uint32_t));
}

/* Layer l of arrays with `rows` rows of panels a layer. */
static REAL *R(layer)(const struct stm_net *net, int work, unsigned l, size_t rows)
{
    const size_t H = (size_t)net->arg[HIDDEN];
    return (REAL *)net->work[work] + l * rows * R(stm_panels)(H) * R(stm_p)()->panel;
}

/* The first layer that is a product: on pairs the first of all is none. */
static unsigned R(first_product)(const struct stm_net *net) { return net->task.inputs ? 0 : 1; }

/* What layer l reads: numbers of a point, or units. */
static size_t R(fan_in)(const struct stm_net *net, unsigned l)
{
    return l ? (size_t)net->arg[HIDDEN] : net->task.inputs;
}

/* W of a layer that is a product, in panels of [fan in][panel]; those of points come first. */
static REAL *R(w_panels)(const struct stm_net *net, unsigned l)
{
    const size_t H = (size_t)net->arg[HIDDEN], wide = R(stm_panels)(H) * R(stm_p)()->panel;
    return (REAL *)net->work[P_W] + (l ? net->task.inputs + (l - 1) * H : 0) * wide;
}

/* U and V: the two rows of W1 that a pair adds, the first with the bias. */
static void R(first_rows)(struct stm_net *net)
{
    const size_t p = net->task.tokens, H = (size_t)net->arg[HIDDEN], panel = R(stm_p)()->panel;
    const REAL *w1 = net->param[weight(0)], *b1 = net->work[P_BIAS];
    REAL *u = net->work[P_U];
    R(stm_to_panels)(w1, H, p, H, u);
    R(stm_to_panels)(w1 + p * H, H, p, H, net->work[P_V]);
    for (size_t j = 0; j < R(stm_panels)(H); j++)
        for (size_t a = 0; a < p; a++, u += panel) R(stm_k)()->add(u, b1 + j * panel, panel);
}

static void R(clear_grads)(struct stm_net *net)
{
    const size_t p = net->task.tokens, C = net->task.classes, H = (size_t)net->arg[HIDDEN],
                 wide = R(stm_panels)(H) * R(stm_p)()->panel * sizeof(REAL);
    const unsigned L = (unsigned)net->arg[LAYERS];
    for (unsigned l = R(first_product)(net); l < L; l++)
        memset(net->grad[weight(l)], 0, net->spec[weight(l)].n * sizeof(REAL));
    if (p) memset(net->work[P_DU], 0, p * wide);
    if (p) memset(net->work[P_DV], 0, p * wide);
    memset(net->work[P_DOUTT], 0, C * wide);
    memset(net->work[P_DBIAS], 0, L * wide);
    memset(net->work[P_LANES16], 0, 16 * C * sizeof(REAL));
}

static void R(panels_begin)(struct stm_net *net, bool grad)
{
    const size_t C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    const unsigned L = (unsigned)net->arg[LAYERS], first = R(first_product)(net);
    uint32_t *self = (uint32_t *)net->work[P_AT] + SELF * STM_TILE;

    for (uint32_t t = 0; t < STM_TILE; t++) self[t] = t;
    for (unsigned l = 0; l < L; l++)
        memcpy(R(layer)(net, P_BIAS, l, 1), net->param[bias(l)],
               net->spec[bias(l)].n * sizeof(REAL));
    if (first == 1) R(first_rows)(net);
    for (unsigned l = first; l < L; l++)
        R(stm_to_panels)(net->param[weight(l)], H, R(fan_in)(net, l), H, R(w_panels)(net, l));
    if (!grad) return;
    for (unsigned l = 1; l < L; l++)
        R(stm_to_panels_transposed)(net->param[weight(l)], H, H, R(layer)(net, P_WT, l - 1, H));
    R(stm_to_panels_transposed)(net->param[weight(L)], H, C, net->work[P_OUTT]);
    R(clear_grads)(net);
}

/* Rows of panels by one of the tile's lists. */
static struct R(stm_rows) R(rows_of)(const struct stm_net *net, REAL *panels, size_t rows, int at)
{
    return (struct R(stm_rows)){panels, rows, (uint32_t *)net->work[P_AT] + at * STM_TILE};
}

/* The activations of layer l: the last ones are a right factor, the others left ones. */
static struct R(stm_layout) R(acts)(const struct stm_net *net, unsigned l)
{
    const size_t H = (size_t)net->arg[HIDDEN];
    REAL *at = (REAL *)net->work[P_ACTS] + l * STM_TILE * R(stm_layout_rows)(NULL, H).row;
    return l + 1 == (unsigned)net->arg[LAYERS] ? R(stm_layout_panels)(at, STM_TILE)
                                               : R(stm_layout_rows)(at, H);
}

/* The same, transposed. */
static struct R(stm_layout) R(turned)(const struct stm_net *net, unsigned l)
{
    return l + 1 == (unsigned)net->arg[LAYERS]
               ? R(stm_layout_panels)(net->work[P_TURNED], (size_t)net->arg[HIDDEN])
               : R(stm_layout_rows)(net->work[P_TURNED], STM_TILE);
}

/* SUMS = what layer l reads times its W. */
static void R(hidden_sums)(struct stm_net *net, unsigned l, size_t T)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t H = (size_t)net->arg[HIDDEN], n = R(fan_in)(net, l);
    for (size_t j = 0; j < R(stm_panels)(H); j++) {
        const struct R(stm_product) x = {.m = T,
                                         .n = k->panel,
                                         .k = n,
                                         .a = net->work[l ? P_TURNED : P_X],
                                         .a_row = l ? 1 : n,
                                         .a_k = l ? R(turned)(net, l - 1).row : 1,
                                         .b = R(w_panels)(net, l) + j * n * k->panel,
                                         .c = (REAL *)net->work[P_SUMS] + j * STM_TILE * k->panel,
                                         .ldc = k->panel};
        k->multiply(&x);
    }
}

static void R(panels_forward)(struct stm_net *net, const uint32_t *pairs, size_t T, double scale,
                              void *logits, bool grad)
{
    const unsigned L = (unsigned)net->arg[LAYERS];
    const uint32_t p = net->task.tokens;
    const size_t C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    const int act = (int)net->arg[ACT];
    uint32_t *at = net->work[P_AT];

    if (net->task.inputs) R(read_points)(net, pairs, T, net->work[P_X], net->work[P_ROW]);
    for (size_t t = 0; t < T && p; t++) {
        at[AT_A * STM_TILE + t] = pairs[t] / p;
        at[AT_B * STM_TILE + t] = pairs[t] % p;
    }
    for (unsigned l = 0; l < L; l++) {
        REAL *b = R(layer)(net, P_BIAS, l, 1);
        REAL *slope = grad ? R(layer)(net, P_SLOPE, l, STM_TILE) : NULL;
        struct R(stm_rows) u = R(rows_of)(net, net->work[P_U], p, AT_A);
        struct R(stm_rows) v = R(rows_of)(net, net->work[P_V], p, AT_B);
        if (l >= R(first_product)(net)) {
            R(hidden_sums)(net, l, T);
            u = R(rows_of)(net, net->work[P_SUMS], STM_TILE, SELF);
            v = R(rows_of)(net, b, 1, NOUGHT);
        }
        R(stm_activate_panels)(act, T, H, u, v, R(acts)(net, l), slope, R(turned)(net, l));
    }
    const REAL *b = net->spec[bias(L)].n ? net->param[bias(L)] : NULL;
    R(stm_panels_logits)(T, C, H, net->param[weight(L)], b, net->work[P_TURNED], scale, logits);
}

/* From d[n][T], rows `ldd` apart, the gradient of what layer l feeds, to the gradient of its own
 * sums: into the rows of dU and dV on pairs, else into DX and the gradient of the bias. */
static void R(through)(struct stm_net *net, unsigned l, size_t T, const REAL *d, size_t ldd,
                       size_t n, const REAL *wt)
{
    const size_t H = (size_t)net->arg[HIDDEN], p = net->task.tokens;
    const struct R(stm_hidden_grad) x = {.T = T,
                                         .C = n,
                                         .d = d,
                                         .ldd = ldd,
                                         .wt = wt,
                                         .slope = R(layer)(net, P_SLOPE, l, STM_TILE),
                                         .sums = net->work[P_SUMS]};
    struct R(stm_rows) a = R(rows_of)(net, net->work[P_DU], p, AT_A);
    struct R(stm_rows) b = R(rows_of)(net, net->work[P_DV], p, AT_B);
    if (l >= R(first_product)(net)) {
        a = R(rows_of)(net, net->work[P_DX], STM_TILE, SELF);
        b = R(rows_of)(net, R(layer)(net, P_DBIAS, l, 1), 1, NOUGHT);
        memset(a.panels, 0, R(stm_panels)(H) * STM_TILE * R(stm_p)()->panel * sizeof(REAL));
    }
    R(stm_panels_hidden_grad)(&x, H, a, b);
}

/* dW of layer l += what it reads, transposed, times DX. */
static void R(hidden_weight_grad)(struct stm_net *net, unsigned l, size_t T)
{
    const struct R(stm_products) *k = R(stm_p)();
    const size_t H = (size_t)net->arg[HIDDEN], n = R(fan_in)(net, l);
    for (size_t j = 0; j < R(stm_panels)(H); j++) {
        REAL *dw = (REAL *)net->grad[weight(l)] + j * k->panel;
        const struct R(stm_product) x = {.m = n,
                                         .n = R(stm_panel_width)(H, j),
                                         .k = T,
                                         .a = l ? R(acts)(net, l - 1).at : net->work[P_X],
                                         .a_row = 1,
                                         .a_k = l ? R(acts)(net, l - 1).row : n,
                                         .b = (REAL *)net->work[P_DX] + j * STM_TILE * k->panel,
                                         .c = dw,
                                         .ldc = H,
                                         .start = dw,
                                         .start_row = H};
        k->multiply(&x);
    }
}

static void R(panels_backward)(struct stm_net *net, const uint32_t *pairs, size_t T,
                               const void *dlogits)
{
    const size_t C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    const unsigned L = (unsigned)net->arg[LAYERS];
    const struct R(stm_layout) dx = R(stm_layout_panels)(net->work[P_DX], STM_TILE),
                               dxt = R(stm_layout_rows)(net->work[P_TURNED], STM_TILE);
    (void)pairs; /* those of the forward pass */

    R(stm_k)()->row_lanes(dlogits, net->work[P_LANES16], C, T);
    R(stm_panels_out_grad)(T, C, H, dlogits, R(acts)(net, L - 1).at, net->work[P_DOUTT]);
    R(through)(net, L - 1, T, dlogits, T, C, net->work[P_OUTT]);
    for (unsigned l = L - 1; l >= R(first_product)(net); l--) {
        R(hidden_weight_grad)(net, l, T);
        if (l == 0) break;
        R(stm_transpose_tile)(dx, T, H, dxt);
        R(through)(net, l - 1, T, dxt.at, dxt.row, H, R(layer)(net, P_WT, l - 1, H));
    }
}

static void R(panels_end)(struct stm_net *net)
{
    const size_t p = net->task.tokens, C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    const unsigned L = (unsigned)net->arg[LAYERS];
    REAL *dw1 = net->grad[weight(0)];

    if (net->spec[bias(L)].n) R(stm_k)()->lane_sums(net->work[P_LANES16], net->grad[bias(L)], C);
    R(stm_from_panels_transposed)(net->work[P_DOUTT], H, C, net->grad[weight(L)]);
    for (unsigned l = 0; l < L; l++)
        memcpy(net->grad[bias(l)], R(layer)(net, P_DBIAS, l, 1),
               net->spec[bias(l)].n * sizeof(REAL));
    if (!p) return;
    R(stm_from_panels)(net->work[P_DU], p, H, dw1);
    R(stm_from_panels)(net->work[P_DV], p, H, dw1 + p * H);
    if (net->spec[bias(0)].n) R(stm_sum_rows)(net->work[P_DU], p, H, net->grad[bias(0)]);
}
