/* The trails of a view, read once and again only when their ref has moved. */
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "run/view.h"

static size_t slot_of(const struct stm_id *key, size_t cap)
{
    uint64_t h;
    memcpy(&h, key->h, sizeof h);
    return (size_t)h & (cap - 1);
}

static struct stm_trail_slot **find(struct stm_trail_slot **slots, size_t cap,
                                    const struct stm_id *key)
{
    size_t i = slot_of(key, cap);
    while (slots[i] && !stm_id_eq(&slots[i]->key, key)) i = (i + 1) & (cap - 1);
    return &slots[i];
}

static int grow(struct stm_view *v)
{
    if (2 * (v->n_slots + 1) <= v->cap_slots) return 0;
    size_t cap = v->cap_slots ? 2 * v->cap_slots : 256;
    struct stm_trail_slot **slots = stm_calloc(cap, sizeof *slots);
    if (!slots) return STM_E_NOMEM;
    for (size_t i = 0; i < v->cap_slots; i++)
        if (v->slots[i]) *find(slots, cap, &v->slots[i]->key) = v->slots[i];
    stm_free(v->slots);
    v->slots = slots;
    v->cap_slots = cap;
    return 0;
}

static int reload(struct stm_view *v, struct stm_trail_slot *slot, struct stm_err *err)
{
    char name[64] = "seg-";
    struct stm_id head = {0};
    stm_id_text(&slot->key, name + 4);
    if (!v->store) return 0;
    int rc = stm_ref_get(v->store, name, &head, err);
    if (rc == STM_E_NOTFOUND) return 0;
    if (rc || (slot->trail.exists && stm_id_eq(&head, &slot->trail.head))) return rc;
    stm_trail_release(&slot->trail);
    return stm_trail_load(&slot->trail, v->store, &slot->key, err);
}

/* The slot of a key, made where there is none; NULL: out of memory. */
static struct stm_trail_slot *slot_for(struct stm_view *v, const struct stm_id *key)
{
    if (grow(v)) return NULL;
    struct stm_trail_slot **at = find(v->slots, v->cap_slots, key);
    if (*at) return *at;
    struct stm_trail_slot *slot = stm_calloc(1, sizeof *slot);
    if (!slot) return NULL;
    slot->key = *key;
    slot->trail.key = *key;
    slot->trail.diverged = STM_NEVER;
    v->n_slots++;
    return *at = slot;
}

int stm_view_trail(struct stm_view *v, const struct stm_id *key, struct stm_trail **out,
                   struct stm_err *err)
{
    struct stm_trail_slot *slot = slot_for(v, key);
    *out = NULL;
    if (!slot) return stm_fail(err, STM_E_NOMEM, "reading trails: out of memory");
    int rc = slot->generation == v->generation ? 0 : reload(v, slot, err);
    if (rc) return rc;
    slot->generation = v->generation;
    *out = &slot->trail;
    return 0;
}
