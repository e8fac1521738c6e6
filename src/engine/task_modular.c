#include "engine/task_modular.h"

enum { P, TRAIN };

const struct stm_param stm_modular_params[STM_MODULAR_PARAMS] = {
    [P] = {.name = "p", .kind = STM_K_INT, .min = 2, .max = 1024, .doc = "the modulus"},
    [TRAIN] = {.name = "train",
               .kind = STM_K_NUM,
               .min = 0,
               .max = 1,
               .open_min = true,
               .doc = "fraction of the p*p pairs in the training set: the first int(train*p*p)"},
};

/* The size of the training set is truncated, as int() does, not rounded (paper, trap 3). */
static void shape(const double *arg, struct stm_task_shape *out)
{
    uint32_t p = (uint32_t)arg[P];
    *out = (struct stm_task_shape){.tokens = p,
                                   .classes = p,
                                   .pairs = p * p,
                                   .train = (uint32_t)(arg[TRAIN] * ((double)p * p))};
}

static uint32_t add_label(const double *arg, uint32_t pair)
{
    uint32_t p = (uint32_t)arg[P];
    return (pair / p + pair % p) % p;
}

const struct stm_task_type stm_modular_add = {.shape = shape, .label = add_label};
