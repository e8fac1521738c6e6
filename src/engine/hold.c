/* Holds: quantities that are enforced after every optimizer step. */
#include "engine/lists.h"

#include <math.h>
#include <string.h>

#include "engine/evaluate.h"
#include "engine/kernels/kernels.h"
#include "engine/trainer.h"

/* The clamp of the paper: one scalar on every tensor of the group brings its norm to v. A group at
 * zero has no direction and stays. */
static void norm_apply(struct stm_trainer *t, const struct stm_hold *h, const uint32_t *mask)
{
    double norm = sqrt(stm_trainer_squares(t, mask[0])), v = h->v[0];
    if (norm == 0 || (h->op == STM_HOLD_LE && norm <= v)) return;
    stm_trainer_scale(t, mask[0], v / norm);
}

/* The same for x[n], one row. */
static void clamp_row(const struct stm_trainer *t, void *x, size_t n, const struct stm_hold *h)
{
    bool wide = t->prec == STM_PREC_F64;
    double norm = sqrt(wide ? stm_k_f64()->sum_squares(x, n) : stm_k_f32()->sum_squares(x, n));
    if (norm == 0 || (h->op == STM_HOLD_LE && norm <= h->v[0])) return;
    if (wide)
        stm_k_f64()->scale(x, h->v[0] / norm, n);
    else
        stm_k_f32()->scale(x, (float)(h->v[0] / norm), n);
}

/* A row of a matrix is its first index; a vector is one row. */
static void row_norm_apply(struct stm_trainer *t, const struct stm_hold *h, const uint32_t *mask)
{
    for (unsigned k = 0; k < t->net.n_tensors; k++) {
        const struct stm_tensor_spec *spec = &t->net.spec[k];
        size_t rows = spec->ndim > 1 ? spec->shape[0] : 1;
        if (!(mask[0] >> k & 1)) continue;
        for (size_t r = 0; r < rows; r++)
            clamp_row(t, (char *)t->net.param[k] + r * (spec->n / rows) * t->real, spec->n / rows,
                      h);
    }
}

/* One scalar a group: the sum of the squared norms stays, each group gets its share of it. With a
 * group at zero that should have a share nothing is done. */
static void share_apply(struct stm_trainer *t, const struct stm_hold *h, const uint32_t *mask)
{
    double square[STM_HOLD_VALUES_MAX], total = 0, shares = 0;
    for (size_t i = 0; i < h->n; i++) {
        square[i] = stm_trainer_squares(t, mask[i]);
        total += square[i];
        shares += h->v[i];
        if (square[i] == 0 && h->v[i] > 0) return;
    }
    for (size_t i = 0; i < h->n; i++)
        if (square[i] > 0)
            stm_trainer_scale(t, mask[i], sqrt(h->v[i] / shares * (total / square[i])));
}

/* The logits are proportional to 1 / temperature. Logits of 0, or none that are finite, leave it.
 */
static void logit_scale_apply(struct stm_trainer *t, const struct stm_hold *h, const uint32_t *mask)
{
    double sum = 0;
    (void)mask;
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

static void apply_one(struct stm_trainer *t, const struct stm_hold *h)
{
    uint32_t mask[STM_HOLD_VALUES_MAX];
    for (size_t i = 0; i < h->n_groups; i++)
        mask[i] = stm_group_mask(t->set.part[STM_PART_MODEL], h->group[i], NULL);
    stm_holds[h->type]->apply(t, h, mask);
}

static bool is_among(const char *list, const char *quantity)
{
    size_t n = strlen(quantity);
    for (const char *at = list; at && *at; at += strcspn(at, " "), at += *at == ' ')
        if (strcspn(at, " ") == n && !strncmp(at, quantity, n)) return true;
    return false;
}

void stm_trainer_apply_holds(struct stm_trainer *t, const char *but)
{
    for (int last = 0; last < 2; last++)
        for (size_t i = 0; i < t->set.n_holds; i++)
            if (stm_holds[t->set.hold[i].type]->last == last &&
                !is_among(but, t->set.hold[i].quantity))
                apply_one(t, &t->set.hold[i]);
}
