/* Clipped logits in one precision; included twice by logits_clip.c. NaN stays NaN. */

static void R(apply)(struct stm_tile *tile, double c)
{
    REAL *x = tile->logits, top = (REAL)c;
    for (size_t i = 0; i < tile->C * tile->T; i++) {
        REAL v = x[i] > top ? top : x[i];
        x[i] = v < -top ? -top : v;
    }
}

static void R(back)(struct stm_tile *tile, double c)
{
    const REAL *seen = tile->seen, top = (REAL)c;
    REAL *g = tile->logits;
    for (size_t i = 0; i < tile->C * tile->T; i++)
        g[i] = seen[i] >= top || seen[i] <= -top ? 0 : g[i];
}
