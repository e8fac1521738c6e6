#include "engine/logits.h"

#include <string.h>

#include "engine/kernels/kernels.h"

static size_t loss_real(const struct stm_trainer *t)
{
    return t->loss_prec == STM_PREC_F64 ? sizeof(double) : sizeof(float);
}

void stm_logits_carve(struct stm_trainer *t, struct stm_carve *c)
{
    const size_t C = t->net.task.classes, real = loss_real(t);
    t->tile.C = C;
    t->tile.logits = stm_carve_take(c, C * STM_TILE * real);
    t->tile.exp = stm_carve_take(c, C * STM_TILE * real);
    t->tile.top = stm_carve_take(c, STM_TILE * real);
    t->tile.sum = stm_carve_take(c, STM_TILE * real);
    if (t->logits) {
        t->tile.seen = stm_carve_take(c, C * STM_TILE * real);
        t->tile.length = stm_carve_take(c, STM_TILE * real);
    }
    t->net_logits = t->tile.logits;
    if (t->loss_prec != t->prec) t->net_logits = stm_carve_take(c, C * STM_TILE * t->real);
}

double stm_logits_scale(const struct stm_trainer *t)
{
    return t->set.knob[STM_KNOB_OUTPUT_SCALE] / t->temperature;
}

/* to[n] of the other precision than from[n], rounded to nearest. */
static void convert(enum stm_precision to_prec, void *to, const void *from, size_t n)
{
    if (to_prec == STM_PREC_F64)
        for (size_t i = 0; i < n; i++) ((double *)to)[i] = ((const float *)from)[i];
    else
        for (size_t i = 0; i < n; i++) ((float *)to)[i] = (float)((const double *)from)[i];
}

void stm_logits_forward(struct stm_trainer *t, const uint32_t *pairs, const uint32_t *label,
                        size_t T, bool grad)
{
    struct stm_tile *tile = &t->tile;
    const size_t n = tile->C * T;
    tile->T = T;
    tile->label = label;
    t->ops->forward(&t->net, pairs, T, stm_logits_scale(t), t->net_logits, grad);
    if (t->loss_prec != t->prec) convert(t->loss_prec, tile->logits, t->net_logits, n);
    if (!t->logits) return;
    t->logits->apply[t->loss_prec](tile, t->set.knob[t->logits->arg]);
    if (grad) memcpy(tile->seen, tile->logits, n * loss_real(t));
}

void stm_logits_backward(struct stm_trainer *t)
{
    struct stm_tile *tile = &t->tile;
    if (t->logits) t->logits->back[t->loss_prec](tile, t->set.knob[t->logits->arg]);
    if (t->loss_prec != t->prec) convert(t->prec, t->net_logits, tile->logits, tile->C * tile->T);
}
