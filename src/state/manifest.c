#include "state/manifest.h"

#include <string.h>

#include "base/fail.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors are stored little-endian; this host would have to swap them and nothing does yet"
#endif

static const char magic[16] = "stemma state 1\n";
enum { STORED_INLINE = 0, STORED_CHUNKS = 1, ID_BYTES = 17 };

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
    stm_buf_put(out, magic, sizeof magic);
    stm_buf_u32(out, (uint32_t)s->n);
    for (size_t i = 0; i < s->n; i++) {
        size_t start = out->n;
        int rc = write_entry(&s->t[i], chunk, ctx, out, refs, err);
        if (rc) return rc;
        if (out->failed) break;
        if (tensor_ids) tensor_ids[i] = padded_id(out->p + start, out->n - start);
    }
    if (out->n < STM_MANIFEST_MIN) stm_buf_zero(out, STM_MANIFEST_MIN - out->n);
    if (out->failed || (refs && refs->failed))
        return stm_fail(err, STM_E_NOMEM, "encoding a state: out of memory");
    return 0;
}

/* ---- reading ---- */

/* Less than the shortest entry takes: so many of them cannot be in less. */
enum { ENTRY_MIN = 9 };

static bool read_shape(struct stm_rd *r, struct stm_tensor *t, uint32_t *shape)
{
    uint64_t bytes = stm_dtype_size(t->dtype);
    for (unsigned i = 0; i < t->ndim; i++) {
        shape[i] = stm_rd_u32(r);
        if (shape[i] && bytes > (UINT64_C(1) << 40) / shape[i]) return false;
        bytes *= shape[i];
    }
    t->shape = shape;
    t->bytes = bytes;
    return !r->bad;
}

static bool read_data(struct stm_rd *r, unsigned storage, struct stm_manifest_entry *e)
{
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

/* 0, STM_E_DAMAGED or STM_E_NOMEM, without a message. */
static int read_entry(struct stm_rd *r, struct stm_arena *arena, struct stm_manifest_entry *e)
{
    size_t n;
    const char *name = stm_rd_str(r, &n);
    if (!name || !n || memchr(name, 0, n)) return STM_E_DAMAGED;
    e->t.dtype = stm_rd_u8(r);
    e->t.ndim = stm_rd_u8(r);
    unsigned storage = stm_rd_u8(r);
    if (stm_rd_u8(r) != 0 || r->bad || !stm_dtype_size(e->t.dtype)) return STM_E_DAMAGED;
    uint32_t *shape = stm_arena_alloc(arena, e->t.ndim * sizeof *shape);
    e->t.name = stm_arena_strndup(arena, name, n);
    if (!e->t.name || !shape) return STM_E_NOMEM;
    return read_shape(r, &e->t, shape) && read_data(r, storage, e) ? 0 : STM_E_DAMAGED;
}

static int read_entries(struct stm_rd *r, struct stm_manifest *out, struct stm_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < out->n; i++) {
        struct stm_manifest_entry *e = &out->entry[i];
        rc = read_entry(r, &out->arena, e);
        if (rc == STM_E_NOMEM) return stm_fail(err, rc, "reading a state: out of memory");
        if (rc) return stm_fail(err, rc, "reading a state: entry %zu is malformed", i);
        if (i && strcmp(e[-1].t.name, e->t.name) >= 0)
            return stm_fail(err, STM_E_DAMAGED, "reading a state: entries are not sorted at `%s`",
                            e->t.name);
    }
    return rc;
}

int stm_manifest_read(struct stm_manifest *out, const void *p, size_t n, struct stm_err *err)
{
    struct stm_rd r = {.p = p, .n = n};
    const void *m = stm_rd_bytes(&r, sizeof magic);
    *out = (struct stm_manifest){0};
    if (!m || memcmp(m, magic, sizeof magic))
        return stm_fail(err, STM_E_DAMAGED, "reading a state: it does not start as a state does");
    out->n = stm_rd_u32(&r);
    if (r.bad || out->n > (r.n - r.at) / ENTRY_MIN)
        return stm_fail(err, STM_E_DAMAGED, "reading a state: %zu tensors are not in %zu bytes",
                        out->n, n);
    out->entry = stm_arena_alloc(&out->arena, out->n * sizeof *out->entry);
    if (!out->entry) return stm_fail(err, STM_E_NOMEM, "reading a state: out of memory");
    int rc = read_entries(&r, out, err);
    for (; !rc && r.at < n; r.at++)
        if (r.p[r.at]) return stm_fail(err, STM_E_DAMAGED, "reading a state: bytes after its end");
    return rc;
}

void stm_manifest_release(struct stm_manifest *m)
{
    stm_arena_release(&m->arena);
    *m = (struct stm_manifest){0};
}
