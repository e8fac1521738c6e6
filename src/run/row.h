/* Expressions at one step of one replicate: bare metrics are read there, and an event that is named
 * means that it has come by then. Everything else is asked of the facts behind. */
#ifndef STEMMA_RUN_ROW_H
#define STEMMA_RUN_ROW_H

#include "run/range.h"
#include "stemma/run.h"

struct stm_row {
    struct stm_data data; /* hand this to the evaluator */
    const struct stm_data *base;
    uint64_t step;
    const struct stm_range *events; /* [plan->n_events] */
    /* A metric at the step; NULL: as the facts behind have it. */
    enum stm_fact (*metric)(const void *ctx, const char *text, double *out);
    const void *ctx;
};

/* Fills `data`; base, step, events, metric and ctx are set by the caller, before or after. */
void stm_row_init(struct stm_row *row, const struct stm_data *base);

#endif
