/* embed_mlp in one precision; included twice by model_embed_mlp.c. */

static void R(carve)(struct stm_net *net, struct stm_carve *c)
{
    size_t p = net->task.tokens, C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    const size_t elements[] = {
        [U] = p * H,
        [V] = p * H,
        [W2T] = C * H,
        [ACTS] = STM_TILE * H,
        [SLOPE] = STM_TILE * H,
        [DH] = STM_TILE * H,
        [DU] = p * H,
        [DV] = p * H,
        [DW2T] = C * H,
        [LANES16] = 16 * C,
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
    const size_t p = net->task.tokens, d = (size_t)net->arg[EMBED], H = (size_t)net->arg[HIDDEN],
                 C = net->task.classes;
    const REAL *e = net->param[E], *w1 = net->param[W1];
    REAL *u = net->work[U], *v = net->work[V];

    for (size_t a = 0; a < p && net->spec[B1].n; a++)
        memcpy(u + a * H, net->param[B1], H * sizeof(REAL));
    R(stm_gemm)(false, false, p, H, d, e, d, w1, H, net->spec[B1].n > 0, u, H);
    R(stm_gemm)(false, false, p, H, d, e, d, w1 + d * H, H, false, v, H);
    R(transpose)(net->param[W2], net->work[W2T], H, C);
    if (!grad) return;
    memset(net->work[DU], 0, p * H * sizeof(REAL));
    memset(net->work[DV], 0, p * H * sizeof(REAL));
    memset(net->work[DW2T], 0, C * H * sizeof(REAL));
    memset(net->work[LANES16], 0, 16 * C * sizeof(REAL));
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
    const REAL *b2 = net->param[B2];
    if (net->spec[B2].n) k->fill_rows(logits, b2, C, T);
    R(stm_gemm)
    (false, true, C, T, H, net->work[W2T], H, h, H, net->spec[B2].n > 0, logits, T);
    if (scale != 1) k->scale(logits, (REAL)scale, C * T);
}

static void R(backward)(struct stm_net *net, const uint32_t *pairs, size_t T, const void *dlogits)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    uint32_t p = net->task.tokens;
    size_t C = net->task.classes, H = (size_t)net->arg[HIDDEN];
    const REAL *slope = net->work[SLOPE];
    REAL *dh = net->work[DH], *du = net->work[DU], *dv = net->work[DV];

    k->row_lanes(dlogits, net->work[LANES16], C, T);
    R(stm_gemm)
    (false, false, C, H, T, dlogits, T, net->work[ACTS], H, true, net->work[DW2T], H);
    R(stm_gemm)(true, false, T, H, C, dlogits, T, net->work[W2T], H, false, dh, H);
    for (size_t t = 0; t < T; t++)
        k->scatter(dh + t * H, slope + t * H, du + pairs[t] / p * H, dv + pairs[t] % p * H, H);
}

/* db1 is the sum of the rows of dU in ascending a. */
static void R(end)(struct stm_net *net)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    const size_t p = net->task.tokens, d = (size_t)net->arg[EMBED], H = (size_t)net->arg[HIDDEN],
                 C = net->task.classes;
    const REAL *e = net->param[E], *w1 = net->param[W1], *du = net->work[DU], *dv = net->work[DV];
    REAL *de = net->grad[E], *dw1 = net->grad[W1];

    if (net->spec[B2].n) k->lane_sums(net->work[LANES16], net->grad[B2], C);
    R(transpose)(net->work[DW2T], net->grad[W2], C, H);
    memset(net->grad[B1], 0, net->spec[B1].n * sizeof(REAL));
    for (size_t a = 0; a < p && net->spec[B1].n; a++) k->add(net->grad[B1], du + a * H, H);
    R(stm_gemm)(true, false, d, H, p, e, d, du, H, false, dw1, H);
    R(stm_gemm)(true, false, d, H, p, e, d, dv, H, false, dw1 + d * H, H);
    R(stm_gemm)(false, true, p, d, H, du, H, w1, H, false, de, d);
    R(stm_gemm)(false, true, p, d, H, dv, H, w1 + d * H, H, true, de, d);
}
