/* Opening the engine: which numerics decide the bits. */
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "engine/kernels/blas.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/products.h"
#include "stemma/engine.h"

/* The version of everything in this room that decides bits: kernels, orders of sums, random
 * streams; for openblas the tile too. It goes up when any of them changes. */
enum { PORTABLE_VERSION = 2, OPENBLAS_VERSION = 4 };

#ifdef __clang__
#define COMPILER "clang-" __clang_version__
#else
#define COMPILER "gcc-" __VERSION__
#endif

static char profile_text[160]; /* empty until the engine is open */
static bool is_openblas;

/* Takes the kernel set of STEMMA_KERNELS, else the widest. */
static int choose_kernels(struct stm_err *err)
{
    const char *name = getenv("STEMMA_KERNELS");
    char all[64] = "";
    if (!name || !*name) {
        stm_kernels_choose(0);
        return 0;
    }
    for (size_t i = 0; stm_widths()[i].f32; i++) {
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", stm_widths()[i].name);
        if (strcmp(stm_widths()[i].name, name) != 0) continue;
        stm_kernels_choose(i);
        return 0;
    }
    return stm_fail(err, STM_E_USAGE, "STEMMA_KERNELS=%s: this processor runs %s", name, all);
}

/* "clang-14.0.6 (tags/...)" and "gcc-12.2.0 20220819 (Red Hat)" end at the first blank. */
static int open_blas(const char *core, struct stm_err *err)
{
    if (!core) core = getenv("STEMMA_BLAS_CORE");
    if (core && !*core) core = NULL;
    int rc = stm_blas_open(core, err);
    if (rc) return rc;
    int compiler = (int)strcspn(COMPILER, " ");
    snprintf(profile_text, sizeof profile_text, "openblas/%d %s %s %.*s", OPENBLAS_VERSION,
             stm_blas_version(), stm_blas_core(), compiler, COMPILER);
    return 0;
}

int stm_engine_open(const char *profile, const char *blas_core, struct stm_err *err)
{
    const bool blas = profile && strcmp(profile, "openblas") == 0;
    if (profile && !blas && strcmp(profile, "portable") != 0)
        return stm_fail(err, STM_E_USAGE, "there is no profile `%s`; there is portable, openblas",
                        profile);
    if (blas_core && !blas)
        return stm_fail(err, STM_E_USAGE, "profile portable has no BLAS core `%s`", blas_core);
    if (profile_text[0] && blas != is_openblas)
        return stm_fail(err, STM_E_USAGE, "this process computes under profile %s already",
                        profile_text);
    int rc = choose_kernels(err);
    if (!rc && blas) rc = open_blas(blas_core, err);
    if (rc) return rc;
    if (!blas) snprintf(profile_text, sizeof profile_text, "portable/%d", PORTABLE_VERSION);
    is_openblas = blas;
    stm_gemm_use_blas(blas);
    return 0;
}

const char *stm_engine_kernels(void) { return stm_width_chosen()->name; }

const char *stm_engine_profile(void)
{
    assert(profile_text[0] && "stm_engine_open first");
    return profile_text;
}
