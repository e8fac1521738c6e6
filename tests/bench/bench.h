/* What the benchmarks share: a clock, paired ratios, the line of a figure, a directory to work in.
 *
 * A figure is one line on stdout, BENCH_COLUMNS separated by tabs; what a person is told goes to
 * stderr. A benchmark that cannot run here says why and exits with BENCH_SKIPPED.
 */
#ifndef STEMMA_TESTS_BENCH_H
#define STEMMA_TESTS_BENCH_H

#include <stddef.h>

#include "stemma/err.h"

#define BENCH_COLUMNS "bench\tcase\tkernels\tvalue\tunit\treference\tratio\tlow\thigh\tlimit"

enum { BENCH_REPEATS_MAX = 64, BENCH_SKIPPED = 77 };

double bench_now(void); /* seconds */
/* Processor seconds of this process and of the children it has waited for. */
double bench_cpu(void);
/* Of v[n]; sorts it. */
double bench_median(double *v, size_t n);
/* Ends the process with the message of a failure. */
void bench_check(int rc, const struct stm_err *err);
_Noreturn void bench_die(const char *what);

/* Ratios of what was measured in turn: their median and their quartiles. */
struct bench_ratio {
    double median, low, high;
};
/* a[i] / b[i], i < n <= BENCH_REPEATS_MAX. */
struct bench_ratio bench_ratio_of(const double *a, const double *b, size_t n);

/* Fields that are NULL or NaN are printed as "-". `reference` is in the unit of `value`. */
struct bench_figure {
    const char *bench, *name, *kernels;
    double value;
    const char *unit;
    double reference;
    struct bench_ratio ratio;
    const char *limit; /* on the ratio: "<=1.30", ">=3.00" */
};
void bench_print(const struct bench_figure *f);

/* The settings of the paper's network at p = 59. */
extern const char bench_paper[];

/* A new directory in $TMPDIR, and its removal. */
void bench_dir_make(char dir[200]);
void bench_dir_remove(const char *dir);
/* Starts `argv` with stdout and stderr in the files `out` and `err` of `dir`, and waits: its exit
 * status, as of wait. */
int bench_spawn(const char *dir, char *const argv[]);

#endif
