/* mlp in one precision; included twice by model_mlp.c. */

static void R(carve)(struct stm_net *net, struct stm_carve *c)
{
    size_t p = net->task.tokens, C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    size_t in = net->task.inputs;
    size_t elements[WORK] = {
        [U] = p * H,         [OUTT] = C * H,      [DOUTT] = C * H,
        [DH] = STM_TILE * H, [DX] = STM_TILE * H, [NONE] = C + 2 * H,
        [LANES16] = 16 * C,  [X] = STM_TILE * in, [ROW] = in * (sizeof(double) / sizeof(REAL)),
    };
    for (size_t l = 0; l < (size_t)net->arg[LAYERS]; l++)
        elements[ACTS + l] = elements[SLOPE + l] = STM_TILE * H;
    for (size_t i = 0; i < WORK; i++)
        net->work[i] = elements[i] ? stm_carve_take(c, elements[i] * sizeof(REAL)) : NULL;
}

/* The bias of a layer, or zeros. */
static const REAL *R(bias_of)(const struct stm_net *net, unsigned l)
{
    return net->spec[bias(l)].n ? net->param[bias(l)] : net->work[NONE];
}

/* Where the gradient of a hidden layer's bias is summed. */
static REAL *R(bias_grad)(const struct stm_net *net, unsigned l)
{
    REAL *none = net->work[NONE];
    return net->spec[bias(l)].n ? net->grad[bias(l)]
                                : none + net->task.classes + (size_t)net->arg[HIDDEN];
}

/* out[cols][rows] = in[rows][cols] transposed. */
static void R(transpose)(const REAL *restrict in, REAL *restrict out, size_t rows, size_t cols)
{
    for (size_t c = 0; c < cols; c++)
        for (size_t r = 0; r < rows; r++) out[c * rows + r] = in[r * cols + c];
}

static void R(begin)(struct stm_net *net, bool grad)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    const unsigned L = (unsigned)net->arg[LAYERS];
    size_t p = net->task.tokens, C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    REAL *u = net->work[U];

    if (p) memcpy(u, net->param[weight(0)], p * H * sizeof(REAL));
    for (size_t a = 0; a < p; a++) k->add(u + a * H, R(bias_of)(net, 0), H);
    R(transpose)(net->param[weight(L)], net->work[OUTT], H, C);
    if (!grad) return;
    for (unsigned i = 0; i < TENSORS; i++) memset(net->grad[i], 0, net->spec[i].n * sizeof(REAL));
    memset(net->work[DOUTT], 0, C * H * sizeof(REAL));
    memset(net->work[LANES16], 0, 16 * C * sizeof(REAL));
}

/* Row t of `u`, plus the bias, through the activation of layer l. */
static void R(activate)(struct stm_net *net, unsigned l, size_t t, const REAL *u, const REAL *v,
                        bool grad)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    const int act = (int)net->arg[ACT];
    size_t H = (size_t)net->arg[HIDDEN];
    REAL *h = net->work[ACTS + l], *slope = net->work[SLOPE + l];
    if (grad)
        k->act_grad[act](u, v, h + t * H, slope + t * H, H);
    else
        k->act[act](u, v, h + t * H, H);
}

/* What layer l reads, in rows of *n: the points, or the activations of the layer before. */
static const REAL *R(input_of)(const struct stm_net *net, unsigned l, size_t *n)
{
    *n = l ? (size_t)net->arg[HIDDEN] : net->task.inputs;
    return net->work[l ? ACTS + l - 1 : X];
}

/* x[T][inputs] = the points; row[inputs] is room for one. */
static void R(read_points)(struct stm_net *net, const uint32_t *points, size_t T, REAL *x,
                           double *row)
{
    const size_t in = net->task.inputs;
    for (size_t t = 0; t < T; t++) {
        net->task_type->input(net->task_arg, points[t], row);
        for (size_t i = 0; i < in; i++) x[t * in + i] = (REAL)row[i];
    }
}

/* A hidden layer that is a product: any but the first one on pairs. */
static void R(forward_hidden)(struct stm_net *net, unsigned l, size_t T, bool grad)
{
    const size_t H = (size_t)net->arg[HIDDEN];
    size_t n;
    const REAL *in = R(input_of)(net, l, &n);
    REAL *x = net->work[DH];
    R(stm_gemm)(false, false, T, H, n, in, n, net->param[weight(l)], H, false, x, H);
    for (size_t t = 0; t < T; t++) R(activate)(net, l, t, x + t * H, R(bias_of)(net, l), grad);
}

static void R(forward)(struct stm_net *net, const uint32_t *pairs, size_t T, double scale,
                       void *logits, bool grad)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    const unsigned L = (unsigned)net->arg[LAYERS];
    const uint32_t p = net->task.tokens;
    const size_t C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    const REAL *u = net->work[U], *w1 = net->param[weight(0)];

    if (net->task.inputs) R(read_points)(net, pairs, T, net->work[X], net->work[ROW]);
    for (size_t t = 0; t < T && !net->task.inputs; t++)
        R(activate)(net, 0, t, u + pairs[t] / p * H, w1 + (p + pairs[t] % p) * H, grad);
    for (unsigned l = net->task.inputs ? 0 : 1; l < L; l++) R(forward_hidden)(net, l, T, grad);
    k->fill_rows(logits, R(bias_of)(net, L), C, T);
    R(stm_gemm)
    (false, true, C, T, H, net->work[OUTT], H, net->work[ACTS + L - 1], H, true, logits, T);
    if (scale != 1) k->scale(logits, (REAL)scale, C * T);
}

/* A hidden layer that is a product: from DH, the gradient of its activations, to that of the layer
 * before, if there is one. */
static void R(backward_hidden)(struct stm_net *net, unsigned l, size_t T)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    const size_t H = (size_t)net->arg[HIDDEN];
    size_t n;
    const REAL *in = R(input_of)(net, l, &n);
    const REAL *slope = net->work[SLOPE + l];
    REAL *dh = net->work[DH], *dx = net->work[DX], *db = R(bias_grad)(net, l);

    memset(dx, 0, T * H * sizeof(REAL));
    for (size_t t = 0; t < T; t++) k->scatter(dh + t * H, slope + t * H, dx + t * H, db, H);
    R(stm_gemm)(true, false, n, H, T, in, n, dx, H, true, net->grad[weight(l)], H);
    if (l) R(stm_gemm)(false, true, T, H, H, dx, H, net->param[weight(l)], H, false, dh, H);
}

static void R(backward)(struct stm_net *net, const uint32_t *pairs, size_t T, const void *dlogits)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    const unsigned L = (unsigned)net->arg[LAYERS];
    const uint32_t p = net->task.tokens;
    const size_t C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    const REAL *slope = net->work[SLOPE];
    REAL *dh = net->work[DH], *dw1 = net->grad[weight(0)];

    k->row_lanes(dlogits, net->work[LANES16], C, T);
    R(stm_gemm)
    (false, false, C, H, T, dlogits, T, net->work[ACTS + L - 1], H, true, net->work[DOUTT], H);
    R(stm_gemm)(true, false, T, H, C, dlogits, T, net->work[OUTT], H, false, dh, H);
    for (unsigned l = L - 1; l > 0; l--) R(backward_hidden)(net, l, T);
    if (net->task.inputs) R(backward_hidden)(net, 0, T);
    for (size_t t = 0; t < T && !net->task.inputs; t++)
        k->scatter(dh + t * H, slope + t * H, dw1 + pairs[t] / p * H, dw1 + (p + pairs[t] % p) * H,
                   H);
}

/* On pairs db1 is the sum of the rows of dW1[0:p] in ascending a. */
static void R(end)(struct stm_net *net)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    const unsigned L = (unsigned)net->arg[LAYERS];
    size_t p = net->task.tokens, H = (size_t)net->arg[HIDDEN];
    const REAL *dw1 = net->grad[weight(0)];
    if (net->spec[bias(L)].n)
        k->lane_sums(net->work[LANES16], net->grad[bias(L)], net->task.classes);
    R(transpose)(net->work[DOUTT], net->grad[weight(L)], net->task.classes, H);
    for (size_t a = 0; a < p && net->spec[bias(0)].n; a++)
        k->add(net->grad[bias(0)], dw1 + a * H, H);
}
