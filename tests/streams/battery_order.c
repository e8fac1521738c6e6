#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "battery.h"

enum { FEW = 5, SUMS = 4 };

/* The chance that m given pairs are all in a set of TRAIN. */
static double all_in(int m)
{
    double p = 1;
    for (int i = 0; i < m; i++) p *= (double)(TRAIN - i) / (PAIRS - i);
    return p;
}

struct order_sums {
    unsigned long place[P * P], fixed[FEW], agree[FEW];
    struct stats_scores cycles, descents, rank, mirrored, next, class[SUMS];
};

static void few(unsigned long *count, uint32_t n) { count[n < FEW ? n : FEW - 1]++; }

/* Counts that should be Poisson of mean 1. */
static void add_few(struct battery *b, const unsigned long *count, const char *name)
{
    double chance = exp(-1), rest = 1, x = 0, n = (double)b->seeds;
    for (int i = 0; i < FEW; i++) {
        double want = (i < FEW - 1 ? chance : rest) * n, d = (double)count[i] - want;
        x += d * d / want;
        rest -= chance;
        chance /= i + 1;
    }
    battery_add(b, stats_chi2_above(x, FEW - 1), "%s", name);
}

static void as_a_permutation(struct order_sums *t, const uint32_t *order)
{
    static char seen[PAIRS];
    const double n = PAIRS, middle = (n - 1) / 2;
    double harmonic = 0, harmonic2 = 0, rank = 0;
    uint32_t fixed = 0, cycles = 0, descents = 0;
    memset(seen, 0, sizeof seen);
    for (uint32_t i = 0; i < PAIRS; i++) {
        t->place[i / P * P + order[i] / P]++;
        fixed += order[i] == i;
        if (i) descents += order[i] < order[i - 1];
        rank += (i - middle) * (order[i] - middle);
        harmonic += 1.0 / (i + 1);
        harmonic2 += 1.0 / (i + 1) / (i + 1);
        if (seen[i]) continue;
        cycles++;
        for (uint32_t at = i; !seen[at]; at = order[at]) seen[at] = 1;
    }
    few(t->fixed, fixed);
    stats_score(&t->cycles, (cycles - harmonic) / sqrt(harmonic - harmonic2));
    stats_score(&t->descents, (descents - middle) / sqrt((n + 1) / 12));
    stats_score(&t->rank, rank / (n * (n * n - 1) / 12) * sqrt(n - 1));
}

/* The training pairs by a, b, a + b and a - b, P each; how many come with their mirror image. */
static void as_a_split(struct order_sums *t, const uint32_t *order)
{
    static char in[PAIRS];
    int count[SUMS][P] = {{0}}, mirrored = 0;
    memset(in, 0, sizeof in);
    for (int i = 0; i < TRAIN; i++) {
        int a = (int)order[i] / P, c = (int)order[i] % P;
        in[order[i]] = 1;
        count[0][a]++, count[1][c]++, count[2][(a + c) % P]++, count[3][(a - c + P) % P]++;
    }
    const double f = all_in(1), mean = P * f, var = mean * (1 - f) * PAIRS / (PAIRS - 1);
    for (int k = 0; k < SUMS; k++) {
        double x = 0;
        for (int i = 0; i < P; i++) x += (count[k][i] - mean) * (count[k][i] - mean) / var;
        stats_score(&t->class[k], (x - (P - 1)) / sqrt(2.0 * (P - 1)));
    }
    for (int a = 0; a < P; a++)
        for (int c = 0; c < a; c++) mirrored += in[a * P + c] && in[c * P + a];
    const double m = P * (P - 1) / 2.0, p2 = all_in(2);
    stats_score(&t->mirrored, (mirrored - m * p2) /
                                  sqrt(m * p2 * (1 - p2) + m * (m - 1) * (all_in(4) - p2 * p2)));
}

/* Places that agree with the next seed's permutation, and pairs that both train on. */
static void with_the_next(struct order_sums *t, const uint32_t *order, const uint32_t *next)
{
    static char in[PAIRS];
    uint32_t agree = 0, both = 0;
    memset(in, 0, sizeof in);
    for (int i = 0; i < TRAIN; i++) in[order[i]] = 1;
    for (int i = 0; i < TRAIN; i++) both += in[next[i]];
    for (int i = 0; i < PAIRS; i++) agree += order[i] == next[i];
    const double f = all_in(1), mean = TRAIN * f;
    few(t->agree, agree);
    stats_score(&t->next, (both - mean) / sqrt(mean * (1 - f) * (PAIRS - TRAIN) / (PAIRS - 1)));
}

/* Blocks of P places by blocks of P values: rows and columns are full by construction. */
static void add_places(struct battery *b, const unsigned long *place)
{
    double want = (double)b->seeds, x = 0;
    for (int i = 0; i < P * P; i++) {
        double d = (double)place[i] - want;
        x += d * d / want;
    }
    x *= (PAIRS - 1.0) / PAIRS;
    battery_add(b, stats_chi2(x, (P - 1) * (P - 1)), "order: places and values");
}

void battery_order(struct battery *b)
{
    static const char *const sums[SUMS] = {
        "order: training pairs by a", "order: training pairs by b",
        "order: training pairs by a + b", "order: training pairs by a - b"};
    static uint32_t order[PAIRS], next[PAIRS];
    static struct order_sums t;
    memset(&t, 0, sizeof t);
    b->source->permutation(b->first, STM_STREAM_SPLIT, 0, order, PAIRS);
    for (uint64_t s = 0; s < b->seeds; s++) {
        b->source->permutation(b->first + s + 1, STM_STREAM_SPLIT, 0, next, PAIRS);
        as_a_permutation(&t, order);
        as_a_split(&t, order);
        with_the_next(&t, order, next);
        memcpy(order, next, sizeof order);
    }
    add_places(b, t.place);
    add_few(b, t.fixed, "order: fixed points");
    battery_add_scores(b, &t.cycles, "order: cycles");
    battery_add_scores(b, &t.descents, "order: descents");
    battery_add_scores(b, &t.rank, "order: rank correlation with the place");
    for (int k = 0; k < SUMS; k++) battery_add_scores(b, &t.class[k], sums[k]);
    battery_add_scores(b, &t.mirrored, "order: pairs with their mirror image");
    add_few(b, t.agree, "order: places that agree with the next seed");
    battery_add_scores(b, &t.next, "order: overlap with the next seed");
}
