/* An MLP of up to five hidden layers of H units, on the one-hot pair or on a point x.
 *
 *   W1 [2p][H], b1 [H], W2 .. WL [H][H], b2 .. bL [H], W(L+1) [H][C], b(L+1) [C]
 *   h1 = act(W1[a] + W1[p + b] + b1), or act(x W1 + b1) with W1 [inputs][H];
 *   h(l+1) = act(h(l) W(l+1) + b(l+1)), logits = h(L) W(L+1) + b(L+1)
 */
#ifndef STEMMA_ENGINE_MODEL_MLP_H
#define STEMMA_ENGINE_MODEL_MLP_H

#include "engine/tables.h"

enum { STM_MLP_PARAMS = 8, STM_MLP_GROUPS = 15 };
extern const struct stm_param stm_mlp_params[STM_MLP_PARAMS];
extern const struct stm_group stm_mlp_groups[STM_MLP_GROUPS];
extern const struct stm_model_type stm_mlp;

#endif
