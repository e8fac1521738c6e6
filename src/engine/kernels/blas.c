#define _GNU_SOURCE /* dladdr */
#include "engine/kernels/blas.h"

#include <assert.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

/* cblas.h's values. */
enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };

typedef void sgemm_fn(int, int, int, int, int, int, float, const float *, int, const float *, int,
                      float, float *, int);
typedef void dgemm_fn(int, int, int, int, int, int, double, const double *, int, const double *,
                      int, double, double *, int);

static struct {
    void *handle;
    sgemm_fn *sgemm;
    dgemm_fn *dgemm;
    char version[48], core[32], library[512];
} blas;

/* ---- core types ---- */

#if defined(__x86_64__)
static bool has_any(void) { return true; }
static bool has_sse42(void) { return __builtin_cpu_supports("sse4.2"); }
static bool has_avx(void) { return __builtin_cpu_supports("avx"); }
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

/* OpenBLAS core types that stemma asks for, best first; the first `automatic` one that the
 * processor runs is taken. */
static const struct core {
    const char *name;
    bool automatic;
    bool (*runs)(void);
    const char *needs;
} cores[] = {
    {"SkylakeX", true, has_avx512, "AVX-512 (f, bw, dq, vl)"},
    {"Haswell", true, has_avx2, "AVX2 and FMA"},
    {"Zen", false, has_avx2, "AVX2 and FMA"},
    {"Sandybridge", false, has_avx, "AVX"},
    {"Nehalem", true, has_sse42, "SSE4.2"},
    {"Prescott", true, has_any, "SSE3"},
};
enum { N_CORES = sizeof cores / sizeof *cores };

static const char *best_core(void)
{
    __builtin_cpu_init();
    for (size_t i = 0; i < N_CORES; i++)
        if (cores[i].automatic && cores[i].runs()) return cores[i].name;
    return NULL;
}

static int check_core(const char *name, struct stm_err *err)
{
    char list[128] = "";
    __builtin_cpu_init();
    for (size_t i = 0; i < N_CORES; i++) {
        if (strcmp(cores[i].name, name) == 0) {
            if (cores[i].runs()) return 0;
            return stm_fail(err, STM_E_ENGINE, "core `%s` needs %s, which this processor lacks",
                            name, cores[i].needs);
        }
        size_t n = strlen(list);
        snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", cores[i].name);
    }
    return stm_fail(err, STM_E_ENGINE, "unknown BLAS core `%s`; there is %s", name, list);
}
#else
/* On other processors OpenBLAS chooses; what it chose is recorded. */
static const char *best_core(void) { return NULL; }

static int check_core(const char *name, struct stm_err *err)
{
    return stm_fail(err, STM_E_ENGINE, "BLAS core `%s` cannot be forced on this processor", name);
}
#endif

/* ---- loading ---- */

/* The serial build first: it starts no threads. */
static const char *const libraries[] = {
    "/usr/lib/x86_64-linux-gnu/openblas-serial/libopenblas.so.0",
    "/usr/lib/aarch64-linux-gnu/openblas-serial/libopenblas.so.0",
    "libopenblas.so.0",
    "libopenblas.so",
};

static void *load_library(void)
{
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        void *h = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
        if (h) return h;
    }
    return NULL;
}

/* A symbol into a function pointer, as POSIX has it. */
static bool resolve(void *handle, const char *name, void *fn)
{
    void *p = dlsym(handle, name);
    memcpy(fn, &p, sizeof p);
    return p != NULL;
}

/* "OpenBLAS 0.3.21 NO_LAPACKE ..." -> "0.3.21-serial" */
static void set_version(const char *config)
{
    char version[24] = "unknown";
    const char *threads =
        strstr(config, "MAX_THREADS=") && !strstr(config, "SINGLE_THREADED") ? "threads" : "serial";
    if (sscanf(config, "OpenBLAS %23s", version) != 1) strcpy(version, "unknown");
    snprintf(blas.version, sizeof blas.version, "%s-%s", version, threads);
}

/* Where the library came from; the name it was asked by when the system cannot tell. */
static void set_library(void)
{
    Dl_info info;
    void *p;
    memcpy(&p, &blas.sgemm, sizeof p);
    const char *path = dladdr(p, &info) && info.dli_fname ? info.dli_fname : "libopenblas.so.0";
    snprintf(blas.library, sizeof blas.library, "%s", path);
}

static int load(const char *core, struct stm_err *err)
{
    if ((core && setenv("OPENBLAS_CORETYPE", core, 1)) || setenv("OPENBLAS_NUM_THREADS", "1", 1))
        return stm_fail(err, STM_E_NOMEM, "no memory for the environment of OpenBLAS");
    void *h = load_library();
    if (!h)
        return stm_fail(err, STM_E_ENGINE, "no OpenBLAS library (%s); install libopenblas0",
                        "libopenblas.so.0");
    char *(*corename)(void), *(*config)(void);
    void (*threads)(int);
    if (!resolve(h, "cblas_sgemm", &blas.sgemm) || !resolve(h, "cblas_dgemm", &blas.dgemm) ||
        !resolve(h, "openblas_get_corename", &corename) ||
        !resolve(h, "openblas_get_config", &config) ||
        !resolve(h, "openblas_set_num_threads", &threads)) {
        dlclose(h);
        return stm_fail(err, STM_E_ENGINE, "the OpenBLAS library lacks functions stemma needs");
    }
    threads(1);
    if (core && strcmp(corename(), core) != 0) {
        stm_fail(err, STM_E_ENGINE, "OpenBLAS took core `%s` where `%s` was asked for", corename(),
                 core);
        dlclose(h);
        return STM_E_ENGINE;
    }
    snprintf(blas.core, sizeof blas.core, "%s", corename());
    set_version(config());
    set_library();
    blas.handle = h;
    return 0;
}

int stm_blas_open(const char *core, struct stm_err *err)
{
    if (core) {
        int rc = check_core(core, err);
        if (rc) return rc;
    }
    if (!core) core = best_core();
    if (!blas.handle) return load(core, err);
    if (!core || strcmp(core, blas.core) == 0) return 0;
    return stm_fail(err, STM_E_ENGINE,
                    "OpenBLAS is loaded with core `%s`; `%s` needs a new process", blas.core, core);
}

const char *stm_blas_version(void) { return blas.version; }
const char *stm_blas_core(void) { return blas.core; }
const char *stm_blas_library(void) { return blas.library; }

/* ---- products ---- */

void stm_blas_gemm_f32(bool ta, bool tb, int m, int n, int k, float alpha, const float *a, int lda,
                       const float *b, int ldb, float beta, float *c, int ldc)
{
    assert(blas.sgemm && "stm_engine_open first");
    blas.sgemm(ROW_MAJOR, ta ? TRANS : NO_TRANS, tb ? TRANS : NO_TRANS, m, n, k, alpha, a, lda, b,
               ldb, beta, c, ldc);
}

void stm_blas_gemm_f64(bool ta, bool tb, int m, int n, int k, double alpha, const double *a,
                       int lda, const double *b, int ldb, double beta, double *c, int ldc)
{
    assert(blas.dgemm && "stm_engine_open first");
    blas.dgemm(ROW_MAJOR, ta ? TRANS : NO_TRANS, tb ? TRANS : NO_TRANS, m, n, k, alpha, a, lda, b,
               ldb, beta, c, ldc);
}
