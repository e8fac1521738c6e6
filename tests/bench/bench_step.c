/* What a training step costs with one kernel set.
 *
 * step: its time against what its operations would take at the rate of a 1024^3 product by OpenBLAS
 * with the core type of that set, sgemm for float32 and dgemm for float64 (the roofline).
 * openblas: the time of a step under profile openblas over stemma's.
 * torch: the same for the two forms of torch_step.py, where they are given.
 * compare: stemma's time over that of another revision's bench_worker; nothing else then.
 *
 * All of them are processes that take turns, a few dozen milliseconds each; a ratio is taken in
 * each turn, and the figure is the median of the ratios. So the ratio of the two medians that stand
 * beside it may be a little different.
 */
#define _POSIX_C_SOURCE 200809L /* setenv */
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "bench_peer.h"
#include "engine/kernels/blas.h"

enum { N = 1024, EMBED = 128, HIDDEN = 256 };

/* Models, tasks, losses, batches. */
static const struct step_case {
    const char *name, *task;
    int p, layers;     /* layers of mlp; 0: embed_mlp */
    const char *loss;  /* NULL: cross_entropy */
    int batch;         /* 0: full */
    bool f64;          /* also in float64 */
    const char *torch; /* limit against PyTorch's best form; NULL: not timed against it */
} cases[] = {
    {"embed_mlp p=59", "modular_add", 59, 0, NULL, 0, true, ">=3.00"},
    {"embed_mlp p=97", "modular_add", 97, 0, NULL, 0, true, ">=2.10"},
    {"embed_mlp p=113", "modular_add", 113, 0, NULL, 0, true, NULL},
    {"mlp layers=2 p=59", "modular_add", 59, 2, NULL, 0, true, NULL},
    {"modular_sub p=59", "modular_sub", 59, 0, NULL, 0, false, NULL},
    {"modular_mul p=59", "modular_mul", 59, 0, NULL, 0, false, NULL},
    {"modular_div p=59", "modular_div", 59, 0, NULL, 0, false, NULL},
    {"mse p=59", "modular_add", 59, 0, "mse", 0, true, NULL},
    {"stablemax p=59", "modular_add", 59, 0, "stablemax", 0, true, NULL},
    {"batch=256 p=59", "modular_add", 59, 0, NULL, 256, true, NULL},
};
enum { N_CASES = sizeof cases / sizeof *cases };

/* Kernel sets: the core type whose products are the roofline, and the limits of full batches. */
static const struct kernel_set {
    const char *name, *core;
    double small, large, f64; /* float32 at p = 59 and above; float64 */
} sets[] = {
    {"avx512", "SkylakeX", 1.3, 1.2, 1.5},
    {"avx2", "Haswell", 1.4, 1.4, 1.5},
    {"c", NULL, NAN, NAN, NAN}, /* far below any roofline where fma is a function */
};
enum { N_SETS = sizeof sets / sizeof *sets };

static struct {
    const struct kernel_set *set;
    const char *filter, *torch, *against;
    int repeats;
    double seconds; /* of one turn */
    void *m;        /* three matrices of N*N doubles */
} opt = {.filter = "", .repeats = 15, .seconds = 0.025};

/* ---- what a case is ---- */

static void settings(const struct step_case *c, bool f64, char *text, size_t n)
{
    char model[80], batch[40] = "";
    if (c->layers)
        snprintf(model, sizeof model, "mlp\nmodel.layers = %d\nmodel.hidden = %d", c->layers,
                 HIDDEN);
    else
        snprintf(model, sizeof model, "embed_mlp\nmodel.embed = %d\nmodel.hidden = %d", EMBED,
                 HIDDEN);
    if (c->batch) snprintf(batch, sizeof batch, "batch = %d\n", c->batch);
    snprintf(text, n,
             "task = %s\ntask.p = %d\ntask.train = 0.4\nmodel = %s\n"
             "optimizer = adamw\nlr = 0.001\nweight_decay = 1\n"
             "loss = %s\nprecision = %s\n%s",
             c->task, c->p, model, c->loss ? c->loss : "cross_entropy", f64 ? "f64" : "f32", batch);
}

/* Operations of the products of one step, for n pairs, p classes, H hidden units.
 * The last layer is three products of 2 n H p: logits, gradient of its weights, gradient of h.
 * embed_mlp: the first layer is a product a token, not a pair: E W1[:d] and E W1[d:], 4 p d H
 * together, and twice that backward (to W1, to E).
 * mlp: the first layer adds two rows of W1, no product; each of the L - 1 layers between hidden
 * units is three products of 2 n H H. */
static double operations(const struct step_case *c)
{
    double p = c->p, H = HIDDEN, d = EMBED;
    double pairs = strcmp(c->task, "modular_div") == 0 ? p * (p - 1) : p * p;
    double n = c->batch ? c->batch : floor(0.4 * pairs);
    return 6 * n * H * p + (c->layers ? 6 * n * H * H * (c->layers - 1) : 12 * p * d * H);
}

static double limit_of(const struct step_case *c, bool f64)
{
    if (c->layers || c->batch) return NAN;
    return f64 ? opt.set->f64 : c->p > 59 ? opt.set->large : opt.set->small;
}

static const char *limit_text(char text[16], const char *op, double limit)
{
    if (isnan(limit)) return NULL;
    snprintf(text, 16, "%s%.2f", op, limit);
    return text;
}

/* ---- the roofline ---- */

/* Seconds of a 1024^3 product. */
static double product(bool f64)
{
    const size_t nn = (size_t)N * N;
    double start = bench_now();
    if (f64) {
        double *a = opt.m;
        stm_blas_gemm_f64(false, false, N, N, N, 1, a, N, a + nn, N, 0, a + 2 * nn, N);
    } else {
        float *a = opt.m;
        stm_blas_gemm_f32(false, false, N, N, N, 1, a, N, a + nn, N, 0, a + 2 * nn, N);
    }
    return bench_now() - start;
}

/* Small whole numbers in both factors. */
static void fill(bool f64)
{
    const size_t n = 2 * (size_t)N * N;
    for (size_t i = 0; i < n; i++) {
        if (f64)
            ((double *)opt.m)[i] = (double)(i % 17) - 8;
        else
            ((float *)opt.m)[i] = (float)(i % 17) - 8;
    }
    product(f64);
}

/* ---- turns ---- */

enum { STEMMA, OPENBLAS, TORCH_USER, TORCH_BEST, AGAINST, PEERS };

struct turns {
    bool on[PEERS];
    struct bench_peer peer[PEERS];
    int steps[PEERS]; /* in one turn */
    double step[PEERS][BENCH_REPEATS_MAX];
    double roof[BENCH_REPEATS_MAX]; /* seconds of a step's operations */
    double rate[BENCH_REPEATS_MAX]; /* operations a second of the product */
};

static void start(struct turns *t, int who, const char *path, const char *a, const char *b,
                  const char *c)
{
    char *argv[] = {(char *)path, (char *)a, (char *)b, (char *)c, NULL};
    t->on[who] = bench_peer_start(&t->peer[who], argv);
}

static bool start_all(struct turns *t, const struct step_case *c, bool f64)
{
    char text[400], p[12];
    const char *core = opt.set->core;
    settings(c, f64, text, sizeof text);
    snprintf(p, sizeof p, "%d", c->p);
    memset(t->on, 0, sizeof t->on);
    start(t, STEMMA, BENCH_WORKER, "-", "-", text);
    if (!t->on[STEMMA]) return false;
    if (opt.against) {
        start(t, AGAINST, opt.against, "-", "-", text);
        return t->on[AGAINST];
    }
    if (core) start(t, OPENBLAS, BENCH_WORKER, "openblas", core, text);
    if (opt.torch && c->torch && !f64) {
        start(t, TORCH_USER, "/usr/bin/python3", opt.torch, "user", p);
        start(t, TORCH_BEST, "/usr/bin/python3", opt.torch, "best", p);
    }
    return true;
}

static void take_turns(struct turns *t, double flop, bool f64, bool roof)
{
    for (int w = 0; w < PEERS; w++) {
        if (!t->on[w]) continue;
        double once = bench_peer_steps(&t->peer[w], 1);
        t->steps[w] = once > opt.seconds ? 1 : (int)(opt.seconds / once);
    }
    for (int r = 0; r < opt.repeats; r++) {
        for (int i = 0; i < PEERS; i++) {
            int w = r % 2 ? PEERS - 1 - i : i; /* there and back: nobody is always first */
            if (t->on[w]) t->step[w][r] = bench_peer_steps(&t->peer[w], t->steps[w]);
            if (w != STEMMA || !roof) continue;
            t->rate[r] = 2.0 * N * N * N / product(f64);
            t->roof[r] = flop / t->rate[r];
        }
    }
    for (int w = 0; w < PEERS; w++)
        if (t->on[w]) bench_peer_stop(&t->peer[w]);
}

/* ---- figures ---- */

/* `what` against `base`, both seconds. Sorts neither. */
static void figure(const char *bench, const char *name, const char *kernels, const double *what,
                   const double *base, const char *limit)
{
    const size_t n = (size_t)opt.repeats;
    double copy[BENCH_REPEATS_MAX];
    struct bench_figure f = {bench, name, kernels, NAN, "ms", NAN, {NAN, NAN, NAN}, limit};
    memcpy(copy, what, n * sizeof *copy);
    f.value = 1e3 * bench_median(copy, n);
    if (base) {
        f.ratio = bench_ratio_of(what, base, n);
        memcpy(copy, base, n * sizeof *copy);
        f.reference = 1e3 * bench_median(copy, n);
    }
    bench_print(&f);
}

static void torch_figures(struct turns *t, const struct step_case *c)
{
    static const char *const form[] = {"user", "best"};
    char name[64];
    static bool told;
    for (int i = 0; i < 2; i++) {
        if (!t->on[TORCH_USER + i]) continue;
        if (!told) fprintf(stderr, "%s\n", t->peer[TORCH_USER + i].what);
        told = true;
        snprintf(name, sizeof name, "%s f32, %s form", c->name, form[i]);
        figure("torch", name, opt.set->name, t->step[TORCH_USER + i], t->step[STEMMA],
               i == 1 ? c->torch : NULL);
    }
}

static double rates[N_CASES * BENCH_REPEATS_MAX];
static size_t n_rates;

static void run_case(const struct step_case *c, bool f64)
{
    static struct turns t;
    static int filled = -1;
    char name[64], text[16];
    const bool roof = opt.set->core && !opt.against;
    snprintf(name, sizeof name, "%s %s", c->name, f64 ? "f64" : "f32");
    if (!strstr(name, opt.filter)) return;
    if (!start_all(&t, c, f64)) {
        fprintf(stderr, "skipped: %s, kernels %s\n", name, opt.set->name);
        return;
    }
    if (roof && filled != f64) fill(f64);
    if (roof) filled = f64;
    take_turns(&t, operations(c), f64, roof);
    if (opt.against) {
        figure("compare", name, opt.set->name, t.step[STEMMA], t.step[AGAINST], NULL);
        return;
    }
    figure("step", name, opt.set->name, t.step[STEMMA], roof ? t.roof : NULL,
           limit_text(text, "<=", limit_of(c, f64)));
    if (t.on[OPENBLAS])
        figure("openblas", name, opt.set->name, t.step[OPENBLAS], t.step[STEMMA], ">=1.00");
    torch_figures(&t, c);
    if (!roof) return;
    memcpy(rates + n_rates, t.rate, (size_t)opt.repeats * sizeof *rates);
    n_rates += (size_t)opt.repeats;
}

/* Every case in one precision, and the rate of the products between their turns. */
static void run_cases(bool f64)
{
    n_rates = 0;
    for (size_t i = 0; i < N_CASES; i++)
        if (!f64 || cases[i].f64) run_case(&cases[i], f64);
    if (!n_rates) return;
    struct bench_figure rate = {"product",       f64 ? "dgemm 1024^3" : "sgemm 1024^3",
                                opt.set->core,   1e-9 * bench_median(rates, n_rates),
                                "GFLOP/s",       NAN,
                                {NAN, NAN, NAN}, NULL};
    bench_print(&rate);
}

/* ---- main ---- */

static int usage(void)
{
    fputs("usage: bench_step [--quick] [--filter TEXT] [--torch TORCH_STEP.PY]\n"
          "                  [--against BENCH_WORKER] avx512|avx2|c\n",
          stderr);
    return 2;
}

static bool parse(int argc, char **argv)
{
    static const struct option options[] = {{"quick", no_argument, NULL, 'q'},
                                            {"filter", required_argument, NULL, 'f'},
                                            {"torch", required_argument, NULL, 't'},
                                            {"against", required_argument, NULL, 'a'},
                                            {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'q') opt.repeats = 3, opt.seconds = 0.005;
        if (c == 'f') opt.filter = optarg;
        if (c == 't') opt.torch = optarg;
        if (c == 'a') opt.against = optarg;
        if (c == '?') return false;
    }
    for (size_t i = 0; i < N_SETS && optind + 1 == argc; i++)
        if (strcmp(argv[optind], sets[i].name) == 0) opt.set = &sets[i];
    return opt.set;
}

/* The core type is chosen once a process: for the products here, and for the peers through the
 * environment, torch's OpenBLAS among them. */
static bool open_set(void)
{
    struct stm_err err = {0};
    setenv("STEMMA_KERNELS", opt.set->name, 1);
    if (!opt.set->core) return true;
    setenv("STEMMA_BLAS_CORE", opt.set->core, 1);
    setenv("OPENBLAS_CORETYPE", opt.set->core, 1);
    if (stm_blas_open(opt.set->core, &err) == 0) return true;
    fprintf(stderr, "skipped: kernels %s: %s\n", opt.set->name, err.msg);
    return false;
}

int main(int argc, char **argv)
{
    if (!parse(argc, argv)) return usage();
    if (!open_set()) return BENCH_SKIPPED;
    opt.m = malloc((size_t)3 * N * N * sizeof(double));
    if (!opt.m) bench_die("malloc");
    if (!opt.set->core) opt.repeats = 1, opt.seconds = 0; /* no ratio, and slow */
    run_cases(false);
    run_cases(true);
    free(opt.m);
    return 0;
}
