/* Matrix products. The only pair of files that knows OpenBLAS.
 *
 * The library is loaded with dlopen, after its kernels were chosen through OPENBLAS_CORETYPE: left
 * to itself an old OpenBLAS on a new processor takes SSE3 kernels, and the core type decides bits.
 * One thread. Opened once a process by stm_engine_open.
 */
#ifndef STEMMA_ENGINE_KERNELS_BLAS_H
#define STEMMA_ENGINE_KERNELS_BLAS_H

#include <stdbool.h>

#include "stemma/err.h"

/* Loads the library with core type `core`, or the best one of this processor when it is NULL.
 * Does nothing when it is loaded already with that core. STM_E_ENGINE. */
int stm_blas_open(const char *core, struct stm_err *err);
/* Of the loaded library: "0.3.21-serial", "SkylakeX", "/usr/lib/.../libopenblas.so.0". */
const char *stm_blas_version(void);
const char *stm_blas_core(void);
const char *stm_blas_library(void);

/* C[m][n] = alpha * op(A) op(B) + beta * C, row-major, op(A)[m][k], op(B)[k][n]; `ta` and `tb` say
 * that A and B are stored transposed; lda, ldb, ldc are row lengths in elements. Overwrites with
 * beta = 0, accumulates with 1. The order of the sums over k is that of the core's kernel. */
void stm_blas_gemm_f32(bool ta, bool tb, int m, int n, int k, float alpha, const float *a, int lda,
                       const float *b, int ldb, float beta, float *c, int ldc);
void stm_blas_gemm_f64(bool ta, bool tb, int m, int n, int k, double alpha, const double *a,
                       int lda, const double *b, int ldb, double beta, double *c, int ldc);

#endif
