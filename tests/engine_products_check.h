/* The products of one precision, of every kernel set the processor runs, against chains of fma()
 * written down element by element: the same bits. Included twice by test_engine_products.c. */

static void R(fill)(struct stm_rand *r, REAL *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = (REAL)(stm_rand_uniform(r) - 0.5);
}

/* start + sum of a[l * a_k] * b[l * b_k] over l < k, ascending. */
static REAL R(chain)(REAL start, size_t k, const REAL *a, size_t a_k, const REAL *b, size_t b_k)
{
    for (size_t l = 0; l < k; l++) start = FMA(a[l * a_k], b[l * b_k], start);
    return start;
}

static void R(check_multiply)(const struct R(stm_products) * s, struct stm_rand *r, size_t m,
                              size_t n, size_t k, bool transposed, int start)
{
    static REAL a[ROOM], b[ROOM * PANEL_MAX / 8], c[ROOM], row[PANEL_MAX], want[ROOM];
    const size_t ldc = n + 3;
    struct R(stm_product) p = {.m = m, .n = n, .k = k, .a = a, .b = b, .c = c, .ldc = ldc};
    p.a_row = transposed ? 1 : k + 2;
    p.a_k = transposed ? m + 1 : 1;
    p.start = start == 0 ? NULL : start == 1 ? row : c;
    p.start_row = start == 2 ? ldc : 0;
    R(fill)(r, a, ROOM);
    R(fill)(r, b, k * s->panel);
    R(fill)(r, c, m * ldc);
    R(fill)(r, row, n);
    memcpy(want, c, sizeof want);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            want[i * ldc + j] = R(chain)(start == 0   ? 0
                                         : start == 1 ? row[j]
                                                      : c[i * ldc + j],
                                         k, a + i * p.a_row, p.a_k, b + j, s->panel);
    s->multiply(&p);
    ck_assert_mem_eq(c, want, m * ldc * sizeof(REAL));
}

static void R(check_gemm)(const struct R(stm_products) * s, struct stm_rand *r, size_t m, size_t n,
                          size_t k, int mode)
{
    static REAL a[ROOM], b[ROOM], c[ROOM], want[ROOM];
    const bool ta = mode & 1, tb = mode & 2, add = mode & 4;
    const size_t lda = (ta ? m : k) + 1, ldb = (tb ? k : n) + 2, ldc = n + 1;
    R(fill)(r, a, ROOM);
    R(fill)(r, b, ROOM);
    R(fill)(r, c, m * ldc);
    memcpy(want, c, sizeof want);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            want[i * ldc + j] = R(chain)(add ? c[i * ldc + j] : 0, k, a + (ta ? i : i * lda),
                                         ta ? lda : 1, b + (tb ? j * ldb : j), tb ? 1 : ldb);
    s->gemm(ta, tb, m, n, k, a, lda, b, ldb, add, c, ldc);
    ck_assert_mem_eq(c, want, m * ldc * sizeof(REAL));
}

static void R(check_transpose)(const struct R(stm_products) * s, struct stm_rand *r, size_t rows,
                               size_t cols)
{
    static REAL in[ROOM], out[ROOM], want[ROOM];
    const size_t ldi = cols + 3, ldo = rows + 2;
    R(fill)(r, in, rows * ldi);
    R(fill)(r, out, cols * ldo);
    memcpy(want, out, sizeof want);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++) want[j * ldo + i] = in[i * ldi + j];
    s->transpose(in, ldi, rows, cols, out, ldo);
    ck_assert_mem_eq(out, want, cols * ldo * sizeof(REAL));
}

/* Activations of T pairs of tokens < 5, and what they send back, a panel wide. */
static void R(check_hidden)(const struct stm_width *w, const struct R(stm_products) * s,
                            const struct R(stm_kernels) * k, struct stm_rand *r, size_t T, size_t C)
{
    enum { P = 5 };
    static REAL u[P * PANEL_MAX], v[P * PANEL_MAX], h[ROOM], slope[ROOM], alone[ROOM];
    static REAL want_h[ROOM], want_slope[ROOM], d[ROOM], wt[ROOM], sums[ROOM];
    static REAL du[P * PANEL_MAX], dv[P * PANEL_MAX], want_du[P * PANEL_MAX],
        want_dv[P * PANEL_MAX];
    const size_t panel = s->panel, ldd = T + 2, ldh = panel + 3;
    uint32_t a[64], b[64];
    for (size_t t = 0; t < T; t++) {
        a[t] = stm_rand_below(r, P);
        b[t] = stm_rand_below(r, P);
    }
    R(fill)(r, u, P * panel);
    R(fill)(r, v, P * panel);
    R(fill)(r, d, C * ldd);
    R(fill)(r, wt, C * panel);
    R(fill)(r, h, T * ldh);
    for (int act = 0; act < STM_ACTS; act++) {
        memcpy(alone, h, sizeof h);
        memcpy(want_h, h, sizeof h);
        struct R(stm_hidden)
            x = {.T = T, .at_a = a, .at_b = b, .u = u, .v = v, .h = h, .ldh = ldh, .slope = slope};
        s->hidden[act](&x);
        x.h = alone;
        x.slope = NULL;
        s->hidden[act](&x);
        for (size_t t = 0; t < T; t++)
            k->act_grad[act](u + a[t] * panel, v + b[t] * panel, want_h + t * ldh,
                             want_slope + t * panel, panel);
        ck_assert_mem_eq(h, want_h, T * ldh * sizeof(REAL));
        ck_assert_mem_eq(alone, want_h, T * ldh * sizeof(REAL));
        ck_assert_mem_eq(slope, want_slope, T * panel * sizeof(REAL));
    }
    R(fill)(r, du, P * panel);
    R(fill)(r, dv, P * panel);
    memcpy(want_du, du, sizeof du);
    memcpy(want_dv, dv, sizeof dv);
    const struct R(stm_hidden_grad) x = {.T = T,
                                         .C = C,
                                         .d = d,
                                         .ldd = ldd,
                                         .wt = wt,
                                         .slope = slope,
                                         .at_a = a,
                                         .at_b = b,
                                         .du = du,
                                         .dv = dv,
                                         .sums = sums};
    s->hidden_grad(&x);
    for (size_t t = 0; t < T; t++)
        for (size_t j = 0; j < panel; j++) {
            REAL dh = R(chain)(0, C, d + t, ldd, wt + j, panel);
            REAL g = dh * slope[t * panel + j];
            want_du[a[t] * panel + j] += g;
            want_dv[b[t] * panel + j] += g;
        }
    ck_assert_msg(!memcmp(du, want_du, P * panel * sizeof(REAL)), "%s", w->name);
    ck_assert_mem_eq(dv, want_dv, P * panel * sizeof(REAL));
}

static void R(check_all)(uint64_t seed)
{
    struct stm_rand r = stm_rand_at(seed, STM_STREAM_PERTURB, STM_REAL_BITS);
    static const size_t some[] = {0, 1, 2, 3, 7, 15, 16, 17, 31, 64, 65, 130};
    enum { SOME = sizeof some / sizeof *some };
    for (const struct stm_width *w = stm_widths(); w->f32; w++) {
        const struct R(stm_products) *s = w->PRODUCTS;
        ck_assert_uint_eq(PANEL_MAX % s->panel, 0);
        for (size_t m = 1; m <= 19; m++)
            for (size_t n = 1; n <= s->panel; n += m % 3 + 1)
                for (int start = 0; start < 3; start++)
                    R(check_multiply)(s, &r, m, n, some[(m + n) % SOME], n & 1, start);
        R(check_multiply)(s, &r, 5, s->panel, 300, true, 1); /* k in more than one part */
        R(check_multiply)(s, &r, 5, s->panel - 1, 257, false, 2);
        for (int mode = 0; mode < 8; mode++)
            for (int i = 0; i < 40; i++) R(check_gemm)
        (s, &r, 1 + stm_rand_below(&r, 20), 1 + stm_rand_below(&r, 90), stm_rand_below(&r, 40),
         mode);
        for (size_t rows = 1; rows <= 40; rows++)
            R(check_transpose)(s, &r, rows, 1 + stm_rand_below(&r, 50));
        for (size_t T = 1; T <= 20; T++)
            R(check_hidden)(w, s, w->KERNELS, &r, T, 1 + stm_rand_below(&r, 30));
        for (size_t C = 126; C <= 131; C++) R(check_hidden)(w, s, w->KERNELS, &r, C % 17, C);
        R(check_hidden)(w, s, w->KERNELS, &r, 13, 230); /* C in more than one part */
    }
}
