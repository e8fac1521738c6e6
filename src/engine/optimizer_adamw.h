/* AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019). */
#ifndef STEMMA_ENGINE_OPTIMIZER_ADAMW_H
#define STEMMA_ENGINE_OPTIMIZER_ADAMW_H

#include "engine/tables.h"

enum { STM_ADAMW_PARAMS = 6 };
extern const struct stm_param stm_adamw_params[STM_ADAMW_PARAMS];
extern const struct stm_optimizer_type stm_adamw;

#endif
