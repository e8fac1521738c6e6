/* Re-execution, compared with the trail. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "run/list.h"
#include "run/view.h"

/* One stretch of the history: [from, to] of a piece. */
struct leg {
    const struct stm_piece *piece;
    uint64_t from, to;
};

enum { LEGS_MAX = 256, METRICS_AT_ONCE = 128 };

struct replay {
    struct stm_view *v;
    struct stm_trainer *trainer;
    struct stm_id *ids;            /* room for those of its tensors */
    const struct stm_piece *piece; /* whose metrics these are */
    struct stm_metric *metrics;    /* [piece->trail->n_columns] */
    bool tracks;                   /* one of them reads the last update */
    bool at_anchor;                /* no update has led to the present state: it was read */
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
            uint64_t last = p->cut.lo < end ? p->cut.lo : end;
            if (!p->trail || p->from > end || (i && p->from == end)) break;
            legs[count++] = (struct leg){p, p->from, last};
        }
    }
    return count;
}

/* The recorded metrics of a piece, to be computed again. */
static int parse_metrics(struct replay *x, const struct stm_piece *p, struct stm_err *err)
{
    const struct stm_trail *t = p->trail;
    stm_free(x->metrics);
    x->piece = p;
    x->tracks = false;
    x->metrics = stm_calloc(t->n_columns, sizeof *x->metrics);
    if (!x->metrics) return stm_fail(err, STM_E_NOMEM, "replaying: out of memory");
    int rc = 0;
    for (unsigned i = 0; !rc && i < t->n_columns; i++) {
        rc = stm_metric_parse(&x->metrics[i], t->columns[i], err);
        if (!rc) x->tracks = x->tracks || stm_metric_reads_update(&x->metrics[i]);
    }
    return rc;
}

/* The tensors whose ids differ, as names; whether there are any, or the state id itself differs. */
static int compare_state(struct replay *x, const struct stm_trail_entry *e, struct stm_err *err)
{
    struct stm_replay_report *r = x->report;
    struct stm_state s;
    struct stm_id id;
    stm_trainer_view(x->trainer, &s);
    int rc = stm_state_ids(&s, &id, x->ids, err);
    if (rc) return rc;
    bool same = stm_id_eq(&id, &e->state);
    struct stm_list list = {.out = r->tensors, .size = sizeof r->tensors};
    r->compared++;
    for (unsigned i = 0; i < x->piece->trail->n_tensors && i < s.n; i++) {
        if (stm_id_eq(&x->ids[i], &e->tensors[i])) continue;
        same = false;
        stm_list_add(&list, s.t[i].name);
    }
    if (same) return 0;
    stm_list_end(&list);
    r->differs = true;
    r->step = e->step;
    r->expected = e->state;
    r->found = id;
    return stm_fail(err, STM_E_MISMATCH, "step %llu differs from the trail in %s",
                    (unsigned long long)e->step, r->tensors[0] ? r->tensors : "the state id alone");
}

/* Bits count: a NaN is a NaN, and -0 is not 0. */
static bool same_value(double a, double b)
{
    return (isnan(a) && isnan(b)) || !memcmp(&a, &b, sizeof a);
}

/* The n values from `v` on of the entry. */
static int compare_some(struct replay *x, const struct stm_trail_entry *e,
                        const struct stm_trail_value *v, unsigned n, struct stm_err *err)
{
    struct stm_replay_report *r = x->report;
    const struct stm_metric *m[METRICS_AT_ONCE];
    double now[METRICS_AT_ONCE];
    for (unsigned i = 0; i < n; i++) m[i] = &x->metrics[v[i].column];
    stm_trainer_measure(x->trainer, m, n, now);
    for (unsigned i = 0; i < n; i++) {
        if (x->at_anchor && e->step != x->piece->from && stm_metric_reads_update(m[i])) continue;
        r->metrics++;
        if (same_value(v[i].v, now[i])) continue;
        r->differs = true;
        r->step = e->step;
        r->metric = x->piece->trail->columns[v[i].column];
        r->recorded = v[i].v;
        r->measured = now[i];
        return stm_fail(err, STM_E_MISMATCH, "step %llu differs from the trail in %s",
                        (unsigned long long)e->step, r->metric);
    }
    return 0;
}

/* Files that share the trajectory may each have measured other metrics: there is no limit. */
static int compare_metrics(struct replay *x, const struct stm_trail_entry *e, struct stm_err *err)
{
    int rc = 0;
    for (unsigned i = 0; !rc && i < e->n_values; i += METRICS_AT_ONCE) {
        unsigned left = e->n_values - i;
        rc =
            compare_some(x, e, e->values + i, left < METRICS_AT_ONCE ? left : METRICS_AT_ONCE, err);
    }
    return rc;
}

/* Compares the present state with the trail, where the trail has it. */
static int compare(struct replay *x, struct stm_err *err)
{
    const struct stm_trail_entry *e = stm_trail_at(x->piece->trail, stm_trainer_at(x->trainer));
    if (!e) return 0;
    /* The recorded state of a diverged trainer has one NaN. */
    if (stm_trainer_diverged(x->trainer)) stm_trainer_one_nan(x->trainer);
    int rc = compare_state(x, e, err);
    if (!rc) rc = compare_metrics(x, e, err);
    if (rc || !x->verify || !e->stored) return rc;
    struct stm_state stored;
    rc = stm_trail_state(e, x->v->store, &stored, err);
    if (!rc) x->report->anchors++;
    stm_state_release(&stored);
    return rc;
}

static int run_leg(struct replay *x, const struct leg *leg, struct stm_err *err)
{
    int rc = parse_metrics(x, leg->piece, err);
    if (!rc) rc = compare(x, err);
    while (!rc && stm_trainer_at(x->trainer) < leg->to) {
        stm_trainer_step(x->trainer, x->tracks);
        x->at_anchor = false;
        x->report->steps++;
        rc = compare(x, err);
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
    struct stm_state state;
    *old = x->trainer;
    x->trainer = NULL;
    int rc = stm_settings_parse(&s, p->settings, err);
    if (!rc) rc = stm_trainer_new(&x->trainer, s, err);
    stm_settings_free(s);
    if (rc) return rc;
    stm_trainer_view(x->trainer, &state);
    stm_free(x->ids);
    x->ids = stm_calloc(state.n, sizeof *x->ids);
    return x->ids ? 0 : stm_fail(err, STM_E_NOMEM, "replaying: out of memory");
}

static void release(struct replay *x)
{
    stm_trainer_free(x->trainer);
    stm_free(x->ids);
    stm_free(x->metrics);
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
    rc = stm_trail_state(a, x->v->store, &s, err);
    if (rc) return rc;
    rc = stm_trainer_load(x->trainer, &s, err);
    stm_state_release(&s);
    leg->from = a->step;
    x->at_anchor = true;
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
    *report = (struct stm_replay_report){.metric = ""};
    int rc = check_profile(v, err);
    if (rc) return rc;
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    uint64_t end = r->end.hi < r->pub.last ? r->end.hi : r->pub.last;
    unsigned n = r->located ? legs_of(v, node, seed, to < end ? to : end, legs) : 0;
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
    release(&x);
    return rc;
}

int stm_view_restore(struct stm_view *v, int node, unsigned seed, struct stm_moment at,
                     struct stm_state *out, struct stm_err *err)
{
    struct stm_replay_report report = {0};
    struct replay x = {.v = v, .report = &report};
    const struct stm_replicate *r = stm_view_replicate(v, node, seed);
    struct stm_place place;
    *out = (struct stm_state){0};
    enum stm_fact known = stm_view_place(v, node, seed, at, &place);
    if (!r->located || (known == STM_FACT_UNKNOWN && !(at.step >= 0)))
        return no_history(v, node, seed, err);
    if (known != STM_FACT_KNOWN || place.step > stm_piece_last(place.piece))
        return stm_fail(err, STM_E_NOTFOUND, "`%s#%d` has run to step %llu, not to %.0f",
                        v->plan->nodes[node].path, v->seeds[seed],
                        (unsigned long long)stm_view_rep(v, node, seed).last, at.step);
    if (!place.piece->trail || !place.piece->trail->exists) return no_history(v, node, seed, err);
    const struct stm_trail_entry *e = stm_place_entry(&place);
    if (e && e->stored) return stm_trail_state(e, v->store, out, err);
    int rc = stm_replay_open(v, NULL, err);
    if (!rc) rc = check_profile(v, err);
    struct leg leg = {place.piece, place.piece->from, place.step};
    if (!rc) rc = enter_at_anchor(&x, &leg, place.step, err);
    if (!rc) rc = run_leg(&x, &leg, err);
    struct stm_state s;
    if (!rc) {
        stm_trainer_view(x.trainer, &s);
        rc = stm_state_copy(out, &s, err);
    }
    release(&x);
    return rc;
}
