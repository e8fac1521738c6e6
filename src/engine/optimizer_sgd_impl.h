/* Gradient descent in one precision; included twice by optimizer_sgd.c. */
static void R(update)(const double *arg, const double *scalar, const struct stm_slot *slot)
{
    const double decay = slot->decay ? arg[DECAY] : 0, factor = 1 - arg[LR] * decay;
    const REAL lr = (REAL)arg[LR], momentum = (REAL)arg[MOMENTUM],
               l2 = arg[ORDER] == COUPLED ? (REAL)decay : 0,
               pre = arg[ORDER] == DECAY_THEN_STEP ? (REAL)factor : 1,
               post = arg[ORDER] == STEP_THEN_DECAY ? (REAL)factor : 1;
    REAL *restrict p = slot->param, *restrict m = slot->moment[0];
    const REAL *restrict g = slot->grad;
    (void)scalar;
    for (size_t i = 0; i < slot->n; i++) {
        REAL mi = momentum * m[i] + (g[i] + l2 * p[i]);
        m[i] = mi;
        p[i] = (p[i] * pre - lr * mi) * post;
    }
}
