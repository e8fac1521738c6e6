/* The report room: tables, contrasts, estimates and expectations of a plan, from its measured
 * facts.
 *
 * Everything is computed from a `struct stm_data`; nothing here reads a store or trains. Text goes
 * to a buffer, so the caller decides where it is printed.
 */
#ifndef STEMMA_REPORT_H
#define STEMMA_REPORT_H

#include "stemma/run.h"

enum stm_outcome {
    STM_HOLDS,        /* the expectation holds */
    STM_FAILS,        /* it does not */
    STM_NOT_EVALUABLE /* data are missing, or too few seeds for an interval: no failure */
};

/* When the expectation was stated; set by the caller, who has the store (stm_registry_read). */
enum stm_registration {
    STM_REG_NONE, /* the design has no registration: nothing is said */
    STM_REG_BEFORE,
    STM_REG_AFTER
};

struct stm_claim_result {
    const struct stm_claim *claim;
    bool known;    /* else `why` */
    bool unknown;  /* not known, because something was not measured yet */
    double value;  /* the point estimate */
    bool censored; /* value is a lower bound: printed "> N" */
    bool has_interval;
    double lo, hi;                 /* percentile 2.5 and 97.5 of the bootstrap */
    bool lo_censored, hi_censored; /* the end is a lower bound, as `value` may be */
    unsigned n_seeds;     /* seeds that entered: those that take part in every arm that it reads */
    char why[STM_REASON]; /* why there is no value or no interval; "" otherwise */
};

struct stm_expect_result {
    const struct stm_expect *expect;
    enum stm_outcome outcome;
    enum stm_registration registration;
    char why[STM_REASON]; /* what was found: "value = 3.31", or for which arm or seed it fails */
};

struct stm_results {
    struct stm_claim_result *claims;   /* plan->n_claims */
    struct stm_expect_result *expects; /* plan->n_expects */
    unsigned holds, fails, not_evaluable;
    void *arena;
};

/* Computes every claim and expectation. */
int stm_results_compute(struct stm_results **out, const struct stm_data *d, struct stm_err *err);
void stm_results_free(struct stm_results *r); /* NULL is fine */

struct stm_style {
    bool color;
    unsigned width; /* columns; 0: no limit */
};
/* Tables of the plan, the calibrated numbers, contrasts with what they isolate, expectations, as
 * text. */
int stm_results_print(const struct stm_results *r, const struct stm_data *d, struct stm_style style,
                      struct stm_buf *out, struct stm_err *err);
/* The same as one JSON document. */
int stm_results_json(const struct stm_results *r, const struct stm_data *d, struct stm_buf *out,
                     struct stm_err *err);
/* One line a replicate: arm, seed, fork, stop, each event (empty when censored), each capture. What
 * of the times is not measured yet is NA. */
int stm_replicates_csv(const struct stm_data *d, struct stm_buf *out, struct stm_err *err);
/* The same as NDJSON; a censored event is {"censored_at": N}, one that is not measured null. */
int stm_replicates_ndjson(const struct stm_data *d, struct stm_buf *out, struct stm_err *err);

#endif
