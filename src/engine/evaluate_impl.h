/* The fields of one tile in one precision; included twice by evaluate.c. */

/* The label's logit against the largest other one. Ties: the first largest class is the answer. */
static void R(compare)(const struct stm_tile *tile, double *correct, double *margin)
{
    const REAL *x = tile->logits;
    for (size_t t = 0; t < tile->T; t++) {
        size_t y = tile->label[t];
        REAL z = x[y * tile->T + t], other = (REAL)-INFINITY;
        bool beaten = z != z;
        for (size_t c = 0; c < tile->C; c++) {
            REAL v = x[c * tile->T + t];
            if (c == y) continue;
            if (v > other || v != v) other = v;
            if (v > z || v != v || (v == z && c < y)) beaten = true;
        }
        correct[t] = !beaten;
        margin[t] = (double)(z - other);
    }
}

/* Fills the fields of pairs at, at + 1, ... but the loss, and the tile's exp, top and sum. */
static void R(fields)(struct stm_trainer *tr, size_t at)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    struct stm_tile *tile = &tr->tile;
    const size_t C = tile->C, T = tile->T;
    REAL *exps = tile->exp, *sum = tile->sum;

    R(compare)(tile, tr->field[STM_FIELD_CORRECT] + at, tr->field[STM_FIELD_MARGIN] + at);
    k->column_squares(tile->logits, sum, C, T);
    for (size_t t = 0; t < T; t++) tr->field[STM_FIELD_NORM][at + t] = (double)SQRT(sum[t]);
    memcpy(exps, tile->logits, C * T * sizeof(REAL));
    k->softmax(exps, tile->top, sum, C, T);
    for (size_t t = 0; t < T; t++)
        tr->field[STM_FIELD_P_CORRECT][at + t] =
            (double)(exps[tile->label[t] * T + t] * (1 / sum[t]));
}
