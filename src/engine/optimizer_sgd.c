/* Gradient descent with momentum (heavy ball): m <- momentum m + g, p <- p - lr m. */
#include "engine/lists.h"

enum { LR, MOMENTUM, DECAY, ORDER };
enum { STEP_THEN_DECAY, DECAY_THEN_STEP, COUPLED };

static const char *const orders[] = {"step_then_decay", "decay_then_step", "coupled", NULL};

static const struct stm_param params[] = {
    [LR] = {.name = "lr", .kind = STM_K_NUM, .min = 0, .max = 1e6, .doc = "learning rate"},
    [MOMENTUM] = {.name = "momentum",
                  .kind = STM_K_NUM,
                  .min = 0,
                  .max = 1,
                  .open_max = true,
                  .def = "0",
                  .doc = "decay of the momentum, a step"},
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
               .doc = "the decay acts after the update, before it, or is coupled: decay times the "
                      "weights is added to the gradient"},
};

static const char *const moments[] = {"sgd.momentum"};

static void begin(const double *arg, double *scalar)
{
    (void)arg;
    (void)scalar;
}

#define STM_REAL_BITS 32
#include "engine/real.h"

#include "engine/optimizer_sgd_impl.h"
#undef STM_REAL_BITS
#define STM_REAL_BITS 64
#include "engine/real.h"

#include "engine/optimizer_sgd_impl.h"

const struct stm_optimizer_type stm_optimizer_sgd = {
    .sig = {.name = "sgd", STM_PARAMS(params), .doc = "gradient descent with momentum"},
    .n_moments = 1,
    .moments = moments,
    .begin = begin,
    .update = {update_f32, update_f64}};
