#include "engine/evaluate.h"

#include <math.h>
#include <string.h>

#include "engine/kernels.h"

#define STM_REAL_BITS 32
#include "engine/real.h"
#define SQRT(x) sqrtf(x)
#include "engine/evaluate_impl.h"
#undef SQRT
#undef STM_REAL_BITS
#define STM_REAL_BITS 64
#include "engine/real.h"
#define SQRT(x) sqrt(x)
#include "engine/evaluate_impl.h"

/* Pairs [from, to) of t->pairs. */
static void evaluate_range(struct stm_trainer *t, size_t from, size_t to)
{
    static void (*const fields[STM_PRECISIONS])(struct stm_trainer *, size_t) = {fields_f32,
                                                                                 fields_f64};
    const struct stm_model_ops *ops = &t->model->ops[t->prec];
    const double scale = t->set.knob[STM_KNOB_OUTPUT_SCALE] / t->set.knob[STM_KNOB_TEMPERATURE];
    for (size_t at = from; at < to; at += STM_TILE) {
        t->tile.T = to - at < STM_TILE ? to - at : STM_TILE;
        t->tile.label = t->label + at;
        ops->forward(&t->net, t->pairs + at, t->tile.T, scale, t->tile.logits, false);
        fields[t->prec](t, at);
        t->loss->value[t->prec](&t->tile, t->field[STM_FIELD_LOSS] + at);
    }
}

void stm_evaluate(struct stm_trainer *t, bool train, bool test)
{
    if (!train && !test) return;
    t->model->ops[t->prec].begin(&t->net, false);
    if (train) evaluate_range(t, 0, t->net.task.train);
    if (test) evaluate_range(t, t->net.task.train, t->net.task.pairs);
}
