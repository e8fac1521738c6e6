/* Re-execution, compared with the trail. */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "run/view.h"

/* One stretch of the history: [from, to] of a piece. */
struct leg {
    const struct stm_piece *piece;
    uint64_t from, to;
};

enum { LEGS_MAX = 256 };

struct replay {
    struct stm_view *v;
    struct stm_trainer *trainer;
    bool verify;
    void (*progress)(void *ctx, uint64_t step);
    void *ctx;
    struct stm_replay_report *report;
};

/* The legs of a replicate up to `to`, ancestors first. Returns how many; 0 when it has none. */
static unsigned legs_of(const struct stm_view *v, int node, unsigned seed, uint64_t to,
                        struct leg *legs)
{
    int chain[32];
    unsigned n = 0, count = 0;
    for (int at = node; at >= 0 && n < 32;) {
        chain[n++] = at;
        int fork = v->plan->nodes[at].fork;
        at = fork < 0 ? -1 : v->plan->forks[fork].node;
    }
    while (n-- > 0) {
        const struct stm_replicate *r = stm_view_replicate(v, chain[n], seed);
        uint64_t end = n ? stm_view_replicate(v, chain[n - 1], seed)->pub.fork_step : to;
        if (!r->located) return 0;
        for (unsigned i = 0; i < r->n_pieces && count < LEGS_MAX; i++) {
            const struct stm_piece *p = &r->pieces[i];
            uint64_t last = p->cut < end ? p->cut : end;
            if (!p->trail || p->from > end || (i && p->from == end)) break;
            legs[count++] = (struct leg){p, p->from, last};
        }
    }
    return count;
}

/* Compares the present state with the trail, where the trail has it. */
static int compare(struct replay *x, const struct stm_piece *p, struct stm_err *err)
{
    struct stm_state s;
    struct stm_id id, tensors[STM_STATE_MAX];
    stm_trainer_view(x->trainer, &s);
    uint64_t step = stm_trainer_at(x->trainer);
    const struct stm_trail_entry *e = stm_trail_at(p->trail, step);
    if (!e) return 0;
    int rc = stm_state_ids(&s, &id, tensors, NULL, err);
    if (rc) return rc;
    struct stm_replay_report *r = x->report;
    r->compared++;
    bool same = stm_id_eq(&id, &e->state);
    unsigned order[STM_STATE_MAX];
    rc = stm_state_ids(&s, &id, NULL, order, err);
    if (rc) return rc;
    size_t at = 0;
    for (unsigned i = 0; i < p->trail->n_tensors && i < s.n; i++) {
        if (stm_id_eq(&tensors[i], &e->tensors[i])) continue;
        same = false;
        int n = snprintf(r->tensors + at, sizeof r->tensors - at, "%s%s", at ? ", " : "",
                         s.t[order[i]].name);
        if (n > 0 && at + (size_t)n < sizeof r->tensors) at += (size_t)n;
    }
    if (!same) {
        r->differs = true;
        r->step = step;
        r->expected = e->state;
        r->found = id;
        return stm_fail(err, STM_E_MISMATCH, "step %llu differs from the trail in %s",
                        (unsigned long long)step,
                        r->tensors[0] ? r->tensors : "the state id alone");
    }
    if (!x->verify || !e->stored) return 0;
    struct stm_state stored;
    rc = stm_state_get(x->v->store, &e->state, &stored, err);
    if (!rc) r->anchors++;
    stm_state_release(&stored);
    return rc;
}

static int run_leg(struct replay *x, const struct leg *leg, struct stm_err *err)
{
    int rc = compare(x, leg->piece, err);
    while (!rc && stm_trainer_at(x->trainer) < leg->to) {
        stm_trainer_step(x->trainer, false);
        x->report->steps++;
        rc = compare(x, leg->piece, err);
        if (x->progress && x->report->steps % 64 == 0)
            x->progress(x->ctx, stm_trainer_at(x->trainer));
    }
    return rc;
}

/* A trainer for the settings of a piece, in place of the one before. */
static int change_trainer(struct replay *x, const struct stm_piece *p, struct stm_trainer **old,
                          struct stm_err *err)
{
    struct stm_settings *s = NULL;
    *old = x->trainer;
    x->trainer = NULL;
    int rc = stm_settings_parse(&s, p->settings, err);
    if (!rc) rc = stm_trainer_new(&x->trainer, s, err);
    stm_settings_free(s);
    return rc;
}

/* Takes the state over from the leg before, or makes the seed's, and makes the edits. */
static int enter_leg(struct replay *x, const struct leg *leg, struct stm_err *err)
{
    struct stm_trainer *old = NULL;
    int rc = change_trainer(x, leg->piece, &old, err);
    if (!rc && old) {
        struct stm_state s;
        stm_trainer_view(old, &s);
        rc = stm_trainer_load(x->trainer, &s, err);
    } else if (!rc) {
        stm_trainer_init(x->trainer, leg->piece->origin.seed);
    }
    stm_trainer_free(old);
    if (!rc) rc = stm_origin_edit(leg->piece->edits, x->trainer, err);
    return rc;
}

/* Enters a leg at its last anchor at or before `step`. */
static int enter_at_anchor(struct replay *x, struct leg *leg, uint64_t step, struct stm_err *err)
{
    struct stm_trainer *old = NULL;
    const struct stm_trail_entry *a = stm_trail_anchor(leg->piece->trail, step);
    struct stm_state s;
    if (!a)
        return stm_fail(err, STM_E_NOTFOUND, "there is no stored state before step %llu",
                        (unsigned long long)step);
    int rc = change_trainer(x, leg->piece, &old, err);
    if (rc) return rc;
    rc = stm_state_get(x->v->store, &a->state, &s, err);
    if (rc) return rc;
    rc = stm_trainer_load(x->trainer, &s, err);
    stm_state_release(&s);
    leg->from = a->step;
    return rc;
}

int stm_replay_open(const struct stm_view *v, const char *name, struct stm_err *err)
{
    char recorded[32];
    snprintf(recorded, sizeof recorded, "%.*s", (int)strcspn(v->profile, "/"), v->profile);
    return stm_engine_open(name ? name : recorded, NULL, err);
}

static int check_profile(const struct stm_view *v, struct stm_err *err)
{
    if (!strcmp(stm_engine_profile(), v->profile)) return 0;
    return stm_fail(err, STM_E_PROFILE, "cannot judge: recorded under profile %s, this is %s",
                    v->profile, stm_engine_profile());
}

static int no_history(const struct stm_view *v, int node, unsigned seed, struct stm_err *err)
{
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    return stm_fail(err, STM_E_NOTFOUND, "`%s#%d` has no states in this store: %s",
                    v->plan->nodes[node].path, v->seeds[seed],
                    r->why[0] ? r->why : "it has not run");
}

int stm_replay(struct stm_view *v, int node, unsigned seed, bool from_origin, bool verify,
               uint64_t to, void (*progress)(void *ctx, uint64_t step), void *ctx,
               struct stm_replay_report *report, struct stm_err *err)
{
    struct replay x = {
        .v = v, .verify = verify, .progress = progress, .ctx = ctx, .report = report};
    struct leg legs[LEGS_MAX];
    *report = (struct stm_replay_report){0};
    int rc = check_profile(v, err);
    if (rc) return rc;
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    uint64_t end = r->pub.stop < r->pub.last ? r->pub.stop : r->pub.last;
    unsigned n = legs_of(v, node, seed, to < end ? to : end, legs);
    if (!n || !legs[n - 1].piece->trail->exists) return no_history(v, node, seed, err);
    unsigned i = 0;
    if (!from_origin) {
        i = n - 1;
        uint64_t before = legs[i].to > legs[i].from ? legs[i].to - 1 : legs[i].to;
        rc = enter_at_anchor(&x, &legs[i], before, err);
        if (!rc) rc = run_leg(&x, &legs[i++], err);
    }
    for (; !rc && i < n; i++) {
        rc = enter_leg(&x, &legs[i], err);
        if (!rc) rc = run_leg(&x, &legs[i], err);
    }
    stm_trainer_free(x.trainer);
    return rc;
}

int stm_view_restore(struct stm_view *v, int node, unsigned seed, uint64_t step,
                     struct stm_state *out, struct stm_err *err)
{
    struct stm_replay_report report = {0};
    struct replay x = {.v = v, .report = &report};
    const struct stm_piece *p = stm_view_piece(v, node, seed, step, NULL);
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    *out = (struct stm_state){0};
    if (!p || !p->trail || !p->trail->exists) return no_history(v, node, seed, err);
    if (step > r->pub.last)
        return stm_fail(err, STM_E_NOTFOUND, "`%s#%d` has run to step %llu, not to %llu",
                        v->plan->nodes[node].path, v->seeds[seed], (unsigned long long)r->pub.last,
                        (unsigned long long)step);
    const struct stm_trail_entry *e = stm_trail_at(p->trail, step);
    if (e && e->stored) return stm_state_get(v->store, &e->state, out, err);
    int rc = stm_replay_open(v, NULL, err);
    if (!rc) rc = check_profile(v, err);
    struct leg leg = {p, p->from, step};
    if (!rc) rc = enter_at_anchor(&x, &leg, step, err);
    if (!rc) rc = run_leg(&x, &leg, err);
    struct stm_state s;
    if (!rc) {
        stm_trainer_view(x.trainer, &s);
        rc = stm_state_copy(out, &s, err);
    }
    stm_trainer_free(x.trainer);
    return rc;
}
