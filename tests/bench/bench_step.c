/* The cost of one training step against the machine's own matrix product.
 *
 * For p = 59 and 97 (d = 128, H = 256, float32): median milliseconds a step, the rate of its
 * 6 n H p + 12 p d H operations, the rate of a 1024^3 sgemm timed between the same repetitions, and
 * the ratio of the step's time to what the operations would take at that rate.
 */
#include <string.h>

#include "bench.h"
#include "engine/blas.h"
#include "stemma/engine.h"

enum { N = 1024, REPEATS = 15, STEPS = 40 };

#define LIMIT 3.0 /* of the ratio, float32 */

static struct stm_trainer *trainer(int p, const char *precision)
{
    char text[400];
    struct stm_err err = {0};
    struct stm_settings *s;
    struct stm_trainer *t = NULL;
    snprintf(text, sizeof text,
             "task = modular_add\ntask.p = %d\ntask.train = 0.4\nmodel = embed_mlp\n"
             "model.embed = 128\nmodel.hidden = 256\noptimizer = adamw\nlr = 0.001\n"
             "weight_decay = 1\nprecision = %s\n",
             p, precision);
    bench_check(stm_settings_parse(&s, text, &err), &err);
    bench_check(stm_trainer_new(&t, s, &err), &err);
    stm_settings_free(s);
    stm_trainer_init(t, 0);
    return t;
}

static double gemm_seconds(const float *a, const float *b, float *c)
{
    double start = bench_now();
    stm_blas_gemm_f32(false, false, N, N, N, 1, a, N, b, N, 0, c, N);
    return bench_now() - start;
}

static void bench(int p, const char *precision, const float *a, const float *b, float *c)
{
    struct stm_trainer *t = trainer(p, precision);
    double step[REPEATS], gemm[REPEATS];
    double n = (double)(int)(0.4 * p * p);
    double flop = 6 * n * 256 * p + 12.0 * p * 128 * 256;
    for (int i = 0; i < 20; i++) stm_trainer_step(t, false);
    gemm_seconds(a, b, c);
    for (int r = 0; r < REPEATS; r++) {
        double start = bench_now();
        for (int i = 0; i < STEPS; i++) stm_trainer_step(t, false);
        step[r] = (bench_now() - start) / STEPS;
        gemm[r] = gemm_seconds(a, b, c);
    }
    double s = bench_median(step, REPEATS), rate = 2.0 * N * N * N / bench_median(gemm, REPEATS);
    printf("p=%-3d %s  %6.3f ms/step  %6.1f GFLOP/s  sgemm %6.1f GFLOP/s  ratio %.2f", p, precision,
           1e3 * s, 1e-9 * flop / s, 1e-9 * rate, s * rate / flop);
    if (!strcmp(precision, "f32")) printf("  (limit %.1f)", LIMIT);
    putchar('\n');
    stm_trainer_free(t);
}

int main(void)
{
    struct stm_err err = {0};
    bench_check(stm_engine_open(NULL, NULL, &err), &err);
    printf("%s\n", stm_engine_profile());
    float *m = calloc((size_t)3 * N * N, sizeof *m);
    if (!m) return 1;
    for (int i = 0; i < 2 * N * N; i++) m[i] = (float)(i % 17) - 8;
    const char *const precisions[] = {"f32", "f64"};
    for (int i = 0; i < 2; i++) {
        bench(59, precisions[i], m, m + N * N, m + 2 * N * N);
        bench(97, precisions[i], m, m + N * N, m + 2 * N * N);
    }
    free(m);
    return 0;
}
