/* All packs of a store in memory, and where each object is.
 *
 * An open-addressing table over the entries of all packs. An object may be there several times
 * (two writers that stored it at once, a copy that replaces a damaged one), so a search yields all
 * copies one after the other. */
#ifndef STEMMA_STORE_INDEX_H
#define STEMMA_STORE_INDEX_H

#include "store/pack.h"

struct stm_index_slot {
    const struct stm_pack *pack; /* NULL: free */
    uint32_t entry;
};

struct stm_index {
    struct stm_pack **packs; /* owned, sorted by name */
    size_t n_packs, cap_packs;
    struct stm_index_slot *slots;
    size_t n_slots, used; /* n_slots is 0 or a power of two, at least 2 * used */
};

/* A place in the index: a pack and one of its entries. */
struct stm_place {
    const struct stm_pack *pack;
    const struct stm_pack_entry *entry;
    size_t slot; /* of the search */
};

void stm_index_release(struct stm_index *ix);
/* Takes the pack over, keeping the order of names. STM_E_NOMEM: *p is untouched. */
int stm_index_add(struct stm_index *ix, struct stm_pack *p, struct stm_err *err);
/* Forgets the packs for which `gone` is true. */
void stm_index_remove(struct stm_index *ix, bool (*gone)(const void *ctx, const struct stm_pack *p),
                      const void *ctx);
/* The pack of this name, or NULL. */
const struct stm_pack *stm_index_pack(const struct stm_index *ix, const char *name);
/* The first copy of the object, the next after it. */
bool stm_index_find(const struct stm_index *ix, const struct stm_id *id, struct stm_place *at);
bool stm_index_next(const struct stm_index *ix, struct stm_place *at);
/* True for exactly one of the copies of an object. */
bool stm_index_is_first(const struct stm_index *ix, const struct stm_pack *p,
                        const struct stm_pack_entry *e);

#endif
