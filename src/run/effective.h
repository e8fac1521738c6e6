/* The settings in effect on a replicate, as a function of the step.
 *
 * The actions of a run, of its ancestor arms and of the arm itself, in that order and in file
 * order, each with the stretch of updates on which it acts (docs/language.md):
 * transition n goes from state n to state n + 1. `set ... from step N` acts on transitions n >= N,
 * `hold ... from step N` on the result of update N, so on n >= N - 1. An edge at an event acts from
 * the update after it, a hold's as well. Windows are half-open.
 *
 * The event is the replicate's own, also for an action that it inherits: it may come while the
 * replicate runs, so edges are ranges. */
#ifndef STEMMA_RUN_EFFECTIVE_H
#define STEMMA_RUN_EFFECTIVE_H

#include "run/range.h"
#include "stemma/run.h"

/* The fork steps of a node and its ancestors for one seed. */
struct stm_lineage {
    int nodes[32]; /* [0] is the run */
    uint64_t fork_steps[32];
    unsigned n;
};

/* One action with its stretch [lo, hi) of transitions. */
struct stm_active {
    const struct stm_action *action;
    int node;             /* its owner, in whose context the value is evaluated */
    uint64_t owner_start; /* the owner's fork step */
    struct stm_range lo, hi;
    struct stm_range state; /* first state that it is in force at: of a hold one after `lo` */
};

struct stm_timeline {
    const struct stm_data *data;
    unsigned seed;
    int run, node;
    uint64_t start; /* the node's fork step */
    int parent;     /* -1: a run */
    uint64_t parent_start;
    /* For the first piece of a run: its first state counts for events, so an event may come where
     * the run begins. The piece is what was before; it is cut there if one comes. */
    bool before_events;
    struct stm_active *items;
    unsigned n;
};

/* `events`: what is known of the replicate's own events, [plan->n_events]. STM_E_NOTFOUND when a
 * number in a time is not known yet. */
int stm_timeline_make(struct stm_timeline *t, const struct stm_data *d, const struct stm_lineage *l,
                      unsigned seed, const struct stm_range *events, struct stm_err *err);
void stm_timeline_release(struct stm_timeline *t);

/* The first step after `step` at which something begins or ends. *watch: the events that decide. */
struct stm_range stm_timeline_cut(const struct stm_timeline *t, uint64_t step, uint32_t *watch);
/* The settings of the transition from state `step` to the next. STM_E_NOTFOUND when a value, or
 * whether a window is open, is not known yet. */
int stm_timeline_settings(const struct stm_timeline *t, uint64_t step, struct stm_settings **out,
                          struct stm_err *err);
/* The edits to the state at `step`, where a piece begins, as canonical text, one a line: the `once`
 * edits whose window begins there (at the fork: the node's own, and inherited ones that begin just
 * then), in file order, and "holds" after them, or when the node declares a hold that is in force
 * at the fork's state and the next. "" for none: the state goes on as it is. */
int stm_timeline_edits(const struct stm_timeline *t, uint64_t step, struct stm_buf *out,
                       struct stm_err *err);

#endif
