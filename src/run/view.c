#include "run/view.h"

#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"

static int allocate(struct stm_view *v, const struct stm_view_options *o, struct stm_err *err)
{
    size_t reps = (size_t)v->plan->n_nodes * v->n_seeds,
           forks = (size_t)v->plan->n_forks * v->n_seeds;
    v->seeds = stm_calloc(v->n_seeds, sizeof *v->seeds);
    v->reps = stm_calloc(reps, sizeof *v->reps);
    v->events = stm_calloc(reps * v->plan->n_events + 1, sizeof *v->events);
    v->forks = stm_calloc(forks, sizeof *v->forks);
    v->calibrated = stm_calloc(v->plan->n_calibrates, sizeof *v->calibrated);
    v->compared = stm_calloc(v->plan->n_nodes + 1, sizeof *v->compared);
    v->profile = stm_strdup(o->profile);
    if (!v->seeds || !v->reps || !v->events || !v->compared || !v->forks || !v->calibrated ||
        !v->profile)
        return stm_fail(err, STM_E_NOMEM, "planning %s: out of memory", v->plan->name);
    for (unsigned s = 0; s < v->n_seeds; s++) v->seeds[s] = o->seed_lo + (int)s;
    for (size_t i = 0; i < reps; i++) {
        v->reps[i].node = (int)(i / v->n_seeds);
        v->reps[i].seed = (unsigned)(i % v->n_seeds);
        v->reps[i].event = v->events + i * v->plan->n_events;
    }
    for (unsigned i = 0; i < v->plan->n_calibrates; i++) v->calibrated[i] = NAN;
    return 0;
}

int stm_view_new(struct stm_view **out, const struct stm_plan *plan, struct stm_store *store,
                 const struct stm_view_options *options, struct stm_err *err)
{
    *out = NULL;
    if (options->seed_lo > options->seed_hi || options->seed_lo < 0)
        return stm_fail(err, STM_E_INVALID, "seeds %d..%d: the range is empty", options->seed_lo,
                        options->seed_hi);
    if (plan->n_events > STM_EVENTS_MAX)
        return stm_fail(err, STM_E_INVALID, "planning %s: more than %d events", plan->name,
                        STM_EVENTS_MAX);
    struct stm_view *v = stm_calloc(1, sizeof *v);
    if (!v) return stm_fail(err, STM_E_NOMEM, "planning %s: out of memory", plan->name);
    v->plan = plan;
    v->store = store;
    v->n_seeds = (unsigned)(options->seed_hi - options->seed_lo + 1);
    int rc = allocate(v, options, err);
    if (!rc)
        rc = stm_catalog_id(&v->record, plan, options->seed_lo, options->seed_hi, options->profile,
                            err);
    if (!rc) rc = stm_columns_collect(&v->columns, plan, &v->arena, err);
    if (!rc) rc = stm_view_collect_samples(v, err);
    if (!rc) {
        stm_view_bind_data(v);
        rc = stm_view_refresh(v, err);
    }
    if (rc)
        stm_view_free(v);
    else
        *out = v;
    return rc;
}

void stm_view_free(struct stm_view *v)
{
    if (!v) return;
    for (size_t i = 0; v->reps && i < (size_t)v->plan->n_nodes * v->n_seeds; i++)
        stm_view_drop_pieces(&v->reps[i]);
    for (size_t i = 0; i < v->cap_slots; i++)
        if (v->slots[i]) {
            stm_trail_release(&v->slots[i]->trail);
            stm_free(v->slots[i]);
        }
    stm_free(v->slots);
    stm_free(v->tasks);
    stm_free(v->task_slots);
    stm_free(v->misses);
    stm_free(v->wishes);
    stm_free(v->samples);
    stm_free(v->compared);
    stm_free(v->setbacks);
    stm_free(v->seeds);
    stm_free(v->reps);
    stm_free(v->events);
    stm_free(v->forks);
    stm_free(v->calibrated);
    stm_free(v->profile);
    stm_arena_release(&v->arena);
    stm_free(v);
}

int stm_view_refresh(struct stm_view *v, struct stm_err *err)
{
    v->generation++;
    return stm_view_resolve(v, err);
}

const struct stm_data *stm_view_data(const struct stm_view *v) { return &v->data; }

const char *stm_rep_status_name(enum stm_rep_status s)
{
    static const char *const names[] = {"off",     "waiting", "cancelled", "absent",
                                        "pending", "partial", "done",      "diverged"};
    return names[s];
}

struct stm_rep stm_view_rep(const struct stm_view *v, int node, unsigned seed)
{
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    struct stm_rep out = r->pub;
    if (out.last > r->end.hi)
        out.last = r->end.hi; /* another view of the trajectory went further */
    out.why = r->why;
    return out;
}

struct stm_fork_at stm_view_fork(const struct stm_view *v, int fork, unsigned seed)
{
    const struct stm_fork_state *f = &v->forks[(size_t)fork * v->n_seeds + seed];
    struct stm_fork_at out = f->pub;
    out.why = f->why;
    return out;
}

static void expose(const struct stm_trail *t, const struct stm_trail_entry *e,
                   struct stm_measured *out)
{
    *out = (struct stm_measured){.step = e->step,
                                 .state = e->state,
                                 .stored = e->stored,
                                 .n_tensors = t->n_tensors,
                                 .names = t->tensor_names,
                                 .tensors = e->tensors};
}

enum stm_fact stm_view_at(const struct stm_view *v, int node, unsigned seed, struct stm_moment at,
                          struct stm_measured *out)
{
    struct stm_place p;
    enum stm_fact known = stm_view_place(v, node, seed, at, &p);
    if (known != STM_FACT_KNOWN) return known;
    const struct stm_trail_entry *e = stm_place_entry(&p);
    if (!e) return STM_FACT_UNKNOWN;
    expose(p.piece->trail, e, out);
    return STM_FACT_KNOWN;
}

bool stm_view_parent(const struct stm_view *v, int node, unsigned seed, struct stm_id *parent)
{
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    if (!r->n_pieces || !r->pieces[0].start_known) return false;
    *parent = r->pieces[0].origin.parent;
    return true;
}

static uint64_t next_on(uint64_t step, uint64_t every)
{
    return every ? (step / every + 1) * every : STM_NEVER;
}

bool stm_view_next(const struct stm_view *v, int node, unsigned seed, struct stm_moment *at,
                   struct stm_measured *out)
{
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    if (at->when == STM_AT_FORK) {
        *at = (struct stm_moment){STM_AT_START, (double)r->pub.fork_step};
        if (stm_view_at(v, node, seed, *at, out) == STM_FACT_KNOWN) return true;
    }
    uint64_t last = stm_view_rep(v, node, seed).last;
    while (r->located && at->when != STM_AT_STOP && (uint64_t)at->step < last) {
        uint64_t from = (uint64_t)at->step, e = next_on(from, v->plan->every),
                 l = next_on(from, v->plan->log_every), step = e < l ? e : l;
        if (step > last) step = last; /* its stop is measured on any grid */
        *at = STM_STEP(step);
        if (stm_view_at(v, node, seed, *at, out) == STM_FACT_KNOWN) return true;
    }
    return false;
}

/* The piece whose settings act on the transition from `step`, or NULL. */
static const struct stm_piece *piece_from(const struct stm_view *v, int node, unsigned seed,
                                          uint64_t step)
{
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    int fork = v->plan->nodes[node].fork;
    if (fork >= 0 && step < r->pub.fork_step)
        return piece_from(v, v->plan->forks[fork].node, seed, step);
    for (unsigned i = 0; i < r->n_pieces; i++)
        if (step < r->pieces[i].cut.lo || step == r->end.lo) {
            if (step > r->pieces[i].cut.lo) continue;
            return &r->pieces[i];
        }
    return NULL;
}

const char *stm_view_settings(struct stm_view *v, int node, unsigned seed, uint64_t step)
{
    const struct stm_piece *p = piece_from(v, node, seed, step);
    return p ? p->settings : NULL;
}

bool stm_view_change(const struct stm_view *v, int node, unsigned seed, unsigned i, uint64_t *step)
{
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    if (i >= r->n_pieces || r->pieces[i].from > r->end.hi) return false;
    *step = r->pieces[i].from;
    return true;
}

size_t stm_view_tasks(const struct stm_view *v) { return v->n_tasks; }
