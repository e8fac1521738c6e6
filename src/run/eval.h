/* Evaluating checked expressions over measured facts.
 *
 * A value is one cell, a cell for each seed in effect, or a cell for each instance of a sweep (a
 * curve). A cell carries its own failure (not known yet, no value, does not exist for this seed)
 * with the reason as text, so that one missing fact spoils only what reads it; memory alone is
 * reported apart (`nomem`).
 *
 * Per-seed values are computed once for all seeds and kept; statistics read them through the
 * current selection of seeds, which a bootstrap changes 4000 times. What depends on the selection
 * is kept for the life of that selection only.
 *
 * Life cycle: stm_ev_init, any number of stm_ev_base / stm_ev_select / stm_ev_eval, and
 * stm_ev_release. Values die with the next stm_ev_base or stm_ev_select; texts of cells live until
 * stm_ev_release.
 */
#ifndef STEMMA_RUN_EVAL_H
#define STEMMA_RUN_EVAL_H

#include <math.h>

#include "base/arena.h"
#include "run/stats.h"
#include "stemma/run.h"

enum stm_cell_state {
    STM_CELL_OK,
    STM_CELL_ABSENT,  /* the replicate does not take part: left out of statistics */
    STM_CELL_UNKNOWN, /* not measured yet */
    STM_CELL_INVALID  /* has no value: 0/0, statistic of nothing, undecided comparison */
};

struct stm_cell {
    enum stm_cell_state state;
    bool censored;   /* the value is greater than v (with ABSENT and INVALID: for that reason) */
    bool truth;      /* v is 0 or 1 and means no or yes */
    bool bound;      /* read where the replicate hit its bound before its stop event */
    double v;        /* also of symbols: NAN */
    const char *sym; /* a sweep value that is a word, else NULL */
    const char *why; /* of UNKNOWN and INVALID */
};

enum stm_value_kind { STM_VAL_ONE, STM_VAL_SEEDS, STM_VAL_CURVE };

struct stm_value {
    enum stm_value_kind kind;
    struct stm_cell one;
    unsigned n; /* cells: seeds in effect, or points of the curve */
    struct stm_cell *cells;
    const int *nodes; /* curve: plan->nodes of the points; one: the node it was read off, or NULL */
};

/* Where an expression is evaluated. */
struct stm_scope {
    int node;                   /* the arm that reads it, -1: none */
    const struct stm_expr *at;  /* the sampling expression around it (X_AT, X_AT_STEP), or NULL */
    double step;                /* bare metrics are read at this step; NAN: nowhere */
    enum stm_when when;         /* and which moment of that step */
    const struct stm_bind *env; /* the variable of `expect every g`, or NULL */
};

#define STM_SCOPE(n) ((struct stm_scope){.node = (n), .step = NAN})

struct stm_ev_slot;
struct stm_ev {
    const struct stm_data *d;
    unsigned first,
        n_seeds; /* the seeds of `d` that it is about; from here on counted from `first` */
    const unsigned *sel, *base; /* indices of seeds: of this sample, of the full sample */
    unsigned n_sel, n_base;
    unsigned lo, hi;    /* seeds whose per-seed values are computed */
    bool ignore_exists; /* one seed is evaluated while it is being trained */
    const char **fixed; /* lets that keep their full-sample value */
    unsigned n_fixed;
    unsigned counted; /* fewest uncensored values that a statistic rested on so far */
    bool *reads;      /* [n_nodes] or NULL: the arms that are read become true */
    /* A field of a claim ("value", "lo", "r2"); NULL: claims cannot be read. */
    struct stm_cell (*claim)(void *ctx, struct stm_ev *ev, int claim_index, const char *field);
    void *claim_ctx;
    bool nomem;

    /* private */
    bool depends; /* something read the selection since this was last cleared */
    unsigned long gen, base_gen, last_gen;
    unsigned depth;
    unsigned *all;
    struct stm_ev_slot *slots;
    size_t n_slots, used;
    struct stm_arena keep, scratch;
};

int stm_ev_init(struct stm_ev *ev, const struct stm_data *d, struct stm_err *err);
void stm_ev_release(struct stm_ev *ev);
/* The full sample (borrowed; NULL: all seeds in effect), which becomes the selection. */
void stm_ev_base(struct stm_ev *ev, const unsigned *seeds, unsigned n);
/* A resample of it (borrowed); indices may repeat. */
void stm_ev_select(struct stm_ev *ev, const unsigned *seeds, unsigned n);
struct stm_value stm_ev_eval(struct stm_ev *ev, const struct stm_expr *e,
                             const struct stm_scope *scope);
/* 0, or STM_E_NOMEM when memory ran out since init. */
int stm_ev_status(const struct stm_ev *ev, struct stm_err *err);

/* The nodes that a reference (`up`, `up[tau = 1.3]`, `arms(post)`, a list of those) means when it
 * is read in `scope`, in the order of the plan. On failure NULL, with the reason in *why. */
const int *stm_ev_nodes(struct stm_ev *ev, const struct stm_expr *e, const struct stm_scope *scope,
                        unsigned *n, struct stm_cell *why);
/* The label of a node ("up[tau=1.3]"), or its path where another node has that label. */
const char *stm_ev_node_name(const struct stm_plan *plan, int node);
/* The capture of that name that is a node's: of a fork above it, of an arm above it or itself, or
 * of the one fork that leaves it; -1: none. */
int stm_ev_capture_in(const struct stm_plan *plan, const char *name, int node);
/* The calibration that a reference to the `first` of its name means in the arm `node`. */
int stm_ev_calibrate_for(const struct stm_plan *plan, int first, int node);
/* A sweep variable of `node` or of what it descends from, or NULL. */
const struct stm_bind *stm_ev_bind(const struct stm_plan *plan, int node, const char *name);

/* Whether a requirement holds for one seed: a comparison of metrics at a moment, or an event, which
 * holds when it has come no later than its step. Codes as stm_eval_seed. */
int stm_eval_require(const struct stm_data *d, const struct stm_expr *e, int node, unsigned seed,
                     struct stm_moment at, bool *out, struct stm_err *err);

/* ---- cells (eval_cell.c) ---- */

struct stm_cell stm_cell_num(double v);
struct stm_cell stm_cell_truth(bool yes);
struct stm_cell stm_cell_bad(struct stm_ev *ev, enum stm_cell_state state, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* `expr_kind` ADD, SUB, MUL or DIV. */
struct stm_cell stm_cell_arith(struct stm_ev *ev, enum stm_expr_kind expr_kind, struct stm_cell a,
                               struct stm_cell b);
struct stm_cell stm_cell_neg(struct stm_ev *ev, struct stm_cell a);
/* Decided by the bound of a censored side where that is possible, else INVALID. */
struct stm_cell stm_cell_compare(struct stm_ev *ev, enum stm_cmp op, struct stm_cell a,
                                 struct stm_cell b);
/* Kleene's three-valued logic: a decided side can settle the whole. */
struct stm_cell stm_cell_and(struct stm_cell a, struct stm_cell b);
struct stm_cell stm_cell_or(struct stm_cell a, struct stm_cell b);
struct stm_cell stm_cell_not(struct stm_cell a);
/* A time as a truth: it has come, and no later than `step` (NAN: ever). */
struct stm_cell stm_cell_as_truth(struct stm_cell a, double step);

/* ---- functions of the language (functions.c) ---- */

struct stm_function {
    const char *name;
    unsigned min_args, max_args;
    struct stm_value (*call)(struct stm_ev *ev, const struct stm_function *f,
                             const struct stm_expr *e, const struct stm_scope *scope);
    bool (*stat)(struct stm_obs *x, size_t n, struct stm_obs *out); /* of statistics */
    double (*map)(double x);                                        /* of functions of one number */
    bool increasing; /* map: keeps the order, so a lower bound stays one */
};
const struct stm_function *stm_function_find(const char *name);

/* ---- for functions.c ---- */

struct stm_value stm_value_one(struct stm_cell c);
struct stm_value stm_value_cells(struct stm_ev *ev, enum stm_value_kind kind, unsigned n);
/* f(op, a, b) cell by cell; one number goes with every seed or point. */
typedef struct stm_cell stm_cell_op(struct stm_ev *ev, int op, struct stm_cell a,
                                    struct stm_cell b);
struct stm_value stm_value_map2(struct stm_ev *ev, stm_cell_op *f, int op, struct stm_value a,
                                struct stm_value b);
/* The cells of a value that the selection takes: seeds of the sample, points of a curve. Absent
 * ones are left out; *bad is the first that has no value. NULL when out of memory. */
struct stm_cell *stm_ev_gather(struct stm_ev *ev, const struct stm_value *v, unsigned *n,
                               struct stm_cell *bad);
/* Notes that `node` is read. */
static inline void stm_ev_reads(struct stm_ev *ev, int node)
{
    if (ev->reads) ev->reads[node] = true;
}
/* What a cell is read off: "raised, seed 7". */
const char *stm_ev_place(struct stm_ev *ev, int node, unsigned seed);
/* Steps of the log grid of a replicate, ascending, as a curve of numbers. */
struct stm_value stm_ev_log_steps(struct stm_ev *ev, int node, unsigned seed);
/* The one node that a reference means, or -1 with the reason in *why. */
int stm_ev_node(struct stm_ev *ev, const struct stm_expr *e, const struct stm_scope *scope,
                struct stm_cell *why);
/* Evaluates what a NAME, CALL or FIELD stands for in the arm of `scope` (eval_ref.c). */
struct stm_value stm_ev_named(struct stm_ev *ev, const struct stm_expr *e,
                              const struct stm_scope *scope);
/* A NAME, FIELD or CALL read off the nodes that its `kids[0]` refers to: a curve for several. */
struct stm_value stm_ev_member(struct stm_ev *ev, const struct stm_expr *e,
                               const struct stm_scope *scope);
/* Whether `e` refers to arms: `up`, `up[tau = 1.3]`. */
bool stm_ev_is_place(const struct stm_expr *e);

/* Evaluates with `fn` unless the value is kept already. */
typedef struct stm_value stm_ev_fn(struct stm_ev *ev, const struct stm_expr *e,
                                   const struct stm_scope *scope);
struct stm_value stm_ev_memo(struct stm_ev *ev, const void *what, stm_ev_fn *fn,
                             const struct stm_expr *e, const struct stm_scope *scope);

/* ---- kept values (eval_cache.c) ---- */

struct stm_ev_key {
    const void *what, *at, *env;
    int node, seed;
    double step;
};
/* A value that still holds, or NULL. Marks the evaluator as `depends` where the value does. */
const struct stm_value *stm_ev_cached(struct stm_ev *ev, const struct stm_ev_key *key);
/* Keeps `v`: for good when `gen` is 0, else while the selection or full sample `gen` lasts. */
void stm_ev_cache(struct stm_ev *ev, const struct stm_ev_key *key, const struct stm_value *v,
                  unsigned long gen);

#endif
