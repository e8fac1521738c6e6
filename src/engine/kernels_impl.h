/* The kernels for one precision and one vector width; included by kernels_width.h. Plain loops that
 * the compiler vectorizes: no branches on data, no tables, nothing that depends on the width. */
#if STM_REAL_BITS == 32
#define EXP_MIN      (-87.3f) /* below: 0, so that no result is subnormal */
#define EXP_MAX      88.7f
#define LOG2E        0x1.715476p+0f
#define LN2_HI       0x1.62e4p-1f /* 15 bits: times an exponent it is exact */
#define LN2_LO       0x1.7f7d1cp-20f
#define ROUND        0x1.8p+23f /* adding and subtracting it rounds to an integer */
#define EXP_SHIFT    23
#define MILLS_K      2.5f
#define HALF         0.5f
#define ONE          1.0f
#define INV_SQRT_2PI 0x1.988454p-2f

/* exp(r) for |r| <= ln(2)/2: the Taylor polynomial of degree 7, error 5e-9. */
static inline REAL R(exp_poly)(REAL r)
{
    REAL p = 0x1.a01a02p-13f;
    p = p * r + 0x1.6c16c2p-10f;
    p = p * r + 0x1.111112p-7f;
    p = p * r + 0x1.555556p-5f;
    p = p * r + 0x1.555556p-3f;
    p = p * r + 0x1.000000p-1f;
    p = p * r + 0x1.000000p+0f;
    p = p * r + 0x1.000000p+0f;
    return p;
}

/* (t + K) * Mills ratio of t in [0, 13.5], with u = (t - K) / (t + K): Chebyshev interpolation of
 * degree 7; what it adds to the error of the normal distribution function is below 5e-8. */
static inline REAL R(mills_poly)(REAL u)
{
    REAL p = 0x1.d29f64p-10f;
    p = p * u + 0x1.73b80ap-8f;
    p = p * u - 0x1.17d476p-8f;
    p = p * u - 0x1.4f2d10p-5f;
    p = p * u + 0x1.7c9626p-6f;
    p = p * u + 0x1.52c5a4p-2f;
    p = p * u - 0x1.164cd6p+0f;
    p = p * u + 0x1.c57598p+0f;
    return p;
}

static inline REAL R(tanh_near)(REAL z)
{
    REAL p = -5.70498872745e-3f;
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    return p;
}
#else
#define EXP_MIN      (-708.0)
#define EXP_MAX      709.7
#define LOG2E        0x1.71547652b82fep+0
#define LN2_HI       0x1.62e42feep-1
#define LN2_LO       0x1.a39ef35793c76p-33
#define ROUND        0x1.8p+52
#define EXP_SHIFT    52
#define MILLS_K      5.0
#define HALF         0.5
#define ONE          1.0
#define INV_SQRT_2PI 0x1.9884533d43651p-2

/* exp(r) for |r| <= ln(2)/2: the Taylor polynomial of degree 13, error 4e-18. */
static inline REAL R(exp_poly)(REAL r)
{
    REAL p = 0x1.6124613a86d09p-33;
    p = p * r + 0x1.1eed8eff8d898p-29;
    p = p * r + 0x1.ae64567f544e4p-26;
    p = p * r + 0x1.27e4fb7789f5cp-22;
    p = p * r + 0x1.71de3a556c734p-19;
    p = p * r + 0x1.a01a01a01a01ap-16;
    p = p * r + 0x1.a01a01a01a01ap-13;
    p = p * r + 0x1.6c16c16c16c17p-10;
    p = p * r + 0x1.1111111111111p-7;
    p = p * r + 0x1.5555555555555p-5;
    p = p * r + 0x1.5555555555555p-3;
    p = p * r + 0x1.0p-1;
    p = p * r + 0x1.0p+0;
    p = p * r + 0x1.0p+0;
    return p;
}

/* (t + K) * Mills ratio of t in [0, 38.6], with u = (t - K) / (t + K): Chebyshev interpolation of
 * degree 20; what it adds to the error of the normal distribution function is below 1e-16. */
static inline REAL R(mills_poly)(REAL u)
{
    REAL p = 0x1.8d4a33d3f55f7p-28;
    p = p * u - 0x1.4381b62b637acp-26;
    p = p * u - 0x1.139be6c4da953p-23;
    p = p * u + 0x1.eb8dd1557e4f1p-24;
    p = p * u + 0x1.1775f6a9a99a9p-20;
    p = p * u - 0x1.cf601b784e11cp-21;
    p = p * u - 0x1.cfd067fae103dp-18;
    p = p * u + 0x1.4f5e07684f75dp-17;
    p = p * u + 0x1.5ea768a920c75p-15;
    p = p * u - 0x1.059b79f22a3e0p-13;
    p = p * u - 0x1.381e554afd98ep-13;
    p = p * u + 0x1.660d66440bcdfp-10;
    p = p * u - 0x1.06239b1093bf1p-9;
    p = p * u - 0x1.ebbc33ac5c08bp-8;
    p = p * u + 0x1.ab031a0b70188p-5;
    p = p * u - 0x1.62d360c5655b3p-3;
    p = p * u + 0x1.a7927af8e638dp-2;
    p = p * u - 0x1.9262efbe14b62p-1;
    p = p * u + 0x1.3dd60739e7a4fp+0;
    p = p * u - 0x1.aaf94e206d6b0p+0;
    p = p * u + 0x1.ed96b8318f6c4p+0;
    return p;
}

static inline REAL R(tanh_near)(REAL z)
{
    REAL p = -9.64399179425052238628e-1;
    p = p * z - 9.92877231001918586564e1;
    p = p * z - 1.61468768441708447952e3;
    REAL q = z + 1.12811678491632931402e2;
    q = q * z + 2.23548839060100448583e3;
    q = q * z + 4.84406305325125486048e3;
    return p / q;
}
#endif

/* exp(x): 2^n * exp(r), n the rounded x / ln 2. NaN stays NaN. */
static inline REAL R(exp1)(REAL x)
{
    REAL t = x * LOG2E + ROUND;
    REAL n = t - ROUND;
    REAL r = (x - n * LN2_HI) - n * LN2_LO;
    REAL p = R(exp_poly)(r);
    UREAL pb, tb;
    memcpy(&pb, &p, sizeof p);
    memcpy(&tb, &t, sizeof t);
    pb += tb << EXP_SHIFT;
    REAL y;
    memcpy(&y, &pb, sizeof y);
    y = x < EXP_MIN ? 0 : y;
    y = x > EXP_MAX ? (REAL)INFINITY : y;
    return x == x ? y : x;
}

/* Phi(x), the normal distribution function, and *density = phi(x). Both tails keep their relative
 * precision: Q(t) = phi(t) * Mills(t) for t = |x|, and 1 - Q on the other side. */
static inline REAL R(normal_cdf)(REAL x, REAL *density)
{
    REAL t = x < 0 ? -x : x;
    REAL phi = R(exp1)(-(HALF * (x * x))) * INV_SQRT_2PI;
    REAL inv = ONE / (t + MILLS_K);
    REAL u = (t - MILLS_K) * inv;
    REAL q = phi * (inv * R(mills_poly)(u));
    *density = phi;
    return x > 0 ? ONE - q : q;
}

static void R(k_exp)(const REAL *x, REAL *y, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] = R(exp1)(x[i]);
}

static void R(k_gelu_grad)(const REAL *restrict u, const REAL *restrict v, REAL *restrict h,
                           REAL *restrict g, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        REAL x = u[i] + v[i], phi;
        REAL cdf = R(normal_cdf)(x, &phi);
        h[i] = x * cdf;
        g[i] = cdf + x * phi;
    }
}

static void R(k_gelu)(const REAL *restrict u, const REAL *restrict v, REAL *restrict h, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        REAL x = u[i] + v[i], phi;
        h[i] = x * R(normal_cdf)(x, &phi);
    }
}

/* y and, where it is asked for, dy/dx = slope of one activation, as loops over n. */
#define ACT_LOOPS(name, y, slope)                                                                  \
    static void R(k_##name##_grad)(const REAL *restrict u, const REAL *restrict v,                 \
                                   REAL *restrict h, REAL *restrict g, size_t n)                   \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            REAL x = u[i] + v[i], f = y;                                                           \
            h[i] = f;                                                                              \
            g[i] = slope;                                                                          \
        }                                                                                          \
    }                                                                                              \
    static void R(k_##name)(const REAL *restrict u, const REAL *restrict v, REAL *restrict h,      \
                            size_t n)                                                              \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            REAL x = u[i] + v[i];                                                                  \
            h[i] = y;                                                                              \
        }                                                                                          \
    }

/* tanh(x): near 0 the minimax approximation of Moshier's Cephes, x + x z P(z) (/ Q(z)), z = x^2;
 * beyond 0.625 it is 1 - 2 / (exp(2 |x|) + 1). NaN stays NaN. */
static inline REAL R(tanh1)(REAL x)
{
    REAL t = x < 0 ? -x : x, z = x * x;
    REAL large = ONE - 2 / (R(exp1)(t + t) + ONE);
    REAL small = x + x * (z * R(tanh_near)(z));
    large = x < 0 ? -large : large;
    return t < (REAL)0.625 ? small : large;
}

ACT_LOOPS(relu, x<0 ? 0 : x, f> 0 ? ONE : 0)
ACT_LOOPS(square, x *x, x + x)
ACT_LOOPS(tanh, R(tanh1)(x), ONE - f * f)
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

static void R(k_bias_scale)(REAL *restrict x, const REAL *restrict bias, REAL a, size_t C, size_t T)
{
    for (size_t c = 0; c < C; c++) {
        REAL b = bias[c], *row = x + c * T;
        for (size_t t = 0; t < T; t++) row[t] = (row[t] + b) * a;
    }
}

/* One class of n <= 16 pairs: row = exp(row - top), added to the lane of the class. */
static inline void R(add_exp)(REAL *restrict row, const REAL *restrict top, REAL *restrict lane,
                              size_t n)
{
    for (size_t i = 0; i < n; i++) {
        REAL e = R(exp1)(row[i] - top[i]);
        row[i] = e;
        lane[i] += e;
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

static void R(k_row_sums)(const REAL *restrict x, REAL *restrict rows, size_t C, size_t T)
{
    for (size_t c = 0; c < C; c++) {
        const REAL *row = x + c * T;
        REAL lane[16] = {0};
        size_t t = 0;
        for (; t + 16 <= T; t += 16)
            for (size_t l = 0; l < 16; l++) lane[l] += row[t + l];
        for (size_t l = 0; t + l < T; l++) lane[l] += row[t + l];
        for (size_t w = 8; w; w /= 2)
            for (size_t l = 0; l < w; l++) lane[l] += lane[l + w];
        rows[c] += lane[0];
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
    .bias_scale = R(k_bias_scale),
    .softmax = R(k_softmax),
    .mul_columns = R(k_mul_columns),
    .row_sums = R(k_row_sums),
    .column_squares = R(k_column_squares),
    .sum_squares = R(k_sum_squares),
    .sum_squares_diff = R(k_sum_squares_diff),
    .adamw = R(k_adamw),
};

#undef EXP_MIN
#undef EXP_MAX
#undef LOG2E
#undef LN2_HI
#undef LN2_LO
#undef ROUND
#undef EXP_SHIFT
#undef MILLS_K
#undef HALF
#undef ONE
#undef INV_SQRT_2PI
