/* What was asked for and is not measured, and where a seed is to be measured in full. */
#include <string.h>

#include "base/mem.h"
#include "run/view.h"

enum { MISSES_MAX = 1 << 16 };

static bool same_moment(struct stm_moment a, struct stm_moment b)
{
    return a.when == b.when && (a.when != STM_AT_STEP || a.step == b.step);
}

/* The first wish that is not before (seed, step). */
static size_t lower_bound(const struct stm_view *v, unsigned seed, uint64_t step)
{
    size_t lo = 0, hi = v->n_wishes;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct stm_wish *w = &v->wishes[mid];
        if (w->seed < seed || (w->seed == seed && w->step < step))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool is_wished(const struct stm_view *v, unsigned seed, uint64_t step)
{
    size_t i = lower_bound(v, seed, step);
    return i < v->n_wishes && v->wishes[i].seed == seed && v->wishes[i].step == step;
}

size_t stm_view_wishes(const struct stm_view *v, unsigned seed, uint64_t from, uint64_t to,
                       const struct stm_wish **first)
{
    size_t i = lower_bound(v, seed, from), end = i;
    while (end < v->n_wishes && v->wishes[end].seed == seed && v->wishes[end].step <= to) end++;
    *first = v->wishes + i;
    return end - i;
}

void stm_view_wish(struct stm_view *v, unsigned seed, uint64_t step)
{
    size_t at = lower_bound(v, seed, step);
    if (is_wished(v, seed, step) || v->n_wishes == MISSES_MAX) return;
    if (v->n_wishes == v->cap_wishes) {
        size_t cap = v->cap_wishes ? 2 * v->cap_wishes : 64;
        struct stm_wish *p = stm_realloc(v->wishes, cap * sizeof *p);
        if (!p) return;
        v->wishes = p;
        v->cap_wishes = cap;
    }
    memmove(v->wishes + at + 1, v->wishes + at, (v->n_wishes - at) * sizeof *v->wishes);
    v->wishes[at] = (struct stm_wish){seed, step};
    v->n_wishes++;
}

void stm_view_note_miss(struct stm_view *v, int node, unsigned seed, struct stm_moment at)
{
    if (!v->noting) return;
    if (at.when == STM_AT_STEP) stm_view_wish(v, seed, (uint64_t)at.step);
    for (size_t i = v->n_misses; i-- > 0;) {
        const struct stm_miss *m = &v->misses[i];
        if (m->node == node && m->seed == seed && same_moment(m->at, at)) return;
        if (v->n_misses - i > 64) break; /* repeats come close together */
    }
    if (v->n_misses == MISSES_MAX) return;
    if (v->n_misses == v->cap_misses) {
        size_t cap = v->cap_misses ? 2 * v->cap_misses : 64;
        struct stm_miss *p = stm_realloc(v->misses, cap * sizeof *p);
        if (!p) return;
        v->misses = p;
        v->cap_misses = cap;
    }
    v->misses[v->n_misses++] = (struct stm_miss){node, seed, at};
}

void stm_view_note(struct stm_view *v, bool on) { v->noting = v->pretend = on; }
