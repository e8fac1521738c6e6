/* Kept values: an open-addressing table from what was evaluated, where, to its value. */
#include <string.h>

#include "base/mem.h"
#include "run/eval.h"

struct stm_ev_slot {
    struct stm_ev_key key;
    struct stm_value value;
    unsigned long gen; /* 0: for good */
    bool used;
};

enum { FIRST_SLOTS = 256 };

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ (h >> 29);
}

static uint64_t bits(double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

static uint64_t hash(const struct stm_ev_key *k)
{
    uint64_t h = mix(1, (uintptr_t)k->what);
    h = mix(h, (uintptr_t)k->at);
    h = mix(h, (uintptr_t)k->env);
    h = mix(h, (uint64_t)(unsigned)k->node << 32 | (unsigned)k->seed);
    return mix(h, bits(k->step));
}

static bool same(const struct stm_ev_key *a, const struct stm_ev_key *b)
{
    return a->what == b->what && a->at == b->at && a->env == b->env && a->node == b->node &&
           a->seed == b->seed && bits(a->step) == bits(b->step);
}

/* The slot of `key`, or the free one where it belongs. */
static struct stm_ev_slot *find(struct stm_ev_slot *slots, size_t n, const struct stm_ev_key *key)
{
    size_t i = hash(key) & (n - 1);
    while (slots[i].used && !same(&slots[i].key, key)) i = (i + 1) & (n - 1);
    return &slots[i];
}

static bool grow(struct stm_ev *ev)
{
    size_t n = ev->n_slots ? 2 * ev->n_slots : FIRST_SLOTS;
    struct stm_ev_slot *slots = stm_calloc(n, sizeof *slots);
    if (!slots) {
        ev->nomem = true;
        return false;
    }
    for (size_t i = 0; i < ev->n_slots; i++)
        if (ev->slots[i].used) *find(slots, n, &ev->slots[i].key) = ev->slots[i];
    stm_free(ev->slots);
    ev->slots = slots;
    ev->n_slots = n;
    return true;
}

const struct stm_value *stm_ev_cached(struct stm_ev *ev, const struct stm_ev_key *key)
{
    if (ev->n_slots == 0) return NULL;
    const struct stm_ev_slot *s = find(ev->slots, ev->n_slots, key);
    if (!s->used || (s->gen != 0 && s->gen != ev->gen && s->gen != ev->base_gen)) return NULL;
    if (s->gen != 0 && s->gen == ev->gen) ev->depends = true;
    return &s->value;
}

void stm_ev_cache(struct stm_ev *ev, const struct stm_ev_key *key, const struct stm_value *v,
                  unsigned long gen)
{
    if (4 * (ev->used + 1) > 3 * ev->n_slots && !grow(ev)) return;
    struct stm_ev_slot *s = find(ev->slots, ev->n_slots, key);
    struct stm_value kept = *v;
    if (v->cells && gen != ev->gen) { /* outlives the scratch memory of this selection */
        kept.cells = stm_arena_alloc(&ev->keep, v->n * sizeof *v->cells);
        if (!kept.cells) {
            ev->nomem = true;
            return;
        }
        memcpy(kept.cells, v->cells, v->n * sizeof *v->cells);
    }
    if (!s->used) ev->used++;
    *s = (struct stm_ev_slot){*key, kept, gen, true};
}
