/* Cross-entropy in one precision; included twice by loss_cross_entropy.c. */

/* dlogits[c][t] = (p[c][t] - [c is the label]) * factor with p = exp / sum. At the label the
 * difference p - 1 is taken before the factor: p * factor - factor would round it to the grid of
 * the factor, half as fine again. It is 0 when the sum rounds to 1, the soft-max collapse of the
 * working precision. */
static double R(grad)(struct stm_tile *tile, double factor)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    REAL *x = tile->logits, *sum = tile->sum, *top = tile->top, f = (REAL)factor;
    double check = 0;
    k->softmax(x, top, sum, tile->C, tile->T);
    for (size_t t = 0; t < tile->T; t++) {
        check += (double)sum[t];
        top[t] = (x[tile->label[t] * tile->T + t] / sum[t] - (REAL)1) * f;
        sum[t] = f / sum[t];
    }
    k->mul_columns(x, sum, tile->C, tile->T);
    for (size_t t = 0; t < tile->T; t++) x[tile->label[t] * tile->T + t] = top[t];
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
