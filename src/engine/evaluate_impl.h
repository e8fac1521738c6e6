/* The fields of one tile in one precision; included twice by evaluate.c. */

/* The label's logit against the largest other one, classes ascending with the pairs as lanes. Ties:
 * the first largest class is the answer. A NaN among the others stays their largest. */
static void R(compare)(const struct stm_tile *tile, double *correct, double *margin)
{
    const REAL *x = tile->logits;
    const uint32_t *label = tile->label;
    const size_t T = tile->T;
    REAL own[STM_TILE], other[STM_TILE];
    UREAL beaten[STM_TILE];
    for (size_t t = 0; t < T; t++) {
        own[t] = x[label[t] * T + t];
        other[t] = (REAL)-INFINITY;
        beaten[t] = own[t] != own[t];
    }
    for (uint32_t c = 0; c < tile->C; c++, x += T)
        for (size_t t = 0; t < T; t++) {
            const REAL v = x[t], z = own[t];
            const UREAL is_other = c != label[t], is_nan = v != v;
            other[t] = is_other & ((v > other[t]) | is_nan) ? v : other[t];
            beaten[t] |= is_other & ((v > z) | is_nan | ((v == z) & (c < label[t])));
        }
    for (size_t t = 0; t < T; t++) {
        correct[t] = !beaten[t];
        margin[t] = (double)(own[t] - other[t]);
    }
}

/* Fills the fields of the mask of pairs at, at + 1, ... but the loss, and for that the tile's exp,
 * top and sum. */
static void R(fields)(struct stm_trainer *tr, uint32_t fields, size_t at)
{
    const struct R(stm_kernels) *k = R(stm_k)();
    struct stm_tile *tile = &tr->tile;
    const size_t C = tile->C, T = tile->T;
    REAL *exps = tile->exp, *sum = tile->sum;

    if (fields & (1u << STM_FIELD_CORRECT | 1u << STM_FIELD_MARGIN))
        R(compare)(tile, tr->field[STM_FIELD_CORRECT] + at, tr->field[STM_FIELD_MARGIN] + at);
    if (fields & 1u << STM_FIELD_NORM) {
        k->column_squares(tile->logits, sum, C, T);
        for (size_t t = 0; t < T; t++) tr->field[STM_FIELD_NORM][at + t] = (double)SQRT(sum[t]);
    }
    if (!(fields & (1u << STM_FIELD_P_CORRECT | 1u << STM_FIELD_LOSS))) return;
    memcpy(exps, tile->logits, C * T * sizeof(REAL));
    k->softmax(exps, tile->top, sum, C, T);
    for (size_t t = 0; t < T; t++)
        tr->field[STM_FIELD_P_CORRECT][at + t] =
            (double)(exps[tile->label[t] * T + t] * (1 / sum[t]));
}
