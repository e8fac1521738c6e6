/* The inside of a view: replicates as chains of trajectories, and the tasks that would extend them.
 */
#ifndef STEMMA_RUN_VIEW_H
#define STEMMA_RUN_VIEW_H

#include "run/effective.h"
#include "run/job.h"
#include "run/range.h"

enum { STM_WHY = 160 };

/* A stretch of a replicate under constant settings: [from, cut] of one trajectory. */
struct stm_piece {
    uint64_t from;
    struct stm_range cut; /* where the settings change; STM_NEVER when they hold to the end */
    uint32_t watch;       /* events that may bring the cut */
    bool start_known;
    struct stm_id start;      /* the state at `from`, after edits; when known */
    struct stm_origin origin; /* how it begins; its texts belong to the piece */
    struct stm_id origin_key;
    bool derived; /* `origin` says how to make the start; else it is a stored state */
    char *settings, *edits;
    struct stm_id key;       /* when the start is known */
    struct stm_trail *trail; /* cached in the view; when the start is known */
};

struct stm_replicate {
    int node;
    unsigned seed;
    struct stm_rep pub;
    char why[STM_WHY];
    char blocked[STM_WHY]; /* why there is nothing after the last piece's cut, or "" */
    bool located;          /* fork step known, pieces made */
    bool settled;          /* nothing about it can change any more */
    struct stm_piece *pieces;
    unsigned n_pieces, cap_pieces;
    /* When its events come in its whole history, looking no further than it was trained. */
    struct stm_range *event; /* [plan->n_events], of the view */
    struct stm_range diverged;
    struct stm_range own;     /* its stop by numbers and by its own events */
    struct stm_range rule;    /* its stop by its stop rule */
    struct stm_range end;     /* its last step */
    uint64_t gridded, logged; /* first steps of the grids that are not known to be measured */
    bool wished;              /* the steps of its samples are */
    uint64_t again;           /* steps that its demands execute once more */
    uint64_t gap; /* first step that lacks a measurement the file asks for, or STM_NEVER */
};

struct stm_fork_state {
    struct stm_fork_at pub;
    struct stm_range time;
    bool have; /* the state is there, whatever the requirements say */
    char why[STM_WHY];
    bool need_row; /* the step was passed, but a metric is missing */
};

/* One stretch of training for a worker. Texts and arrays belong to the view until it is refreshed.
 */
struct stm_task {
    int node;
    unsigned seed;
    const struct stm_piece *piece;
    uint64_t resume;        /* first step that lacks something: start from an anchor before it */
    bool again;             /* what it lacks is a measurement, maybe at that very step */
    uint64_t until;         /* stop here at the latest */
    bool root;              /* the piece begins a run: events count at its first step too */
    uint32_t stop_events;   /* stop at the first measured step where one of these comes */
    uint32_t anchor_events; /* keep the state where one of these comes */
    uint32_t latched;       /* events that came before the piece */
    uint64_t anchors[STM_ANCHORS_MAX]; /* keep the state at these steps */
    unsigned n_anchors;
};

/* Something that was asked for at a moment and is not measured. */
struct stm_miss {
    int node;
    unsigned seed;
    struct stm_moment at;
};

/* A step at which a seed is to be measured in full whenever it is trained through it. */
struct stm_wish {
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
    struct stm_id record; /* of the plan in the store (catalog.c), whether it is there or not */
    char *profile;
    int *seeds;
    unsigned n_seeds;
    struct stm_data data;
    struct stm_replicate *reps;    /* [n_nodes][n_seeds] */
    struct stm_range *events;      /* [n_nodes][n_seeds][n_events], of the replicates */
    struct stm_fork_state *forks;  /* [n_forks][n_seeds] */
    double *calibrated;            /* [n_calibrates], NAN while unknown */
    struct stm_trail_slot **slots; /* open addressing by key, a power of two */
    size_t n_slots, cap_slots;
    unsigned generation;
    struct stm_columns columns; /* every engine metric that the plan mentions */
    struct stm_task *tasks;
    size_t n_tasks, cap_tasks;
    uint32_t *task_slots; /* tasks.c: of a hash table over what they extend, task + 1 */
    size_t n_task_slots;
    char calibrate_why[STM_WHY]; /* why the last calibration that was asked for has no value */
    bool noting;                 /* metrics that are asked for and missing are noted as misses */
    bool pretend;                /* and read as 1 */
    bool open;                   /* not all is trained: what claims read is not known in full */
    struct stm_miss *misses;
    size_t n_misses, cap_misses;
    struct stm_wish *wishes; /* ascending */
    size_t n_wishes, cap_wishes;
    const struct stm_expr **samples; /* the times of samples.c */
    size_t n_samples, cap_samples;
    bool *compared;               /* [n_nodes]: `identical` names it */
    struct stm_setback *setbacks; /* setbacks.h; they outlive a refresh */
    size_t n_setbacks, cap_setbacks;
    struct stm_arena arena;
};

struct stm_replicate *stm_view_replicate(const struct stm_view *v, int node, unsigned seed);

/* Whether its last step is where it diverged. */
static inline bool stm_replicate_diverged(const struct stm_replicate *r)
{
    return stm_range_known(r->diverged) && r->end.lo == r->diverged.lo;
}

/* moment.c: the one place that says which state a moment of a replicate is. */
struct stm_place {
    const struct stm_replicate *owner;
    const struct stm_piece *piece; /* in its trajectory */
    uint64_t step;
};
/* UNKNOWN while that cannot be said; the step may still have to be trained. */
enum stm_fact stm_view_place(const struct stm_view *v, int node, unsigned seed,
                             struct stm_moment at, struct stm_place *out);
/* The trail's entry of a place, or NULL. */
const struct stm_trail_entry *stm_place_entry(const struct stm_place *p);
/* The moment of the parent at which the arms of a fork leave it. */
struct stm_moment stm_view_fork_moment(const struct stm_view *v, int fork, unsigned seed);
/* Until which step the states of a piece are known to be the replicate's. */
uint64_t stm_piece_last(const struct stm_piece *p);

/* tasks.c: a task as a value, with the usual distance of anchors. What it points to is of the view
 * and of the arena. STM_E_NOMEM. */
int stm_task_job(const struct stm_view *v, const struct stm_task *t, struct stm_arena *a,
                 struct stm_job *out, struct stm_err *err);

/* facts.c: the stm_data functions. */
void stm_view_bind_data(struct stm_view *v);
/* trails.c: the cache; what comes back belongs to it. */
int stm_view_trail(struct stm_view *v, const struct stm_id *key, struct stm_trail **out,
                   struct stm_err *err);

/* pieces.c: what a replicate is made of, as far as it is known; its events are latched on the way.
 * A number that is not known yet leaves it unlocated, with the reason in r->why. */
int stm_view_locate(struct stm_view *v, struct stm_replicate *r, struct stm_err *err);
void stm_view_drop_pieces(struct stm_replicate *r);

/* misses.c: notes one while v->noting (a full list forgets the rest; they come up again). */
void stm_view_note_miss(struct stm_view *v, int node, unsigned seed, struct stm_moment at);
/* The wishes of a seed for the steps [from, to]: how many, and the first of them. */
size_t stm_view_wishes(const struct stm_view *v, unsigned seed, uint64_t from, uint64_t to,
                       const struct stm_wish **first);
void stm_view_wish(struct stm_view *v, unsigned seed, uint64_t step);

/* samples.c: the times at which claims sample. */
int stm_view_collect_samples(struct stm_view *v, struct stm_err *err);

/* resolve.c */
int stm_view_resolve(struct stm_view *v, struct stm_err *err);

#endif
