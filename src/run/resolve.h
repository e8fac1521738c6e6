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
    uint64_t anchors[STM_ANCHORS_MAX];
    unsigned n_anchors;
};

/* tasks.c */
void stm_want_until(struct stm_demand *d, uint64_t step);  /* train up to here */
void stm_want_anchor(struct stm_demand *d, uint64_t step); /* keep the state of this step */
void stm_want_resume(struct stm_demand *d, uint64_t step); /* re-execute from before this step */
/* A task from a demand, unless one for the same trajectory is there: what is left comes later. */
int stm_add_task(struct stm_view *v, struct stm_replicate *r, const struct stm_demand *d,
                 struct stm_err *err);
/* Steps at which siblings of the same trajectory change their settings, and where they end: kept
 * and measured now, so that they need not be trained for again. */
void stm_add_sibling_cuts(struct stm_view *v);
void stm_forget_tasks(struct stm_view *v); /* all of them */
/* Stretches to be re-executed because something was asked for at steps that were not measured. */
int stm_add_misses(struct stm_view *v, struct stm_err *err);

/* samples.c: wishes for the steps at which claims sample a replicate that is located. */
void stm_wish_samples(struct stm_view *v, struct stm_replicate *r);
/* At the most so many steps are executed again because claims read what was trained and not
 * measured; 0 where all is trained, as they have then said what they read. `length`: from an anchor
 * to a step of it, at the most. */
uint64_t stm_cost_of_reading(const struct stm_view *v, const struct stm_replicate *r,
                             uint64_t length);

/* events.c: what the parent's history says of the events up to the fork. */
void stm_events_inherit(const struct stm_view *v, struct stm_replicate *r);
/* Looks for the events on the grid up to `limit` in the last piece. */
int stm_events_advance(struct stm_view *v, struct stm_replicate *r, uint64_t limit,
                       struct stm_err *err);
/* The first step that lacks a measurement of an event, up to the replicate's last, or STM_NEVER. */
uint64_t stm_events_gap(const struct stm_view *v, const struct stm_replicate *r);

/* stops.c */
/* `all E` or `any E` over the seeds of a node that take part, each as far as `life` of it. */
struct stm_range stm_common_event(const struct stm_view *v, int node, enum stm_time_kind kind,
                                  int event,
                                  struct stm_range (*life)(const struct stm_replicate *r));
/* The number of a time (`step N`, `+ N steps`, `after step N`); 0 where it has none. */
int stm_time_value(const struct stm_view *v, const struct stm_time *t, int node, unsigned seed,
                   uint64_t *out, struct stm_err *err);
/* Sets r->own and pub.bound: the stop by numbers and by the seed's own events. */
int stm_resolve_own(struct stm_view *v, struct stm_replicate *r, struct stm_err *err);
/* Sets r->rule: the stop, once r->own of every seed is set. */
int stm_resolve_rule(struct stm_view *v, struct stm_replicate *r, struct stm_err *err);
/* The replicate's own events that its stop waits for. */
uint32_t stm_stop_watch(const struct stm_view *v, const struct stm_replicate *r);
/* Asks for what decides the stop. */
void stm_demand_stop(const struct stm_view *v, const struct stm_replicate *r, struct stm_demand *d);
/* As far as a replicate lives for certain and at the most: its rule, or where it diverges. */
struct stm_range stm_replicate_life(const struct stm_replicate *r);

/* forks.c */
struct stm_fork_state *stm_view_fork_state(const struct stm_view *v, int fork, unsigned seed);
/* Whether a node's forks say where it ends. */
bool stm_ends_at_forks(const struct stm_node *node);
/* The forks that leave a replicate: their steps and states. */
int stm_resolve_forks(struct stm_view *v, struct stm_replicate *r, struct stm_err *err);
/* Asks for what the forks lack. */
void stm_demand_forks(const struct stm_view *v, const struct stm_replicate *r,
                      struct stm_demand *d);
/* Tests the requires of a fork: once for all seeds, or at `each` for every seed on its own. */
void stm_judge_fork(struct stm_view *v, int fork);
/* Tests those of an arm, in the same way: STM_FACT_NONE when they fail, with the reason in `why`.
 */
enum stm_fact stm_judge_arm(struct stm_view *v, int node, unsigned seed, char why[STM_WHY]);
/* Notes captured numbers that were never measured at the fork's step. */
void stm_check_captures(struct stm_view *v, int fork, unsigned seed);

#endif
