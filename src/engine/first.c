#include "engine/first.h"

#include <math.h>
#include <string.h>

#include "engine/random.h"

void stm_trainer_split(struct stm_trainer *t)
{
    enum { TEST, TRAIN, LEFT_OUT };
    const struct stm_task_shape *task = &t->net.task;
    const struct stm_task_type *type = t->net.task_type;
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
static void init_tensor(struct stm_trainer *t, size_t k)
{
    const struct stm_tensor_spec *spec = &t->net.spec[k];
    double scale = spec->fan_in ? 1 / sqrt((double)spec->fan_in) : 0;
    if (!spec->fan_in) {
        memset(t->net.param[k], 0, spec->n * t->real);
        return;
    }
    stm_rand_normals(t->seed, STM_STREAM_INIT, (uint32_t)k, t->normal, spec->n);
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
    for (size_t k = 0; k < t->net.n_tensors; k++) {
        init_tensor(t, k);
        for (unsigned m = 0; m < t->optimizer->n_moments; m++)
            memset(t->slot[k].moment[m], 0, t->net.spec[k].n * t->real);
        if (t->buffer[k]) memset(t->buffer[k], 0, t->net.spec[k].n * t->real);
    }
    for (unsigned i = 0; i < t->optimizer->n_scalars; i++)
        t->scalar[i] = t->optimizer->scalar_start;
    stm_rand_permutation(seed, STM_STREAM_SPLIT, 0, t->order, t->net.task.pairs);
    stm_trainer_split(t);
}
