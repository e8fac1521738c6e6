#include <math.h>
#include <stdio.h>
#include <string.h>

#include "battery.h"

/* The first numbers of a tensor against the pairs in their places, and against the places of the
 * pairs: is what is trained on another set where the numbers are large? */
static void along(struct stats_scores *s, const double *x, const uint32_t *order)
{
    double pairs = 0, places = 0, squares = 0;
    for (int i = 0; i < PAIRS; i++) {
        double c = i - (PAIRS - 1) / 2.0;
        pairs += (order[i] - (PAIRS - 1) / 2.0) * x[i];
        places += c * x[order[i]];
        squares += c * c;
    }
    stats_score(s, pairs / sqrt(squares));
    stats_score(s, places / sqrt(squares));
}

/* Whether pairs with like embeddings are trained on: the products E[a].E[b], a < b, have variance
 * EMBED and are uncorrelated; each is weighted with how many of (a, b) and (b, a) are in. */
static double alike(const double *e, const uint32_t *order)
{
    static char in[PAIRS];
    double sum = 0, squares = 0;
    memset(in, 0, sizeof in);
    for (int i = 0; i < TRAIN; i++) in[order[i]] = 1;
    for (int a = 0; a < P; a++)
        for (int b = 0; b < a; b++) {
            double c = in[a * P + b] + in[b * P + a] - 2.0 * TRAIN / PAIRS, dot = 0;
            for (int d = 0; d < EMBED; d++) dot += e[a * EMBED + d] * e[b * EMBED + d];
            sum += c * dot;
            squares += c * c;
        }
    return sum / sqrt(squares * EMBED);
}

/* Whether tokens with large embeddings are in many training pairs. */
static double large(const double *e, const uint32_t *order)
{
    double count[P] = {0}, sum = 0, squares = 0;
    for (int i = 0; i < TRAIN; i++) {
        count[order[i] / P]++;
        count[order[i] % P]++;
    }
    for (int a = 0; a < P; a++) {
        double c = count[a] - 2.0 * TRAIN / P, norm = -EMBED;
        for (int d = 0; d < EMBED; d++) norm += e[a * EMBED + d] * e[a * EMBED + d];
        sum += c * norm;
        squares += c * c;
    }
    return sum / sqrt(squares * 2 * EMBED);
}

void battery_joint(struct battery *b)
{
    static double x[LARGEST];
    static uint32_t order[PAIRS];
    struct stats_scores numbers[BATTERY_TENSORS] = {{0}}, embeddings = {0}, norms = {0};
    char name[RESULT_NAME];
    for (uint64_t s = 0; s < b->seeds; s++) {
        b->source->permutation(b->first + s, STM_STREAM_SPLIT, 0, order, PAIRS);
        for (int k = 0; k < BATTERY_TENSORS; k++) {
            const struct battery_tensor *of = &battery_tensors[k];
            size_t n = of->rows * of->columns;
            b->source->normals(b->first + s, STM_STREAM_INIT, of->sub, x, n);
            along(&numbers[k], x, order);
            if (k) continue;
            stats_score(&embeddings, alike(x, order));
            stats_score(&norms, large(x, order));
        }
    }
    for (int k = 0; k < BATTERY_TENSORS; k++) {
        snprintf(name, sizeof name, "init and split: %s", battery_tensors[k].name);
        battery_add_scores(b, &numbers[k], name);
    }
    battery_add_scores(b, &embeddings, "init and split: E[a].E[b] of training pairs");
    battery_add_scores(b, &norms, "init and split: norms of E and training pairs");
}
