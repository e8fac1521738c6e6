/* One replicate, from its seed, step by step, through its ancestors. */
#include <math.h>
#include <string.h>

#include "oracle.h"

struct player {
    struct world *w;
    struct rep *r;
    struct chain c;
    unsigned level; /* of the chain: whose actions are in force */
    struct stm_trainer *t;
    char *settings; /* text of t's */
};

static void must(int rc, const struct stm_err *err)
{
    if (rc) oracle_refused(err);
}

static char *copy(const char *s)
{
    char *p = oracle_alloc(strlen(s) + 1);
    return strcpy(p, s);
}

/* ---- the trainer ---- */

/* Gives the trainer the settings of the update from `step`. `anew`: even if they are the same. */
static bool settle(struct player *p, uint64_t step, bool anew)
{
    struct stm_settings *s;
    struct stm_trainer *next;
    struct stm_state state;
    struct stm_err err;
    if (!window_settings(p->w, p->r, &p->c, p->level, step, &s)) return false;
    const char *text = stm_settings_text(s);
    if (!text) oracle_die("out of memory");
    if (anew || !p->settings || strcmp(text, p->settings) != 0) {
        p->settings = copy(text);
        must(stm_trainer_new(&next, s, &err), &err);
        if (p->t) {
            stm_trainer_view(p->t, &state);
            must(stm_trainer_load(next, &state, &err), &err);
            stm_trainer_free(p->t);
        } else {
            stm_trainer_init(next, (uint64_t)p->w->seeds[p->r->seed]);
        }
        p->t = next;
    }
    stm_settings_free(s);
    return true;
}

static struct row measure(struct player *p)
{
    struct row row;
    struct stm_state s;
    struct stm_err err;
    row.v = oracle_alloc(p->w->n_metrics * sizeof *row.v);
    if (p->w->n_metrics) stm_trainer_measure(p->t, p->w->metric_list, p->w->n_metrics, row.v);
    stm_trainer_view(p->t, &s);
    must(stm_state_ids(&s, &row.id, NULL, &err), &err);
    return row;
}

static bool diverged(struct player *p)
{
    bool yes = stm_trainer_diverged(p->t);
    if (yes) stm_trainer_one_nan(p->t);
    return yes;
}

/* ---- what is kept ---- */

static void keep(struct rep *r, struct row row)
{
    if (r->n_rows == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 256;
        struct row *more = oracle_alloc(r->cap * sizeof *more);
        if (r->n_rows) memcpy(more, r->rows, r->n_rows * sizeof *more);
        r->rows = more;
    }
    r->rows[r->n_rows++] = row;
}

/* Events that hold at the state that came last, in the order of the file: a later one may name an
 * earlier one. */
static void latch(struct player *p)
{
    const struct stm_plan *plan = p->w->plan;
    uint64_t step = p->r->n_rows - 1;
    if (!plan->every || step % plan->every) return;
    for (unsigned e = 0; e < plan->n_events; e++) {
        if (p->r->event[e] != NEVER) continue;
        struct cell c = eval_seed(p->w, plan->events[e].expr, p->r->node, p->r->seed,
                                  (struct moment){AT_STEP, step});
        c = cell_as_truth(c);
        if (c.state == C_OK && c.v != 0) p->r->event[e] = step;
    }
}

/* ---- where an arm begins ---- */

/* Enters the arm at `level` from the state at hand: its settings, then its edits. */
static bool enter(struct player *p, unsigned level, uint64_t step)
{
    p->level = level;
    if (!settle(p, step, true)) return false;
    if (!window_edit(p->w, p->r, &p->c, level, step, false, p->t)) return false;
    bool nan = diverged(p);
    struct row row = measure(p);
    if (level == 0) keep(p->r, row);
    if (level == p->c.n - 1) {
        p->r->start = row;
        if (nan) p->r->diverged = step;
    } else if (p->c.fork[level + 1] == step && level > 0) {
        p->r->rows[step] = row; /* an arm that begins where its parent does leaves its start */
    }
    return true;
}

/* Enters all arms of the chain that begin at `step`. */
static bool descend(struct player *p, uint64_t step, bool *entered)
{
    *entered = false;
    while (p->level + 1 < p->c.n && p->c.fork[p->level + 1] == step) {
        if (!enter(p, p->level + 1, step)) return false;
        *entered = true;
    }
    return true;
}

/* ---- where it ends ---- */

/* The earliest of the `each` alternatives of its stop rule whose event has come. */
static uint64_t own_stop(const struct player *p)
{
    const struct stm_stop *stop = p->w->plan->nodes[p->r->node].stop;
    uint64_t best = NEVER;
    for (unsigned i = 0; stop && i < stop->n; i++) {
        const struct stm_time *t = &stop->alternatives[i];
        if (t->kind != STM_T_EACH || p->r->event[t->event] == NEVER) continue;
        uint64_t at = p->r->event[t->event];
        if (t->value && (uint64_t)t->value->num > at) at = (uint64_t)t->value->num;
        if (at < p->r->fork) at = p->r->fork;
        if (at < best) best = at;
    }
    return best;
}

static bool ended(const struct player *p, uint64_t step, uint64_t horizon)
{
    if (p->level + 1 < p->c.n) return false;
    return p->r->diverged != NEVER || step >= horizon || step >= own_stop(p);
}

static bool go(struct player *p, uint64_t horizon)
{
    if (!enter(p, 0, 0)) return false;
    latch(p);
    for (uint64_t step = 0;; step++) {
        bool entered;
        if (!descend(p, step, &entered)) return false;
        if (ended(p, step, horizon)) return true;
        if (!entered && (!settle(p, step, false) ||
                         !window_edit(p->w, p->r, &p->c, p->level, step, step == 0, p->t))) {
            p->r->broken = step;
            return p->level == p->c.n - 1; /* it may be stopped before that matters */
        }
        stm_trainer_step(p->t, p->w->track);
        if (diverged(p) && p->level == p->c.n - 1) p->r->diverged = step + 1;
        keep(p->r, measure(p));
        latch(p);
    }
}

bool play(struct world *w, struct rep *r, uint64_t horizon)
{
    struct player p = {.w = w, .r = r};
    for (unsigned e = 0; e < w->plan->n_events; e++) r->event[e] = NEVER;
    r->diverged = r->broken = NEVER;
    p.c = chain_of(w, r);
    bool ok = go(&p, horizon);
    stm_trainer_free(p.t);
    return ok;
}

/* ---- moments ---- */

const struct row *moment_row(struct world *w, const struct rep *r, struct moment at, bool open)
{
    int fork = w->plan->nodes[r->node].fork;
    uint64_t step = at.step;
    switch (at.when) {
    case AT_NONE: return NULL;
    case AT_START: return r->start.v ? &r->start : NULL;
    case AT_STOP:
        if (r->stop == r->fork) return moment_row(w, r, (struct moment){AT_START, 0}, open);
        step = r->stop;
        break;
    case AT_FORK:
        if (fork >= 0) {
            const struct rep *parent = world_rep(w, w->plan->forks[fork].node, r->seed);
            return moment_row(w, parent, fork_moment(parent, r->fork), true);
        }
        step = 0;
        break;
    case AT_STEP: break;
    }
    if (step >= r->n_rows || (!open && step > r->stop)) return NULL;
    return &r->rows[step];
}

struct moment fork_moment(const struct rep *parent, uint64_t step)
{
    return (struct moment){step == parent->fork ? AT_START : AT_STEP, step};
}
