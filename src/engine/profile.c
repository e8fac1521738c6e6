/* Opening the engine: which numerics decide the bits. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "engine/blas.h"
#include "engine/kernels.h"
#include "stemma/engine.h"

/* The version of everything in this room that decides bits: kernels, tile size, orders of sums,
 * random streams. It goes up when any of them changes. */
enum { PROFILE_VERSION = 2 };

#ifdef __clang__
#define COMPILER "clang-" __clang_version__
#else
#define COMPILER "gcc-" __VERSION__
#endif

static char profile_text[160]; /* empty until the engine is open */

/* "clang-14.0.6 (tags/...)" and "gcc-12.2.0 20220819 (Red Hat)" end at the first blank. */
static void describe(void)
{
    int compiler = (int)strcspn(COMPILER, " ");
    snprintf(profile_text, sizeof profile_text, "openblas/%d %s %s %.*s", PROFILE_VERSION,
             stm_blas_version(), stm_blas_core(), compiler, COMPILER);
}

int stm_engine_open(const char *profile, const char *blas_core, struct stm_err *err)
{
    if (profile && strcmp(profile, "openblas") != 0)
        return stm_fail(err, STM_E_USAGE, "profile `%s` is not in this version; use openblas",
                        profile);
    if (!blas_core) blas_core = getenv("STEMMA_BLAS_CORE");
    if (blas_core && !*blas_core) blas_core = NULL;
    int rc = stm_blas_open(blas_core, err);
    if (rc) return rc;
    if (profile_text[0]) return 0;
    stm_kernels_choose(0);
    describe();
    return 0;
}

const char *stm_engine_profile(void)
{
    assert(profile_text[0] && "stm_engine_open first");
    return profile_text;
}
