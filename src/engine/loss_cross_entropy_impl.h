/* Cross-entropy in one precision; included twice by loss_cross_entropy.c. */

/* dlogits[c][t] = exp[c][t] * (factor / sum[t]) - factor * [c is the label]: exactly 0 at the label
 * when the sum rounds to 1, the soft-max collapse of that precision. */
static double R(grad)(struct stm_tile *tile, double factor)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    REAL *x = tile->logits, *sum = tile->sum, f = (REAL)factor;
    double check = 0;
    k->softmax(x, tile->top, sum, tile->C, tile->T);
    for (size_t t = 0; t < tile->T; t++) {
        check += (double)sum[t];
        sum[t] = f / sum[t];
    }
    k->mul_columns(x, sum, tile->C, tile->T);
    for (size_t t = 0; t < tile->T; t++) x[tile->label[t] * tile->T + t] -= f;
    return check;
}

/* log(sum) - (logit of the label - top), the sum in the working precision. */
static void R(value)(const struct stm_tile *tile, double *loss)
{
    const REAL *x = tile->logits, *top = tile->top, *sum = tile->sum;
    for (size_t t = 0; t < tile->T; t++) {
        double z = (double)(x[tile->label[t] * tile->T + t] - top[t]), s = (double)sum[t];
        loss[t] = (s >= 1 ? stm_log(s) : s) - z; /* s < 1 only as NaN */
    }
}
