/* Normalized logits in one precision; included twice by logits_normalize.c. Sums over classes run
 * in ascending order. */

/* length[T] = c / |x|. */
static void R(apply)(struct stm_tile *tile, double c)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    REAL *length = tile->length;
    k->column_squares(tile->logits, length, tile->C, tile->T);
    for (size_t t = 0; t < tile->T; t++) length[t] = length[t] > 0 ? (REAL)c / SQRT(length[t]) : 0;
    k->mul_columns(tile->logits, length, tile->C, tile->T);
}

/* dx = (dy - y (y . dy) / c^2) * c / |x| */
static void R(back)(struct stm_tile *tile, double c)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    const REAL *y = tile->seen, inv = (REAL)(1 / (c * c));
    REAL *g = tile->logits, *dot = tile->sum;
    const size_t T = tile->T;
    for (size_t t = 0; t < T; t++) dot[t] = 0;
    for (size_t class = 0; class < tile->C; class ++)
        for (size_t t = 0; t < T; t++) dot[t] += y[class * T + t] * g[class * T + t];
    for (size_t t = 0; t < T; t++) dot[t] *= inv;
    for (size_t class = 0; class < tile->C; class ++)
        for (size_t t = 0; t < T; t++) g[class * T + t] -= y[class * T + t] * dot[t];
    k->mul_columns(g, tile->length, tile->C, T);
}
