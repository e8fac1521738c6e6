/* Runs, forks and arms: the tree, with sweeps expanded into instances. */

#include "protocol/check.h"

struct stm_node *pr_node(const struct check *k, int i) { return (struct stm_node *)k->nodes.p + i; }
struct stm_fork *pr_fork(const struct check *k, int i) { return (struct stm_fork *)k->forks.p + i; }

bool pr_broken(const struct check *k, int node) { return ((bool *)k->broken.p)[node]; }

static void push_int(struct check *k, struct vec *v, int x)
{
    *(int *)pr_push(k->c, v, sizeof x) = x;
}

/* ---- parts of blocks ---- */

static const struct ast_stmt *only(struct check *k, const struct ast_block *b, enum stmt_kind kind)
{
    const struct ast_stmt *found = NULL;
    for (unsigned i = 0; i < b->n; i++) {
        if (b->stmts[i]->kind != kind) continue;
        if (found) {
            struct stm_diag *d = pr_diag(k->c, "E0202", b->stmts[i]->span,
                                         "`%s` is given twice in this block", pr_stmt_word(kind));
            pr_note_at(k->c, d, found->span, "first here");
        } else {
            found = b->stmts[i];
        }
    }
    return found;
}

/* `least` is the earliest step at which what stops can begin. */
static bool stop_after(struct check *k, const struct stm_time *t, double fork_step, double least)
{
    double step = pr_time_step(t, fork_step);
    if (step < 0 || step > least) return true;
    struct stm_diag *d =
        pr_diag(k->c, "E0407", t->span, "the stop at step %s is not after step %s, where it begins",
                pr_number_text(k->c, step), pr_number_text(k->c, least));
    if (fork_step < 0) pr_label(k->c, d, "it begins there or later");
    return false;
}

/* The block's own stop, or the one it inherits. */
static const struct stm_stop *stop_of(struct check *k, const struct ast_block *b,
                                      const struct stm_stop *inherited, int fork)
{
    const struct ast_stmt *s = only(k, b, S_STOP);
    if (!s) return inherited;
    struct stm_stop *stop = pr_alloc(k->c, sizeof *stop);
    struct stm_time *times = pr_alloc(k->c, s->n_times * sizeof *times);
    double step = pr_fork_step(k, fork), least = pr_fork_least(k, fork);
    for (unsigned i = 0; i < s->n_times; i++)
        if (pr_time(k, &s->times[i], true, &times[stop->n]) &&
            stop_after(k, &times[stop->n], step, least))
            stop->n++;
    stop->alternatives = times;
    stop->span = s->span;
    if (stop->n < s->n_times) stop->n = 0; /* in error: bounds say nothing about it */
    return stop;
}

static void add_require(struct check *k, const struct ast_stmt *s, struct vec *out)
{
    struct stm_require r = {.span = s->span};
    char q = s->quantifier.text[1]; /* aLl, nO, aNy */
    r.quantifier = q == 'l' ? STM_Q_ALL : q == 'o' ? STM_Q_NO : STM_Q_ANY;
    k->use = USE_MEASURE;
    r.expr = pr_resolve(k, s->expr);
    if (!r.expr) return;
    struct ty t = pr_type(k, r.expr);
    bool event = r.expr->kind == STM_X_NAME && r.expr->ref == STM_R_EVENT;
    if (t.base == TY_BAD) return;
    if (!event && !t.truth) {
        pr_diag(k->c, "E0301", s->expr->span, "`require` takes an event or a comparison");
        return;
    }
    *(struct stm_require *)pr_push(k->c, out, sizeof r) = r;
}

void pr_capture(struct check *k, const struct ast_stmt *s, int fork, int node)
{
    k->use = USE_MEASURE;
    struct stm_expr *e = pr_resolve(k, s->expr);
    struct ty t = e ? pr_type(k, e) : pr_bad();
    if (t.base != TY_BAD && (t.truth || e->ref == STM_R_EVENT ||
                             (t.base != TY_CURVE && t.base != TY_SEED && t.base != TY_NUM))) {
        pr_diag(k->c, "E0301", s->expr->span, "a capture is a number measured at the fork");
        t = pr_bad();
    }
    struct stm_capture *c = pr_push(k->c, &k->captures, sizeof *c);
    *c = (struct stm_capture){.name = s->name.text, .expr = e, .fork = fork, .node = node};
    struct symbol *sym = pr_define(k, s, s->name, STM_R_CAPTURE, (int)k->captures.n - 1);
    if (sym) sym->bad = t.base == TY_BAD;
}

static bool need_is_met(struct check *k, const struct ast_stmt *s)
{
    if (s->lo == -1) return true;
    double seeds = k->plan->seed_hi - k->plan->seed_lo + 1;
    if (s->lo >= 1 && s->lo <= seeds) return true;
    pr_diag(k->c, "E0301", s->span, "`need %s seeds`, and the file has %s",
            pr_number_text(k->c, s->lo), pr_number_text(k->c, seeds));
    return false;
}

static void calibrate(struct check *k, const struct ast_stmt *s, int fork)
{
    bool ok = true;
    pr_feature(k, STM_F_CALIBRATE, s->span, "`calibrate` is", &ok);
    if (ok && !s->has_need) {
        struct stm_diag *d =
            pr_diag(k->c, "E0503", s->span, "`calibrate %s` does not say how many seeds it needs",
                    s->name.text);
        pr_help(k->c, d, "end it with `need all seeds` or `need N seeds`");
        ok = false;
    }
    if (ok) ok = need_is_met(k, s);
    k->use = USE_CALIBRATE;
    struct stm_expr *e = ok ? pr_resolve(k, s->expr) : NULL;
    if (!e || !pr_want_one(k, e, "a calibrated value", false)) {
        ok = false;
    } else if (pr_type(k, e).open) {
        struct stm_diag *d =
            pr_diag(k->c, "E0402", s->expr->span, "a calibration says which arm it reads");
        pr_help(k->c, d, "write `median(arm.metric @ stop)`");
        ok = false;
    }
    struct stm_calibrate *c = pr_push(k->c, &k->calibrates, sizeof *c);
    *c = (struct stm_calibrate){s->name.text, e, fork, (int)s->lo};
    struct symbol *sym = pr_define(k, s, s->name, STM_R_CALIBRATE, (int)k->calibrates.n - 1);
    if (sym) sym->bad = !ok;
}

void pr_let(struct check *k, const struct ast_stmt *s, int fork)
{
    struct symbol *old = pr_symbol(k, s->name.text);
    if (old && old->stmt == s) return; /* another instance of the fork: the macro is the same */
    k->use = USE_CLAIM;
    struct stm_expr *e = pr_resolve(k, s->expr);
    struct ty t = e ? pr_type(k, e) : pr_bad();
    struct stm_let *let = pr_push(k->c, &k->lets, sizeof *let);
    *let = (struct stm_let){s->name.text, e, fork};
    struct symbol *sym = pr_define(k, s, s->name, STM_R_LET, (int)k->lets.n - 1);
    if (!sym) return;
    sym->bad = t.base == TY_BAD;
    sym->type = t;
    if (e && e->kind == STM_X_NUM) sym->value = e;
}

/* ---- the tree ---- */

static void read_fork(struct check *k, const struct ast_stmt *s, int node, struct vec *forks,
                      const struct stm_stop *stop);

static void family_add(struct check *k, int family, int node)
{
    push_int(k, (struct vec *)k->family_nodes.p + family, node);
}

static int family_new(struct check *k, const char *name)
{
    struct stm_family *f = pr_push(k->c, &k->families, sizeof *f);
    f->name = name;
    pr_push(k->c, &k->family_nodes, sizeof(struct vec));
    return (int)k->families.n - 1;
}

/* The block of a run or of one instance of an arm. */
static void read_node(struct check *k, const struct ast_stmt *s, int node,
                      const struct stm_stop *inherited)
{
    int before = k->node;
    struct vec actions = {0}, requires = {0}, forks = {0};
    k->node = node;
    if (s->block->n > PR_MAX_STATEMENTS) {
        pr_diag(k->c, "E0106", s->span, "more than %d statements in one arm", PR_MAX_STATEMENTS);
        k->node = before;
        return;
    }
    const struct stm_stop *stop = stop_of(k, s->block, inherited, pr_node(k, node)->fork);
    pr_node(k, node)->stop = stop;
    for (unsigned i = 0; i < s->block->n; i++) {
        const struct ast_stmt *b = s->block->stmts[i];
        struct stm_action a;
        if (b->kind == S_REQUIRE)
            add_require(k, b, &requires);
        else if (b->kind == S_CAPTURE)
            pr_capture(k, b, -1, node);
        else if (b->kind >= S_SET && b->kind <= S_RELEASE) {
            if (pr_action(k, b, &a))
                *(struct stm_action *)pr_push(k->c, &actions, sizeof a) = a;
            else
                ((bool *)k->broken.p)[node] = true;
        }
        pr_node(k, node)->actions = actions.p;
        pr_node(k, node)->n_actions = actions.n;
    }
    pr_check_node_actions(k, node);
    for (unsigned i = 0; i < s->block->n; i++)
        if (s->block->stmts[i]->kind == S_FORK)
            read_fork(k, s->block->stmts[i], node, &forks, stop);
    struct stm_node *n = pr_node(k, node);
    n->requires = requires.p;
    n->n_requires = requires.n;
    n->forks = forks.p;
    n->n_forks = forks.n;
    k->node = before;
}

static bool too_many(struct check *k, struct stm_span at)
{
    if (k->nodes.n < PR_MAX_NODES) return false;
    pr_diag(k->c, "E0106", at, "more than %d arms after sweeps", PR_MAX_NODES);
    return true;
}

static int node_new(struct check *k, const struct ast_stmt *s, int fork, int family)
{
    struct stm_node *n = pr_push(k->c, &k->nodes, sizeof *n);
    *n = (struct stm_node){.name = s->name.text,
                           .label = s->name.text,
                           .path = s->name.text,
                           .family = family,
                           .fork = fork,
                           .off = s->off,
                           .span = s->name.span};
    int node = (int)k->nodes.n - 1;
    *(bool *)pr_push(k->c, &k->broken, sizeof(bool)) = false;
    n->run = fork < 0 ? node : pr_node(k, pr_fork(k, fork)->node)->run;
    if (fork >= 0) n->off |= pr_node(k, pr_fork(k, fork)->node)->off;
    family_add(k, family, node);
    return node;
}

static void read_arm(struct check *k, const struct ast_stmt *s, int fork, struct vec *nodes,
                     const struct stm_stop *stop)
{
    struct sweep sweep;
    struct symbol *sym = pr_symbol(k, s->name.text);
    int family = sym && sym->stmt == s ? sym->index : family_new(k, s->name.text);
    if (s->chain) {
        pr_diag(k->c, "E0900", s->sweep_span, "`chain` is not in this version");
        if ((sym = pr_define(k, s, s->name, STM_R_FAMILY, family))) sym->bad = true;
        return;
    }
    bool ok = pr_sweep_begin(k, s, &sweep);
    sym = pr_define(k, s, s->name, STM_R_FAMILY, family);
    if (sym && !ok) sym->bad = true;
    if (!ok || !sym) return;
    int id = (int)(sym - (struct symbol *)k->syms.p);
    sym->open = true;
    unsigned scope = k->binds.n;
    do {
        if (too_many(k, s->span)) break;
        struct stm_bind *binds = pr_sweep_binds(k, &sweep);
        pr_push_binds(k, binds, sweep.n_binds);
        int node = node_new(k, s, fork, family);
        struct stm_node *n = pr_node(k, node);
        n->binds = binds;
        n->n_binds = sweep.n_binds;
        n->label = pr_label_of(k, n->name, binds, sweep.n_binds);
        n->path = pr_printf(k->c, "%s/%s", pr_fork(k, fork)->path, n->label);
        push_int(k, nodes, node);
        read_node(k, s, node, stop);
        k->binds.n = scope;
    } while (pr_sweep_next(&sweep));
    ((struct symbol *)k->syms.p)[id].open = false;
}

/* The earliest alternative of a stop that is a number known now, or NULL. */
static const struct stm_time *stop_number(const struct stm_stop *stop, double begin, double *step)
{
    const struct stm_time *found = NULL;
    for (unsigned i = 0; stop && i < stop->n; i++) {
        double x =
            stop->alternatives[i].event < 0 ? pr_time_step(&stop->alternatives[i], begin) : -1;
        if (x < 0 || (found && x >= *step)) continue;
        found = &stop->alternatives[i];
        *step = x;
    }
    return found;
}

/* Not before what it leaves begins, nor after that has stopped. */
static bool fork_comes(struct check *k, const struct stm_node *n, const struct stm_time *at)
{
    double begin = pr_fork_step(k, n->fork), step = pr_time_step(at, begin), end = 0;
    if (step >= 0 && begin >= 0 && step < begin) {
        pr_diag(k->c, "E0407", at->span, "the fork at step %s is before step %s, where `%s` begins",
                pr_number_text(k->c, step), pr_number_text(k->c, begin), n->name);
        return false;
    }
    double least = pr_time_least(at, pr_fork_least(k, n->fork));
    const struct stm_time *stop = stop_number(n->stop, begin, &end);
    if (!stop || least <= end) return true;
    struct stm_diag *d =
        pr_diag(k->c, "E0407", at->span, "`%s` stops at step %s and never comes to step %s",
                n->label, pr_number_text(k->c, end), pr_number_text(k->c, least));
    pr_note_at(k->c, d, stop->span, "the stop");
    return false;
}

static bool fork_time(struct check *k, const struct ast_stmt *s, int node, struct stm_time *at)
{
    bool ok = pr_time(k, s->times, false, at);
    if (ok && at->event >= 0)
        pr_feature(k, STM_F_EVENT_FORK, at->span, "a fork at an event is", &ok);
    return ok && fork_comes(k, pr_node(k, node), at);
}

static void read_fork_block(struct check *k, const struct ast_stmt *s, int fork,
                            const struct stm_stop *stop)
{
    struct vec requires = {0}, nodes = {0};
    int fork_before = k->fork, node_before = k->node;
    k->fork = fork;
    k->node = -1;
    stop = stop_of(k, s->block, stop, fork);
    const struct ast_stmt *need = only(k, s->block, S_NEED);
    if (need && need_is_met(k, need)) pr_fork(k, fork)->need = (int)need->lo;
    for (unsigned i = 0; i < s->block->n; i++) {
        const struct ast_stmt *b = s->block->stmts[i];
        if (b->kind == S_REQUIRE)
            add_require(k, b, &requires);
        else if (b->kind == S_CAPTURE)
            pr_capture(k, b, fork, -1);
        else if (b->kind == S_CALIBRATE)
            calibrate(k, b, fork);
        else if (b->kind == S_LET)
            pr_let(k, b, fork);
        else if (b->kind == S_ARM)
            read_arm(k, b, fork, &nodes, stop);
        pr_fork(k, fork)->nodes = nodes.p;
        pr_fork(k, fork)->n_nodes = nodes.n;
    }
    pr_fork(k, fork)->requires = requires.p;
    pr_fork(k, fork)->n_requires = requires.n;
    k->fork = fork_before;
    k->node = node_before;
    pr_check_twins(k, fork);
}

static void read_fork(struct check *k, const struct ast_stmt *s, int node, struct vec *forks,
                      const struct stm_stop *stop)
{
    bool ok = true;
    struct sweep sweep;
    if (pr_node(k, node)->fork >= 0)
        pr_feature(k, STM_F_NESTED, s->span, "a fork inside an arm is", &ok);
    if (!pr_sweep_begin(k, s, &sweep)) ok = false;
    unsigned scope = k->binds.n;
    do {
        if (!ok || too_many(k, s->span)) return;
        struct stm_bind *binds = pr_sweep_binds(k, &sweep);
        pr_push_binds(k, binds, sweep.n_binds);
        struct stm_fork *f = pr_push(k->c, &k->forks, sizeof *f);
        *f = (struct stm_fork){.name = s->name.text,
                               .node = node,
                               .binds = binds,
                               .n_binds = sweep.n_binds,
                               .span = s->name.span};
        f->path = pr_printf(k->c, "%s/%s", pr_node(k, node)->path,
                            pr_label_of(k, f->name, binds, sweep.n_binds));
        int fork = (int)k->forks.n - 1;
        if (fork_time(k, s, node, &f->at) && pr_define(k, s, s->name, STM_R_FORK, fork)) {
            push_int(k, forks, fork);
            read_fork_block(k, s, fork, stop);
        } else {
            k->forks.n--; /* nothing refers to it */
            ok = false;
        }
        k->binds.n = scope;
    } while (pr_sweep_next(&sweep));
}

void pr_check_run(struct check *k, const struct ast_stmt *s)
{
    bool ok = true;
    if (k->nodes.n)
        pr_feature(k, STM_F_MULTI_RUN, s->span, "more than one `run` in a file is", &ok);
    if (!k->has_seeds)
        pr_diag(k->c, "E0107", s->span, "a file with a run needs a line `seeds FIRST..LAST`");
    if (!ok) return;
    struct stm_node base = {0};
    bool whole = pr_base_settings(k, s, &base);
    int family = family_new(k, s->name.text);
    struct symbol *sym = pr_define(k, s, s->name, STM_R_FAMILY, family);
    if (!sym) return;
    int id = (int)(sym - (struct symbol *)k->syms.p);
    sym->open = true;
    int node = node_new(k, s, -1, family);
    pr_node(k, node)->base = base.base;
    pr_node(k, node)->n_base = base.n_base;
    read_node(k, s, node, NULL);
    ((struct symbol *)k->syms.p)[id].open = false;
    if (whole) pr_judge_run(k, s, node);
    if (!k->c->errors) pr_check_bounds(k, node);
}
