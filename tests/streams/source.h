/* Where the batteries take random numbers from: the engine's streams, or one of the planted faults
 * that they have to find. */
#ifndef STEMMA_TESTS_STREAMS_SOURCE_H
#define STEMMA_TESTS_STREAMS_SOURCE_H

#include <stddef.h>

#include "engine/random.h"

/* The sizes of the paper's model and task at p = 97. */
enum { P = 97, EMBED = 128, HIDDEN = 256, PAIRS = P * P, TRAIN = 3763, LARGEST = HIDDEN * HIDDEN };
/* A small task for minibatches. */
enum { BATCH_PAIRS = 211, BATCH = 64 };

struct source {
    const char *name;
    const char *found_by; /* a fault: the beginning of a result that must see it */
    void (*words)(uint64_t seed, enum stm_stream stream, uint32_t sub, uint32_t *x, size_t n);
    void (*normals)(uint64_t seed, enum stm_stream stream, uint32_t sub, double *x, size_t n);
    void (*permutation)(uint64_t seed, enum stm_stream stream, uint32_t sub, uint32_t *order,
                        uint32_t n);
    /* Marks the training pairs of a batch, by their place among BATCH_PAIRS. */
    void (*batch)(uint64_t seed, uint64_t step, unsigned char *drawn);
};

extern const struct source source_engine;
extern const struct source source_faults[];
extern const size_t source_n_faults;

#endif
