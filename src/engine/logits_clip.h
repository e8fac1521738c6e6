/* Logits kept within [-c, c]; where one is at a bound its gradient is 0. */
#ifndef STEMMA_ENGINE_LOGITS_CLIP_H
#define STEMMA_ENGINE_LOGITS_CLIP_H

#include "engine/tables.h"

extern const struct stm_logits_type stm_logits_clip;

#endif
