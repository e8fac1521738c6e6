/* Which numerics are chosen, and the products. Each test is its own process, because the library is
 * loaded once. */
#include <math.h>

#include "engine/kernels/blas.h"
#include "engine_fixture.h"

static void open_openblas(void)
{
    struct stm_err err = {0};
    ck_assert_msg(stm_engine_open("openblas", NULL, &err) == 0, "%s", err.msg);
}

START_TEST(opens_once)
{
    struct stm_err err = {0};
    open_openblas();
    open_openblas();
    char name[16], version[64], core[32], compiler[64];
    ck_assert_int_eq(
        sscanf(stm_engine_profile(), "%15s %63s %31s %63s", name, version, core, compiler), 4);
    ck_assert_str_eq(name, "openblas/4");
    ck_assert_str_eq(version, stm_blas_version());
    ck_assert_str_eq(core, stm_blas_core());
    ck_assert_ptr_nonnull(strstr(stm_blas_library(), "openblas"));
    ck_assert_int_eq(stm_engine_open("openblas", stm_blas_core(), &err), 0);
    printf("%s (%s)\n", stm_engine_profile(), stm_blas_library());
}
END_TEST

START_TEST(other_profiles_are_refused)
{
    struct stm_err err = {0};
    ck_assert_int_eq(stm_engine_open("native", NULL, &err), STM_E_USAGE);
    ck_assert_str_eq(err.msg, "there is no profile `native`; there is portable, openblas");
    ck_assert_int_eq(stm_engine_open(NULL, "SkylakeX", &err), STM_E_USAGE);
    setenv("STEMMA_KERNELS", "sse", 1);
    ck_assert_int_eq(stm_engine_open(NULL, NULL, &err), STM_E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.msg, "STEMMA_KERNELS=sse: this processor runs "));
    setenv("STEMMA_KERNELS", "c", 1);
    ck_assert_int_eq(stm_engine_open(NULL, NULL, &err), 0);
    ck_assert_str_eq(stm_engine_kernels(), "c");
    ck_assert_int_eq(stm_engine_open("openblas", NULL, &err), STM_E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.msg, "computes under profile portable/"));
}
END_TEST

#if defined(__x86_64__)
START_TEST(unknown_cores_are_refused)
{
    struct stm_err err = {0};
    ck_assert_int_eq(stm_engine_open("openblas", "Skylake", &err), STM_E_ENGINE);
    ck_assert_str_eq(err.msg, "unknown BLAS core `Skylake`; there is SkylakeX, Haswell, Zen, "
                              "Sandybridge, Nehalem, Prescott");
    setenv("STEMMA_BLAS_CORE", "nonsense", 1);
    ck_assert_int_eq(stm_engine_open("openblas", NULL, &err), STM_E_ENGINE);
    ck_assert_int_eq(strncmp(err.msg, "unknown BLAS core `nonsense`", 28), 0);
}
END_TEST

START_TEST(a_core_is_forced_or_refused)
{
    struct stm_err err = {0};
    __builtin_cpu_init();
    setenv("STEMMA_BLAS_CORE", "Prescott", 1);
    open_openblas();
    ck_assert_str_eq(stm_blas_core(), "Prescott");
    ck_assert_int_eq(stm_engine_open("openblas", "Nehalem", &err), STM_E_ENGINE);
    if (__builtin_cpu_supports("sse4.2"))
        ck_assert_str_eq(err.msg, "OpenBLAS is loaded with core `Prescott`; `Nehalem` needs a new "
                                  "process");
    if (!__builtin_cpu_supports("avx512f")) {
        ck_assert_int_eq(stm_engine_open("openblas", "SkylakeX", &err), STM_E_ENGINE);
        ck_assert_str_eq(err.msg, "core `SkylakeX` needs AVX-512 (f, bw, dq, vl), which this "
                                  "processor lacks");
    }
}
END_TEST

/* Every core that this processor runs loads under its own name and trains. */
START_TEST(every_core_loads)
{
    static const char *const names[] = {"SkylakeX",    "Haswell", "Zen",
                                        "Sandybridge", "Nehalem", "Prescott"};
    struct stm_err err = {0};
    int rc = stm_engine_open("openblas", names[_i], &err);
    if (rc) {
        ck_assert_ptr_nonnull(strstr(err.msg, "which this processor lacks"));
        return;
    }
    ck_assert_str_eq(stm_blas_core(), names[_i]);
    struct stm_trainer *t = trainer_of(TINY, "", 1);
    double before = measure(t, "loss(train)");
    for (int i = 0; i < 50; i++) stm_trainer_step(t, false);
    ck_assert_double_lt(measure(t, "loss(train)"), before);
    stm_trainer_free(t);
}
END_TEST
#endif

#define CHECK_GEMM(REAL, S, TOLERANCE)                                                             \
    do {                                                                                           \
        enum { M = 7, N = 11, K = 13 };                                                            \
        REAL a[M * K], b[K * N], c[M * N], want[M * N];                                            \
        for (int i = 0; i < M * K; i++) a[i] = (REAL)sin(i);                                       \
        for (int i = 0; i < K * N; i++) b[i] = (REAL)cos(i);                                       \
        for (int mode = 0; mode < 8; mode++) {                                                     \
            bool ta = mode & 1, tb = mode & 2;                                                     \
            REAL beta = mode & 4 ? 1 : 0;                                                          \
            for (int i = 0; i < M; i++)                                                            \
                for (int j = 0; j < N; j++) {                                                      \
                    double sum = 0;                                                                \
                    for (int k = 0; k < K; k++)                                                    \
                        sum += (double)a[ta ? k * M + i : i * K + k] *                             \
                               (double)b[tb ? j * K + k : k * N + j];                              \
                    c[i * N + j] = 3;                                                              \
                    want[i * N + j] = (REAL)(2 * sum) + 3 * beta;                                  \
                }                                                                                  \
            stm_blas_gemm_##S(ta, tb, M, N, K, 2, a, ta ? M : K, b, tb ? K : N, beta, c, N);       \
            for (int i = 0; i < M * N; i++)                                                        \
                ck_assert_double_eq_tol((double)c[i], (double)want[i], TOLERANCE);                 \
        }                                                                                          \
    } while (0)

START_TEST(products)
{
    open_openblas();
    CHECK_GEMM(float, f32, 1e-5);
    CHECK_GEMM(double, f64, 1e-13);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine blas");
    TCase *tc = tcase_create("blas");
    tcase_add_test(tc, opens_once);
    tcase_add_test(tc, other_profiles_are_refused);
    tcase_add_test(tc, products);
#if defined(__x86_64__)
    tcase_add_test(tc, unknown_cores_are_refused);
    tcase_add_test(tc, a_core_is_forced_or_refused);
    tcase_add_loop_test(tc, every_core_loads, 0, 6);
#endif
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
