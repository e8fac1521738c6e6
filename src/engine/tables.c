#include "engine/tables.h"

#include <string.h>

#include "engine/judge.h"
#include "engine/lists.h"
#include "stemma/engine.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- what lists.h names ---- */

#define TASK(name)          &stm_task_##name,
#define TASK_SIG(name)      &stm_task_##name.sig,
#define MODEL(name)         &stm_model_##name,
#define MODEL_SIG(name)     &stm_model_##name.sig,
#define OPTIMIZER(name)     &stm_optimizer_##name,
#define OPTIMIZER_SIG(name) &stm_optimizer_##name.sig,
#define HOLD(name)          &stm_hold_##name,
#define HOLD_SIG(name)      &stm_hold_##name.sig,
#define METRIC(name)        &stm_metric_##name,
#define METRIC_SIG(name)    &stm_metric_##name.sig,
#define LOSS(name)          &stm_loss_##name,
#define GRAD(name)          &stm_grad_##name,
#define LOGITS(name)        &stm_logits_##name,
#define WORD(name)          #name,

const struct stm_task_type *const stm_tasks[] = {STM_TASKS(TASK)};
const struct stm_model_type *const stm_models[] = {STM_MODELS(MODEL)};
const struct stm_optimizer_type *const stm_optimizers[] = {STM_OPTIMIZERS(OPTIMIZER)};
const struct stm_hold_type *const stm_holds[] = {STM_HOLDS(HOLD)};
const struct stm_metric_type *const stm_metrics[] = {STM_METRICS(METRIC)};
const struct stm_loss_type *const stm_losses[] = {STM_LOSSES(LOSS)};
const struct stm_grad_type *const stm_grad_types[] = {NULL, STM_GRADS(GRAD)};
const struct stm_logits_type *const stm_logits_types[] = {NULL, STM_LOGITS(LOGITS)};

static const struct stm_sig *const task_sigs[] = {STM_TASKS(TASK_SIG)};
static const struct stm_model_sig *const model_sigs[] = {STM_MODELS(MODEL_SIG)};
static const struct stm_sig *const optimizer_sigs[] = {STM_OPTIMIZERS(OPTIMIZER_SIG)};
static const struct stm_hold_sig *const hold_sigs[] = {STM_HOLDS(HOLD_SIG)};
static const struct stm_metric_sig *const metric_sigs[] = {STM_METRICS(METRIC_SIG)};

/* ---- the knobs ---- */

static const char *const loss_names[] = {STM_LOSSES(WORD) NULL};
static const char *const grad_names[] = {"plain", STM_GRADS(WORD) NULL};
static const char *const logits_names[] = {"plain", STM_LOGITS(WORD) NULL};
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

/* ---- the vocabulary ---- */

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
        for (size_t g = 0; g < model_sigs[m]->n_groups; g++) {
            if (strcmp(model_sigs[m]->groups[g].name, group) != 0) continue;
            if (sig) *sig = &model_sigs[m]->groups[g];
            return stm_models[m]->group_masks[g];
        }
    }
    return 0;
}
