#define _GNU_SOURCE /* environ, nftw, mkdtemp */
#include "bench.h"

#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char bench_paper[] = "task = modular_add\ntask.p = 59\ntask.train = 0.4\n"
                           "model = embed_mlp\nmodel.embed = 128\nmodel.hidden = 256\n"
                           "optimizer = adamw\nlr = 0.001\nweight_decay = 1\n";

double bench_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

double bench_cpu(void)
{
    double s = 0;
    const int who[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    for (int i = 0; i < 2; i++) {
        struct rusage u;
        getrusage(who[i], &u);
        s += (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
             1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    }
    return s;
}

void bench_check(int rc, const struct stm_err *err)
{
    if (!rc) return;
    fprintf(stderr, "bench: %s\n", err->msg);
    exit(1);
}

void bench_die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- medians and ratios ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of sorted v[n], 0 <= q <= 1, between neighbours by a straight line. */
static double quantile(const double *v, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    return i + 1 < n ? v[i] + (at - (double)i) * (v[i + 1] - v[i]) : v[i];
}

double bench_median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, ascending);
    return quantile(v, n, 0.5);
}

struct bench_ratio bench_ratio_of(const double *a, const double *b, size_t n)
{
    double r[BENCH_REPEATS_MAX];
    assert(n > 0 && n <= BENCH_REPEATS_MAX);
    for (size_t i = 0; i < n; i++) r[i] = a[i] / b[i];
    qsort(r, n, sizeof *r, ascending);
    return (struct bench_ratio){quantile(r, n, 0.5), quantile(r, n, 0.25), quantile(r, n, 0.75)};
}

/* ---- lines ---- */

static void number(double v)
{
    if (isnan(v))
        fputs("\t-", stdout);
    else
        printf("\t%.5g", v);
}

void bench_print(const struct bench_figure *f)
{
    printf("%s\t%s\t%s", f->bench, f->name, f->kernels ? f->kernels : "-");
    number(f->value);
    printf("\t%s", f->unit);
    number(f->reference);
    number(f->ratio.median);
    number(f->ratio.low);
    number(f->ratio.high);
    printf("\t%s\n", f->limit && *f->limit ? f->limit : "-");
    fflush(stdout);
}

/* ---- directories ---- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

void bench_dir_make(char dir[200])
{
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, 200, "%s/stemma-bench-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) bench_die(dir);
}

void bench_dir_remove(const char *dir) { nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

int bench_spawn(const char *dir, char *const argv[])
{
    int status;
    pid_t pid;
    char out[256], err[256];
    posix_spawn_file_actions_t actions;
    snprintf(out, sizeof out, "%s/out", dir);
    snprintf(err, sizeof err, "%s/err", dir);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_addopen(&actions, 2, err, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ)) bench_die(argv[0]);
    posix_spawn_file_actions_destroy(&actions);
    if (waitpid(pid, &status, 0) < 0) bench_die("waitpid");
    return status;
}
