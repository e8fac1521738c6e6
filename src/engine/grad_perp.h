/* The gradient without its component along the weights, a tensor at a time (Prieto et al. 2025,
 * section 5: g - w (w . g) / (w . w)). A tensor at 0 keeps its gradient. */
#ifndef STEMMA_ENGINE_GRAD_PERP_H
#define STEMMA_ENGINE_GRAD_PERP_H

#include "engine/tables.h"

extern const struct stm_grad_type stm_grad_perp;

#endif
