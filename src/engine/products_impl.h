/* The products of one kernel set in one precision; included by kernels_width.h after simd.h. */

/* Loops over arrays of vectors are unrolled: only then do these live in registers. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define EACH(i, n) UNROLL for (size_t i = 0; i < (n); i++)
#define INLINE     static inline __attribute__((always_inline)) void

enum { R(PANEL) = BLOCK_VECS * LANES, R(BLOCK_ROWS) = 6 };
/* Columns of a group, at least two cache lines, and panels in it. */
enum {
    R(GROUP) = (int)sizeof(REAL[R(PANEL)]) > 128 ? R(PANEL) : 128 / (int)sizeof(REAL),
    R(PANELS) = R(GROUP) / R(PANEL)
};
/* Of k at a time, so that a group of the right factor stays in the first cache. */
enum { R(K_MAX) = 32768 / (int)sizeof(REAL[R(GROUP)]) };

typedef VEC R(block)[R(BLOCK_ROWS)][BLOCK_VECS];

/* sum[r] += a[r * a_row + l * a_k] * b[l] over l < k, for `rows` (a constant) rows of the left
 * factor and a panel of the right one. */
INLINE R(block_sum)(const size_t rows, size_t k, const REAL *a, size_t a_row, size_t a_k,
                    const REAL *b, VEC (*sum)[BLOCK_VECS])
{
    const REAL *row[R(BLOCK_ROWS)];
    R(block) acc;
    EACH (r, rows) {
        row[r] = a + r * a_row;
        EACH (v, BLOCK_VECS) acc[r][v] = sum[r][v];
    }
    for (size_t l = 0, at = 0; l < k; l++, at += a_k, b += R(PANEL)) {
        VEC right[BLOCK_VECS];
        EACH (v, BLOCK_VECS) right[v] = V_LOAD(b + v * LANES);
        EACH (r, rows) {
            const VEC left = V_ALL(row[r][at]);
            EACH (v, BLOCK_VECS) acc[r][v] = V_FMA(left, right[v], acc[r][v]);
        }
    }
    EACH (r, rows)
        EACH (v, BLOCK_VECS) sum[r][v] = acc[r][v];
}

/* `rows` rows from row i of the result. */
INLINE R(multiply_rows)(const size_t rows, const struct R(stm_product) * p, size_t i)
{
    static const REAL zeros[R(PANEL)] = {0};
    const REAL *start = p->start ? p->start + i * p->start_row : zeros;
    const size_t start_row = p->start ? p->start_row : 0, n = p->n;
    REAL *c = p->c + i * p->ldc;
    R(block) sum;
    EACH (r, rows)
        EACH (v, BLOCK_VECS) {
            const size_t j = v * LANES;
            const REAL *from = start + r * start_row + j;
            sum[r][v] = j + LANES <= n ? V_LOAD(from) : V_LOAD_N(from, j < n ? n - j : 0);
        }
    R(block_sum)(rows, p->k, p->a + i * p->a_row, p->a_row, p->a_k, p->b, sum);
    EACH (r, rows)
        EACH (v, BLOCK_VECS) {
            const size_t j = v * LANES;
            REAL *to = c + r * p->ldc + j;
            if (j + LANES <= n)
                V_STORE(to, sum[r][v]);
            else if (j < n)
                V_STORE_N(to, sum[r][v], n - j);
        }
}

/* One activation over a panel: `both` gives h and slope, `value` h alone, from x. */
#define HIDDEN(name, both, value)                                                                  \
    static void R(hidden_##name)(const struct R(stm_hidden) * x)                                   \
    {                                                                                              \
        REAL *restrict h = x->h, *restrict slope = x->slope;                                       \
        for (size_t t = 0; t < x->T; t++, h += R(PANEL)) {                                         \
            const REAL *restrict u = x->u + x->at_a[t] * (size_t)R(PANEL);                         \
            const REAL *restrict v = x->v + x->at_b[t] * (size_t)R(PANEL);                         \
            if (x->slope) {                                                                        \
                for (int j = 0; j < R(PANEL); j++) h[j] = both(u[j] + v[j], &slope[j]);            \
                slope += R(PANEL);                                                                 \
            } else {                                                                               \
                for (int j = 0; j < R(PANEL); j++) h[j] = value(u[j] + v[j]);                      \
            }                                                                                      \
        }                                                                                          \
    }
HIDDEN(gelu, R(gelu_grad1), R(gelu1))
HIDDEN(relu, R(relu_grad1), R(relu1))
HIDDEN(square, R(square_grad1), R(square1))
HIDDEN(tanh, R(tanh_grad1), R(tanh1))
#undef HIDDEN

/* `rows` pairs from pair t. */
INLINE R(hidden_grad_rows)(const size_t rows, const struct R(stm_hidden_grad) * x, size_t t)
{
    R(block) sum;
    EACH (r, rows)
        EACH (v, BLOCK_VECS) sum[r][v] = V_ALL(0);
    R(block_sum)(rows, x->C, x->dlogits + t, 1, x->T, x->w2t, sum);
    EACH (r, rows) {
        const REAL *slope = x->slope + (t + r) * R(PANEL);
        REAL *du = x->du + x->at_a[t + (size_t)r] * (size_t)R(PANEL);
        REAL *dv = x->dv + x->at_b[t + (size_t)r] * (size_t)R(PANEL);
        EACH (v, BLOCK_VECS) {
            const VEC g = V_MUL(sum[r][v], V_LOAD(slope + v * LANES));
            V_STORE(du + v * LANES, V_ADD(V_LOAD(du + v * LANES), g));
            V_STORE(dv + v * LANES, V_ADD(V_LOAD(dv + v * LANES), g));
        }
    }
}

/* A function of 1 to 6 rows as a table of six, each compiled for its number of rows. */
#define BY_ROWS(name, type)                                                                        \
    static __attribute__((noinline)) void R(name##_1)(const type *x, size_t i)                     \
    {                                                                                              \
        R(name)(1, x, i);                                                                          \
    }                                                                                              \
    static __attribute__((noinline)) void R(name##_2)(const type *x, size_t i)                     \
    {                                                                                              \
        R(name)(2, x, i);                                                                          \
    }                                                                                              \
    static __attribute__((noinline)) void R(name##_3)(const type *x, size_t i)                     \
    {                                                                                              \
        R(name)(3, x, i);                                                                          \
    }                                                                                              \
    static __attribute__((noinline)) void R(name##_4)(const type *x, size_t i)                     \
    {                                                                                              \
        R(name)(4, x, i);                                                                          \
    }                                                                                              \
    static __attribute__((noinline)) void R(name##_5)(const type *x, size_t i)                     \
    {                                                                                              \
        R(name)(5, x, i);                                                                          \
    }                                                                                              \
    static __attribute__((noinline)) void R(name##_6)(const type *x, size_t i)                     \
    {                                                                                              \
        R(name)(6, x, i);                                                                          \
    }                                                                                              \
    static void (*const R(name##_by_rows)[])(const type *, size_t) = {                             \
        R(name##_1), R(name##_2), R(name##_3), R(name##_4), R(name##_5), R(name##_6)};

BY_ROWS(multiply_rows, struct R(stm_product))
BY_ROWS(hidden_grad_rows, struct R(stm_hidden_grad))
#undef BY_ROWS

/* The height of the block at row i of m. Rows are dealt evenly over the blocks that are left, so
 * that none is much shorter than the others: a block of one row waits for its own sums. */
static inline size_t R(next_rows)(size_t i, size_t m)
{
    const size_t blocks = (m - i + R(BLOCK_ROWS) - 1) / R(BLOCK_ROWS);
    return (m - i + blocks - 1) / blocks;
}

static void R(multiply)(const struct R(stm_product) * whole)
{
    struct R(stm_product) part[R(PANELS)]; /* one a panel */
    size_t panels = 0;
    for (size_t j = 0; j < whole->n; j += R(PANEL), panels++) {
        part[panels] = *whole;
        part[panels].n = whole->n - j < R(PANEL) ? whole->n - j : R(PANEL);
        part[panels].b += panels * whole->b_panel;
        part[panels].c += panels * whole->c_panel;
        if (whole->start) part[panels].start += panels * whole->start_panel;
    }
    for (size_t from = 0, k; from == 0 || from < whole->k; from += k) {
        k = whole->k - from < R(K_MAX) ? whole->k - from : R(K_MAX);
        for (size_t v = 0; v < panels; v++) {
            struct R(stm_product) *p = &part[v];
            p->k = k;
            if (from == 0) continue;
            p->a += R(K_MAX) * p->a_k;
            p->b += R(K_MAX) * R(PANEL);
            p->start = p->c;
            p->start_row = p->ldc;
        }
        for (size_t i = 0, rows; i < whole->m; i += rows) {
            rows = R(next_rows)(i, whole->m);
            for (size_t v = 0; v < panels; v++) R(multiply_rows_by_rows)[rows - 1](&part[v], i);
        }
        if (k == 0) return;
    }
}

static void R(hidden_grad)(const struct R(stm_hidden_grad) * x)
{
    struct R(stm_hidden_grad) part[R(PANELS)];
    for (size_t v = 0; v < R(PANELS); v++) {
        part[v] = *x;
        part[v].w2t += v * x->C * R(PANEL);
        part[v].slope += v * x->slope_panel;
        part[v].du += v * x->tokens * R(PANEL);
        part[v].dv += v * x->tokens * R(PANEL);
    }
    for (size_t t = 0, rows; t < x->T; t += rows) {
        rows = R(next_rows)(t, x->T);
        for (size_t v = 0; v < R(PANELS); v++) R(hidden_grad_rows_by_rows)[rows - 1](&part[v], t);
    }
}

#if LANES > 1
/* log2(LANES) perfect shuffles (Stone 1971). */
INLINE R(transpose_block)(const REAL *in, size_t ldi, REAL *out, size_t ldo)
{
    VEC x[LANES], y[LANES];
    EACH (i, LANES) x[i] = V_LOAD(in + i * ldi);
    UNROLL for (int round = 1; round < LANES; round *= 2)
    {
        EACH (i, LANES / 2) {
            y[2 * i] = V_LOW(x[i], x[i + LANES / 2]);
            y[2 * i + 1] = V_HIGH(x[i], x[i + LANES / 2]);
        }
        EACH (i, LANES) x[i] = y[i];
    }
    EACH (i, LANES) V_STORE(out + i * ldo, x[i]);
}
#else
INLINE R(transpose_block)(const REAL *in, size_t ldi, REAL *out, size_t ldo)
{
    (void)ldi;
    (void)ldo;
    *out = *in;
}
#endif

static void R(transpose)(const REAL *in, size_t ldi, size_t rows, size_t cols, REAL *out,
                         size_t ldo)
{
    const size_t whole_rows = rows - rows % LANES, whole_cols = cols - cols % LANES;
    for (size_t r = 0; r < whole_rows; r += LANES)
        for (size_t c = 0; c < whole_cols; c += LANES)
            R(transpose_block)(in + r * ldi + c, ldi, out + c * ldo + r, ldo);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = r < whole_rows ? whole_cols : 0; c < cols; c++)
            out[c * ldo + r] = in[r * ldi + c];
}

/* A panel out[k][panel] = columns [j, j + n) of b or of its transpose, rows [from, from + k). */
static void R(pack)(bool tb, const REAL *b, size_t ldb, size_t j, size_t n, size_t from, size_t k,
                    REAL *out)
{
    if (tb) {
        R(transpose)(b + j * ldb + from, ldb, n, k, out, R(PANEL));
    } else if (n == R(PANEL)) {
        for (size_t l = 0; l < k; l++)
            memcpy(out + l * R(PANEL), b + (from + l) * ldb + j, R(PANEL) * sizeof(REAL));
    } else {
        for (size_t l = 0; l < k; l++)
            memcpy(out + l * R(PANEL), b + (from + l) * ldb + j, n * sizeof(REAL));
    }
    for (size_t l = 0; l < k && n < R(PANEL); l++)
        memset(out + l * R(PANEL) + n, 0, (R(PANEL) - n) * sizeof(REAL));
}

static void R(gemm)(bool ta, bool tb, size_t m, size_t n, size_t k, const REAL *a, size_t lda,
                    const REAL *b, size_t ldb, bool add, REAL *c, size_t ldc)
{
    _Alignas(64) REAL packed[R(K_MAX) * R(GROUP)];
    struct R(stm_product) p = {.m = m,
                               .a_row = ta ? 1 : lda,
                               .a_k = ta ? lda : 1,
                               .b = packed,
                               .ldc = ldc,
                               .start_row = ldc,
                               .c_panel = R(PANEL),
                               .start_panel = R(PANEL)};
    for (size_t j = 0; j < n; j += R(GROUP))
        for (size_t from = 0; from == 0 || from < k; from += R(K_MAX)) {
            p.n = n - j < R(GROUP) ? n - j : R(GROUP);
            p.k = k - from < R(K_MAX) ? k - from : R(K_MAX);
            p.b_panel = p.k * R(PANEL);
            for (size_t v = 0; v < p.n; v += R(PANEL)) R(pack)
            (tb, b, ldb, j + v, p.n - v < R(PANEL) ? p.n - v : R(PANEL), from, p.k,
             packed + v * p.k);
            p.a = a + from * p.a_k;
            p.c = c + j;
            p.start = add || from ? p.c : NULL;
            R(multiply)(&p);
        }
}

static const struct R(stm_products) R(products) = {
    .panel = R(PANEL),
    .group = R(GROUP),
    .multiply = R(multiply),
    .hidden = {R(hidden_gelu), R(hidden_relu), R(hidden_square), R(hidden_tanh)},
    .hidden_grad = R(hidden_grad),
    .transpose = R(transpose),
    .gemm = R(gemm),
};

#undef UNROLL
#undef EACH
#undef INLINE
