/* Which task is given out next: those of the last look at the store, in the order of their urgency.
 */
#ifndef STEMMA_RUN_QUEUE_H
#define STEMMA_RUN_QUEUE_H

#include "run/setbacks.h"

struct stm_queue_entry {
    const struct stm_task *task; /* NULL: given out */
    struct stm_id id;            /* of what it extends */
    unsigned barren;
    uint64_t urgency;
};

struct stm_queue {
    struct stm_queue_entry *e;
    size_t n, cap, first; /* before `first` all are given out */
};

/* From the tasks of the view, which must live as long as the queue is used. STM_E_NOMEM. */
int stm_queue_fill(struct stm_queue *q, const struct stm_view *v, struct stm_err *err);
void stm_queue_release(struct stm_queue *q);
/* Takes the most urgent task that `may` be started; NULL: none. */
const struct stm_task *stm_queue_take(struct stm_queue *q,
                                      bool (*may)(void *ctx, const struct stm_queue_entry *e),
                                      void *ctx);

/* Drops what extends this, if anything does. */
void stm_queue_drop(struct stm_queue *q, const struct stm_id *id);

#endif
