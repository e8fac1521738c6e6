/* Where the first state of a trajectory comes from: a seed, or a parent state and the edits made
 * to it at a fork. The store remembers the answer behind the ref "org-<key>", so that a view can
 * name the state without computing it. */
#ifndef STEMMA_RUN_ORIGIN_H
#define STEMMA_RUN_ORIGIN_H

#include "stemma/engine.h"
#include "stemma/store.h"

struct stm_origin {
    bool fresh; /* from `seed`; else from `parent` */
    uint64_t seed;
    struct stm_id parent; /* the state at the fork */
    uint64_t step;        /* global step of the first state */
    const char *edits;    /* see stm_timeline_edits */
    const char *settings; /* in force when the first update is taken */
    const char *profile;
};

struct stm_id stm_origin_key(const struct stm_origin *o);
/* The first state's id as remembered; alg is 0 when it is not. STM_E_DAMAGED when the record says
 * another parent or edits than `o`. */
int stm_origin_load(const struct stm_origin *o, struct stm_store *s, struct stm_id *start,
                    struct stm_err *err);
/* Makes the edits of a fork on the state in `t`, one a line, in order; "holds" applies those in
 * force. */
int stm_origin_edit(const char *edits, struct stm_trainer *t, struct stm_err *err);
/* Makes the first state in `t` (whose settings are o->settings). */
int stm_origin_build(const struct stm_origin *o, struct stm_trainer *t, struct stm_store *s,
                     struct stm_err *err);
/* Stores it and remembers it. */
int stm_origin_store(const struct stm_origin *o, const struct stm_state *first, struct stm_store *s,
                     struct stm_id *start, struct stm_err *err);

#endif
