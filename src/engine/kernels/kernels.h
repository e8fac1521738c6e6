/* The kernels that are not matrix products: element-wise loops and a few sums.
 *
 * Every kernel gives the same bits at every vector width (docs/numerics.md): the same source is
 * compiled for the plain processor, AVX2 and AVX-512, with multiply-adds fused where it says so and
 * nowhere else; an element's value depends on no other element; a sum over a whole array runs in 16
 * fixed lanes (index mod 16, ascending) that are added in the tree 8-4-2-1; other sums run in
 * ascending order. No libm function but sqrt, and fma where there is no instruction for it. The
 * widest variant that the processor runs is chosen by stm_engine_open.
 *
 * Shapes: T pairs of a tile are the fast index of `logits` [C][T] (class major), so that soft-max
 * sums run over classes with the pairs as lanes.
 */
#ifndef STEMMA_ENGINE_KERNELS_H
#define STEMMA_ENGINE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Pairs of a tile at the most. With OpenBLAS's products it decides the order of the sums over pairs
 * in the gradients of weights, so it belongs to that profile's version; with stemma's own it moves
 * no bit. */
enum { STM_TILE = 192 };

/* Activations; stm_act_names has their names. gelu is the exact one, x * Phi(x); relu'(0) is 0. */
enum stm_act { STM_ACT_GELU, STM_ACT_RELU, STM_ACT_SQUARE, STM_ACT_TANH, STM_ACTS };
extern const char *const stm_act_names[STM_ACTS + 1]; /* ends with NULL */

/* What one AdamW update of one tensor needs; float64, rounded to the tensor's type once. */
struct stm_adamw_step {
    double beta1, beta2, eps;
    double step;      /* lr / (1 - beta1^t) */
    double inv_c2;    /* 1 / (1 - beta2^t) */
    double pre, post; /* decay factor before and after the update; 1 is none */
};

#define STM_KERNEL_TABLE(REAL, S)                                                                  \
    struct stm_kernels_##S {                                                                       \
        const char *name; /* "c", "avx2", "avx512" */                                              \
        /* y[n] = exp(x[n]); 0 below the range of normal numbers; overwrites; y may be x */        \
        void (*exp)(const REAL *x, REAL *y, size_t n);                                             \
        /* x[n] = u[n] + v[n]; h[n] = act(x), g[n] = act'(x); overwrites */                        \
        void (*act_grad[STM_ACTS])(const REAL *u, const REAL *v, REAL *h, REAL *g, size_t n);      \
        /* h[n] = act(u[n] + v[n]), the same bits as act_grad; overwrites */                       \
        void (*act[STM_ACTS])(const REAL *u, const REAL *v, REAL *h, size_t n);                    \
        /* x = dh[n] * g[n]; du[n] += x, dv[n] += x */                                             \
        void (*scatter)(const REAL *dh, const REAL *g, REAL *du, REAL *dv, size_t n);              \
        /* y[n] += x[n] */                                                                         \
        void (*add)(REAL * y, const REAL *x, size_t n);                                            \
        /* x[n] *= a */                                                                            \
        void (*scale)(REAL * x, REAL a, size_t n);                                                 \
        /* x[c][T] = rows[c]; overwrites */                                                        \
        void (*fill_rows)(REAL * x, const REAL *rows, size_t C, size_t T);                         \
        /* Over classes, for each pair: top[T] the largest logit, and in place                     \
         * logits[c][T] = exp(logits[c][T] - top); sum[T] their sum, 16 lanes by c mod 16, tree    \
         * 8-4-2-1 */                                                                              \
        void (*softmax)(REAL * logits, REAL *top, REAL *sum, size_t C, size_t T);                  \
        /* x[c][T] *= w[T] */                                                                      \
        void (*mul_columns)(REAL * x, const REAL *w, size_t C, size_t T);                          \
        /* Sums over pairs: lanes[c][t mod 16] += x[c][t], ascending t; then rows[c] = the tree of \
         * lanes[c][16], which it overwrites */                                                    \
        void (*row_lanes)(const REAL *x, REAL *lanes, size_t C, size_t T);                         \
        void (*lane_sums)(REAL * lanes, REAL *rows, size_t C);                                     \
        /* ss[T] = sum over c of x[c][T]^2, ascending c; overwrites */                             \
        void (*column_squares)(const REAL *x, REAL *ss, size_t C, size_t T);                       \
        /* sum of x[n]^2 in float64 */                                                             \
        double (*sum_squares)(const REAL *x, size_t n);                                            \
        /* sum of (x[n] - y[n])^2 in float64 */                                                    \
        double (*sum_squares_diff)(const REAL *x, const REAL *y, size_t n);                        \
        /* one AdamW update of p[n] with its moments, from the gradient g[n] */                    \
        void (*adamw)(REAL * p, REAL *m, REAL *v, const REAL *g, size_t n,                         \
                      const struct stm_adamw_step *s);                                             \
    };

STM_KERNEL_TABLE(float, f32)
STM_KERNEL_TABLE(double, f64)

/* One compiled width. */
struct stm_width {
    const char *name;
    const struct stm_kernels_f32 *f32;
    const struct stm_kernels_f64 *f64;
    const struct stm_products_f32 *products_f32; /* products.h */
    const struct stm_products_f64 *products_f64;
};

/* The widths this processor can run, widest first; ends with NULL tables. */
const struct stm_width *stm_widths(void);

/* The chosen kernels; the widest until stm_kernels_choose says otherwise. */
const struct stm_kernels_f32 *stm_k_f32(void);
const struct stm_kernels_f64 *stm_k_f64(void);
const struct stm_width *stm_width_chosen(void);
/* Chooses a width by its place in stm_widths(). Before any trainer exists, or in a test. */
void stm_kernels_choose(size_t i);

#endif
