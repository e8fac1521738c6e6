#include "run/origin.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fail.h"
#include "base/mem.h"
#include "run/wire.h"

/* Record payload: magic, fresh, seed, parent, step, edits, settings, profile, start. */
static const char magic[16] = "stemma origin 1\n";

/* What identifies the origin, without the answer. */
static void encode(const struct stm_origin *o, struct stm_buf *b)
{
    stm_buf_put(b, magic, sizeof magic);
    stm_buf_u8(b, o->fresh);
    stm_buf_u64(b, o->seed);
    stm_wire_put_id(b, &o->parent);
    stm_buf_u64(b, o->step);
    stm_buf_str(b, o->edits);
    stm_buf_str(b, o->settings);
    stm_buf_str(b, o->profile);
}

struct stm_id stm_origin_key(const struct stm_origin *o)
{
    /* Hashed in parts, so that no allocation can fail here: the id of the texts' ids and the rest.
     */
    const char *const texts[] = {o->edits, o->settings, o->profile};
    unsigned char block[256] = "stemma origin key 1\n";
    block[32] = o->fresh;
    stm_put_le64(block + 40, o->seed);
    stm_put_le64(block + 48, o->step);
    memcpy(block + 64, o->parent.h, sizeof o->parent.h);
    for (size_t i = 0; i < 3; i++) {
        struct stm_id id = stm_id_of(texts[i], strlen(texts[i]));
        memcpy(block + 96 + 16 * i, id.h, sizeof id.h);
    }
    return stm_id_of(block, sizeof block);
}

static void ref_name(const struct stm_id *key, char name[64])
{
    memcpy(name, "org-", 4);
    stm_id_text(key, name + 4);
}

int stm_origin_load(const struct stm_origin *o, struct stm_store *s, struct stm_id *start,
                    struct stm_err *err)
{
    *start = (struct stm_id){0};
    struct stm_id key = stm_origin_key(o), record, found = {0};
    char name[64];
    ref_name(&key, name);
    int rc = stm_ref_get(s, name, &record, err);
    if (rc == STM_E_NOTFOUND) return 0;
    struct stm_object object = {0};
    if (!rc) rc = stm_wire_record(s, &record, "of an origin", &object, err);
    if (rc) return rc;
    struct stm_buf want = {0};
    struct stm_rd r = {.p = object.data, .n = object.n};
    encode(o, &want);
    const void *p = stm_rd_bytes(&r, want.n);
    if (p && !want.failed && !memcmp(p, want.p, want.n)) found = stm_wire_id(&r);
    if (want.failed)
        rc = stm_fail(err, STM_E_NOMEM, "resolving an origin: out of memory");
    else if (r.bad || !found.alg || object.type != STM_OBJ_RECORD)
        rc =
            stm_fail(err, STM_E_DAMAGED, "ref %s does not point to the record of its origin", name);
    else
        *start = found;
    stm_buf_release(&want);
    stm_object_release(&object);
    return rc;
}

/* "once TARGET OP VALUE", which is cut up. */
static int make_edit(char *line, struct stm_trainer *t, struct stm_err *err)
{
    static const struct {
        const char *text;
        enum stm_edit_op op;
    } ops[] = {{" = ", STM_EDIT_SET}, {" *= ", STM_EDIT_MUL}, {" += ", STM_EDIT_ADD}};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        char *at = strstr(line, ops[i].text);
        if (strncmp(line, "once ", 5) || !at) continue;
        *at = 0;
        return stm_trainer_edit(t, line + 5, ops[i].op, strtod(at + strlen(ops[i].text), NULL),
                                err);
    }
    return stm_fail(err, STM_E_INVALID, "an edit that is not understood: %.60s", line);
}

/* Makes the edits of a fork, one a line, in order; then the holds in force, when any is declared.
 */
int stm_origin_edit(const char *edits, struct stm_trainer *t, struct stm_err *err)
{
    char *text = stm_strdup(edits);
    int rc = text ? 0 : stm_fail(err, STM_E_NOMEM, "making the edits of a fork: out of memory");
    for (char *line = text, *end; !rc && *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end) *end++ = 0;
        if (!strcmp(line, "convert")) continue; /* done by loading */
        if (!strncmp(line, "holds", 5))         /* "holds", or "holds but QUANTITY ..." */
            stm_trainer_apply_holds(t, strncmp(line, "holds but ", 10) ? NULL : line + 10);
        else
            rc = make_edit(line, t, err);
    }
    stm_free(text);
    return rc;
}

int stm_origin_build(const struct stm_origin *o, struct stm_trainer *t, struct stm_store *s,
                     struct stm_err *err)
{
    if (o->fresh) {
        stm_trainer_init(t, o->seed);
        return stm_origin_edit(o->edits, t, err);
    }
    struct stm_state parent;
    int rc = stm_state_get(s, &o->parent, &parent, err);
    if (rc == STM_E_NOTFOUND) {
        char hex[STM_ID_TEXT];
        rc = stm_fail(err, STM_E_DAMAGED, "the store has lost state %s, from which an arm forks",
                      stm_id_text(&o->parent, hex));
    }
    if (rc) return rc;
    rc = stm_trainer_load(t, &parent, err);
    stm_state_release(&parent);
    return rc ? rc : stm_origin_edit(o->edits, t, err);
}

int stm_origin_store(const struct stm_origin *o, const struct stm_state *first, struct stm_store *s,
                     struct stm_id *start, struct stm_err *err)
{
    struct stm_txn *txn = NULL;
    struct stm_buf b = {0};
    struct stm_id record, key = stm_origin_key(o), refs[2] = {o->parent, o->parent};
    char name[64];
    ref_name(&key, name);
    int rc = stm_txn_begin(&txn, s, err);
    if (!rc) rc = stm_state_put(txn, first, start, err);
    encode(o, &b);
    stm_wire_put_id(&b, start);
    if (b.n < 256) stm_buf_zero(&b, 256 - b.n);
    if (!rc && b.failed) rc = stm_fail(err, STM_E_NOMEM, "storing an origin: out of memory");
    refs[0] = *start;
    if (!rc)
        rc = stm_txn_put(txn, STM_OBJ_RECORD, b.p, b.n, 1, refs, o->fresh ? 1 : 2, &record, err);
    if (!rc) rc = stm_txn_ref(txn, name, NULL, &record, err);
    if (!rc)
        rc = stm_txn_commit(txn, err);
    else
        stm_txn_abort(txn);
    stm_buf_release(&b);
    if (rc != STM_E_CONFLICT) return rc;
    /* Another process made the same origin at the same time: it must have made the same state. */
    struct stm_id theirs;
    rc = stm_origin_load(o, s, &theirs, err);
    if (!rc && !stm_id_eq(&theirs, start))
        rc = stm_fail(err, STM_E_MISMATCH, "two processes made different states of one origin");
    return rc;
}
