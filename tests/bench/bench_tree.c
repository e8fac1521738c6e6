/* The throughput of a tree: `stemma run` with one worker a core, against the steps it executes.
 *
 * Ideal is (executed steps) x (time of a step) / (cores), the step timed before and after the run,
 * by one process a core at the same time; also by one alone, which shows what the cores share.
 * Processor time over wall time shows how long they waited. The paper's network at p = 59, a seed a
 * core, four arms from a common state, the evaluations and logs of the rescaling protocol.
 *
 * usage: bench_tree [--quick] STEMMA
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "bench_peer.h"

enum { CORES_MAX = 64, FORK_AT = 200, ARMS = 4 };

static const char protocol[] =
    "lang 1\n"
    "param steps = 1000\n"
    "task add = modular_add(p = 59, train = 0.40)\n"
    "model mlp = embed_mlp(embed = 128, hidden = 256)\n"
    "train base {\n"
    "  loss = cross_entropy\n"
    "  optimizer = adamw(lr = 1e-3, decay = 1.0)\n"
    "  batch = full\n"
    "}\n"
    "seeds 0..63\n"
    "every 25 steps {\n"
    "  event memorized = acc(train) >= 0.99\n"
    "  event grok      = acc(test) >= 0.90\n"
    "}\n"
    "log every 200 steps { acc(train), acc(test), norm(weights), logit_scale, eff_lr(weights) }\n"
    "run trunk = mlp on add with base {\n"
    "  fork post at step 200 {\n"
    "    capture N0 = norm(weights)\n"
    "    stop at step steps\n"
    "    arm free    {}\n"
    "    arm same    { hold norm(weights) = N0 }\n"
    "    arm raised  { hold norm(weights) = N0 * 1.15 }\n"
    "    arm lowered { hold norm(weights) = N0 / 1.15 }\n"
    "  }\n"
    "}\n";

static const char *stemma;

/* "executed 3,200 steps in ..." */
static long executed(const char *dir)
{
    char path[256], line[400];
    long steps = -1;
    snprintf(path, sizeof path, "%s/out", dir);
    FILE *f = fopen(path, "r");
    if (!f) bench_die(path);
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "executed ", 9) != 0) continue;
        steps = 0;
        for (const char *c = line + 9; *c && *c != ' '; c++)
            if (*c != ',') steps = 10 * steps + (*c - '0');
    }
    fclose(f);
    return steps;
}

/* Wall seconds of the whole command in a fresh store; *cpu: its processor seconds. */
static double run_tree(long steps, int seeds, int jobs, double *cpu)
{
    char dir[200], file[256], store[256], define[40], range[40], count[20];
    bench_dir_make(dir);
    snprintf(file, sizeof file, "%s/tree.stemma", dir);
    snprintf(store, sizeof store, "%s/store", dir);
    snprintf(define, sizeof define, "steps=%ld", steps);
    snprintf(range, sizeof range, "0..%d", seeds - 1);
    snprintf(count, sizeof count, "%d", jobs);
    FILE *f = fopen(file, "w");
    if (!f || fputs(protocol, f) < 0 || fclose(f)) bench_die(file);
    char *argv[] = {(char *)stemma, "run",     file,  "--store", store, "-D",
                    define,         "--seeds", range, "--jobs",  count, NULL};
    double start = bench_now(), cpu_start = bench_cpu();
    int status = bench_spawn(dir, argv);
    double wall = bench_now() - start;
    *cpu = bench_cpu() - cpu_start;
    long expected = seeds * (FORK_AT + ARMS * (steps - FORK_AT));
    if (status || executed(dir) != expected) {
        fprintf(stderr, "bench_tree: `stemma run` ended with %d, %ld steps of %ld; see %s\n",
                status, executed(dir), expected, dir);
        exit(1);
    }
    bench_dir_remove(dir);
    return wall;
}

/* Seconds a step, of `n` processes at the same time. */
static double step_time(struct bench_peer *peer, int n, int steps)
{
    double sum = 0;
    for (int i = 0; i < n; i++) bench_peer_ask(&peer[i], steps);
    for (int i = 0; i < n; i++) sum += bench_peer_answer(&peer[i]);
    return sum / n;
}

static void print(const char *name, const double *wall, const double *ideal, size_t n,
                  const char *limit)
{
    double w[BENCH_REPEATS_MAX], d[BENCH_REPEATS_MAX];
    memcpy(w, wall, n * sizeof *w);
    memcpy(d, ideal, n * sizeof *d);
    struct bench_figure f = {"tree", name, NULL, 0, "s", 0, bench_ratio_of(wall, ideal, n), limit};
    f.value = bench_median(w, n);
    f.reference = bench_median(d, n);
    bench_print(&f);
}

int main(int argc, char **argv)
{
    const bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    const int cores = (int)sysconf(_SC_NPROCESSORS_ONLN),
              jobs = cores < CORES_MAX ? cores : CORES_MAX;
    const int repeats = quick ? 1 : 5, sample = quick ? 50 : 400;
    const long steps = quick ? 300 : 800;
    struct bench_peer peer[CORES_MAX];
    double wall[BENCH_REPEATS_MAX], alone[BENCH_REPEATS_MAX], together[BENCH_REPEATS_MAX],
        cpu[BENCH_REPEATS_MAX];
    char *worker[] = {BENCH_WORKER, "-", "-", (char *)bench_paper, NULL}, name[80];
    if (argc != 2 + quick) {
        fputs("usage: bench_tree [--quick] STEMMA\n", stderr);
        return 2;
    }
    stemma = argv[1 + quick];
    for (int i = 0; i < jobs; i++)
        if (!bench_peer_start(&peer[i], worker)) return 1;
    for (int r = 0; r < repeats; r++) {
        double n = (double)(FORK_AT + ARMS * (steps - FORK_AT));
        double one = step_time(peer, 1, sample), all = step_time(peer, jobs, sample);
        wall[r] = run_tree(steps, jobs, jobs, &cpu[r]);
        all += step_time(peer, jobs, sample);
        one += step_time(peer, 1, sample);
        alone[r] = 0.5 * n * one;
        together[r] = 0.5 * n * all;
        cpu[r] /= jobs;
    }
    for (int i = 0; i < jobs; i++) bench_peer_stop(&peer[i]);
    snprintf(name, sizeof name, "%d arms on %d cores", jobs * ARMS, jobs);
    print(name, wall, together, (size_t)repeats, "<=1.10");
    print("the same, part of cores used", cpu, wall, (size_t)repeats, NULL);
    print("the same, steps timed alone", wall, alone, (size_t)repeats, NULL);
    return 0;
}
