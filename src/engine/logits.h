/* From the network's logits to what the loss sees, and back.
 *
 * network -> x output scale / temperature -> precision of the loss -> transform -> loss
 */
#ifndef STEMMA_ENGINE_LOGITS_H
#define STEMMA_ENGINE_LOGITS_H

#include "engine/trainer.h"

/* The arrays of a tile. */
void stm_logits_carve(struct stm_trainer *t, struct stm_carve *c);
/* Output scale over temperature. */
double stm_logits_scale(const struct stm_trainer *t);
/* Runs the network on T pairs and fills t->tile for the loss; with `grad` keeps what the way back
 * needs. */
void stm_logits_forward(struct stm_trainer *t, const uint32_t *pairs, const uint32_t *label,
                        size_t T, bool grad);
/* From the derivative by what the loss saw, in t->tile.logits, that by the network's logits, in
 * t->net_logits. */
void stm_logits_backward(struct stm_trainer *t);

#endif
