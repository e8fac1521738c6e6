/* Metrics: reading them, and their values on a trainer. */
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "engine/call.h"
#include "engine/evaluate.h"
#include "engine/fit.h"

/* ---- reading ---- */

static int index_of(const char *const *names, struct stm_word w)
{
    for (int i = 0; names[i]; i++)
        if (stm_word_is(w, names[i])) return i;
    return -1;
}

/* What stands in the parentheses. */
static int read_argument(struct stm_metric *m, const struct stm_metric_sig *sig, struct stm_word w,
                         struct stm_err *err)
{
    if (sig->arg == STM_A_NONE) {
        m->set = stm_metrics[m->index]->set;
        if (w.n)
            return stm_fail(err, STM_E_INVALID, "`%s` takes nothing in parentheses", sig->name);
    } else if (sig->arg == STM_A_GROUP) {
        m->group = stm_group_name(-1, w.p, w.n);
        if (!m->group)
            return stm_fail(err, STM_E_INVALID, "%s(%.*s): no model has such a group", sig->name,
                            STM_WORD_ARG(w));
    } else {
        m->set = index_of(stm_set_names, w);
        if (m->set < 0)
            return stm_fail(err, STM_E_INVALID, "%s(%.*s): a set is train, test or all", sig->name,
                            STM_WORD_ARG(w));
    }
    return 0;
}

static int read_condition(struct stm_metric *m, const struct stm_metric_sig *sig,
                          const struct stm_call *call, struct stm_err *err)
{
    const bool wanted = sig->arg == STM_A_SET_COND;
    if (wanted != (call->op >= 0))
        return stm_fail(err, STM_E_INVALID, "`%s` %s condition like p_correct >= 0.5", sig->name,
                        wanted ? "needs a" : "takes no");
    if (!wanted) return 0;
    m->field = index_of(stm_field_names, call->field);
    m->op = call->op;
    m->bound = call->bound;
    if (m->field < 0)
        return stm_fail(err, STM_E_INVALID, "`%.*s` is not a field; there is p_correct, margin",
                        STM_WORD_ARG(call->field));
    return 0;
}

int stm_metric_parse(struct stm_metric *out, const char *text, struct stm_err *err)
{
    struct stm_call call;
    *out = (struct stm_metric){.set = -1, .field = -1, .op = -1};
    if (!stm_call_parse(&call, text))
        return stm_fail(err, STM_E_INVALID, "`%s` is not a metric like acc(test)", text);
    for (unsigned i = 0; stm_metrics[i]; i++) {
        const struct stm_metric_sig *sig = &stm_metrics[i]->sig;
        if (!stm_word_is(call.name, sig->name)) continue;
        out->index = i;
        int rc = read_argument(out, sig, call.arg, err);
        return rc ? rc : read_condition(out, sig, &call, err);
    }
    return stm_fail(err, STM_E_INVALID, "there is no metric `%.*s`", STM_WORD_ARG(call.name));
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
            const char *group = m[i]->group;
            bool has = stm_group_find(&t->model->sig, group, strlen(group)) != NULL;
            if (has) stm_trainer_group(t, group, t->asked);
            out[i] = has ? type->value(t, t->asked) : NAN;
        }
    }
}
