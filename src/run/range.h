/* What is known of a step: it lies in [lo, hi]. Known when both are equal; both STM_NEVER: it never
 * comes. Facts only narrow a range, so a conclusion drawn from one stays true. */
#ifndef STEMMA_RUN_RANGE_H
#define STEMMA_RUN_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#define STM_NEVER UINT64_MAX

struct stm_range {
    uint64_t lo, hi;
};

static inline struct stm_range stm_range_at(uint64_t step)
{
    return (struct stm_range){step, step};
}

/* Not before `step`, otherwise unknown. */
static inline struct stm_range stm_range_from(uint64_t step)
{
    return (struct stm_range){step, STM_NEVER};
}

static inline bool stm_range_known(struct stm_range r) { return r.lo == r.hi; }

static inline struct stm_range stm_range_min(struct stm_range a, struct stm_range b)
{
    return (struct stm_range){a.lo < b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi};
}

static inline struct stm_range stm_range_max(struct stm_range a, struct stm_range b)
{
    return (struct stm_range){a.lo > b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
}

/* Certainly at or before `r`, whatever `r` is; certainly after it. */
static inline bool stm_range_within(struct stm_range t, struct stm_range r)
{
    return t.hi <= r.lo && t.hi != STM_NEVER;
}

static inline bool stm_range_beyond(struct stm_range t, struct stm_range r)
{
    return t.lo > r.hi || t.lo == STM_NEVER;
}

/* `t` as far as it comes by the end of `life`: never when it is later. */
static inline struct stm_range stm_range_by(struct stm_range t, struct stm_range life)
{
    if (stm_range_beyond(t, life)) return stm_range_at(STM_NEVER);
    return stm_range_within(t, life) ? t : stm_range_from(t.lo);
}

#endif
