/* Stops, forks, requirements and calibrations: what couples replicates with each other. */
#include <string.h>

#include "oracle.h"

static void finish_node(struct world *w, int node);

static struct rep *at(struct world *w, int node, unsigned seed)
{
    return &w->reps[(size_t)node * w->n_seeds + seed];
}

static struct fork_fact *fork_at(struct world *w, int fork, unsigned seed)
{
    return &w->forks[(size_t)fork * w->n_seeds + seed];
}

const struct rep *world_rep(struct world *w, int node, unsigned seed)
{
    if (w->done[node] == TO_DO) finish_node(w, node);
    return at(w, node, seed);
}

struct fork_fact world_fork(struct world *w, int fork, unsigned seed)
{
    int parent = w->plan->forks[fork].node;
    if (w->done[parent] == TO_DO) finish_node(w, parent);
    return *fork_at(w, fork, seed);
}

static bool is_there(const struct rep *r)
{
    return r->status == ST_DONE || r->status == ST_DIVERGED;
}

/* ---- times ---- */

static uint64_t number_of(const struct stm_time *t)
{
    return t->value ? (uint64_t)t->value->num : 0;
}

/* A time that is a number, or NEVER. */
static uint64_t fixed_time(const struct stm_time *t, uint64_t fork)
{
    if (t->kind == STM_T_START) return fork;
    if (t->kind == STM_T_STEP) return number_of(t);
    if (t->kind == STM_T_PLUS) return fork + number_of(t);
    return NEVER;
}

/* The event's time in one replicate if it came by `limit`. */
static uint64_t own_time(const struct rep *r, int event, uint64_t limit)
{
    return r->event[event] <= limit ? r->event[event] : NEVER;
}

/* Over the seeds of a node: the latest (all; never if one never has it) or earliest (any). */
static uint64_t common_time(struct world *w, int node, const struct stm_time *t)
{
    uint64_t latest = 0, earliest = NEVER;
    unsigned n = 0;
    for (unsigned s = 0; s < w->n_seeds; s++) {
        const struct rep *r = at(w, node, s);
        if (!is_there(r)) continue;
        uint64_t own = own_time(r, t->event, r->rule);
        if (own > latest) latest = own;
        if (own < earliest) earliest = own;
        n++;
    }
    if (n == 0) return NEVER;
    return t->kind == STM_T_ALL ? latest : earliest;
}

static uint64_t not_before(uint64_t t, uint64_t least) { return t < least ? least : t; }

/* ---- stops ---- */

/* The least number of the stop rule; without a rule, the last fork, which then is a number. */
static uint64_t numeric_bound(struct world *w, int node, uint64_t fork)
{
    const struct stm_node *n = &w->plan->nodes[node];
    uint64_t bound = NEVER;
    for (unsigned i = 0; n->stop && i < n->stop->n; i++) {
        uint64_t t = fixed_time(&n->stop->alternatives[i], fork);
        if (t < bound) bound = t;
    }
    if (n->stop) return not_before(bound, fork);
    bound = fork;
    for (unsigned i = 0; i < n->n_forks; i++)
        bound = not_before(bound, fixed_time(&w->plan->forks[n->forks[i]].at, fork));
    return bound;
}

/* A run that has forks need not be played after the last of them, where all are numbers. */
/* A run that has forks, or an arm that has forks and no stop. */
static bool ends_at_forks(const struct stm_node *n)
{
    return n->n_forks > 0 && (n->fork < 0 || !n->stop);
}

static uint64_t horizon_of(struct world *w, const struct rep *r)
{
    const struct stm_node *n = &w->plan->nodes[r->node];
    uint64_t last = r->fork;
    if (!ends_at_forks(n)) return r->bound;
    for (unsigned i = 0; i < n->n_forks; i++)
        last = not_before(last, fixed_time(&w->plan->forks[n->forks[i]].at, r->fork));
    return last < r->bound ? last : r->bound;
}

/* The stop rule, where every seed has been played to what it decides by itself. */
static void apply_common_stops(struct world *w, int node)
{
    const struct stm_stop *stop = w->plan->nodes[node].stop;
    uint64_t common = NEVER;
    for (unsigned i = 0; stop && i < stop->n; i++) {
        const struct stm_time *t = &stop->alternatives[i];
        if (t->kind != STM_T_ALL && t->kind != STM_T_ANY) continue;
        uint64_t c = common_time(w, node, t);
        if (c != NEVER) c = not_before(c, number_of(t));
        if (c < common) common = c;
    }
    for (unsigned s = 0; s < w->n_seeds; s++) {
        struct rep *r = at(w, node, s);
        if (is_there(r) && not_before(common, r->fork) < r->rule)
            r->rule = not_before(common, r->fork);
        r->stop = r->rule;
        if (r->status == ST_DONE && r->broken != NEVER && common > r->broken)
            r->status = ST_CANCELLED;
    }
}

/* ---- forks ---- */

static uint64_t fork_time(struct world *w, const struct stm_fork *f, const struct rep *parent)
{
    uint64_t t = fixed_time(&f->at, parent->fork);
    if (f->at.kind == STM_T_EACH) t = own_time(parent, f->at.event, parent->rule);
    if (f->at.kind == STM_T_ALL || f->at.kind == STM_T_ANY) t = common_time(w, f->node, &f->at);
    if (f->at.event >= 0 && t != NEVER) t = not_before(t, number_of(&f->at));
    return t;
}

static bool requirement(struct world *w, const struct stm_require *q, int node, unsigned seed,
                        struct moment m)
{
    struct cell c = cell_as_truth(eval_seed(w, q->expr, node, seed, m));
    return c.state == C_OK && c.v != 0;
}

/* Whether the requirements hold over those of the seeds [lo, hi) that reach the fork. */
static bool requirements(struct world *w, int fork, int node, const struct stm_require *q,
                         unsigned n, unsigned lo, unsigned hi)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned reached = 0, yes = 0;
        for (unsigned s = lo; s < hi; s++) {
            const struct fork_fact *f = fork_at(w, fork, s);
            if (!f->reached) continue;
            bool arm = w->plan->nodes[node].fork == fork;
            struct moment m =
                arm ? (struct moment){AT_FORK, f->step} : fork_moment(at(w, node, s), f->step);
            reached++;
            yes += requirement(w, &q[i], node, s, m);
        }
        bool ok = q[i].quantifier == STM_Q_ALL  ? yes == reached
                  : q[i].quantifier == STM_Q_NO ? yes == 0
                                                : yes > 0 || reached == 0;
        if (!ok) return false;
    }
    return true;
}

/* Over all seeds, or over each by itself where each has its own fork. `node`: the arm that asks, or
 * the one that the fork leaves. */
static bool required(struct world *w, int fork, int node, const struct stm_require *q, unsigned n,
                     unsigned seed)
{
    bool each = w->plan->forks[fork].at.kind == STM_T_EACH;
    return requirements(w, fork, node, q, n, each ? seed : 0, each ? seed + 1 : w->n_seeds);
}

static void judge_fork(struct world *w, int fork)
{
    const struct stm_fork *f = &w->plan->forks[fork];
    for (unsigned s = 0; s < w->n_seeds; s++) {
        const struct rep *parent = at(w, f->node, s);
        struct fork_fact *x = fork_at(w, fork, s);
        x->step = is_there(parent) ? fork_time(w, f, parent) : NEVER;
        x->reached = x->step != NEVER && parent->fork <= x->step && x->step <= parent->rule;
    }
    for (unsigned s = 0; s < w->n_seeds; s++)
        fork_at(w, fork, s)->cancelled = !required(w, fork, f->node, f->requires, f->n_requires, s);
}

/* A run that has forks ends at the last of them, if all are reached. */
static void end_run(struct world *w, int node)
{
    const struct stm_node *n = &w->plan->nodes[node];
    if (!ends_at_forks(n)) return;
    for (unsigned s = 0; s < w->n_seeds; s++) {
        struct rep *r = at(w, node, s);
        uint64_t last = r->fork;
        for (unsigned i = 0; i < n->n_forks; i++) {
            const struct fork_fact *f = fork_at(w, n->forks[i], s);
            if (!f->reached) last = NEVER;
            if (f->reached) last = not_before(last, f->step);
        }
        if (is_there(r) && last <= r->rule) r->stop = last;
    }
}

/* ---- a node ---- */

static enum status begin(struct world *w, struct rep *r)
{
    const struct stm_node *n = &w->plan->nodes[r->node];
    if (n->off) return ST_OFF;
    if (n->fork < 0) return ST_DONE;
    enum status parent = world_rep(w, w->plan->forks[n->fork].node, r->seed)->status;
    struct fork_fact f = world_fork(w, n->fork, r->seed);
    if (parent != ST_DONE && parent != ST_DIVERGED) return parent;
    if (!f.reached) return ST_ABSENT;
    if (f.cancelled || !required(w, n->fork, r->node, n->requires, n->n_requires, r->seed))
        return ST_CANCELLED;
    return ST_DONE;
}

static void play_seed(struct world *w, struct rep *r)
{
    r->status = begin(w, r);
    if (r->status != ST_DONE) return;
    r->bound = numeric_bound(w, r->node, r->fork);
    if (!play(w, r, horizon_of(w, r)))
        r->status = ST_CANCELLED; /* a number of its own has no value */
    else
        r->rule = r->n_rows - 1;
}

static void finish_node(struct world *w, int node)
{
    const struct stm_node *n = &w->plan->nodes[node];
    w->done[node] = BUSY;
    for (unsigned s = 0; s < w->n_seeds && n->fork >= 0; s++)
        at(w, node, s)->fork = world_fork(w, n->fork, s).step;
    for (unsigned s = 0; s < w->n_seeds; s++) play_seed(w, at(w, node, s));
    apply_common_stops(w, node);
    for (unsigned i = 0; i < n->n_forks; i++) judge_fork(w, n->forks[i]);
    end_run(w, node);
    for (unsigned s = 0; s < w->n_seeds; s++) {
        struct rep *r = at(w, node, s);
        if (r->status == ST_DONE && r->diverged <= r->stop) r->status = ST_DIVERGED;
    }
    w->done[node] = FINISHED;
}

/* ---- calibrations ---- */

bool world_calibration(struct world *w, int calibrate, double *out)
{
    const struct stm_calibrate *c = &w->plan->calibrates[calibrate];
    struct calibration *k = &w->calibrations[calibrate];
    if (k->state == CAL_TO_DO) {
        unsigned *all = oracle_alloc(w->n_seeds * sizeof *all);
        for (unsigned s = 0; s < w->n_seeds; s++) all[s] = s;
        struct sample sample = {.seeds = all, .n = w->n_seeds, .counted = w->n_seeds};
        struct scope scope = {
            .w = w, .sample = &sample, .node = w->plan->forks[c->fork].node, .seed = -1};
        unsigned need = c->need < 0 ? w->n_seeds : (unsigned)c->need;
        k->state = CAL_NONE;
        struct value v = eval(c->expr, &scope);
        bool number = v.kind == V_ONE && v.one.state == C_OK && !v.one.censored && !v.one.sym;
        if (number && sample.counted >= need) *k = (struct calibration){CAL_KNOWN, v.one.v};
    }
    *out = k->v;
    return k->state == CAL_KNOWN;
}

void world_play(struct world *w)
{
    double unused;
    for (unsigned i = 0; i < w->plan->n_nodes; i++) world_rep(w, (int)i, 0);
    for (unsigned i = 0; i < w->plan->n_calibrates; i++) world_calibration(w, (int)i, &unused);
}

/* ---- need ---- */

const struct stm_fork *world_need(struct world *w, int node)
{
    for (int fork = w->plan->nodes[node].fork; fork >= 0;
         fork = w->plan->nodes[w->plan->forks[fork].node].fork) {
        const struct stm_fork *f = &w->plan->forks[fork];
        unsigned n = 0, need = f->need < 0 ? w->n_seeds : (unsigned)f->need;
        for (unsigned s = 0; s < w->n_seeds; s++) {
            struct fork_fact x = world_fork(w, fork, s);
            n += x.reached && !x.cancelled;
        }
        if (n < need) return f;
    }
    return NULL;
}

/* ---- metrics ---- */

static void add_metric(struct world *w, const char *text)
{
    struct stm_err err;
    for (unsigned i = 0; i < w->n_metrics; i++)
        if (!strcmp(w->metric_text[i], text)) return;
    struct stm_metric *more = oracle_alloc((w->n_metrics + 1) * sizeof *more);
    const char **texts = oracle_alloc((w->n_metrics + 1) * sizeof *texts);
    if (w->n_metrics) memcpy(more, w->metrics, w->n_metrics * sizeof *more);
    if (w->n_metrics) memcpy(texts, w->metric_text, w->n_metrics * sizeof *texts);
    if (stm_metric_parse(&more[w->n_metrics], text, &err)) oracle_die("%s", err.msg);
    texts[w->n_metrics] = text;
    w->metrics = more;
    w->metric_text = texts;
    w->track |= stm_metric_reads_update(&more[w->n_metrics]);
    w->n_metrics++;
}

static void walk(struct world *w, const struct stm_expr *e)
{
    if (!e) return;
    if (e->ref == STM_R_ENGINE && e->text) {
        add_metric(w, e->text);
        return;
    }
    for (unsigned i = 0; i < e->n; i++) walk(w, e->kids[i]);
}

static void walk_tree(struct world *w)
{
    const struct stm_plan *p = w->plan;
    for (unsigned i = 0; i < p->n_captures; i++) walk(w, p->captures[i].expr);
    for (unsigned i = 0; i < p->n_calibrates; i++) walk(w, p->calibrates[i].expr);
    for (unsigned i = 0; i < p->n_forks; i++)
        for (unsigned k = 0; k < p->forks[i].n_requires; k++) walk(w, p->forks[i].requires[k].expr);
    for (unsigned i = 0; i < p->n_nodes; i++)
        for (unsigned k = 0; k < p->nodes[i].n_requires; k++) walk(w, p->nodes[i].requires[k].expr);
}

void world_collect_metrics(struct world *w)
{
    const struct stm_plan *p = w->plan;
    for (unsigned i = 0; i < p->n_events; i++) walk(w, p->events[i].expr);
    for (unsigned i = 0; i < p->n_metrics; i++) walk(w, p->metrics[i].expr);
    for (unsigned i = 0; i < p->n_logs; i++) walk(w, p->logs[i].expr);
    for (unsigned i = 0; i < p->n_lets; i++) walk(w, p->lets[i].expr);
    walk_tree(w);
    for (unsigned i = 0; i < p->n_claims; i++) walk(w, p->claims[i].expr);
    for (unsigned i = 0; i < p->n_expects; i++) walk(w, p->expects[i].expr);
    for (unsigned i = 0; i < p->n_displays; i++)
        for (unsigned k = 0; k < p->displays[i].n_columns; k++)
            walk(w, p->displays[i].columns[k].value);
    w->metric_list = oracle_alloc(w->n_metrics * sizeof *w->metric_list);
    for (unsigned i = 0; i < w->n_metrics; i++) w->metric_list[i] = &w->metrics[i];
}
