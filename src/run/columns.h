/* The engine metrics that a plan mentions, and where: the columns of what is measured. They follow
 * from the plan alone, in one order, so a worker that has the plan has them too. */
#ifndef STEMMA_RUN_COLUMNS_H
#define STEMMA_RUN_COLUMNS_H

#include "base/arena.h"
#include "stemma/protocol.h"

enum { STM_COLUMNS_MAX = 200 };

enum stm_column_use {
    STM_USE_EVENT = 1,
    STM_USE_LOG = 2,
    STM_USE_OTHER = 4,
    STM_USE_UPDATE = 8 /* it reads the last update, so a state that was read back has none */
};

struct stm_columns {
    const char **text; /* [n], canonical; borrowed from the plan */
    uint32_t *use;     /* [n], bits of enum stm_column_use */
    unsigned n;
};

/* The arrays are of the arena. STM_E_INVALID: more than STM_COLUMNS_MAX. */
int stm_columns_collect(struct stm_columns *out, const struct stm_plan *plan, struct stm_arena *a,
                        struct stm_err *err);

/* The engine metrics in an expression, user metrics and lets followed: calls `each` with the text.
 */
int stm_expr_engine_metrics(const struct stm_plan *plan, const struct stm_expr *e,
                            int (*each)(void *ctx, const char *text), void *ctx);
/* The expressions of claims, expectations, tables, figures and calibrations. */
int stm_plan_each_read(const struct stm_plan *plan,
                       int (*each)(void *ctx, const struct stm_expr *e), void *ctx);

#endif
