/* Transactions: objects into one pack, then one ref.
 *
 * The order of a commit, each step durable before the next begins:
 *   1. the pack's bytes     fsync of packs/.tmp-<number>
 *   2. the pack's name      link to packs/<number>.pack, fsync of packs/
 *   3. the ref              compare, fsync of refs/.tmp, rename, fsync of refs/
 * A stop before 2 leaves a temporary file, a stop before 3 an unreferenced pack; neither harms.
 *
 * Step 2 syncs packs/ also when this transaction wrote no pack: objects that it found in the store
 * may lie in a pack that another writer has linked and not yet synced, and after the ref is moved
 * they must survive.
 *
 * A transaction holds locks/gc shared from its first to its last step, so what it found in the
 * store cannot be collected before its ref keeps it. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "base/fail.h"
#include "base/fileops.h"
#include "base/mem.h"
#include "store/handle.h"
#include "store/id.h"
#include "store/packwriter.h"
#include "store/refs.h"

struct stm_txn {
    struct stm_store *s;
    int gc_lock;
    int failed; /* the code of the first failed put; such a transaction does not commit */
    bool found; /* an object was in the store already */
    struct stm_packwriter w;
    struct stm_buf coded;
    bool has_ref, has_old;
    char ref[STM_REF_NAME_MAX + 1];
    struct stm_id old, now;
};

/* Under the lock: what the index lists from now on stays until the lock is released. It lists
 * nothing that was collected, if nobody has collected since it was made: who does adds a byte to
 * the lock. */
static int look_for_collections(struct stm_txn *t, struct stm_err *err)
{
    uint64_t n;
    if (stm_fd_size(t->gc_lock, &n)) return stm_fail_errno(err, errno, "cannot read lock gc");
    if (n == t->s->collections) return 0;
    int rc = stm_store_refresh(t->s, err);
    if (!rc) t->s->collections = n;
    return rc;
}

int stm_txn_begin(struct stm_txn **out, struct stm_store *s, struct stm_err *err)
{
    *out = NULL;
    if (s->flags & STM_STORE_READONLY)
        return stm_fail(err, STM_E_READONLY, "store %.180s is open for reading only", s->dir);
    struct stm_txn *t = stm_calloc(1, sizeof *t);
    if (!t) return stm_fail(err, STM_E_NOMEM, "cannot begin a transaction: out of memory");
    t->s = s;
    stm_packwriter_init(&t->w, s->dir, !s->cleared);
    int rc = stm_lock_take(&t->gc_lock, s->dir, "gc", LOCK_SH, err);
    if (!rc) rc = look_for_collections(t, err);
    if (rc)
        stm_txn_abort(t);
    else
        *out = t;
    return rc;
}

void stm_txn_abort(struct stm_txn *t)
{
    if (!t) return;
    stm_packwriter_drop(&t->w);
    stm_buf_release(&t->coded);
    stm_fd_close(t->gc_lock);
    stm_free(t);
}

/* ---- put ---- */

/* 0: this transaction or the store has the object. */
static int present(struct stm_txn *t, const struct stm_id *id, struct stm_err *err)
{
    struct stm_place at;
    if (stm_packwriter_find(&t->w, id)) return 0;
    int rc = stm_store_locate(t->s, id, &at, err);
    if (!rc) t->found = true;
    return rc;
}

static int collision(const struct stm_id *id, struct stm_err *err)
{
    char text[STM_ID_TEXT];
    return stm_fail(err, STM_E_COLLISION,
                    "two different payloads have the id %s; the second one is not stored",
                    stm_id_text(id, text));
}

static bool same_refs(const struct stm_record *r, const struct stm_id *refs, size_t n)
{
    if (r->n_refs != n) return false;
    for (size_t i = 0; i < n; i++) {
        struct stm_id id = stm_record_ref(r, i);
        if (!stm_id_eq(&id, &refs[i])) return false;
    }
    return true;
}

struct payload {
    enum stm_object_type type;
    const void *p;
    size_t n;
    unsigned elem_size;
    const struct stm_id *refs;
    size_t n_refs;
    struct stm_id id;
    uint64_t hash2;
};

static int other_kind(const struct payload *x, unsigned type, struct stm_err *err)
{
    char text[STM_ID_TEXT];
    return stm_fail(err, STM_E_INVALID, "object %s is already there as a %s with other references",
                    stm_id_text(&x->id, text), stm_type_name(type));
}

/* Is a copy in the store as good as the payload? 1: yes, byte for byte. 0: no copy, or none that
 * can be read, so write one: a damaged object is mended by whoever has its bytes. */
static int stored(struct stm_txn *t, const struct payload *x, struct stm_err *err)
{
    struct stm_place at;
    if (!stm_index_find(&t->s->index, &x->id, &at)) return 0;
    do {
        struct stm_record r;
        unsigned char *data;
        int rc = stm_store_read(t->s, &at, &r, &data, err);
        if (rc == STM_E_NOMEM) return rc;
        if (rc) continue;
        bool same = r.raw == x->n && !memcmp(data, x->p, x->n);
        stm_free(data);
        if (!same) return collision(&x->id, err);
        if (r.type != x->type || !same_refs(&r, x->refs, x->n_refs))
            return other_kind(x, r.type, err);
        t->found = true;
        return 1;
    } while (stm_index_next(&t->s->index, &at));
    return 0;
}

static int write_object(struct stm_txn *t, const struct payload *x, struct stm_err *err)
{
    stm_buf_clear(&t->coded);
    int rc = stm_codec_encode(t->s->codec, &t->coded, x->p, x->n, x->elem_size, err);
    if (rc) return rc;
    struct stm_record r = {.type = x->type,
                           .elem_size = x->elem_size,
                           .codec = STM_CODEC_PLANES,
                           .id = x->id,
                           .hash2 = x->hash2,
                           .raw = (uint32_t)x->n,
                           .coded = (uint32_t)t->coded.n,
                           .n_refs = (uint32_t)x->n_refs,
                           .bytes = t->coded.p};
    return stm_packwriter_add(&t->w, &r, x->refs, err);
}

static int put(struct stm_txn *t, const struct payload *x, struct stm_err *err)
{
    const struct stm_pack_entry *e = stm_packwriter_find(&t->w, &x->id);
    if (e) {
        if (e->hash2 != x->hash2 || e->raw != x->n) return collision(&x->id, err);
        return e->type == x->type ? 0 : other_kind(x, e->type, err);
    }
    int rc = stored(t, x, err);
    if (rc) return rc > 0 ? 0 : rc;
    for (size_t i = 0; i < x->n_refs; i++) {
        rc = present(t, &x->refs[i], err);
        if (rc) return rc;
    }
    return write_object(t, x, err);
}

int stm_txn_put(struct stm_txn *t, enum stm_object_type type, const void *p, size_t n,
                unsigned elem_size, const struct stm_id *refs, size_t n_refs, struct stm_id *id_out,
                struct stm_err *err)
{
    if (t->failed) return stm_fail(err, t->failed, "the transaction has failed before");
    if (n > stm_record_raw_max(type) || n_refs > STM_RECORD_REFS_MAX)
        return t->failed = stm_fail(err, STM_E_INVALID,
                                    "a %s of %zu bytes and %zu references is too large: at most "
                                    "%zu bytes",
                                    stm_type_name(type), n, n_refs, stm_record_raw_max(type));
    struct payload x = {.type = type,
                        .p = n ? p : "",
                        .n = n,
                        .elem_size = elem_size,
                        .refs = refs,
                        .n_refs = n_refs,
                        .id = stm_id_of(p, n),
                        .hash2 = stm_hash2_of(p, n)};
    t->failed = put(t, &x, err);
    if (!t->failed && id_out) *id_out = x.id;
    return t->failed;
}

int stm_txn_ref(struct stm_txn *t, const char *name, const struct stm_id *old,
                const struct stm_id *now, struct stm_err *err)
{
    if (!stm_ref_is_name(name))
        return stm_fail(err, STM_E_USAGE,
                        "'%.130s' is not a ref name: 1 to %d of a-z 0-9 . _ -, not starting with "
                        "a dot",
                        name, STM_REF_NAME_MAX);
    if (t->has_ref)
        return stm_fail(err, STM_E_INVALID, "a transaction moves one ref: %s, not also %s", t->ref,
                        name);
    t->has_ref = true;
    strcpy(t->ref, name);
    t->has_old = old != NULL;
    if (old) t->old = *old;
    t->now = *now;
    return 0;
}

/* ---- commit ---- */

/* The handle knows its own pack without reading it back. If there is no memory for that, the next
 * refresh finds it. */
static void adopt_pack(struct stm_txn *t)
{
    struct stm_pack p;
    stm_packwriter_take(&t->w, &p);
    if (t->s->made) t->s->made(t->s->made_ctx, p.name);
    stm_index_add(&t->s->index, &p, NULL);
    stm_pack_release(&p);
}

static int commit(struct stm_txn *t, struct stm_err *err)
{
    char path[STM_PATH_MAX];
    bool wrote = t->w.n > 0;
    int rc = 0;
    if (t->failed) return stm_fail(err, t->failed, "the transaction has failed before");
    if (t->has_ref) rc = present(t, &t->now, err);
    if (!rc && wrote) rc = stm_packwriter_publish(&t->w, err);
    if (rc) return rc;
    if ((wrote || t->found || t->has_ref) && stm_dir_sync(stm_path(path, t->s->dir, "packs", NULL)))
        return stm_fail_errno(err, errno, "cannot sync %.180s", path);
    if (wrote) adopt_pack(t);
    t->s->cleared = t->s->cleared || wrote;
    return t->has_ref ? stm_ref_swap(t->s, t->ref, t->has_old ? &t->old : NULL, &t->now, err) : 0;
}

int stm_txn_commit(struct stm_txn *t, struct stm_err *err)
{
    int rc = commit(t, err);
    stm_txn_abort(t);
    return rc;
}
