/* Statistics of small samples whose values may be right-censored, and the bootstrap's stream.
 *
 * Nothing here allocates or knows of plans. A censored observation is "later than v". A statistic
 * is known where it is the same whatever the censored values are; where it is not, and grows with
 * them, it is censored at a bound that it is above of in any case.
 */
#ifndef STEMMA_RUN_STATS_H
#define STEMMA_RUN_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stm_obs {
    double v;
    bool censored; /* the value is greater than v */
};

/* The functions of a sample return false where it has no such statistic (too few values, a
 * censored value where a number is needed). */

/* Quantile of type 7 (Hyndman & Fan 1996, "Sample quantiles in statistical packages"): with the
 * sorted x[0..n), h = (n - 1) q, x[floor h] + (h - floor h) (x[floor h + 1] - x[floor h]). Known
 * where it is the same whatever the censored values are. Else, with the censored values sorted by
 * their bounds, after known ones that are equal, it is censored: at what the formula gives of
 * values and bounds if it reads a bound, and at the last bound before the values that it reads if
 * not. Sorts `x` in place. n >= 1, 0 <= q <= 1. */
bool stm_stat_quantile(struct stm_obs *x, size_t n, double q, struct stm_obs *out);
bool stm_stat_median(struct stm_obs *x, size_t n, struct stm_obs *out);
/* Quantile 0.75 minus quantile 0.25; censored where the upper one is. Sorts. */
bool stm_stat_iqr(struct stm_obs *x, size_t n, struct stm_obs *out);
/* Quantiles 0 and 1. */
bool stm_stat_min(struct stm_obs *x, size_t n, struct stm_obs *out);
bool stm_stat_max(struct stm_obs *x, size_t n, struct stm_obs *out);
/* Sum in the given order over n; false with a censored value or n = 0. */
bool stm_stat_mean(struct stm_obs *x, size_t n, struct stm_obs *out);
/* sqrt(sum (x - mean)^2 / (n - 1)); n >= 2, none censored. */
bool stm_stat_sd(struct stm_obs *x, size_t n, struct stm_obs *out);
/* min(x, limit), the summand of a restricted mean (Irwin 1949); false where x is censored before
 * the limit. */
bool stm_stat_restrict(struct stm_obs x, double limit, struct stm_obs *out);

/* The point at `at` of the piecewise linear curve through (x[i], y[i]), which are sorted by x in
 * place. False outside the range of x, and where two points have the same x. */
bool stm_stat_interp(double *x, double *y, size_t n, double at, double *out);

enum { STM_OLS_MAX = 8 }; /* regressors */

struct stm_ols {
    size_t n, k;              /* points, regressors */
    double intercept;         /* of y = intercept + sum coef[j] x[j] */
    double coef[STM_OLS_MAX]; /* in the order of the regressors */
    double rss, r2;           /* residual sum of squares; 1 - RSS / TSS */
    double dr2;               /* r2 minus that without the last regressor (0 for none) */
};

/* Ordinary least squares with an intercept. `x` is [k][n], regressor after regressor, centred and
 * orthogonalised in place (modified Gram-Schmidt, Björck 1967); `y` [n] is left as residuals.
 * False when n < k + 1, k > STM_OLS_MAX, y is constant, or the regressors depend on each other. */
bool stm_stat_ols(double *x, double *y, size_t n, size_t k, struct stm_ols *out);
/* n ln(RSS / n) + 2 k, k counting every fitted parameter (Akaike 1974, normal errors). */
double stm_stat_aic(double rss, size_t n, size_t k);

/* ---- bootstrap ---- */

/* Draw `draw` (below 2^32) of resample `resample`: an index below n. It is output number
 * resample * 2^32 + draw of splitmix64 (Steele, Lea & Flood 2014) seeded with STM_BOOT_SEED, its
 * upper 32 bits scaled to n by multiplication. It depends on nothing else. 1 <= n < 2^32. */
#define STM_BOOT_SEED UINT64_C(0x7374656d6d610001)
unsigned stm_boot_index(unsigned resample, unsigned draw, unsigned n);

/* The percentile interval (Efron & Tibshirani 1993, section 13.3) of bootstrap values: quantiles
 * 0.025 and 0.975, each of which may be censored. Sorts. */
bool stm_boot_interval(struct stm_obs *x, size_t n, struct stm_obs *lo, struct stm_obs *hi);

#endif
