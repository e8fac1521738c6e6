/* The parts of one pass over the plan (resolve.c): each looks at a replicate or a fork and adds to
 * what the replicate still has to do. */
#ifndef STEMMA_RUN_RESOLVE_H
#define STEMMA_RUN_RESOLVE_H

#include "run/view.h"

/* What a replicate still has to do. */
struct stm_demand {
    bool any;
    uint64_t resume; /* first step at which something is missing */
    uint64_t until;
    uint32_t stop_events, anchor_events;
    uint64_t anchors[16];
    unsigned n_anchors;
};

/* tasks.c */
void stm_want_until(struct stm_demand *d, uint64_t step);  /* train up to here */
void stm_want_anchor(struct stm_demand *d, uint64_t step); /* keep the state of this step */
void stm_want_resume(struct stm_demand *d, uint64_t step); /* re-execute from before this step */
/* A task from a demand, unless one for the same trajectory is there: what is left comes later. */
int stm_add_task(struct stm_view *v, const struct stm_replicate *r, const struct stm_demand *d,
                 struct stm_err *err);
/* Steps at which siblings of the same trajectory change their settings: kept now, so that they need
 * not be trained for again. */
void stm_add_sibling_cuts(struct stm_view *v, struct stm_task *t);
/* Stretches to be re-executed because something was asked for at steps that were not measured. */
int stm_add_misses(struct stm_view *v, struct stm_err *err);

/* events.c: latches the events of the grid steps that have come since the last scan. */
int stm_resolve_events(struct stm_view *v, struct stm_replicate *r, struct stm_err *err);

/* The time of `all E` or `any E` over the seeds of a node, as far as it is known. */
struct stm_common_time {
    bool known;
    uint64_t step;    /* when known; STM_NEVER: it never comes */
    uint64_t at_most; /* any: the earliest so far */
};

/* stops.c */
struct stm_common_time stm_common_event(const struct stm_view *v, int node, enum stm_time_kind kind,
                                        int event);
/* The number of a time (`step N`, `+ N steps`, `after step N`); 0 where it has none. */
int stm_time_value(const struct stm_view *v, const struct stm_time *t, int node, unsigned seed,
                   uint64_t *out, struct stm_err *err);
/* Sets pub.bound: the earliest step of the stop rule that is a number. */
int stm_resolve_bound(struct stm_view *v, struct stm_replicate *r, const struct stm_stop *stop,
                      struct stm_err *err);
/* Sets pub.stop when it is known; else adds to the demand what brings it nearer. */
int stm_resolve_stop(struct stm_view *v, struct stm_replicate *r, const struct stm_stop *stop,
                     struct stm_demand *d, struct stm_err *err);

/* forks.c */
struct stm_fork_state *stm_view_fork_state(const struct stm_view *v, int fork, unsigned seed);
/* The forks that leave a replicate: their steps and states, or the demand for them. */
int stm_resolve_forks(struct stm_view *v, struct stm_replicate *r, struct stm_demand *d,
                      struct stm_err *err);
/* Tests the requires of a fork: once for all seeds, or at `each` for every seed on its own. */
void stm_judge_fork(struct stm_view *v, int fork);
/* Notes captured numbers that were never measured at the fork's step. */
void stm_check_captures(struct stm_view *v, int fork, unsigned seed);

#endif
