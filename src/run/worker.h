/* One task: a stretch of one trajectory, executed in this process. */
#ifndef STEMMA_RUN_WORKER_H
#define STEMMA_RUN_WORKER_H

#include "run/view.h"

struct stm_work {
    struct stm_view *view; /* as it was when the task was made; only read */
    const struct stm_task *task;
    struct stm_store *store; /* the worker's own handle */
    uint64_t anchor_every;
    const volatile int *interrupt;
    void (*progress)(void *ctx, uint64_t step); /* about ten times a second; may be NULL */
    void *ctx;
};

/* Executes the task. *steps counts training steps. 0: done (stop, bound or divergence reached).
 * STM_E_INTERRUPTED: stopped on request, state saved. STM_E_CONFLICT: another process works on the
 * trajectory; look again. STM_E_MISMATCH: re-executed steps differ from the trail. */
int stm_work_do(const struct stm_work *w, uint64_t *steps, struct stm_err *err);

#endif
