/* Who carries jobs out: a table of executors. One has a number of places, each for one job at a
 * time; the scheduler (schedule.c) says which job goes to which place, and hears how it went. */
#ifndef STEMMA_RUN_EXEC_H
#define STEMMA_RUN_EXEC_H

#include "run/job.h"

enum { STM_PLACES_MAX = 256 };

struct stm_exec_options {
    const struct stm_plan *plan; /* of all jobs */
    const struct stm_columns *columns;
    const char *store; /* its directory */
    unsigned places;   /* at most STM_PLACES_MAX */
};

/* How the one who did a job ended. */
struct stm_end {
    bool heard; /* it said how, in `rc`, `text` and the next line; else `status` is all there is */
    int rc;
    const char *text;
    uint64_t steps;        /* executed */
    unsigned commits;      /* how often something new came into the store */
    bool busy;             /* it did nothing: another process works on the trajectory */
    int status;            /* of wait */
    double peak_mb, cpu_s; /* what it took */
    uint64_t from, step;   /* where it began, and was last heard of: the scheduler's */
};

/* What an executor says; called from within `wait`. */
struct stm_exec_ears {
    void *ctx;
    /* How far a job is: its step. */
    void (*step)(void *ctx, unsigned place, uint64_t step);
    /* A pack that was committed, see stm_store_learn. */
    void (*pack)(void *ctx, const char *name);
    /* The job of the place has ended, and the place is free; e->from and e->step are the
     * listener's. Non-zero ends the waiting and is returned. */
    int (*end)(void *ctx, unsigned place, struct stm_end *e);
};

struct stm_executor {
    const char *name;
    /* `o` is copied; what it points to must outlive the executor. */
    int (*open)(void **x, const struct stm_exec_options *o, struct stm_err *err);
    /* Gives a job to a free place. Returns 0 or errno: nothing was begun. */
    int (*start)(void *x, unsigned place, const struct stm_job *job);
    /* Waits at most so long until something is heard, and says all of it. */
    int (*wait)(void *x, int ms, const struct stm_exec_ears *ears, struct stm_err *err);
    /* Asks every job to save its state and end. */
    void (*stop)(void *x);
    /* Ends what still runs at once; NULL is fine. */
    void (*close)(void *x);
};

extern const struct stm_executor stm_exec_fork; /* exec_fork.c: children of this process */

/* By name, NULL for the first one; NULL: there is none of that name. */
const struct stm_executor *stm_executor_find(const char *name);

#endif
