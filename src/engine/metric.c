/* Metrics: numbers read from the present state, or from the last update. */
#include "engine/lists.h"

#include <math.h>

#include "engine/norm.h"

static double norm(const struct stm_trainer *t, const bool *set)
{
    return sqrt(stm_trainer_squares(t, set));
}

/* ||group||^2 / ||weights||^2 */
static double share(const struct stm_trainer *t, const bool *set)
{
    return stm_trainer_squares(t, set) / stm_trainer_squares(t, t->weights);
}

/* The sum over the group's tensors, in order. */
static double over_group(const struct stm_trainer *t, const double *of_tensor, const bool *set)
{
    double sum = 0;
    for (size_t k = 0; k < t->net.n_tensors; k++)
        if (set[k]) sum += of_tensor[k];
    return sum;
}

/* ||dW|| / ||W||: dW the last update with its decay, before holds; W the group before it. */
static double eff_lr(const struct stm_trainer *t, const bool *set)
{
    if (!t->tracked) return NAN;
    return sqrt(over_group(t, t->delta2, set)) / sqrt(over_group(t, t->before2, set));
}

/* <dW, W> / (||dW|| ||W||) of the same two; 0 / 0 where one of the norms is 0. */
static double cosine(const struct stm_trainer *t, const bool *set)
{
    if (!t->tracked) return NAN;
    return over_group(t, t->along, set) /
           (sqrt(over_group(t, t->delta2, set)) * sqrt(over_group(t, t->before2, set)));
}

const struct stm_metric_type stm_metric_acc = {
    .sig = {"acc", STM_A_SET, "fraction of pairs whose largest logit is the label's"},
    .field = STM_FIELD_CORRECT,
    .set = -1};
const struct stm_metric_type stm_metric_loss = {
    .sig = {"loss", STM_A_SET, "mean loss"}, .field = STM_FIELD_LOSS, .set = -1};
const struct stm_metric_type stm_metric_margin = {
    .sig = {"margin", STM_A_SET, "mean of the correct logit minus the largest other"},
    .field = STM_FIELD_MARGIN,
    .set = -1};
const struct stm_metric_type stm_metric_frac = {
    .sig = {"frac", STM_A_SET_COND, "fraction of pairs that meet a condition"},
    .field = -1,
    .set = -1};
const struct stm_metric_type stm_metric_logit_scale = {
    .sig = {"logit_scale", STM_A_NONE, "mean L2 norm of the logits, all pairs"},
    .field = STM_FIELD_NORM,
    .set = STM_SET_ALL};
const struct stm_metric_type stm_metric_norm = {
    .sig = {"norm", STM_A_GROUP, "L2 norm of a group"}, .field = -1, .set = -1, .value = norm};
const struct stm_metric_type stm_metric_share = {
    .sig = {"share", STM_A_GROUP, "squared norm of a group over that of all weights"},
    .field = -1,
    .set = -1,
    .value = share};
const struct stm_metric_type stm_metric_eff_lr = {
    .sig = {"eff_lr", STM_A_GROUP,
            "norm of the last update (before holds) over the norm before it"},
    .field = -1,
    .set = -1,
    .reads_update = true,
    .value = eff_lr};
const struct stm_metric_type stm_metric_cos = {
    .sig = {"cos", STM_A_GROUP,
            "cosine of the last update (before holds) with the weights before it"},
    .field = -1,
    .set = -1,
    .reads_update = true,
    .value = cosine};
