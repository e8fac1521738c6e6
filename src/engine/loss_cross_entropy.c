/* Mean cross-entropy of the soft-max of the logits. */
#include "engine/lists.h"

#include "engine/kernels/kernels.h"
#include "engine/random.h"

#define STM_REAL_BITS 32
#include "engine/real.h"

#include "engine/loss_cross_entropy_impl.h"
#undef STM_REAL_BITS
#define STM_REAL_BITS 64
#include "engine/real.h"

#include "engine/loss_cross_entropy_impl.h"

const struct stm_loss_type stm_loss_cross_entropy = {.grad = {grad_f32, grad_f64},
                                                     .value = {value_f32, value_f64}};
