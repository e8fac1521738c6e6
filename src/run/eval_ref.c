/* What names stand for: lets, events, metrics, captures, sweep variables, words. */
#include <math.h>
#include <string.h>

#include "run/eval.h"

#define BAD(ev, ...) stm_value_one(stm_cell_bad(ev, STM_CELL_INVALID, __VA_ARGS__))

const char *stm_ev_place(struct stm_ev *ev, int node, unsigned seed)
{
    const char *text =
        stm_arena_printf(&ev->keep, "%s, seed %d", stm_ev_node_name(ev->d->plan, node),
                         ev->d->seeds[ev->first + seed]);
    if (!text) ev->nomem = true;
    return text ? text : "";
}

static struct stm_cell unknown(struct stm_ev *ev, const char *what, int node, unsigned seed)
{
    return stm_cell_bad(ev, STM_CELL_UNKNOWN, "`%s` of %s is not known yet", what,
                        stm_ev_place(ev, node, seed));
}

/* A fact of one replicate; `e` and `scope` as in the evaluation. */
typedef struct stm_cell fact(struct stm_ev *ev, const struct stm_expr *e, int node, unsigned seed);

/* The fact for every seed; absent where the replicate does not take part. */
static struct stm_value facts(struct stm_ev *ev, fact *f, const struct stm_expr *e, int node)
{
    const struct stm_data *d = ev->d;
    struct stm_value v = stm_value_cells(ev, STM_VAL_SEEDS, ev->n_seeds);
    for (unsigned s = 0; v.kind == STM_VAL_SEEDS && s < ev->n_seeds; s++) {
        v.cells[s] = (struct stm_cell){STM_CELL_UNKNOWN, .v = NAN, .why = "not asked for"};
        if (s < ev->lo || s >= ev->hi) continue;
        if (!ev->ignore_exists && !d->exists(d->ctx, node, ev->first + s))
            v.cells[s] = (struct stm_cell){STM_CELL_ABSENT, .v = NAN, .why = ""};
        else
            v.cells[s] = f(ev, e, node, s);
    }
    return v;
}

/* ---- instances ---- */

/* Whether `node` is `owner`, or descends from it or from `fork`. */
static bool belongs(const struct stm_plan *plan, int node, int fork, int owner)
{
    for (;;) {
        if (node < 0 || node == owner) return node >= 0;
        int f = plan->nodes[node].fork;
        if (f < 0) return false;
        if (f == fork) return true;
        node = plan->forks[f].node;
    }
}

/* A name in a swept fork has one entry an instance, and a reference gives the first: the entry of
 * that name that belongs to the arm that reads it. OWNER_OF gives the node that an entry may
 * belong to instead of a fork. */
#define INSTANCE(plan, array, count, first, at, OWNER_OF)                                          \
    do {                                                                                           \
        for (unsigned i_ = 0; i_ < (count); i_++)                                                  \
            if (strcmp((array)[i_].name, (array)[first].name) == 0 &&                              \
                belongs(plan, at, (array)[i_].fork, OWNER_OF((array)[i_])))                        \
                return (int)i_;                                                                    \
        return first;                                                                              \
    } while (0)
#define NO_OWNER(entry)   (-1)
#define NODE_OWNER(entry) ((entry).node)

static int capture_for(const struct stm_plan *p, int first, int node)
{
    INSTANCE(p, p->captures, p->n_captures, first, node, NODE_OWNER);
}

int stm_ev_capture_in(const struct stm_plan *p, const char *name, int node)
{
    int left = -1, n = 0; /* made at a fork that leaves the node */
    for (unsigned i = 0; i < p->n_captures; i++) {
        const struct stm_capture *c = &p->captures[i];
        if (strcmp(c->name, name) != 0) continue;
        if (belongs(p, node, c->fork, c->node)) return (int)i;
        if (c->fork < 0 || p->forks[c->fork].node != node) continue;
        left = (int)i;
        n++;
    }
    return n == 1 ? left : -1;
}

int stm_ev_calibrate_for(const struct stm_plan *p, int first, int node)
{
    INSTANCE(p, p->calibrates, p->n_calibrates, first, node, NO_OWNER);
}

static int let_for(const struct stm_plan *p, int first, int node)
{
    INSTANCE(p, p->lets, p->n_lets, first, node, NO_OWNER);
}

/* ---- facts ---- */

static struct stm_cell event_fact(struct stm_ev *ev, const struct stm_expr *e, int node,
                                  unsigned seed)
{
    struct stm_cell c = {.state = STM_CELL_OK};
    if (!ev->d->event(ev->d->ctx, node, ev->first + seed, e->index, &c.v, &c.censored))
        return unknown(ev, e->name, node, seed);
    return c;
}

static struct stm_cell capture_fact(struct stm_ev *ev, const struct stm_expr *e, int node,
                                    unsigned seed)
{
    struct stm_cell c = {.state = STM_CELL_OK};
    int index = capture_for(ev->d->plan, e->index, node);
    enum stm_fact known = ev->d->capture(ev->d->ctx, index, node, ev->first + seed, &c.v);
    if (known == STM_FACT_NONE)
        return stm_cell_bad(ev, STM_CELL_INVALID, "`%s` of %s has no value", e->name,
                            stm_ev_place(ev, node, seed));
    return known == STM_FACT_KNOWN ? c : unknown(ev, e->name, node, seed);
}

static struct stm_cell fork_fact(struct stm_ev *ev, const struct stm_expr *e, int node,
                                 unsigned seed)
{
    struct stm_cell c = {.state = STM_CELL_OK};
    if (!ev->d->fork_step(ev->d->ctx, node, ev->first + seed, &c.v))
        return unknown(ev, e->name, node, seed);
    return c;
}

/* The replicate ended at its bound: it waits for events, and none of them came. */
static bool at_bound(struct stm_ev *ev, int node, unsigned seed)
{
    const struct stm_stop *stop = ev->d->plan->nodes[node].stop;
    bool waits = false;
    for (unsigned i = 0; stop && i < stop->n; i++) {
        double step;
        bool censored = true;
        if (stop->alternatives[i].event < 0) continue;
        waits = true;
        if (ev->d->event(ev->d->ctx, node, ev->first + seed, stop->alternatives[i].event, &step,
                         &censored) &&
            !censored)
            return false;
    }
    return waits;
}

static struct stm_cell stop_fact(struct stm_ev *ev, const struct stm_expr *e, int node,
                                 unsigned seed)
{
    struct stm_cell c = {.state = STM_CELL_OK};
    if (!ev->d->stop_step(ev->d->ctx, node, ev->first + seed, &c.v))
        return unknown(ev, e->name, node, seed);
    c.bound = at_bound(ev, node, seed);
    return c;
}

/* ---- metrics ---- */

static const char log_tag; /* sets keys of the cache apart */

struct stm_value stm_ev_log_steps(struct stm_ev *ev, int node, unsigned seed)
{
    struct stm_ev_key key = {&log_tag, NULL, NULL, node, (int)seed, 0};
    const struct stm_value *kept = stm_ev_cached(ev, &key);
    if (kept) return *kept;
    unsigned n = 0;
    double step;
    while (ev->d->log_step(ev->d->ctx, node, ev->first + seed, n, &step)) n++;
    struct stm_value v = stm_value_cells(ev, STM_VAL_CURVE, n);
    for (unsigned i = 0; v.kind == STM_VAL_CURVE && i < n; i++)
        if (ev->d->log_step(ev->d->ctx, node, ev->first + seed, i, &step))
            v.cells[i] = stm_cell_num(step);
    if (v.kind == STM_VAL_CURVE) stm_ev_cache(ev, &key, &v, 0);
    return v;
}

/* The logged step nearest `t`; of two equally near ones the earlier. */
static struct stm_cell nearest(struct stm_ev *ev, struct stm_cell t, int node, unsigned seed)
{
    if (t.state != STM_CELL_OK) return t;
    if (!ev->d->plan->log_every)
        return stm_cell_bad(ev, STM_CELL_INVALID, "`nearest`, and the file has no `log every`");
    struct stm_value steps = stm_ev_log_steps(ev, node, seed);
    if (steps.kind != STM_VAL_CURVE || steps.n == 0) return unknown(ev, "log", node, seed);
    unsigned lo = 0, hi = steps.n; /* the first step that is not below t */
    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;
        if (steps.cells[mid].v < t.v)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == steps.n || (lo > 0 && t.v - steps.cells[lo - 1].v <= steps.cells[lo].v - t.v)) lo--;
    struct stm_cell c = steps.cells[lo];
    c.bound = t.bound;
    return c;
}

/* Where `at` samples each seed of `node`. The time is read in the arm that the metric is read off:
 * in `control.norm(weights) @ stop` it is the stop of `control`. */
static struct stm_value sample_steps(struct stm_ev *ev, const struct stm_expr *at, int node,
                                     const struct stm_scope *scope)
{
    const struct stm_expr *t = at->kids[1];
    bool near = t->kind == STM_X_CALL && t->name && strcmp(t->name, "nearest") == 0 && t->n == 1;
    struct stm_scope inner = {.node = node, .at = NULL, .step = NAN, .env = scope->env};
    struct stm_value time = stm_ev_eval(ev, near ? t->kids[0] : t, &inner);
    struct stm_value v = stm_value_cells(ev, STM_VAL_SEEDS, ev->n_seeds);
    if (time.kind == STM_VAL_CURVE)
        return BAD(ev, "`%s` is a curve, where a time is needed", t->name ? t->name : "@");
    for (unsigned s = ev->lo; v.kind == STM_VAL_SEEDS && s < ev->hi; s++) {
        struct stm_cell c = time.kind == STM_VAL_ONE ? time.one : time.cells[s];
        if (c.state == STM_CELL_OK && c.censored) {
            c = stm_cell_bad(ev, STM_CELL_INVALID, "%s had not come to the time that it is read at",
                             stm_ev_place(ev, node, s));
            c.censored = true;
        }
        v.cells[s] = near ? nearest(ev, c, node, s) : c;
    }
    return v;
}

/* Which moment of its step a sample means: `@ fork`, `@ start` and `@ stop` are states of their
 * own.
 */
static enum stm_when moment_of(const struct stm_expr *at)
{
    static const struct {
        const char *word;
        enum stm_when when;
    } words[] = {{"fork", STM_AT_FORK}, {"start", STM_AT_START}, {"stop", STM_AT_STOP}};
    const struct stm_expr *t = at->kids[1];
    bool word = t->kind == STM_X_NAME && (t->ref == STM_R_WORD || t->ref == STM_R_NONE);
    for (size_t i = 0; word && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i].word, t->name) == 0) return words[i].when;
    return STM_AT_STEP;
}

static struct stm_cell read_metric(struct stm_ev *ev, const char *text, int node, unsigned seed,
                                   struct stm_moment at)
{
    struct stm_cell c = {.state = STM_CELL_OK};
    const char *place;
    switch (ev->d->metric(ev->d->ctx, node, ev->first + seed, text, at, &c.v)) {
    case STM_FACT_KNOWN:
        if (isfinite(c.v)) return c;
        return stm_cell_bad(ev, STM_CELL_INVALID, "`%s` of %s is not a finite number at step %.10g",
                            text, stm_ev_place(ev, node, seed), at.step);
    case STM_FACT_NONE:
        return stm_cell_bad(ev, STM_CELL_INVALID, "step %.10g is after the stop of %s", at.step,
                            stm_ev_place(ev, node, seed));
    case STM_FACT_UNKNOWN: break;
    }
    place = stm_ev_place(ev, node, seed);
    return stm_cell_bad(ev, STM_CELL_UNKNOWN, "`%s` of %s is not known at step %.10g", text, place,
                        at.step);
}

static struct stm_cell metric_at(struct stm_ev *ev, const char *text, int node, unsigned seed,
                                 struct stm_cell step, enum stm_when when, bool keep)
{
    static const char tags[4]; /* set the keys of the moments apart */
    if (step.state != STM_CELL_OK) return step;
    struct stm_ev_key key = {text, NULL, &tags[when], node, (int)seed, step.v};
    const struct stm_value *kept = keep ? stm_ev_cached(ev, &key) : NULL;
    struct stm_cell c =
        kept ? kept->one
             : read_metric(ev, text, node, seed, (struct stm_moment){.when = when, .step = step.v});
    struct stm_value v = stm_value_one(c);
    if (keep && !kept) stm_ev_cache(ev, &key, &v, 0);
    c.bound = step.bound;
    return c;
}

static struct stm_value sampled(struct stm_ev *ev, const struct stm_expr *e,
                                const struct stm_scope *scope)
{
    const char *text = e->text ? e->text : e->name;
    const struct stm_data *d = ev->d;
    struct stm_value steps = stm_value_one(stm_cell_num(scope->step));
    enum stm_when when = scope->at ? moment_of(scope->at) : scope->when;
    if (scope->at) steps = sample_steps(ev, scope->at, scope->node, scope);
    if (steps.kind == STM_VAL_ONE && steps.one.state != STM_CELL_OK) return steps;
    struct stm_value v = stm_value_cells(ev, STM_VAL_SEEDS, ev->n_seeds);
    for (unsigned s = 0; v.kind == STM_VAL_SEEDS && s < ev->n_seeds; s++) {
        v.cells[s] = (struct stm_cell){STM_CELL_UNKNOWN, .v = NAN, .why = "not asked for"};
        if (s < ev->lo || s >= ev->hi) continue;
        if (!ev->ignore_exists && !d->exists(d->ctx, scope->node, ev->first + s))
            v.cells[s] = (struct stm_cell){STM_CELL_ABSENT, .v = NAN, .why = ""};
        else
            v.cells[s] = metric_at(ev, text, scope->node, s,
                                   steps.kind == STM_VAL_ONE ? steps.one : steps.cells[s], when,
                                   scope->at != NULL);
    }
    return v;
}

/* ---- one function for each kind of reference ---- */

static struct stm_value r_engine(struct stm_ev *ev, const struct stm_expr *e,
                                 const struct stm_scope *scope)
{
    const char *text = e->text ? e->text : e->name;
    if (scope->node < 0) return BAD(ev, "`%s` is read in no arm", text);
    if (!scope->at && isnan(scope->step))
        return BAD(ev, "`%s` is a curve over steps: sample it, as in `@ stop`", text);
    stm_ev_reads(ev, scope->node);
    return scope->at ? stm_ev_memo(ev, e, sampled, e, scope) : sampled(ev, e, scope);
}

static struct stm_value body(struct stm_ev *ev, const struct stm_expr *e,
                             const struct stm_scope *scope)
{
    return stm_ev_eval(ev, e, scope);
}

static struct stm_value macro(struct stm_ev *ev, const struct stm_expr *of,
                              const struct stm_scope *scope)
{
    bool trace =
        !isnan(scope->step) && !ev->ignore_exists; /* one step of many: not worth keeping */
    return trace ? body(ev, of, scope) : stm_ev_memo(ev, of, body, of, scope);
}

static struct stm_value r_metric(struct stm_ev *ev, const struct stm_expr *e,
                                 const struct stm_scope *scope)
{
    return macro(ev, ev->d->plan->metrics[e->index].expr, scope);
}

static bool is_fixed(const struct stm_ev *ev, const char *name)
{
    for (unsigned i = 0; i < ev->n_fixed; i++)
        if (strcmp(ev->fixed[i], name) == 0) return true;
    return false;
}

/* A let of `hold_fixed`: its value over the full sample, whatever the selection is. */
static struct stm_value fixed_let(struct stm_ev *ev, const struct stm_let *let,
                                  const struct stm_scope *scope)
{
    struct stm_ev_key key = {let, scope->at, scope->env, scope->node, -2, scope->step};
    const struct stm_value *kept = stm_ev_cached(ev, &key);
    ev->depends = true; /* what reads it must not be kept for a claim that does not hold it fixed */
    if (kept) return *kept;
    const unsigned *sel = ev->sel;
    unsigned n = ev->n_sel;
    unsigned long gen = ev->gen;
    ev->sel = ev->base;
    ev->n_sel = ev->n_base;
    ev->gen = ++ev->last_gen;
    struct stm_value v = body(ev, let->expr, scope);
    ev->sel = sel;
    ev->n_sel = n;
    ev->gen = gen;
    ev->depends = true;
    stm_ev_cache(ev, &key, &v, ev->base_gen);
    return v;
}

static struct stm_value r_let(struct stm_ev *ev, const struct stm_expr *e,
                              const struct stm_scope *scope)
{
    const struct stm_plan *plan = ev->d->plan;
    const struct stm_let *let = &plan->lets[let_for(plan, e->index, scope->node)];
    if (is_fixed(ev, let->name)) return fixed_let(ev, let, scope);
    return macro(ev, let->expr, scope);
}

static struct stm_value per_seed(struct stm_ev *ev, fact *f, const struct stm_expr *e, int node)
{
    if (node < 0 && ev->d->plan->n_nodes == 1) node = 0;
    if (node < 0) return BAD(ev, "`%s` is read in no arm", e->name);
    stm_ev_reads(ev, node);
    return facts(ev, f, e, node);
}

static struct stm_value event_all(struct stm_ev *ev, const struct stm_expr *e,
                                  const struct stm_scope *scope)
{
    return per_seed(ev, event_fact, e, scope->node);
}

static struct stm_value r_event(struct stm_ev *ev, const struct stm_expr *e,
                                const struct stm_scope *scope)
{
    struct stm_scope inner = *scope;
    inner.at = NULL; /* a time is the same wherever it is read */
    inner.step = NAN;
    inner.when = STM_AT_STEP;
    return stm_ev_memo(ev, e, event_all, e, &inner);
}

static struct stm_value r_capture(struct stm_ev *ev, const struct stm_expr *e,
                                  const struct stm_scope *scope)
{
    const struct stm_plan *plan = ev->d->plan;
    const struct stm_capture *c = &plan->captures[e->index];
    int node = scope->node;
    if (node < 0 && c->node >= 0) node = c->node;
    if (node < 0 && c->fork >= 0 && plan->forks[c->fork].n_nodes > 0)
        node = plan->forks[c->fork].nodes[0];
    return per_seed(ev, capture_fact, e, node);
}

static struct stm_value r_calibrate(struct stm_ev *ev, const struct stm_expr *e,
                                    const struct stm_scope *scope)
{
    double v;
    int index = stm_ev_calibrate_for(ev->d->plan, e->index, scope->node);
    enum stm_fact known = ev->d->calibrate(ev->d->ctx, index, scope->node, &v);
    if (known == STM_FACT_KNOWN) return stm_value_one(stm_cell_num(v));
    if (known == STM_FACT_NONE) return BAD(ev, "the calibration `%s` has no value", e->name);
    return stm_value_one(
        stm_cell_bad(ev, STM_CELL_UNKNOWN, "the calibration `%s` is not known yet", e->name));
}

static struct stm_value r_bind(struct stm_ev *ev, const struct stm_expr *e,
                               const struct stm_scope *scope)
{
    const struct stm_bind *b = scope->env;
    if (!b || strcmp(b->name, e->name) != 0) b = stm_ev_bind(ev->d->plan, scope->node, e->name);
    if (!b) return BAD(ev, "`%s` has no value here", e->name);
    if (b->is_num) return stm_value_one(stm_cell_num(b->num));
    return stm_value_one((struct stm_cell){.v = NAN, .sym = b->sym});
}

static struct stm_value r_param(struct stm_ev *ev, const struct stm_expr *e,
                                const struct stm_scope *scope)
{
    const struct stm_param_value *p = &ev->d->plan->params[e->index];
    (void)scope;
    if (p->is_num) return stm_value_one(stm_cell_num(p->num));
    return stm_value_one((struct stm_cell){.v = NAN, .sym = p->text});
}

static struct stm_value r_claim(struct stm_ev *ev, const struct stm_expr *e,
                                const struct stm_scope *scope)
{
    (void)scope;
    if (!ev->claim) return BAD(ev, "the result `%s` cannot be read here", e->name);
    return stm_value_one(ev->claim(ev->claim_ctx, ev, e->index, "value"));
}

static struct stm_cell seed_number(struct stm_ev *ev, const struct stm_expr *e, int node,
                                   unsigned seed)
{
    (void)e, (void)node;
    return stm_cell_num(ev->d->seeds[ev->first + seed]);
}

static struct stm_value all_seeds(struct stm_ev *ev, const struct stm_expr *e)
{
    struct stm_value v = stm_value_cells(ev, STM_VAL_SEEDS, ev->n_seeds);
    for (unsigned s = 0; v.kind == STM_VAL_SEEDS && s < v.n; s++)
        v.cells[s] = seed_number(ev, e, -1, s);
    return v;
}

static const struct {
    const char *name;
    fact *f; /* NULL: the numbers of the seeds in effect */
} words[] = {{"fork", fork_fact},
             {"start", fork_fact},
             {"stop", stop_fact},
             {"seeds", NULL},
             {"seed", NULL}};

static struct stm_value r_word(struct stm_ev *ev, const struct stm_expr *e,
                               const struct stm_scope *scope)
{
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].name, e->name) != 0) continue;
        return words[i].f ? per_seed(ev, words[i].f, e, scope->node) : all_seeds(ev, e);
    }
    return stm_value_one((struct stm_cell){.v = NAN, .sym = e->name});
}

static struct stm_value r_not_a_value(struct stm_ev *ev, const struct stm_expr *e,
                                      const struct stm_scope *scope)
{
    (void)scope;
    return BAD(ev, "`%s` is not a number", e->name ? e->name : "the expression");
}

static stm_ev_fn *const by_ref[] = {
    [STM_R_NONE] = r_word,           [STM_R_PARAM] = r_param,   [STM_R_LET] = r_let,
    [STM_R_EVENT] = r_event,         [STM_R_METRIC] = r_metric, [STM_R_CAPTURE] = r_capture,
    [STM_R_CALIBRATE] = r_calibrate, [STM_R_BIND] = r_bind,     [STM_R_FAMILY] = r_not_a_value,
    [STM_R_FORK] = r_not_a_value,    [STM_R_CLAIM] = r_claim,   [STM_R_FUNCTION] = r_not_a_value,
    [STM_R_ENGINE] = r_engine,       [STM_R_WORD] = r_word};

struct stm_value stm_ev_named(struct stm_ev *ev, const struct stm_expr *e,
                              const struct stm_scope *scope)
{
    return by_ref[e->ref](ev, e, scope);
}

/* The member of one node; the parser may hang a call below the field. */
static struct stm_value member_of(struct stm_ev *ev, const struct stm_expr *e,
                                  const struct stm_scope *scope)
{
    if (e->kind == STM_X_FIELD && e->n == 2) return stm_ev_eval(ev, e->kids[1], scope);
    return stm_ev_named(ev, e, scope);
}

struct stm_value stm_ev_member(struct stm_ev *ev, const struct stm_expr *e,
                               const struct stm_scope *scope)
{
    const struct stm_expr *of = e->kids[0];
    if (of->ref == STM_R_CLAIM) {
        if (!ev->claim) return BAD(ev, "the result `%s` cannot be read here", of->name);
        return stm_value_one(ev->claim(ev->claim_ctx, ev, of->index, e->name));
    }
    unsigned n;
    struct stm_cell why;
    const int *nodes = stm_ev_nodes(ev, of, scope, &n, &why);
    if (!nodes) return stm_value_one(why);
    struct stm_scope inner = *scope;
    struct stm_value v = {.kind = STM_VAL_ONE};
    if (n != 1) v = stm_value_cells(ev, STM_VAL_CURVE, n);
    v.nodes = nodes;
    for (unsigned i = 0; i < n; i++) {
        inner.node = nodes[i];
        struct stm_value one = member_of(ev, e, &inner);
        if (n == 1) {
            one.nodes = one.kind == STM_VAL_ONE ? nodes : one.nodes;
            return one;
        }
        if (v.kind != STM_VAL_CURVE) return v;
        v.cells[i] = one.kind == STM_VAL_ONE
                         ? one.one
                         : stm_cell_bad(ev, STM_CELL_INVALID,
                                        "`%s` is a value per seed: aggregate it before it is read "
                                        "over a sweep",
                                        e->name ? e->name : "");
    }
    return v;
}
