/* The engine's own functions against the long double ones of libm. */
#include <math.h>

#include "engine/kernels.h"
#include "engine_fixture.h"

enum { N = 400000 };

/* N points over [lo, hi], the ends included. */
static double point(int i, double lo, double hi) { return lo + (hi - lo) * i / (N - 1); }

START_TEST(exp_is_accurate)
{
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    double *xd = malloc(N * sizeof *xd), *yd = malloc(N * sizeof *yd);
    long double worst = 0, worst_d = 0;
    for (int i = 0; i < N; i++) {
        x[i] = (float)point(i, -87, 88);
        xd[i] = point(i, -700, 700);
    }
    stm_k_f32()->exp(x, y, N);
    stm_k_f64()->exp(xd, yd, N);
    for (int i = 0; i < N; i++) {
        worst = fmaxl(worst, fabsl(y[i] / expl((long double)x[i]) - 1));
        worst_d = fmaxl(worst_d, fabsl(yd[i] / expl((long double)xd[i]) - 1));
    }
    printf("exp: max relative error %.2Lg (f32), %.2Lg (f64)\n", worst, worst_d);
    ck_assert(worst < 1.5e-7L);
    ck_assert(worst_d < 4e-16L);
    free(x), free(y), free(xd), free(yd);
}
END_TEST

START_TEST(exp_at_the_edges)
{
    const float x[] = {0, -88, -INFINITY, INFINITY, NAN, 89, -87.4f};
    float y[7];
    stm_k_f32()->exp(x, y, 7);
    ck_assert_float_eq(y[0], 1);
    ck_assert_float_eq(y[1], 0);
    ck_assert_float_eq(y[2], 0);
    ck_assert(isinf(y[3]) && isnan(y[4]) && isinf(y[5]));
    ck_assert_float_eq(y[6], 0);
    const double xd[] = {0, -709, -INFINITY, INFINITY, NAN, 710};
    double yd[6];
    stm_k_f64()->exp(xd, yd, 6);
    ck_assert_double_eq(yd[0], 1);
    ck_assert_double_eq(yd[1], 0);
    ck_assert_double_eq(yd[2], 0);
    ck_assert(isinf(yd[3]) && isnan(yd[4]) && isinf(yd[5]));
}
END_TEST

/* Phi(x), x Phi(x) and its derivative in long double. */
static long double cdf(long double x) { return 0.5L * erfcl(-x * 0.70710678118654752440L); }
static long double gelu(long double x) { return x * cdf(x); }
static long double slope(long double x)
{
    return cdf(x) + x * expl(-x * x / 2) * 0.39894228040143267794L;
}

/* Errors relative to max(1, |x|): the scale of the values around them. */
#define CHECK_GELU(REAL, S, LIMIT)                                                                 \
    do {                                                                                           \
        REAL *u = malloc(N * sizeof *u), *v = calloc(N, sizeof *v), *h = malloc(N * sizeof *h),    \
             *g = malloc(N * sizeof *g), *h2 = malloc(N * sizeof *h2);                             \
        long double worst_h = 0, worst_g = 0;                                                      \
        for (int i = 0; i < N; i++) u[i] = (REAL)point(i, -40, 40);                                \
        for (int i = 0; i < N / 2; i++) u[i] = (REAL)point(2 * i, -5, 5);                          \
        stm_k_##S()->act_grad[STM_ACT_GELU](u, v, h, g, N);                                        \
        stm_k_##S()->act[STM_ACT_GELU](u, v, h2, N);                                               \
        ck_assert_mem_eq(h, h2, N * sizeof *h);                                                    \
        for (int i = 0; i < N; i++) {                                                              \
            long double x = u[i], scale = fmaxl(1, fabsl(x));                                      \
            worst_h = fmaxl(worst_h, fabsl(h[i] - gelu(x)) / scale);                               \
            worst_g = fmaxl(worst_g, fabsl(g[i] - slope(x)));                                      \
        }                                                                                          \
        printf("gelu " #S ": max error %.2Lg, derivative %.2Lg\n", worst_h, worst_g);              \
        ck_assert(worst_h < LIMIT && worst_g < LIMIT);                                             \
        free(u), free(v), free(h), free(g), free(h2);                                              \
    } while (0)

START_TEST(gelu_is_accurate)
{
    CHECK_GELU(float, f32, 3e-7L);
    CHECK_GELU(double, f64, 1e-15L);
}
END_TEST

/* tanh against libm, relative; the others exactly; derivatives too; signs, limits and NaN. */
#define CHECK_ACTS(S, REAL_T, tolerance)                                                           \
    do {                                                                                           \
        static REAL_T u[N], v[N], h[STM_ACTS][N], g[STM_ACTS][N];                                  \
        long double worst = 0;                                                                     \
        for (int i = 0; i < N; i++) u[i] = (REAL_T)((i - N / 2) * (i % 3 ? 0.006 : 1e-5));         \
        u[0] = -INFINITY, u[1] = INFINITY, u[2] = NAN;                                             \
        for (int a = 0; a < STM_ACTS; a++) stm_k_##S()->act_grad[a](u, v, h[a], g[a], N);          \
        for (int i = 3; i < N; i++) {                                                              \
            long double x = u[i], y = tanhl(x);                                                    \
            if (x != 0) worst = fmaxl(worst, fabsl(h[STM_ACT_TANH][i] / y - 1));                   \
            ck_assert(fabsl(g[STM_ACT_TANH][i] - (1 - y * y)) < (tolerance));                      \
            ck_assert(h[STM_ACT_RELU][i] == fmaxl(x, 0) && g[STM_ACT_RELU][i] == (x > 0));         \
            ck_assert(h[STM_ACT_SQUARE][i] == u[i] * u[i] && g[STM_ACT_SQUARE][i] == 2 * u[i]);    \
        }                                                                                          \
        ck_assert(h[STM_ACT_TANH][0] == -1 && h[STM_ACT_TANH][1] == 1);                            \
        for (int a = STM_ACT_RELU; a < STM_ACTS; a++) ck_assert(isnan(h[a][2]));                   \
        printf("tanh " #S ": max relative error %.2Lg\n", worst);                                  \
        ck_assert(worst < (tolerance));                                                            \
    } while (0)

START_TEST(other_activations)
{
    CHECK_ACTS(f32, float, 4e-7);
    CHECK_ACTS(f64, double, 8e-16);
}
END_TEST

START_TEST(gelu_keeps_nan)
{
    const float u[] = {NAN, 1}, v[] = {1, NAN};
    float h[2], g[2];
    stm_k_f32()->act_grad[STM_ACT_GELU](u, v, h, g, 2);
    ck_assert(isnan(h[0]) && isnan(h[1]) && isnan(g[0]) && isnan(g[1]));
}
END_TEST

START_TEST(log_is_accurate)
{
    long double worst = 0;
    for (int i = 0; i < N; i++) {
        double x = exp(point(i, -700, 700)), near = point(i, 0.5, 2);
        worst = fmaxl(worst, fabsl(stm_log(x) / logl(x) - 1));
        if (near != 1) worst = fmaxl(worst, fabsl(stm_log(near) / logl(near) - 1));
    }
    printf("log: max relative error %.2Lg\n", worst);
    ck_assert(worst < 5e-16L);
    ck_assert_double_eq(stm_log(1), 0);
}
END_TEST

START_TEST(sincos_is_accurate)
{
    long double worst = 0;
    for (int i = 0; i < N; i++) {
        double u = point(i, 0, 1), s, c;
        stm_sincos_turn(u, &s, &c);
        long double a = 6.28318530717958647692528676655900577L * u;
        worst = fmaxl(worst, fmaxl(fabsl(s - sinl(a)), fabsl(c - cosl(a))));
    }
    printf("sin, cos: max error %.2Lg\n", worst);
    ck_assert(worst < 3e-16L);
}
END_TEST

RUN_TESTS("engine math", exp_is_accurate, exp_at_the_edges, gelu_is_accurate, other_activations,
          gelu_keeps_nan, log_is_accurate, sincos_is_accurate)
