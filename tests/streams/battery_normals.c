#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "battery.h"

enum { CELLS = 256, SIDE = 32, MOMENTS = 4, LAGS = 8, ROWS_APART = 4 };

struct tensor_sums {
    struct stats_scores moment[MOMENTS + 1], lag, square_lag, row, gram_rows, gram_columns, next;
    unsigned long cell[CELLS], pair[SIDE * SIDE];
};

/* Sums of He_k / sqrt(k!), which are uncorrelated and of variance 1 (Hermite). */
static void moments(struct tensor_sums *t, const double *x, size_t n)
{
    static const double root[] = {1, 1, 1.4142135623730951, 2.449489742783178, 4.898979485566356};
    double sum[MOMENTS + 1] = {0};
    for (size_t i = 0; i < n; i++) {
        double x2 = x[i] * x[i];
        sum[1] += x[i];
        sum[2] += x2 - 1;
        sum[3] += x[i] * (x2 - 3);
        sum[4] += x2 * x2 - 6 * x2 + 3;
    }
    for (int k = 1; k <= MOMENTS; k++)
        stats_score(&t->moment[k], sum[k] / root[k] / sqrt((double)n));
}

static double product(const double *x, const double *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

static double product_of_squares(const double *x, const double *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (x[i] * x[i] - 1) * (y[i] * y[i] - 1);
    return sum / 2;
}

static void lags(struct tensor_sums *t, const double *x, size_t n, size_t columns)
{
    for (size_t lag = 1; lag <= LAGS; lag++) {
        stats_score(&t->lag, product(x, x + lag, n - lag) / sqrt((double)(n - lag)));
        stats_score(&t->square_lag,
                    product_of_squares(x, x + lag, n - lag) / sqrt((double)(n - lag)));
    }
    for (size_t r = 1; r <= ROWS_APART; r++) {
        size_t m = n - r * columns;
        stats_score(&t->row, product(x, x + r * columns, m) / sqrt((double)m));
    }
}

/* Sum of the squared products of all pairs of rows: (x.y)^2 has mean c and variance 2 c^2 + 6 c,
 * two pairs with a row in common have covariance 2 c. */
static double gram(const double *x, size_t rows, size_t columns)
{
    double sum = 0, r = (double)rows, c = (double)columns, pairs = r * (r - 1) / 2;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < i; j++) {
            double d = product(x + i * columns, x + j * columns, columns);
            sum += d * d - c;
        }
    return sum / sqrt(pairs * (2 * c * c + 6 * c) + pairs * 2 * (r - 2) * 2 * c);
}

static void grams(struct tensor_sums *t, const double *x, size_t rows, size_t columns)
{
    static double turned[LARGEST];
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) turned[j * rows + i] = x[i * columns + j];
    stats_score(&t->gram_rows, gram(x, rows, columns));
    stats_score(&t->gram_columns, gram(turned, columns, rows));
}

static int cell(double u, int n)
{
    int c = (int)(u * n);
    return c < n ? c : n - 1;
}

/* Cells of one number and of the two that come from one block. Turns x into its distribution
 * function, sorted. */
static void cells(struct tensor_sums *t, double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = stats_normal_cdf(x[i]);
    for (size_t i = 0; i < n; i++) t->cell[cell(x[i], CELLS)]++;
    for (size_t i = 0; i + 1 < n; i += 2) t->pair[cell(x[i], SIDE) * SIDE + cell(x[i + 1], SIDE)]++;
    stats_sort(x, n);
}

static void add_tensor(struct battery *b, const struct tensor_sums *t, const char *of)
{
    char name[RESULT_NAME];
#define NAMED(...) (snprintf(name, sizeof name, __VA_ARGS__), name)
    for (int k = 1; k <= MOMENTS; k++)
        battery_add_scores(b, &t->moment[k], NAMED("normals: moment %d of %s", k, of));
    battery_add_scores(b, &t->lag, NAMED("normals: lags 1 to %d of %s", LAGS, of));
    battery_add_scores(b, &t->square_lag, NAMED("normals: squares, lags of %s", of));
    battery_add_scores(b, &t->row, NAMED("normals: neighbouring rows of %s", of));
    battery_add_scores(b, &t->gram_rows, NAMED("normals: products of rows of %s", of));
    battery_add_scores(b, &t->gram_columns, NAMED("normals: products of columns of %s", of));
    battery_add_scores(b, &t->next, NAMED("normals: %s and the next seed's", of));
    battery_add_even(b, t->cell, CELLS, NAMED("normals: cells of %s", of));
    battery_add_even(b, t->pair, SIDE * SIDE, NAMED("normals: pairs of %s", of));
#undef NAMED
}

/* One tensor of all seeds; ks[seeds] and ad[seeds] get the probabilities of each. */
static void one_tensor(struct battery *b, const struct battery_tensor *of, double *ks, double *ad)
{
    static double x[LARGEST], next[LARGEST];
    const size_t n = of->rows * of->columns;
    struct tensor_sums t = {0};
    b->source->normals(b->first, STM_STREAM_INIT, of->sub, x, n);
    for (uint64_t s = 0; s < b->seeds; s++) {
        b->source->normals(b->first + s + 1, STM_STREAM_INIT, of->sub, next, n);
        stats_score(&t.next, product(x, next, n) / sqrt((double)n));
        moments(&t, x, n);
        lags(&t, x, n, of->columns);
        grams(&t, x, of->rows, of->columns);
        cells(&t, x, n);
        ks[s] = stats_ks(x, n);
        ad[s] = stats_ad(x, n);
        memcpy(x, next, n * sizeof *x);
    }
    add_tensor(b, &t, of->name);
}

/* Probabilities of single seeds, which are uniform if nothing is wrong. */
static void add_second_level(struct battery *b, double *p, size_t n, const char *name)
{
    stats_sort(p, n);
    battery_add(b, stats_ks(p, n), "%s", name);
}

static void between_tensors(struct battery *b)
{
    static double x[BATTERY_TENSORS][LARGEST];
    struct stats_scores same = {0};
    for (uint64_t s = 0; s < b->seeds; s++)
        for (int k = 0; k < BATTERY_TENSORS; k++) {
            const struct battery_tensor *of = &battery_tensors[k];
            const size_t n = of->rows * of->columns;
            b->source->normals(b->first + s, STM_STREAM_INIT, of->sub, x[k], n);
            for (int l = 0; l < k; l++) {
                size_t other = battery_tensors[l].rows * battery_tensors[l].columns;
                size_t m = n < other ? n : other;
                stats_score(&same, product(x[k], x[l], m) / sqrt((double)m));
            }
        }
    battery_add_scores(b, &same, "normals: tensors of a seed");
}

void battery_normals(struct battery *b)
{
    const size_t n = b->seeds * BATTERY_TENSORS;
    double *ks = malloc(n * sizeof *ks), *ad = malloc(n * sizeof *ad);
    if (!ks || !ad) abort();
    for (int k = 0; k < BATTERY_TENSORS; k++)
        one_tensor(b, &battery_tensors[k], ks + k * b->seeds, ad + k * b->seeds);
    add_second_level(b, ks, n, "normals: Kolmogorov-Smirnov");
    add_second_level(b, ad, n, "normals: Anderson-Darling");
    between_tensors(b);
    free(ks), free(ad);
}
