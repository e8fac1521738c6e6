/* What befell the workers of a run, a trajectory each: how often they died in a row without
 * anything new in the store, what to do about it, and whether the trajectory was given up. */
#ifndef STEMMA_RUN_SETBACKS_H
#define STEMMA_RUN_SETBACKS_H

#include "run/exec.h"
#include "run/view.h"

struct stm_setback {
    struct stm_id id; /* of what the task extends: its origin, else its trajectory */
    int node;
    unsigned seed;
    unsigned deaths;       /* all */
    unsigned barren;       /* workers in a row that left nothing new in the store */
    uint64_t anchor_every; /* steps between anchors from now on; 0: as the run says */
    uint64_t elsewhere;    /* ms of the clock: not before then, as another process works on it */
    bool told;             /* that its workers die again and again */
    bool given_up;
    int code;         /* of given_up: why, enum stm_code */
    uint64_t step;    /* where its last worker was last heard of */
    char why[256];    /* one line */
    const char *help; /* what to do, or NULL */
};

/* The identity of what a task extends: the same before and after its first state is known. */
struct stm_id stm_setback_id(const struct stm_task *t);
/* NULL: nothing has befallen it. */
struct stm_setback *stm_setback_find(const struct stm_view *v, const struct stm_id *id);
/* Finds it or makes one. NULL: out of memory. */
struct stm_setback *stm_setback_note(struct stm_view *v, const struct stm_id *id, int node,
                                     unsigned seed);

bool stm_end_died(const struct stm_end *e);      /* without an answer, or for want of memory */
bool stm_end_of_memory(const struct stm_end *e); /* likely killed because memory ran out */
/* "SIGKILL", "signal 40", "exit status 1": what a worker that died died of. */
void stm_end_of(const struct stm_end *e, char out[32]);

/* The worker left nothing new: the next one stores earlier. `usual` is what the run says, `grid`
 * the steps between measurements, to which anchors keep where they can. */
void stm_setback_store_earlier(struct stm_setback *b, const struct stm_end *e, uint64_t usual,
                               uint64_t grid);
/* Given up after b->barren workers that ended like `e`. */
void stm_setback_give_up(struct stm_setback *b, const struct stm_end *e);
/* Given up because the first worker said `e->rc`, which no other one would change. */
void stm_setback_refuse(struct stm_setback *b, const struct stm_end *e);

#endif
