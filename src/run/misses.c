/* Metrics that were asked for at steps that were trained but not measured. */
#include "base/mem.h"
#include "run/view.h"

enum { MISSES_MAX = 1 << 16 };

void stm_view_note_miss(struct stm_view *v, int node, unsigned seed, uint64_t step)
{
    if (!v->noting || v->n_misses == MISSES_MAX) return;
    for (size_t i = v->n_misses; i-- > 0;) {
        const struct stm_miss *m = &v->misses[i];
        if (m->node == node && m->seed == seed && m->step == step) return;
        if (v->n_misses - i > 64) break; /* repeats come close together */
    }
    if (v->n_misses == v->cap_misses) {
        size_t cap = v->cap_misses ? 2 * v->cap_misses : 64;
        struct stm_miss *p = stm_realloc(v->misses, cap * sizeof *p);
        if (!p) return;
        v->misses = p;
        v->cap_misses = cap;
    }
    v->misses[v->n_misses++] = (struct stm_miss){node, seed, step};
}

void stm_view_note(struct stm_view *v, bool on) { v->noting = on; }

size_t stm_view_missing(const struct stm_view *v) { return v->n_misses; }
