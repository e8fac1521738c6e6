/* Products of matrices in the portable profile.
 *
 * Every element of a product is one chain of fused multiply-adds in ascending k, from zero or from
 * what is there (docs/numerics.md). A vector's lanes are elements of the result, so neither the
 * vector width nor a block size, nor cutting k into calls that continue each other, moves a bit.
 *
 * The right factor comes in panels: [k][panel], `panel` columns of it (256 bytes) side by side;
 * what lies past the last one is never part of a result. The result is cut into blocks of up to 6
 * rows and a few vectors, which stay in registers; the left factor is read one element at a time,
 * with any strides.
 */
#ifndef STEMMA_ENGINE_KERNELS_PRODUCTS_H
#define STEMMA_ENGINE_KERNELS_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/kernels/kernels.h"

#define STM_PRODUCTS_TABLE(REAL, S)                                                                \
    /* c[m][n], rows `ldc` apart, = start + a[m][k] b[k][n]. */                                    \
    struct stm_product_##S {                                                                       \
        size_t m, n, k;                                                                            \
        const REAL *a;                                                                             \
        size_t a_row, a_k; /* element (i, l) is a[i * a_row + l * a_k] */                          \
        const REAL *b;     /* [k][panel]; n <= panel */                                            \
        REAL *c;                                                                                   \
        size_t ldc;                                                                                \
        const REAL *start; /* rows `start_row` apart, may be c; NULL: zeros */                     \
        size_t start_row;                                                                          \
    };                                                                                             \
    /* Activations of one panel of hidden units: for each pair x = u[at_a] + v[at_b], h = act(x),  \
     * slope = act'(x). */                                                                         \
    struct stm_hidden_##S {                                                                        \
        size_t T;                                                                                  \
        const uint32_t *at_a, *at_b; /* [T] rows of u and v */                                     \
        const REAL *u, *v;           /* rows of `panel` */                                         \
        REAL *h;                     /* [T][panel], rows `ldh` apart */                            \
        size_t ldh;                                                                                \
        REAL *slope; /* [T][panel]; NULL: not wanted */                                            \
    };                                                                                             \
    /* What the tile's pairs add to gradients before an activation, in pair order: x = (d^T W^T)   \
     * slope, rounded; du[at_a] += x, dv[at_b] += x; one panel of hidden units. */                 \
    struct stm_hidden_grad_##S {                                                                   \
        size_t T, C;                                                                               \
        const REAL *d; /* [C][T], rows `ldd` apart: gradient of what the hidden units feed */      \
        size_t ldd;                                                                                \
        const REAL *wt;              /* [C][panel] */                                              \
        const REAL *slope;           /* [T][panel] */                                              \
        const uint32_t *at_a, *at_b; /* [T] rows of du and dv */                                   \
        REAL *du, *dv;               /* rows of `panel` */                                         \
        REAL *sums;                  /* [T][panel] scratch where C > 128; else not touched */      \
    };                                                                                             \
    struct stm_products_##S {                                                                      \
        size_t panel; /* columns: 64 of float32, 32 of float64 */                                  \
        void (*multiply)(const struct stm_product_##S *p);                                         \
        void (*hidden[STM_ACTS])(const struct stm_hidden_##S *x);                                  \
        void (*hidden_grad)(const struct stm_hidden_grad_##S *x);                                  \
        /* out[cols][rows], rows `ldo` apart, = in[rows][cols], rows `ldi` apart */                \
        void (*transpose)(const REAL *in, size_t ldi, size_t rows, size_t cols, REAL *out,         \
                          size_t ldo);                                                             \
        /* The product with both factors as they are stored, see stm_gemm_##S */                   \
        void (*gemm)(bool ta, bool tb, size_t m, size_t n, size_t k, const REAL *a, size_t lda,    \
                     const REAL *b, size_t ldb, bool add, REAL *c, size_t ldc);                    \
    };

STM_PRODUCTS_TABLE(float, f32)
STM_PRODUCTS_TABLE(double, f64)

/* Those of the chosen kernel set (stm_kernels_choose). */
const struct stm_products_f32 *stm_p_f32(void);
const struct stm_products_f64 *stm_p_f64(void);

/* Whose products the models use: those above, or OpenBLAS's (blas.h), which must be open. */
void stm_gemm_use_blas(bool blas);
bool stm_gemm_is_blas(void);

/* c[m][n] = op(a) op(b), or c + op(a) op(b) with `add`; row-major, op(a)[m][k], op(b)[k][n]; `ta`
 * and `tb` say that a and b are stored transposed; lda, ldb, ldc are row lengths in elements. */
void stm_gemm_f32(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
                  const float *b, size_t ldb, bool add, float *c, size_t ldc);
void stm_gemm_f64(bool ta, bool tb, size_t m, size_t n, size_t k, const double *a, size_t lda,
                  const double *b, size_t ldb, bool add, double *c, size_t ldc);

#endif
