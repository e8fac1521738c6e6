/* The run room: a plan against a store.
 *
 * A view (struct stm_view) says, for every replicate of a plan, what the store already knows: which
 * trajectories it is made of, which states and events they have, what is still to be trained.
 * stm_run_execute trains what is missing with worker processes; any process may be killed at any
 * time, because everything that was done is in the store and the view is made again from it.
 *
 * Threads: none; workers are processes. Ownership: what a view hands out belongs to the view and is
 * valid until its next refresh.
 */
#ifndef STEMMA_RUN_H
#define STEMMA_RUN_H

#include "stemma/engine.h"
#include "stemma/protocol.h"
#include "stemma/store.h"

/* ---- what expressions read ---- */

/* The measured facts behind a plan, as functions, so that the evaluator can be tested without a
 * store. `seed` is an index into the seeds in effect (0 .. n_seeds-1), `node` an index into
 * plan->nodes. Functions return false where the fact is not known (not run yet, not measured). */
struct stm_data {
    void *ctx;
    const struct stm_plan *plan;
    unsigned n_seeds; /* seeds in effect */
    const int *seeds; /* their numbers */
    /* True when the replicate takes part in statistics: its fork was reached and no `require`
     * failed. False: it does not exist for this seed (nested forks at `each`), or was cancelled. */
    bool (*exists)(void *ctx, int node, unsigned seed);
    /* Global step of the fork the node leaves (0 for a run), of the replicate's last state. */
    bool (*fork_step)(void *ctx, int node, unsigned seed, double *step);
    bool (*stop_step)(void *ctx, int node, unsigned seed, double *step);
    /* Latched time of an event in the replicate's whole history. *censored: it had not come when
     * the replicate stopped; *step is then the step at which it stopped. */
    bool (*event)(void *ctx, int node, unsigned seed, int event, double *step, bool *censored);
    /* The value of an engine metric (its canonical text) at a step. */
    bool (*metric)(void *ctx, int node, unsigned seed, const char *text, double step, double *out);
    /* Steps of the log grid that the replicate has, ascending: the i-th, false past the end. */
    bool (*log_step)(void *ctx, int node, unsigned seed, unsigned i, double *step);
    bool (*capture)(void *ctx, int capture, int node, unsigned seed, double *out);
    bool (*calibrate)(void *ctx, int calibrate, int node, double *out);
    /* identical(a, b): whether two replicates have the same state ids at every measured step that
     * both have; *compared counts them. */
    bool (*identical)(void *ctx, int node_a, int node_b, unsigned seed, bool *same,
                      unsigned long *compared);
};

/* ---- evaluating ---- */

/* The value of an expression for one seed (captures, hold values, requires; booleans are 0 or 1).
 * `step` is the step at which bare metrics are read; NAN where there is none. Returns 0,
 * STM_E_NOTFOUND when a fact is not known yet (the message says which), STM_E_INVALID when it has
 * no value (0/0). */
int stm_eval_seed(const struct stm_data *d, const struct stm_expr *e, int node, unsigned seed,
                  double step, double *out, struct stm_err *err);
/* The value of an expression over all seeds in effect (calibrations, fork times). `need`: the
 * fewest seeds that must have an uncensored value, else STM_E_INVALID "not evaluable". */
int stm_eval_across(const struct stm_data *d, const struct stm_expr *e, int node, int need,
                    double *out, struct stm_err *err);

#endif
