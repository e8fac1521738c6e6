/* Statistics against known answers. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "run/stats.h"

#define NEAR(a, b, eps) ck_assert_double_eq_tol(a, b, (eps) + 1e-300)

static void fill(struct stm_obs *x, const double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = (struct stm_obs){v[i], false};
}

START_TEST(quantile_is_type_7)
{
    /* R: quantile(c(1, 2, 4, 8, 16, 32), c(.1, .25, .5, .75, .9), type = 7) */
    const double v[] = {32, 1, 16, 2, 8, 4}, q[] = {0.1, 0.25, 0.5, 0.75, 0.9, 0, 1};
    const double want[] = {1.5, 2.5, 6, 14, 24, 1, 32};
    struct stm_obs x[6], out;
    for (int i = 0; i < 7; i++) {
        fill(x, v, 6);
        ck_assert(stm_stat_quantile(x, 6, q[i], &out));
        NEAR(out.v, want[i], 1e-12);
        ck_assert(!out.censored);
    }
    ck_assert(!stm_stat_quantile(x, 6, 1.01, &out));
    ck_assert(!stm_stat_quantile(x, 6, NAN, &out));
    ck_assert(!stm_stat_quantile(x, 0, 0.5, &out));
}
END_TEST

START_TEST(median_of_censored)
{
    struct stm_obs out, five[] = {{900, true}, {3, false}, {800, true}, {1, false}, {2, false}};
    ck_assert(stm_stat_median(five, 5, &out));
    ck_assert(!out.censored); /* 3 is the middle value, however late the others are */
    NEAR(out.v, 3, 0);
    struct stm_obs four[] = {{900, true}, {3, false}, {800, true}, {1, false}};
    ck_assert(stm_stat_median(four, 4, &out));
    ck_assert(out.censored); /* the other middle value may be 801 */
    NEAR(out.v, 401.5, 0);
    struct stm_obs low[] = {{900, true}, {3, false}, {2, true}, {1, false}, {7, false}};
    ck_assert(stm_stat_median(low, 5, &out));
    ck_assert(out.censored); /* 2+ may be anything from 2 on: the median is from 3 to 7 */
    NEAR(out.v, 2, 0);
    struct stm_obs late[] = {{100, false}, {70, true}, {50, true}, {60, true}, {200, false}};
    ck_assert(stm_stat_median(late, 5, &out));
    ck_assert(out.censored);
    NEAR(out.v, 70, 0); /* two are below it at most */
    struct stm_obs tie[] = {{5, true}, {5, false}, {9, true}};
    ck_assert(stm_stat_min(tie, 3, &out));
    ck_assert(!out.censored && out.v == 5);
    ck_assert(stm_stat_median(tie, 3, &out));
    ck_assert(out.censored && out.v == 5);
    struct stm_obs most[] = {{7, false}, {2, true}};
    ck_assert(stm_stat_max(most, 2, &out)); /* 7, or later */
    ck_assert(out.censored && out.v == 2);
    ck_assert(stm_stat_min(most, 2, &out));
    ck_assert(out.censored && out.v == 2);
}
END_TEST

static double plain_quantile(const double *v, unsigned n, double q)
{
    double y[8];
    for (unsigned i = 0; i < n; i++) { /* the i-th smallest: as many are below */
        for (unsigned k = 0; k < n; k++) {
            unsigned below = 0;
            for (unsigned j = 0; j < n; j++) below += v[j] < v[k] || (v[j] == v[k] && j < k);
            if (below == i) y[i] = v[k];
        }
    }
    double h = (n - 1) * q;
    unsigned i = (unsigned)h;
    return h > i ? y[i] + (h - i) * (y[i + 1] - y[i]) : y[i];
}

/* Small samples with every way the censored values may turn out: what is known is so in all of
 * them, what is censored is above its bound in all of them, and is not known in truth. */
START_TEST(quantiles_hold_whatever_was_censored)
{
    static const double shares[] = {0, 0.1, 0.25, 0.5, 0.6, 0.75, 1}, later[] = {0.5, 1, 2.5, 50};
    unsigned state = 7, censored = 0, known = 0;
    for (int trial = 0; trial < 4000; trial++) {
        struct stm_obs x[4], sorted[4], out;
        unsigned n = 1 + (unsigned)trial % 4, turns = 1;
        for (unsigned i = 0; i < n; i++) {
            state = state * 1664525u + 1013904223u;
            x[i] = (struct stm_obs){state >> 16 & 7, (state >> 24 & 3) == 0};
            turns *= x[i].censored ? 4 : 1;
        }
        double q = shares[trial / 4 % 7], low = INFINITY, high = -INFINITY;
        for (unsigned i = 0; i < n; i++) sorted[i] = x[i];
        ck_assert(stm_stat_quantile(sorted, n, q, &out));
        for (unsigned turn = 0; turn < turns; turn++) {
            double v[4];
            for (unsigned i = 0, rest = turn; i < n; i++) {
                v[i] = x[i].v + (x[i].censored ? later[rest % 4] : 0);
                if (x[i].censored) rest /= 4;
            }
            double is = plain_quantile(v, n, q);
            low = fmin(low, is);
            high = fmax(high, is);
        }
        ck_assert_msg(out.censored ? low > out.v : low == high && fabs(low - out.v) < 1e-12,
                      "trial %d: %s%g, and it is from %g to %g", trial, out.censored ? "> " : "",
                      out.v, low, high);
        ck_assert(!out.censored || low < high);
        *(out.censored ? &censored : &known) += 1;
    }
    ck_assert_uint_gt(censored, 1000);
    ck_assert_uint_gt(known, 1000);
}
END_TEST

START_TEST(spread)
{
    const double v[] = {2, 4, 4, 4, 5, 5, 7, 9};
    struct stm_obs x[8], out;
    fill(x, v, 8);
    ck_assert(stm_stat_mean(x, 8, &out));
    NEAR(out.v, 5, 1e-15);
    ck_assert(stm_stat_sd(x, 8, &out));
    NEAR(out.v, sqrt(32.0 / 7), 1e-15);
    ck_assert(stm_stat_iqr(x, 8, &out));
    NEAR(out.v, 1.5, 1e-15);
    x[7].censored = true;
    ck_assert(!stm_stat_mean(x, 8, &out));
    ck_assert(!stm_stat_sd(x, 8, &out));
    ck_assert(stm_stat_iqr(x, 8, &out));
    ck_assert(!out.censored);
    ck_assert(stm_stat_max(x, 8, &out));
    ck_assert(out.censored);
    NEAR(out.v, 9, 0);
    ck_assert(stm_stat_min(x, 8, &out));
    NEAR(out.v, 2, 0);
    ck_assert(!stm_stat_sd(x, 1, &out));
    ck_assert(!stm_stat_mean(x, 0, &out));
}
END_TEST

START_TEST(restricted)
{
    struct stm_obs out;
    ck_assert(stm_stat_restrict((struct stm_obs){700, true}, 600, &out));
    NEAR(out.v, 600, 0);
    ck_assert(!out.censored);
    ck_assert(stm_stat_restrict((struct stm_obs){400, false}, 600, &out));
    NEAR(out.v, 400, 0);
    ck_assert(!stm_stat_restrict((struct stm_obs){500, true}, 600, &out));
}
END_TEST

START_TEST(interpolation)
{
    double out, x[] = {4, 1, 2}, y[] = {40, 10, 30};
    ck_assert(stm_stat_interp(x, y, 3, 3, &out));
    NEAR(out, 35, 1e-12);
    ck_assert(stm_stat_interp(x, y, 3, 1, &out));
    NEAR(out, 10, 0);
    ck_assert(stm_stat_interp(x, y, 3, 4, &out));
    NEAR(out, 40, 0);
    ck_assert(!stm_stat_interp(x, y, 3, 4.01, &out));
    ck_assert(!stm_stat_interp(x, y, 3, NAN, &out));
    x[1] = x[0];
    ck_assert(!stm_stat_interp(x, y, 3, 2, &out));
}
END_TEST

START_TEST(least_squares_one_regressor)
{
    /* By hand: means 3 and 4, Sxy = 6, Sxx = 10, Syy = 6. */
    double x[] = {1, 2, 3, 4, 5}, y[] = {2, 4, 5, 4, 5};
    struct stm_ols f;
    ck_assert(stm_stat_ols(x, y, 5, 1, &f));
    NEAR(f.coef[0], 0.6, 1e-14);
    NEAR(f.intercept, 2.2, 1e-14);
    NEAR(f.rss, 2.4, 1e-14);
    NEAR(f.r2, 0.6, 1e-14);
    NEAR(f.dr2, 0.6, 1e-14);
    NEAR(stm_stat_aic(f.rss, 5, 2), 5 * log(0.48) + 4, 1e-12);
}
END_TEST

START_TEST(least_squares_two_regressors)
{
    /* Orthogonal after centring: y = 1 + 2 a + 3 b + (1, -1, -1, 1) / 2. TSS = 16 + 36 + 1. */
    double x[] = {-1, 1, -1, 1, -1, -1, 1, 1}, y[] = {-3.5, -0.5, 1.5, 6.5};
    struct stm_ols f;
    ck_assert(stm_stat_ols(x, y, 4, 2, &f));
    NEAR(f.coef[0], 2, 1e-14);
    NEAR(f.coef[1], 3, 1e-14);
    NEAR(f.intercept, 1, 1e-14);
    NEAR(f.r2, 52.0 / 53, 1e-14);
    NEAR(f.dr2, 36.0 / 53, 1e-14);
    /* Correlated: y = a + b exactly, b = a except in one point. */
    double x2[] = {0, 1, 2, 3, 0, 1, 2, 6}, y2[] = {0, 2, 4, 9};
    ck_assert(stm_stat_ols(x2, y2, 4, 2, &f));
    NEAR(f.coef[0], 1, 1e-12);
    NEAR(f.coef[1], 1, 1e-12);
    NEAR(f.intercept, 0, 1e-12);
    NEAR(f.r2, 1, 1e-12);
    /* a alone: Sxy = 14.5, Sxx = 5, Syy = 44.75 */
    NEAR(f.dr2, 1 - 14.5 * 14.5 / (5 * 44.75), 1e-12);
}
END_TEST

START_TEST(least_squares_refuses)
{
    struct stm_ols f;
    double same[] = {1, 2, 3, 4, 2, 4, 6, 8}, y[] = {1, 3, 2, 5};
    ck_assert(!stm_stat_ols(same, y, 4, 2, &f));
    double flat[] = {0.1, 0.1, 0.1, 0.1}, y1[] = {1, 3, 2, 5};
    ck_assert(!stm_stat_ols(flat, y1, 4, 1, &f));
    double x[] = {1, 2, 3, 4}, level[] = {0.1, 0.1, 0.1, 0.1};
    ck_assert(!stm_stat_ols(x, level, 4, 1, &f));
    double few[] = {1, 2, 3, 5}, y2[] = {1, 2};
    ck_assert(!stm_stat_ols(few, y2, 2, 2, &f));
}
END_TEST

START_TEST(stream_is_pinned)
{
    /* These decide every interval that was ever printed; they must not change. */
    static const unsigned want[] = {11, 2, 2, 8, 11, 5, 11, 11, 11, 4, 10, 4};
    for (unsigned i = 0; i < 12; i++) ck_assert_uint_eq(stm_boot_index(0, i, 12), want[i]);
    ck_assert_uint_eq(stm_boot_index(3999, 11, 12), 9);
    unsigned hist[12] = {0};
    for (unsigned r = 0; r < 4000; r++)
        for (unsigned i = 0; i < 12; i++) hist[stm_boot_index(r, i, 12)]++;
    for (unsigned i = 0; i < 12; i++) /* 4000 each, standard deviation 60.6 */
        ck_assert_msg(hist[i] > 3750 && hist[i] < 4250, "%u drawn %u times", i, hist[i]);
    ck_assert_uint_eq(stm_boot_index(5, 5, 1), 0);
}
END_TEST

START_TEST(interval_covers_and_is_percentile)
{
    struct stm_obs x[41];
    struct stm_obs lo, hi;
    for (int i = 0; i < 41; i++) x[i] = (struct stm_obs){40 - i, false};
    ck_assert(stm_boot_interval(x, 41, &lo, &hi));
    NEAR(lo.v, 1, 1e-12);
    NEAR(hi.v, 39, 1e-12);
    ck_assert(!lo.censored && !hi.censored);
    x[40].censored = x[39].censored = x[38].censored = true;
    ck_assert(stm_boot_interval(x, 41, &lo, &hi));
    NEAR(lo.v, 1, 1e-12);
    ck_assert(!lo.censored && hi.censored);
    NEAR(hi.v, 39, 1e-12);
    /* Means of 25 uniform values: the interval must hold 0.5 in about 95 of 100 samples (the
     * percentile interval is a little short for small samples). */
    unsigned state = 1, inside = 0;
    static struct stm_obs means[1000];
    for (int sample = 0; sample < 300; sample++) {
        double v[25];
        for (int i = 0; i < 25; i++) {
            state = state * 1664525u + 1013904223u;
            v[i] = (state >> 8) / 16777216.0;
        }
        for (unsigned r = 0; r < 1000; r++) {
            double sum = 0;
            for (unsigned i = 0; i < 25; i++) sum += v[stm_boot_index(r, i, 25)];
            means[r] = (struct stm_obs){sum / 25, false};
        }
        ck_assert(stm_boot_interval(means, 1000, &lo, &hi));
        inside += lo.v <= 0.5 && 0.5 <= hi.v;
    }
    ck_assert_msg(inside >= 267 && inside <= 297, "%u of 300", inside);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("stats");
    TCase *t = tcase_create("stats");
    tcase_add_test(t, quantile_is_type_7);
    tcase_add_test(t, median_of_censored);
    tcase_add_test(t, quantiles_hold_whatever_was_censored);
    tcase_add_test(t, spread);
    tcase_add_test(t, restricted);
    tcase_add_test(t, interpolation);
    tcase_add_test(t, least_squares_one_regressor);
    tcase_add_test(t, least_squares_two_regressors);
    tcase_add_test(t, least_squares_refuses);
    tcase_add_test(t, stream_is_pinned);
    tcase_add_test(t, interval_covers_and_is_percentile);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
