#include "source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/batch.h"
#include "stemma/engine.h"

/* ---- the engine ---- */

static void words(uint64_t seed, enum stm_stream stream, uint32_t sub, uint32_t *x, size_t n)
{
    struct stm_rand r = stm_rand_at(seed, stream, sub);
    for (size_t i = 0; i < n; i++) x[i] = stm_rand_u32(&r);
}

static struct stm_trainer *batch_trainer(void)
{
    static struct stm_trainer *t;
    struct stm_err err = {0};
    struct stm_settings *s;
    if (t) return t;
    if (stm_engine_open(NULL, NULL, &err) ||
        stm_settings_parse(&s,
                           "task = modular_add\ntask.p = 23\ntask.train = 0.4\n"
                           "model = embed_mlp\nmodel.embed = 1\nmodel.hidden = 1\n"
                           "optimizer = adamw\nlr = 0.001\nbatch = 64\n",
                           &err) ||
        stm_trainer_new(&t, s, &err)) {
        fprintf(stderr, "the engine: %s\n", err.msg);
        exit(2);
    }
    stm_settings_free(s);
    return t;
}

static void batch(uint64_t seed, uint64_t step, unsigned char *drawn)
{
    struct stm_trainer *t = batch_trainer();
    t->seed = seed;
    t->step = step;
    stm_batch_draw(t);
    memcpy(drawn, t->drawn, BATCH_PAIRS);
}

const struct source source_engine = {"engine", NULL, words, stm_rand_normals, stm_rand_permutation,
                                     batch};

/* ---- faults ---- */

/* Every stream is `init`. */
static void words_one_key(uint64_t seed, enum stm_stream stream, uint32_t sub, uint32_t *x,
                          size_t n)
{
    (void)stream;
    words(seed, STM_STREAM_INIT, sub, x, n);
}

/* A seed's stream is the one before it without its first block. */
static void words_shifted(uint64_t seed, enum stm_stream stream, uint32_t sub, uint32_t *x,
                          size_t n)
{
    struct stm_rand r = stm_rand_at(0, stream, sub);
    r.block = seed;
    for (size_t i = 0; i < n; i++) x[i] = stm_rand_u32(&r);
}

/* The tensors share one sub-stream. */
static void normals_one_sub(uint64_t seed, enum stm_stream stream, uint32_t sub, double *x,
                            size_t n)
{
    (void)sub;
    stm_rand_normals(seed, stream, 0, x, n);
}

static void normals_wide(uint64_t seed, enum stm_stream stream, uint32_t sub, double *x, size_t n)
{
    stm_rand_normals(seed, stream, sub, x, n);
    for (size_t i = 0; i < n; i++) x[i] *= 1.005;
}

/* Sums of 12 uniform numbers: the moments up to the third are right, the tails are short. */
static void normals_of_sums(uint64_t seed, enum stm_stream stream, uint32_t sub, double *x,
                            size_t n)
{
    struct stm_rand r = stm_rand_at(seed, stream, sub);
    for (size_t i = 0; i < n; i++) {
        x[i] = -6;
        for (int k = 0; k < 12; k++) x[i] += (stm_rand_u32(&r) + 0.5) * 0x1p-32;
    }
}

/* Box-Muller from one uniform number: the radius knows the angle. */
static void normals_of_one(uint64_t seed, enum stm_stream stream, uint32_t sub, double *x, size_t n)
{
    struct stm_rand r = stm_rand_at(seed, stream, sub);
    for (size_t i = 0; i + 1 < n; i += 2) {
        double u = stm_rand_uniform(&r), v = u * 16, s, c;
        stm_sincos_turn(v - floor(v), &s, &c);
        x[i] = sqrt(-2 * stm_log(u)) * c;
        x[i + 1] = sqrt(-2 * stm_log(u)) * s;
    }
}

/* A row is a little like the one before. */
static void normals_by_rows(uint64_t seed, enum stm_stream stream, uint32_t sub, double *x,
                            size_t n)
{
    stm_rand_normals(seed, stream, sub, x, n);
    for (size_t i = n - 1; i >= HIDDEN; i--)
        x[i] = sqrt(1 - 0.02 * 0.02) * x[i] + 0.02 * x[i - HIDDEN];
}

/* The well-known mistake: every place is exchanged with any other. */
static void shuffle_any(uint64_t seed, enum stm_stream stream, uint32_t sub, uint32_t *order,
                        uint32_t n)
{
    struct stm_rand r = stm_rand_at(seed, stream, sub);
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = stm_rand_below(&r, n), t = order[i - 1];
        order[i - 1] = order[j];
        order[j] = t;
    }
}

/* One too few to choose from (Sattolo): a single cycle. */
static void shuffle_cycle(uint64_t seed, enum stm_stream stream, uint32_t sub, uint32_t *order,
                          uint32_t n)
{
    struct stm_rand r = stm_rand_at(seed, stream, sub);
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = stm_rand_below(&r, i - 1), t = order[i - 1];
        order[i - 1] = order[j];
        order[j] = t;
    }
}

/* Whole numbers from 15 bits: some come up oftener. */
static void shuffle_coarse(uint64_t seed, enum stm_stream stream, uint32_t sub, uint32_t *order,
                           uint32_t n)
{
    struct stm_rand r = stm_rand_at(seed, stream, sub);
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = (stm_rand_u32(&r) >> 17) % i, t = order[i - 1];
        order[i - 1] = order[j];
        order[j] = t;
    }
}

/* Two seeds in a row have one split. */
static void shuffle_pairwise(uint64_t seed, enum stm_stream stream, uint32_t sub, uint32_t *order,
                             uint32_t n)
{
    stm_rand_permutation(seed / 2, stream, sub, order, n);
}

/* The order in which the first tensor's numbers sort: a split that depends on the state. */
static const double *sort_key;
static int by_key(const void *a, const void *b)
{
    double x = sort_key[*(const uint32_t *)a], y = sort_key[*(const uint32_t *)b];
    return (x > y) - (x < y);
}

static void shuffle_by_init(uint64_t seed, enum stm_stream stream, uint32_t sub, uint32_t *order,
                            uint32_t n)
{
    static double key[PAIRS];
    (void)stream;
    stm_rand_normals(seed, STM_STREAM_INIT, sub, key, n);
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    sort_key = key;
    qsort(order, n, sizeof *order, by_key);
}

static void batch_twice(uint64_t seed, uint64_t step, unsigned char *drawn)
{
    batch(seed, step / 2, drawn);
}

/* The first pair is left out of every other batch. */
static void batch_late(uint64_t seed, uint64_t step, unsigned char *drawn)
{
    batch(seed, step, drawn);
    if (step % 2 || !drawn[0]) return;
    for (size_t i = 1; i < BATCH_PAIRS; i++)
        if (!drawn[i]) {
            drawn[i] = 1;
            drawn[0] = 0;
            return;
        }
}

#define FAULT(name, found_by, words, normals, permutation, batch)                                  \
    {                                                                                              \
        name, found_by, words, normals, permutation, batch                                         \
    }
const struct source source_faults[] = {
    FAULT("one key for all streams", "words: streams of a seed", words_one_key, stm_rand_normals,
          stm_rand_permutation, batch),
    FAULT("seeds that overlap", "words: repeated blocks", words_shifted, stm_rand_normals,
          stm_rand_permutation, batch),
    FAULT("one sub-stream for all tensors", "normals: tensors of a seed", words, normals_one_sub,
          stm_rand_permutation, batch),
    FAULT("normals 0.5 % too wide", "normals: moment 2", words, normals_wide, stm_rand_permutation,
          batch),
    FAULT("normals from sums of 12", "normals: moment 4", words, normals_of_sums,
          stm_rand_permutation, batch),
    FAULT("normals from one uniform", "normals: pairs", words, normals_of_one, stm_rand_permutation,
          batch),
    FAULT("rows that correlate", "normals: neighbouring rows", words, normals_by_rows,
          stm_rand_permutation, batch),
    FAULT("a shuffle with any place", "order: places and values", words, stm_rand_normals,
          shuffle_any, batch),
    FAULT("a shuffle of one cycle", "order: cycles", words, stm_rand_normals, shuffle_cycle, batch),
    FAULT("a shuffle from 15 bits", "order: rank correlation with the place", words,
          stm_rand_normals, shuffle_coarse, batch),
    FAULT("seeds that share a split", "order: overlap with the next seed", words, stm_rand_normals,
          shuffle_pairwise, batch),
    FAULT("a split sorted by the weights", "init and split: E", words, stm_rand_normals,
          shuffle_by_init, batch),
    FAULT("a batch for two steps", "batch: overlap with the next step", words, stm_rand_normals,
          stm_rand_permutation, batch_twice),
    FAULT("batches without the first pair", "batch: pairs", words, stm_rand_normals,
          stm_rand_permutation, batch_late),
};
const size_t source_n_faults = sizeof source_faults / sizeof *source_faults;
