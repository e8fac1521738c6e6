/* The store: content-addressed objects in packs, and refs.
 *
 * It knows bytes, never tensors. An object is immutable and has an id, the XXH3-128 of its raw
 * bytes with an algorithm byte before it. Objects are written in transactions: one transaction is
 * one pack file. A ref is the only thing that changes: a name that points to one id, moved by
 * compare-and-swap.
 *
 * Promise: once stm_txn_commit has returned 0, the objects and refs of the transaction survive
 * SIGKILL and power loss, and are never read wrongly: every read decodes, hashes and compares.
 *
 * Life cycle: stm_store_open, then any number of reads and transactions, then stm_store_close.
 * Threads: a handle belongs to one thread; processes share a directory freely, and each opens its
 * own handle (also after fork). Readers take no lock and need no free space.
 * Ownership: what comes back through a `struct stm_object` or `**out` belongs to the caller.
 */
#ifndef STEMMA_STORE_H
#define STEMMA_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "stemma/err.h"

enum { STM_ID_XXH3_128 = 1 };                           /* values of stm_id.alg */
enum { STM_ID_HEX = 32, STM_ID_TEXT = STM_ID_HEX + 1 }; /* digits; with the terminator */

struct stm_id {
    uint8_t alg; /* 0 is "no id" */
    uint8_t h[16];
};

struct stm_id stm_id_of(const void *p, size_t n); /* the id of these raw bytes */
bool stm_id_eq(const struct stm_id *a, const struct stm_id *b);
int stm_id_cmp(const struct stm_id *a, const struct stm_id *b);
/* 32 lower-case hex digits and a terminator; returns `text`. */
char *stm_id_text(const struct stm_id *id, char text[STM_ID_TEXT]);
/* Exactly 32 hex digits; false for anything else. */
bool stm_id_parse(struct stm_id *id, const char *text);

enum stm_object_type {
    STM_OBJ_CHUNK = 1, /* at most STM_CHUNK_MAX raw bytes of one tensor */
    STM_OBJ_STATE = 2, /* a manifest, written and read by the state room */
    STM_OBJ_RECORD = 3 /* what is known about a run, written and read by the run room */
};
enum { STM_CHUNK_MAX = 1 << 20 };

struct stm_store; /* an open store */
struct stm_txn;   /* a transaction being filled */

enum {
    STM_STORE_CREATE = 1,  /* make it when the directory is absent or empty */
    STM_STORE_READONLY = 2 /* never write; transactions fail with STM_E_READONLY */
};

/* Opens the store at `dir`.
 * STM_E_NOTFOUND: nothing there and no STM_STORE_CREATE. STM_E_FORMAT: the directory holds
 * something else, or a store of a newer format (the message says which version is known).
 * A directory that cannot be written to opens for reading. */
int stm_store_open(struct stm_store **out, const char *dir, unsigned flags, struct stm_err *err);
void stm_store_close(struct stm_store *s); /* NULL is fine */
const char *stm_store_dir(const struct stm_store *s);

/* ---- reading ---- */

struct stm_object {
    enum stm_object_type type;
    unsigned char *data; /* owned by the caller, freed with stm_object_release */
    size_t n;
};
void stm_object_release(struct stm_object *o);

/* Reads and verifies one object. STM_E_NOTFOUND; STM_E_DAMAGED names the object and the pack. */
int stm_store_get(struct stm_store *s, const struct stm_id *id, struct stm_object *out,
                  struct stm_err *err);
bool stm_store_has(struct stm_store *s, const struct stm_id *id);
/* The one object whose id starts with these hex digits (at least 4). STM_E_NOTFOUND;
 * STM_E_USAGE when several do. */
int stm_store_find(struct stm_store *s, const char *hex_prefix, struct stm_id *out,
                   struct stm_err *err);
/* Looks for packs that other processes have committed since the handle was opened. Reads do this
 * by themselves before they answer STM_E_NOTFOUND. */
int stm_store_refresh(struct stm_store *s, struct stm_err *err);

/* A pack that another handle has committed, by the name that it told: spares the refresh when one
 * of its objects is asked for. A name that is wrong, or a pack that cannot be read, is nothing: the
 * refresh will say. */
enum { STM_PACK_NAME_SIZE = 38 }; /* with the terminator */
void stm_store_learn(struct stm_store *s, const char *pack);
/* Calls `made` with the name of every pack that this handle commits from now on; NULL ends that. */
void stm_store_watch(struct stm_store *s, void (*made)(void *ctx, const char *pack), void *ctx);

/* ---- writing ---- */

int stm_txn_begin(struct stm_txn **out, struct stm_store *s, struct stm_err *err);
/* Adds an object. `elem_size` (1, 2, 4 or 8) steers the byte-plane codec. `refs` are the ids that
 * the payload points to: they must be in this transaction or in the store already (STM_E_NOTFOUND).
 * An object that the store has is verified against it (STM_E_COLLISION) and not written again; one
 * whose stored copy is damaged is written again, which mends it. STM_E_INVALID: too large, or there
 * already as another type or with other references. After a failed put the transaction can only be
 * dropped: later puts and the commit return the same code. `id_out` may be NULL. */
int stm_txn_put(struct stm_txn *t, enum stm_object_type type, const void *p, size_t n,
                unsigned elem_size, const struct stm_id *refs, size_t n_refs, struct stm_id *id_out,
                struct stm_err *err);
/* Moves a ref when the transaction commits, after the pack is safe. `old` is what it must point
 * to at that moment, or NULL when it must not exist. At most one ref a transaction.
 * Names: 1 to 120 of [a-z0-9._-], not starting with a dot. */
int stm_txn_ref(struct stm_txn *t, const char *name, const struct stm_id *old,
                const struct stm_id *now, struct stm_err *err);
/* 0: everything is durable. STM_E_CONFLICT: the ref has moved; the objects are stored, the ref is
 * untouched. Any other error: nothing is acknowledged, nothing that was there is harmed. At most 4
 * fsyncs. Frees the transaction in every case. */
int stm_txn_commit(struct stm_txn *t, struct stm_err *err);
void stm_txn_abort(struct stm_txn *t); /* drops it; NULL is fine */

/* ---- refs ---- */

int stm_ref_get(struct stm_store *s, const char *name, struct stm_id *out, struct stm_err *err);
/* Calls `each` for every ref whose name starts with `prefix`, sorted by name; stops when it
 * returns non-zero and returns that. */
int stm_ref_each(struct stm_store *s, const char *prefix,
                 int (*each)(void *ctx, const char *name, const struct stm_id *id), void *ctx,
                 struct stm_err *err);

/* ---- reservations ---- */

/* That somebody works on something, told to all processes that share the directory. It is advice:
 * no read or write asks for it. It ends with the process that has it, however that ends. */
struct stm_reservation {
    int fd; /* -1: none */
    uint64_t at;
};
/* STM_E_CONFLICT: a living process has reserved `what`, or this one has. 0 also where the file
 * system knows no such locks: then nobody is kept away. */
int stm_reserve(struct stm_reservation *r, struct stm_store *s, const struct stm_id *what,
                struct stm_err *err);
void stm_unreserve(struct stm_reservation *r);

/* ---- care ---- */

struct stm_store_stats {
    uint64_t packs, objects, chunks, states, records, refs;
    uint64_t raw_bytes, stored_bytes; /* of all objects; of all pack files */
};
int stm_store_stats(struct stm_store *s, struct stm_store_stats *out, struct stm_err *err);

/* Calls `each` for every object: id, type, raw size, stored size, pack file name. */
int stm_store_each(struct stm_store *s,
                   int (*each)(void *ctx, const struct stm_id *id, enum stm_object_type type,
                               uint64_t raw, uint64_t stored, const char *pack),
                   void *ctx, struct stm_err *err);

enum stm_fsck_mode { STM_FSCK_QUICK, STM_FSCK_FULL };
/* Checks packs, indexes, refs, and that every reference resolves; FULL also decodes and hashes
 * every object. Each finding goes to `found` as one printable line. Returns 0 when sound,
 * STM_E_DAMAGED when not. Leftover temporary files of dead writers are no damage. */
int stm_store_fsck(struct stm_store *s, enum stm_fsck_mode mode,
                   void (*found)(void *ctx, const char *line), void *ctx, struct stm_err *err);

#endif
