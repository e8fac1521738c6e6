/* Curves and regressions. */
#include <math.h>

#include "run/stats.h"

/* Insertion sort of the points by x; curves have a handful of points. */
static void sort_points(double *x, double *y, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        double xi = x[i], yi = y[i];
        size_t j = i;
        for (; j > 0 && x[j - 1] > xi; j--) {
            x[j] = x[j - 1];
            y[j] = y[j - 1];
        }
        x[j] = xi;
        y[j] = yi;
    }
}

bool stm_stat_interp(double *x, double *y, size_t n, double at, double *out)
{
    sort_points(x, y, n);
    if (n == 0 || !(at >= x[0] && at <= x[n - 1])) return false;
    for (size_t i = 1; i < n; i++)
        if (x[i] == x[i - 1]) return false;
    size_t i = 0;
    while (i + 1 < n && x[i + 1] <= at) i++;
    *out = x[i] == at ? y[i] : y[i] + (at - x[i]) / (x[i + 1] - x[i]) * (y[i + 1] - y[i]);
    return true;
}

static double dot(const double *a, const double *b, size_t n)
{
    double s = 0;
    for (size_t i = 0; i < n; i++) s += a[i] * b[i];
    return s;
}

static void subtract(double *a, double c, const double *b, size_t n)
{
    for (size_t i = 0; i < n; i++) a[i] -= c * b[i];
}

static double centre(double *a, size_t n)
{
    double mean = 0;
    for (size_t i = 0; i < n; i++) mean += a[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) a[i] -= mean;
    return mean;
}

/* A regressor whose part that the others do not explain is below this share of its length is taken
 * to depend on them: 1e-10 is far above rounding and far below any real design. */
static const double dependent = 1e-10;

bool stm_stat_ols(double *x, double *y, size_t n, size_t k, struct stm_ols *out)
{
    double mean[STM_OLS_MAX], r[STM_OLS_MAX][STM_OLS_MAX], qy[STM_OLS_MAX];
    if (k > STM_OLS_MAX || n < k + 1) return false;
    *out = (struct stm_ols){.n = n, .k = k};
    double raw = dot(y, y, n), y_mean = centre(y, n), tss = dot(y, y, n), before = tss;
    if (!(tss > dependent * dependent * raw)) return false;
    for (size_t j = 0; j < k; j++) {
        double *xj = x + j * n;
        double length = sqrt(dot(xj, xj, n));
        mean[j] = centre(xj, n);
        for (size_t i = 0; i < j; i++) {
            r[i][j] = dot(x + i * n, xj, n);
            subtract(xj, r[i][j], x + i * n, n);
        }
        r[j][j] = sqrt(dot(xj, xj, n));
        if (!(r[j][j] > dependent * length)) return false;
        for (size_t i = 0; i < n; i++) xj[i] /= r[j][j];
        before = dot(y, y, n);
        qy[j] = dot(xj, y, n);
        subtract(y, qy[j], xj, n);
    }
    out->rss = dot(y, y, n);
    out->r2 = 1 - out->rss / tss;
    out->dr2 = k > 0 ? (before - out->rss) / tss : 0;
    out->intercept = y_mean;
    for (size_t j = k; j-- > 0;) {
        double c = qy[j];
        for (size_t i = j + 1; i < k; i++) c -= r[j][i] * out->coef[i];
        out->coef[j] = c / r[j][j];
        out->intercept -= out->coef[j] * mean[j];
    }
    return true;
}

double stm_stat_aic(double rss, size_t n, size_t k)
{
    return (double)n * log(rss / (double)n) + 2 * (double)k;
}
