/* Sparse parity (Barak et al. 2022, Hidden Progress in Deep Learning, arXiv:2207.08799): of x in
 * {-1, +1}^bits the sign of the product of the first `relevant` numbers.
 *
 * Points come from a universe of `samples`. Point i is the same in every replicate and every
 * protocol: bit j is bit j mod 32 of word j / 32 of the stream `data` with key 0 and sub-stream i;
 * 1 is -1. Points may repeat where there are few bits. Which of them are trained on is the seed's
 * permutation, as with pairs.
 */
#include "engine/lists.h"

#include "base/fail.h"
#include "engine/random.h"

enum { BITS, RELEVANT, SAMPLES, TRAIN };

static const struct stm_param params[] = {
    [BITS] = {.name = "bits", .kind = STM_K_INT, .min = 1, .max = 1024, .doc = "numbers of x"},
    [RELEVANT] = {.name = "relevant",
                  .kind = STM_K_INT,
                  .min = 1,
                  .max = 1024,
                  .doc = "how many of them, the first ones, are multiplied"},
    [SAMPLES] = {.name = "samples",
                 .kind = STM_K_INT,
                 .min = 2,
                 .max = 1 << 20,
                 .doc = "n, points of the universe, training and test"},
    [TRAIN] = {.name = "train",
               .kind = STM_K_NUM,
               .min = 0,
               .max = 1,
               .open_min = true,
               .doc = "fraction of the n points in the training set: the first int(train*n)"},
};

static void shape(const double *arg, struct stm_task_shape *out)
{
    *out = (struct stm_task_shape){.inputs = (uint32_t)arg[BITS],
                                   .classes = 2,
                                   .pairs = (uint32_t)arg[SAMPLES],
                                   .train = (uint32_t)(arg[TRAIN] * arg[SAMPLES])};
}

static struct stm_rand bits_of(uint32_t point) { return stm_rand_at(0, STM_STREAM_DATA, point); }

static void input(const double *arg, uint32_t point, double *row)
{
    const uint32_t bits = (uint32_t)arg[BITS];
    struct stm_rand r = bits_of(point);
    uint32_t word = 0;
    for (uint32_t j = 0; j < bits; j++) {
        if (j % 32 == 0) word = stm_rand_u32(&r);
        row[j] = word >> j % 32 & 1 ? -1 : 1;
    }
}

/* 1 when the product is negative. */
static uint32_t label(const double *arg, uint32_t point)
{
    const uint32_t relevant = (uint32_t)arg[RELEVANT];
    struct stm_rand r = bits_of(point);
    uint32_t word = 0, odd = 0;
    for (uint32_t j = 0; j < relevant; j++) {
        if (j % 32 == 0) word = stm_rand_u32(&r);
        odd ^= word >> j % 32 & 1;
    }
    return odd;
}

static int check(const double *arg, unsigned *at, struct stm_err *err)
{
    *at = RELEVANT;
    if (arg[RELEVANT] <= arg[BITS]) return 0;
    return stm_fail(err, STM_E_INVALID, "sparse_parity has %g bits, not %g that are relevant",
                    arg[BITS], arg[RELEVANT]);
}

const struct stm_task_type stm_task_sparse_parity = {
    .sig = {.name = "sparse_parity",
            STM_PARAMS(params),
            .doc = "whether the product of the first few of +1 and -1 is negative, over sampled "
                   "points",
            .inputs = STM_IN_VECTOR},
    .shape = shape,
    .label = label,
    .input = input,
    .check = check};
