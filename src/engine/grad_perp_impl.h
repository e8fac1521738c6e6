/* The projection in one precision; included twice by grad_perp.c. The products are summed in
 * float64, in ascending order. */
static void R(apply)(const double *arg, const void *param, void *grad, void *buffer, size_t n)
{
    const REAL *w = param;
    REAL *g = grad;
    double along = 0, square = 0;
    (void)arg;
    (void)buffer;
    for (size_t i = 0; i < n; i++) {
        along += (double)w[i] * (double)g[i];
        square += (double)w[i] * (double)w[i];
    }
    if (square == 0) return;
    const REAL a = (REAL)(along / square);
    for (size_t i = 0; i < n; i++) g[i] -= a * w[i];
}
