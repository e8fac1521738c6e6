/* Every kernel of one precision, at every width the processor runs, against a plain loop; sizes
 * around the multiples of a vector. Included twice by test_engine_kernels.c. */

/* Numbers of both signs that differ from call to call. */
static void R(numbers)(REAL *x, size_t n, uint32_t sub)
{
    static double draw[ROOM];
    stm_rand_normals(11, STM_STREAM_PERTURB, sub, draw, n);
    for (size_t i = 0; i < n; i++) x[i] = (REAL)draw[i];
}

static REAL R(tree)(const REAL *x, size_t n)
{
    REAL lane[16] = {0};
    for (size_t i = 0; i < n; i++) lane[i % 16] += x[i];
    for (int w = 8; w; w /= 2)
        for (int l = 0; l < w; l++) lane[l] += lane[l + w];
    return lane[0];
}

static double R(tree_squares)(const REAL *x, const REAL *y, size_t n)
{
    double lane[16] = {0};
    for (size_t i = 0; i < n; i++) {
        double d = (double)x[i] - (y ? (double)y[i] : 0);
        lane[i % 16] += d * d;
    }
    for (int w = 8; w; w /= 2)
        for (int l = 0; l < w; l++) lane[l] += lane[l + w];
    return lane[0];
}

static void R(check_elements)(const struct R(stm_kernels) * k, size_t n)
{
    static REAL x[ROOM], y[ROOM], z[ROOM], got[ROOM], got2[ROOM], want[ROOM], want2[ROOM];
    size_t bytes = n * sizeof(REAL);
    R(numbers)(x, n, 1);
    R(numbers)(y, n, 2);
    R(numbers)(z, n, 3);

    memcpy(got, y, bytes);
    k->add(got, x, n);
    for (size_t i = 0; i < n; i++) want[i] = y[i] + x[i];
    ck_assert_mem_eq(got, want, bytes);

    memcpy(got, x, bytes);
    k->scale(got, (REAL)1.7, n);
    for (size_t i = 0; i < n; i++) want[i] = x[i] * (REAL)1.7;
    ck_assert_mem_eq(got, want, bytes);

    memcpy(got, z, bytes);
    memcpy(got2, y, bytes);
    k->scatter(x, y, got, got2, n);
    for (size_t i = 0; i < n; i++) {
        REAL product = x[i] * y[i];
        want[i] = z[i] + product;
        want2[i] = y[i] + product;
    }
    ck_assert_mem_eq(got, want, bytes);
    ck_assert_mem_eq(got2, want2, bytes);

    double s = k->sum_squares(x, n), d = k->sum_squares_diff(x, y, n);
    ck_assert_double_eq(s, R(tree_squares)(x, NULL, n));
    ck_assert_double_eq(d, R(tree_squares)(x, y, n));
}

static void R(check_columns)(const struct R(stm_kernels) * k, size_t C, size_t T)
{
    static REAL x[ROOM], b[ROOM], got[ROOM], want[ROOM], ss[ROOM], top[ROOM], sum[ROOM];
    size_t n = C * T;
    R(numbers)(x, n, 4);
    R(numbers)(b, C > T ? C : T, 5);

    k->fill_rows(got, b, C, T);
    for (size_t i = 0; i < n; i++) want[i] = b[i / T];
    ck_assert_mem_eq(got, want, n * sizeof(REAL));

    memcpy(got, x, n * sizeof(REAL));
    k->mul_columns(got, b, C, T);
    for (size_t i = 0; i < n; i++) want[i] = x[i] * b[i % T];
    ck_assert_mem_eq(got, want, n * sizeof(REAL));

    k->column_squares(x, ss, C, T);
    for (size_t t = 0; t < T; t++) {
        want[t] = 0;
        for (size_t c = 0; c < C; c++) want[t] += x[c * T + t] * x[c * T + t];
    }
    ck_assert_mem_eq(ss, want, T * sizeof(REAL));

    for (size_t c = 0; c < C; c++) {
        REAL lanes[16] = {0};
        k->row_lanes(x + c * T, lanes, 1, T);
        k->lane_sums(lanes, got + c, 1);
        want[c] = R(tree)(x + c * T, T);
    }
    ck_assert_mem_eq(got, want, C * sizeof(REAL));

    memcpy(got, x, n * sizeof(REAL));
    k->softmax(got, top, sum, C, T);
    for (size_t t = 0; t < T; t++) {
        REAL most = x[t], terms[64];
        ck_assert_uint_le(C, 64);
        for (size_t c = 0; c < C; c++) most = x[c * T + t] > most ? x[c * T + t] : most;
        for (size_t c = 0; c < C; c++) {
            REAL e = x[c * T + t] - most;
            k->exp(&e, &e, 1);
            ck_assert_mem_eq(&e, &got[c * T + t], sizeof e);
            terms[c] = e;
        }
        ck_assert(most == top[t] && R(tree)(terms, C) == sum[t]);
    }
}

/* All outputs of the kernels with polynomials and roots, one after the other. */
static size_t R(outputs)(const struct R(stm_kernels) * k, size_t n, REAL *out)
{
    static REAL u[ROOM], v[ROOM];
    const struct stm_adamw_step s = {.beta1 = 0.9,
                                     .beta2 = 0.999,
                                     .eps = 1e-8,
                                     .step = 1e-3 / 0.1,
                                     .inv_c2 = 1000,
                                     .pre = 1,
                                     .post = 0.999};
    REAL *e = out, *p = e + n, *m = p + n, *w = m + n;
    REAL *f = w + n, *h = f + n, *g = h + n;
    R(numbers)(u, n, 6);
    R(numbers)(v, n, 7);
    k->scale(u, 4, n);
    for (int act = 0; act < STM_ACTS; act++, h += 2 * n, g = h + n) {
        k->act_grad[act](u, v, h, g, n);
        k->act[act](u, v, f, n);
        ck_assert_mem_eq(f, h, n * sizeof(REAL));
    }
    k->exp(u, e, n);
    R(numbers)(p, n, 8);
    R(numbers)(m, n, 9);
    for (size_t i = 0; i < n; i++) w[i] = m[i] * m[i];
    k->adamw(p, m, w, u, n, &s);
    return (5 + 2 * STM_ACTS) * n;
}

static void R(check_all)(void)
{
    static REAL first[13 * ROOM], other[13 * ROOM];
    for (const struct stm_width *w = stm_widths(); w->f32; w++) {
        for (size_t n = 1; n <= 67; n++) {
            R(check_elements)(w->KERNELS, n);
            R(check_columns)(w->KERNELS, n % 7 + 1, n);
            size_t total = R(outputs)(stm_widths()->KERNELS, n, first);
            R(outputs)(w->KERNELS, n, other);
            ck_assert_msg(memcmp(first, other, total * sizeof(REAL)) == 0, "%s, n = %zu", w->name,
                          n);
        }
        R(check_columns)(w->KERNELS, 13, 192);
    }
}

/* exp, and every activation with its slope, of u[SWEEP]: any two kernel sets give the same bits.
 * Which NaN it is may differ. */
static void R(sweep_outputs)(const struct R(stm_kernels) * k, const REAL *u, REAL *out)
{
    static REAL v[SWEEP];
    for (size_t i = 0; i < SWEEP; i++) v[i] = (REAL)-0.0; /* u + v is u, its sign too */
    k->exp(u, out, SWEEP);
    for (int act = 0; act < STM_ACTS; act++)
        k->act_grad[act](u, v, out + (1 + 2 * act) * SWEEP, out + (2 + 2 * act) * SWEEP, SWEEP);
}

static void R(check_widths)(const REAL *u)
{
    enum { OUT = (1 + 2 * STM_ACTS) * SWEEP };
    static REAL first[OUT], other[OUT];
    R(sweep_outputs)(stm_widths()->KERNELS, u, first);
    for (const struct stm_width *w = stm_widths() + 1; w->f32; w++) {
        R(sweep_outputs)(w->KERNELS, u, other);
        if (memcmp(first, other, sizeof first) == 0) continue;
        for (size_t i = 0; i < OUT; i++)
            ck_assert_msg((isnan(first[i]) && isnan(other[i])) ||
                              memcmp(&first[i], &other[i], sizeof *first) == 0,
                          "%s: output %zu of %a: %a, %a", w->name, i / SWEEP, (double)u[i % SWEEP],
                          (double)first[i], (double)other[i]);
    }
}
