/* From what the store has to what is still to be done: one pass over the plan, parents first. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fail.h"
#include "base/mem.h"
#include "run/eval.h"
#include "run/view.h"

/* What a replicate still has to do. */
struct demand {
    bool any;
    uint64_t resume; /* first step at which something is missing */
    uint64_t until;
    uint32_t stop_events, anchor_events;
    uint64_t anchors[16];
    unsigned n_anchors;
};

static void want_until(struct demand *d, uint64_t step)
{
    d->any = true;
    if (step > d->until) d->until = step;
}

static void want_anchor(struct demand *d, uint64_t step)
{
    for (unsigned i = 0; i < d->n_anchors; i++)
        if (d->anchors[i] == step) return;
    if (d->n_anchors < sizeof d->anchors / sizeof *d->anchors) d->anchors[d->n_anchors++] = step;
}

static void want_resume(struct demand *d, uint64_t step)
{
    d->any = true;
    if (step < d->resume) d->resume = step;
    if (step > d->until) d->until = step;
}

/* ---- where a replicate is ---- */

static void set_status(struct stm_replicate *r, enum stm_rep_status s, const char *why)
{
    r->pub.status = s;
    if (why) snprintf(r->why, sizeof r->why, "%s", why);
}

static struct stm_fork_state *fork_state(const struct stm_view *v, int fork, unsigned seed)
{
    return &v->forks[(size_t)fork * v->n_seeds + seed];
}

/* False when the replicate cannot be located; its status says why. */
static bool enter(struct stm_view *v, struct stm_replicate *r)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    r->why[0] = 0;
    r->pub.fork_step = 0;
    if (node->off) {
        set_status(r, STM_REP_OFF, "");
        return false;
    }
    if (node->fork < 0) return true;
    const struct stm_fork_state *f = fork_state(v, node->fork, r->seed);
    r->pub.fork_step = f->pub.known && f->pub.reached ? f->pub.step : STM_NEVER;
    enum stm_rep_status s = f->pub.cancelled                  ? STM_REP_CANCELLED
                            : f->pub.known && !f->pub.reached ? STM_REP_ABSENT
                            : !f->pub.known                   ? STM_REP_WAITING
                                                              : STM_REP_PENDING;
    set_status(r, s, f->why);
    return s == STM_REP_PENDING;
}

static void measure_extent(struct stm_replicate *r)
{
    const struct stm_piece *p = &r->pieces[r->n_pieces - 1];
    bool has = p->trail && p->trail->exists;
    r->pub.last = !has ? p->from : p->trail->last < p->cut ? p->trail->last : p->cut;
    bool started = r->n_pieces > 1 || has;
    r->pub.status = started ? STM_REP_PARTIAL : STM_REP_PENDING;
    if (has && p->trail->diverged != STM_NEVER && p->trail->diverged <= p->cut) {
        r->pub.status = STM_REP_DIVERGED;
        r->pub.stop = p->trail->diverged;
    }
}

/* ---- events ---- */

static void reset_scan(const struct stm_view *v, struct stm_replicate *r)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    const struct stm_replicate *parent =
        node->fork < 0 ? NULL : stm_view_replicate(v, v->plan->forks[node->fork].node, r->seed);
    for (unsigned e = 0; e < v->plan->n_events; e++) {
        uint64_t t = parent ? parent->event[e] : STM_NEVER;
        r->event[e] = t != STM_NEVER && t <= r->pub.fork_step ? t : STM_NEVER;
    }
    r->scanned = parent ? r->pub.fork_step + 1 : 0;
}

/* Tests the events that have not come yet at one step. False when a measurement is missing. */
static int test_events(struct stm_view *v, struct stm_replicate *r, uint64_t step, bool *missing,
                       struct stm_err *err)
{
    for (unsigned e = 0; e < v->plan->n_events; e++) {
        if (r->event[e] != STM_NEVER) continue;
        double holds;
        int rc = stm_eval_seed(&v->data, v->plan->events[e].expr, r->node, r->seed, (double)step,
                               &holds, err);
        if (rc == STM_E_NOTFOUND)
            *missing = true;
        else if (rc && rc != STM_E_INVALID)
            return rc;
        else if (!rc && holds != 0)
            r->event[e] = step;
    }
    return 0;
}

static bool all_latched(const struct stm_view *v, const struct stm_replicate *r)
{
    for (unsigned e = 0; e < v->plan->n_events; e++)
        if (r->event[e] == STM_NEVER) return false;
    return true;
}

/* Latches the events of the grid steps that have come since the last scan. */
static int scan_events(struct stm_view *v, struct stm_replicate *r, struct stm_err *err)
{
    r->gap = STM_NEVER;
    if (!r->pieces[0].start_known) {
        reset_scan(v, r);
        return 0;
    }
    if (!stm_id_eq(&r->scanned_key, &r->pieces[0].key)) {
        reset_scan(v, r);
        r->scanned_key = r->pieces[0].key;
    }
    uint64_t every = v->plan->every;
    if (!every || !r->pieces[0].trail->exists) return 0;
    for (uint64_t g = (r->scanned + every - 1) / every * every; g <= r->pub.last; g += every) {
        if (all_latched(v, r)) break;
        bool missing = false;
        int rc = test_events(v, r, g, &missing, err);
        if (rc) return rc;
        if (missing) {
            r->gap = g;
            return 0;
        }
        r->scanned = g + 1;
    }
    return 0;
}

/* ---- stops ---- */

static int step_value(const struct stm_view *v, const struct stm_time *t, int node, unsigned seed,
                      uint64_t *out, struct stm_err *err)
{
    double x = 0;
    int rc = t->value ? stm_eval_seed(&v->data, t->value, node, seed, NAN, &x, err) : 0;
    if (rc) return rc;
    if (!(x >= 0) || x != floor(x) || x > 9e15)
        return stm_fail(err, STM_E_INVALID, "a step must be a whole number, here it is %g", x);
    *out = (uint64_t)x;
    return 0;
}

/* The time of `all E` or `any E` over the seeds of a node, as far as it is known. */
struct common_time {
    bool known;
    uint64_t step;    /* when known; STM_NEVER: it never comes */
    uint64_t at_most; /* any: the earliest so far */
};

static struct common_time common_event(const struct stm_view *v, int node, enum stm_time_kind kind,
                                       int event)
{
    struct common_time c = {.known = true, .at_most = STM_NEVER};
    uint64_t latest = 0;
    bool never = false, waiting = false;
    for (unsigned s = 0; s < v->n_seeds; s++) {
        const struct stm_replicate *r = stm_view_replicate(v, node, s);
        enum stm_rep_status st = r->pub.status;
        if (st == STM_REP_OFF || st == STM_REP_CANCELLED || st == STM_REP_ABSENT) continue;
        uint64_t t = r->located ? r->event[event] : STM_NEVER;
        bool ended = st == STM_REP_DIVERGED || (r->located && r->pub.last >= r->pub.bound);
        if (t == STM_NEVER && ended)
            never = true;
        else if (t == STM_NEVER)
            waiting = true;
        else {
            latest = t > latest ? t : latest;
            c.at_most = t < c.at_most ? t : c.at_most;
        }
    }
    if (kind == STM_T_ALL) {
        c.known = never || !waiting;
        c.step = never ? STM_NEVER : latest;
    } else {
        c.known = !waiting;
        c.step = c.at_most;
    }
    return c;
}

static int numeric_bound(struct stm_view *v, struct stm_replicate *r, const struct stm_stop *stop,
                         struct stm_err *err)
{
    r->pub.bound = STM_NEVER;
    for (unsigned i = 0; stop && i < stop->n; i++) {
        const struct stm_time *t = &stop->alternatives[i];
        uint64_t n = 0;
        if (t->kind != STM_T_STEP && t->kind != STM_T_PLUS && t->kind != STM_T_START) continue;
        int rc = step_value(v, t, r->node, r->seed, &n, err);
        if (rc) return rc;
        if (t->kind != STM_T_STEP) n += r->pub.fork_step;
        if (n < r->pub.fork_step) n = r->pub.fork_step;
        if (n < r->pub.bound) r->pub.bound = n;
    }
    return 0;
}

/* Sets pub.stop when it is known; else adds to the demand what brings it nearer. */
static int apply_stop(struct stm_view *v, struct stm_replicate *r, const struct stm_stop *stop,
                      struct demand *d, struct stm_err *err)
{
    uint64_t known = r->pub.bound, until = r->pub.bound;
    bool open = false, wait = false;
    uint32_t watch = 0;
    for (unsigned i = 0; i < stop->n; i++) {
        const struct stm_time *t = &stop->alternatives[i];
        uint64_t after = 0, at = STM_NEVER;
        if (t->event < 0) continue;
        int rc = step_value(v, t, r->node, r->seed, &after, err);
        if (rc) return rc;
        uint64_t own = r->event[t->event];
        struct common_time c = {.known = own != STM_NEVER, .step = own, .at_most = own};
        if (t->kind != STM_T_EACH) c = common_event(v, r->node, t->kind, t->event);
        if (c.known)
            at = c.step;
        else if (own == STM_NEVER)
            open = true, watch |= UINT32_C(1) << t->event;
        else
            wait = true;
        if (t->kind == STM_T_ANY && c.at_most < until) until = c.at_most;
        if (at != STM_NEVER && at < after) at = after;
        if (at != STM_NEVER && at < r->pub.fork_step) at = r->pub.fork_step;
        if (at < known) known = at;
    }
    if (known <= r->pub.last || (!open && !wait)) {
        r->pub.stop = known;
        if (known > r->pub.last) want_until(d, known), want_anchor(d, known);
        return 0;
    }
    if (!open) return 0; /* the other seeds decide */
    want_until(d, until < known ? until : known);
    d->stop_events |= watch;
    return 0;
}

/* ---- forks ---- */

/* The step of a fork for one seed. *known false: not yet; step STM_NEVER: never. */
static int fork_step_of(struct stm_view *v, const struct stm_fork *f, const struct stm_replicate *r,
                        bool *known, uint64_t *step, struct stm_err *err)
{
    uint64_t n = 0;
    int rc = step_value(v, &f->at, r->node, r->seed, &n, err);
    if (rc) return rc;
    *known = true;
    switch (f->at.kind) {
    case STM_T_START: *step = r->pub.fork_step; return 0;
    case STM_T_STEP: *step = n; return 0;
    case STM_T_PLUS: *step = r->pub.fork_step + n; return 0;
    case STM_T_EACH: {
        uint64_t t = r->event[f->at.event],
                 end = r->pub.stop < r->pub.bound ? r->pub.stop : r->pub.bound;
        *known = t != STM_NEVER || r->pub.last >= end || r->pub.status == STM_REP_DIVERGED;
        *step = t != STM_NEVER && t < n ? n : t;
        return 0;
    }
    case STM_T_ALL:
    case STM_T_ANY: {
        struct common_time c = common_event(v, r->node, f->at.kind, f->at.event);
        *known = c.known;
        *step = c.step != STM_NEVER && c.step < n ? n : c.step;
        return 0;
    }
    }
    return 0;
}

/* Finds the state at the fork in the trails, or asks for it. */
static void fork_locate(struct stm_view *v, const struct stm_replicate *r,
                        struct stm_fork_state *fs, uint64_t step, struct demand *d)
{
    fs->pub.step = step;
    fs->pub.reached = step != STM_NEVER && step <= r->pub.stop && step <= r->pub.bound &&
                      step >= r->pub.fork_step;
    if (!fs->pub.reached) {
        fs->pub.known = true;
        snprintf(fs->why, sizeof fs->why, "%s",
                 step < r->pub.fork_step ? "the event of the fork came before its parent began"
                                         : "this seed ends before the fork");
        return;
    }
    const struct stm_piece *first = &r->pieces[0];
    if (step == r->pub.fork_step && first->start_known) {
        fs->pub.state = first->start;
        fs->pub.known = first->trail->exists;
        if (!fs->pub.known) want_until(d, step), want_anchor(d, step), want_resume(d, step);
        return;
    }
    const struct stm_piece *p = stm_view_piece(v, r->node, r->seed, step, NULL);
    const struct stm_trail_entry *e = p && p->trail ? stm_trail_at(p->trail, step) : NULL;
    if (e && e->stored) {
        fs->pub.known = true;
        fs->pub.state = e->state;
        return;
    }
    snprintf(fs->why, sizeof fs->why, "the fork is at step %llu, the parent is at step %llu",
             (unsigned long long)step, (unsigned long long)r->pub.last);
    want_until(d, step);
    want_anchor(d, step);
    if (r->pub.last >= step) want_resume(d, step);
}

/* Whether one `require` holds for one seed: 1, 0, or -1 when a measurement is missing. */
static int requirement(const struct stm_view *v, const struct stm_require *q,
                       const struct stm_replicate *r, uint64_t step)
{
    if (q->expr->ref == STM_R_EVENT && q->expr->kind == STM_X_NAME) {
        uint64_t t = r->event[q->expr->index];
        return t != STM_NEVER && t <= step;
    }
    bool holds;
    if (stm_eval_require(&v->data, q->expr, r->node, r->seed, (double)step, &holds, NULL))
        return -1;
    return holds;
}

static const char *quantifier_name(const struct stm_require *q)
{
    return q->quantifier == STM_Q_ALL ? "all" : q->quantifier == STM_Q_NO ? "no" : "any";
}

/* Tests the requires of a fork over the seeds [lo, hi). Returns false while something is missing.
 */
static bool test_requires(struct stm_view *v, int fork, unsigned lo, unsigned hi)
{
    const struct stm_fork *f = &v->plan->forks[fork];
    for (unsigned i = 0; i < f->n_requires; i++) {
        const struct stm_require *q = &f->requires[i];
        unsigned n = 0, holds = 0, culprit = lo;
        for (unsigned s = lo; s < hi; s++) {
            struct stm_fork_state *fs = fork_state(v, fork, s);
            if (!fs->pub.known) return false;
            if (!fs->pub.reached) continue;
            int h = requirement(v, q, stm_view_replicate(v, f->node, s), fs->pub.step);
            if (h < 0) {
                fs->need_row = true;
                return false;
            }
            if (h != (q->quantifier != STM_Q_NO)) culprit = s;
            n++, holds += (unsigned)h;
        }
        bool ok = q->quantifier == STM_Q_ALL  ? holds == n
                  : q->quantifier == STM_Q_NO ? !holds
                                              : holds > 0;
        if (ok || !n) continue;
        struct stm_buf text = {0};
        stm_expr_print(q->expr, &text);
        for (unsigned s = lo; s < hi; s++) {
            struct stm_fork_state *fs = fork_state(v, fork, s);
            fs->pub.cancelled = true;
            snprintf(fs->why, sizeof fs->why, "`require %s %s` fails at step %llu (seed %d)",
                     quantifier_name(q), stm_buf_text(&text),
                     (unsigned long long)fork_state(v, fork, culprit)->pub.step, v->seeds[culprit]);
        }
        stm_buf_release(&text);
    }
    return true;
}

/* A fork that every seed reaches at a step of the plan is judged once for all seeds. */
static void judge_fork(struct stm_view *v, int fork)
{
    const struct stm_fork *f = &v->plan->forks[fork];
    bool each = f->at.kind == STM_T_EACH;
    if (!f->n_requires) return;
    if (!each) {
        if (test_requires(v, fork, 0, v->n_seeds)) return;
        for (unsigned s = 0; s < v->n_seeds; s++) {
            struct stm_fork_state *fs = fork_state(v, fork, s);
            if (!fs->pub.known) continue;
            fs->pub.known = false;
            snprintf(fs->why, sizeof fs->why, "its `require` waits for the other seeds");
        }
        return;
    }
    for (unsigned s = 0; s < v->n_seeds; s++)
        if (fork_state(v, fork, s)->pub.known && !test_requires(v, fork, s, s + 1))
            fork_state(v, fork, s)->pub.known = false;
}

/* Captured numbers that were never measured at the fork's step. */
static void check_captures(struct stm_view *v, int fork, unsigned seed)
{
    struct stm_fork_state *fs = fork_state(v, fork, seed);
    double unused;
    for (unsigned i = 0; fs->pub.known && fs->pub.reached && i < v->plan->n_captures; i++)
        if (v->plan->captures[i].fork == fork &&
            !v->data.capture(v, (int)i, v->plan->forks[fork].node, seed, &unused))
            fs->need_row = true;
}

/* ---- tasks ---- */

static bool same_stretch(const struct stm_task *a, const struct stm_piece *p)
{
    if (a->piece->start_known != p->start_known) return false;
    if (p->start_known) return stm_id_eq(&a->piece->key, &p->key);
    struct stm_id x = stm_origin_key(&a->piece->origin), y = stm_origin_key(&p->origin);
    return stm_id_eq(&x, &y);
}

static int add_task(struct stm_view *v, const struct stm_replicate *r, const struct demand *d,
                    struct stm_err *err)
{
    const struct stm_piece *p = &r->pieces[r->n_pieces - 1];
    for (unsigned i = 0; d->resume != STM_NEVER && i < r->n_pieces; i++)
        if (d->resume <= r->pieces[i].cut) {
            p = &r->pieces[i];
            break;
        }
    for (size_t i = 0; i < v->n_tasks; i++)
        if (same_stretch(&v->tasks[i], p))
            return 0; /* asked for already; what is left comes later */
    if (v->n_tasks == v->cap_tasks) {
        size_t cap = v->cap_tasks ? 2 * v->cap_tasks : 64;
        struct stm_task *t = stm_realloc(v->tasks, cap * sizeof *t);
        if (!t) return stm_fail(err, STM_E_NOMEM, "planning: out of memory");
        v->tasks = t;
        v->cap_tasks = cap;
    }
    struct stm_task *t = &v->tasks[v->n_tasks++];
    *t = (struct stm_task){.node = r->node,
                           .seed = r->seed,
                           .piece = p,
                           .resume = d->resume < r->pub.last ? d->resume : r->pub.last,
                           .until = d->until < p->cut ? d->until : p->cut,
                           .root = v->plan->nodes[r->node].fork < 0 && p == r->pieces,
                           .stop_events = d->stop_events,
                           .anchor_events = d->anchor_events,
                           .n_anchors = d->n_anchors};
    memcpy(t->anchors, d->anchors, sizeof t->anchors);
    for (unsigned e = 0; e < v->plan->n_events; e++)
        if (r->event[e] != STM_NEVER && r->event[e] <= p->from &&
            !(t->root && r->event[e] == p->from))
            t->latched |= UINT32_C(1) << e;
    return 0;
}

/* Steps at which siblings of the same trajectory change their settings: kept now, so that they need
 * not be trained for again. */
static void add_sibling_cuts(struct stm_view *v, struct stm_task *t)
{
    for (unsigned n = 0; n < v->plan->n_nodes; n++) {
        const struct stm_replicate *r = stm_view_replicate(v, (int)n, t->seed);
        for (unsigned i = 0; i < r->n_pieces; i++) {
            const struct stm_piece *p = &r->pieces[i];
            if (p->cut == STM_NEVER || p->cut <= p->from || !same_stretch(t, p)) continue;
            bool have = false;
            for (unsigned k = 0; k < t->n_anchors; k++) have = have || t->anchors[k] == p->cut;
            if (!have && t->n_anchors < sizeof t->anchors / sizeof *t->anchors)
                t->anchors[t->n_anchors++] = p->cut;
        }
    }
}

/* ---- the pass ---- */

static int resolve_forks(struct stm_view *v, struct stm_replicate *r, struct demand *d,
                         struct stm_err *err)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    for (unsigned i = 0; i < node->n_forks; i++) {
        const struct stm_fork *f = &v->plan->forks[node->forks[i]];
        struct stm_fork_state *fs = fork_state(v, node->forks[i], r->seed);
        *fs = (struct stm_fork_state){0};
        bool known = false;
        uint64_t step = STM_NEVER;
        int rc = fork_step_of(v, f, r, &known, &step, err);
        if (rc) return rc;
        if (known) {
            fork_locate(v, r, fs, step, d);
            continue;
        }
        snprintf(fs->why, sizeof fs->why, "the event of the fork has not come yet");
        uint32_t bit = UINT32_C(1) << f->at.event;
        d->anchor_events |= bit;
        if (node->fork < 0 && r->event[f->at.event] == STM_NEVER) {
            want_until(d, r->pub.bound);
            d->stop_events |= bit;
        }
    }
    return 0;
}

/* A run ends at its last fork, or at its stop when it has no forks. */
static void close_run(const struct stm_view *v, struct stm_replicate *r)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    uint64_t end = r->pub.fork_step;
    for (unsigned i = 0; i < node->n_forks; i++) {
        const struct stm_fork_state *fs = fork_state(v, node->forks[i], r->seed);
        if (!fs->pub.known) return;
        if (fs->pub.reached && fs->pub.step > end) end = fs->pub.step;
    }
    r->pub.stop = end;
}

static int resolve_replicate(struct stm_view *v, struct stm_replicate *r, struct demand *d,
                             struct stm_err *err)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    bool forking_run = node->fork < 0 && node->n_forks;
    int rc = 0;
    if (r->pub.status != STM_REP_DIVERGED) {
        r->pub.stop = STM_NEVER;
        if (node->stop && !forking_run) rc = apply_stop(v, r, node->stop, d, err);
    }
    if (!rc) rc = resolve_forks(v, r, d, err);
    if (forking_run && r->pub.status != STM_REP_DIVERGED) close_run(v, r);
    return rc;
}

static void finish(struct stm_view *v, struct stm_replicate *r, struct demand *d)
{
    const struct stm_node *node = &v->plan->nodes[r->node];
    for (unsigned i = 0; i < node->n_forks; i++) {
        const struct stm_fork_state *fs = fork_state(v, node->forks[i], r->seed);
        if (fs->need_row) want_resume(d, fs->pub.step);
    }
    if (r->gap != STM_NEVER && r->gap <= r->pub.stop && d->any)
        want_resume(d, r->gap);
    else if (r->gap != STM_NEVER && r->pub.stop == STM_NEVER)
        want_resume(d, r->gap);
    if (r->pub.status == STM_REP_DIVERGED)
        d->any = false;
    else if (!d->any && r->pub.stop != STM_NEVER && r->pub.last >= r->pub.stop)
        r->pub.status = STM_REP_DONE;
}

static int resolve_node(struct stm_view *v, int n, struct stm_err *err)
{
    const struct stm_node *node = &v->plan->nodes[n];
    for (unsigned s = 0; s < v->n_seeds; s++) {
        struct stm_replicate *r = stm_view_replicate(v, n, s);
        r->pub.bound = r->pub.stop = STM_NEVER;
        r->pub.last = 0;
        r->located = false;
        if (!enter(v, r)) continue;
        int rc = stm_view_locate(v, r, err);
        if (!rc && !r->located) r->pub.status = STM_REP_WAITING;
        if (!rc && r->located) {
            measure_extent(r);
            rc = scan_events(v, r, err);
            if (!rc) rc = numeric_bound(v, r, node->stop, err);
        }
        if (rc) return rc;
    }
    struct demand *demands = stm_calloc(v->n_seeds, sizeof *demands);
    if (!demands) return stm_fail(err, STM_E_NOMEM, "planning: out of memory");
    int rc = 0;
    for (unsigned s = 0; !rc && s < v->n_seeds; s++) {
        struct stm_replicate *r = stm_view_replicate(v, n, s);
        demands[s].resume = STM_NEVER;
        if (r->located)
            rc = resolve_replicate(v, r, &demands[s], err);
        else
            for (unsigned i = 0; i < node->n_forks; i++) {
                struct stm_fork_state *fs = fork_state(v, node->forks[i], s);
                *fs = (struct stm_fork_state){.pub.cancelled = r->pub.status == STM_REP_CANCELLED,
                                              .pub.known = r->pub.status == STM_REP_ABSENT};
                snprintf(fs->why, sizeof fs->why, "%s", r->why);
            }
    }
    for (unsigned i = 0; !rc && i < node->n_forks; i++) {
        judge_fork(v, node->forks[i]);
        for (unsigned s = 0; s < v->n_seeds; s++) check_captures(v, node->forks[i], s);
    }
    for (unsigned s = 0; !rc && s < v->n_seeds; s++) {
        struct stm_replicate *r = stm_view_replicate(v, n, s);
        if (!r->located) continue;
        finish(v, r, &demands[s]);
        if (demands[s].any) rc = add_task(v, r, &demands[s], err);
    }
    stm_free(demands);
    return rc;
}

/* Stretches to be re-executed because something was asked for at steps that were not measured. */
static int add_misses(struct stm_view *v, struct stm_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < v->n_misses; i++) {
        struct stm_miss m = v->misses[i];
        int owner;
        const struct stm_piece *p = stm_view_piece(v, m.node, m.seed, m.step, &owner);
        const struct stm_replicate *r = p ? stm_view_replicate(v, owner, m.seed) : NULL;
        if (!r || m.step > r->pub.last) continue; /* it will come by itself */
        struct demand d = {.resume = STM_NEVER};
        for (size_t k = i; k < v->n_misses; k++) {
            const struct stm_miss *x = &v->misses[k];
            if (x->node != m.node || x->seed != m.seed || x->step > p->cut || x->step < p->from)
                continue;
            want_resume(&d, x->step);
            want_anchor(&d, x->step);
        }
        rc = add_task(v, r, &d, err);
    }
    v->n_misses = 0;
    return rc;
}

int stm_view_resolve(struct stm_view *v, struct stm_err *err)
{
    v->n_tasks = 0;
    int rc = 0;
    for (unsigned n = 0; !rc && n < v->plan->n_nodes; n++) rc = resolve_node(v, (int)n, err);
    if (!rc) rc = add_misses(v, err);
    for (size_t i = 0; !rc && i < v->n_tasks; i++) add_sibling_cuts(v, &v->tasks[i]);
    return rc;
}
