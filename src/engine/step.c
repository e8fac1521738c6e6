/* One update, and what is enforced after it. */
#include <math.h>
#include <string.h>

#include "engine/batch.h"
#include "engine/logits.h"
#include "engine/norm.h"

/* ---- the update ---- */

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

static void transform(struct stm_trainer *t, size_t k)
{
    double arg[STM_GRAD_ARGS_MAX];
    for (unsigned i = 0; i < t->transform->n_args; i++) arg[i] = t->set.knob[t->transform->arg[i]];
    t->transform->apply[t->prec](arg, t->net.param[k], t->net.grad[k], t->buffer[k],
                                 t->net.spec[k].n);
}

static void update(struct stm_trainer *t)
{
    t->optimizer->begin(t->set.arg[STM_PART_OPTIMIZER], t->scalar);
    for (size_t k = 0; k < t->net.n_tensors; k++) {
        if (t->frozen[k]) continue;
        if (t->transform) transform(t, k);
        t->arg[t->lr_arg] = t->lr[k];
        t->optimizer->update[t->prec](t->arg, t->scalar, &t->slot[k]);
    }
}

static void keep_before(struct stm_trainer *t)
{
    for (size_t k = 0; k < t->net.n_tensors; k++)
        memcpy(t->before[k], t->net.param[k], t->net.spec[k].n * t->real);
}

static void compare_with_before(struct stm_trainer *t)
{
    for (size_t k = 0; k < t->net.n_tensors; k++) {
        const void *now = t->net.param[k], *before = t->before[k];
        size_t n = t->net.spec[k].n;
        t->delta2[k] = stm_norm_squares_diff(t, now, before, n);
        t->before2[k] = stm_norm_squares(t, before, n);
        t->along[k] = stm_norm_along(t, now, before, n);
    }
}

/* ---- holds ---- */

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
        for (size_t i = 0; i < t->set.n_holds; i++) {
            const struct stm_hold *h = &t->set.hold[i];
            if (stm_holds[h->type]->last == last && !is_among(but, h->quantity))
                stm_holds[h->type]->apply(t, h, t->held[i]);
        }
}

/* ---- a step ---- */

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

uint64_t stm_trainer_at(const struct stm_trainer *t) { return t->step; }

bool stm_trainer_diverged(const struct stm_trainer *t)
{
    return !isfinite(t->check) || !isfinite(stm_trainer_squares(t, NULL));
}
