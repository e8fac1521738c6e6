/* The slow second opinion: what a checked plan means, worked out in the plainest way.
 *
 * Every replicate is executed from its seed, one step at a time, through its ancestors; every
 * metric that the file mentions is measured on every state; all of it stays in memory. Nothing is
 * stored, reused or cut. The checker of the language and the trainer are borrowed, nothing else:
 * what an event time, a stop, a capture or a median is, is written here again from
 * docs/language.md and docs/numerics.md, so that a mistake has to be made twice to stay unseen.
 *
 * Mistakes of the caller and lack of memory end the program (oracle_die).
 */
#ifndef STEMMA_ORACLE_H
#define STEMMA_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stemma/buf.h"
#include "stemma/engine.h"
#include "stemma/protocol.h"

#define NEVER UINT64_MAX

/* ---- memory: freed at the end, or back to a mark ---- */

void *oracle_alloc(size_t n); /* zeroed */
size_t oracle_mark(void);
void oracle_release(size_t mark); /* frees what was taken since */
void oracle_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* The engine does not take what the checker has let through: exit 3. */
void oracle_refused(const struct stm_err *err) __attribute__((noreturn));

/* ---- what happened ---- */

enum status { ST_OFF, ST_WAITING, ST_CANCELLED, ST_ABSENT, ST_DONE, ST_DIVERGED };

struct row {
    struct stm_id id;
    double *v; /* [world.n_metrics]; NULL: there is no such row */
};

struct rep {
    int node;
    unsigned seed; /* index into world.seeds */
    enum status status;
    uint64_t fork;     /* the step at which it begins */
    uint64_t stop;     /* its last step */
    uint64_t rule;     /* where its stop rule ends it: a run that has forks may end before */
    uint64_t bound;    /* the least number of its stop rule, or NEVER */
    uint64_t diverged; /* the step of its first state that is not finite, or NEVER */
    struct row *rows;  /* [n_rows]: state n of its history, ancestors included */
    uint64_t n_rows, cap;
    struct row start; /* its first state, after the edits */
    uint64_t *event;  /* [plan->n_events], or NEVER */
    uint64_t broken;  /* the state after which a number of its own has no value, or NEVER */
};

struct fork_fact {
    bool reached, cancelled;
    uint64_t step;
};

struct world {
    const struct stm_plan *plan;
    const int *seeds;
    unsigned n_seeds;
    struct stm_metric *metrics; /* [n_metrics]: all that the file mentions */
    const struct stm_metric **metric_list;
    const char **metric_text; /* as the plan has them */
    unsigned n_metrics;
    bool track;                            /* one of them reads the update */
    struct rep *reps;                      /* [node][seed] */
    struct fork_fact *forks;               /* [fork][seed] */
    enum { TO_DO, BUSY, FINISHED } * done; /* [node] */
    struct calibration {
        enum { CAL_TO_DO, CAL_NONE, CAL_KNOWN } state;
        double v;
    } * calibrations;
};

/* The replicate as it was played (world.c). During the play of a node its own are given as they
 * are so far. */
const struct rep *world_rep(struct world *w, int node, unsigned seed);
struct fork_fact world_fork(struct world *w, int fork, unsigned seed);
bool world_calibration(struct world *w, int calibrate, double *out);
/* Whether the fork has as many seeds as its `need` asks for; NULL, or the fork that has not. */
const struct stm_fork *world_need(struct world *w, int node);
void world_collect_metrics(struct world *w);
void world_play(struct world *w); /* all of it */

/* Plays the replicate up to `horizon`, or to where it diverges, or its own `each` events stop it.
 * False when a number that it needs has no value. (play.c) */
bool play(struct world *w, struct rep *r, uint64_t horizon);

/* ---- moments ---- */

enum when { AT_NONE, AT_STEP, AT_FORK, AT_START, AT_STOP };
struct moment {
    enum when when;
    uint64_t step; /* AT_STEP */
};
/* NULL where there is none. `open`: r is being played, or the moment is a fork's: its stop does not
 * matter. */
const struct row *moment_row(struct world *w, const struct rep *r, struct moment at, bool open);
/* The moment of the parent at which a fork at `step` leaves it. */
struct moment fork_moment(const struct rep *parent, uint64_t step);

/* ---- windows (window.c) ---- */

/* An action on the replicate that is played, in terms of states: it begins at state `from` and ends
 * at state `until`. A set acts on updates n with from <= n < until, a hold on their results. */
struct window {
    const struct stm_action *action;
    int owner;      /* the node that it is written in */
    unsigned level; /* of the owner in the chain of ancestors */
    uint64_t from, until;
};
struct chain { /* a replicate's ancestors and itself */
    int node[32];
    uint64_t fork[32];
    unsigned n;
};
struct chain chain_of(struct world *w, const struct rep *r);
unsigned windows_of(const struct world *w, const struct rep *r, const struct chain *c,
                    unsigned level, struct window *out, unsigned room);
/* The settings of the update from state `step`. False when a value in them is not known. */
bool window_settings(struct world *w, const struct rep *r, const struct chain *c, unsigned level,
                     uint64_t step, struct stm_settings **out);
/* What is done to the state at `step` before the update: at the fork of `level` or in a window.
 * `events_only`: by what an event opens that came at this very state, a run's first. */
bool window_edit(struct world *w, const struct rep *r, const struct chain *c, unsigned level,
                 uint64_t step, bool events_only, struct stm_trainer *t);

/* ---- statistics (stats.c) ---- */

struct obs {
    double v;
    bool censored; /* the value is greater than v */
};
enum stat { STAT_MEDIAN, STAT_MEAN, STAT_STD, STAT_MIN, STAT_MAX, STAT_IQR };
bool stat_quantile(const struct obs *x, unsigned n, double q, struct obs *out);
bool stat_of(enum stat s, const struct obs *x, unsigned n, struct obs *out);
bool stat_interp(const double *x, const double *y, unsigned n, double at, double *out);

enum { OLS_MAX = 8 };
struct ols {
    unsigned n, k;
    double intercept, coef[OLS_MAX], rss, r2, dr2;
};
/* x[k][n], y[n]; neither is changed. */
bool stat_ols(const double *x, const double *y, unsigned n, unsigned k, struct ols *out);
double stat_aic(const struct ols *f);
unsigned stat_draw(unsigned resample, unsigned draw, unsigned n);

/* ---- values (cell.c) ---- */

enum cell_state { C_OK, C_ABSENT, C_UNKNOWN, C_INVALID };
struct cell {
    enum cell_state state;
    bool censored, truth;
    bool bound; /* read where the replicate hit its bound before its stop event */
    double v;
    const char *sym;
};
struct cell cell_num(double v);
struct cell cell_truth(bool yes);
struct cell cell_bad(enum cell_state state);
struct cell cell_arith(enum stm_expr_kind op, struct cell a, struct cell b);
struct cell cell_neg(struct cell a);
struct cell cell_compare(enum stm_cmp op, struct cell a, struct cell b);
struct cell cell_and(struct cell a, struct cell b);
struct cell cell_or(struct cell a, struct cell b);
struct cell cell_not(struct cell a);
struct cell cell_as_truth(struct cell a); /* a time: whether it has come */

/* ---- expressions (eval.c, names.c, call.c) ---- */

enum value_kind { V_ONE, V_SEEDS, V_CURVE };
struct value {
    enum value_kind kind;
    struct cell one;
    unsigned n;
    struct cell *cells;
    const int *nodes; /* of a curve; of one number: the node it was read off */
};

struct sample {            /* what statistics are taken over, and claims that can be read */
    const unsigned *seeds; /* indices, may repeat */
    unsigned n;
    const unsigned *full; /* for hold_fixed */
    unsigned n_full;
    const char *const *fixed;
    unsigned n_fixed;
    unsigned counted; /* fewest uncensored values that a statistic rested on */
    bool computing;   /* of a claim: those that it reads are computed of the same seeds */
};

struct scope {
    struct world *w;
    struct sample *sample;
    struct results *results; /* claims, or NULL */
    int node;                /* -1: none */
    const struct stm_expr *at;
    struct moment moment; /* where bare metrics are read */
    int seed;             /* index of the one seed that is asked for, or -1: all */
    const struct stm_bind *env;
};

struct value eval(const struct stm_expr *e, const struct scope *s);
struct value eval_name(const struct stm_expr *e, const struct scope *s);
struct value eval_member(const struct stm_expr *e, const struct scope *s);
struct value eval_call(const struct stm_expr *e, const struct scope *s);
struct value value_one(struct cell c);
struct value value_cells(enum value_kind kind, unsigned n);
typedef struct cell cell_op(int op, struct cell a, struct cell b);
struct value value_map2(cell_op *f, int op, struct value a, struct value b);
/* One number or truth of one seed at a moment: measurements, requirements, values of actions. */
struct cell eval_seed(struct world *w, const struct stm_expr *e, int node, unsigned seed,
                      struct moment at);
/* The nodes that a reference means, in `out` (room for all of the plan). False: none. */
bool eval_nodes(const struct stm_expr *e, const struct scope *s, int *out, unsigned *n);
bool is_place(const struct stm_expr *e);
bool is_arm(const struct cell *c);
bool takes_part(struct world *w, int node, unsigned seed);
uint64_t logged(struct world *w, const struct rep *r, uint64_t i); /* i-th logged step or NEVER */
const struct stm_bind *bind_at(const struct stm_plan *p, int node, const char *name);
const char *node_name(const struct stm_plan *p, int node);
int calibration_of(const struct stm_plan *p, int first, int node);

/* ---- claims (claims.c) ---- */

struct result {
    bool known, has_interval;
    struct cell value, lo, hi;
    unsigned n;
    bool *reads; /* [n_nodes] the arms that it reads */
    struct ols fit;
    unsigned left_out;
};
enum outcome { OUT_HOLDS, OUT_FAILS, OUT_NOT_EVALUABLE };
struct results {
    struct result *claims;
    enum outcome *expects;
};
struct cell result_field(const struct scope *s, int claim, const char *field);
void results_compute(struct world *w, struct results *r);
/* Whether the arms that an expression reads have the seeds that their forks need. */
bool may_read(const struct stm_expr *e, const struct scope *s);
enum outcome expect_outcome(struct scope *s, const struct stm_expect *e);

/* ---- output (json.c) ---- */

void world_json(struct world *w, struct results *r, struct stm_buf *out);

#endif
