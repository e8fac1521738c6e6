/* Mean cross-entropy of the soft-max of the logits. */
#ifndef STEMMA_ENGINE_LOSS_CROSS_ENTROPY_H
#define STEMMA_ENGINE_LOSS_CROSS_ENTROPY_H

#include "engine/tables.h"

extern const struct stm_loss_type stm_cross_entropy;

#endif
