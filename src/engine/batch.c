#include "engine/batch.h"

#include <string.h>

#include "engine/random.h"

static bool draws(const struct stm_trainer *t) { return t->set.knob[STM_KNOB_BATCH] > 0; }

void stm_batch_carve(struct stm_trainer *t, struct stm_carve *c)
{
    if (!draws(t)) return;
    t->batch_pairs = stm_carve_take(c, t->batch * sizeof *t->batch_pairs);
    t->batch_label = stm_carve_take(c, t->batch * sizeof *t->batch_label);
    t->drawn = stm_carve_take(c, t->train);
}

/* A uniform subset by Floyd's algorithm (Bentley and Floyd 1987): one number a pair. The stream is
 * `batch`, its sub-stream the step, its first block stream.batch * 2^32. */
void stm_batch_draw(struct stm_trainer *t)
{
    if (!draws(t)) return;
    struct stm_rand r = stm_rand_at(t->seed, STM_STREAM_BATCH, (uint32_t)t->step);
    r.block = (uint64_t)t->set.knob[STM_KNOB_STREAM_BATCH] << 32;
    memset(t->drawn, 0, t->train);
    for (uint32_t last = t->train - t->batch; last < t->train; last++) {
        uint32_t i = stm_rand_below(&r, last + 1);
        t->drawn[t->drawn[i] ? last : i] = 1;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->train; i++) {
        if (!t->drawn[i]) continue;
        t->batch_pairs[n] = t->pairs[i];
        t->batch_label[n++] = t->label[i];
    }
}
