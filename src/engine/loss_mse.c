/* Squared error: the sum over classes of (logit - one-hot)^2, mean over pairs (paper, setting). */
#include "engine/lists.h"

#define STM_REAL_BITS 32
#include "engine/real.h"

#include "engine/loss_mse_impl.h"
#undef STM_REAL_BITS
#define STM_REAL_BITS 64
#include "engine/real.h"

#include "engine/loss_mse_impl.h"

const struct stm_loss_type stm_loss_mse = {.grad = {grad_f32, grad_f64},
                                           .value = {value_f32, value_f64}};
