/* Metrics: numbers read from the present state, or from the last update. */
#include "engine/lists.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "engine/call.h"
#include "engine/evaluate.h"
#include "engine/trainer.h"

/* ---- the metrics ---- */

static double norm(const struct stm_trainer *t, const struct stm_metric *m, uint32_t mask)
{
    (void)m;
    return sqrt(stm_trainer_squares(t, mask));
}

/* ||group||^2 / ||weights||^2 */
static double share(const struct stm_trainer *t, const struct stm_metric *m, uint32_t mask)
{
    (void)m;
    return stm_trainer_squares(t, mask) / stm_trainer_squares(t, t->weights);
}

/* The sum over the group's tensors, in order. */
static double over_group(const struct stm_trainer *t, const double *of_tensor, uint32_t mask)
{
    double sum = 0;
    for (unsigned k = 0; k < t->net.n_tensors; k++)
        if (mask >> k & 1) sum += of_tensor[k];
    return sum;
}

/* ||dW|| / ||W||: dW the last update with its decay, before holds; W the group before it. */
static double eff_lr(const struct stm_trainer *t, const struct stm_metric *m, uint32_t mask)
{
    (void)m;
    if (!t->tracked) return NAN;
    return sqrt(over_group(t, t->delta2, mask)) / sqrt(over_group(t, t->before2, mask));
}

/* <dW, W> / (||dW|| ||W||) of the same two; 0 / 0 where one of the norms is 0. */
static double cosine(const struct stm_trainer *t, const struct stm_metric *m, uint32_t mask)
{
    (void)m;
    if (!t->tracked) return NAN;
    return over_group(t, t->along, mask) /
           (sqrt(over_group(t, t->delta2, mask)) * sqrt(over_group(t, t->before2, mask)));
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

/* ---- reading ---- */

static int index_of(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

static void make_text(struct stm_metric *m, const char *name, const struct stm_call *call)
{
    char number[STM_NUMBER_TEXT];
    if (m->op >= 0) {
        stm_number_text(number, m->bound);
        snprintf(m->text, sizeof m->text, "%s(%s, %s %s %s)", name, call->arg, call->field,
                 stm_op_names[m->op], number);
    } else if (call->arg[0]) {
        snprintf(m->text, sizeof m->text, "%s(%s)", name, call->arg);
    } else {
        snprintf(m->text, sizeof m->text, "%s", name);
    }
}

static int read_argument(struct stm_metric *m, const struct stm_metric_sig *sig,
                         const struct stm_call *call, struct stm_err *err)
{
    if (sig->arg == STM_A_NONE) {
        m->set = stm_metrics[m->index]->set;
        if (call->arg[0])
            return stm_fail(err, STM_E_INVALID, "`%s` takes nothing in parentheses", sig->name);
    } else if (sig->arg == STM_A_GROUP) {
        snprintf(m->group, sizeof m->group, "%s", call->arg);
        if (!stm_group_mask(-1, call->arg, NULL))
            return stm_fail(err, STM_E_INVALID, "%s(%s): no model has such a group", sig->name,
                            call->arg);
    } else {
        m->set = index_of(stm_set_names, call->arg);
        if (m->set < 0)
            return stm_fail(err, STM_E_INVALID, "%s(%s): a set is train, test or all", sig->name,
                            call->arg);
    }
    if ((sig->arg == STM_A_SET_COND) != (call->op >= 0))
        return stm_fail(err, STM_E_INVALID, "`%s` %s condition like p_correct >= 0.5", sig->name,
                        sig->arg == STM_A_SET_COND ? "needs a" : "takes no");
    if (call->op < 0) return 0;
    m->field = index_of(stm_engine_vocab()->fields, call->field);
    m->op = call->op;
    m->bound = call->bound + 0.0;
    if (m->field < 0)
        return stm_fail(err, STM_E_INVALID, "`%s` is not a field; there is p_correct, margin",
                        call->field);
    return 0;
}

int stm_metric_parse(struct stm_metric *out, const char *text, struct stm_err *err)
{
    const struct stm_vocab *v = stm_engine_vocab();
    struct stm_call call;
    *out = (struct stm_metric){.set = -1, .field = -1, .op = -1};
    if (!stm_call_parse(&call, text))
        return stm_fail(err, STM_E_INVALID, "`%s` is not a metric like acc(test)", text);
    for (size_t i = 0; i < v->n_metrics; i++) {
        if (strcmp(v->metrics[i]->name, call.name) != 0) continue;
        out->index = (unsigned)i;
        int rc = read_argument(out, v->metrics[i], &call, err);
        if (!rc) make_text(out, call.name, &call);
        return rc;
    }
    return stm_fail(err, STM_E_INVALID, "there is no metric `%s`", call.name);
}

bool stm_metric_reads_update(const struct stm_metric *m)
{
    return stm_metrics[m->index]->reads_update;
}

/* ---- measuring ---- */

static bool meets(double x, int op, double bound)
{
    switch (op) {
    case STM_OP_GE: return x >= bound;
    case STM_OP_LE: return x <= bound;
    case STM_OP_GT: return x > bound;
    default: return x < bound;
    }
}

/* Mean over the set of the field, or of whether it meets the condition; training pairs first, each
 * part ascending. NaN for an empty set. */
static double over_set(const struct stm_trainer *t, const struct stm_metric *m, int field)
{
    size_t from = m->set == STM_SET_TEST ? t->test_from : 0;
    size_t to = m->set == STM_SET_TRAIN ? t->train : t->net.task.pairs;
    const double *x = t->field[field];
    double sum = 0;
    for (size_t i = from; i < to; i++) sum += m->op >= 0 ? meets(x[i], m->op, m->bound) : x[i];
    return sum / (double)(to - from);
}

/* The per-pair field that a metric is a mean or a count of; -1: none. */
static int field_of(const struct stm_metric *m)
{
    return m->field >= 0 ? m->field : stm_metrics[m->index]->field;
}

void stm_trainer_measure(struct stm_trainer *t, const struct stm_metric *const *m, size_t n,
                         double *out)
{
    bool train = false, test = false, all = false;
    uint32_t fields = 0;
    for (size_t i = 0; i < n; i++) {
        if (m[i]->set < 0) continue;
        train |= m[i]->set != STM_SET_TEST;
        test |= m[i]->set != STM_SET_TRAIN;
        all |= m[i]->set == STM_SET_ALL;
        fields |= 1u << field_of(m[i]);
    }
    stm_evaluate(t, fields, train, all, test);
    for (size_t i = 0; i < n; i++) {
        const struct stm_metric_type *type = stm_metrics[m[i]->index];
        int field = field_of(m[i]);
        if (field >= 0) {
            out[i] = over_set(t, m[i], field);
        } else {
            uint32_t mask = stm_group_mask(t->set.part[STM_PART_MODEL], m[i]->group, NULL);
            out[i] = mask ? type->value(t, m[i], mask) : NAN;
        }
    }
}
