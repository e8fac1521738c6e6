#include "engine/kernels/products.h"

#include "engine/kernels/blas.h"

static bool use_blas;

const struct stm_products_f32 *stm_p_f32(void) { return stm_width_chosen()->products_f32; }
const struct stm_products_f64 *stm_p_f64(void) { return stm_width_chosen()->products_f64; }

void stm_gemm_use_blas(bool blas) { use_blas = blas; }
bool stm_gemm_is_blas(void) { return use_blas; }

void stm_gemm_f32(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
                  const float *b, size_t ldb, bool add, float *c, size_t ldc)
{
    if (use_blas)
        stm_blas_gemm_f32(ta, tb, (int)m, (int)n, (int)k, 1, a, (int)lda, b, (int)ldb, add, c,
                          (int)ldc);
    else
        stm_p_f32()->gemm(ta, tb, m, n, k, a, lda, b, ldb, add, c, ldc);
}

void stm_gemm_f64(bool ta, bool tb, size_t m, size_t n, size_t k, const double *a, size_t lda,
                  const double *b, size_t ldb, bool add, double *c, size_t ldc)
{
    if (use_blas)
        stm_blas_gemm_f64(ta, tb, (int)m, (int)n, (int)k, 1, a, (int)lda, b, (int)ldb, add, c,
                          (int)ldc);
    else
        stm_p_f64()->gemm(ta, tb, m, n, k, a, lda, b, ldb, add, c, ldc);
}
