/* Sparse parity (Barak et al. 2022, Hidden Progress in Deep Learning, arXiv:2207.08799): of x in
 * {-1, +1}^bits the sign of the product of the first `relevant` numbers.
 *
 * Points come from a universe of `samples`. Point i is the same in every replicate and every
 * protocol: bit j is bit j mod 32 of word j / 32 of the stream `data` with key 0 and sub-stream i;
 * 1 is -1. Points may repeat where there are few bits. Which of them are trained on is the seed's
 * permutation, as with pairs.
 */
#ifndef STEMMA_ENGINE_TASK_PARITY_H
#define STEMMA_ENGINE_TASK_PARITY_H

#include "engine/tables.h"

enum { STM_PARITY_PARAMS = 4 };
extern const struct stm_param stm_parity_params[STM_PARITY_PARAMS];
extern const struct stm_task_type stm_sparse_parity;

#endif
