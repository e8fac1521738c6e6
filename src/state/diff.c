/* How two states differ, tensor by tensor. */
#include <math.h>
#include <string.h>

#include "state/manifest.h"

/* Sums over the elements of two tensors; all in float64, in element order. */
struct sums {
    double aa, bb, ab, dd; /* of a*a, b*b, a*b, (a-b)^2 */
};

/* Maps the bits of a float to integers whose difference counts representable values. */
static int64_t ordered64(int64_t i) { return i < 0 ? INT64_MIN - i : i; }
static int64_t ordered32(int32_t i) { return i < 0 ? (int64_t)INT32_MIN - i : i; }

static double element(const struct stm_tensor *t, size_t i)
{
    const char *p = (const char *)t->data + i * stm_dtype_size(t->dtype);
    float f;
    double d;
    uint32_t u;
    uint64_t w;
    switch (t->dtype) {
    case STM_F32: memcpy(&f, p, 4); return f;
    case STM_F64: memcpy(&d, p, 8); return d;
    case STM_U32: memcpy(&u, p, 4); return u;
    case STM_U64: memcpy(&w, p, 8); return (double)w;
    }
    return NAN;
}

static double ulps(const struct stm_tensor *a, const struct stm_tensor *b, size_t i)
{
    if (a->dtype == STM_F32) {
        int32_t x, y;
        memcpy(&x, (const char *)a->data + 4 * i, 4);
        memcpy(&y, (const char *)b->data + 4 * i, 4);
        return fabs((double)(ordered32(x) - ordered32(y)));
    }
    if (a->dtype == STM_F64) {
        int64_t x, y;
        memcpy(&x, (const char *)a->data + 8 * i, 8);
        memcpy(&y, (const char *)b->data + 8 * i, 8);
        return fabs((double)ordered64(x) - (double)ordered64(y));
    }
    return fabs(element(a, i) - element(b, i));
}

static void compare(const struct stm_tensor *a, const struct stm_tensor *b,
                    struct stm_tensor_diff *d)
{
    size_t size = stm_dtype_size(a->dtype);
    struct sums s = {0};
    d->elements = a->bytes / size;
    for (size_t i = 0; i < d->elements; i++) {
        double x = element(a, i), y = element(b, i), gap = fabs(x - y);
        s.aa += x * x, s.bb += y * y, s.ab += x * y, s.dd += gap * gap;
        if (!memcmp((const char *)a->data + i * size, (const char *)b->data + i * size, size))
            continue;
        d->differ++;
        if (isnan(gap) || gap > d->max_abs) d->max_abs = gap;
        double u = ulps(a, b, i);
        if (u > d->max_ulp) d->max_ulp = u;
    }
    d->rel_norm = d->differ ? sqrt(s.dd) / sqrt(s.aa) : 0;
    d->cosine = s.aa > 0 && s.bb > 0 ? s.ab / (sqrt(s.aa) * sqrt(s.bb)) : NAN;
}

size_t stm_state_diff(const struct stm_state *a, const struct stm_state *b,
                      struct stm_tensor_diff *out)
{
    unsigned oa[STM_STATE_MAX], ob[STM_STATE_MAX];
    stm_manifest_order(a, oa);
    stm_manifest_order(b, ob);
    size_t n = 0, i = 0, j = 0;
    while (i < a->n || j < b->n) {
        const struct stm_tensor *x = i < a->n ? &a->t[oa[i]] : NULL;
        const struct stm_tensor *y = j < b->n ? &b->t[ob[j]] : NULL;
        int order = !x ? 1 : !y ? -1 : strcmp(x->name, y->name);
        struct stm_tensor_diff *d = &out[n++];
        *d = (struct stm_tensor_diff){.dtype = order <= 0 ? x->dtype : y->dtype};
        memcpy(d->name, order <= 0 ? x->name : y->name, STM_TENSOR_NAME);
        d->only_a = order < 0;
        d->only_b = order > 0;
        i += order <= 0;
        j += order >= 0;
        if (order) continue;
        d->shape_differs = x->dtype != y->dtype || x->ndim != y->ndim ||
                           memcmp(x->shape, y->shape, sizeof x->shape) != 0;
        if (!d->shape_differs) compare(x, y, d);
    }
    return n;
}
