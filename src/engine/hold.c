#include "engine/hold.h"

#include <math.h>

#include "engine/trainer.h"

/* The clamp of the paper: one scalar on every tensor of the group brings its norm to v. A group at
 * zero has no direction and stays. */
static void norm_apply(struct stm_trainer *t, uint32_t mask, bool upper_bound, double v)
{
    double norm = sqrt(stm_trainer_squares(t, mask));
    if (norm == 0 || (upper_bound && norm <= v)) return;
    stm_trainer_scale(t, mask, v / norm);
}

const struct stm_hold_type stm_hold_norm = {.apply = norm_apply};

void stm_trainer_apply_holds(struct stm_trainer *t)
{
    for (size_t i = 0; i < t->set.n_holds; i++) {
        const struct stm_hold *h = &t->set.hold[i];
        uint32_t mask = stm_group_mask(t->set.part[STM_PART_MODEL], h->group, NULL);
        stm_holds[h->type]->apply(t, mask, h->op == STM_HOLD_LE, h->v[0]);
    }
}
