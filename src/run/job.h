/* A task as a value: all that a process needs to carry it out that has the store and the plan.
 *
 * It can be written down and read again (stm_job_encode, stm_job_decode), so who carries it out may
 * be a child, or a process on another machine that was started with the store and these bytes. What
 * comes of it is in the store; nothing else is said but how it went. */
#ifndef STEMMA_RUN_JOB_H
#define STEMMA_RUN_JOB_H

#include "base/arena.h"
#include "base/buf.h"
#include "run/columns.h"
#include "run/origin.h"
#include "run/trail.h"

enum { STM_EVENTS_MAX = 32, STM_ANCHORS_MAX = 64 };

struct stm_job {
    struct stm_id plan; /* its record in the store (stm_catalog_plan) */
    int node, seed;     /* in the plan; the seed itself */
    uint64_t fork;      /* the first step of the replicate, maybe before the trajectory's */

    struct stm_origin origin; /* of the trajectory: how it begins, settings, profile */
    bool start_known;
    struct stm_id start; /* its first state, where known */
    struct stm_id head;  /* the newest record of its trail, as it was when the job was made */

    uint64_t resume;         /* first step that lacks something: start from an anchor before it */
    uint64_t until;          /* stop here at the latest */
    bool again;              /* what it lacks is a measurement, maybe at that very step */
    bool root;               /* it begins a run: events count at its first step too */
    uint32_t stop_events;    /* stop at the first measured step where one of these comes */
    uint32_t anchor_events;  /* keep the state where one of these comes */
    uint32_t latched;        /* events that came before the trajectory */
    uint64_t anchor_every;   /* steps between anchors at first ... */
    uint64_t usual;          /* ... and later on */
    const uint64_t *anchors; /* keep the state at these steps, too */
    size_t n_anchors;
    const uint64_t *rows; /* measure these steps in full; ascending */
    size_t n_rows;
};

/* What the job extends: the same before and after its first state is known. */
struct stm_id stm_job_id(const struct stm_job *j);

void stm_job_encode(const struct stm_job *j, struct stm_buf *out);
/* Everything that *j points to is of the arena. STM_E_FORMAT: these bytes are no job. */
int stm_job_decode(struct stm_job *j, const void *p, size_t n, struct stm_arena *a,
                   struct stm_err *err);

/* The anchor to start from, NULL for the first state: at or before the first step that lacks
 * something; before it where that is a metric that reads the update to it. */
const struct stm_trail_entry *stm_job_anchor(const struct stm_columns *c, uint64_t from,
                                             uint64_t resume, bool again,
                                             const struct stm_trail *trail);

#endif
