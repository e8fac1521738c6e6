/* The kernels for one precision and one vector width; included by kernels_width.h. Loops that the
 * compiler vectorizes, or over the vectors of simd.h: no branches on data, no tables, nothing that
 * depends on the width. */

/* x[i] .. of n, and back: a whole vector, or what is left of the row in its first lanes. */
V_INLINE VEC R(get)(const REAL *x, size_t i, size_t n)
{
    return i + LANES <= n ? V_LOAD(x + i) : V_LOAD_N(x + i, n - i);
}
V_INLINE void R(put)(REAL *x, size_t i, size_t n, VEC v)
{
    if (i + LANES <= n)
        V_STORE(x + i, v);
    else
        V_STORE_N(x + i, v, n - i);
}

static void R(k_exp)(const REAL *x, REAL *y, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) R(put)(y, i, n, R(exp)(R(get)(x, i, n)));
}

/* The activations of activation_impl.h over n. */
#define ACT_LOOPS(name)                                                                            \
    static void R(k_##name##_grad)(const REAL *u, const REAL *v, REAL *h, REAL *g, size_t n)       \
    {                                                                                              \
        for (size_t i = 0; i < n; i += LANES) {                                                    \
            VEC slope, f = R(name##_grad)(R(get)(u, i, n) + R(get)(v, i, n), &slope);              \
            R(put)(h, i, n, f);                                                                    \
            R(put)(g, i, n, slope);                                                                \
        }                                                                                          \
    }                                                                                              \
    static void R(k_##name)(const REAL *u, const REAL *v, REAL *h, size_t n)                       \
    {                                                                                              \
        for (size_t i = 0; i < n; i += LANES)                                                      \
            R(put)(h, i, n, R(name)(R(get)(u, i, n) + R(get)(v, i, n)));                           \
    }
ACT_LOOPS(gelu)
ACT_LOOPS(relu)
ACT_LOOPS(square)
ACT_LOOPS(tanh)
#undef ACT_LOOPS

static void R(k_scatter)(const REAL *restrict dh, const REAL *restrict g, REAL *restrict du,
                         REAL *restrict dv, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        REAL x = dh[i] * g[i];
        du[i] += x;
        dv[i] += x;
    }
}

static void R(k_add)(REAL *restrict y, const REAL *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] += x[i];
}

static void R(k_scale)(REAL *x, REAL a, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] *= a;
}

static void R(k_fill_rows)(REAL *restrict x, const REAL *restrict rows, size_t C, size_t T)
{
    for (size_t c = 0; c < C; c++)
        for (size_t t = 0; t < T; t++) x[c * T + t] = rows[c];
}

/* One class of n <= 16 pairs: row = exp(row - top), added to the lane of the class. */
V_INLINE void R(add_exp)(REAL *row, const REAL *top, REAL *lane, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        const VEC e = R(exp)(R(get)(row, i, n) - R(get)(top, i, n));
        R(put)(row, i, n, e);
        V_STORE(lane + i, V_LOAD(lane + i) + e);
    }
}

/* The sums run over classes in 16 lanes (class mod 16) and the fixed tree 8-4-2-1. In one running
 * sum the many small terms would be lost one by one behind the term 1 of the largest logit: that
 * brings the soft-max collapse of float32 forward and moves when a run groks by 15 %. */
static void R(k_softmax)(REAL *restrict x, REAL *restrict top, REAL *restrict sum, size_t C,
                         size_t T)
{
    for (size_t t = 0; t < T; t++) top[t] = x[t];
    for (size_t c = 1; c < C; c++) {
        const REAL *row = x + c * T;
        for (size_t t = 0; t < T; t++) top[t] = row[t] > top[t] ? row[t] : top[t];
    }
    for (size_t t = 0; t < T; t += 16) {
        size_t n = T - t < 16 ? T - t : 16;
        REAL lane[16][16] = {{0}};
        for (size_t c = 0; c < C; c++) {
            REAL *row = x + c * T + t;
            if (n == 16)
                R(add_exp)(row, top + t, lane[c % 16], 16);
            else
                R(add_exp)(row, top + t, lane[c % 16], n);
        }
        for (size_t w = 8; w; w /= 2)
            for (size_t l = 0; l < w; l++)
                for (size_t i = 0; i < 16; i++) lane[l][i] += lane[l + w][i];
        for (size_t i = 0; i < n; i++) sum[t + i] = lane[0][i];
    }
}

static void R(k_mul_columns)(REAL *restrict x, const REAL *restrict w, size_t C, size_t T)
{
    for (size_t c = 0; c < C; c++) {
        REAL *row = x + c * T;
        for (size_t t = 0; t < T; t++) row[t] *= w[t];
    }
}

static void R(k_row_lanes)(const REAL *restrict x, REAL *restrict lanes, size_t C, size_t T)
{
    for (size_t c = 0; c < C; c++, lanes += 16) {
        const REAL *row = x + c * T;
        size_t t = 0;
        for (; t + 16 <= T; t += 16)
            for (size_t l = 0; l < 16; l++) lanes[l] += row[t + l];
        for (size_t l = 0; t + l < T; l++) lanes[l] += row[t + l];
    }
}

static void R(k_lane_sums)(REAL *restrict lanes, REAL *restrict rows, size_t C)
{
    for (size_t c = 0; c < C; c++, lanes += 16) {
        for (size_t w = 8; w; w /= 2)
            for (size_t l = 0; l < w; l++) lanes[l] += lanes[l + w];
        rows[c] = lanes[0];
    }
}

static void R(k_column_squares)(const REAL *restrict x, REAL *restrict ss, size_t C, size_t T)
{
    for (size_t t = 0; t < T; t++) ss[t] = 0;
    for (size_t c = 0; c < C; c++) {
        const REAL *row = x + c * T;
        for (size_t t = 0; t < T; t++) ss[t] += row[t] * row[t];
    }
}

static double R(k_sum_squares)(const REAL *x, size_t n)
{
    double lane[16] = {0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (size_t l = 0; l < 16; l++) lane[l] += (double)x[i + l] * (double)x[i + l];
    for (size_t l = 0; i + l < n; l++) lane[l] += (double)x[i + l] * (double)x[i + l];
    for (size_t w = 8; w; w /= 2)
        for (size_t l = 0; l < w; l++) lane[l] += lane[l + w];
    return lane[0];
}

static double R(k_sum_squares_diff)(const REAL *x, const REAL *y, size_t n)
{
    double lane[16] = {0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (size_t l = 0; l < 16; l++) {
            double d = (double)x[i + l] - (double)y[i + l];
            lane[l] += d * d;
        }
    for (size_t l = 0; i + l < n; l++) {
        double d = (double)x[i + l] - (double)y[i + l];
        lane[l] += d * d;
    }
    for (size_t w = 8; w; w /= 2)
        for (size_t l = 0; l < w; l++) lane[l] += lane[l + w];
    return lane[0];
}

static void R(k_adamw)(REAL *restrict p, REAL *restrict m, REAL *restrict v, const REAL *restrict g,
                       size_t n, const struct stm_adamw_step *s)
{
    const REAL b1 = (REAL)s->beta1, a1 = (REAL)(1 - s->beta1), b2 = (REAL)s->beta2,
               a2 = (REAL)(1 - s->beta2), eps = (REAL)s->eps, step = (REAL)s->step,
               inv_c2 = (REAL)s->inv_c2, pre = (REAL)s->pre, post = (REAL)s->post;
    for (size_t i = 0; i < n; i++) {
        REAL mi = b1 * m[i] + a1 * g[i];
        REAL vi = b2 * v[i] + a2 * (g[i] * g[i]);
        m[i] = mi;
        v[i] = vi;
        p[i] = (p[i] * pre - step * (mi / (SQRT(vi * inv_c2) + eps))) * post;
    }
}

static const struct R(stm_kernels) R(table) = {
    .name = STM_WIDTH_NAME,
    .exp = R(k_exp),
    .act_grad = {R(k_gelu_grad), R(k_relu_grad), R(k_square_grad), R(k_tanh_grad)},
    .act = {R(k_gelu), R(k_relu), R(k_square), R(k_tanh)},
    .scatter = R(k_scatter),
    .add = R(k_add),
    .scale = R(k_scale),
    .fill_rows = R(k_fill_rows),
    .softmax = R(k_softmax),
    .mul_columns = R(k_mul_columns),
    .row_lanes = R(k_row_lanes),
    .lane_sums = R(k_lane_sums),
    .column_squares = R(k_column_squares),
    .sum_squares = R(k_sum_squares),
    .sum_squares_diff = R(k_sum_squares_diff),
    .adamw = R(k_adamw),
};
