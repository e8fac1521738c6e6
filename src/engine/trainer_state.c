#include "engine/trainer_state.h"

#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "engine/call.h"
#include "engine/first.h"
#include "engine/fit.h"
#include "engine/norm.h"

static enum stm_dtype dtype_of(const struct stm_trainer *t)
{
    return t->prec == STM_PREC_F64 ? STM_F64 : STM_F32;
}

/* One of the tensors that a parameter has in the state. */
static int add(struct stm_trainer *t, const char *prefix, const struct stm_tensor_spec *spec,
               const void *data, struct stm_err *err)
{
    struct stm_buf name = {0};
    stm_buf_printf(&name, "%s.%s", prefix, spec->name);
    int rc = name.failed ? stm_fail(err, STM_E_NOMEM, "no memory for a trainer")
                         : stm_state_add(&t->state, stm_buf_text(&name), dtype_of(t), spec->ndim,
                                         spec->shape, data, err);
    stm_buf_release(&name);
    return rc;
}

static int add_parameter(struct stm_trainer *t, size_t k, struct stm_err *err)
{
    const struct stm_tensor_spec *spec = &t->net.spec[k];
    if (!spec->n) return 0;
    int rc = add(t, "param", spec, t->net.param[k], err);
    for (unsigned m = 0; !rc && m < t->optimizer->n_moments; m++)
        rc = add(t, t->optimizer->moments[m], spec, t->slot[k].moment[m], err);
    if (!rc && t->buffer[k]) rc = add(t, t->transform->buffer, spec, t->buffer[k], err);
    return rc;
}

static int add_scalar(struct stm_trainer *t, const char *name, enum stm_dtype dtype,
                      const void *data, struct stm_err *err)
{
    return stm_state_add(&t->state, name, dtype, 0, NULL, data, err);
}

int stm_trainer_show(struct stm_trainer *t, struct stm_err *err)
{
    int rc = 0;
    for (size_t k = 0; !rc && k < t->net.n_tensors; k++) rc = add_parameter(t, k, err);
    for (unsigned i = 0; !rc && i < t->optimizer->n_scalars; i++)
        rc = add_scalar(t, t->optimizer->scalars[i], STM_F64, &t->scalar[i], err);
    if (!rc && t->temperature_held)
        rc = add_scalar(t, "temperature", STM_F64, &t->temperature, err);
    if (!rc) rc = add_scalar(t, "step", STM_U64, &t->step, err);
    if (!rc) rc = add_scalar(t, "seed", STM_U64, &t->seed, err);
    if (rc) return rc;
    return stm_state_add(&t->state, "data.order", STM_U32, 1, &t->net.task.pairs, t->order, err);
}

void stm_trainer_view(const struct stm_trainer *t, struct stm_state *out)
{
    *out = t->state;
    out->owned = NULL;
}

/* The NaN that x86 makes of 0 / 0: quiet, its sign bit set, no payload. */
static const uint32_t nan_f32 = 0xffc00000;
static const uint64_t nan_f64 = 0xfff8000000000000;

void stm_trainer_one_nan(struct stm_trainer *t)
{
    struct stm_state s;
    stm_trainer_view(t, &s);
    for (size_t i = 0; i < s.n; i++) {
        char *x = (char *)(uintptr_t)s.t[i].data;
        const size_t n = s.t[i].bytes / stm_dtype_size(s.t[i].dtype);
        for (size_t k = 0; s.t[i].dtype == STM_F32 && k < n; k++)
            if (isnan(((const float *)s.t[i].data)[k])) memcpy(x + 4 * k, &nan_f32, 4);
        for (size_t k = 0; s.t[i].dtype == STM_F64 && k < n; k++)
            if (isnan(((const double *)s.t[i].data)[k])) memcpy(x + 8 * k, &nan_f64, 8);
    }
}

/* ---- taking over ---- */

static bool same_shape(const struct stm_tensor *a, const struct stm_tensor *b)
{
    if (a->ndim != b->ndim) return false;
    for (unsigned i = 0; i < a->ndim; i++)
        if (a->shape[i] != b->shape[i]) return false;
    return true;
}

/* What a setting of an arm brings into the state or takes out of it: a state without it is taken
 * over, and it starts as in a fresh state; one that has it where the settings do not loses it. */
static bool is_optional(const struct stm_tensor *x)
{
    return !strncmp(x->name, "grad.", 5) || !strcmp(x->name, "temperature");
}

/* What a fresh state has in the place of `to`. */
static void start_optional(struct stm_trainer *t, const struct stm_tensor *to)
{
    if (to->data == &t->temperature)
        t->temperature = t->set.knob[STM_KNOB_TEMPERATURE];
    else
        memset((void *)(uintptr_t)to->data, 0, to->bytes);
}

static bool is_real(const struct stm_tensor *x)
{
    return x->ndim > 0 && (x->dtype == STM_F32 || x->dtype == STM_F64);
}

/* to[n] from the other precision: exact to float64, rounded to nearest to float32. */
static void convert(const struct stm_tensor *from, const struct stm_tensor *to)
{
    void *out = (void *)(uintptr_t)to->data;
    size_t n = to->bytes / stm_dtype_size(to->dtype);
    if (to->dtype == STM_F64)
        for (size_t i = 0; i < n; i++) ((double *)out)[i] = ((const float *)from->data)[i];
    else
        for (size_t i = 0; i < n; i++) ((float *)out)[i] = (float)((const double *)from->data)[i];
}

static int check_tensors(const struct stm_state *want, const struct stm_state *s,
                         struct stm_err *err)
{
    for (size_t i = 0; i < want->n; i++) {
        const struct stm_tensor *w = &want->t[i], *has = stm_state_find(s, w->name);
        if (!has && is_optional(w)) continue;
        if (!has) return stm_fail(err, STM_E_INVALID, "the state has no tensor `%s`", w->name);
        if (has->dtype != w->dtype && !(is_real(has) && is_real(w)))
            return stm_fail(err, STM_E_INVALID,
                            "tensor `%s` of the state is %s, the settings need %s", w->name,
                            stm_dtype_name(has->dtype), stm_dtype_name(w->dtype));
        if (!same_shape(has, w))
            return stm_fail(err, STM_E_INVALID,
                            "tensor `%s` of the state has another shape: %zu bytes, not %zu",
                            w->name, has->bytes, w->bytes);
    }
    for (size_t i = 0; i < s->n; i++)
        if (!stm_state_find(want, s->t[i].name) && !is_optional(&s->t[i]))
            return stm_fail(err, STM_E_INVALID, "the settings have no place for tensor `%s`",
                            s->t[i].name);
    return 0;
}

/* `mark` is scratch of n entries. */
static int check_permutation(const struct stm_tensor *order, uint32_t n, uint32_t *mark,
                             struct stm_err *err)
{
    const uint32_t *v = order->data;
    memset(mark, 0, n * sizeof *mark);
    for (uint32_t i = 0; i < n; i++)
        if (v[i] >= n || mark[v[i]]++)
            return stm_fail(err, STM_E_INVALID, "tensor `data.order` is not a permutation of %u",
                            n);
    return 0;
}

int stm_trainer_load(struct stm_trainer *t, const struct stm_state *s, struct stm_err *err)
{
    struct stm_state mine;
    stm_trainer_view(t, &mine);
    int rc = check_tensors(&mine, s, err);
    if (rc) return rc;
    rc = check_permutation(stm_state_find(s, "data.order"), t->net.task.pairs, t->label, err);
    if (!rc)
        for (size_t i = 0; i < mine.n; i++) {
            /* The view is of this trainer's own memory; a state may be a view of it too. */
            const struct stm_tensor *has = stm_state_find(s, mine.t[i].name);
            if (!has)
                start_optional(t, &mine.t[i]);
            else if (has->dtype == mine.t[i].dtype)
                memmove((void *)(uintptr_t)mine.t[i].data, has->data, has->bytes);
            else
                convert(has, &mine.t[i]);
        }
    stm_trainer_split(t);
    if (rc) return rc;
    t->tracked = false;
    t->check = 0;
    return 0;
}

/* ---- one-shot edits ---- */

/* x[n] = value or x[n] += value. */
static void fill(const struct stm_trainer *t, void *x, size_t n, enum stm_edit_op op, double value)
{
    for (size_t i = 0; i < n; i++) {
        if (t->prec == STM_PREC_F64) {
            double *v = (double *)x + i;
            *v = op == STM_EDIT_SET ? value : *v + value;
        } else {
            float *v = (float *)x + i;
            *v = op == STM_EDIT_SET ? (float)value : *v + (float)value;
        }
    }
}

static void edit_group(struct stm_trainer *t, const bool *set, enum stm_edit_op op, double value)
{
    if (op == STM_EDIT_MUL) {
        stm_trainer_scale(t, set, value);
        return;
    }
    for (size_t k = 0; k < t->net.n_tensors; k++)
        if (set[k]) fill(t, t->net.param[k], t->net.spec[k].n, op, value);
}

static int edit_norm(struct stm_trainer *t, const bool *set, const char *target,
                     enum stm_edit_op op, double value, struct stm_err *err)
{
    double norm = sqrt(stm_trainer_squares(t, set));
    double want = op == STM_EDIT_SET ? value : op == STM_EDIT_MUL ? norm * value : norm + value;
    if (!(want >= 0) || !isfinite(want))
        return stm_fail(err, STM_E_INVALID, "%s cannot become %g", target, want);
    if (norm == 0 && want != 0)
        return stm_fail(err, STM_E_INVALID, "%s is 0: it has no direction to scale", target);
    if (norm != 0) stm_trainer_scale(t, set, want / norm);
    return 0;
}

/* Clears or scales every moment; the bias-correction products stay (docs/language.md). */
static int edit_moments(struct stm_trainer *t, enum stm_edit_op op, double value,
                        struct stm_err *err)
{
    if (op == STM_EDIT_ADD || value != 0)
        return stm_fail(err, STM_E_INVALID, "moments can only be set to 0");
    for (unsigned m = 0; m < t->optimizer->n_moments; m++)
        for (size_t k = 0; k < t->net.n_tensors; k++)
            memset(t->slot[k].moment[m], 0, t->net.spec[k].n * t->real);
    return 0;
}

int stm_trainer_edit_target(const struct stm_trainer *t, const char *target, const char **group,
                            bool *norm, struct stm_err *err)
{
    struct stm_call call;
    *group = NULL;
    *norm = false;
    if (!stm_call_parse(&call, target) || call.op >= 0)
        return stm_fail(err, STM_E_INVALID, "`%s` cannot be edited", target);
    if (stm_word_is(call.name, "moments") && !call.arg.n) return 0;
    *norm = stm_word_is(call.name, "norm") && call.arg.n;
    const struct stm_word name = *norm ? call.arg : call.name;
    *group = stm_group_find(&t->model->sig, name.p, name.n);
    if (!*group || (call.arg.n && !*norm))
        return stm_fail(err, STM_E_INVALID,
                        "`%s` cannot be edited; there is GROUP, norm(GROUP), moments", target);
    if (*norm && stm_group_is_bias(&t->model->sig, *group))
        return stm_fail(err, STM_E_INVALID, "the norm of a group of biases (`%s`) is not edited",
                        *group);
    return stm_trainer_present(t, *group, err);
}

int stm_trainer_edit(struct stm_trainer *t, const char *target, enum stm_edit_op op, double value,
                     struct stm_err *err)
{
    const char *group;
    bool norm;
    if (!isfinite(value))
        return stm_fail(err, STM_E_INVALID, "%s cannot be edited with %g", target, value);
    int rc = stm_trainer_edit_target(t, target, &group, &norm, err);
    if (rc) return rc;
    if (!group) return edit_moments(t, op, value, err);
    t->tracked = false;
    stm_trainer_group(t, group, t->asked);
    if (norm) return edit_norm(t, t->asked, target, op, value, err);
    edit_group(t, t->asked, op, value);
    return 0;
}
