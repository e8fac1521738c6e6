/* Cross-entropy of StableMax, s(x) / sum s, with s(x) = x + 1 for x >= 0 and 1 / (1 - x) for x < 0
 * (Prieto et al. 2025, Grokking at the edge of numerical stability, section 3). */
#include "engine/lists.h"

#include <float.h>
#include <math.h>

#include "engine/random.h"

/* stm_log where it is defined; the limits elsewhere, NaN stays NaN. */
static double log_of(double x)
{
    if (x >= DBL_MIN && x <= DBL_MAX) return stm_log(x);
    return x < DBL_MIN ? -INFINITY : x;
}

#define STM_REAL_BITS 32
#include "engine/real.h"

#include "engine/loss_stablemax_impl.h"
#undef STM_REAL_BITS
#define STM_REAL_BITS 64
#include "engine/real.h"

#include "engine/loss_stablemax_impl.h"

const struct stm_loss_type stm_loss_stablemax = {.grad = {grad_f32, grad_f64},
                                                 .value = {value_f32, value_f64},
                                                 .p_correct = {p_correct_f32, p_correct_f64}};
