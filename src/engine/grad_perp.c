/* The gradient without its component along the weights, a tensor at a time (Prieto et al. 2025,
 * section 5: g - w (w . g) / (w . w)). A tensor at 0 keeps its gradient. */
#include "engine/lists.h"

#define STM_REAL_BITS 32
#include "engine/real.h"

#include "engine/grad_perp_impl.h"
#undef STM_REAL_BITS
#define STM_REAL_BITS 64
#include "engine/real.h"

#include "engine/grad_perp_impl.h"

const struct stm_grad_type stm_grad_perp = {.apply = {apply_f32, apply_f64}};
