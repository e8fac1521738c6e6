/* What a state owns. */
#ifndef STEMMA_STATE_MEMORY_H
#define STEMMA_STATE_MEMORY_H

#include "base/arena.h"
#include "stemma/state.h"

struct stm_state_memory {
    struct stm_arena arena; /* names and shapes */
    struct stm_tensor *t;   /* what s->t shows */
    size_t cap;
    void *data; /* one block behind every tensor's data, or NULL: they are borrowed */
};

/* Gives the state a block of its own for all data. What a tensor borrowed is copied there; where it
 * had NULL its elements are 0. STM_E_NOMEM. */
int stm_state_own(struct stm_state *s, struct stm_err *err);

#endif
