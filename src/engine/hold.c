/* Holds: quantities that are enforced after every optimizer step. */
#include "engine/lists.h"

#include <math.h>
#include <string.h>

#include "engine/evaluate.h"
#include "engine/norm.h"

/* The clamp of the paper: one scalar on every tensor of the group brings its norm to v. A group at
 * zero has no direction and stays. */
static void norm_apply(struct stm_trainer *t, const struct stm_hold *h, const bool *const *set)
{
    double norm = sqrt(stm_trainer_squares(t, set[0])), v = h->v[0];
    if (norm == 0 || (h->op == STM_HOLD_LE && norm <= v)) return;
    stm_trainer_scale(t, set[0], v / norm);
}

/* The same for x[n], one row. */
static void clamp_row(const struct stm_trainer *t, void *x, size_t n, const struct stm_hold *h)
{
    double norm = sqrt(stm_norm_squares(t, x, n));
    if (norm == 0 || (h->op == STM_HOLD_LE && norm <= h->v[0])) return;
    stm_norm_scale(t, x, n, h->v[0] / norm);
}

/* A row runs along the last index: a vector is one row, a stack of matrices has those of each. */
static void row_norm_apply(struct stm_trainer *t, const struct stm_hold *h, const bool *const *set)
{
    for (size_t k = 0; k < t->net.n_tensors; k++) {
        const struct stm_tensor_spec *spec = &t->net.spec[k];
        if (!set[0][k] || !spec->n) continue;
        const size_t row = spec->shape[spec->ndim - 1];
        for (size_t at = 0; at < spec->n; at += row)
            clamp_row(t, (char *)t->net.param[k] + at * t->real, row, h);
    }
}

/* One scalar a group: the sum of the squared norms stays, each group gets its share of it. With a
 * group at zero that should have a share nothing is done. */
static void share_apply(struct stm_trainer *t, const struct stm_hold *h, const bool *const *set)
{
    double *square = t->square, total = 0, shares = 0;
    for (size_t i = 0; i < h->n; i++) {
        square[i] = stm_trainer_squares(t, set[i]);
        total += square[i];
        shares += h->v[i];
        if (square[i] == 0 && h->v[i] > 0) return;
    }
    for (size_t i = 0; i < h->n; i++)
        if (square[i] > 0)
            stm_trainer_scale(t, set[i], sqrt(h->v[i] / shares * (total / square[i])));
}

/* The logits are proportional to 1 / temperature. Logits of 0, or none that are finite, leave it.
 */
static void logit_scale_apply(struct stm_trainer *t, const struct stm_hold *h,
                              const bool *const *set)
{
    double sum = 0;
    (void)set;
    stm_evaluate(t, 1u << STM_FIELD_NORM, true, true, true);
    for (uint32_t i = 0; i < t->net.task.pairs; i++) sum += t->field[STM_FIELD_NORM][i];
    double scale = sum / t->net.task.pairs;
    if (scale > 0 && isfinite(scale)) t->temperature *= scale / h->v[0];
}

const struct stm_hold_type stm_hold_norm = {
    .sig = {"norm", STM_A_GROUP, true, "L2 norm of a group, by one scalar on its tensors"},
    .apply = norm_apply};
const struct stm_hold_type stm_hold_row_norm = {
    .sig = {"norm", STM_A_ROWS, true, "L2 norm of every row of a group's tensors"},
    .apply = row_norm_apply};
const struct stm_hold_type stm_hold_share = {
    .sig = {"share", STM_A_GROUPS, false,
            "shares of the groups in the sum of their squared norms, which stays"},
    .apply = share_apply};
const struct stm_hold_type stm_hold_logit_scale = {
    .sig = {"logit_scale", STM_A_NONE, false,
            "mean L2 norm of the logits, all pairs, by the temperature"},
    .apply = logit_scale_apply,
    .last = true,
    .temperature = true};
