/* A state in the store. */
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "state/manifest.h"

static int put_chunk(void *ctx, const void *p, size_t n, unsigned elem_size, struct stm_id *id,
                     struct stm_err *err)
{
    return stm_txn_put(ctx, STM_OBJ_CHUNK, p, n, elem_size, NULL, 0, id, err);
}

int stm_state_put(struct stm_txn *t, const struct stm_state *s, struct stm_id *id,
                  struct stm_err *err)
{
    struct stm_buf out = {0}, refs = {0};
    int rc = stm_manifest_write(s, put_chunk, t, &out, NULL, &refs, err);
    if (!rc)
        rc = stm_txn_put(t, STM_OBJ_STATE, out.p, out.n, 1, (const struct stm_id *)refs.p,
                         refs.n / sizeof(struct stm_id), id, err);
    stm_buf_release(&out);
    stm_buf_release(&refs);
    return rc;
}

/* Fills t->data (t->bytes of it) from the chunks of an entry. */
static int read_chunks(struct stm_store *st, const struct stm_manifest_entry *e, char *data,
                       struct stm_err *err)
{
    size_t at = 0;
    for (uint32_t i = 0; i < e->n_chunks; i++) {
        struct stm_id id = {.alg = e->chunk_ids[17 * i]};
        memcpy(id.h, e->chunk_ids + 17 * i + 1, sizeof id.h);
        size_t want = e->t.bytes - at < STM_CHUNK_MAX ? e->t.bytes - at : STM_CHUNK_MAX;
        struct stm_object o;
        char hex[STM_ID_TEXT];
        int rc = stm_store_get(st, &id, &o, err);
        if (rc == STM_E_NOTFOUND)
            rc = stm_fail(err, STM_E_DAMAGED, "the store has lost object %s of tensor `%s`",
                          stm_id_text(&id, hex), e->t.name);
        if (rc) return rc;
        bool fits = o.type == STM_OBJ_CHUNK && o.n == want;
        if (fits) memcpy(data + at, o.data, want);
        stm_object_release(&o);
        if (!fits)
            return stm_fail(err, STM_E_DAMAGED, "reading tensor `%s`: object %s is not its chunk",
                            e->t.name, stm_id_text(&id, hex));
        at += want;
    }
    return 0;
}

static int read_tensors(struct stm_store *st, const struct stm_manifest_entry *e, size_t count,
                        struct stm_state *out, struct stm_err *err)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < count; i++) total += (e[i].t.bytes + 63) & ~(size_t)63;
    char *block = stm_aligned_calloc(total);
    if (!block)
        return stm_fail(err, STM_E_NOMEM, "reading a state of %zu bytes: out of memory", total);
    *out = (struct stm_state){.n = count, .owned = block};
    for (size_t i = 0; i < count; i++) {
        out->t[i] = e[i].t;
        out->t[i].data = block + at;
        if (e[i].inline_data) {
            memcpy(block + at, e[i].inline_data, e[i].t.bytes);
        } else {
            int rc = read_chunks(st, &e[i], block + at, err);
            if (rc) return rc;
        }
        at += (e[i].t.bytes + 63) & ~(size_t)63;
    }
    return 0;
}

int stm_state_get(struct stm_store *st, const struct stm_id *id, struct stm_state *out,
                  struct stm_err *err)
{
    *out = (struct stm_state){0};
    struct stm_manifest_entry *entries = stm_calloc(STM_STATE_MAX, sizeof *entries);
    if (!entries) return stm_fail(err, STM_E_NOMEM, "reading a state: out of memory");
    struct stm_object o = {0};
    int rc = stm_store_get(st, id, &o, err);
    size_t count = 0;
    char hex[STM_ID_TEXT];
    if (!rc && o.type != STM_OBJ_STATE)
        rc = stm_fail(err, STM_E_USAGE, "object %s is not a state", stm_id_text(id, hex));
    if (!rc) rc = stm_manifest_read(o.data, o.n, entries, &count, err);
    if (!rc) rc = read_tensors(st, entries, count, out, err);
    if (rc) stm_state_release(out);
    stm_object_release(&o);
    stm_free(entries);
    return rc;
}
