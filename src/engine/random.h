/* Random streams: Philox4x32-10 (Salmon et al. 2011), a counter-based generator.
 *
 * A value is a function of (seed, stream, sub, index) and nothing else: the key is the seed, the
 * counter holds the stream, a sub-stream (a tensor, a step) and the index of the 128-bit block. So
 * no stream depends on how much another one used, or on how many seeds run.
 */
#ifndef STEMMA_ENGINE_RANDOM_H
#define STEMMA_ENGINE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum stm_stream {
    STM_STREAM_INIT = 1,
    STM_STREAM_SPLIT = 2,
    STM_STREAM_BATCH = 3,
    STM_STREAM_PERTURB = 4,
    STM_STREAM_DATA = 5
};

/* One block of Philox4x32-10. */
void stm_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* A position in a stream. */
struct stm_rand {
    uint64_t seed;
    uint32_t stream, sub;
    uint64_t block; /* the next block */
    uint32_t word[4];
    unsigned left; /* words of `word` not yet used */
};

struct stm_rand stm_rand_at(uint64_t seed, enum stm_stream stream, uint32_t sub);
uint32_t stm_rand_u32(struct stm_rand *r);
/* Uniform in [0, n), unbiased (Lemire 2019: multiply, reject the short part); n > 0. */
uint32_t stm_rand_below(struct stm_rand *r, uint32_t n);
/* Uniform in (0, 1): 52 bits, half a step above zero. Two words, the first one the higher. */
double stm_rand_uniform(struct stm_rand *r);

/* x[n] standard normal numbers from a fresh stream: block i gives x[2i] and x[2i + 1] (Box-Muller
 * with stm_log and stm_sincos_turn, no libm). Overwrites. */
void stm_rand_normals(uint64_t seed, enum stm_stream stream, uint32_t sub, double *x, size_t n);
/* order[n]: a permutation of 0..n-1 by Fisher-Yates, from the end down. Overwrites. */
void stm_rand_permutation(uint64_t seed, enum stm_stream stream, uint32_t sub, uint32_t *order,
                          uint32_t n);

/* Scalar float64 functions that no library decides; error below 2 units in the last place of the
 * larger of the result and, for the logarithm, of the exponent's part. */
double stm_log(double x); /* x > 0 and normal */
/* *s = sin(2 pi u), *c = cos(2 pi u) for u in [0, 1]. */
void stm_sincos_turn(double u, double *s, double *c);

#endif
