#include "engine/tables.h"

#include <string.h>

#include "engine/grad_ema.h"
#include "engine/grad_perp.h"
#include "engine/hold.h"
#include "engine/judge.h"
#include "engine/logits_clip.h"
#include "engine/logits_normalize.h"
#include "engine/loss_cross_entropy.h"
#include "engine/loss_mse.h"
#include "engine/loss_stablemax.h"
#include "engine/metric.h"
#include "engine/model_embed_mlp.h"
#include "engine/model_mlp.h"
#include "engine/optimizer_adamw.h"
#include "engine/optimizer_sgd.h"
#include "engine/task_modular.h"
#include "engine/task_parity.h"
#include "stemma/engine.h"

/* One line each: name, arguments, their number, implementation, what its examples are, what it is.
 */
#define TASKS(X)                                                                                   \
    X("modular_add", stm_modular_params, STM_MODULAR_PARAMS, stm_modular_add, STM_IN_PAIR,         \
      "(a + b) mod p over all p*p pairs")                                                          \
    X("modular_sub", stm_modular_params, STM_MODULAR_PARAMS, stm_modular_sub, STM_IN_PAIR,         \
      "(a - b) mod p over all p*p pairs")                                                          \
    X("modular_mul", stm_modular_params, STM_MODULAR_PARAMS, stm_modular_mul, STM_IN_PAIR,         \
      "a * b mod p over all p*p pairs")                                                            \
    X("modular_div", stm_modular_params, STM_MODULAR_PARAMS, stm_modular_div, STM_IN_PAIR,         \
      "a / b mod p, p prime, over the p*(p-1) pairs with b not 0")                                 \
    X("sparse_parity", stm_parity_params, STM_PARITY_PARAMS, stm_sparse_parity, STM_IN_VECTOR,     \
      "whether the product of the first few of +1 and -1 is negative, over sampled points")

/* Name, arguments, their number, implementation, what it is. */
#define OPTIMIZERS(X)                                                                              \
    X("adamw", stm_adamw_params, STM_ADAMW_PARAMS, stm_adamw, "Adam with decoupled weight decay")  \
    X("sgd", stm_sgd_params, STM_SGD_PARAMS, stm_sgd, "gradient descent with momentum")

/* ... what it takes, and the groups of its tensors. */
#define MODELS(X)                                                                                  \
    X("embed_mlp", stm_embed_mlp_params, STM_EMBED_MLP_PARAMS, stm_embed_mlp, STM_IN_PAIR,         \
      stm_embed_mlp_groups, STM_EMBED_MLP_GROUPS,                                                  \
      "shared embedding of a and b, concatenated, one hidden layer")                               \
    X("mlp", stm_mlp_params, STM_MLP_PARAMS, stm_mlp, STM_IN_PAIR | STM_IN_VECTOR, stm_mlp_groups, \
      STM_MLP_GROUPS, "one-hot a and b, or a point; up to five hidden layers")

#define LOSSES(X)                                                                                  \
    X("cross_entropy", stm_cross_entropy)                                                          \
    X("mse", stm_mse)                                                                              \
    X("stablemax", stm_stablemax)

/* The first word of these two takes them as they are. */
#define GRADS(X)                                                                                   \
    X("ema", stm_grad_ema)                                                                         \
    X("perp", stm_grad_perp)

#define LOGITS(X)                                                                                  \
    X("clip", stm_logits_clip)                                                                     \
    X("normalize", stm_logits_normalize)

/* Name, what it takes, whether <= is possible, implementation, what it is. */
#define HOLDS(X)                                                                                   \
    X("norm", STM_A_GROUP, true, stm_hold_norm,                                                    \
      "L2 norm of a group, by one scalar on its tensors")                                          \
    X("norm", STM_A_ROWS, true, stm_hold_row_norm, "L2 norm of every row of a group's tensors")    \
    X("share", STM_A_GROUPS, false, stm_hold_share,                                                \
      "shares of the groups in the sum of their squared norms, which stays")                       \
    X("logit_scale", STM_A_NONE, false, stm_hold_logit_scale,                                      \
      "mean L2 norm of the logits, all pairs, by the temperature")

#define METRICS(X)                                                                                 \
    X("acc", STM_A_SET, stm_metric_acc, "fraction of pairs whose largest logit is the label's")    \
    X("loss", STM_A_SET, stm_metric_loss, "mean loss")                                             \
    X("margin", STM_A_SET, stm_metric_margin, "mean of the correct logit minus the largest other") \
    X("frac", STM_A_SET_COND, stm_metric_frac, "fraction of pairs that meet a condition")          \
    X("logit_scale", STM_A_NONE, stm_metric_logit_scale, "mean L2 norm of the logits, all pairs")  \
    X("norm", STM_A_GROUP, stm_metric_norm, "L2 norm of a group")                                  \
    X("share", STM_A_GROUP, stm_metric_share, "squared norm of a group over that of all weights")  \
    X("eff_lr", STM_A_GROUP, stm_metric_eff_lr,                                                    \
      "norm of the last update (before holds) over the norm before it")                            \
    X("cos", STM_A_GROUP, stm_metric_cos,                                                          \
      "cosine of the last update (before holds) with the weights before it")

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define TASK_SIG(name, params, n, type, in, doc)          {name, params, n, doc, in},
#define TASK_TYPE(name, params, n, type, in, doc)         &type,
#define SIG(name, params, n, type, doc)                   {name, params, n, doc, 0},
#define TYPE(name, params, n, type, doc)                  &type,
#define MODEL_SIG(name, params, n, type, in, g, ng, doc)  {{name, params, n, doc, in}, g, ng},
#define MODEL_TYPE(name, params, n, type, in, g, ng, doc) &type,
#define WORD(name, type)                                  name,
#define WORD_TYPE(name, type)                             &type,
#define HOLD_SIG(name, arg, bound, type, doc)             {name, arg, bound, doc},
#define HOLD_TYPE(name, arg, bound, type, doc)            &type,
#define METRIC_SIG(name, arg, type, doc)                  {name, arg, doc},
#define METRIC_TYPE(name, arg, type, doc)                 &type,

static const struct stm_sig task_sigs[] = {TASKS(TASK_SIG)};
const struct stm_task_type *const stm_tasks[] = {TASKS(TASK_TYPE)};

static const struct stm_model_sig model_sigs[] = {MODELS(MODEL_SIG)};
const struct stm_model_type *const stm_models[] = {MODELS(MODEL_TYPE)};

static const struct stm_sig optimizer_sigs[] = {OPTIMIZERS(SIG)};
const struct stm_optimizer_type *const stm_optimizers[] = {OPTIMIZERS(TYPE)};

static const char *const loss_names[] = {LOSSES(WORD) NULL};
const struct stm_loss_type *const stm_losses[] = {LOSSES(WORD_TYPE)};

static const char *const grad_names[] = {"plain", GRADS(WORD) NULL};
const struct stm_grad_type *const stm_grad_types[] = {NULL, GRADS(WORD_TYPE)};

static const char *const logits_names[] = {"plain", LOGITS(WORD) NULL};
const struct stm_logits_type *const stm_logits_types[] = {NULL, LOGITS(WORD_TYPE)};

static const struct stm_hold_sig hold_sigs[] = {HOLDS(HOLD_SIG)};
const struct stm_hold_type *const stm_holds[] = {HOLDS(HOLD_TYPE)};

static const struct stm_metric_sig metric_sigs[] = {METRICS(METRIC_SIG)};
const struct stm_metric_type *const stm_metrics[] = {METRICS(METRIC_TYPE)};

static const char *const precisions[] = {"f32", "f64", NULL}; /* as enum stm_precision */
static const char *const batches[] = {"full", NULL};
static const char *const fields[] = {"p_correct", "margin", NULL};  /* as enum stm_field */
const char *const stm_set_names[] = {"train", "test", "all", NULL}; /* as enum stm_set */

#define LR_OF(id, group)                                                                           \
    [STM_KNOB_LR_##id] = {.name = "lr." group,                                                     \
                          .kind = STM_K_NUM,                                                       \
                          .min = 0,                                                                \
                          .max = 1e6,                                                              \
                          .doc = "learning rate of " group "; that of the optimizer if not given"}

static const struct stm_param knobs[STM_KNOBS] = {
    [STM_KNOB_BATCH] = {.name = "batch",
                        .kind = STM_K_INT,
                        .min = 1,
                        .max = 1 << 20,
                        .syms = batches,
                        .def = "full",
                        .doc = "training pairs an update sees, distinct, drawn for every step"},
    [STM_KNOB_DATA_TRAIN] = {.name = "data.train",
                             .kind = STM_K_NUM,
                             .min = 0,
                             .max = 1,
                             .open_min = true,
                             .doc = "fraction of the task's training pairs that is trained on: the "
                                    "first of its permutation; the test pairs stay"},
    [STM_KNOB_GRAD] = {.name = "grad",
                       .kind = STM_K_SYM,
                       .syms = grad_names,
                       .def = "plain",
                       .doc = "what the optimizer sees of the gradient"},
    [STM_KNOB_GRAD_EMA_BETA] = {.name = "grad.ema.beta",
                                .kind = STM_K_NUM,
                                .min = 0,
                                .max = 1,
                                .open_max = true,
                                .doc = "grad = ema(beta, lambda): the gradient plus lambda times "
                                       "its moving average of decay beta"},
    [STM_KNOB_GRAD_EMA_LAMBDA] = {.name = "grad.ema.lambda",
                                  .kind = STM_K_NUM,
                                  .min = -1e6,
                                  .max = 1e6,
                                  .doc = "factor on the moving average"},
    [STM_KNOB_LOGITS] = {.name = "logits",
                         .kind = STM_K_SYM,
                         .syms = logits_names,
                         .def = "plain",
                         .doc = "what the loss sees of them after scale and temperature"},
    [STM_KNOB_LOGITS_CLIP] = {.name = "logits.clip.c",
                              .kind = STM_K_NUM,
                              .min = 0,
                              .max = 1e6,
                              .open_min = true,
                              .doc = "logits = clip(c): kept within [-c, c]; no gradient beyond"},
    [STM_KNOB_LOGITS_NORMALIZE] = {.name = "logits.normalize.c",
                                   .kind = STM_K_NUM,
                                   .min = 0,
                                   .max = 1e6,
                                   .open_min = true,
                                   .doc = "logits = normalize(c): a pair's logits times c over "
                                          "their L2 norm"},
    [STM_KNOB_LOSS] = {.name = "loss",
                       .kind = STM_K_SYM,
                       .syms = loss_names,
                       .def = "cross_entropy",
                       .doc = "mean over the training pairs"},
    [STM_KNOB_LR] = {.name = "lr",
                     .kind = STM_K_NUM,
                     .min = 0,
                     .max = 1e6,
                     .doc = "the optimizer's learning rate"},
    LR_OF(E, "E"),
    LR_OF(W1, "W1"),
    LR_OF(W2, "W2"),
    LR_OF(W3, "W3"),
    LR_OF(W4, "W4"),
    LR_OF(W5, "W5"),
    LR_OF(W6, "W6"),
    LR_OF(B1, "b1"),
    LR_OF(B2, "b2"),
    LR_OF(B3, "b3"),
    LR_OF(B4, "b4"),
    LR_OF(B5, "b5"),
    LR_OF(B6, "b6"),
    LR_OF(BIASES, "biases"),
    LR_OF(WEIGHTS, "weights"),
    [STM_KNOB_OUTPUT_SCALE] = {.name = "output_scale",
                               .kind = STM_K_NUM,
                               .min = 0,
                               .max = 1e6,
                               .open_min = true,
                               .def = "1",
                               .doc = "factor on the logits"},
    [STM_KNOB_PRECISION] = {.name = "precision",
                            .kind = STM_K_SYM,
                            .syms = precisions,
                            .def = "f32",
                            .doc = "of parameters, moments and all arithmetic on them"},
    [STM_KNOB_PRECISION_LOSS] =
        {.name = "precision.loss",
         .kind = STM_K_SYM,
         .syms = precisions,
         .doc = "of the loss, its gradient by the logits and p_correct; that of all else if not "
                "given"},
    [STM_KNOB_STREAM_BATCH] = {.name = "stream.batch",
                               .kind = STM_K_INT,
                               .min = 0,
                               .max = 1 << 30,
                               .def = "0",
                               .doc = "which stream of batches: part of the key of every draw"},
    [STM_KNOB_TEMPERATURE] = {.name = "temperature",
                              .kind = STM_K_NUM,
                              .min = 0,
                              .max = 1e6,
                              .open_min = true,
                              .def = "1",
                              .doc = "divides the logits"},
    [STM_KNOB_WEIGHT_DECAY] = {.name = "weight_decay",
                               .kind = STM_K_NUM,
                               .min = 0,
                               .max = 1e6,
                               .def = "0",
                               .doc = "the optimizer's decay"},
};
const char *const stm_knob_alias[STM_KNOBS] = {
    [STM_KNOB_LR] = "lr", [STM_KNOB_WEIGHT_DECAY] = "decay"};
const bool stm_knob_quiet[STM_KNOBS] = {
    [STM_KNOB_GRAD] = true, [STM_KNOB_LOGITS] = true, [STM_KNOB_STREAM_BATCH] = true};

static const struct stm_vocab vocab = {
    .tasks = task_sigs,
    .n_tasks = COUNT(task_sigs),
    .models = model_sigs,
    .n_models = COUNT(model_sigs),
    .optimizers = optimizer_sigs,
    .n_optimizers = COUNT(optimizer_sigs),
    .knobs = knobs,
    .n_knobs = STM_KNOBS,
    .metrics = metric_sigs,
    .n_metrics = COUNT(metric_sigs),
    .holds = hold_sigs,
    .n_holds = COUNT(hold_sigs),
    .fields = fields,
    .judge = stm_judge,
};

const struct stm_vocab *stm_engine_vocab(void) { return &vocab; }

const char *stm_knob_lr_group(int knob)
{
    return knob > STM_KNOB_LR && knob <= STM_KNOB_LR_WEIGHTS ? strchr(knobs[knob].name, '.') + 1
                                                             : NULL;
}

int stm_knob_owner(int knob, int *word)
{
    const char *name = knobs[knob].name;
    for (int k = 0; k < STM_KNOBS; k++) {
        size_t n = strlen(knobs[k].name);
        if (k == knob || !knobs[k].syms || strncmp(name, knobs[k].name, n) != 0 || name[n] != '.')
            continue;
        for (int i = 0; knobs[k].syms[i]; i++) {
            size_t w = strlen(knobs[k].syms[i]);
            if (strncmp(name + n + 1, knobs[k].syms[i], w) != 0 || name[n + 1 + w] != '.') continue;
            *word = i;
            return k;
        }
    }
    return -1;
}

uint32_t stm_group_mask(int model, const char *group, const struct stm_group **sig)
{
    for (size_t m = 0; m < vocab.n_models; m++) {
        if (model >= 0 && (size_t)model != m) continue;
        for (size_t g = 0; g < model_sigs[m].n_groups; g++) {
            if (strcmp(model_sigs[m].groups[g].name, group) != 0) continue;
            if (sig) *sig = &model_sigs[m].groups[g];
            return stm_models[m]->group_masks[g];
        }
    }
    return 0;
}
