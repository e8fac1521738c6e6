/* The inside of a view: replicates as chains of trajectories, and the tasks that would extend them.
 */
#ifndef STEMMA_RUN_VIEW_H
#define STEMMA_RUN_VIEW_H

#include "run/effective.h"
#include "run/origin.h"
#include "run/trail.h"

enum { STM_EVENTS_MAX = 32, STM_WHY = 160 };

/* A stretch of a replicate under constant settings: [from, cut] of one trajectory. */
struct stm_piece {
    uint64_t from, cut; /* cut: UINT64_MAX when the settings hold to the end */
    bool start_known;
    struct stm_id start;      /* the state at `from`, after edits; when known */
    struct stm_origin origin; /* how it begins; its texts belong to the piece */
    bool derived;             /* `origin` says how to make the start; else it is a stored state */
    char *settings, *edits;
    struct stm_id key;       /* when the start is known */
    struct stm_trail *trail; /* cached in the view; when the start is known */
};

struct stm_replicate {
    int node;
    unsigned seed;
    struct stm_rep pub;
    char why[STM_WHY];
    bool located; /* fork step known, pieces made */
    bool settled; /* nothing about it can change any more */
    struct stm_piece *pieces;
    unsigned n_pieces;
    uint64_t event[STM_EVENTS_MAX]; /* latched time, or STM_NEVER */
    uint64_t scanned;               /* events are known up to this step */
    uint64_t gap;                   /* first grid step that lacks a measurement, or STM_NEVER */
    struct stm_id scanned_key;      /* of the first piece when it was scanned */
};

struct stm_fork_state {
    struct stm_fork_at pub;
    char why[STM_WHY];
    bool need_anchor, need_row; /* the step was passed, but the state or a metric is missing */
};

/* One stretch of training for a worker. Texts and arrays belong to the view until it is refreshed.
 */
struct stm_task {
    int node;
    unsigned seed;
    const struct stm_piece *piece;
    uint64_t resume;        /* start from the last anchor at or before this step */
    uint64_t until;         /* stop here at the latest */
    bool root;              /* the piece begins a run: events count at its first step too */
    uint32_t stop_events;   /* stop at the first measured step where one of these comes */
    uint32_t anchor_events; /* keep the state where one of these comes */
    uint32_t latched;       /* events that came before the piece */
    uint64_t anchors[16];   /* keep the state at these steps */
    unsigned n_anchors;
};

/* A metric that was asked for at a step that was trained but not measured. */
struct stm_miss {
    int node;
    unsigned seed;
    uint64_t step;
};

struct stm_trail_slot {
    struct stm_id key;
    struct stm_trail trail;
    unsigned generation; /* of the last refresh that looked at its ref */
};

struct stm_view {
    const struct stm_plan *plan;
    struct stm_store *store;
    char *profile;
    int *seeds;
    unsigned n_seeds;
    struct stm_data data;
    struct stm_replicate *reps;    /* [n_nodes][n_seeds] */
    struct stm_fork_state *forks;  /* [n_forks][n_seeds] */
    double *calibrated;            /* [n_calibrates], NAN while unknown */
    struct stm_trail_slot **slots; /* open addressing by key, a power of two */
    size_t n_slots, cap_slots;
    unsigned generation;
    const char **columns; /* every engine metric that the plan mentions */
    unsigned n_columns;
    uint32_t *column_uses; /* bits of enum stm_column_use */
    struct stm_task *tasks;
    size_t n_tasks, cap_tasks;
    char calibrate_why[STM_WHY]; /* why the last calibration that was asked for has no value */
    bool noting;                 /* metrics that are asked for and missing are noted as misses */
    struct stm_miss *misses;
    size_t n_misses, cap_misses;
    struct stm_arena arena;
};

enum stm_column_use { STM_USE_EVENT = 1, STM_USE_LOG = 2, STM_USE_OTHER = 4 };

struct stm_replicate *stm_view_replicate(const struct stm_view *v, int node, unsigned seed);
/* The piece in whose trajectory a step of the replicate lies; ancestors for steps up to the fork.
 * *node gets the owner. NULL when there is none. */
const struct stm_piece *stm_view_piece(const struct stm_view *v, int node, unsigned seed,
                                       uint64_t step, int *owner);

/* facts.c: the stm_data functions. */
void stm_view_bind_data(struct stm_view *v);
/* columns.c: collects the engine metrics of the plan. */
int stm_view_collect_columns(struct stm_view *v, struct stm_err *err);
/* The engine metrics in an expression, user metrics and lets followed: calls `each` with the text.
 */
int stm_expr_engine_metrics(const struct stm_plan *plan, const struct stm_expr *e,
                            int (*each)(void *ctx, const char *text), void *ctx);

/* trails.c: the cache. NULL with `err` on failure. */
struct stm_trail *stm_view_trail(struct stm_view *v, const struct stm_id *key, struct stm_err *err);

/* pieces.c: where a replicate begins and what it is made of. */
int stm_view_locate(struct stm_view *v, struct stm_replicate *r, struct stm_err *err);

/* misses.c: notes one while v->noting (a full list forgets the rest; they come up again). */
void stm_view_note_miss(struct stm_view *v, int node, unsigned seed, uint64_t step);

/* resolve.c */
int stm_view_resolve(struct stm_view *v, struct stm_err *err);

#endif
