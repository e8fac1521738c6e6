/* The gradient plus lambda times its exponential moving average (Grokfast-EMA, Lee et al. 2024,
 * algorithm 2): m <- beta m + (1 - beta) g, then g <- g + lambda m. The average starts at 0 and is
 * part of the state. */
#ifndef STEMMA_ENGINE_GRAD_EMA_H
#define STEMMA_ENGINE_GRAD_EMA_H

#include "engine/tables.h"

extern const struct stm_grad_type stm_grad_ema;

#endif
