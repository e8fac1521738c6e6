/* Gradient descent with momentum (heavy ball): m <- momentum m + g, p <- p - lr m. */
#ifndef STEMMA_ENGINE_OPTIMIZER_SGD_H
#define STEMMA_ENGINE_OPTIMIZER_SGD_H

#include "engine/tables.h"

enum { STM_SGD_PARAMS = 4 };
extern const struct stm_param stm_sgd_params[STM_SGD_PARAMS];
extern const struct stm_optimizer_type stm_sgd;

#endif
