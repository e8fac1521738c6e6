/* Statistics of small samples, by their definitions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

static int by_size(const void *pa, const void *pb)
{
    const struct obs *a = pa, *b = pb;
    if (a->v != b->v) return (a->v > b->v) - (a->v < b->v);
    return a->censored - b->censored;
}

/* By value or bound, a known one first. */
static struct obs *sorted(const struct obs *x, unsigned n)
{
    struct obs *y = oracle_alloc(n * sizeof *y);
    memcpy(y, x, n * sizeof *y);
    qsort(y, n, sizeof *y, by_size);
    return y;
}

/* The j-th smallest if no censored one ever comes; infinite where that is one of them. */
static double at_the_most(const struct obs *y, unsigned n, unsigned j)
{
    for (unsigned i = 0; i < n; i++)
        if (!y[i].censored && j-- == 0) return y[i].v;
    return INFINITY;
}

/* Type 7. Every censored one is at its bound at the least and never at the most: where both give
 * the same it is known. Else it is later than the formula gives with the bounds if that reads one;
 * if it does not, later than the last bound before what it reads. */
bool stat_quantile(const struct obs *x, unsigned n, double q, struct obs *out)
{
    if (n == 0 || !(q >= 0 && q <= 1)) return false;
    const struct obs *y = sorted(x, n);
    double h = (double)(n - 1) * q, part = h - floor(h);
    unsigned i = (unsigned)floor(h), last = part > 0 ? i + 1 : i;
    *out = (struct obs){part > 0 ? y[i].v + part * (y[last].v - y[i].v) : y[i].v, true};
    if (y[i].censored || y[last].censored) return true;
    if (at_the_most(y, n, i) == y[i].v && at_the_most(y, n, last) == y[last].v) {
        out->censored = false;
        return true;
    }
    for (unsigned j = 0; j < last; j++)
        if (y[j].censored) out->v = y[j].v;
    return true;
}

static bool any_censored(const struct obs *x, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (x[i].censored) return true;
    return false;
}

static double mean(const struct obs *x, unsigned n)
{
    double sum = 0;
    for (unsigned i = 0; i < n; i++) sum += x[i].v;
    return sum / n;
}

static bool iqr(const struct obs *x, unsigned n, struct obs *out)
{
    struct obs low, high;
    if (!stat_quantile(x, n, 0.25, &low) || !stat_quantile(x, n, 0.75, &high)) return false;
    if (low.censored) return false;
    *out = (struct obs){high.v - low.v, high.censored};
    return true;
}

bool stat_of(enum stat s, const struct obs *x, unsigned n, struct obs *out)
{
    double sum = 0;
    switch (s) {
    case STAT_MEDIAN: return stat_quantile(x, n, 0.5, out);
    case STAT_MIN: return stat_quantile(x, n, 0, out);
    case STAT_MAX: return stat_quantile(x, n, 1, out);
    case STAT_IQR: return iqr(x, n, out);
    case STAT_MEAN:
        if (n == 0 || any_censored(x, n)) return false;
        *out = (struct obs){mean(x, n), false};
        return true;
    case STAT_STD:
        if (n < 2 || any_censored(x, n)) return false;
        for (unsigned i = 0; i < n; i++) sum += (x[i].v - mean(x, n)) * (x[i].v - mean(x, n));
        *out = (struct obs){sqrt(sum / (n - 1)), false};
        return true;
    }
    return false;
}

/* Linear between the neighbours of `at`. */
bool stat_interp(const double *x, const double *y, unsigned n, double at, double *out)
{
    int below = -1, above = -1;
    for (unsigned i = 0; i < n; i++) {
        for (unsigned j = 0; j < i; j++)
            if (x[i] == x[j]) return false;
        if (x[i] <= at && (below < 0 || x[i] > x[below])) below = (int)i;
        if (x[i] > at && (above < 0 || x[i] < x[above])) above = (int)i;
    }
    if (below < 0 || (x[below] != at && above < 0)) return false;
    *out = y[below];
    if (x[below] != at)
        *out = y[below] + (at - x[below]) / (x[above] - x[below]) * (y[above] - y[below]);
    return true;
}

/* ---- least squares ---- */

static double dot(const double *a, const double *b, unsigned n)
{
    double s = 0;
    for (unsigned i = 0; i < n; i++) s += a[i] * b[i];
    return s;
}

static double *centred(const double *a, unsigned n, double *mean_out)
{
    double *c = oracle_alloc(n * sizeof *c), m = 0;
    for (unsigned i = 0; i < n; i++) m += a[i];
    m /= n;
    for (unsigned i = 0; i < n; i++) c[i] = a[i] - m;
    *mean_out = m;
    return c;
}

/* Below this share of its length, what the other regressors leave of one is rounding. */
static const double dependent = 1e-10;

/* Regressors centred and made orthogonal one after the other, y left as residuals: one way of
 * solving it has one set of last bits. */
bool stat_ols(const double *x, const double *y, unsigned n, unsigned k, struct ols *out)
{
    double r[OLS_MAX][OLS_MAX] = {{0}}, qy[OLS_MAX], mean_x[OLS_MAX], mean_y;
    double *q[OLS_MAX];
    if (n < k + 1) return false;
    *out = (struct ols){.n = n, .k = k};
    double *rest = centred(y, n, &mean_y), tss = dot(rest, rest, n), before = tss;
    if (!(tss > dependent * dependent * dot(y, y, n))) return false;
    for (unsigned j = 0; j < k; j++) {
        q[j] = centred(x + (size_t)j * n, n, &mean_x[j]);
        for (unsigned i = 0; i < j; i++) {
            r[i][j] = dot(q[i], q[j], n);
            for (unsigned p = 0; p < n; p++) q[j][p] -= r[i][j] * q[i][p];
        }
        r[j][j] = sqrt(dot(q[j], q[j], n));
        double length = sqrt(dot(x + (size_t)j * n, x + (size_t)j * n, n));
        if (!(r[j][j] > dependent * length)) return false;
        for (unsigned p = 0; p < n; p++) q[j][p] /= r[j][j];
        before = dot(rest, rest, n);
        qy[j] = dot(q[j], rest, n);
        for (unsigned p = 0; p < n; p++) rest[p] -= qy[j] * q[j][p];
    }
    out->rss = dot(rest, rest, n);
    out->r2 = 1 - out->rss / tss;
    out->dr2 = k ? (before - out->rss) / tss : 0;
    out->intercept = mean_y;
    for (unsigned j = k; j-- > 0;) {
        double c = qy[j];
        for (unsigned i = j + 1; i < k; i++) c -= r[j][i] * out->coef[i];
        out->coef[j] = c / r[j][j];
        out->intercept -= out->coef[j] * mean_x[j];
    }
    return true;
}

/* Through as many points as it has parameters a fit goes exactly, and has none. */
double stat_aic(const struct ols *f)
{
    return f->n > f->k + 1 ? f->n * log(f->rss / f->n) + 2.0 * (f->k + 1) : NAN;
}

/* ---- the bootstrap's stream: output resample * 2^32 + draw of splitmix64 ---- */

unsigned stat_draw(unsigned resample, unsigned draw, unsigned n)
{
    uint64_t k = (uint64_t)resample << 32 | draw;
    uint64_t z = UINT64_C(0x7374656d6d610001) + (k + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (unsigned)(((z >> 32) * n) >> 32);
}
