/* What the benchmarks share: a clock, a median, and how to give up. */
#ifndef STEMMA_TESTS_BENCH_H
#define STEMMA_TESTS_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "stemma/err.h"

static inline double bench_now(void) /* seconds */
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static inline int bench_ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts v[n]. */
static inline double bench_median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, bench_ascending);
    return n % 2 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

static inline void bench_check(int rc, const struct stm_err *err)
{
    if (!rc) return;
    fprintf(stderr, "bench: %s\n", err->msg);
    exit(1);
}

#endif
