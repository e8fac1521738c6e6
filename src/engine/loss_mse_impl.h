/* Squared error in one precision; included twice by loss_mse.c. */

/* dlogits[c][t] = 2 * factor * (logits[c][t] - [c is the label]). What it returns is finite when
 * the largest error is. */
static double R(grad)(struct stm_tile *tile, double factor)
{
    REAL *x = tile->logits, f = (REAL)(2 * factor);
    const size_t T = tile->T, n = tile->C * T;
    double check = 0;
    for (size_t t = 0; t < T; t++) x[tile->label[t] * T + t] -= 1;
    for (size_t i = 0; i < n; i++) x[i] *= f;
    for (size_t i = 0; i < n; i++) check += (double)x[i];
    return check;
}

/* The sum over classes in float64, ascending. */
static void R(value)(const struct stm_tile *tile, double *loss)
{
    const REAL *x = tile->logits;
    const size_t T = tile->T;
    for (size_t t = 0; t < T; t++) loss[t] = 0;
    for (size_t c = 0; c < tile->C; c++)
        for (size_t t = 0; t < T; t++) {
            double e = (double)x[c * T + t] - (c == tile->label[t]);
            loss[t] += e * e;
        }
}
