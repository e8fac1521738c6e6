#include <math.h>
#include <string.h>

#include "battery.h"

enum { STEPS = 400 }; /* of each seed */

static const double f = (double)BATCH / BATCH_PAIRS;

/* Two draws of BATCH have so many pairs in common: hypergeometric. */
static double overlap(const unsigned char *x, const unsigned char *y)
{
    int both = 0;
    for (int i = 0; i < BATCH_PAIRS; i++) both += x[i] && y[i];
    return (both - BATCH * f) /
           sqrt(BATCH * f * (1 - f) * (BATCH_PAIRS - BATCH) / (BATCH_PAIRS - 1.0));
}

void battery_batch(struct battery *b)
{
    static unsigned char drawn[BATCH_PAIRS], next[BATCH_PAIRS], other[BATCH_PAIRS];
    struct stats_scores steps = {0}, seeds = {0};
    double count[BATCH_PAIRS] = {0}, x = 0, n = (double)b->seeds * STEPS;
    for (uint64_t s = 0; s < b->seeds; s++) {
        b->source->batch(b->first + s, 0, drawn);
        for (uint64_t step = 0; step < STEPS; step++) {
            for (int i = 0; i < BATCH_PAIRS; i++) count[i] += drawn[i];
            b->source->batch(b->first + s, step + 1, next);
            b->source->batch(b->first + s + 1, step, other);
            stats_score(&steps, overlap(drawn, next));
            stats_score(&seeds, overlap(drawn, other));
            memcpy(drawn, next, sizeof drawn);
        }
    }
    for (int i = 0; i < BATCH_PAIRS; i++) {
        double d = count[i] - n * f;
        x += d * d / (n * f * (1 - f)) * (BATCH_PAIRS - 1) / BATCH_PAIRS;
    }
    battery_add(b, stats_chi2(x, BATCH_PAIRS - 1), "batch: pairs");
    battery_add_scores(b, &steps, "batch: overlap with the next step");
    battery_add_scores(b, &seeds, "batch: overlap with the next seed");
}
