#include "stats.h"

#include <math.h>
#include <stdlib.h>

double stats_normal_cdf(double x) { return 0.5 * erfc(-x * sqrt(0.5)); }

double stats_normal(double z) { return erfc(fabs(z) * sqrt(0.5)); }

/* The lower tail by its series, for x < a + 1. */
static double gamma_series(double a, double x)
{
    double term = 1 / a, sum = term;
    for (double k = a + 1; fabs(term) > 1e-17 * fabs(sum); k++) {
        term *= x / k;
        sum += term;
    }
    return sum * exp(-x + a * log(x) - lgamma(a));
}

/* The upper tail by its continued fraction (Lentz), for x >= a + 1. */
static double gamma_fraction(double a, double x)
{
    double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
    for (int i = 1; i < 100000; i++) {
        double n = -i * (i - a), delta;
        b += 2;
        d = 1 / (n * d + b);
        c = b + n / c;
        delta = c * d;
        h *= delta;
        if (fabs(delta - 1) < 1e-15) break;
    }
    return h * exp(-x + a * log(x) - lgamma(a));
}

double stats_chi2_above(double x, double df)
{
    double a = df / 2;
    if (x <= 0) return 1;
    return x / 2 < a + 1 ? 1 - gamma_series(a, x / 2) : gamma_fraction(a, x / 2);
}

double stats_chi2(double x, double df)
{
    double p = stats_chi2_above(x, df);
    return 2 * fmin(p, 1 - p);
}

double stats_poisson_above(unsigned long count, double mean)
{
    return count ? 1 - stats_chi2_above(2 * mean, 2.0 * (double)count) : 1;
}

/* Kolmogorov's law with Stephens' correction for n. */
double stats_ks(const double *u, size_t n)
{
    double far = 0, root = sqrt((double)n), p = 0;
    for (size_t i = 0; i < n; i++)
        far = fmax(far, fmax(u[i] - (double)i / (double)n, (double)(i + 1) / (double)n - u[i]));
    double t = far * (root + 0.12 + 0.11 / root);
    if (t < 0.2) return 1;
    for (int k = 1; k < 100; k++) p += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * t * t);
    return fmin(fmax(p, 0), 1);
}

/* The limit law by the two approximations of Marsaglia and Marsaglia (2004). */
double stats_ad(const double *u, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double low = fmax(u[i], 1e-300), high = fmax(1 - u[n - 1 - i], 1e-300);
        sum += (2 * (double)i + 1) * (log(low) + log(high));
    }
    double z = -(double)n - sum / (double)n;
    if (z <= 0) return 1;
    if (z < 2) {
        double poly =
            ((((.00168691 * z - .0116720) * z + .0347962) * z - .0649821) * z + .247105) * z;
        return 1 - exp(-1.2337141 / z) / sqrt(z) * (2.00012 + poly);
    }
    double poly = ((((.0003146 * z - .008056) * z + .082433) * z - .43424) * z + 2.30695) * z;
    return 1 - exp(-exp(1.0776 - poly));
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void stats_sort(double *x, size_t n) { qsort(x, n, sizeof *x, ascending); }

void stats_score(struct stats_scores *s, double z)
{
    s->sum += z;
    s->squares += z * z;
    s->n++;
}

double stats_scores_mean(const struct stats_scores *s)
{
    return stats_normal(s->sum / sqrt((double)s->n));
}

double stats_scores_spread(const struct stats_scores *s)
{
    return stats_chi2(s->squares, (double)s->n);
}
