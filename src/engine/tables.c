#include "engine/tables.h"

#include <string.h>

#include "engine/lists.h"

/* ---- what lists.h names ---- */

#define TASK(name)      &stm_task_##name,
#define MODEL(name)     &stm_model_##name,
#define OPTIMIZER(name) &stm_optimizer_##name,
#define HOLD(name)      &stm_hold_##name,
#define METRIC(name)    &stm_metric_##name,
#define LOSS(name)      &stm_loss_##name,
#define GRAD(name)      &stm_grad_##name,
#define LOGITS(name)    &stm_logits_##name,
#define WORD(name)      #name,

const struct stm_task_type *const stm_tasks[] = {STM_TASKS(TASK) NULL};
const struct stm_model_type *const stm_models[] = {STM_MODELS(MODEL) NULL};
const struct stm_optimizer_type *const stm_optimizers[] = {STM_OPTIMIZERS(OPTIMIZER) NULL};
const struct stm_hold_type *const stm_holds[] = {STM_HOLDS(HOLD) NULL};
const struct stm_metric_type *const stm_metrics[] = {STM_METRICS(METRIC) NULL};
const struct stm_loss_type *const stm_losses[] = {STM_LOSSES(LOSS)};
const struct stm_grad_type *const stm_grad_types[] = {NULL, STM_GRADS(GRAD)};
const struct stm_logits_type *const stm_logits_types[] = {NULL, STM_LOGITS(LOGITS)};

/* ---- the knobs ---- */

static const char *const loss_names[] = {STM_LOSSES(WORD) NULL};
static const char *const grad_names[] = {"plain", STM_GRADS(WORD) NULL};
static const char *const logits_names[] = {"plain", STM_LOGITS(WORD) NULL};
static const char *const precisions[] = {"f32", "f64", NULL}; /* as enum stm_precision */
static const char *const batches[] = {"full", NULL};
const char *const stm_field_names[] = {"p_correct", "margin", NULL}; /* as enum stm_field */
const char *const stm_set_names[] = {"train", "test", "all", NULL};  /* as enum stm_set */

const struct stm_param stm_knobs[STM_KNOBS] = {
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
                       .quiet = true,
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
                         .quiet = true,
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
    [STM_KNOB_LR_GROUP] = {.name = "lr.GROUP",
                           .kind = STM_K_NUM,
                           .min = 0,
                           .max = 1e6,
                           .doc = "learning rate of the group; that of the optimizer if not given"},
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
                               .quiet = true,
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

int stm_knob_owner(int knob, int *word)
{
    const struct stm_param *knobs = stm_knobs;
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

const char *stm_group_name(int model, const char *name, size_t n)
{
    const char *found = NULL;
    if (model >= 0) return stm_group_find(&stm_models[model]->sig, name, n);
    for (size_t m = 0; !found && stm_models[m]; m++)
        found = stm_group_find(&stm_models[m]->sig, name, n);
    return found;
}
