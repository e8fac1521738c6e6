/* A trainer: its memory, its first state, one update. */
#include "engine/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "engine/batch.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/products.h"
#include "engine/logits.h"
#include "engine/random.h"

bool stm_trainer_plain;

/* ---- memory ---- */

void *stm_carve_take(struct stm_carve *c, size_t bytes)
{
    void *p = c->base ? c->base + c->used : NULL;
    c->used += (bytes + 63) & ~(size_t)63;
    return p;
}

/* Cuts every array of the trainer; with c->base NULL it only counts. */
static void carve(struct stm_trainer *t, struct stm_carve *c)
{
    struct stm_net *net = &t->net;
    const size_t N = net->task.pairs;
    size_t largest = 0;
    for (unsigned k = 0; k < net->n_tensors; k++) {
        size_t n = net->spec[k].n, bytes = n * t->real;
        net->param[k] = stm_carve_take(c, bytes);
        net->grad[k] = stm_carve_take(c, bytes);
        t->before[k] = stm_carve_take(c, bytes);
        for (unsigned m = 0; m < t->optimizer->n_moments; m++)
            t->moment[m][k] = stm_carve_take(c, bytes);
        if (t->transform && t->transform->buffer) t->buffer[k] = stm_carve_take(c, bytes);
        if (n > largest) largest = n;
    }
    t->normal = stm_carve_take(c, largest * sizeof(double));
    t->order = stm_carve_take(c, N * sizeof(uint32_t));
    t->pairs = stm_carve_take(c, N * sizeof(uint32_t));
    t->label = stm_carve_take(c, N * sizeof(uint32_t));
    stm_batch_carve(t, c);
    stm_logits_carve(t, c);
    for (int f = 0; f < STM_FIELDS; f++) t->field[f] = stm_carve_take(c, N * sizeof(double));
    t->ops->carve(net, c);
}

static uint32_t mask_of(const struct stm_trainer *t, const char *group)
{
    return stm_group_mask(t->set.part[STM_PART_MODEL], group, NULL);
}

/* The learning rate of each tensor: a part's own goes before that of weights or biases, and that
 * before the optimizer's. */
static void bind_rates(struct stm_trainer *t)
{
    const struct stm_settings *s = &t->set;
    const struct stm_sig *sig = stm_settings_part(s, STM_PART_OPTIMIZER);
    while (strcmp(sig->params[t->lr_arg].name, stm_knob_alias[STM_KNOB_LR]) != 0) t->lr_arg++;
    for (unsigned k = 0; k < t->net.n_tensors; k++)
        t->lr[k] = s->arg[STM_PART_OPTIMIZER][t->lr_arg];
    for (int composite = 1; composite >= 0; composite--)
        for (int knob = 0; knob < STM_KNOBS; knob++) {
            const char *name = stm_knob_lr_group(knob);
            const struct stm_group *group;
            if (!name || isnan(s->knob[knob])) continue;
            uint32_t mask = stm_group_mask(s->part[STM_PART_MODEL], name, &group);
            if (group->composite != composite) continue;
            for (unsigned k = 0; k < t->net.n_tensors; k++)
                if (mask >> k & 1) t->lr[k] = s->knob[knob];
        }
}

/* The model takes what the task gives, and the task's arguments go together. */
static int fit_task(const struct stm_settings *s, struct stm_blame *blame, struct stm_err *err)
{
    const struct stm_task_type *task = stm_tasks[s->part[STM_PART_TASK]];
    const struct stm_sig *gives = stm_settings_part(s, STM_PART_TASK),
                         *takes = stm_settings_part(s, STM_PART_MODEL);
    char key[32];
    unsigned at = 0;
    if (!(gives->inputs & takes->inputs)) {
        stm_blame_put(blame, "task", "model", NULL);
        return stm_fail(err, STM_E_INVALID, "the model `%s` does not take the examples of `%s`",
                        takes->name, gives->name);
    }
    int rc = task->check ? task->check(s->arg[STM_PART_TASK], &at, err) : 0;
    if (!rc) return 0;
    snprintf(key, sizeof key, "task.%s", gives->params[at].name);
    stm_blame_put(blame, key, NULL);
    return rc;
}

/* The sizes of the sets and of a batch. */
static int fit_data(struct stm_trainer *t, struct stm_blame *blame, struct stm_err *err)
{
    const struct stm_settings *s = &t->set;
    const struct stm_task_type *task = stm_tasks[s->part[STM_PART_TASK]];
    int rc = fit_task(s, blame, err);
    if (rc) return rc;
    task->shape(s->arg[STM_PART_TASK], &t->net.task);
    t->net.task_type = task;
    t->net.task_arg = s->arg[STM_PART_TASK];
    const char *what = t->net.task.inputs ? "point" : "pair";
    double keep = s->knob[STM_KNOB_DATA_TRAIN], batch = s->knob[STM_KNOB_BATCH];
    t->test_from = t->net.task.train;
    t->train = isnan(keep) ? t->test_from : (uint32_t)(keep * t->test_from);
    if (t->train == 0) {
        stm_blame_put(blame, "task.train", "data.train", NULL);
        return stm_fail(err, STM_E_INVALID, "the training fraction leaves no training %s of %u",
                        what, t->net.task.pairs);
    }
    if (batch > t->train) {
        stm_blame_put(blame, "task.train", "data.train", "batch", NULL);
        return stm_fail(err, STM_E_INVALID, "batch = %g is more than the %u training %ss", batch,
                        t->train, what);
    }
    t->batch = batch < 0 ? t->train : (uint32_t)batch;
    return 0;
}

int stm_trainer_present(const struct stm_trainer *t, const char *group, struct stm_err *err)
{
    uint32_t mask = mask_of(t, group);
    for (unsigned k = 0; k < t->net.n_tensors; k++)
        if ((mask >> k & 1) && t->net.spec[k].n) return 0;
    return stm_fail(err, STM_E_INVALID, "the model has no group `%s` with these arguments", group);
}

/* What is frozen, held or has a rate of its own must be there. */
static int fit_groups(const struct stm_trainer *t, struct stm_blame *blame, struct stm_err *err)
{
    const struct stm_settings *s = &t->set;
    const char *key = "";
    int rc = 0;
    for (size_t i = 0; i < s->n_freezes && !rc; i++)
        rc = stm_trainer_present(t, key = s->freeze[i], err);
    for (size_t i = 0; i < s->n_holds && !rc; i++)
        for (size_t g = 0; g < s->hold[i].n_groups && !rc; g++)
            rc = stm_trainer_present(t, s->hold[i].group[g], err), key = s->hold[i].quantity;
    for (int k = 0; k < STM_KNOBS && !rc; k++)
        if (stm_knob_lr_group(k) && !isnan(s->knob[k]))
            rc = stm_trainer_present(t, stm_knob_lr_group(k), err),
            key = stm_engine_vocab()->knobs[k].name;
    if (rc) stm_blame_put(blame, key, NULL);
    return rc;
}

int stm_trainer_fit(struct stm_trainer *t, struct stm_blame *blame, struct stm_err *err)
{
    const struct stm_settings *s = &t->set;
    int rc = stm_settings_complete(s, blame, err);
    if (!rc) rc = fit_data(t, blame, err);
    if (rc) return rc;
    t->model = stm_models[s->part[STM_PART_MODEL]];
    t->net.arg = s->arg[STM_PART_MODEL];
    t->net.n_tensors = t->model->n_tensors;
    t->model->shape(t->net.arg, &t->net.task, t->net.spec);
    return fit_groups(t, blame, err);
}

/* Everything that follows from the settings alone. */
static int bind(struct stm_trainer *t, struct stm_err *err)
{
    const struct stm_settings *s = &t->set;
    int rc = stm_trainer_fit(t, NULL, err);
    if (rc) return rc;
    t->optimizer = stm_optimizers[s->part[STM_PART_OPTIMIZER]];
    t->loss = stm_losses[(size_t)s->knob[STM_KNOB_LOSS]];
    t->prec = (enum stm_precision)s->knob[STM_KNOB_PRECISION];
    t->real = t->prec == STM_PREC_F64 ? sizeof(double) : sizeof(float);
    t->ops = &t->model->ops[t->prec];
    t->per_tile = STM_TILE;
    if (t->model->panels[t->prec].carve && !stm_gemm_is_blas() && !stm_trainer_plain) {
        t->ops = &t->model->panels[t->prec];
        t->per_tile = t->model->panels_tile[t->prec];
    }
    t->loss_prec = isnan(s->knob[STM_KNOB_PRECISION_LOSS])
                       ? t->prec
                       : (enum stm_precision)s->knob[STM_KNOB_PRECISION_LOSS];
    t->logits = stm_logits_types[(size_t)s->knob[STM_KNOB_LOGITS]];
    t->transform = stm_grad_types[(size_t)s->knob[STM_KNOB_GRAD]];
    t->weights = mask_of(t, "weights");
    for (size_t i = 0; i < s->n_freezes; i++) t->frozen |= mask_of(t, s->freeze[i]);
    bind_rates(t);
    for (size_t i = 0; i < s->n_holds; i++)
        t->temperature_held |= stm_holds[s->hold[i].type]->temperature;
    return 0;
}

int stm_trainer_new(struct stm_trainer **out, const struct stm_settings *s, struct stm_err *err)
{
    struct stm_trainer *t = stm_calloc(1, sizeof *t);
    if (!t) return stm_fail(err, STM_E_NOMEM, "no memory for a trainer");
    t->set = *s;
    t->set.text = (struct stm_buf){0};
    int rc = bind(t, err);
    if (rc) goto out;
    struct stm_carve c = {0};
    carve(t, &c);
    t->block = stm_aligned_calloc(c.used);
    if (!t->block) {
        rc = stm_fail(err, STM_E_NOMEM, "no memory for a trainer of %zu bytes", c.used);
        goto out;
    }
    c = (struct stm_carve){.base = t->block};
    carve(t, &c);
    rc = stm_trainer_show(t, err);
    if (!rc) stm_trainer_init(t, 0);
out:
    if (rc)
        stm_trainer_free(t);
    else
        *out = t;
    return rc;
}

void stm_trainer_free(struct stm_trainer *t)
{
    if (!t) return;
    stm_state_release(&t->state);
    stm_free(t->block);
    stm_free(t);
}

/* ---- the first state ---- */

void stm_trainer_split(struct stm_trainer *t)
{
    enum { TEST, TRAIN, LEFT_OUT };
    const struct stm_task_shape *task = &t->net.task;
    const struct stm_task_type *type = stm_tasks[t->set.part[STM_PART_TASK]];
    const double *arg = t->set.arg[STM_PART_TASK];
    /* `label` serves as the marks of the pairs until it is filled. */
    memset(t->label, TEST, task->pairs * sizeof *t->label);
    for (uint32_t i = 0; i < task->train; i++)
        t->label[t->order[i]] = i < t->train ? TRAIN : LEFT_OUT;
    uint32_t next[] = {[TEST] = t->test_from, [TRAIN] = 0, [LEFT_OUT] = t->train};
    for (uint32_t i = 0; i < task->pairs; i++)
        t->pairs[next[t->label[i]]++] = type->pair ? type->pair(arg, i) : i;
    for (uint32_t i = 0; i < task->pairs; i++) t->label[i] = type->label(arg, t->pairs[i]);
}

/* N(0, 1) / sqrt(fan in), drawn in float64 from sub-stream k of `init`, then rounded. */
static void init_tensor(struct stm_trainer *t, unsigned k)
{
    const struct stm_tensor_spec *spec = &t->net.spec[k];
    double scale = spec->fan_in ? 1 / sqrt((double)spec->fan_in) : 0;
    if (!spec->fan_in) {
        memset(t->net.param[k], 0, spec->n * t->real);
        return;
    }
    stm_rand_normals(t->seed, STM_STREAM_INIT, k, t->normal, spec->n);
    for (size_t i = 0; i < spec->n; i++) {
        double x = t->normal[i] * scale * spec->init;
        if (t->prec == STM_PREC_F64)
            ((double *)t->net.param[k])[i] = x;
        else
            ((float *)t->net.param[k])[i] = (float)x;
    }
}

void stm_trainer_init(struct stm_trainer *t, uint64_t seed)
{
    t->seed = seed;
    t->step = 0;
    t->tracked = false;
    t->check = 0;
    t->temperature = t->set.knob[STM_KNOB_TEMPERATURE];
    for (unsigned k = 0; k < t->net.n_tensors; k++) {
        init_tensor(t, k);
        for (unsigned m = 0; m < t->optimizer->n_moments; m++)
            memset(t->moment[m][k], 0, t->net.spec[k].n * t->real);
        if (t->buffer[k]) memset(t->buffer[k], 0, t->net.spec[k].n * t->real);
    }
    for (unsigned i = 0; i < t->optimizer->n_scalars; i++)
        t->scalar[i] = t->optimizer->scalar_start;
    stm_rand_permutation(seed, STM_STREAM_SPLIT, 0, t->order, t->net.task.pairs);
    stm_trainer_split(t);
}

uint64_t stm_trainer_at(const struct stm_trainer *t) { return t->step; }

/* ---- norms ---- */

static double squares(const struct stm_trainer *t, const void *x, size_t n)
{
    return t->prec == STM_PREC_F64 ? stm_k_f64()->sum_squares(x, n)
                                   : stm_k_f32()->sum_squares(x, n);
}

static double squares_diff(const struct stm_trainer *t, const void *x, const void *y, size_t n)
{
    return t->prec == STM_PREC_F64 ? stm_k_f64()->sum_squares_diff(x, y, n)
                                   : stm_k_f32()->sum_squares_diff(x, y, n);
}

double stm_trainer_squares(const struct stm_trainer *t, uint32_t mask)
{
    double sum = 0;
    for (unsigned k = 0; k < t->net.n_tensors; k++)
        if (mask >> k & 1) sum += squares(t, t->net.param[k], t->net.spec[k].n);
    return sum;
}

void stm_trainer_scale(struct stm_trainer *t, uint32_t mask, double factor)
{
    for (unsigned k = 0; k < t->net.n_tensors; k++) {
        if (!(mask >> k & 1)) continue;
        if (t->prec == STM_PREC_F64)
            stm_k_f64()->scale(t->net.param[k], factor, t->net.spec[k].n);
        else
            stm_k_f32()->scale(t->net.param[k], (float)factor, t->net.spec[k].n);
    }
}

/* ---- one update ---- */

/* The mean loss over the pairs of this step, differentiated: fills net.grad. */
static void gradient(struct stm_trainer *t)
{
    const struct stm_model_ops *ops = t->ops;
    const size_t n = t->batch;
    const uint32_t *pairs = t->batch_pairs ? t->batch_pairs : t->pairs;
    const uint32_t *label = t->batch_label ? t->batch_label : t->label;
    const double factor = stm_logits_scale(t) / (double)n;
    double check = 0;
    stm_batch_draw(t);
    ops->begin(&t->net, true);
    for (size_t at = 0; at < n; at += t->per_tile) {
        size_t T = n - at < t->per_tile ? n - at : t->per_tile;
        stm_logits_forward(t, pairs + at, label + at, T, true);
        check += t->loss->grad[t->loss_prec](&t->tile, factor);
        stm_logits_backward(t);
        ops->backward(&t->net, pairs + at, T, t->net_logits);
    }
    ops->end(&t->net);
    t->check = check;
}

static void transform(struct stm_trainer *t, unsigned k)
{
    double arg[STM_GRAD_ARGS_MAX];
    for (unsigned i = 0; i < t->transform->n_args; i++) arg[i] = t->set.knob[t->transform->arg[i]];
    t->transform->apply[t->prec](arg, t->net.param[k], t->net.grad[k], t->buffer[k],
                                 t->net.spec[k].n);
}

static void update(struct stm_trainer *t)
{
    double arg[STM_ARGS_MAX];
    memcpy(arg, t->set.arg[STM_PART_OPTIMIZER], sizeof arg);
    t->optimizer->begin(arg, t->scalar);
    for (unsigned k = 0; k < t->net.n_tensors; k++) {
        if (t->frozen >> k & 1) continue;
        if (t->transform) transform(t, k);
        arg[t->lr_arg] = t->lr[k];
        struct stm_slot slot = {.param = t->net.param[k],
                                .grad = t->net.grad[k],
                                .n = t->net.spec[k].n,
                                .decay = t->net.spec[k].decay};
        for (unsigned m = 0; m < t->optimizer->n_moments; m++) slot.moment[m] = t->moment[m][k];
        t->optimizer->update[t->prec](arg, t->scalar, &slot);
    }
}

static void keep_before(struct stm_trainer *t)
{
    for (unsigned k = 0; k < t->net.n_tensors; k++)
        memcpy(t->before[k], t->net.param[k], t->net.spec[k].n * t->real);
}

static double element(const struct stm_trainer *t, const void *x, size_t i)
{
    return t->prec == STM_PREC_F64 ? ((const double *)x)[i] : (double)((const float *)x)[i];
}

/* <x - y, y>, in the lanes of the other sums over a tensor. */
static double update_along(const struct stm_trainer *t, const void *x, const void *y, size_t n)
{
    double lane[16] = {0};
    for (size_t i = 0; i < n; i++)
        lane[i % 16] += (element(t, x, i) - element(t, y, i)) * element(t, y, i);
    for (size_t w = 8; w; w /= 2)
        for (size_t l = 0; l < w; l++) lane[l] += lane[l + w];
    return lane[0];
}

static void compare_with_before(struct stm_trainer *t)
{
    for (unsigned k = 0; k < t->net.n_tensors; k++) {
        size_t n = t->net.spec[k].n;
        t->delta2[k] = squares_diff(t, t->net.param[k], t->before[k], n);
        t->before2[k] = squares(t, t->before[k], n);
        t->along[k] = update_along(t, t->net.param[k], t->before[k], n);
    }
}

void stm_trainer_step(struct stm_trainer *t, bool track)
{
    if (track) keep_before(t);
    gradient(t);
    update(t);
    if (track) compare_with_before(t);
    t->tracked = track;
    stm_trainer_apply_holds(t, NULL);
    t->step++;
}

bool stm_trainer_diverged(const struct stm_trainer *t)
{
    return !isfinite(t->check) || !isfinite(stm_trainer_squares(t, ~0u));
}
