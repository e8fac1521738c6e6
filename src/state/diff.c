/* How two states differ, tensor by tensor. */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "stemma/state.h"

/* ---- elements ---- */

/* out[n] = the elements as float64. */
static void values_f32(const void *p, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) out[i] = ((const float *)p)[i];
}

static void values_f64(const void *p, size_t n, double *out) { memcpy(out, p, n * sizeof *out); }

static void values_u32(const void *p, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) out[i] = ((const uint32_t *)p)[i];
}

static void values_u64(const void *p, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) out[i] = (double)((const uint64_t *)p)[i];
}

static void values_i64(const void *p, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) out[i] = (double)((const int64_t *)p)[i];
}

/* Five bits of exponent, ten of fraction; exponent 0 has no hidden bit, 31 is infinite or NaN. */
static double of_f16(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double v = exponent == 31 ? (fraction ? NAN : INFINITY)
               : exponent     ? ldexp(1024 + fraction, exponent - 25)
                              : ldexp(fraction, -24);
    return bits >> 15 ? -v : v;
}

static void values_f16(const void *p, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) out[i] = of_f16(((const uint16_t *)p)[i]);
}

static void values_bf16(const void *p, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t bits = (uint32_t)((const uint16_t *)p)[i] << 16;
        float v;
        memcpy(&v, &bits, sizeof v);
        out[i] = v;
    }
}

/* Maps the bits of a float to integers whose difference counts representable values. */
static int64_t ordered(uint64_t bits, unsigned width)
{
    const uint64_t sign = UINT64_C(1) << (width - 1);
    return bits & sign ? -(int64_t)(bits & (sign - 1)) : (int64_t)bits;
}

/* The distance of two elements, in units in the last place. */
static double ulps_16(const void *a, const void *b)
{
    return fabs((double)(ordered(stm_get_le16(a), 16) - ordered(stm_get_le16(b), 16)));
}

static double ulps_32(const void *a, const void *b)
{
    return fabs((double)(ordered(stm_get_le32(a), 32) - ordered(stm_get_le32(b), 32)));
}

static double ulps_64(const void *a, const void *b)
{
    return fabs((double)ordered(stm_get_le64(a), 64) - (double)ordered(stm_get_le64(b), 64));
}

/* Whole numbers are subtracted as such: as float64 two of them can be the same. */
static double gap_u32(const void *a, const void *b)
{
    return fabs((double)stm_get_le32(a) - (double)stm_get_le32(b));
}

static double gap_u64(const void *a, const void *b)
{
    const uint64_t x = stm_get_le64(a), y = stm_get_le64(b);
    return (double)(x > y ? x - y : y - x);
}

static double gap_i64(const void *a, const void *b)
{
    const uint64_t x = stm_get_le64(a), y = stm_get_le64(b);
    return (double)((int64_t)x > (int64_t)y ? x - y : y - x);
}

static const struct kind {
    void (*values)(const void *p, size_t n, double *out);
    double (*ulps)(const void *a, const void *b);
    double (*gap)(const void *a, const void *b); /* |a - b|; NULL: of the values */
} kinds[] = {
    [STM_F32] = {values_f32, ulps_32, NULL},    [STM_F64] = {values_f64, ulps_64, NULL},
    [STM_U32] = {values_u32, gap_u32, gap_u32}, [STM_U64] = {values_u64, gap_u64, gap_u64},
    [STM_F16] = {values_f16, ulps_16, NULL},    [STM_BF16] = {values_bf16, ulps_16, NULL},
    [STM_I64] = {values_i64, gap_i64, gap_i64},
};

/* ---- tensors ---- */

enum { BLOCK = 256 };

/* Sums over the elements of two tensors; all in float64, in element order. */
struct sums {
    double aa, bb, ab, dd; /* of a*a, b*b, a*b, (a-b)^2 */
};

/* n <= BLOCK elements of `size` bytes. */
static void compare_block(const struct kind *k, const char *p, const char *q, size_t size, size_t n,
                          struct sums *s, struct stm_tensor_diff *d)
{
    double x[BLOCK], y[BLOCK];
    k->values(p, n, x);
    k->values(q, n, y);
    for (size_t i = 0; i < n; i++, p += size, q += size) {
        s->aa += x[i] * x[i], s->bb += y[i] * y[i], s->ab += x[i] * y[i];
        if (memcmp(p, q, size) == 0) {
            s->dd += (x[i] - y[i]) * (x[i] - y[i]); /* NaN of infinities and NaNs */
            continue;
        }
        double gap = k->gap ? k->gap(p, q) : fabs(x[i] - y[i]), u = k->ulps(p, q);
        s->dd += gap * gap;
        d->differ++;
        if (isnan(gap) || gap > d->max_abs) d->max_abs = gap;
        if (u > d->max_ulp) d->max_ulp = u;
    }
}

static void compare(const struct stm_tensor *a, const struct stm_tensor *b,
                    struct stm_tensor_diff *d)
{
    const size_t size = stm_dtype_size(a->dtype);
    struct sums s = {0};
    d->elements = a->bytes / size;
    for (size_t at = 0; at < d->elements; at += BLOCK) {
        size_t n = d->elements - at < BLOCK ? d->elements - at : BLOCK;
        compare_block(&kinds[a->dtype], (const char *)a->data + at * size,
                      (const char *)b->data + at * size, size, n, &s, d);
    }
    d->rel_norm = d->differ ? sqrt(s.dd) / sqrt(s.aa) : 0;
    d->cosine = s.aa > 0 && s.bb > 0 ? s.ab / (sqrt(s.aa) * sqrt(s.bb)) : NAN;
}

static bool same_form(const struct stm_tensor *a, const struct stm_tensor *b)
{
    if (a->dtype != b->dtype || a->ndim != b->ndim) return false;
    for (unsigned i = 0; i < a->ndim; i++)
        if (a->shape[i] != b->shape[i]) return false;
    return true;
}

size_t stm_state_diff(const struct stm_state *a, const struct stm_state *b,
                      struct stm_tensor_diff *out)
{
    size_t n = 0, i = 0, j = 0;
    while (i < a->n || j < b->n) {
        const struct stm_tensor *x = i < a->n ? &a->t[i] : NULL;
        const struct stm_tensor *y = j < b->n ? &b->t[j] : NULL;
        int order = !x ? 1 : !y ? -1 : strcmp(x->name, y->name);
        const struct stm_tensor *first = order <= 0 ? x : y;
        struct stm_tensor_diff *d = &out[n++];
        *d = (struct stm_tensor_diff){.name = first->name, .dtype = first->dtype};
        d->only_a = order < 0;
        d->only_b = order > 0;
        i += order <= 0;
        j += order >= 0;
        if (order) continue;
        d->shape_differs = !same_form(x, y);
        if (!d->shape_differs) compare(x, y, d);
    }
    return n;
}
