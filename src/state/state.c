#include "stemma/state.h"

#include <assert.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {{"none", 0}, {"f32", 4}, {"f64", 8}, {"u32", 4}, {"u64", 8}};

size_t stm_dtype_size(enum stm_dtype d)
{
    return (size_t)d < sizeof dtypes / sizeof *dtypes ? dtypes[d].size : 0;
}

const char *stm_dtype_name(enum stm_dtype d)
{
    return (size_t)d < sizeof dtypes / sizeof *dtypes ? dtypes[d].name : "none";
}

void stm_state_add(struct stm_state *s, const char *name, enum stm_dtype dtype, unsigned ndim,
                   const uint32_t *shape, const void *data)
{
    assert(s->n < STM_STATE_MAX && strlen(name) < STM_TENSOR_NAME && ndim <= STM_TENSOR_DIMS);
    struct stm_tensor *t = &s->t[s->n++];
    *t = (struct stm_tensor){.dtype = dtype, .ndim = ndim, .data = data};
    memcpy(t->name, name, strlen(name) + 1);
    t->bytes = stm_dtype_size(dtype);
    for (unsigned i = 0; i < ndim; i++) {
        t->shape[i] = shape[i];
        t->bytes *= shape[i];
    }
}

const struct stm_tensor *stm_state_find(const struct stm_state *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (!strcmp(s->t[i].name, name)) return &s->t[i];
    return NULL;
}

void stm_state_release(struct stm_state *s)
{
    stm_free(s->owned);
    s->owned = NULL;
    s->n = 0;
}

uint64_t stm_state_step(const struct stm_state *s)
{
    const struct stm_tensor *t = stm_state_find(s, "step");
    uint64_t v = 0;
    if (t && t->dtype == STM_U64 && t->bytes == 8) memcpy(&v, t->data, 8);
    return v;
}

int stm_state_copy(struct stm_state *out, const struct stm_state *s, struct stm_err *err)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < s->n; i++) total += (s->t[i].bytes + 63) & ~(size_t)63;
    char *block = stm_aligned_calloc(total);
    if (!block)
        return stm_fail(err, STM_E_NOMEM, "copying a state of %zu bytes: out of memory", total);
    *out = *s;
    out->owned = block;
    for (size_t i = 0; i < s->n; i++) {
        memcpy(block + at, s->t[i].data, s->t[i].bytes);
        out->t[i].data = block + at;
        at += (s->t[i].bytes + 63) & ~(size_t)63;
    }
    return 0;
}
