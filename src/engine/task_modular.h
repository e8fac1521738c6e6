/* Modular arithmetic: pairs (a, b) of residues mod p, the label is a residue (paper, setting). */
#ifndef STEMMA_ENGINE_TASK_MODULAR_H
#define STEMMA_ENGINE_TASK_MODULAR_H

#include "engine/tables.h"

enum { STM_MODULAR_PARAMS = 2 };
extern const struct stm_param stm_modular_params[STM_MODULAR_PARAMS];
extern const struct stm_task_type stm_modular_add; /* (a + b) mod p */
extern const struct stm_task_type stm_modular_sub; /* (a - b) mod p */
extern const struct stm_task_type stm_modular_mul; /* a * b mod p */
extern const struct stm_task_type stm_modular_div; /* a / b mod p, b not 0 */

#endif
