/* The products of one kernel set in one precision; included by kernels_width.h after simd.h. */

/* Loops over arrays of vectors are unrolled: only then do these live in registers. */
#ifdef __clang__
#define UNROLL   _Pragma("clang loop unroll(full)")
#define UNROLL_2 _Pragma("clang loop unroll_count(2)")
#else
#define UNROLL   _Pragma("GCC unroll 16")
#define UNROLL_2 _Pragma("GCC unroll 2")
#endif
#define EACH(i, n) UNROLL for (size_t i = 0; i < (n); i++)
#define INLINE     static inline __attribute__((always_inline)) void

enum { R(PANEL) = 256 / (int)sizeof(REAL) };
enum { R(BLOCK_ROWS) = 6, R(BLOCK_COLUMNS) = BLOCK_VECS * LANES };
/* Of k at a time: a panel of the right factor, 24 KB, and 6 rows of the left one, whose elements
 * may be a line each, stay in the first cache. */
enum { R(K_MAX) = 96 };
/* Of k in hidden_grad in one go, where a cut costs more than what it saves. */
enum { R(C_MAX) = 128 };

typedef VEC R(block)[R(BLOCK_ROWS)][BLOCK_VECS];

/* sum[r] += a[r * a_row + l * a_k] * b[l] over l < k, for `rows` (a constant) rows of the left
 * factor and the columns of a block of the right one. */
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

/* `rows` rows from row i, one block after the other. */
INLINE R(multiply_rows)(const size_t rows, const struct R(stm_product) * p, size_t i)
{
    static const REAL zeros[R(PANEL)] = {0};
    const REAL *start = p->start ? p->start + i * p->start_row : zeros;
    const REAL *a = p->a + i * p->a_row, *b = p->b;
    REAL *c = p->c + i * p->ldc;
    const size_t start_row = p->start ? p->start_row : 0, ldc = p->ldc, a_row = p->a_row,
                 a_k = p->a_k, k = p->k, n = p->n;
    for (size_t from = 0; from < n; from += R(BLOCK_COLUMNS)) {
        R(block) sum;
        EACH (r, rows)
            EACH (v, BLOCK_VECS) {
                const size_t j = from + v * LANES;
                const REAL *s = start + r * start_row + j;
                sum[r][v] = j + LANES <= n ? V_LOAD(s) : V_LOAD_N(s, j < n ? n - j : 0);
            }
        R(block_sum)(rows, k, a, a_row, a_k, b + from, sum);
        EACH (r, rows)
            EACH (v, BLOCK_VECS) {
                const size_t j = from + v * LANES;
                REAL *to = c + r * ldc + j;
                if (j + LANES <= n)
                    V_STORE(to, sum[r][v]);
                else if (j < n)
                    V_STORE_N(to, sum[r][v], n - j);
            }
    }
}

/* One activation over a panel. */
#define HIDDEN(name)                                                                               \
    static void R(hidden_##name)(const struct R(stm_hidden) * x)                                   \
    {                                                                                              \
        REAL *h = x->h, *slope = x->slope;                                                         \
        for (size_t t = 0; t < x->T; t++, h += x->ldh) {                                           \
            const REAL *u = x->u + x->at_a[t] * (size_t)R(PANEL);                                  \
            const REAL *v = x->v + x->at_b[t] * (size_t)R(PANEL);                                  \
            if (!slope) {                                                                          \
                for (size_t i = 0; i < R(PANEL); i += LANES)                                       \
                    V_STORE(h + i, R(name)(V_LOAD(u + i) + V_LOAD(v + i)));                        \
                continue;                                                                          \
            }                                                                                      \
            UNROLL_2 for (size_t i = 0; i < R(PANEL); i += LANES)                                  \
            {                                                                                      \
                VEC g, f = R(name##_grad)(V_LOAD(u + i) + V_LOAD(v + i), &g);                      \
                V_STORE(h + i, f);                                                                 \
                V_STORE(slope + i, g);                                                             \
            }                                                                                      \
            slope += R(PANEL);                                                                     \
        }                                                                                          \
    }
HIDDEN(gelu)
HIDDEN(relu)
HIDDEN(square)
HIDDEN(tanh)
#undef HIDDEN

/* at[r] += x[r] for r < rows in ascending order, the columns of a block from `from` on. Pairs are
 * sorted by their first token, so the rows are often one: it then stays in registers. */
INLINE R(add_rows)(const size_t rows, REAL *const *at, size_t from, VEC (*x)[BLOCK_VECS])
{
    bool one = true;
    EACH (r, rows) one &= at[r] == at[0];
    EACH (v, BLOCK_VECS) {
        const size_t j = from + v * LANES;
        if (one) {
            VEC sum = V_LOAD(at[0] + j);
            EACH (r, rows) sum = sum + x[r][v];
            V_STORE(at[0] + j, sum);
        } else {
            EACH (r, rows) V_STORE(at[r] + j, V_LOAD(at[r] + j) + x[r][v]);
        }
    }
}

/* `rows` pairs from pair t; with x->sums the sums start there. */
INLINE R(hidden_grad_rows)(const size_t rows, const struct R(stm_hidden_grad) * x, size_t t)
{
    const REAL *slope = x->slope + t * R(PANEL), *d = x->d + t, *wt = x->wt;
    const REAL *start = x->sums ? x->sums + t * R(PANEL) : NULL;
    const size_t C = x->C, ldd = x->ldd;
    REAL *du[R(BLOCK_ROWS)], *dv[R(BLOCK_ROWS)];
    EACH (r, rows) {
        du[r] = x->du + x->at_a[t + r] * (size_t)R(PANEL);
        dv[r] = x->dv + x->at_b[t + r] * (size_t)R(PANEL);
    }
    for (size_t from = 0; from < R(PANEL); from += R(BLOCK_COLUMNS)) {
        R(block) sum;
        EACH (r, rows)
            EACH (v, BLOCK_VECS)
                sum[r][v] = start ? V_LOAD(start + r * R(PANEL) + from + v * LANES) : V_ALL(0);
        R(block_sum)(rows, C, d, 1, ldd, wt + from, sum);
        EACH (r, rows)
            EACH (v, BLOCK_VECS)
                sum[r][v] = sum[r][v] * V_LOAD(slope + r * R(PANEL) + from + v * LANES);
        R(add_rows)(rows, du, from, sum);
        R(add_rows)(rows, dv, from, sum);
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

/* How much of n to take at i, `most` at a time: dealt evenly over the parts that are left, so that
 * none is much shorter than the others. A block of one row waits for its own sums; one of few k
 * does little but load and store them. */
static inline size_t R(next)(size_t i, size_t n, size_t most)
{
    const size_t parts = (n - i + most - 1) / most;
    return parts ? (n - i + parts - 1) / parts : 0;
}

static void R(multiply)(const struct R(stm_product) * whole)
{
    struct R(stm_product) p = *whole;
    for (size_t from = 0;; from += p.k) {
        p.k = R(next)(from, whole->k, R(K_MAX));
        for (size_t i = 0, rows; i < p.m; i += rows) {
            rows = R(next)(i, p.m, R(BLOCK_ROWS));
            R(multiply_rows_by_rows)[rows - 1](&p, i);
        }
        if (from + p.k >= whole->k) return;
        p.a += p.k * p.a_k;
        p.b += p.k * R(PANEL);
        p.start = p.c;
        p.start_row = p.ldc;
    }
}

static void R(hidden_grad)(const struct R(stm_hidden_grad) * whole)
{
    struct R(stm_hidden_grad) x = *whole;
    x.sums = NULL;
    if (x.C > R(C_MAX)) {
        const struct R(stm_product) first = {.m = x.T,
                                             .n = R(PANEL),
                                             .k = x.C - R(K_MAX),
                                             .a = x.d,
                                             .a_row = 1,
                                             .a_k = x.ldd,
                                             .b = x.wt,
                                             .c = whole->sums,
                                             .ldc = R(PANEL)};
        R(multiply)(&first);
        x.C = R(K_MAX);
        x.d += first.k * x.ldd;
        x.wt += first.k * R(PANEL);
        x.sums = whole->sums;
    }
    for (size_t t = 0, rows; t < x.T; t += rows) {
        rows = R(next)(t, x.T, R(BLOCK_ROWS));
        R(hidden_grad_rows_by_rows)[rows - 1](&x, t);
    }
}

#if LANES > 1
/* log2(V_GROUP) perfect shuffles (Stone 1971) of each group of rows; what two groups have made of
 * their columns is put side by side. */
INLINE R(transpose_block)(const REAL *in, size_t ldi, REAL *out, size_t ldo)
{
    VEC x[LANES], y[LANES];
    EACH (i, LANES) x[i] = V_LOAD(in + i * ldi);
    UNROLL for (int round = 1; round < V_GROUP; round *= 2)
    {
        EACH (i, LANES / 2) {
            const size_t g = i / (V_GROUP / 2) * (V_GROUP / 2), from = i + g;
            y[2 * i] = V_LOW(x[from], x[from + V_GROUP / 2]);
            y[2 * i + 1] = V_HIGH(x[from], x[from + V_GROUP / 2]);
        }
        EACH (i, LANES) x[i] = y[i];
    }
#ifdef V_FIRST
    EACH (i, V_GROUP) {
        y[i] = V_FIRST(x[i], x[i + V_GROUP]);
        y[i + V_GROUP] = V_LAST(x[i], x[i + V_GROUP]);
    }
#endif
    EACH (i, LANES) V_STORE(out + i * ldo, y[i]);
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

/* out[k][panel] = columns [j, j + n) of b or of its transpose, rows [from, from + k). */
static void R(pack)(bool tb, const REAL *b, size_t ldb, size_t j, size_t n, size_t from, size_t k,
                    REAL *out)
{
    if (tb) {
        R(transpose)(b + j * ldb + from, ldb, n, k, out, R(PANEL));
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
    _Alignas(64) REAL panel[R(K_MAX) * R(PANEL)];
    struct R(stm_product) p = {.m = m, .ldc = ldc, .a_row = ta ? 1 : lda, .a_k = ta ? lda : 1};
    for (size_t j = 0; j < n; j += R(PANEL)) {
        p.n = n - j < R(PANEL) ? n - j : R(PANEL);
        p.c = c + j;
        for (size_t from = 0;; from += p.k) {
            p.k = R(next)(from, k, R(K_MAX));
            p.a = a + from * p.a_k;
            p.b = panel;
            p.start = add || from ? p.c : NULL;
            p.start_row = ldc;
            R(pack)(tb, b, ldb, j, p.n, from, p.k, panel);
            R(multiply)(&p);
            if (from + p.k >= k) break;
        }
    }
}

static const struct R(stm_products) R(products) = {
    .panel = R(PANEL),
    .multiply = R(multiply),
    .hidden = {R(hidden_gelu), R(hidden_relu), R(hidden_square), R(hidden_tanh)},
    .hidden_grad = R(hidden_grad),
    .transpose = R(transpose),
    .gemm = R(gemm),
};

#undef UNROLL
#undef UNROLL_2
#undef EACH
#undef INLINE
