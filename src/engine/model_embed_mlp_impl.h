/* embed_mlp in one precision; included twice by model_embed_mlp.c. */

static void R(carve)(struct stm_net *net, struct stm_carve *c, size_t tile)
{
    size_t p = net->task.tokens, C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    const size_t elements[] = {
        [U] = p * H,     [V] = p * H,  [W2T] = C * H, [ACTS] = tile * H, [SLOPE] = tile * H,
        [DH] = tile * H, [DU] = p * H, [DV] = p * H,  [DW2T] = C * H,    [ZEROS] = C,
    };
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        net->work[i] = stm_carve_take(c, elements[i] * sizeof(REAL));
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
    int p = (int)net->task.tokens, d = (int)net->arg[EMBED], H = (int)net->arg[HIDDEN];
    size_t C = net->task.classes, pH = (size_t)p * (size_t)H;
    const REAL *e = net->param[E], *w1 = net->param[W1];
    REAL *u = net->work[U], *v = net->work[V];

    R(stm_gemm)(false, false, p, H, d, 1, e, d, w1, H, 0, u, H);
    R(stm_gemm)(false, false, p, H, d, 1, e, d, w1 + (size_t)d * (size_t)H, H, 0, v, H);
    for (int a = 0; a < p && net->spec[B1].n; a++)
        k->add(u + (size_t)a * (size_t)H, net->param[B1], (size_t)H);
    R(transpose)(net->param[W2], net->work[W2T], (size_t)H, C);
    if (!grad) return;
    memset(net->work[DU], 0, pH * sizeof(REAL));
    memset(net->work[DV], 0, pH * sizeof(REAL));
    memset(net->work[DW2T], 0, C * (size_t)H * sizeof(REAL));
    memset(net->grad[B2], 0, net->spec[B2].n * sizeof(REAL));
}

static void R(forward)(struct stm_net *net, const uint32_t *pairs, size_t T, double scale,
                       void *logits, bool grad)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    uint32_t p = net->task.tokens;
    size_t C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    const REAL *u = net->work[U], *v = net->work[V];
    REAL *h = net->work[ACTS], *slope = net->work[SLOPE];
    const int act = (int)net->arg[ACT];

    for (size_t t = 0; t < T; t++) {
        const REAL *ua = u + pairs[t] / p * H, *vb = v + pairs[t] % p * H;
        if (grad)
            k->act_grad[act](ua, vb, h + t * H, slope + t * H, H);
        else
            k->act[act](ua, vb, h + t * H, H);
    }
    R(stm_gemm)
    (false, true, (int)C, (int)T, (int)H, 1, net->work[W2T], (int)H, h, (int)H, 0, logits, (int)T);
    k->bias_scale(logits, net->spec[B2].n ? net->param[B2] : net->work[ZEROS], (REAL)scale, C, T);
}

static void R(backward)(struct stm_net *net, const uint32_t *pairs, size_t T, const void *dlogits)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    uint32_t p = net->task.tokens;
    size_t C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    const REAL *slope = net->work[SLOPE];
    REAL *dh = net->work[DH], *du = net->work[DU], *dv = net->work[DV];

    if (net->spec[B2].n) k->row_sums(dlogits, net->grad[B2], C, T);
    R(stm_gemm)
    (false, false, (int)C, (int)H, (int)T, 1, dlogits, (int)T, net->work[ACTS], (int)H, 1,
     net->work[DW2T], (int)H);
    R(stm_gemm)
    (true, false, (int)T, (int)H, (int)C, 1, dlogits, (int)T, net->work[W2T], (int)H, 0, dh,
     (int)H);
    for (size_t t = 0; t < T; t++)
        k->scatter(dh + t * H, slope + t * H, du + pairs[t] / p * H, dv + pairs[t] % p * H, H);
}

/* db1 is the sum of the rows of dU in ascending a. */
static void R(end)(struct stm_net *net)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    int p = (int)net->task.tokens, d = (int)net->arg[EMBED], H = (int)net->arg[HIDDEN];
    size_t C = net->task.classes, dH = (size_t)d * (size_t)H;
    const REAL *e = net->param[E], *w1 = net->param[W1], *du = net->work[DU], *dv = net->work[DV];
    REAL *de = net->grad[E], *dw1 = net->grad[W1];

    R(transpose)(net->work[DW2T], net->grad[W2], C, (size_t)H);
    memset(net->grad[B1], 0, net->spec[B1].n * sizeof(REAL));
    for (int a = 0; a < p && net->spec[B1].n; a++)
        k->add(net->grad[B1], du + (size_t)a * (size_t)H, (size_t)H);
    R(stm_gemm)(true, false, d, H, p, 1, e, d, du, H, 0, dw1, H);
    R(stm_gemm)(true, false, d, H, p, 1, e, d, dv, H, 0, dw1 + dH, H);
    R(stm_gemm)(false, true, p, d, H, 1, du, H, w1, H, 0, de, d);
    R(stm_gemm)(false, true, p, d, H, 1, dv, H, w1 + dH, H, 1, de, d);
}
