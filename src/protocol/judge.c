/* What the engine would refuse: every combination of settings that comes to be in force in a run or
 * arm is shown to the judge of the vocabulary. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

enum { MAX_CASES = 20000 }; /* orders of events that are looked at in one arm */

/* An event as a point in time, of which any step is possible. */
struct moment {
    enum stm_time_kind kind;
    int event;
    double step; /* in the case at hand; INFINITY: never */
};

/* An action of the node or of an ancestor, and its transitions [lo, hi) in the case at hand. */
struct item {
    const struct stm_action *action;
    unsigned depth;
    double lo, hi;
};

struct timeline {
    struct check *k;
    const int *nodes;   /* from the run to the node at hand */
    unsigned depth;     /* place of the node at hand */
    double *begin;      /* [depth + 1] the step at which each begins, in the case at hand */
    struct vec items;   /* struct item, outermost first */
    struct vec moments; /* struct moment */
    struct vec steps;   /* double: what a moment may be, beside never */
    struct map seen;    /* combinations that were judged */
    bool refused;
};

/* ---- times ---- */

static struct moment *moment_of(const struct timeline *t, const struct stm_time *at)
{
    for (unsigned i = 0; i < t->moments.n; i++) {
        struct moment *m = (struct moment *)t->moments.p + i;
        if (m->kind == at->kind && m->event == at->event) return m;
    }
    return NULL;
}

static double step_of(const struct timeline *t, const struct stm_time *at, double base)
{
    if (at->event < 0) return pr_time_step(at, base);
    double step = moment_of(t, at)->step, after = at->value ? at->value->num : 0;
    return step > after ? step : after;
}

static void add_step(struct timeline *t, double x)
{
    const double *known = t->steps.p;
    for (unsigned i = 0; i < t->steps.n; i++)
        if (known[i] == x) return;
    if (x >= 0) *(double *)pr_push(t->k->c, &t->steps, sizeof x) = x;
}

/* Takes note of a time of the lineage: its event, and the steps around its number. */
static void note_time(struct timeline *t, const struct stm_time *at, double base)
{
    if (!at) return;
    if (at->event >= 0 && !moment_of(t, at))
        *(struct moment *)pr_push(t->k->c, &t->moments, sizeof(struct moment)) =
            (struct moment){.kind = at->kind, .event = at->event};
    double x = at->event >= 0 ? (at->value ? at->value->num : 0) : pr_time_step(at, base);
    for (int i = -1; i <= 1; i++) {
        add_step(t, x + i);
        if (at->value) add_step(t, at->value->num + i);
    }
}

static void note_node(struct timeline *t, unsigned depth)
{
    const struct stm_node *n = pr_node(t->k, t->nodes[depth]);
    double base = pr_fork_step(t->k, n->fork);
    if (n->fork >= 0) {
        const struct stm_node *up = pr_node(t->k, t->nodes[depth - 1]);
        note_time(t, &pr_fork(t->k, n->fork)->at, pr_fork_step(t->k, up->fork));
    }
    for (unsigned i = 0; i < n->n_actions; i++) {
        const struct stm_action *a = &n->actions[i];
        *(struct item *)pr_push(t->k->c, &t->items, sizeof(struct item)) =
            (struct item){.action = a, .depth = depth};
        note_time(t, a->from, base);
        note_time(t, a->until, base);
    }
}

/* A hold acts on the result of an update, so a transition before the step that it names; an event
 * is acted on after the update that showed it. */
static double edge(const struct timeline *t, const struct item *i, const struct stm_time *at)
{
    double step = step_of(t, at, t->begin[i->depth]);
    return i->action->verb == STM_V_HOLD && at->event < 0 && step > 0 ? step - 1 : step;
}

static void place(const struct timeline *t, struct item *i)
{
    double begin = t->begin[i->depth];
    i->lo = i->action->from ? edge(t, i, i->action->from) : begin;
    if (i->lo < begin) i->lo = begin;
    i->hi = i->action->until ? edge(t, i, i->action->until) : INFINITY;
}

/* ---- one combination ---- */

struct force {
    struct vec list;    /* struct stm_in_force */
    struct vec actions; /* const struct stm_action *, one for each; NULL: a setting of the run */
};

static void add(struct check *k, struct force *f, const struct stm_action *a, enum stm_force kind,
                const char *key, const struct stm_expr *e)
{
    struct stm_in_force *x = pr_push(k->c, &f->list, sizeof *x);
    *x = (struct stm_in_force){.kind = kind, .key = key};
    *(const struct stm_action **)pr_push(k->c, &f->actions, sizeof a) = a;
    if (!e) return;
    if (e->kind == STM_X_NAME && e->ref == STM_R_NONE) {
        x->sym = e->name;
        return;
    }
    bool tuple = e->kind == STM_X_TUPLE;
    double *num = pr_alloc(k->c, (tuple ? e->n : 1) * sizeof *num);
    x->n = tuple ? e->n : 1;
    for (size_t i = 0; i < x->n; i++) {
        const struct stm_expr *v = tuple ? e->kids[i] : e;
        num[i] = v->kind == STM_X_NUM ? v->num : NAN;
    }
    x->num = num;
}

static void add_setting(struct check *k, struct force *f, const struct stm_action *a)
{
    const struct stm_expr *e = a->value;
    bool call = e->kind == STM_X_CALL && e->ref == STM_R_NONE;
    struct stm_expr word = {.kind = STM_X_NAME, .name = e->name};
    add(k, f, a, STM_FORCE_SET, a->target, call ? &word : e);
    for (unsigned i = 0; call && i < e->n; i++)
        add(k, f, a, STM_FORCE_SET, pr_printf(k->c, "%s.%s.%s", a->target, e->name, e->keys[i]),
            e->kids[i]);
}

static void release(struct force *f, const char *target)
{
    struct stm_in_force *list = f->list.p;
    const struct stm_action **actions = f->actions.p;
    unsigned kept = 0;
    for (unsigned i = 0; i < f->list.n; i++) {
        bool lasting = list[i].kind != STM_FORCE_SET && list[i].kind != STM_FORCE_ONCE;
        if (lasting && strcmp(list[i].key, target) == 0) continue;
        list[kept] = list[i];
        actions[kept++] = actions[i];
    }
    f->list.n = f->actions.n = kept;
}

static void add_action(struct check *k, struct force *f, const struct stm_action *a)
{
    switch (a->verb) {
    case STM_V_SET: add_setting(k, f, a); break;
    case STM_V_HOLD:
        add(k, f, a, a->op == STM_OP_LE ? STM_FORCE_HOLD_LE : STM_FORCE_HOLD, a->target, a->value);
        break;
    case STM_V_FREEZE: add(k, f, a, STM_FORCE_FREEZE, a->target, NULL); break;
    case STM_V_ONCE: add(k, f, a, STM_FORCE_ONCE, a->target, NULL); break;
    case STM_V_RELEASE: release(f, a->target); break;
    }
}

static void add_base(struct check *k, struct force *f, const struct stm_node *run)
{
    for (unsigned i = 0; i < run->n_base; i++) {
        const struct stm_assign *a = &run->base[i];
        struct stm_expr e = {.kind = a->is_num ? STM_X_NUM : STM_X_NAME};
        e.num = a->num;
        e.name = a->sym;
        add(k, f, NULL, STM_FORCE_SET, a->key, &e);
    }
}

/* ---- what the judge says ---- */

/* Where a setting of the run is written: in its task, its model or its train block. */
static struct stm_span base_place(struct check *k, const struct ast_stmt *run, const char *key)
{
    size_t n = strcspn(key, ".");
    bool task = !strncmp(key, "task", n), model = !strncmp(key, "model", n);
    const struct ast_stmt *s = pr_symbol(k, run->words[task ? 0 : model ? 1 : 2].text)->stmt;
    const struct stm_expr *call = task || model ? s->expr : NULL;
    for (unsigned i = 0; call && call->kind == STM_X_CALL && key[n] && i < call->n; i++)
        if (call->keys[i] && strcmp(call->keys[i], key + n + 1) == 0) return call->kids[i]->span;
    for (unsigned i = 0; s->block && i < s->block->n; i++) {
        struct word name = s->block->stmts[i]->name;
        if (strncmp(name.text, key, strlen(name.text)) == 0) return name.span;
    }
    return call ? call->span : s->name.span;
}

static void report(struct timeline *t, const struct ast_stmt *run, const struct force *f,
                   const struct stm_fault *fault, double step)
{
    struct check *k = t->k;
    const struct stm_node *n = pr_node(k, t->nodes[t->depth]);
    const struct stm_in_force *list = f->list.p;
    const struct stm_action *a =
        fault->at < f->list.n ? ((const struct stm_action **)f->actions.p)[fault->at] : NULL;
    struct stm_span at = a                       ? a->span
                         : fault->at < f->list.n ? base_place(k, run, list[fault->at].key)
                                                 : n->span;
    struct stm_diag *d = pr_diag(k->c, "E0305", at, "%s `%s` cannot be trained: %s",
                                 n->fork < 0 ? "run" : "arm", n->label, fault->msg);
    if (t->moments.n == 0 && step > t->begin[t->depth])
        pr_note(k->c, d, "so it is from step %s on", pr_number_text(k->c, step));
    if (at.line != n->span.line || at.file != n->span.file)
        pr_note_at(k->c, d, n->span, "the %s", n->fork < 0 ? "run" : "arm");
    t->refused = true;
}

/* What is in force in the transition after `step`, unless it was looked at before. */
static void judge_step(struct timeline *t, const struct ast_stmt *run, double step)
{
    struct check *k = t->k;
    const struct item *items = t->items.p;
    char *key = pr_alloc(k->c, t->items.n + 1);
    for (unsigned i = 0; i < t->items.n; i++) {
        const struct item *x = &items[i];
        bool once = x->action->verb == STM_V_ONCE;
        bool on = once ? x->depth == t->depth : x->lo <= step && step < x->hi;
        key[i] = on ? '1' : '0';
    }
    key[t->items.n] = 0;
    if (t->refused || pr_map_get(&t->seen, key) >= 0) return;
    pr_map_put(k->c, &t->seen, key, 1);
    struct force f = {0};
    struct stm_fault fault;
    add_base(k, &f, pr_node(k, t->nodes[0]));
    for (unsigned i = 0; i < t->items.n; i++)
        if (key[i] == '1') add_action(k, &f, items[i].action);
    int rc = k->voc->judge(f.list.p, f.list.n, &fault);
    if (rc == STM_E_NOMEM) pr_nomem(k->c);
    if (rc) report(t, run, &f, &fault, step);
}

/* ---- all combinations of one node ---- */

/* The least number of the stop rule of one of the lineage. */
static double stop_bound(const struct timeline *t, unsigned depth)
{
    const struct stm_node *n = pr_node(t->k, t->nodes[depth]);
    double bound = INFINITY;
    for (unsigned i = 0; n->stop && i < n->stop->n; i++) {
        const struct stm_time *at = &n->stop->alternatives[i];
        double step = at->event < 0 ? pr_time_step(at, t->begin[depth]) : INFINITY;
        if (step < bound) bound = step;
    }
    return bound;
}

/* The steps of the run or arm are before this one, as far as it is known: a run that has forks ends
 * at the last of them. */
static double bound_of(const struct timeline *t)
{
    const struct stm_node *n = pr_node(t->k, t->nodes[t->depth]);
    double bound = stop_bound(t, t->depth), last = 0;
    if (n->fork >= 0 || !n->n_forks) return bound;
    for (unsigned i = 0; i < n->n_forks; i++) {
        double step = pr_fork_step(t->k, n->forks[i]);
        if (step < 0) return bound;
        if (step > last) last = step;
    }
    return last < bound ? last : bound;
}

/* Where each of the lineage begins; false when the arm is not reached. */
static bool place_all(struct timeline *t)
{
    for (unsigned i = 0; i <= t->depth; i++) {
        const struct stm_node *n = pr_node(t->k, t->nodes[i]);
        t->begin[i] = n->fork < 0 ? 0 : step_of(t, &pr_fork(t->k, n->fork)->at, t->begin[i - 1]);
        if (i && (t->begin[i] < t->begin[i - 1] || t->begin[i] > stop_bound(t, i - 1)))
            return false;
        if (!isfinite(t->begin[i])) return false;
    }
    for (unsigned i = 0; i < t->items.n; i++) place(t, (struct item *)t->items.p + i);
    return true;
}

static void judge_case(struct timeline *t, const struct ast_stmt *run)
{
    if (!place_all(t)) return;
    double begin = t->begin[t->depth], bound = bound_of(t);
    const struct item *items = t->items.p;
    judge_step(t, run, begin);
    for (unsigned i = 0; i < t->items.n; i++) {
        if (items[i].lo > begin && items[i].lo < bound) judge_step(t, run, items[i].lo);
        if (items[i].hi > begin && items[i].hi < bound) judge_step(t, run, items[i].hi);
    }
}

/* Every order of the moments, as steps around those that the file names, or never. */
static void judge_cases(struct timeline *t, const struct ast_stmt *run)
{
    struct moment *m = t->moments.p;
    const double *steps = t->steps.p;
    double cases = pow(t->steps.n + 1.0, t->moments.n);
    if (cases > MAX_CASES) return; /* found when it runs */
    for (unsigned long i = 0; i < (unsigned long)cases && !t->refused; i++) {
        unsigned long rest = i;
        for (unsigned j = 0; j < t->moments.n; j++, rest /= t->steps.n + 1) {
            unsigned long at = rest % (t->steps.n + 1);
            m[j].step = at < t->steps.n ? steps[at] : INFINITY;
        }
        judge_case(t, run);
    }
}

/* Whether the node was refused, or one that it descends from. */
static bool judge_node(struct check *k, const struct ast_stmt *run, int node)
{
    unsigned depth = 0;
    for (int n = node; pr_node(k, n)->fork >= 0; n = pr_fork(k, pr_node(k, n)->fork)->node) depth++;
    int *nodes = pr_alloc(k->c, (depth + 1) * sizeof *nodes);
    for (unsigned i = depth + 1; i-- > 0;) {
        nodes[i] = node;
        if (i) node = pr_fork(k, pr_node(k, node)->fork)->node;
    }
    struct timeline t = {.k = k, .nodes = nodes, .depth = depth};
    t.begin = pr_alloc(k->c, (depth + 1) * sizeof *t.begin);
    for (unsigned i = 0; i <= depth; i++) note_node(&t, i);
    judge_cases(&t, run);
    return t.refused;
}

static void judge_tree(struct check *k, const struct ast_stmt *run, int node)
{
    const struct stm_node *n = pr_node(k, node);
    if (n->off || pr_broken(k, node) || judge_node(k, run, node)) return;
    for (unsigned i = 0; i < n->n_forks; i++) {
        const struct stm_fork *f = pr_fork(k, n->forks[i]);
        for (unsigned j = 0; j < f->n_nodes; j++) judge_tree(k, run, f->nodes[j]);
    }
}

void pr_judge_run(struct check *k, const struct ast_stmt *run, int node)
{
    if (k->voc->judge) judge_tree(k, run, node);
}
