/* The logits of a pair, y = x * c / |x| with the L2 norm over classes. A pair whose logits are all
 * 0 keeps them, and has no gradient. */
#include "engine/lists.h"

#include <math.h>

#include "engine/kernels/kernels.h"

#define STM_REAL_BITS 32
#include "engine/real.h"
#define SQRT(x) sqrtf(x)

#include "engine/logits_normalize_impl.h"
#undef SQRT
#undef STM_REAL_BITS
#define STM_REAL_BITS 64
#include "engine/real.h"
#define SQRT(x) sqrt(x)

#include "engine/logits_normalize_impl.h"

const struct stm_logits_type stm_logits_normalize = {.arg = STM_KNOB_LOGITS_NORMALIZE,
                                                     .apply = {apply_f32, apply_f64},
                                                     .back = {back_f32, back_f64}};
