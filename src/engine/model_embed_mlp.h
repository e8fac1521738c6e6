/* The MLP of the paper: a shared embedding of a and b, concatenated, one hidden layer.
 *
 *   E [p][d], W1 [2d][H], b1 [H], W2 [H][p], b2 [p]
 *   logits(a, b) = act(E[a] W1[0:d] + E[b] W1[d:2d] + b1) W2 + b2
 *
 * The first layer is linear before the activation, so U = E W1[0:d] and V = E W1[d:2d] are computed
 * once a pass for all p tokens, and its backward pass first sums the n pair gradients into dU and
 * dV: 6 n H p + 12 p d H operations a step instead of 6 n H (p + 2d).
 */
#ifndef STEMMA_ENGINE_MODEL_EMBED_MLP_H
#define STEMMA_ENGINE_MODEL_EMBED_MLP_H

#include "engine/tables.h"

enum { STM_EMBED_MLP_PARAMS = 8, STM_EMBED_MLP_GROUPS = 8 };
extern const struct stm_param stm_embed_mlp_params[STM_EMBED_MLP_PARAMS];
extern const struct stm_group stm_embed_mlp_groups[STM_EMBED_MLP_GROUPS];
extern const struct stm_model_type stm_embed_mlp;

#endif
