/* Hidden units in panels (products.h): what the models share in the fast case of the portable
 * profile.
 *
 * An array [n][H] lies in panels of [n][panel], so that no right factor has to be packed and a
 * panel's rows stay in the first cache. What lies past the last unit or pair is never part of a
 * result. The panels of a tile have STM_TILE
 * rows, however many pairs it has. Logits are computed with pairs as lanes, from the transposed
 * activations, which lie in panels of pairs: [H][panel].
 */
#ifndef STEMMA_ENGINE_KERNELS_PANELS_H
#define STEMMA_ENGINE_KERNELS_PANELS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/kernels/products.h"

#define STM_PANELS_DECLARE(REAL, S)                                                                \
    /* How many panels n columns take, and how many of them panel j has. */                        \
    size_t stm_panels_##S(size_t n);                                                               \
    size_t stm_panel_width_##S(size_t n, size_t j);                                                \
    /* out = in[rows][n], rows `ldi` apart, in panels; and back. */                                \
    void stm_to_panels_##S(const REAL *in, size_t ldi, size_t rows, size_t n, REAL *out);          \
    void stm_from_panels_##S(const REAL *in, size_t rows, size_t n, REAL *out);                    \
    /* out = the transpose of in[n][cols] in panels of [cols][panel], past the n-th column as it   \
     * was; and back. */                                                                           \
    void stm_to_panels_transposed_##S(const REAL *in, size_t n, size_t cols, REAL *out);           \
    void stm_from_panels_transposed_##S(const REAL *in, size_t n, size_t cols, REAL *out);         \
    /* out[n] = the sum of the rows of panels of [rows][panel], ascending; overwrites. */          \
    void stm_sum_rows_##S(const REAL *in, size_t rows, size_t n, REAL *out);                       \
    /* Rows of panels that a tile's pairs read or add to: pair t has row at[t] of `rows`. */       \
    struct stm_rows_##S {                                                                          \
        REAL *panels;                                                                              \
        size_t rows;                                                                               \
        const uint32_t *at;                                                                        \
    };                                                                                             \
    /* How an array lies, lanes in panels: lane i of panel j in row r is at[j * step + r * row +   \
     * i]. Panels of `rows` rows; or, for left factors, whole rows of n one after the other, `row` \
     * such that a column is spread over all sets of the first cache. */                           \
    struct stm_layout_##S {                                                                        \
        REAL *at;                                                                                  \
        size_t step, row;                                                                          \
    };                                                                                             \
    struct stm_layout_##S stm_layout_panels_##S(REAL *at, size_t rows);                            \
    struct stm_layout_##S stm_layout_rows_##S(REAL *at, size_t n);                                 \
    /* Of T pairs, a row each: h = act(u + v), and slope, its derivative in panels of STM_TILE     \
     * rows, which may be NULL; ht is h transposed, a row each unit. */                            \
    void stm_activate_panels_##S(int act, size_t T, size_t H, struct stm_rows_##S u,               \
                                 struct stm_rows_##S v, struct stm_layout_##S h, REAL *slope,      \
                                 struct stm_layout_##S ht);                                        \
    /* ht = h transposed. */                                                                       \
    void stm_transpose_tile_##S(struct stm_layout_##S h, size_t T, size_t H,                       \
                                struct stm_layout_##S ht);                                         \
    /* logits[C][T] = (W^T h + bias) scale, of w[H][C]; ht in panels; bias NULL: none. */          \
    void stm_panels_logits_##S(size_t T, size_t C, size_t H, const REAL *w, const REAL *bias,      \
                               const REAL *ht, double scale, REAL *logits);                        \
    /* dwt, panels of [C][panel], += dlogits[C][T] h, h in panels. */                              \
    void stm_panels_out_grad_##S(size_t T, size_t C, size_t H, const REAL *dlogits, const REAL *h, \
                                 REAL *dwt);                                                       \
    /* hidden_grad over all panels of H units: du and dv are the rows `a` and `b`, what `first`    \
     * says of them is not read; its wt and slope are those of panel 0. */                         \
    void stm_panels_hidden_grad_##S(const struct stm_hidden_grad_##S *first, size_t H,             \
                                    struct stm_rows_##S a, struct stm_rows_##S b);

STM_PANELS_DECLARE(float, f32)
STM_PANELS_DECLARE(double, f64)

#endif
