/* Holds: quantities that are enforced after every optimizer step. */
#ifndef STEMMA_ENGINE_HOLD_H
#define STEMMA_ENGINE_HOLD_H

#include "engine/tables.h"

extern const struct stm_hold_type stm_hold_norm, stm_hold_row_norm, stm_hold_share,
    stm_hold_logit_scale;

#endif
