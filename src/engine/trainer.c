/* A trainer: what follows from its settings, and its memory. */
#include "engine/trainer.h"

#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "engine/batch.h"
#include "engine/fit.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/products.h"
#include "engine/logits.h"
#include "engine/trainer_state.h"

bool stm_trainer_plain;

/* ---- lists ---- */

/* A list of n zeros; *ok becomes false when memory is out. */
static void *list(struct stm_trainer *t, size_t n, size_t size, bool *ok)
{
    void *p = stm_arena_alloc(&t->arena, n * size);
    if (!p) *ok = false;
    return p;
}

static bool *set_of(struct stm_trainer *t, const char *group, bool *ok)
{
    bool *set = list(t, t->net.n_tensors, sizeof *set, ok);
    if (set && group) stm_trainer_group(t, group, set);
    return set;
}

/* The sets of the groups of a hold. */
static const bool *const *sets_of(struct stm_trainer *t, const struct stm_hold *h, bool *ok)
{
    const bool **set = list(t, h->n_groups, sizeof *set, ok);
    for (size_t g = 0; *ok && g < h->n_groups; g++) set[g] = set_of(t, h->group[g], ok);
    return set;
}

static bool make_sets(struct stm_trainer *t)
{
    const struct stm_settings *s = &t->set;
    size_t most = 0;
    bool ok = true;
    t->asked = set_of(t, NULL, &ok);
    t->weights = set_of(t, "weights", &ok);
    t->frozen = set_of(t, NULL, &ok);
    for (size_t i = 0; ok && i < s->n_freezes; i++)
        for (size_t k = 0; k < t->net.n_tensors; k++)
            t->frozen[k] |= stm_group_has(&t->model->sig, s->freeze[i], k);
    t->held = list(t, s->n_holds, sizeof *t->held, &ok);
    for (size_t i = 0; ok && i < s->n_holds; i++) {
        t->held[i] = sets_of(t, &s->hold[i], &ok);
        if (s->hold[i].n_groups > most) most = s->hold[i].n_groups;
    }
    t->square = list(t, most, sizeof *t->square, &ok);
    return ok;
}

static bool make_lists(struct stm_trainer *t)
{
    const size_t n = t->net.n_tensors, moments = t->optimizer->n_moments;
    bool ok = true;
    t->net.param = list(t, n, sizeof *t->net.param, &ok);
    t->net.grad = list(t, n, sizeof *t->net.grad, &ok);
    t->net.work = list(t, t->model->n_work, sizeof *t->net.work, &ok);
    t->slot = list(t, n, sizeof *t->slot, &ok);
    t->buffer = list(t, n, sizeof *t->buffer, &ok);
    t->before = list(t, n, sizeof *t->before, &ok);
    t->lr = list(t, n, sizeof *t->lr, &ok);
    t->delta2 = list(t, n, sizeof *t->delta2, &ok);
    t->before2 = list(t, n, sizeof *t->before2, &ok);
    t->along = list(t, n, sizeof *t->along, &ok);
    t->arg = list(t, t->optimizer->sig.n_params, sizeof *t->arg, &ok);
    t->scalar = list(t, t->optimizer->n_scalars, sizeof *t->scalar, &ok);
    for (size_t k = 0; ok && k < n; k++)
        t->slot[k].moment = list(t, moments, sizeof *t->slot[k].moment, &ok);
    return ok && make_sets(t);
}

/* ---- numbers ---- */

/* Cuts every array of the trainer; with c->base NULL it only counts. */
static void carve(struct stm_trainer *t, struct stm_carve *c)
{
    struct stm_net *net = &t->net;
    const size_t N = net->task.pairs;
    size_t largest = 0;
    for (size_t k = 0; k < net->n_tensors; k++) {
        struct stm_slot *slot = &t->slot[k];
        size_t n = net->spec[k].n, bytes = n * t->real;
        slot->n = n;
        slot->decay = net->spec[k].decay;
        slot->param = net->param[k] = stm_carve_take(c, bytes);
        slot->grad = net->grad[k] = stm_carve_take(c, bytes);
        t->before[k] = stm_carve_take(c, bytes);
        for (unsigned m = 0; m < t->optimizer->n_moments; m++)
            slot->moment[m] = stm_carve_take(c, bytes);
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

static int allocate(struct stm_trainer *t, struct stm_err *err)
{
    struct stm_carve c = {0};
    carve(t, &c);
    t->block = stm_aligned_calloc(c.used);
    if (!t->block)
        return stm_fail(err, STM_E_NOMEM, "no memory for a trainer of %zu bytes", c.used);
    c = (struct stm_carve){.base = t->block};
    carve(t, &c);
    return 0;
}

/* ---- what follows from the settings ---- */

/* The learning rate of a tensor: that of the smallest of its groups that has one, which all others
 * that have one hold (fit.c). */
static double rate_of(const struct stm_trainer *t, size_t k)
{
    const struct stm_settings *s = &t->set;
    const struct stm_model_sig *m = &t->model->sig;
    const struct stm_group_knob *best = NULL;
    for (size_t i = 0; i < s->n_group_knobs; i++) {
        const struct stm_group_knob *x = &s->group_knob[i];
        if (x->knob != STM_KNOB_LR_GROUP || !stm_group_has(m, x->group, k)) continue;
        if (!best || stm_group_within(m, x->group, best->group)) best = x;
    }
    return best ? best->value : s->arg[STM_PART_OPTIMIZER][t->lr_arg];
}

static void bind_rates(struct stm_trainer *t)
{
    const struct stm_sig *sig = &t->optimizer->sig;
    while (strcmp(sig->params[t->lr_arg].name, stm_knob_alias[STM_KNOB_LR]) != 0) t->lr_arg++;
    memcpy(t->arg, t->set.arg[STM_PART_OPTIMIZER], sig->n_params * sizeof *t->arg);
    for (size_t k = 0; k < t->net.n_tensors; k++) t->lr[k] = rate_of(t, k);
}

static void bind_precisions(struct stm_trainer *t)
{
    const double *knob = t->set.knob;
    t->prec = (enum stm_precision)knob[STM_KNOB_PRECISION];
    t->real = t->prec == STM_PREC_F64 ? sizeof(double) : sizeof(float);
    t->loss_prec = isnan(knob[STM_KNOB_PRECISION_LOSS])
                       ? t->prec
                       : (enum stm_precision)knob[STM_KNOB_PRECISION_LOSS];
    t->ops = &t->model->ops[t->prec];
    t->per_tile = STM_TILE;
    if (t->model->panels[t->prec].carve && !stm_gemm_is_blas() && !stm_trainer_plain) {
        t->ops = &t->model->panels[t->prec];
        t->per_tile = t->model->panels_tile[t->prec];
    }
}

static int bind(struct stm_trainer *t, struct stm_err *err)
{
    const struct stm_settings *s = &t->set;
    int rc = stm_trainer_fit(t, NULL, err);
    if (rc) return rc;
    t->optimizer = stm_optimizers[s->part[STM_PART_OPTIMIZER]];
    t->loss = stm_losses[(size_t)s->knob[STM_KNOB_LOSS]];
    t->logits = stm_logits_types[(size_t)s->knob[STM_KNOB_LOGITS]];
    t->transform = stm_grad_types[(size_t)s->knob[STM_KNOB_GRAD]];
    for (size_t i = 0; i < s->n_holds; i++)
        t->temperature_held |= stm_holds[s->hold[i].type]->temperature;
    bind_precisions(t);
    if (!make_lists(t)) return stm_fail(err, STM_E_NOMEM, "no memory for a trainer");
    bind_rates(t);
    return 0;
}

/* ---- life ---- */

int stm_trainer_new(struct stm_trainer **out, const struct stm_settings *s, struct stm_err *err)
{
    struct stm_trainer *t = stm_calloc(1, sizeof *t);
    if (!t) return stm_fail(err, STM_E_NOMEM, "no memory for a trainer");
    int rc = stm_settings_clone(&t->set, s, err);
    if (!rc) rc = bind(t, err);
    if (!rc) rc = allocate(t, err);
    if (!rc) rc = stm_trainer_show(t, err);
    if (rc) {
        stm_trainer_free(t);
        return rc;
    }
    stm_trainer_init(t, 0);
    *out = t;
    return 0;
}

void stm_trainer_free(struct stm_trainer *t)
{
    if (!t) return;
    stm_settings_end(&t->set);
    stm_state_release(&t->state);
    stm_arena_release(&t->arena);
    stm_free(t->block);
    stm_free(t);
}
