#include "run/worker.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/fail.h"
#include "base/mem.h"
#include "run/row.h"

/* Everything one job needs while it runs. */
struct work {
    const struct stm_work *w;
    const struct stm_plan *plan;
    const struct stm_columns *columns;
    const struct stm_job *job;
    uint64_t from; /* the first step of the trajectory */
    struct stm_trainer *trainer;
    struct stm_id *ids;         /* room for those of the trainer's tensors */
    struct stm_trail known;     /* what the store had */
    struct stm_trail fresh;     /* what is new since the last commit */
    struct stm_metric *metrics; /* [columns->n], parsed */
    struct stm_id head;
    struct stm_work_done *done;
    uint64_t anchor_every;
    struct timespec said; /* when progress was last told */
    bool tracked;         /* the last update was, for metrics that read it */
    /* the step being measured, for the evaluator */
    struct stm_row at;
    struct stm_range events[STM_EVENTS_MAX]; /* that have come, or have not */
    double row[STM_COLUMNS_MAX];             /* [columns->n] */
    bool have[STM_COLUMNS_MAX];
};

/* ---- expressions on the step at hand ---- */

static enum stm_fact row_metric(const void *ctx, const char *text, double *out)
{
    const struct work *j = ctx;
    for (unsigned i = 0; i < j->columns->n; i++)
        if (j->have[i] && !strcmp(j->columns->text[i], text)) {
            *out = j->row[i];
            return STM_FACT_KNOWN;
        }
    return STM_FACT_UNKNOWN;
}

static void init_events(struct work *j)
{
    for (unsigned e = 0; e < j->plan->n_events; e++) {
        bool come = j->job->latched & UINT32_C(1) << e;
        j->events[e] = stm_range_at(come ? j->from : STM_NEVER);
    }
}

/* Latches the events that hold on the row; the bits that are new. What is not known is no event
 * here: the view looks again, a job only stops or stores a state for it. */
static int latch(struct work *j, uint64_t step, uint32_t *came, struct stm_err *err)
{
    *came = 0;
    j->at.step = step;
    for (unsigned e = 0; e < j->plan->n_events; e++) {
        double holds;
        if (j->events[e].lo != STM_NEVER) continue;
        int rc = stm_eval_seed(&j->at.data, j->plan->events[e].expr, j->job->node, 0,
                               STM_STEP(step), &holds, err);
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

static bool wanted_anchor(const struct work *j, uint64_t step)
{
    for (unsigned i = 0; i < j->job->n_anchors; i++)
        if (j->job->anchors[i] == step) return true;
    return on_grid(step, j->anchor_every);
}

static bool is_among(uint64_t step, const uint64_t *steps, size_t n)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (steps[mid] < step)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && steps[lo] == step;
}

/* Steps that are measured in full: the first one, and those that something asks for. */
static bool wanted_row(const struct work *j, uint64_t step)
{
    return step == j->from || step == j->job->resume ||
           is_among(step, j->job->rows, j->job->n_rows);
}

/* Which columns to measure at `step`: events on their grid, logs on theirs, all where `all`. */
static bool wanted_column(const struct work *j, unsigned column, uint64_t step, bool all)
{
    uint32_t use = j->columns->use[column];
    if (all) return true;
    if ((use & STM_USE_EVENT) && on_grid(step, j->plan->every)) return true;
    return (use & STM_USE_LOG) && on_grid(step, j->plan->log_every);
}

/* Adds to the row the wanted columns that are not there yet. */
static void measure_row(struct work *j, uint64_t step, bool all)
{
    const struct stm_metric *m[STM_COLUMNS_MAX];
    unsigned which[STM_COLUMNS_MAX], n = 0;
    double values[STM_COLUMNS_MAX];
    for (unsigned i = 0; i < j->columns->n; i++)
        if (!j->have[i] && wanted_column(j, i, step, all)) {
            which[n] = i;
            m[n++] = &j->metrics[i];
        }
    if (n) stm_trainer_measure(j->trainer, m, n, values);
    for (unsigned i = 0; i < n; i++) {
        /* After a restore there is no last update to look at: an earlier anchor has to serve. The
         * first state of a trajectory has none at all. */
        bool update = stm_metric_reads_update(m[i]) && step != j->from;
        if (update && !j->tracked) continue;
        j->row[which[i]] = values[i];
        j->have[which[i]] = true;
    }
}

static int tensor_names(struct work *j, const struct stm_state *s, struct stm_err *err)
{
    return j->fresh.tensor_names ? 0 : stm_trail_set_tensors(&j->fresh, s, err);
}

static int remember(struct work *j, struct stm_trail_entry *e, struct stm_err *err)
{
    struct stm_trail_value values[STM_COLUMNS_MAX];
    for (unsigned i = 0; i < j->columns->n; i++) {
        if (!j->have[i]) continue;
        int column = stm_trail_column(&j->fresh, j->columns->text[i]);
        if (column < 0) return stm_fail(err, STM_E_NOMEM, "measuring: out of memory");
        values[e->n_values++] = (struct stm_trail_value){(unsigned)column, j->row[i]};
    }
    e->values = values;
    return stm_trail_add(&j->fresh, e, err);
}

static int differs(const struct work *j, uint64_t step, struct stm_err *err)
{
    return stm_fail(err, STM_E_MISMATCH,
                    "`%s` seed %d: re-executing reached another state at step %llu than the store "
                    "has; `stemma replay` names the tensors",
                    j->plan->nodes[j->job->node].path, j->job->seed, (unsigned long long)step);
}

/* Digests and measures the present state; `came` gets the events that came with it. */
static int measure(struct work *j, bool all, uint32_t *came, struct stm_err *err)
{
    uint64_t step = stm_trainer_at(j->trainer);
    struct stm_state s;
    /* The first state of a trajectory is in the store before anything is trained from it. */
    struct stm_trail_entry e = {.step = step, .stored = step == j->from, .tensors = j->ids};
    stm_trainer_view(j->trainer, &s);
    int rc = stm_state_ids(&s, &e.state, j->ids, err);
    if (!rc) rc = tensor_names(j, &s, err);
    if (rc) return rc;
    const struct stm_trail_entry *old = stm_trail_at(&j->known, step);
    if (old && !stm_id_eq(&old->state, &e.state)) return differs(j, step, err);
    unsigned known = 0, total = 0;
    for (unsigned i = 0; i < j->columns->n; i++) {
        j->have[i] = old && stm_trail_metric(&j->known, old, j->columns->text[i], &j->row[i]);
        known += j->have[i];
    }
    measure_row(j, step, all);
    for (unsigned i = 0; i < j->columns->n; i++) total += j->have[i];
    if (!old || total > known) rc = remember(j, &e, err);
    *came = 0;
    bool counts = step > j->from || j->job->root;
    if (!rc && counts && on_grid(step, j->plan->every)) rc = latch(j, step, came, err);
    return rc;
}

/* ---- storing ---- */

/* Marks the entry of `step` as an anchor, adding it when it is not among the fresh ones. */
static int mark_stored(struct work *j, const struct stm_state *s, struct stm_err *err)
{
    struct stm_trail_entry e = {.step = stm_state_step(s), .stored = true, .tensors = j->ids};
    int rc = stm_state_ids(s, &e.state, j->ids, err);
    if (!rc) rc = tensor_names(j, s, err);
    return rc ? rc : stm_trail_add(&j->fresh, &e, err);
}

/* Takes up the entries of `fresh` into `known` and empties it. */
static int absorb(struct work *j, struct stm_err *err)
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
static int commit(struct work *j, struct stm_err *err)
{
    struct stm_state s;
    stm_trainer_view(j->trainer, &s);
    const struct stm_trail_entry *old = stm_trail_at(&j->known, stm_state_step(&s));
    bool stored = old && old->stored;
    if (stored && !j->fresh.n_entries && j->fresh.diverged == STM_NEVER) return 0;
    int rc = stored ? 0 : mark_stored(j, &s, err);
    if (!rc) rc = stm_trail_commit(&j->fresh, j->w->store, stored ? NULL : &s, &j->head, err);
    if (!rc) j->done->commits++;
    return rc ? rc : absorb(j, err);
}

/* ---- running ---- */

/* A worker that stores more often, because one before it died, goes back to the usual distance by
 * doubling as it lives on. Anchors of the new distance are anchors of the old one too. */
static void relax(struct work *j)
{
    if (j->done->steps / 8 >= j->anchor_every && j->anchor_every <= j->job->usual / 2)
        j->anchor_every *= 2;
}

static void say(struct work *j)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double since =
        (double)(now.tv_sec - j->said.tv_sec) + 1e-9 * (double)(now.tv_nsec - j->said.tv_nsec);
    if (since < 0.1) return;
    j->said = now;
    relax(j);
    if (j->w->progress) j->w->progress(j->w->ctx, stm_trainer_at(j->trainer));
}

/* Whether the update to `step` must be tracked for a metric that reads it. */
static bool must_track(const struct work *j, uint64_t step, bool all)
{
    bool grid = on_grid(step, j->plan->every) || on_grid(step, j->plan->log_every);
    for (unsigned i = 0; (all || grid) && i < j->columns->n; i++)
        if (stm_metric_reads_update(&j->metrics[i])) return true;
    return false;
}

/* What is done at the present step before the next one; *end when the job is over. */
static int visit(struct work *j, bool *end, struct stm_err *err)
{
    const struct stm_job *t = j->job;
    uint64_t step = stm_trainer_at(j->trainer);
    bool interrupted = j->w->interrupt && *j->w->interrupt;
    bool nan = stm_trainer_diverged(j->trainer);
    if (nan) stm_trainer_one_nan(j->trainer);
    bool anchor = wanted_anchor(j, step), last = step >= t->until || interrupted || nan;
    bool full = anchor || last || wanted_row(j, step);
    *end = last;
    /* What the trail has is compared, whatever grid it was measured on. */
    if (!(full || on_grid(step, j->plan->every) || on_grid(step, j->plan->log_every) ||
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

static int loop(struct work *j, struct stm_err *err)
{
    for (;;) {
        bool end;
        int rc = visit(j, &end, err);
        if (rc || end) return rc;
        uint64_t next = stm_trainer_at(j->trainer) + 1;
        bool all = next >= j->job->until || wanted_anchor(j, next) || wanted_row(j, next);
        j->tracked = must_track(j, next, all);
        stm_trainer_step(j->trainer, j->tracked);
        j->done->steps++;
        say(j);
    }
}

static int parse_metrics(struct work *j, struct stm_err *err)
{
    j->metrics = stm_calloc(j->columns->n, sizeof *j->metrics);
    if (!j->metrics) return stm_fail(err, STM_E_NOMEM, "measuring: out of memory");
    int rc = 0;
    for (unsigned i = 0; !rc && i < j->columns->n; i++)
        rc = stm_metric_parse(&j->metrics[i], j->columns->text[i], err);
    return rc;
}

/* Makes or finds the first state of the trajectory; the trainer holds it afterwards. */
static int begin(struct work *j, struct stm_id *start, struct stm_err *err)
{
    const struct stm_origin *o = &j->job->origin;
    bool derived = o->fresh || *o->edits;
    if (j->job->start_known || !derived) {
        *start = j->job->start_known ? j->job->start : o->parent;
        return 0;
    }
    int rc = stm_origin_build(o, j->trainer, j->w->store, err);
    struct stm_state s;
    if (!rc) stm_trainer_view(j->trainer, &s);
    if (!rc) rc = stm_origin_store(o, &s, j->w->store, start, err);
    if (!rc) j->done->commits++;
    return rc;
}

/* Loads the anchor that the job starts from. */
static int restore(struct work *j, const struct stm_id *start, struct stm_err *err)
{
    const struct stm_trail_entry *a =
        stm_job_anchor(j->columns, j->from, j->job->resume, j->job->again, &j->known);
    struct stm_trail_entry first = {.step = j->from, .state = *start};
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
static int latch_known(struct work *j, struct stm_err *err)
{
    uint64_t from = stm_trainer_at(j->trainer);
    for (size_t i = 0; i < j->known.n_entries && j->known.entries[i].step < from; i++) {
        const struct stm_trail_entry *e = &j->known.entries[i];
        uint32_t came;
        if (!on_grid(e->step, j->plan->every)) continue;
        if (e->step == j->from && !j->job->root) continue;
        for (unsigned k = 0; k < j->columns->n; k++)
            j->have[k] = stm_trail_metric(&j->known, e, j->columns->text[k], &j->row[k]);
        int rc = latch(j, e->step, &came, err);
        if (rc) return rc;
    }
    return 0;
}

static int make_trainer(struct work *j, struct stm_err *err)
{
    struct stm_settings *settings = NULL;
    struct stm_state s;
    int rc = stm_settings_parse(&settings, j->job->origin.settings, err);
    if (!rc) rc = stm_trainer_new(&j->trainer, settings, err);
    stm_settings_free(settings);
    if (rc) return rc;
    stm_trainer_view(j->trainer, &s);
    j->ids = stm_calloc(s.n, sizeof *j->ids);
    return j->ids ? 0 : stm_fail(err, STM_E_NOMEM, "measuring: out of memory");
}

/* Reads the trail, which must be as it was when the job was made. */
static int read_trail(struct work *j, const struct stm_id *start, struct stm_err *err)
{
    const struct stm_origin *o = &j->job->origin;
    struct stm_id key = stm_trail_key(start, o->settings, o->profile);
    int rc = stm_trail_load(&j->known, j->w->store, &key, err);
    if (!rc) rc = stm_trail_new(&j->fresh, start, j->from, o->settings, o->profile, err);
    if (rc) return rc;
    j->head = j->known.head;
    if (stm_id_eq(&j->head, &j->job->head)) return 0;
    return stm_fail(err, STM_E_CONFLICT, "another process has worked on the trajectory since");
}

static int prepare(struct work *j, struct stm_err *err)
{
    struct stm_id start;
    int rc = parse_metrics(j, err);
    if (!rc) rc = make_trainer(j, err);
    if (!rc) rc = begin(j, &start, err);
    if (!rc) rc = read_trail(j, &start, err);
    if (!rc) rc = restore(j, &start, err);
    return rc ? rc : latch_known(j, err);
}

/* ---- what events may read beside the row: nothing but where the replicate begins ---- */

static bool no_exists(void *ctx, int node, unsigned seed)
{
    (void)ctx, (void)node, (void)seed;
    return true;
}

static bool no_fork_step(void *ctx, int node, unsigned seed, double *step)
{
    (void)node, (void)seed;
    *step = (double)((const struct work *)ctx)->job->fork;
    return true;
}

static bool no_stop_step(void *ctx, int node, unsigned seed, double *step)
{
    (void)ctx, (void)node, (void)seed, (void)step;
    return false;
}

static bool no_log_step(void *ctx, int node, unsigned seed, unsigned i, double *step)
{
    (void)ctx, (void)node, (void)seed, (void)i, (void)step;
    return false;
}

static enum stm_fact no_capture(void *ctx, int capture, int node, unsigned seed, double *out)
{
    (void)ctx, (void)capture, (void)node, (void)seed, (void)out;
    return STM_FACT_UNKNOWN;
}

static enum stm_fact no_calibrate(void *ctx, int calibrate, int node, double *out)
{
    (void)ctx, (void)calibrate, (void)node, (void)out;
    return STM_FACT_UNKNOWN;
}

static bool no_identical(void *ctx, int a, int b, unsigned seed, struct stm_comparison *out)
{
    (void)ctx, (void)a, (void)b, (void)seed, (void)out;
    return false;
}

static struct stm_data facts_of(struct work *j)
{
    return (struct stm_data){.ctx = j,
                             .plan = j->plan,
                             .n_seeds = 1,
                             .seeds = &j->job->seed,
                             .exists = no_exists,
                             .fork_step = no_fork_step,
                             .stop_step = no_stop_step,
                             .log_step = no_log_step,
                             .capture = no_capture,
                             .calibrate = no_calibrate,
                             .identical = no_identical};
}

static int carry_out(struct work *j, struct stm_err *err)
{
    struct stm_data facts = facts_of(j);
    j->at = (struct stm_row){.events = j->events, .metric = row_metric, .ctx = j};
    stm_row_init(&j->at, &facts);
    init_events(j);
    int rc = prepare(j, err);
    return rc ? rc : loop(j, err);
}

int stm_work_do(const struct stm_work *w, struct stm_work_done *done, struct stm_err *err)
{
    struct work j = {.w = w,
                     .plan = w->plan,
                     .columns = w->columns,
                     .job = w->job,
                     .from = w->job->origin.step,
                     .anchor_every = w->job->anchor_every,
                     .done = done};
    struct stm_id id = stm_job_id(w->job);
    struct stm_reservation mine;
    *done = (struct stm_work_done){0};
    int rc = stm_reserve(&mine, w->store, &id, err);
    if (rc) {
        done->busy = rc == STM_E_CONFLICT;
        return rc;
    }
    rc = carry_out(&j, err);
    stm_unreserve(&mine);
    stm_trainer_free(j.trainer);
    stm_trail_release(&j.known);
    stm_trail_release(&j.fresh);
    stm_free(j.metrics);
    stm_free(j.ids);
    return rc;
}
