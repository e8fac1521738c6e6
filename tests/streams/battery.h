/* Statistical tests of the streams over a range of seeds. Each adds a name and a probability: that
 * of numbers as far from what is expected if nothing is wrong. */
#ifndef STEMMA_TESTS_STREAMS_BATTERY_H
#define STEMMA_TESTS_STREAMS_BATTERY_H

#include "source.h"
#include "stats.h"

enum { RESULTS_MAX = 160, RESULT_NAME = 64 };

struct result {
    char name[RESULT_NAME];
    double p;
};

struct battery {
    const struct source *source;
    uint64_t first, seeds; /* the seeds first, first + 1, ... */
    struct result result[RESULTS_MAX];
    size_t n;
};

void battery_words(struct battery *b);   /* raw words: bits, between streams, seeds and steps */
void battery_normals(struct battery *b); /* the weights of a seed, and against the next seed */
void battery_order(struct battery *b);   /* the splits */
void battery_joint(struct battery *b);   /* the weights against the split */
void battery_batch(struct battery *b);   /* minibatches */

/* For the batteries. */
void battery_add(struct battery *b, double p, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void battery_add_scores(struct battery *b, const struct stats_scores *s, const char *name);
/* Counts of n cells that should be equally full. */
void battery_add_even(struct battery *b, const unsigned long *count, size_t n, const char *name);

/* The tensors that the stream `init` fills: name, sub-stream, rows, columns. */
struct battery_tensor {
    const char *name;
    uint32_t sub;
    size_t rows, columns;
};
enum { BATTERY_TENSORS = 3 };
extern const struct battery_tensor battery_tensors[BATTERY_TENSORS];

#endif
