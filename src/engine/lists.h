/* What there is, a line each. NAME of STM_MODELS is `const struct stm_model_type stm_model_NAME`,
 * which any file of the engine may define; so it is with the other lists.
 *
 * STM_EXTRA_MODELS is for those who build the engine with models of their own: it is defined like
 * STM_MODELS, on the compiler's command line.
 */
#ifndef STEMMA_ENGINE_LISTS_H
#define STEMMA_ENGINE_LISTS_H

#include "engine/tables.h"

#ifndef STM_EXTRA_MODELS
#define STM_EXTRA_MODELS(X)
#endif

#define STM_TASKS(X)                                                                               \
    X(modular_add)                                                                                 \
    X(modular_sub)                                                                                 \
    X(modular_mul)                                                                                 \
    X(modular_div)                                                                                 \
    X(sparse_parity)

#define STM_MODELS(X)                                                                              \
    X(embed_mlp)                                                                                   \
    X(mlp)                                                                                         \
    STM_EXTRA_MODELS(X)

#define STM_OPTIMIZERS(X)                                                                          \
    X(adamw)                                                                                       \
    X(sgd)

/* Words of the setting `loss`: their names are those of the language. */
#define STM_LOSSES(X)                                                                              \
    X(cross_entropy)                                                                               \
    X(mse)                                                                                         \
    X(stablemax)

/* So are these, of `grad` and of `logits`, whose first word, `plain`, is none of them. */
#define STM_GRADS(X)                                                                               \
    X(ema)                                                                                         \
    X(perp)

#define STM_LOGITS(X)                                                                              \
    X(clip)                                                                                        \
    X(normalize)

#define STM_HOLDS(X)                                                                               \
    X(norm)                                                                                        \
    X(row_norm)                                                                                    \
    X(share)                                                                                       \
    X(logit_scale)

#define STM_METRICS(X)                                                                             \
    X(acc)                                                                                         \
    X(loss)                                                                                        \
    X(margin)                                                                                      \
    X(frac)                                                                                        \
    X(logit_scale)                                                                                 \
    X(norm)                                                                                        \
    X(share)                                                                                       \
    X(eff_lr)                                                                                      \
    X(cos)

#define STM_DECLARE_TASK(name)      extern const struct stm_task_type stm_task_##name;
#define STM_DECLARE_MODEL(name)     extern const struct stm_model_type stm_model_##name;
#define STM_DECLARE_OPTIMIZER(name) extern const struct stm_optimizer_type stm_optimizer_##name;
#define STM_DECLARE_LOSS(name)      extern const struct stm_loss_type stm_loss_##name;
#define STM_DECLARE_GRAD(name)      extern const struct stm_grad_type stm_grad_##name;
#define STM_DECLARE_LOGITS(name)    extern const struct stm_logits_type stm_logits_##name;
#define STM_DECLARE_HOLD(name)      extern const struct stm_hold_type stm_hold_##name;
#define STM_DECLARE_METRIC(name)    extern const struct stm_metric_type stm_metric_##name;

STM_TASKS(STM_DECLARE_TASK)
STM_MODELS(STM_DECLARE_MODEL)
STM_OPTIMIZERS(STM_DECLARE_OPTIMIZER)
STM_LOSSES(STM_DECLARE_LOSS)
STM_GRADS(STM_DECLARE_GRAD)
STM_LOGITS(STM_DECLARE_LOGITS)
STM_HOLDS(STM_DECLARE_HOLD)
STM_METRICS(STM_DECLARE_METRIC)

#endif
