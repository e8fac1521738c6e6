/* Order statistics, means and the bootstrap's stream. */
#include <math.h>
#include <stdlib.h>

#include "run/stats.h"

/* By value or bound; what is later than v comes after v. */
static int compare_obs(const void *pa, const void *pb)
{
    const struct stm_obs *a = pa, *b = pb;
    if (a->v != b->v) return a->v > b->v ? 1 : -1;
    return (int)a->censored - (int)b->censored;
}

static void sort_obs(struct stm_obs *x, size_t n) { qsort(x, n, sizeof *x, compare_obs); }

/* Whether the j-th smallest value is x[j] even if every censored one is later than all known ones.
 */
static bool is_certain(const struct stm_obs *x, size_t n, size_t j)
{
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        if (!x[i].censored && known++ == j) return x[i].v == x[j].v;
    return false;
}

/* With its bound for each censored value the formula gives a lower bound, since a quantile does not
 * fall when a value grows. In this order the j-th smallest value is above x[j] if x[j] is censored;
 * else it may be x[j], but is above every bound before it. */
static bool sorted_quantile(const struct stm_obs *x, size_t n, double q, struct stm_obs *out)
{
    if (n == 0 || !(q >= 0 && q <= 1)) return false;
    double h = (double)(n - 1) * q, low = floor(h);
    size_t i = (size_t)low, last;
    double part = h - low;
    last = part > 0 ? i + 1 : i;
    *out = (struct stm_obs){part > 0 ? x[i].v + part * (x[last].v - x[i].v) : x[i].v, false};
    if (is_certain(x, n, i) && is_certain(x, n, last)) return true;
    out->censored = x[i].censored || x[last].censored;
    while (!out->censored && last-- > 0)
        if (x[last].censored) *out = x[last];
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
    return stm_stat_quantile(x, n, 1, out);
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

bool stm_boot_interval(struct stm_obs *x, size_t n, struct stm_obs *lo, struct stm_obs *hi)
{
    return stm_stat_quantile(x, n, 0.025, lo) && sorted_quantile(x, n, 0.975, hi);
}
