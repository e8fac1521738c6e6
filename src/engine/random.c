#include "engine/random.h"

#include <math.h>
#include <string.h>

/* ---- the generator ---- */

void stm_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

struct stm_rand stm_rand_at(uint64_t seed, enum stm_stream stream, uint32_t sub)
{
    return (struct stm_rand){.seed = seed, .stream = (uint32_t)stream, .sub = sub};
}

uint32_t stm_rand_u32(struct stm_rand *r)
{
    if (r->left == 0) {
        uint32_t counter[4] = {(uint32_t)r->block, (uint32_t)(r->block >> 32), r->sub, r->stream};
        uint32_t key[2] = {(uint32_t)r->seed, (uint32_t)(r->seed >> 32)};
        stm_philox(counter, key, r->word);
        r->block++;
        r->left = 4;
    }
    return r->word[4 - r->left--];
}

uint32_t stm_rand_below(struct stm_rand *r, uint32_t n)
{
    uint64_t m = (uint64_t)stm_rand_u32(r) * n;
    if ((uint32_t)m < n) {
        uint32_t reject = (0u - n) % n;
        while ((uint32_t)m < reject) m = (uint64_t)stm_rand_u32(r) * n;
    }
    return (uint32_t)(m >> 32);
}

double stm_rand_uniform(struct stm_rand *r)
{
    uint64_t hi = stm_rand_u32(r), lo = stm_rand_u32(r);
    uint64_t bits = (hi << 32 | lo) >> 12; /* 52 bits, so that the half step is exact */
    return ((double)bits + 0.5) * 0x1p-52;
}

void stm_rand_normals(uint64_t seed, enum stm_stream stream, uint32_t sub, double *x, size_t n)
{
    struct stm_rand r = stm_rand_at(seed, stream, sub);
    for (size_t i = 0; i < n; i += 2) {
        double radius = sqrt(-2.0 * stm_log(stm_rand_uniform(&r)));
        double s, c;
        stm_sincos_turn(stm_rand_uniform(&r), &s, &c);
        x[i] = radius * c;
        if (i + 1 < n) x[i + 1] = radius * s;
    }
}

void stm_rand_permutation(uint64_t seed, enum stm_stream stream, uint32_t sub, uint32_t *order,
                          uint32_t n)
{
    struct stm_rand r = stm_rand_at(seed, stream, sub);
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = stm_rand_below(&r, i), t = order[i - 1];
        order[i - 1] = order[j];
        order[j] = t;
    }
}

/* ---- functions ---- */

/* x = 2^e m with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh((m - 1) / (m + 1)) by its series up to
 * s^23, |s| < 0.172, remainder below 1e-19. */
double stm_log(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, 8);
    int e = (int)(bits >> 52) - 1023;
    bits = (bits & 0xFFFFFFFFFFFFFu) | (uint64_t)1023 << 52;
    double m;
    memcpy(&m, &bits, 8);
    if (m > 0x1.6a09e667f3bcdp+0) {
        m *= 0.5;
        e++;
    }
    double s = (m - 1) / (m + 1), z = s * s, p = 1.0 / 23;
    for (int k = 21; k >= 3; k -= 2) p = p * z + 1.0 / k;
    double tail = 2 * s * (z * p);
    return e * 0x1.62e42feep-1 + (2 * s + (tail + e * 0x1.a39ef35793c76p-33));
}

/* The turn is reduced to |a| <= pi/4 around a multiple k of a quarter turn, exactly; then the
 * Taylor series up to a^17 and a^16, remainders below 1e-17. */
void stm_sincos_turn(double u, double *s, double *c)
{
    int k = (int)(4 * u + 0.5);
    double a = (u - 0.25 * k) * 0x1.921fb54442d18p+2, z = a * a;
    double ps = 0, pc = 0;
    for (int i = 16; i >= 2; i -= 2) {
        ps = (1 - ps) * z / ((double)i * (i + 1));
        pc = (1 - pc) * z / ((double)i * (i - 1));
    }
    double sa = a * (1 - ps), ca = 1 - pc;
    switch (k & 3) {
    case 0: *s = sa, *c = ca; break;
    case 1: *s = ca, *c = -sa; break;
    case 2: *s = -sa, *c = -ca; break;
    default: *s = -ca, *c = sa; break;
    }
}
