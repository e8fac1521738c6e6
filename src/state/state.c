#include <assert.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "state/memory.h"

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {[0] = {"none", 0},        [STM_F32] = {"f32", 4}, [STM_F64] = {"f64", 8},
              [STM_U32] = {"u32", 4},   [STM_U64] = {"u64", 8}, [STM_F16] = {"f16", 2},
              [STM_BF16] = {"bf16", 2}, [STM_I64] = {"i64", 8}};

size_t stm_dtype_size(enum stm_dtype d)
{
    return (size_t)d < sizeof dtypes / sizeof *dtypes ? dtypes[d].size : 0;
}

const char *stm_dtype_name(enum stm_dtype d)
{
    return (size_t)d < sizeof dtypes / sizeof *dtypes ? dtypes[d].name : "none";
}

/* ---- finding ---- */

/* The place of the first tensor whose name is not before `name`. */
static size_t lower_bound(const struct stm_state *s, const char *name)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(s->t[mid].name, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct stm_tensor *stm_state_find(const struct stm_state *s, const char *name)
{
    size_t i = lower_bound(s, name);
    return i < s->n && strcmp(s->t[i].name, name) == 0 ? &s->t[i] : NULL;
}

uint64_t stm_state_step(const struct stm_state *s)
{
    const struct stm_tensor *t = stm_state_find(s, "step");
    uint64_t v = 0;
    if (t && t->dtype == STM_U64 && t->bytes == 8) memcpy(&v, t->data, 8);
    return v;
}

/* ---- making ---- */

/* Room for one more tensor. */
static bool reserve(struct stm_state *s)
{
    if (!s->owned && !(s->owned = stm_calloc(1, sizeof *s->owned))) return false;
    struct stm_state_memory *m = s->owned;
    if (s->n < m->cap) return true;
    size_t cap = m->cap ? 2 * m->cap : 16;
    struct stm_tensor *t = stm_realloc(m->t, cap * sizeof *t);
    if (!t) return false;
    m->cap = cap;
    s->t = m->t = t;
    return true;
}

int stm_state_add(struct stm_state *s, const char *name, enum stm_dtype dtype, unsigned ndim,
                  const uint32_t *shape, const void *data, struct stm_err *err)
{
    assert(s->owned || !s->n); /* not to a view */
    assert(ndim <= STM_DIMS_MAX && stm_dtype_size(dtype));
    if (!reserve(s)) return stm_fail(err, STM_E_NOMEM, "making a state: out of memory");
    struct stm_arena *arena = &s->owned->arena;
    struct stm_tensor fresh = {.dtype = dtype, .ndim = ndim, .data = data};
    uint32_t *dims = ndim ? stm_arena_alloc(arena, ndim * sizeof *dims) : NULL;
    fresh.name = stm_arena_strndup(arena, name, strlen(name));
    if (!fresh.name || (ndim && !dims))
        return stm_fail(err, STM_E_NOMEM, "making a state: out of memory");
    fresh.shape = dims;
    fresh.bytes = stm_dtype_size(dtype);
    for (unsigned i = 0; i < ndim; i++) {
        dims[i] = shape[i];
        fresh.bytes *= shape[i];
    }
    const size_t at = lower_bound(s, name);
    struct stm_tensor *t = s->owned->t + at;
    assert(at == s->n || strcmp(t->name, name) != 0);
    memmove(t + 1, t, (s->n - at) * sizeof *t);
    *t = fresh;
    s->n++;
    return 0;
}

static size_t aligned(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

int stm_state_own(struct stm_state *s, struct stm_err *err)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < s->n; i++) total += aligned(s->t[i].bytes);
    if (!total) return 0;
    char *block = stm_aligned_calloc(total);
    if (!block)
        return stm_fail(err, STM_E_NOMEM, "making a state of %zu bytes: out of memory", total);
    s->owned->data = block;
    for (size_t i = 0; i < s->n; at += aligned(s->t[i++].bytes)) {
        struct stm_tensor *t = &s->owned->t[i];
        if (t->data) memcpy(block + at, t->data, t->bytes);
        t->data = block + at;
    }
    return 0;
}

int stm_state_copy(struct stm_state *out, const struct stm_state *s, struct stm_err *err)
{
    int rc = 0;
    *out = (struct stm_state){0};
    for (size_t i = 0; !rc && i < s->n; i++) {
        const struct stm_tensor *t = &s->t[i];
        rc = stm_state_add(out, t->name, t->dtype, t->ndim, t->shape, t->data, err);
    }
    if (!rc) rc = stm_state_own(out, err);
    if (rc) stm_state_release(out);
    return rc;
}

void stm_state_release(struct stm_state *s)
{
    if (s->owned) {
        stm_arena_release(&s->owned->arena);
        stm_free(s->owned->t);
        stm_free(s->owned->data);
        stm_free(s->owned);
    }
    *s = (struct stm_state){0};
}
