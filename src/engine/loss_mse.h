/* Squared error: the sum over classes of (logit - one-hot)^2, mean over pairs (paper, setting). */
#ifndef STEMMA_ENGINE_LOSS_MSE_H
#define STEMMA_ENGINE_LOSS_MSE_H

#include "engine/tables.h"

extern const struct stm_loss_type stm_mse;

#endif
