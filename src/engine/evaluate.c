#include "engine/evaluate.h"

#include <math.h>
#include <string.h>

#include "engine/kernels/kernels.h"
#include "engine/logits.h"

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
static void evaluate_range(struct stm_trainer *t, uint32_t mask, size_t from, size_t to)
{
    static void (*const fields[STM_PRECISIONS])(struct stm_trainer *, uint32_t,
                                                size_t) = {fields_f32, fields_f64};
    const struct stm_loss_type *loss = t->loss;
    const enum stm_precision prec = t->loss_prec;
    for (size_t at = from; at < to; at += t->per_tile) {
        size_t T = to - at < t->per_tile ? to - at : t->per_tile;
        stm_logits_forward(t, t->pairs + at, t->label + at, T, false);
        fields[prec](t, mask, at);
        if (mask & 1u << STM_FIELD_LOSS) loss->value[prec](&t->tile, t->field[STM_FIELD_LOSS] + at);
        if (loss->p_correct[prec] && (mask & 1u << STM_FIELD_P_CORRECT))
            loss->p_correct[prec](&t->tile, t->field[STM_FIELD_P_CORRECT] + at);
    }
}

void stm_evaluate(struct stm_trainer *t, uint32_t fields, bool train, bool left_out, bool test)
{
    if (!train && !left_out && !test) return;
    t->ops->begin(&t->net, false);
    if (train) evaluate_range(t, fields, 0, t->train);
    if (left_out) evaluate_range(t, fields, t->train, t->test_from);
    if (test) evaluate_range(t, fields, t->test_from, t->net.task.pairs);
}
