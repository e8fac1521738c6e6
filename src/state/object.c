/* A state in the store. */
#include <string.h>

#include "base/fail.h"
#include "state/manifest.h"
#include "state/memory.h"

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

/* Fills data[e->t.bytes] from the chunks of an entry that has any. */
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

/* The tensors of a manifest, with data of their own. */
static int read_tensors(struct stm_store *st, const struct stm_manifest *m, struct stm_state *out,
                        struct stm_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < m->n; i++) {
        const struct stm_tensor *t = &m->entry[i].t;
        rc = stm_state_add(out, t->name, t->dtype, t->ndim, t->shape, m->entry[i].inline_data, err);
    }
    if (!rc) rc = stm_state_own(out, err);
    for (size_t i = 0; !rc && i < m->n; i++)
        rc = read_chunks(st, &m->entry[i], (char *)(uintptr_t)out->t[i].data, err);
    return rc;
}

int stm_state_get(struct stm_store *st, const struct stm_id *id, struct stm_state *out,
                  struct stm_err *err)
{
    struct stm_manifest m = {0};
    struct stm_object o = {0};
    char hex[STM_ID_TEXT];
    *out = (struct stm_state){0};
    int rc = stm_store_get(st, id, &o, err);
    if (!rc && o.type != STM_OBJ_STATE)
        rc = stm_fail(err, STM_E_USAGE, "object %s is not a state", stm_id_text(id, hex));
    if (!rc) rc = stm_manifest_read(&m, o.data, o.n, err);
    if (!rc) rc = read_tensors(st, &m, out, err);
    if (rc) stm_state_release(out);
    stm_manifest_release(&m);
    stm_object_release(&o);
    return rc;
}
