/* A worker process: forked for one task, it tells how far it is, and at the end how it went,
 * through a pipe. */
#ifndef STEMMA_RUN_PROCESS_H
#define STEMMA_RUN_PROCESS_H

#include <sys/types.h>

#include "run/setbacks.h"

struct stm_message {
    bool final; /* the last one: `rc`, `steps`, `peak_mb`, `text`; before, `step` alone */
    int rc;
    uint64_t step, steps;
    double peak_mb;
    char text[256];
};

struct stm_process {
    pid_t pid; /* 0: none */
    int fd;
    bool heard; /* the final message has come */
    struct stm_message last;
};

struct stm_process_job {
    struct stm_view *view; /* as it is now; the child has its own copy */
    const struct stm_task *task;
    pid_t parent;
    uint64_t from;                /* where the task begins */
    uint64_t anchor_every, usual; /* steps between anchors at first, and later on */
    const int *others;            /* the parent's ends of the other workers' pipes */
    unsigned n_others;
};

/* Returns 0 or errno. */
int stm_process_start(struct stm_process *p, const struct stm_process_job *job);
/* Reads one message; false at the end of the pipe. A final one goes to p->last too. */
bool stm_process_receive(struct stm_process *p, struct stm_message *m);
/* After the end of the pipe: waits, and says how it ended; e->from and e->step are the caller's. */
void stm_process_wait(struct stm_process *p, struct stm_end *e);

#endif
