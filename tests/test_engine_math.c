/* The engine's own functions against the long double ones of libm. The bounds that stand here are
 * the stated errors: just above what is measured. An ulp is the distance of the numbers of the
 * precision around the true value. */
#include <math.h>

#include "engine/kernels/kernels.h"
#include "engine_fixture.h"

enum { N = (1 << 18) / STM_SPARSE };

/* ---- one function over many points, in either precision, seen through float64 ---- */

enum prec { F32, F64 };
enum function { EXP, GELU, TANH };

static double x[N], y[N], g[N]; /* arguments, values, slopes */

static void evaluate_f32(enum function f)
{
    static float u[N], v[N], h[N], s[N];
    for (int i = 0; i < N; i++) u[i] = (float)x[i], v[i] = -0.0f;
    if (f == EXP)
        stm_k_f32()->exp(u, h, N);
    else
        stm_k_f32()->act_grad[f == GELU ? STM_ACT_GELU : STM_ACT_TANH](u, v, h, s, N);
    for (int i = 0; i < N; i++) y[i] = h[i], g[i] = s[i];
}

/* y = f(x), g its slope, of all N points. */
static void evaluate(enum prec p, enum function f)
{
    static double v[N];
    for (int i = 0; i < N; i++) v[i] = -0.0; /* x + v is x, its sign too */
    if (p == F32)
        evaluate_f32(f);
    else if (f == EXP)
        stm_k_f64()->exp(x, y, N);
    else
        stm_k_f64()->act_grad[f == GELU ? STM_ACT_GELU : STM_ACT_TANH](x, v, y, g, N);
}

/* N points over [lo, hi], the ends included. */
static void interval(enum prec p, double lo, double hi)
{
    for (int i = 0; i < N; i++) {
        double point = lo + (hi - lo) * i / (N - 1);
        x[i] = p == F32 ? (float)point : point;
    }
}

/* Points of both signs in every binade, subnormal ones too; the powers of two among them. */
static void binades(enum prec p)
{
    const int lowest = p == F32 ? -149 : -1074, binades = (p == F32 ? 128 : 1024) - lowest;
    const int each = N / 2 / binades;
    for (int i = 0; i < N; i++) {
        int k = i / 2, at = k % each;
        double m = at ? 1 + (at * 0x1p-20 * 600011 - floor(at * 0x1p-20 * 600011)) : 1;
        double point = ldexp(m, lowest + k / each % binades);
        if (p == F32) point = fmin((float)fmin(point, 3.4028234e38), 3.4028234e38);
        x[i] = i % 2 ? -point : point;
    }
}

static long double ulp(enum prec p, long double value)
{
    int e, lowest = p == F32 ? -125 : -1021;
    frexpl(value, &e);
    return ldexpl(1, (e < lowest ? lowest : e) - (p == F32 ? 24 : 53));
}

static long double in_ulps(enum prec p, double got, long double want)
{
    return fabsl(got - want) / ulp(p, want);
}

/* What is measured stands in the log, of a test that fails too. */
#define STATE(...) (printf(__VA_ARGS__), fflush(stdout))

static void worse(long double *worst, long double error) { *worst = fmaxl(*worst, error); }

/* ---- exp ---- */

/* Below `zero` the result is 0, from `least` on it is not; from `most` on it is infinite. */
static const struct {
    double zero, least, most, bound;
} exp_of[] = {[F32] = {-86.99, -86.98, 88.7229, 0.89}, [F64] = {-708.05, -708.04, 709.783, 0.96}};

static void check_exp(enum prec p, long double *worst)
{
    evaluate(p, EXP);
    for (int i = 0; i < N; i++) {
        ck_assert(x[i] > 0 || y[i] <= 1);
        if (x[i] < exp_of[p].zero)
            ck_assert(y[i] == 0);
        else if (x[i] >= exp_of[p].most)
            ck_assert(isinf(y[i]));
        else if (x[i] >= exp_of[p].least && expl(x[i]) < (p == F32 ? 0x1.fffffep127L : 0x1p1024L))
            worse(worst, in_ulps(p, y[i], expl(x[i])));
    }
}

START_TEST(exp_is_accurate)
{
    const enum prec p = (enum prec)_i;
    long double worst = 0;
    binades(p), check_exp(p, &worst);
    interval(p, exp_of[p].zero - 1, exp_of[p].most + 1), check_exp(p, &worst);
    interval(p, -2, 2), check_exp(p, &worst);
    STATE("exp f%d: %.3Lf ulp\n", 32 << p, worst);
    ck_assert(worst < exp_of[p].bound);
}
END_TEST

START_TEST(exp_at_the_edges)
{
    const float u[] = {0, -0.0f, -88, -INFINITY, INFINITY, NAN, 89, -87.4f, 1e-45f, -3e38f, 3e38f};
    const float want[] = {1, 1, 0, 0, INFINITY, NAN, INFINITY, 0, 1, 0, INFINITY};
    enum { EDGES = sizeof u / sizeof *u };
    float h[EDGES];
    double ud[EDGES], hd[EDGES];
    for (int i = 0; i < EDGES; i++) ud[i] = u[i] * (fabsf(u[i]) < 100 ? 8.2 : 1);
    stm_k_f32()->exp(u, h, EDGES);
    stm_k_f64()->exp(ud, hd, EDGES);
    for (int i = 0; i < EDGES; i++) {
        ck_assert_msg(isnan(want[i]) ? isnan(h[i]) : h[i] == want[i], "exp(%g) = %g", u[i], h[i]);
        ck_assert_msg(isnan(want[i]) ? isnan(hd[i]) : hd[i] == (double)want[i], "exp(%g) = %g",
                      ud[i], hd[i]);
    }
}
END_TEST

/* ---- GeLU ---- */

/* Phi(x), x Phi(x) and its derivative. */
static long double cdf(long double t) { return 0.5L * erfcl(-t * 0.70710678118654752440L); }
static long double gelu(long double t) { return t * cdf(t); }
static long double slope(long double t)
{
    return cdf(t) + t * expl(-t * t / 2) * 0.39894228040143267794L;
}

/* Largest absolute errors: of x Phi(x) over max(1, |x|), of the slope, and of Phi, which is the
 * value over x on the negative side; in ulps, of x Phi(x) for x > -1/2. */
struct gelu_errors {
    long double value, slope, cdf, ulps;
};
static const struct gelu_errors gelu_bound[] = {
    [F32] = {1.5e-7L, 1.8e-7L, 1.6e-7L, 5}, [F64] = {3e-16L, 3.6e-16L, 2.8e-16L, 3.6L}};

static void check_gelu(enum prec p, struct gelu_errors *worst)
{
    evaluate(p, GELU);
    for (int i = 0; i < N; i++) {
        long double want = gelu(x[i]), error = fabsl(y[i] - want);
        worse(&worst->value, error / fmaxl(1, fabsl((long double)x[i])));
        worse(&worst->slope, fabsl(g[i] - slope(x[i])));
        if (x[i] < -1e-3) worse(&worst->cdf, error / -x[i]);
        if (x[i] > -0.5) worse(&worst->ulps, error / ulp(p, want));
        ck_assert(x[i] < 10 || (y[i] == x[i] && g[i] == 1));
        ck_assert(x[i] > -10 || (y[i] == 0 && g[i] == 0));
    }
}

START_TEST(gelu_is_accurate)
{
    const enum prec p = (enum prec)_i;
    struct gelu_errors worst = {0};
    binades(p), check_gelu(p, &worst);
    interval(p, -10, 10), check_gelu(p, &worst);
    interval(p, -1, 1), check_gelu(p, &worst);
    STATE("gelu f%d: value %.3Lg, slope %.3Lg, Phi %.3Lg; %.2Lf ulp\n", 32 << p, worst.value,
          worst.slope, worst.cdf, worst.ulps);
    ck_assert(worst.value < gelu_bound[p].value && worst.slope < gelu_bound[p].slope);
    ck_assert(worst.cdf < gelu_bound[p].cdf && worst.ulps < gelu_bound[p].ulps);
}
END_TEST

START_TEST(gelu_at_the_edges)
{
    const double at[] = {0, -0.0, INFINITY, -INFINITY, NAN, 1e-40, -1e-40, 1e38, -1e38, 6.5, -9};
    const double value[] = {0, -0.0, INFINITY, 0, NAN, 5e-41, -5e-41, 1e38, 0, 6.5, 0};
    const double slopes[] = {0.5, 0.5, 1, 0, NAN, 0.5, 0.5, 1, 0, 1, 0};
    enum { EDGES = sizeof at / sizeof *at };
    for (enum prec p = F32; p <= F64; p++) {
        for (int i = 0; i < EDGES; i++) x[i] = at[i];
        evaluate(p, GELU);
        for (int i = 0; i < EDGES; i++) {
            double want = p == F32 ? (float)value[i] : value[i];
            if (isnan(value[i]))
                ck_assert(isnan(y[i]) && isnan(g[i]));
            else if (fabs(at[i]) > 0 && fabs(at[i]) < 1e-30)
                ck_assert(fabs(y[i] - want) <= 0x1p-149 && g[i] == 0.5);
            else if (at[i] != 6.5)
                ck_assert_msg(y[i] == want && g[i] == slopes[i], "f%d: gelu(%g) = %g, slope %g",
                              32 << p, at[i], y[i], g[i]);
        }
        ck_assert(!signbit(y[0]) && signbit(y[1]));
    }
}
END_TEST

/* An activation alone has the bits of the one with its slope: over all binades. */
START_TEST(values_alone_have_the_same_bits)
{
    static float u[N], v[N], h[N], s[N], alone[N];
    binades(F32);
    for (int i = 0; i < N; i++) u[i] = (float)(i % 2 ? x[i] : i * 20.0 / N - 10);
    for (int a = 0; a < STM_ACTS; a++) {
        stm_k_f32()->act_grad[a](u, v, h, s, N);
        stm_k_f32()->act[a](u, v, alone, N);
        ck_assert_mem_eq(h, alone, sizeof h);
    }
}
END_TEST

/* ---- tanh and the other activations ---- */

static void check_tanh(enum prec p, long double *worst, long double *worst_slope)
{
    evaluate(p, TANH);
    for (int i = 0; i < N; i++) {
        long double want = tanhl(x[i]);
        worse(worst, in_ulps(p, y[i], want));
        worse(worst_slope, fabsl(g[i] - (1 - want * want)) / ulp(p, 0.5L));
        ck_assert(fabs(y[i]) <= 1 && (y[i] > 0) == (x[i] > 0));
    }
}

START_TEST(tanh_is_accurate)
{
    const enum prec p = (enum prec)_i;
    long double worst = 0, worst_slope = 0;
    binades(p), check_tanh(p, &worst, &worst_slope);
    interval(p, -20, 20), check_tanh(p, &worst, &worst_slope);
    interval(p, -1, 1), check_tanh(p, &worst, &worst_slope);
    STATE("tanh f%d: %.3Lf ulp; slope %.2Lf ulp of 1/2\n", 32 << p, worst, worst_slope);
    ck_assert(worst < 1.45L && worst_slope < 2.5L);
    x[0] = -INFINITY, x[1] = INFINITY, x[2] = NAN, x[3] = -0.0;
    evaluate(p, TANH);
    ck_assert(y[0] == -1 && y[1] == 1 && isnan(y[2]) && y[3] == 0 && g[0] == 0 && g[3] == 1);
}
END_TEST

#define CHECK_EXACT(S, REAL_T)                                                                     \
    do {                                                                                           \
        static REAL_T u[N], v[N], h[N], s[N];                                                      \
        for (int i = 0; i < N; i++) u[i] = (REAL_T)((i - N / 2) * (i % 3 ? 0.006 : 1e-5));         \
        u[0] = NAN;                                                                                \
        stm_k_##S()->act_grad[STM_ACT_RELU](u, v, h, s, N);                                        \
        ck_assert(isnan(h[0]));                                                                    \
        for (int i = 1; i < N; i++) ck_assert(h[i] == fmax(u[i], 0) && s[i] == (u[i] > 0));        \
        stm_k_##S()->act_grad[STM_ACT_SQUARE](u, v, h, s, N);                                      \
        ck_assert(isnan(h[0]));                                                                    \
        for (int i = 1; i < N; i++) ck_assert(h[i] == u[i] * u[i] && s[i] == 2 * u[i]);            \
    } while (0)

START_TEST(relu_and_square_are_exact)
{
    CHECK_EXACT(f32, float);
    CHECK_EXACT(f64, double);
}
END_TEST

/* ---- soft-max ---- */

enum { CLASSES = 1024, PAIRS = 17 };

/* Pair t: class t leads all others by t. From a lead on, the others are lost beside the 1: the
 * probability is exactly 1. All equal: each is exactly 1 before the division. Terms and sums
 * against long double; a sum of C terms in 16 lanes has C/16 + 4 additions. */
#define CHECK_SOFTMAX(S, REAL_T, eps)                                                              \
    do {                                                                                           \
        static REAL_T z[CLASSES * PAIRS];                                                          \
        static const size_t classes[] = {1, 2, 15, 16, 17, 59, 97, 1023, 1024};                    \
        REAL_T top[PAIRS], sum[PAIRS];                                                             \
        for (size_t k = 0; k < sizeof classes / sizeof *classes; k++) {                            \
            const size_t C = classes[k];                                                           \
            for (size_t t = 0; t < PAIRS; t++)                                                     \
                for (size_t c = 0; c < C; c++)                                                     \
                    z[c * PAIRS + t] = c == t % C ? (REAL_T)(3 * t) : 0;                           \
            stm_k_##S()->softmax(z, top, sum, C, PAIRS);                                           \
            for (size_t t = 0; t < PAIRS; t++) {                                                   \
                long double other = expl(-3.0L * t), want = 1 + (C - 1) * other;                   \
                REAL_T prob = z[t % C * PAIRS + t] * (1 / sum[t]);                                 \
                ck_assert(z[t % C * PAIRS + t] == 1 && top[t] == (REAL_T)(3 * t));                 \
                ck_assert(fabsl(sum[t] / want - 1) <= (C / 16 + 5) * (eps) && sum[t] >= 1);        \
                ck_assert(prob <= 1 && (want - 1 > (eps) / 4 || prob == 1));                       \
                ck_assert(t || sum[t] == (REAL_T)C);                                               \
            }                                                                                      \
        }                                                                                          \
    } while (0)

START_TEST(softmax_up_to_1024_classes)
{
    CHECK_SOFTMAX(f32, float, 0x1p-23L);
    CHECK_SOFTMAX(f64, double, 0x1p-52L);
}
END_TEST

/* ---- of random.c ---- */

static void check_log(long double *worst, long double *near_one)
{
    for (int i = 0; i < N; i++) {
        long double want = logl(x[i]), error = fabsl(stm_log(x[i]) - want);
        worse(fabs(x[i] - 1) < 0.5 ? near_one : worst, error / ulp(F64, want));
    }
}

/* Its domain: positive normal numbers. */
START_TEST(log_is_accurate)
{
    long double worst = 0, near_one = 0;
    binades(F64);
    for (int i = 0; i < N; i++) x[i] = fmax(fabs(x[i]), 0x1p-1022);
    check_log(&worst, &near_one);
    interval(F64, 0.25, 4), check_log(&worst, &near_one);
    interval(F64, 0x1p-52, 1), check_log(&worst, &near_one);
    STATE("log: %.3Lf ulp; in (1/2, 3/2) %.3Lf ulp\n", worst, near_one);
    ck_assert(worst < 1.4L && near_one < 2.1L);
    ck_assert_double_eq(stm_log(1), 0);
}
END_TEST

START_TEST(sincos_is_accurate)
{
    long double worst = 0;
    interval(F64, 0, 1);
    for (int i = 0; i < N; i++) {
        double s, c;
        stm_sincos_turn(x[i], &s, &c);
        long double a = 6.28318530717958647692528676655900577L * x[i];
        worse(&worst, fmaxl(fabsl(s - sinl(a)), fabsl(c - cosl(a))) / ulp(F64, 0.75L));
    }
    STATE("sin, cos: %.3Lf ulp of 1\n", worst);
    ck_assert(worst < 1.7L);
    double s, c;
    stm_sincos_turn(0, &s, &c);
    ck_assert(s == 0 && c == 1);
    stm_sincos_turn(0.25, &s, &c);
    ck_assert(s == 1 && c == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine math");
    TCase *tc = tcase_create("math");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, exp_is_accurate, F32, F64 + 1);
    tcase_add_test(tc, exp_at_the_edges);
    tcase_add_loop_test(tc, gelu_is_accurate, F32, F64 + 1);
    tcase_add_test(tc, gelu_at_the_edges);
    tcase_add_test(tc, values_alone_have_the_same_bits);
    tcase_add_loop_test(tc, tanh_is_accurate, F32, F64 + 1);
    tcase_add_test(tc, relu_and_square_are_exact);
    tcase_add_test(tc, softmax_up_to_1024_classes);
    tcase_add_test(tc, log_is_accurate);
    tcase_add_test(tc, sincos_is_accurate);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
