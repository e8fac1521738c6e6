/* The logits of a pair, y = x * c / |x| with the L2 norm over classes. A pair whose logits are all
 * 0 keeps them, and has no gradient. */
#ifndef STEMMA_ENGINE_LOGITS_NORMALIZE_H
#define STEMMA_ENGINE_LOGITS_NORMALIZE_H

#include "engine/tables.h"

extern const struct stm_logits_type stm_logits_normalize;

#endif
