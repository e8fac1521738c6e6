#include "state/manifest.h"

#include <string.h>

#include "base/fail.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors are stored little-endian; this host would have to swap them and nothing does yet"
#endif

static const char magic[16] = "stemma state 1\n";
enum { STORED_INLINE = 0, STORED_CHUNKS = 1, ID_BYTES = 17 };

void stm_manifest_order(const struct stm_state *s, unsigned *order)
{
    for (unsigned i = 0; i < s->n; i++) {
        unsigned j = i;
        for (; j > 0 && strcmp(s->t[order[j - 1]].name, s->t[i].name) > 0; j--)
            order[j] = order[j - 1];
        order[j] = i;
    }
}

static int write_chunks(const struct stm_tensor *t, stm_chunk_fn *chunk, void *ctx,
                        struct stm_buf *out, struct stm_buf *refs, struct stm_err *err)
{
    size_t count = (t->bytes + STM_CHUNK_MAX - 1) / STM_CHUNK_MAX;
    stm_buf_u32(out, (uint32_t)count);
    for (size_t at = 0; at < t->bytes; at += STM_CHUNK_MAX) {
        size_t n = t->bytes - at < STM_CHUNK_MAX ? t->bytes - at : STM_CHUNK_MAX;
        struct stm_id id;
        int rc =
            chunk(ctx, (const char *)t->data + at, n, (unsigned)stm_dtype_size(t->dtype), &id, err);
        if (rc) return rc;
        stm_buf_u8(out, id.alg);
        stm_buf_put(out, id.h, sizeof id.h);
        if (refs) stm_buf_put(refs, &id, sizeof id);
    }
    return 0;
}

static int write_entry(const struct stm_tensor *t, stm_chunk_fn *chunk, void *ctx,
                       struct stm_buf *out, struct stm_buf *refs, struct stm_err *err)
{
    bool small = t->bytes <= STM_INLINE_MAX;
    stm_buf_str(out, t->name);
    stm_buf_u8(out, (uint8_t)t->dtype);
    stm_buf_u8(out, (uint8_t)t->ndim);
    stm_buf_u8(out, small ? STORED_INLINE : STORED_CHUNKS);
    stm_buf_u8(out, 0);
    for (unsigned i = 0; i < t->ndim; i++) stm_buf_u32(out, t->shape[i]);
    if (!small) return write_chunks(t, chunk, ctx, out, refs, err);
    stm_buf_put(out, t->data, t->bytes);
    return 0;
}

/* The id of p[0..n), zero-padded to the length below which the hash is at its weakest. */
static struct stm_id padded_id(const void *p, size_t n)
{
    unsigned char small[STM_MANIFEST_MIN] = {0};
    if (n >= STM_MANIFEST_MIN) return stm_id_of(p, n);
    memcpy(small, p, n);
    return stm_id_of(small, sizeof small);
}

int stm_manifest_write(const struct stm_state *s, stm_chunk_fn *chunk, void *ctx,
                       struct stm_buf *out, struct stm_id *tensor_ids, struct stm_buf *refs,
                       struct stm_err *err)
{
    unsigned order[STM_STATE_MAX];
    stm_manifest_order(s, order);
    stm_buf_put(out, magic, sizeof magic);
    stm_buf_u32(out, (uint32_t)s->n);
    for (size_t i = 0; i < s->n; i++) {
        size_t start = out->n;
        int rc = write_entry(&s->t[order[i]], chunk, ctx, out, refs, err);
        if (rc) return rc;
        if (out->failed) break;
        if (tensor_ids) tensor_ids[i] = padded_id(out->p + start, out->n - start);
    }
    if (out->n < STM_MANIFEST_MIN) stm_buf_zero(out, STM_MANIFEST_MIN - out->n);
    if (out->failed || (refs && refs->failed))
        return stm_fail(err, STM_E_NOMEM, "encoding a state: out of memory");
    return 0;
}

static bool read_shape(struct stm_rd *r, struct stm_tensor *t)
{
    uint64_t bytes = stm_dtype_size(t->dtype);
    if (!bytes || t->ndim > STM_TENSOR_DIMS) return false;
    for (unsigned i = 0; i < t->ndim; i++) {
        t->shape[i] = stm_rd_u32(r);
        if (t->shape[i] && bytes > (UINT64_C(1) << 40) / t->shape[i]) return false;
        bytes *= t->shape[i];
    }
    t->bytes = bytes;
    return !r->bad;
}

static bool read_entry(struct stm_rd *r, struct stm_manifest_entry *e)
{
    size_t n;
    const char *name = stm_rd_str(r, &n);
    if (!name || !n || n >= STM_TENSOR_NAME || memchr(name, 0, n)) return false;
    memcpy(e->t.name, name, n);
    e->t.dtype = stm_rd_u8(r);
    e->t.ndim = stm_rd_u8(r);
    unsigned storage = stm_rd_u8(r);
    if (stm_rd_u8(r) != 0 || !read_shape(r, &e->t)) return false;
    if (storage == STORED_INLINE) {
        if (e->t.bytes > STM_INLINE_MAX) return false;
        e->inline_data = stm_rd_bytes(r, e->t.bytes);
        return e->inline_data != NULL;
    }
    if (storage != STORED_CHUNKS || e->t.bytes <= STM_INLINE_MAX) return false;
    e->n_chunks = stm_rd_u32(r);
    if (e->n_chunks != (e->t.bytes + STM_CHUNK_MAX - 1) / STM_CHUNK_MAX) return false;
    e->chunk_ids = stm_rd_bytes(r, (size_t)e->n_chunks * ID_BYTES);
    return e->chunk_ids != NULL;
}

int stm_manifest_read(const void *p, size_t n, struct stm_manifest_entry *entries, size_t *count,
                      struct stm_err *err)
{
    struct stm_rd r = {.p = p, .n = n};
    const void *m = stm_rd_bytes(&r, sizeof magic);
    if (!m || memcmp(m, magic, sizeof magic))
        return stm_fail(err, STM_E_DAMAGED, "reading a state: it does not start as a state does");
    *count = stm_rd_u32(&r);
    if (r.bad || *count > STM_STATE_MAX)
        return stm_fail(err, STM_E_DAMAGED, "reading a state: it claims %zu tensors, at most %d",
                        *count, STM_STATE_MAX);
    memset(entries, 0, *count * sizeof *entries);
    for (size_t i = 0; i < *count; i++) {
        if (!read_entry(&r, &entries[i]))
            return stm_fail(err, STM_E_DAMAGED, "reading a state: entry %zu is malformed", i);
        if (i && strcmp(entries[i - 1].t.name, entries[i].t.name) >= 0)
            return stm_fail(err, STM_E_DAMAGED, "reading a state: entries are not sorted at `%s`",
                            entries[i].t.name);
    }
    for (; r.at < n; r.at++)
        if (r.p[r.at]) return stm_fail(err, STM_E_DAMAGED, "reading a state: bytes after its end");
    return 0;
}
