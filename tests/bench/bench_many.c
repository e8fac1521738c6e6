/* What a replicate costs beside its steps, and that it costs the same however many there are: trees
 * of tiny runs, five replicates a seed, 20 steps each. The time of one is compared with that of one
 * of a hundred, measured in turn; four fsyncs of a file and of its directory in the same place,
 * which is what its two commits take, are the lower bound.
 *
 * usage: bench_many [--quick] STEMMA
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

enum { ARMS = 5, HUNDRED = 20 };

static const char protocol[] = "lang 1\n"
                               "task add = modular_add(p = 7, train = 0.6)\n"
                               "model mlp = embed_mlp(embed = 4, hidden = 8)\n"
                               "train base { optimizer = adamw(lr = 3e-3, decay = 1.0) }\n"
                               "seeds 0..0\n"
                               "every 10 steps { event grok = acc(test) >= 0.95 }\n"
                               "log every 10 steps { acc(train) }\n"
                               "run trunk = mlp on add with base {\n"
                               "  fork post at step 10 {\n"
                               "    stop at each grok or step 20\n"
                               "    arm a {}\n"
                               "    arm b { set lr = 1e-2 }\n"
                               "    arm c { set lr = 2e-2 }\n"
                               "    arm d { once weights *= 0.9 }\n"
                               "  }\n"
                               "}\n";

static const char *stemma;

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f)) bench_die(path);
}

/* Seconds of the whole command, of one replicate. */
static double run_many(int seeds)
{
    char dir[200], file[256], store[256], range[40];
    bench_dir_make(dir);
    snprintf(file, sizeof file, "%s/many.stemma", dir);
    snprintf(store, sizeof store, "%s/store", dir);
    snprintf(range, sizeof range, "0..%d", seeds - 1);
    write_file(file, protocol);
    char *argv[] = {(char *)stemma, "run", file, "--store", store, "--seeds", range, "--yes", NULL};
    double start = bench_now();
    if (bench_spawn(dir, argv)) bench_die("stemma run");
    double wall = bench_now() - start;
    bench_dir_remove(dir);
    return wall / (ARMS * seeds);
}

/* Seconds of the fsyncs of two commits: of a file and of its directory, each four times. */
static double fsyncs(void)
{
    char dir[200], path[256];
    bench_dir_make(dir);
    snprintf(path, sizeof path, "%s/x", dir);
    int d = open(dir, O_RDONLY);
    double start = bench_now();
    for (int i = 0; i < 4; i++) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        if (fd < 0 || write(fd, protocol, sizeof protocol) < 0 || fsync(fd) || fsync(d))
            bench_die(path);
        close(fd);
    }
    double wall = bench_now() - start;
    close(d);
    bench_dir_remove(dir);
    return wall;
}

static void print(const char *name, double *value, double *reference, int n, const char *limit)
{
    struct bench_figure f = {
        "many", name, NULL, 0, "ms", 0, bench_ratio_of(value, reference, (size_t)n), limit};
    f.value = 1000 * bench_median(value, (size_t)n);
    f.reference = 1000 * bench_median(reference, (size_t)n);
    bench_print(&f);
}

int main(int argc, char **argv)
{
    static const int seeds[] = {2, 200, 4000};
    const bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    const int repeats = quick ? 1 : 3, sizes = quick ? 1 : 3;
    if (argc != 2 + quick) {
        fputs("usage: bench_many [--quick] STEMMA\n", stderr);
        return 2;
    }
    stemma = argv[1 + quick];
    for (int k = 0; k < sizes; k++) {
        double one[BENCH_REPEATS_MAX], hundred[BENCH_REPEATS_MAX], bound[BENCH_REPEATS_MAX],
            again[BENCH_REPEATS_MAX];
        char name[80];
        for (int r = 0; r < repeats; r++) {
            hundred[r] = run_many(HUNDRED);
            one[r] = again[r] = run_many(seeds[k]);
            bound[r] = fsyncs();
        }
        snprintf(name, sizeof name, "one of %d against of 100", ARMS * seeds[k]);
        print(name, one, hundred, repeats, seeds[k] > HUNDRED ? "<=1.50" : NULL);
        snprintf(name, sizeof name, "one of %d against fsyncs", ARMS * seeds[k]);
        print(name, again, bound, repeats, NULL);
    }
    return 0;
}
