/* Logits kept within [-c, c]; where one is at a bound its gradient is 0. */
#include "engine/lists.h"

#define STM_REAL_BITS 32
#include "engine/real.h"

#include "engine/logits_clip_impl.h"
#undef STM_REAL_BITS
#define STM_REAL_BITS 64
#include "engine/real.h"

#include "engine/logits_clip_impl.h"

const struct stm_logits_type stm_logits_clip = {
    .arg = STM_KNOB_LOGITS_CLIP, .apply = {apply_f32, apply_f64}, .back = {back_f32, back_f64}};
