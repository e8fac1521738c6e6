/* What names stand for, in the arm that reads them. */
#include <math.h>
#include <string.h>

#include "oracle.h"

/* ---- who takes part ---- */

bool takes_part(struct world *w, int node, unsigned seed)
{
    enum status s = world_rep(w, node, seed)->status;
    return s == ST_DONE || s == ST_DIVERGED || s == ST_WAITING;
}

typedef struct cell fact(const struct stm_expr *e, const struct scope *s, unsigned seed);

static struct value per_seed(fact *f, const struct stm_expr *e, const struct scope *s)
{
    struct value v = value_cells(V_SEEDS, s->w->n_seeds);
    struct scope in = *s;
    if (in.node < 0 && s->w->plan->n_nodes == 1) in.node = 0;
    if (in.node < 0) return value_one(cell_bad(C_INVALID));
    for (unsigned i = 0; i < v.n; i++) {
        v.cells[i] = cell_bad(C_UNKNOWN);
        if (s->seed >= 0 && (unsigned)s->seed != i) continue;
        if (s->seed < 0 && !takes_part(s->w, in.node, i))
            v.cells[i] = cell_bad(C_ABSENT);
        else
            v.cells[i] = f(e, &in, i);
    }
    return v;
}

/* ---- instances ---- */

static bool belongs(const struct stm_plan *p, int node, int fork, int owner)
{
    while (node >= 0) {
        if (node == owner) return true;
        int f = p->nodes[node].fork;
        if (f >= 0 && f == fork) return true;
        node = f < 0 ? -1 : p->forks[f].node;
    }
    return false;
}

/* A name in a swept fork has one entry an instance; which is meant depends on who reads it. */
static int capture_of(const struct stm_plan *p, int first, int node)
{
    for (unsigned i = 0; i < p->n_captures; i++) {
        const struct stm_capture *c = &p->captures[i];
        if (!strcmp(c->name, p->captures[first].name) && belongs(p, node, c->fork, c->node))
            return (int)i;
    }
    return first;
}

int calibration_of(const struct stm_plan *p, int first, int node)
{
    for (unsigned i = 0; i < p->n_calibrates; i++)
        if (!strcmp(p->calibrates[i].name, p->calibrates[first].name) &&
            belongs(p, node, p->calibrates[i].fork, -1))
            return (int)i;
    return first;
}

static int let_of(const struct stm_plan *p, int first, int node)
{
    for (unsigned i = 0; i < p->n_lets; i++)
        if (!strcmp(p->lets[i].name, p->lets[first].name) && belongs(p, node, p->lets[i].fork, -1))
            return (int)i;
    return first;
}

/* ---- facts of a replicate ---- */

/* While a measurement is evaluated: whether the event has come by that moment. */
static struct cell event_by(const struct stm_expr *e, const struct scope *s, unsigned seed)
{
    const struct rep *r = world_rep(s->w, s->node, seed);
    uint64_t step = s->moment.when == AT_STEP ? s->moment.step : r->fork;
    int fork = s->w->plan->nodes[s->node].fork;
    if (s->moment.when == AT_FORK && fork >= 0)
        r = world_rep(s->w, s->w->plan->forks[fork].node, seed);
    return cell_truth(r->event[e->index] <= step);
}

static struct cell event_time(const struct stm_expr *e, const struct scope *s, unsigned seed)
{
    const struct rep *r = world_rep(s->w, s->node, seed);
    if (r->status == ST_WAITING) return cell_bad(C_UNKNOWN);
    uint64_t t = r->event[e->index], end = r->stop;
    if (t <= r->stop) return cell_num((double)t);
    if (r->status == ST_DIVERGED && s->w->plan->nodes[s->node].stop && r->bound != NEVER)
        end = r->bound;
    struct cell c = cell_num((double)end);
    c.censored = true;
    return c;
}

static struct cell capture_fact(const struct stm_expr *e, const struct scope *s, unsigned seed)
{
    const struct stm_plan *p = s->w->plan;
    const struct stm_capture *c = &p->captures[capture_of(p, e->index, s->node)];
    int made_at = c->fork < 0 ? p->nodes[c->node].fork : c->fork;
    struct cell v;
    if (made_at >= 0 && !world_fork(s->w, made_at, seed).reached) return cell_bad(C_UNKNOWN);
    if (c->fork < 0) {
        v = eval_seed(s->w, c->expr, c->node, seed, (struct moment){AT_FORK, 0});
    } else {
        struct fork_fact f = world_fork(s->w, c->fork, seed);
        int node = p->forks[c->fork].node;
        v = eval_seed(s->w, c->expr, node, seed, fork_moment(world_rep(s->w, node, seed), f.step));
    }
    return v.state == C_OK ? cell_num(v.v) : cell_bad(C_UNKNOWN);
}

static struct cell fork_fact(const struct stm_expr *e, const struct scope *s, unsigned seed)
{
    (void)e;
    return cell_num((double)world_rep(s->w, s->node, seed)->fork);
}

/* It ended although it waited for events: none of them came, or its state was not finite. */
static bool hit_bound(const struct scope *s, const struct rep *r)
{
    const struct stm_stop *stop = s->w->plan->nodes[s->node].stop;
    bool waits = false;
    if (r->status == ST_DIVERGED) return true;
    for (unsigned i = 0; stop && i < stop->n; i++) {
        if (stop->alternatives[i].event < 0) continue;
        if (r->event[stop->alternatives[i].event] <= r->stop) return false;
        waits = true;
    }
    return waits;
}

static struct cell stop_fact(const struct stm_expr *e, const struct scope *s, unsigned seed)
{
    (void)e;
    const struct rep *r = world_rep(s->w, s->node, seed);
    if (r->status == ST_WAITING) return cell_bad(C_UNKNOWN);
    struct cell c = cell_num((double)r->stop);
    c.bound = hit_bound(s, r);
    return c;
}

static struct cell seed_number(const struct stm_expr *e, const struct scope *s, unsigned seed)
{
    (void)e;
    return cell_num(s->w->seeds[seed]);
}

/* ---- sampling ---- */

uint64_t logged(struct world *w, const struct rep *r, uint64_t i)
{
    uint64_t step = i * w->plan->log_every;
    return w->plan->log_every && step <= r->stop ? step : NEVER;
}

static uint64_t nearest(struct world *w, const struct rep *r, double t)
{
    uint64_t best = NEVER;
    for (uint64_t i = 0; logged(w, r, i) != NEVER; i++) {
        uint64_t n = logged(w, r, i);
        if (best == NEVER || fabs((double)n - t) < fabs((double)best - t)) best = n;
    }
    return best;
}

/* The moment that `@` names, in the arm that the metric is read in. */
static struct moment moment_of(const struct stm_expr *at, const struct scope *s, unsigned seed,
                               struct cell *c)
{
    const struct rep *r = world_rep(s->w, s->node, seed);
    const struct stm_expr *t = at->kids[1];
    struct scope in = {.w = s->w,
                       .sample = s->sample,
                       .results = s->results,
                       .node = s->node,
                       .seed = s->seed,
                       .env = s->env};
    bool near = t->kind == STM_X_CALL && !strcmp(t->name, "nearest");
    struct value v = eval(near ? t->kids[0] : t, &in);
    *c = v.kind == V_SEEDS ? v.cells[seed] : v.kind == V_ONE ? v.one : cell_bad(C_INVALID);
    if (c->state != C_OK) return (struct moment){AT_NONE, 0};
    if (c->censored) {
        *c = cell_bad(C_INVALID);
        return (struct moment){AT_NONE, 0};
    }
    if (near) {
        uint64_t n = nearest(s->w, r, c->v);
        if (n == NEVER) *c = cell_bad(C_INVALID);
        return (struct moment){AT_STEP, n};
    }
    if (at->kind == STM_X_AT && t->ref == STM_R_WORD && t->kind == STM_X_NAME) {
        if (!strcmp(t->name, "fork")) return (struct moment){AT_FORK, r->fork};
        if (!strcmp(t->name, "start")) return (struct moment){AT_START, r->fork};
        if (!strcmp(t->name, "stop")) return (struct moment){AT_STOP, r->stop};
    }
    return (struct moment){AT_STEP, (uint64_t)c->v};
}

static struct cell metric_fact(const struct stm_expr *e, const struct scope *s, unsigned seed)
{
    const struct rep *r = world_rep(s->w, s->node, seed);
    struct moment m = s->moment;
    struct cell c = cell_num(0);
    if (s->at && r->status == ST_WAITING) return cell_bad(C_UNKNOWN);
    if (s->at) m = moment_of(s->at, s, seed, &c);
    if (c.state != C_OK) return c;
    const struct row *row = moment_row(s->w, r, m, !s->at);
    if (!row) return cell_bad(C_INVALID);
    for (unsigned i = 0; i < s->w->n_metrics; i++)
        if (!strcmp(s->w->metric_text[i], e->text)) c.v = row->v[i];
    if (!isfinite(c.v)) return cell_bad(C_INVALID);
    return c;
}

/* ---- names ---- */

static bool is_fixed(const struct sample *s, const char *name)
{
    for (unsigned i = 0; i < s->n_fixed; i++)
        if (!strcmp(s->fixed[i], name)) return true;
    return false;
}

static struct value let(const struct stm_expr *e, const struct scope *s)
{
    const struct stm_plan *p = s->w->plan;
    const struct stm_let *l = &p->lets[let_of(p, e->index, s->node)];
    struct scope in = *s;
    struct sample full = *s->sample;
    if (is_fixed(s->sample, l->name)) {
        full.seeds = full.full;
        full.n = full.n_full;
        full.n_fixed = 0;
        in.sample = &full;
    }
    return eval(l->expr, &in);
}

static struct value event(const struct stm_expr *e, const struct scope *s)
{
    return per_seed(s->moment.when == AT_NONE ? event_time : event_by, e, s);
}

static struct value engine_metric(const struct stm_expr *e, const struct scope *s)
{
    if (!s->at && s->moment.when == AT_NONE) return value_one(cell_bad(C_INVALID));
    return per_seed(metric_fact, e, s);
}

static struct value capture(const struct stm_expr *e, const struct scope *s)
{
    const struct stm_capture *c = &s->w->plan->captures[e->index];
    struct scope in = *s;
    if (in.node < 0) in.node = c->node >= 0 ? c->node : s->w->plan->forks[c->fork].nodes[0];
    return per_seed(capture_fact, e, &in);
}

static struct value bind(const struct stm_expr *e, const struct scope *s)
{
    const struct stm_bind *b = s->env;
    if (!b || strcmp(b->name, e->name) != 0) b = bind_at(s->w->plan, s->node, e->name);
    if (!b) return value_one(cell_bad(C_INVALID));
    if (b->is_num) return value_one(cell_num(b->num));
    return value_one((struct cell){.v = NAN, .sym = b->sym});
}

static struct value calibration(const struct stm_expr *e, const struct scope *s)
{
    double v;
    if (!world_calibration(s->w, calibration_of(s->w->plan, e->index, s->node), &v))
        return value_one(cell_bad(C_INVALID));
    return value_one(cell_num(v));
}

static struct value word(const struct stm_expr *e, const struct scope *s)
{
    struct scope all = *s;
    if (!strcmp(e->name, "fork") || !strcmp(e->name, "start")) return per_seed(fork_fact, e, s);
    if (!strcmp(e->name, "stop")) return per_seed(stop_fact, e, s);
    if (!strcmp(e->name, "seeds") || !strcmp(e->name, "seed")) {
        struct value v = value_cells(V_SEEDS, s->w->n_seeds);
        for (unsigned i = 0; i < v.n; i++) v.cells[i] = seed_number(e, &all, i);
        return v;
    }
    return value_one((struct cell){.v = NAN, .sym = e->name});
}

struct value eval_name(const struct stm_expr *e, const struct scope *s)
{
    const struct stm_plan *p = s->w->plan;
    switch (e->ref) {
    case STM_R_PARAM:
        if (p->params[e->index].is_num) return value_one(cell_num(p->params[e->index].num));
        return value_one((struct cell){.v = NAN, .sym = p->params[e->index].text});
    case STM_R_LET: return let(e, s);
    case STM_R_EVENT: return event(e, s);
    case STM_R_METRIC: return eval(p->metrics[e->index].expr, s);
    case STM_R_CAPTURE: return capture(e, s);
    case STM_R_CALIBRATE: return calibration(e, s);
    case STM_R_BIND: return bind(e, s);
    case STM_R_CLAIM: return value_one(result_field(s, e->index, "value"));
    case STM_R_ENGINE: return engine_metric(e, s);
    case STM_R_NONE:
    case STM_R_WORD: return word(e, s);
    case STM_R_FAMILY:
    case STM_R_FORK:
    case STM_R_FUNCTION: break;
    }
    return value_one(cell_bad(C_INVALID));
}

/* NAME, FIELD or CALL read off other arms: a curve for the instances of a sweep. */
struct value eval_member(const struct stm_expr *e, const struct scope *s)
{
    const struct stm_plan *p = s->w->plan;
    if (e->kids[0]->ref == STM_R_CLAIM)
        return value_one(result_field(s, e->kids[0]->index, e->name));
    int *nodes = oracle_alloc(p->n_nodes * sizeof *nodes);
    unsigned n = 0;
    if (!eval_nodes(e->kids[0], s, nodes, &n)) return value_one(cell_bad(C_INVALID));
    struct scope in = *s;
    struct value v = value_cells(V_CURVE, n);
    v.nodes = nodes;
    for (unsigned i = 0; i < n; i++) {
        in.node = nodes[i];
        struct value one =
            e->kind == STM_X_FIELD && e->n == 2 ? eval(e->kids[1], &in) : eval_name(e, &in);
        if (n == 1) {
            if (one.kind == V_ONE) one.nodes = nodes;
            return one;
        }
        v.cells[i] = one.kind == V_ONE ? one.one : cell_bad(C_INVALID);
    }
    return v;
}
