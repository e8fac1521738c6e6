/* StableMax in one precision; included twice by loss_stablemax.c. */

static inline REAL R(stable)(REAL x) { return x < 0 ? 1 / (1 - x) : x + 1; }

/* sum[T] of s over the classes, in 16 lanes (class mod 16) and the tree 8-4-2-1, as the soft-max.
 */
static void R(sums)(const struct stm_tile *tile, REAL *sum)
{
    const REAL *x = tile->logits;
    const size_t T = tile->T;
    for (size_t t = 0; t < T; t += 16) {
        const size_t n = T - t < 16 ? T - t : 16;
        REAL lane[16][16] = {{0}};
        for (size_t c = 0; c < tile->C; c++)
            for (size_t i = 0; i < n; i++) lane[c % 16][i] += R(stable)(x[c * T + t + i]);
        for (size_t w = 8; w; w /= 2)
            for (size_t l = 0; l < w; l++)
                for (size_t i = 0; i < 16; i++) lane[l][i] += lane[l + w][i];
        for (size_t i = 0; i < n; i++) sum[t + i] = lane[0][i];
    }
}

/* dlogits = s'(x) / sum, and at the label s'(x) / s(x) * (s(x) / sum - 1); s' is 1 or s^2. The
 * difference at the label is taken before the factors, as in the soft-max. */
static double R(grad)(struct stm_tile *tile, double factor)
{
    REAL *x = tile->logits, *sum = tile->sum, *top = tile->top, f = (REAL)factor;
    const size_t T = tile->T;
    double check = 0;
    R(sums)(tile, sum);
    for (size_t t = 0; t < T; t++) {
        REAL z = x[tile->label[t] * T + t], s = R(stable)(z);
        check += (double)sum[t];
        top[t] = (z < 0 ? s : 1 / s) * (s / sum[t] - 1) * f;
        sum[t] = f / sum[t];
    }
    for (size_t c = 0; c < tile->C; c++)
        for (size_t t = 0; t < T; t++) {
            REAL z = x[c * T + t], s = R(stable)(z);
            x[c * T + t] = (z < 0 ? s * s : 1) * sum[t];
        }
    for (size_t t = 0; t < T; t++) x[tile->label[t] * T + t] = top[t];
    return check;
}

/* log(sum) - log(s of the label), the sum in the precision of the loss. */
static void R(value)(const struct stm_tile *tile, double *loss)
{
    R(sums)(tile, tile->sum);
    for (size_t t = 0; t < tile->T; t++) {
        const REAL *x = tile->logits;
        double s = (double)R(stable)(x[tile->label[t] * tile->T + t]);
        loss[t] = log_of((double)((REAL *)tile->sum)[t]) - log_of(s);
    }
}

static void R(p_correct)(const struct stm_tile *tile, double *p)
{
    R(sums)(tile, tile->sum);
    for (size_t t = 0; t < tile->T; t++) {
        const REAL *x = tile->logits, *sum = tile->sum;
        p[t] = (double)(R(stable)(x[tile->label[t] * tile->T + t]) / sum[t]);
    }
}
