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
    v->forks = stm_calloc(forks, sizeof *v->forks);
    v->calibrated = stm_calloc(v->plan->n_calibrates, sizeof *v->calibrated);
    v->profile = stm_strdup(o->profile);
    if (!v->seeds || !v->reps || !v->forks || !v->calibrated || !v->profile)
        return stm_fail(err, STM_E_NOMEM, "planning %s: out of memory", v->plan->name);
    for (unsigned s = 0; s < v->n_seeds; s++) v->seeds[s] = o->seed_lo + (int)s;
    for (size_t i = 0; i < reps; i++) {
        v->reps[i].node = (int)(i / v->n_seeds);
        v->reps[i].seed = (unsigned)(i % v->n_seeds);
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
    if (!rc) rc = stm_view_collect_columns(v, err);
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
    for (size_t i = 0; v->reps && i < (size_t)v->plan->n_nodes * v->n_seeds; i++) {
        struct stm_replicate *r = &v->reps[i];
        for (unsigned k = 0; k < r->n_pieces; k++) {
            stm_free(r->pieces[k].settings);
            stm_free(r->pieces[k].edits);
        }
        stm_free(r->pieces);
    }
    for (size_t i = 0; i < v->cap_slots; i++)
        if (v->slots[i]) {
            stm_trail_release(&v->slots[i]->trail);
            stm_free(v->slots[i]);
        }
    stm_free(v->slots);
    stm_free(v->tasks);
    stm_free(v->misses);
    stm_free(v->seeds);
    stm_free(v->reps);
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
    if (out.last > out.stop) out.last = out.stop; /* another view of the trajectory went further */
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

bool stm_view_at(const struct stm_view *v, int node, unsigned seed, uint64_t step,
                 struct stm_measured *out)
{
    const struct stm_piece *p = stm_view_piece(v, node, seed, step, NULL);
    const struct stm_trail_entry *e = p && p->trail ? stm_trail_at(p->trail, step) : NULL;
    if (e) expose(p->trail, e, out);
    return e != NULL;
}

bool stm_view_start(const struct stm_view *v, int node, unsigned seed, struct stm_measured *out,
                    struct stm_id *parent)
{
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    if (!r->located || !r->pieces[0].start_known) return false;
    const struct stm_piece *p = &r->pieces[0];
    if (parent) *parent = p->origin.parent;
    const struct stm_trail_entry *e = stm_trail_at(p->trail, p->from);
    if (!e) return false;
    expose(p->trail, e, out);
    return true;
}

bool stm_view_step(const struct stm_view *v, int node, unsigned seed, size_t i,
                   struct stm_measured *out)
{
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    for (unsigned k = 0; r->located && k < r->n_pieces; k++) {
        const struct stm_piece *p = &r->pieces[k];
        if (!p->trail) return false;
        for (size_t j = 0; j < p->trail->n_entries; j++) {
            const struct stm_trail_entry *e = &p->trail->entries[j];
            if (e->step > p->cut || (k && e->step == p->from)) continue;
            if (i-- == 0) {
                expose(p->trail, e, out);
                return true;
            }
        }
    }
    return false;
}

const char *stm_view_settings(struct stm_view *v, int node, unsigned seed, uint64_t step)
{
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    for (unsigned i = 0; r->located && i < r->n_pieces; i++)
        if (step < r->pieces[i].cut) return r->pieces[i].settings;
    return NULL;
}
