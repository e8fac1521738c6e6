#include "engine/grad_ema.h"

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
