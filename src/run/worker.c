#include "run/worker.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/fail.h"
#include "base/mem.h"
#include "run/row.h"

/* Everything one task needs while it runs. */
struct job {
    const struct stm_work *w;
    const struct stm_view *v;
    const struct stm_task *task;
    struct stm_trainer *trainer;
    struct stm_id *ids;         /* room for those of the trainer's tensors */
    struct stm_trail known;     /* what the store had */
    struct stm_trail fresh;     /* what is new since the last commit */
    struct stm_metric *metrics; /* [v->n_columns], parsed */
    struct stm_id head;
    uint64_t steps;
    struct timespec said; /* when progress was last told */
    bool tracked;         /* the last update was, for metrics that read it */
    /* the step being measured, for the evaluator */
    struct stm_row at;
    struct stm_range events[STM_EVENTS_MAX]; /* that have come, or have not */
    double row[256];                         /* [v->n_columns] */
    bool have[256];
};

/* ---- expressions on the step at hand ---- */

static enum stm_fact row_metric(const void *ctx, const char *text, double *out)
{
    const struct job *j = ctx;
    for (unsigned i = 0; i < j->v->n_columns; i++)
        if (j->have[i] && !strcmp(j->v->columns[i], text)) {
            *out = j->row[i];
            return STM_FACT_KNOWN;
        }
    return STM_FACT_UNKNOWN;
}

static void init_events(struct job *j)
{
    for (unsigned e = 0; e < j->v->plan->n_events; e++) {
        bool come = j->task->latched & UINT32_C(1) << e;
        j->events[e] = stm_range_at(come ? j->task->piece->from : STM_NEVER);
    }
}

/* Latches the events that hold on the row; the bits that are new. What is not known is no event
 * here: the view looks again, a task only stops or stores a state for it. */
static int latch(struct job *j, uint64_t step, uint32_t *came, struct stm_err *err)
{
    *came = 0;
    j->at.step = step;
    for (unsigned e = 0; e < j->v->plan->n_events; e++) {
        double holds;
        if (j->events[e].lo != STM_NEVER) continue;
        int rc = stm_eval_seed(&j->at.data, j->v->plan->events[e].expr, j->task->node,
                               j->task->seed, STM_STEP(step), &holds, err);
        if (rc == STM_E_INVALID || rc == STM_E_NOTFOUND) continue; /* 0/0 is no event */
        if (rc) return rc;
        if (holds == 0) continue;
        *came |= UINT32_C(1) << e;
        j->events[e] = stm_range_at(step);
    }
    return 0;
}

/* ---- measuring ---- */

static bool on_grid(uint64_t step, uint64_t every) { return every && step % every == 0; }

static bool wanted_anchor(const struct job *j, uint64_t step)
{
    for (unsigned i = 0; i < j->task->n_anchors; i++)
        if (j->task->anchors[i] == step) return true;
    return on_grid(step, j->w->anchor_every);
}

/* Steps that are measured in full: the first one, and those that something asks for. */
static bool wanted_row(const struct job *j, uint64_t step)
{
    return step == j->task->piece->from || step == j->task->resume ||
           stm_view_wished(j->v, j->task->seed, step);
}

/* Which columns to measure at `step`: events on their grid, logs on theirs, all where `all`. */
static bool wanted_column(const struct job *j, unsigned column, uint64_t step, bool all)
{
    uint32_t use = j->v->column_uses[column];
    if (all) return true;
    if ((use & STM_USE_EVENT) && on_grid(step, j->v->plan->every)) return true;
    return (use & STM_USE_LOG) && on_grid(step, j->v->plan->log_every);
}

/* Adds to the row the wanted columns that are not there yet. */
static void measure_row(struct job *j, uint64_t step, bool all)
{
    const struct stm_metric *m[256];
    unsigned which[256], n = 0;
    double values[256];
    for (unsigned i = 0; i < j->v->n_columns; i++)
        if (!j->have[i] && wanted_column(j, i, step, all)) {
            which[n] = i;
            m[n++] = &j->metrics[i];
        }
    if (n) stm_trainer_measure(j->trainer, m, n, values);
    for (unsigned i = 0; i < n; i++) {
        /* After a restore there is no last update to look at: an earlier anchor has to serve. The
         * first state of a trajectory has none at all. */
        bool update = stm_metric_reads_update(m[i]) && step != j->task->piece->from;
        if (update && !j->tracked) continue;
        j->row[which[i]] = values[i];
        j->have[which[i]] = true;
    }
}

static int tensor_names(struct job *j, const struct stm_state *s, struct stm_err *err)
{
    return j->fresh.tensor_names ? 0 : stm_trail_set_tensors(&j->fresh, s, err);
}

static int remember(struct job *j, struct stm_trail_entry *e, struct stm_err *err)
{
    struct stm_trail_value values[256];
    for (unsigned i = 0; i < j->v->n_columns; i++) {
        if (!j->have[i]) continue;
        int column = stm_trail_column(&j->fresh, j->v->columns[i]);
        if (column < 0) return stm_fail(err, STM_E_NOMEM, "measuring: out of memory");
        values[e->n_values++] = (struct stm_trail_value){(unsigned)column, j->row[i]};
    }
    e->values = values;
    return stm_trail_add(&j->fresh, e, err);
}

static int differs(const struct job *j, uint64_t step, struct stm_err *err)
{
    return stm_fail(err, STM_E_MISMATCH,
                    "`%s` seed %d: re-executing reached another state at step %llu than the store "
                    "has; `stemma replay` names the tensors",
                    j->v->plan->nodes[j->task->node].path, j->v->seeds[j->task->seed],
                    (unsigned long long)step);
}

/* Digests and measures the present state; `came` gets the events that came with it. */
static int measure(struct job *j, bool all, uint32_t *came, struct stm_err *err)
{
    uint64_t step = stm_trainer_at(j->trainer);
    struct stm_state s;
    /* The first state of a trajectory is in the store before anything is trained from it. */
    struct stm_trail_entry e = {
        .step = step, .stored = step == j->task->piece->from, .tensors = j->ids};
    stm_trainer_view(j->trainer, &s);
    int rc = stm_state_ids(&s, &e.state, j->ids, err);
    if (!rc) rc = tensor_names(j, &s, err);
    if (rc) return rc;
    const struct stm_trail_entry *old = stm_trail_at(&j->known, step);
    if (old && !stm_id_eq(&old->state, &e.state)) return differs(j, step, err);
    unsigned known = 0, total = 0;
    for (unsigned i = 0; i < j->v->n_columns; i++) {
        j->have[i] = old && stm_trail_metric(&j->known, old, j->v->columns[i], &j->row[i]);
        known += j->have[i];
    }
    measure_row(j, step, all);
    for (unsigned i = 0; i < j->v->n_columns; i++) total += j->have[i];
    if (!old || total > known) rc = remember(j, &e, err);
    *came = 0;
    bool counts = step > j->task->piece->from || j->task->root;
    if (!rc && counts && on_grid(step, j->v->plan->every)) rc = latch(j, step, came, err);
    return rc;
}

/* ---- storing ---- */

/* Marks the entry of `step` as an anchor, adding it when it is not among the fresh ones. */
static int mark_stored(struct job *j, const struct stm_state *s, struct stm_err *err)
{
    struct stm_trail_entry e = {.step = stm_state_step(s), .stored = true, .tensors = j->ids};
    int rc = stm_state_ids(s, &e.state, j->ids, err);
    if (!rc) rc = tensor_names(j, s, err);
    return rc ? rc : stm_trail_add(&j->fresh, &e, err);
}

/* Takes up the entries of `fresh` into `known` and empties it. */
static int absorb(struct job *j, struct stm_err *err)
{
    struct stm_trail next;
    int rc = stm_trail_merge(&j->known, &j->fresh, err);
    if (rc) return rc;
    rc = stm_trail_new(&next, &j->fresh.start, j->fresh.start_step, j->fresh.settings,
                       j->fresh.profile, err);
    if (rc) return rc;
    stm_trail_release(&j->fresh);
    j->fresh = next;
    return 0;
}

/* Commits what is new, with the present state as an anchor. */
static int commit(struct job *j, struct stm_err *err)
{
    struct stm_state s;
    stm_trainer_view(j->trainer, &s);
    const struct stm_trail_entry *old = stm_trail_at(&j->known, stm_state_step(&s));
    bool stored = old && old->stored;
    if (stored && !j->fresh.n_entries && j->fresh.diverged == STM_NEVER) return 0;
    int rc = stored ? 0 : mark_stored(j, &s, err);
    if (!rc) rc = stm_trail_commit(&j->fresh, j->w->store, stored ? NULL : &s, &j->head, err);
    return rc ? rc : absorb(j, err);
}

/* ---- running ---- */

static void say(struct job *j)
{
    struct timespec now;
    if (!j->w->progress) return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double since =
        (double)(now.tv_sec - j->said.tv_sec) + 1e-9 * (double)(now.tv_nsec - j->said.tv_nsec);
    if (since < 0.1) return;
    j->said = now;
    j->w->progress(j->w->ctx, stm_trainer_at(j->trainer));
}

/* Whether the update to `step` must be tracked for a metric that reads it. */
static bool must_track(const struct job *j, uint64_t step, bool all)
{
    bool grid = on_grid(step, j->v->plan->every) || on_grid(step, j->v->plan->log_every);
    for (unsigned i = 0; (all || grid) && i < j->v->n_columns; i++)
        if (stm_metric_reads_update(&j->metrics[i])) return true;
    return false;
}

/* What is done at the present step before the next one; *end when the task is over. */
static int visit(struct job *j, bool *end, struct stm_err *err)
{
    const struct stm_task *t = j->task;
    uint64_t step = stm_trainer_at(j->trainer);
    bool interrupted = j->w->interrupt && *j->w->interrupt;
    bool nan = stm_trainer_diverged(j->trainer);
    if (nan) stm_trainer_one_nan(j->trainer);
    bool anchor = wanted_anchor(j, step), last = step >= t->until || interrupted || nan;
    bool full = anchor || last || wanted_row(j, step);
    *end = last;
    /* What the trail has is compared, whatever grid it was measured on. */
    if (!(full || on_grid(step, j->v->plan->every) || on_grid(step, j->v->plan->log_every) ||
          stm_trail_at(&j->known, step)))
        return 0;
    uint32_t came = 0, none;
    int rc = measure(j, full, &came, err);
    if (!rc && came && !full) rc = measure(j, true, &none, err); /* claims may want to read it */
    if (rc) return rc;
    bool stop = (came & t->stop_events) != 0;
    anchor = anchor || (came & (t->stop_events | t->anchor_events));
    if (nan) j->fresh.diverged = step;
    *end = last || stop;
    if (!rc && (anchor || *end)) rc = commit(j, err);
    if (!rc && interrupted && step < t->until && !stop && !nan)
        rc = stm_fail(err, STM_E_INTERRUPTED, "interrupted");
    return rc;
}

static int loop(struct job *j, struct stm_err *err)
{
    for (;;) {
        bool end;
        int rc = visit(j, &end, err);
        if (rc || end) return rc;
        uint64_t next = stm_trainer_at(j->trainer) + 1;
        bool all = next >= j->task->until || wanted_anchor(j, next) || wanted_row(j, next);
        j->tracked = must_track(j, next, all);
        stm_trainer_step(j->trainer, j->tracked);
        j->steps++;
        say(j);
    }
}

static int parse_metrics(struct job *j, struct stm_err *err)
{
    j->metrics = stm_calloc(j->v->n_columns, sizeof *j->metrics);
    if (!j->metrics) return stm_fail(err, STM_E_NOMEM, "measuring: out of memory");
    int rc = 0;
    for (unsigned i = 0; !rc && i < j->v->n_columns; i++)
        rc = stm_metric_parse(&j->metrics[i], j->v->columns[i], err);
    return rc;
}

/* Makes or finds the first state of the trajectory; the trainer holds it afterwards. */
static int begin(struct job *j, struct stm_id *start, struct stm_err *err)
{
    const struct stm_piece *p = j->task->piece;
    if (p->start_known) {
        *start = p->start;
        return 0;
    }
    int rc = stm_origin_build(&p->origin, j->trainer, j->w->store, err);
    struct stm_state s;
    if (!rc) stm_trainer_view(j->trainer, &s);
    return rc ? rc : stm_origin_store(&p->origin, &s, j->w->store, start, err);
}

/* Loads the anchor that the task starts from. */
static int restore(struct job *j, const struct stm_id *start, struct stm_err *err)
{
    const struct stm_trail_entry *a = stm_task_anchor(j->v, j->task, &j->known);
    struct stm_trail_entry first = {.step = j->task->piece->from, .state = *start};
    struct stm_state s;
    if (!a) a = &first;
    uint64_t step = a->step;
    int rc = stm_trail_state(a, j->w->store, &s, err);
    if (rc) return rc;
    rc = stm_trainer_load(j->trainer, &s, err);
    stm_state_release(&s);
    if (!rc && stm_trainer_at(j->trainer) != step)
        rc = stm_fail(err, STM_E_DAMAGED, "the anchor of step %llu holds the state of step %llu",
                      (unsigned long long)step, (unsigned long long)stm_trainer_at(j->trainer));
    return rc;
}

/* Events that the trail says had come before the step we start from. */
static int latch_known(struct job *j, struct stm_err *err)
{
    uint64_t from = stm_trainer_at(j->trainer);
    for (size_t i = 0; i < j->known.n_entries && j->known.entries[i].step < from; i++) {
        const struct stm_trail_entry *e = &j->known.entries[i];
        uint32_t came;
        if (!on_grid(e->step, j->v->plan->every)) continue;
        if (e->step == j->task->piece->from && !j->task->root) continue;
        for (unsigned k = 0; k < j->v->n_columns; k++)
            j->have[k] = stm_trail_metric(&j->known, e, j->v->columns[k], &j->row[k]);
        int rc = latch(j, e->step, &came, err);
        if (rc) return rc;
    }
    return 0;
}

static int make_trainer(struct job *j, struct stm_err *err)
{
    struct stm_settings *settings = NULL;
    struct stm_state s;
    int rc = stm_settings_parse(&settings, j->task->piece->settings, err);
    if (!rc) rc = stm_trainer_new(&j->trainer, settings, err);
    stm_settings_free(settings);
    if (rc) return rc;
    stm_trainer_view(j->trainer, &s);
    j->ids = stm_calloc(s.n, sizeof *j->ids);
    return j->ids ? 0 : stm_fail(err, STM_E_NOMEM, "measuring: out of memory");
}

static int prepare(struct job *j, struct stm_err *err)
{
    const struct stm_piece *p = j->task->piece;
    struct stm_id start, key;
    int rc = parse_metrics(j, err);
    if (!rc) rc = make_trainer(j, err);
    if (!rc) rc = begin(j, &start, err);
    if (rc) return rc;
    key = stm_trail_key(&start, p->settings, j->v->profile);
    rc = stm_trail_load(&j->known, j->w->store, &key, err);
    if (!rc) rc = stm_trail_new(&j->fresh, &start, p->from, p->settings, j->v->profile, err);
    if (rc) return rc;
    j->head = j->known.head;
    rc = restore(j, &start, err);
    return rc ? rc : latch_known(j, err);
}

int stm_work_do(const struct stm_work *w, uint64_t *steps, struct stm_err *err)
{
    struct job j = {.w = w, .v = w->view, .task = w->task};
    j.at = (struct stm_row){.events = j.events, .metric = row_metric, .ctx = &j};
    stm_row_init(&j.at, &w->view->data);
    init_events(&j);
    int rc = prepare(&j, err);
    if (!rc) rc = loop(&j, err);
    *steps = j.steps;
    stm_trainer_free(j.trainer);
    stm_trail_release(&j.known);
    stm_trail_release(&j.fresh);
    stm_free(j.metrics);
    stm_free(j.ids);
    return rc;
}
