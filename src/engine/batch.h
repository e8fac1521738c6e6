/* Minibatches: distinct training pairs, drawn anew for every step (docs/language.md). */
#ifndef STEMMA_ENGINE_BATCH_H
#define STEMMA_ENGINE_BATCH_H

#include "engine/trainer.h"

/* The arrays of a batch; none when an update sees every training pair. */
void stm_batch_carve(struct stm_trainer *t, struct stm_carve *c);
/* The pairs of the next update, in the order of t->pairs: a function of the seed, stream.batch and
 * the step alone. */
void stm_batch_draw(struct stm_trainer *t);

#endif
