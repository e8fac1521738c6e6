/* One job: a stretch of one trajectory, executed in this process. */
#ifndef STEMMA_RUN_WORKER_H
#define STEMMA_RUN_WORKER_H

#include "run/job.h"

struct stm_work {
    const struct stm_plan *plan; /* of the job */
    const struct stm_columns *columns;
    const struct stm_job *job;
    struct stm_store *store; /* the worker's own handle */
    const volatile int *interrupt;
    void (*progress)(void *ctx, uint64_t step); /* about ten times a second; may be NULL */
    void *ctx;
};

struct stm_work_done {
    uint64_t steps;   /* training steps */
    unsigned commits; /* how often something new came into the store */
    bool busy;        /* nothing was done: a living process works on the trajectory */
};

/* Executes the job. 0: done (stop, bound or divergence reached). STM_E_INTERRUPTED: stopped on
 * request, state saved. STM_E_CONFLICT: another process works on the trajectory, or has since the
 * job was made; look again. STM_E_MISMATCH: re-executed steps differ from the trail. */
int stm_work_do(const struct stm_work *w, struct stm_work_done *done, struct stm_err *err);

/* The same for a process that has the store and the bytes of a job: it reads the plan from the
 * store, and opens the engine. STM_E_FORMAT: these bytes are no job. STM_E_PROFILE: this machine
 * computes under another profile than the job's. */
int stm_work_bytes(const void *p, size_t n, struct stm_store *s, const volatile int *interrupt,
                   struct stm_work_done *done, struct stm_err *err);

#endif
