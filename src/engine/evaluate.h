/* The forward pass behind metrics: what each pair's logits say. */
#ifndef STEMMA_ENGINE_EVALUATE_H
#define STEMMA_ENGINE_EVALUATE_H

#include "engine/trainer.h"

/* Fills the fields of the mask (bit f is enum stm_field f; others may be filled too) of the
 * training pairs, of those that data.train leaves out, of the test pairs; in tiles. */
void stm_evaluate(struct stm_trainer *t, uint32_t fields, bool train, bool left_out, bool test);

#endif
