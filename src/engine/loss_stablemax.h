/* Cross-entropy of StableMax, s(x) / sum s, with s(x) = x + 1 for x >= 0 and 1 / (1 - x) for x < 0
 * (Prieto et al. 2025, Grokking at the edge of numerical stability, section 3). */
#ifndef STEMMA_ENGINE_LOSS_STABLEMAX_H
#define STEMMA_ENGINE_LOSS_STABLEMAX_H

#include "engine/tables.h"

extern const struct stm_loss_type stm_stablemax;

#endif
