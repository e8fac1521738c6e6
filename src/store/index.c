#include "store/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fail.h"
#include "base/mem.h"

void stm_index_release(struct stm_index *ix)
{
    for (size_t i = 0; i < ix->n_packs; i++) {
        stm_pack_release(ix->packs[i]);
        stm_free(ix->packs[i]);
    }
    stm_free(ix->packs);
    stm_free(ix->slots);
    *ix = (struct stm_index){0};
}

static void insert(struct stm_index_slot *slots, size_t n_slots, const struct stm_pack *p,
                   uint32_t entry)
{
    size_t i = stm_get_le64(p->e[entry].id.h) & (n_slots - 1);
    while (slots[i].pack) i = (i + 1) & (n_slots - 1);
    slots[i] = (struct stm_index_slot){.pack = p, .entry = entry};
}

static void insert_all(struct stm_index *ix)
{
    ix->used = 0;
    if (ix->n_slots) memset(ix->slots, 0, ix->n_slots * sizeof *ix->slots);
    for (size_t i = 0; i < ix->n_packs; i++) {
        const struct stm_pack *p = ix->packs[i];
        for (size_t k = 0; k < p->n; k++) insert(ix->slots, ix->n_slots, p, (uint32_t)k);
        ix->used += p->n;
    }
}

/* Room for `more` entries. */
static bool reserve_slots(struct stm_index *ix, size_t more)
{
    size_t n = ix->n_slots ? ix->n_slots : 256;
    while (n < 2 * (ix->used + more)) n *= 2;
    if (n == ix->n_slots) return true;
    struct stm_index_slot *slots = stm_calloc(n, sizeof *slots);
    if (!slots) return false;
    stm_free(ix->slots);
    ix->slots = slots;
    ix->n_slots = n;
    insert_all(ix);
    return true;
}

static size_t position(const struct stm_index *ix, const char *name)
{
    size_t lo = 0, hi = ix->n_packs;
    if (hi && strcmp(ix->packs[hi - 1]->name, name) < 0) return hi; /* they often come in order */
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(ix->packs[mid]->name, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

int stm_index_add(struct stm_index *ix, struct stm_pack *p, struct stm_err *err)
{
    struct stm_pack *own = stm_malloc(sizeof *own);
    if (!own || !reserve_slots(ix, p->n)) goto no_memory;
    if (ix->n_packs == ix->cap_packs) {
        size_t cap = ix->cap_packs ? 2 * ix->cap_packs : 64;
        struct stm_pack **packs = stm_realloc(ix->packs, cap * sizeof *packs);
        if (!packs) goto no_memory;
        ix->packs = packs;
        ix->cap_packs = cap;
    }
    *own = *p;
    *p = (struct stm_pack){0};
    size_t at = position(ix, own->name);
    memmove(ix->packs + at + 1, ix->packs + at, (ix->n_packs - at) * sizeof *ix->packs);
    ix->packs[at] = own;
    ix->n_packs++;
    for (size_t k = 0; k < own->n; k++) insert(ix->slots, ix->n_slots, own, (uint32_t)k);
    ix->used += own->n;
    return 0;
no_memory:
    stm_free(own);
    return stm_fail(err, STM_E_NOMEM, "cannot index pack %s: out of memory", p->name);
}

void stm_index_remove(struct stm_index *ix, bool (*gone)(const void *ctx, const struct stm_pack *p),
                      const void *ctx)
{
    size_t kept = 0;
    for (size_t i = 0; i < ix->n_packs; i++) {
        if (gone(ctx, ix->packs[i])) {
            stm_pack_release(ix->packs[i]);
            stm_free(ix->packs[i]);
        } else {
            ix->packs[kept++] = ix->packs[i];
        }
    }
    if (kept == ix->n_packs) return;
    ix->n_packs = kept;
    insert_all(ix);
}

const struct stm_pack *stm_index_pack(const struct stm_index *ix, const char *name)
{
    size_t at = position(ix, name);
    return at < ix->n_packs && !strcmp(ix->packs[at]->name, name) ? ix->packs[at] : NULL;
}

/* The first copy of `id` at or after slot `i`. */
static bool search(const struct stm_index *ix, const struct stm_id *id, size_t i,
                   struct stm_place *at)
{
    for (;; i++) {
        i &= ix->n_slots - 1;
        const struct stm_index_slot *s = &ix->slots[i];
        if (!s->pack) return false;
        const struct stm_pack_entry *e = &s->pack->e[s->entry];
        if (!stm_id_eq(&e->id, id)) continue;
        *at = (struct stm_place){.pack = s->pack, .entry = e, .slot = i};
        return true;
    }
}

bool stm_index_find(const struct stm_index *ix, const struct stm_id *id, struct stm_place *at)
{
    return ix->n_slots && search(ix, id, stm_get_le64(id->h) & (ix->n_slots - 1), at);
}

bool stm_index_next(const struct stm_index *ix, struct stm_place *at)
{
    struct stm_id id = at->entry->id;
    return search(ix, &id, at->slot + 1, at);
}

bool stm_index_is_first(const struct stm_index *ix, const struct stm_pack *p,
                        const struct stm_pack_entry *e)
{
    struct stm_place at;
    return stm_index_find(ix, &e->id, &at) && at.pack == p && at.entry == e;
}
