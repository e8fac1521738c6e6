/* Order statistics, means and the bootstrap's stream. */
#include <math.h>
#include <stdlib.h>

#include "run/stats.h"

static int compare_obs(const void *pa, const void *pb)
{
    const struct stm_obs *a = pa, *b = pb;
    if (a->censored != b->censored) return a->censored ? 1 : -1;
    return (a->v > b->v) - (a->v < b->v);
}

static void sort_obs(struct stm_obs *x, size_t n) { qsort(x, n, sizeof *x, compare_obs); }

/* The smallest censoring bound of sorted x; its censored values are at the end, ascending. */
static struct stm_obs smallest_bound(const struct stm_obs *x, size_t n)
{
    size_t i = n;
    while (i > 0 && x[i - 1].censored) i--;
    return x[i];
}

static bool sorted_quantile(const struct stm_obs *x, size_t n, double q, struct stm_obs *out)
{
    if (n == 0 || !(q >= 0 && q <= 1)) return false;
    double h = (double)(n - 1) * q, low = floor(h);
    size_t i = (size_t)low;
    double part = h - low;
    if (x[i].censored || (part > 0 && x[i + 1].censored)) {
        *out = smallest_bound(x, n);
        return true;
    }
    out->censored = false;
    out->v = part > 0 ? x[i].v + part * (x[i + 1].v - x[i].v) : x[i].v;
    return true;
}

bool stm_stat_quantile(struct stm_obs *x, size_t n, double q, struct stm_obs *out)
{
    if (n == 0) return false;
    sort_obs(x, n);
    return sorted_quantile(x, n, q, out);
}

bool stm_stat_median(struct stm_obs *x, size_t n, struct stm_obs *out)
{
    return stm_stat_quantile(x, n, 0.5, out);
}

bool stm_stat_iqr(struct stm_obs *x, size_t n, struct stm_obs *out)
{
    struct stm_obs low, high;
    if (!stm_stat_quantile(x, n, 0.25, &low) || !sorted_quantile(x, n, 0.75, &high)) return false;
    if (low.censored) return false;
    *out = (struct stm_obs){high.v - low.v, high.censored};
    return true;
}

bool stm_stat_min(struct stm_obs *x, size_t n, struct stm_obs *out)
{
    return stm_stat_quantile(x, n, 0, out);
}

bool stm_stat_max(struct stm_obs *x, size_t n, struct stm_obs *out)
{
    if (n == 0) return false;
    *out = x[0];
    for (size_t i = 1; i < n; i++) {
        if (x[i].v > out->v) out->v = x[i].v;
        out->censored |= x[i].censored;
    }
    return true;
}

bool stm_stat_mean(struct stm_obs *x, size_t n, struct stm_obs *out)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (x[i].censored) return false;
        sum += x[i].v;
    }
    *out = (struct stm_obs){sum / (double)n, false};
    return n > 0;
}

bool stm_stat_sd(struct stm_obs *x, size_t n, struct stm_obs *out)
{
    struct stm_obs mean;
    if (n < 2 || !stm_stat_mean(x, n, &mean)) return false;
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (x[i].v - mean.v) * (x[i].v - mean.v);
    *out = (struct stm_obs){sqrt(sum / (double)(n - 1)), false};
    return true;
}

bool stm_stat_restrict(struct stm_obs x, double limit, struct stm_obs *out)
{
    if (x.censored && x.v < limit) return false;
    *out = (struct stm_obs){x.v < limit ? x.v : limit, false};
    return true;
}

/* ---- bootstrap ---- */

static uint64_t splitmix64(uint64_t seed, uint64_t k)
{
    uint64_t z = seed + UINT64_C(0x9e3779b97f4a7c15) * (k + 1);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

unsigned stm_boot_index(unsigned resample, unsigned draw, unsigned n)
{
    uint64_t z = splitmix64(STM_BOOT_SEED, (uint64_t)resample << 32 | draw);
    return (unsigned)((z >> 32) * n >> 32);
}

bool stm_boot_interval(struct stm_obs *x, size_t n, double *lo, double *hi)
{
    struct stm_obs low, high;
    if (!stm_stat_quantile(x, n, 0.025, &low) || !sorted_quantile(x, n, 0.975, &high)) return false;
    *lo = low.censored ? INFINITY : low.v;
    *hi = high.censored ? INFINITY : high.v;
    return true;
}
