/* AdamW: Adam with decoupled weight decay (Loshchilov and Hutter 2019). */
#include "engine/lists.h"

#include "engine/kernels/kernels.h"

enum { LR, BETA1, BETA2, EPS, DECAY, ORDER };
enum { STEP_THEN_DECAY, DECAY_THEN_STEP };

static const char *const orders[] = {"step_then_decay", "decay_then_step", NULL};

static const struct stm_param params[] = {
    [LR] = {.name = "lr", .kind = STM_K_NUM, .min = 0, .max = 1e6, .doc = "learning rate"},
    [BETA1] = {.name = "beta1",
               .kind = STM_K_NUM,
               .min = 0,
               .max = 1,
               .open_max = true,
               .def = "0.9",
               .doc = "decay of the first moment, a step"},
    [BETA2] = {.name = "beta2",
               .kind = STM_K_NUM,
               .min = 0,
               .max = 1,
               .open_max = true,
               .def = "0.999",
               .doc = "decay of the second moment, a step"},
    [EPS] = {.name = "eps",
             .kind = STM_K_NUM,
             .min = 0,
             .max = 1,
             .open_min = true,
             .def = "1e-8",
             .doc = "added to the root of the second moment"},
    [DECAY] = {.name = "decay",
               .kind = STM_K_NUM,
               .min = 0,
               .max = 1e6,
               .def = "0",
               .doc = "weight decay: weights shrink by 1 - lr * decay a step"},
    [ORDER] = {.name = "order",
               .kind = STM_K_SYM,
               .syms = orders,
               .def = "step_then_decay",
               .doc = "whether the decay acts after or before the update"},
};

static const char *const moments[] = {"adam.m", "adam.v"};
static const char *const scalars[] = {"adam.beta1_power", "adam.beta2_power"};

/* The bias corrections are 1 - beta^t with beta^t a running product, so that no pow decides. */
static void begin(const double *arg, double *scalar)
{
    scalar[0] *= arg[BETA1];
    scalar[1] *= arg[BETA2];
}

static struct stm_adamw_step step_of(const double *arg, const double *scalar, bool decay)
{
    double factor = decay ? 1 - arg[LR] * arg[DECAY] : 1;
    bool after = arg[ORDER] == STEP_THEN_DECAY;
    return (struct stm_adamw_step){.beta1 = arg[BETA1],
                                   .beta2 = arg[BETA2],
                                   .eps = arg[EPS],
                                   .step = arg[LR] / (1 - scalar[0]),
                                   .inv_c2 = 1 / (1 - scalar[1]),
                                   .pre = after ? 1 : factor,
                                   .post = after ? factor : 1};
}

static void update_f32(const double *arg, const double *scalar, const struct stm_slot *slot)
{
    struct stm_adamw_step s = step_of(arg, scalar, slot->decay);
    stm_k_f32()->adamw(slot->param, slot->moment[0], slot->moment[1], slot->grad, slot->n, &s);
}

static void update_f64(const double *arg, const double *scalar, const struct stm_slot *slot)
{
    struct stm_adamw_step s = step_of(arg, scalar, slot->decay);
    stm_k_f64()->adamw(slot->param, slot->moment[0], slot->moment[1], slot->grad, slot->n, &s);
}

const struct stm_optimizer_type stm_optimizer_adamw = {
    .sig = {.name = "adamw", STM_PARAMS(params), .doc = "Adam with decoupled weight decay"},
    .n_moments = 2,
    .n_scalars = 2,
    .moments = moments,
    .scalars = scalars,
    .scalar_start = 1,
    .begin = begin,
    .update = {update_f32, update_f64},
};
