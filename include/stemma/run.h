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

#include <math.h>

#include "stemma/engine.h"
#include "stemma/protocol.h"
#include "stemma/store.h"

/* ---- what expressions read ---- */

/* A moment of a replicate. It is resolved to a state in one place, by everything that asks. */
enum stm_when {
    STM_AT_STEP,  /* global step `step`; at the replicate's fork step it means STM_AT_FORK */
    STM_AT_FORK,  /* the state that the arm left, before its edits; of a run its first state */
    STM_AT_START, /* its own first state, after the edits */
    STM_AT_STOP   /* its own last state */
};
struct stm_moment {
    enum stm_when when;
    double step; /* the moment's step; NAN: nowhere (STM_AT_STEP), not asked (the others) */
};
#define STM_NOWHERE ((struct stm_moment){STM_AT_STEP, NAN})
#define STM_STEP(n) ((struct stm_moment){STM_AT_STEP, (double)(n)})

/* The answer to a question about a replicate. */
enum stm_fact {
    STM_FACT_UNKNOWN, /* not run yet, or not looked at: running finds out */
    STM_FACT_KNOWN,
    STM_FACT_NONE /* there is no such thing, and running will not change that: after its stop */
};

/* How two replicates compare (stm_data.identical). */
struct stm_comparison {
    bool same;
    unsigned long compared; /* states */
    uint64_t step;          /* the first that differs */
    char tensors[200];      /* the tensors that differ there: "a, b", "a, b and 37 more" */
};
/* Bytes of a reason in words, which may name such tensors. */
enum { STM_REASON = 320 };

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
    /* The value of an engine metric (its canonical text) at a moment. */
    enum stm_fact (*metric)(void *ctx, int node, unsigned seed, const char *text,
                            struct stm_moment at, double *out);
    /* Steps of the log grid up to the replicate's stop, ascending: the i-th, false past the end or
     * while the stop is not known. */
    bool (*log_step)(void *ctx, int node, unsigned seed, unsigned i, double *step);
    enum stm_fact (*capture)(void *ctx, int capture, int node, unsigned seed, double *out);
    enum stm_fact (*calibrate)(void *ctx, int calibrate, int node, double *out);
    /* identical(a, b): whether two replicates have the same states from where both have begun to
     * where one stops: there, and at every step of the grids between. */
    bool (*identical)(void *ctx, int node_a, int node_b, unsigned seed, struct stm_comparison *out);
};

/* ---- evaluating ---- */

/* The value of an expression for one seed (captures, hold values, requires; booleans are 0 or 1).
 * Bare metrics are read at the moment `at`. Returns 0, STM_E_NOTFOUND when a fact is not known yet
 * (the message says which), STM_E_INVALID when it has no value (0/0). */
int stm_eval_seed(const struct stm_data *d, const struct stm_expr *e, int node, unsigned seed,
                  struct stm_moment at, double *out, struct stm_err *err);
/* The value of an expression over all seeds in effect (calibrations, fork times). `need`: the
 * fewest seeds that must have an uncensored value, else STM_E_INVALID "not evaluable". */
int stm_eval_across(const struct stm_data *d, const struct stm_expr *e, int node, int need,
                    double *out, struct stm_err *err);

/* ---- a plan against a store ---- */

struct stm_view;

struct stm_view_options {
    int seed_lo, seed_hi; /* seeds in effect, inclusive */
    const char *profile;  /* the numerics profile whose trajectories are meant */
};

/* Makes the view and resolves it. `plan` and `store` are borrowed for its life. `store` may be
 * NULL: a view of a store that holds nothing, for planning only. */
int stm_view_new(struct stm_view **out, const struct stm_plan *plan, struct stm_store *store,
                 const struct stm_view_options *options, struct stm_err *err);
void stm_view_free(struct stm_view *v); /* NULL is fine */
/* Reads what has come into the store since, and resolves again. */
int stm_view_refresh(struct stm_view *v, struct stm_err *err);
const struct stm_data *stm_view_data(const struct stm_view *v);

/* While on, what expressions ask for and nobody measured is noted, and read as 1 so that all of
 * it is asked for; the next refresh plans to measure it, by executing again where the step was
 * trained already. Results that are computed meanwhile are to be thrown away. */
void stm_view_note(struct stm_view *v, bool on);
/* How many stretches the last refresh found that can be executed now. */
size_t stm_view_tasks(const struct stm_view *v);

enum stm_rep_status {
    STM_REP_OFF,       /* an arm declared `off` */
    STM_REP_WAITING,   /* its fork, or a number that it reads, is not there yet */
    STM_REP_CANCELLED, /* a `require` failed */
    STM_REP_ABSENT,    /* its fork is never reached by this seed */
    STM_REP_PENDING,   /* can run; nothing has */
    STM_REP_PARTIAL,   /* has run, not to its stop */
    STM_REP_DONE,      /* has its stop, and all that the file asks for is measured */
    STM_REP_DIVERGED   /* ended by NaN or infinity: a recorded outcome */
};
const char *stm_rep_status_name(enum stm_rep_status s); /* "done" */

struct stm_rep {
    enum stm_rep_status status;
    uint64_t fork_step; /* where it begins */
    uint64_t last;      /* last step it has */
    uint64_t stop;      /* where it ends, or UINT64_MAX while unknown */
    uint64_t bound;     /* where it ends at the latest */
    const char *why;    /* of waiting, cancelled, absent; "" otherwise */
};
struct stm_rep stm_view_rep(const struct stm_view *v, int node, unsigned seed);

/* The arms (plan->families) that a waiting `node` is known only after: those of calibrations that
 * it or an ancestor reads, have no value yet, and can still get one. At most `max`; returns how
 * many. */
unsigned stm_view_known_after(const struct stm_view *v, int node, int *family, unsigned max);

struct stm_fork_at {
    bool known;     /* the step is known and the state is in the trail */
    bool reached;   /* false with known: this seed never gets there */
    bool cancelled; /* a `require` failed */
    uint64_t step;
    struct stm_id state; /* before any edit */
    const char *why;
};
struct stm_fork_at stm_view_fork(const struct stm_view *v, int fork, unsigned seed);

/* What the trail says about one moment of a replicate's history (ancestors included). */
struct stm_measured {
    uint64_t step;
    struct stm_id state;
    bool stored;
    unsigned n_tensors;
    const char *const *names;     /* [n_tensors], sorted */
    const struct stm_id *tensors; /* [n_tensors] */
};
/* UNKNOWN when the moment is not known or was not measured, NONE after the replicate's stop. */
enum stm_fact stm_view_at(const struct stm_view *v, int node, unsigned seed, struct stm_moment at,
                          struct stm_measured *out);
/* The recorded state that the replicate's first one was made from; false while there is none. */
bool stm_view_parent(const struct stm_view *v, int node, unsigned seed, struct stm_id *parent);
/* The next moment after *at of a replicate on the file's grids, which becomes *at: its start (after
 * STM_AT_FORK), every measured step of the grids after it, its last one. False past the end. */
bool stm_view_next(const struct stm_view *v, int node, unsigned seed, struct stm_moment *at,
                   struct stm_measured *out);
/* The settings text in effect on the transition from `step`, of the update to the stop at the stop;
 * NULL when not known yet. Valid until the next call. */
const char *stm_view_settings(struct stm_view *v, int node, unsigned seed, uint64_t step);
/* The steps at which the settings of a replicate change: the i-th, its fork first; false past the
 * end. */
bool stm_view_change(const struct stm_view *v, int node, unsigned seed, unsigned i, uint64_t *step);

/* What a run would do. */
struct stm_cost {
    unsigned replicates, done, waiting; /* waiting: known only after others have run */
    uint64_t declared;                  /* steps of all replicates, to their stop or bound */
    uint64_t reused;                    /* of these, in the store already */
    uint64_t shared; /* of these, part of another replicate's trajectory in this plan */
    uint64_t again;  /* steps to be executed again, to measure what was not */
    uint64_t worst;  /* still to be executed at the most, `again` included */
    uint64_t states; /* anchors that would be stored at the most */
    uint64_t bytes;  /* of one state, raw */
};
enum { STM_ANCHOR_EVERY = 4000 }; /* steps between stored states, where nobody says otherwise */
void stm_view_cost(const struct stm_view *v, uint64_t anchor_every, struct stm_cost *out);

/* ---- running ---- */

struct stm_progress {
    int node;
    unsigned seed;
    uint64_t step, from, until; /* until: the bound of this stretch */
};

struct stm_run_options {
    unsigned jobs;         /* worker processes; 0: one a processor */
    uint64_t anchor_every; /* steps between anchors; 0: STM_ANCHOR_EVERY */
    /* Called in the calling process, now and then and at the end of each stretch (`done`). May be
     * NULL. */
    void (*progress)(void *ctx, const struct stm_progress *p, bool done);
    /* Called with a line, without newline, for what the user should know while it runs: that
     * workers die and what is done about it. May be NULL. */
    void (*notice)(void *ctx, const char *text);
    void *ctx;
    /* Polled; when it becomes non-zero every worker saves its state and the run ends with
     * STM_E_INTERRUPTED. May be NULL. */
    const volatile int *interrupt;
};

struct stm_run_outcome {
    uint64_t steps; /* training steps executed, by all workers; of those that died, as last told */
    unsigned stretches; /* tasks that were run */
    unsigned restarts;  /* workers that died and were started again */
    double peak_mb;     /* largest resident size of a worker, MiB */
};

/* Trains what the view lacks. Returns 0 when nothing is left that can be run. The engine must be
 * open with the view's profile (STM_E_PROFILE otherwise). Needs stm_view to be the only user of the
 * store handle.
 *
 * A worker that dies is replaced; where one leaves nothing new in the store, the next one stores
 * earlier. A trajectory on which worker after worker leaves nothing new, or that the engine
 * refuses, or whose steps differ from the trail, is given up for the life of the view, and the
 * others go on: stm_view_given_up. An error that concerns them all (no space, a damaged store) ends
 * the run. */
int stm_run_execute(struct stm_view *v, const struct stm_run_options *options,
                    struct stm_run_outcome *outcome, struct stm_err *err);

struct stm_given_up {
    uint64_t step;          /* where its last worker was last heard of */
    int code;               /* enum stm_code; STM_E_ENGINE when its workers died */
    const char *why, *help; /* a line each; help may be NULL */
};
/* Whether a trajectory was given up that was to be trained for this replicate first of all. */
bool stm_view_given_up(const struct stm_view *v, int node, unsigned seed, struct stm_given_up *out);

/* ---- plans in the store ---- */

/* What `run` leaves so that later commands need no file. */
struct stm_catalog_entry {
    const char *name, *title, *params; /* params: "p=59 rho=1.15" as set by -D only, or "" */
    const char *canonical, *profile, *compute_hash, *claim_hash;
    int seed_lo, seed_hi;
    struct stm_id record;
};
int stm_catalog_put(struct stm_store *s, const struct stm_plan *plan, int seed_lo, int seed_hi,
                    const char *profile, struct stm_err *err);
/* The id of the record that stm_catalog_put makes of this. */
int stm_catalog_id(struct stm_id *out, const struct stm_plan *plan, int seed_lo, int seed_hi,
                   const char *profile, struct stm_err *err);
/* The plan of such a record; the caller's, freed with stm_plan_free. STM_E_DAMAGED. */
int stm_catalog_plan(struct stm_plan **out, struct stm_store *s, const struct stm_id *record,
                     struct stm_err *err);
struct stm_catalog {
    struct stm_catalog_entry *e;
    size_t n;
    void *arena;
};
int stm_catalog_read(struct stm_catalog **out, struct stm_store *s, struct stm_err *err);
void stm_catalog_free(struct stm_catalog *c);

/* ---- registration ---- */

/* Stores the expectations of a plan for its design and definitions. The caller has made sure that
 * there are no data yet. *added counts those that were not registered before. STM_E_CONFLICT when
 * another process registers at the same moment: call again. */
int stm_registry_add(struct stm_store *s, const struct stm_plan *plan, unsigned *added,
                     struct stm_err *err);
/* Which expectations were registered: flags[plan->n_expects]. *any: whether the design has a
 * registration at all. */
int stm_registry_read(struct stm_store *s, const struct stm_plan *plan, bool *any, bool *flags,
                      struct stm_err *err);

/* ---- replay ---- */

struct stm_replay_report {
    uint64_t steps;    /* re-executed */
    uint64_t compared; /* state ids compared */
    uint64_t metrics;  /* recorded values of metrics compared */
    uint64_t anchors;  /* stored states read, verified and compared */
    bool differs;
    uint64_t step;     /* the first measured step that differs */
    char tensors[200]; /* the tensors that differ there: "a, b", "a, b and 37 more" */
    struct stm_id expected, found;
    /* The metric whose recorded value differs, of the view's plan; "": the state does. */
    const char *metric;
    double recorded, measured;
};
/* Opens the engine under the profile `name`; NULL: the one the view was recorded under. Errors of
 * stm_engine_open. */
int stm_replay_open(const struct stm_view *v, const char *name, struct stm_err *err);
/* Re-executes the replicate from its origin (`from_origin`: through all its ancestors, from the
 * seed's init) or from the nearest anchor before `to`, up to `to` (UINT64_MAX: its last step), and
 * compares every id and every metric that the trail has with what comes out: event times and
 * captures are made of these. `verify` also reads every stored state on the way.
 * STM_E_PROFILE: recorded under another profile. STM_E_MISMATCH with the report filled. */
int stm_replay(struct stm_view *v, int node, unsigned seed, bool from_origin, bool verify,
               uint64_t to, void (*progress)(void *ctx, uint64_t step), void *ctx,
               struct stm_replay_report *report, struct stm_err *err);
/* Brings the state of a replicate at a moment into memory: read when it is an anchor, else
 * re-executed from the one before and checked against the trail. */
int stm_view_restore(struct stm_view *v, int node, unsigned seed, struct stm_moment at,
                     struct stm_state *out, struct stm_err *err);

/* ---- addresses ---- */

struct stm_address {
    int node;
    int seed; /* index into the seeds in effect, or -1 when the address names none */
    bool has_at;
    struct stm_moment at; /* its step is known, where has_at */
};
/* Finds `text` ("trunk/post/raised#7@2000", without "protocol:") in a view. STM_E_NOTFOUND lists
 * what is similar, STM_E_USAGE the candidates of an ambiguous one. After an error out->node is an
 * arm that the path names, or -1 when there is none. */
int stm_address_find(const struct stm_view *v, const char *text, struct stm_address *out,
                     struct stm_err *err);

#endif
