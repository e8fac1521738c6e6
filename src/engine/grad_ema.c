/* The gradient plus lambda times its exponential moving average (Grokfast-EMA, Lee et al. 2024,
 * algorithm 2): m <- beta m + (1 - beta) g, then g <- g + lambda m. The average starts at 0 and is
 * part of the state. */
#include "engine/lists.h"

#define STM_REAL_BITS 32
#include "engine/real.h"

#include "engine/grad_ema_impl.h"
#undef STM_REAL_BITS
#define STM_REAL_BITS 64
#include "engine/real.h"

#include "engine/grad_ema_impl.h"

const struct stm_grad_type stm_grad_ema = {
    .n_args = 2,
    .arg = {STM_KNOB_GRAD_EMA_BETA, STM_KNOB_GRAD_EMA_LAMBDA},
    .buffer = "grad.ema",
    .apply = {apply_f32, apply_f64}};
