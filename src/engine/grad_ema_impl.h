/* The moving average in one precision; included twice by grad_ema.c. */
static void R(apply)(const double *arg, const void *param, void *grad, void *buffer, size_t n)
{
    const REAL keep = (REAL)arg[0], take = (REAL)(1 - arg[0]), lambda = (REAL)arg[1];
    REAL *restrict g = grad, *restrict m = buffer;
    (void)param;
    for (size_t i = 0; i < n; i++) {
        REAL mi = keep * m[i] + take * g[i];
        m[i] = mi;
        g[i] += lambda * mi;
    }
}
