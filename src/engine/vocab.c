/* The vocabulary of the language, from the tables. */
#include "engine/judge.h"
#include "engine/lists.h"
#include "stemma/engine.h"

#define COUNT(array)        (sizeof(array) / sizeof *(array))
#define TASK_SIG(name)      &stm_task_##name.sig,
#define MODEL_SIG(name)     &stm_model_##name.sig,
#define OPTIMIZER_SIG(name) &stm_optimizer_##name.sig,
#define HOLD_SIG(name)      &stm_hold_##name.sig,
#define METRIC_SIG(name)    &stm_metric_##name.sig,

static const struct stm_sig *const tasks[] = {STM_TASKS(TASK_SIG)};
static const struct stm_model_sig *const models[] = {STM_MODELS(MODEL_SIG)};
static const struct stm_sig *const optimizers[] = {STM_OPTIMIZERS(OPTIMIZER_SIG)};
static const struct stm_hold_sig *const holds[] = {STM_HOLDS(HOLD_SIG)};
static const struct stm_metric_sig *const metrics[] = {STM_METRICS(METRIC_SIG)};

static const struct stm_vocab vocab = {
    .tasks = tasks,
    .n_tasks = COUNT(tasks),
    .models = models,
    .n_models = COUNT(models),
    .optimizers = optimizers,
    .n_optimizers = COUNT(optimizers),
    .knobs = stm_knobs,
    .n_knobs = STM_KNOBS,
    .metrics = metrics,
    .n_metrics = COUNT(metrics),
    .holds = holds,
    .n_holds = COUNT(holds),
    .fields = stm_field_names,
    .judge = stm_judge,
};

const struct stm_vocab *stm_engine_vocab(void) { return &vocab; }
