/* What is in force in an arm: inherited and own interventions, and their conflicts. */
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

/* The parent arm of a node, or -1. */
static int parent(struct check *k, int node)
{
    int fork = pr_node(k, node)->fork;
    return fork < 0 ? -1 : pr_fork(k, fork)->node;
}

static bool lasting(const struct stm_action *a)
{
    return a->verb == STM_V_HOLD || a->verb == STM_V_FREEZE;
}

static bool apply(struct check *k, struct vec *force, const struct stm_action *a)
{
    if (a->verb != STM_V_RELEASE) {
        *(const struct stm_action **)pr_push(k->c, force, sizeof a) = a;
        return true;
    }
    const struct stm_action **list = force->p;
    unsigned kept = 0;
    for (unsigned i = 0; i < force->n; i++)
        if (!lasting(list[i]) || strcmp(list[i]->target, a->target) != 0) list[kept++] = list[i];
    bool released = kept < force->n;
    force->n = kept;
    return released;
}

/* Actions in force (const struct stm_action *), those of `node` itself only when `own`. Edits made
 * once by an ancestor are in the state, not in force. */
static void in_force(struct check *k, int node, bool own, struct vec *out)
{
    int up = parent(k, node);
    if (up >= 0) in_force(k, up, true, out);
    if (up >= 0) {
        const struct stm_action **list = out->p;
        unsigned kept = 0;
        for (unsigned i = 0; i < out->n; i++)
            if (list[i]->verb != STM_V_ONCE) list[kept++] = list[i];
        out->n = kept;
    }
    const struct stm_node *n = pr_node(k, node);
    for (unsigned i = 0; own && i < n->n_actions; i++) apply(k, out, &n->actions[i]);
}

/* ---- conflicts ---- */

/* Of "norm(weights)" that of "norm". */
static size_t quantity_len(const char *target) { return strcspn(target, "("); }

/* "weights" of a freeze or of norm(weights), "E" of norm(rows(E)), "E,W1" of share(E,W1), or NULL.
 */
static const char *only_group(struct check *k, const struct stm_action *a)
{
    if (a->verb == STM_V_FREEZE) return a->target;
    size_t n = quantity_len(a->target), rows = strlen("rows(");
    if (!a->target[n]) return NULL;
    const char *group = a->target + n + 1;
    if (strncmp(group, "rows(", rows) == 0)
        return pr_strndup(k->c, group + rows, strlen(group) - rows - 2);
    return pr_strndup(k->c, group, strlen(group) - 1);
}

static bool is_share(const struct stm_action *a) { return strchr(a->target, ',') != NULL; }

static bool share_holds_group(struct check *k, const struct stm_action *share, const char *group)
{
    char *list = (char *)(uintptr_t)only_group(k, share);
    for (char *g = list; g;) {
        char *comma = strchr(g, ',');
        if (comma) *comma = 0;
        if (strcmp(g, group) == 0) return true;
        g = comma ? comma + 1 : NULL;
    }
    return false;
}

static bool overlap(struct check *k, const struct stm_action *a, const struct stm_action *b)
{
    if (strcmp(a->target, b->target) == 0) return true;
    if (is_share(a) && is_share(b)) return true;
    const char *ga = only_group(k, a), *gb = only_group(k, b);
    if (!ga || !gb) return false;
    if (is_share(a)) return share_holds_group(k, a, gb); /* a total and a share go together */
    if (is_share(b)) return share_holds_group(k, b, ga);
    return pr_groups_overlap(k, ga, gb);
}

static bool windows_meet(const struct stm_action *a, const struct stm_action *b, double base)
{
    double af = a->from ? pr_time_step(a->from, base) : 0,
           bf = b->from ? pr_time_step(b->from, base) : 0;
    double au = a->until ? pr_time_step(a->until, base) : -1;
    double bu = b->until ? pr_time_step(b->until, base) : -1;
    if (au >= 0 && bf >= 0 && au <= bf) return false;
    return !(bu >= 0 && af >= 0 && bu <= af);
}

/* lr.E and lr.weights */
static bool same_part(struct check *k, const char *a, const char *b)
{
    if (strcmp(a, b) == 0) return true;
    const char *ga, *gb;
    const struct stm_param *p = pr_group_knob(k, a, &ga);
    return p && p == pr_group_knob(k, b, &gb) && pr_groups_overlap(k, ga, gb);
}

static bool conflict(struct check *k, const struct stm_action *a, const struct stm_action *b,
                     double base)
{
    if (!windows_meet(a, b, base)) return false;
    if (lasting(a) && lasting(b)) return overlap(k, a, b);
    return a->verb == STM_V_SET && b->verb == STM_V_SET && same_part(k, a->target, b->target);
}

const struct stm_assign *pr_base(const struct check *k, int node, const char *key)
{
    const struct stm_node *run = pr_node(k, pr_node(k, node)->run);
    for (unsigned i = 0; i < run->n_base; i++)
        if (strcmp(run->base[i].key, key) == 0) return &run->base[i];
    return NULL;
}

/* f64 is wider than f32: the number in the name. */
static int width(const char *sym) { return sym ? atoi(sym + strcspn(sym, "0123456789")) : 0; }

static void check_precision(struct check *k, int node, const struct vec *before,
                            const struct stm_action *a)
{
    if (a->verb != STM_V_SET || strncmp(a->target, "precision", 9) != 0 || a->round_nearest ||
        !a->value || a->value->kind != STM_X_NAME)
        return;
    const struct stm_assign *base = pr_base(k, node, a->target);
    if (!base) base = pr_base(k, node, "precision");
    const char *now = base ? base->sym : NULL;
    for (unsigned i = 0; i < before->n; i++) {
        const struct stm_action *b = ((const struct stm_action **)before->p)[i];
        bool same = b->verb == STM_V_SET &&
                    (!strcmp(b->target, a->target) || !strcmp(b->target, "precision"));
        if (same && b->value->kind == STM_X_NAME) now = b->value->name;
    }
    bool state = !strcmp(a->target, "precision") || !strcmp(a->target, "precision.params") ||
                 !strcmp(a->target, "precision.optimizer");
    if (!state || width(now) <= width(a->value->name)) return;
    struct stm_diag *d =
        pr_diag(k->c, "E0601", a->value->span, "going from %s to %s loses bits of the state", now,
                a->value->name);
    pr_help(k->c, d, "say how: `set %s = %s round nearest`", a->target, a->value->name);
}

void pr_check_node_actions(struct check *k, int node)
{
    struct vec force = {0};
    in_force(k, node, false, &force);
    const struct stm_node *n = pr_node(k, node);
    unsigned inherited = force.n;
    double base = pr_fork_step(k, n->fork);
    for (unsigned i = 0; i < n->n_actions; i++) {
        const struct stm_action *a = &n->actions[i];
        check_precision(k, node, &force, a);
        for (unsigned j = 0; j < force.n; j++) {
            const struct stm_action *b = ((const struct stm_action **)force.p)[j];
            if (j < inherited && a->verb == STM_V_SET)
                continue; /* a set replaces an inherited one */
            if (!conflict(k, a, b, base)) continue;
            ((bool *)k->broken.p)[node] = true;
            struct stm_diag *d =
                lasting(a)
                    ? pr_diag(k->c, "E0403", a->span, "`%s` is held or frozen already", a->target)
                    : pr_diag(k->c, "E0202", a->span, "`%s` is set twice", a->target);
            pr_note_at(k->c, d, b->span, "by this");
            if (lasting(a) && j < inherited)
                pr_help(k->c, d, "end the inherited one first: `release %s`", b->target);
            break;
        }
        if (!apply(k, &force, a)) {
            inherited = 0;
            struct stm_diag *d = pr_diag(k->c, "E0201", a->span,
                                         "there is nothing to release: `%s` is not held or frozen "
                                         "here",
                                         a->target);
            pr_label(k->c, d, "ends no hold");
        }
        if (a->verb == STM_V_RELEASE && inherited > force.n) inherited = force.n;
    }
}

/* ---- effects ---- */

static void put_value(struct check *k, struct stm_buf *b, const struct stm_action *a)
{
    static const char *const ops[] = {"", "<= ", "*= ", "+= "};
    stm_buf_printf(b, "%s", ops[a->op]);
    if (a->value)
        stm_expr_print(a->value, b);
    else
        stm_buf_printf(b, "frozen");
    if (a->round_nearest) stm_buf_printf(b, " round nearest");
    if (a->from) {
        stm_buf_printf(b, " from ");
        pr_put_time(b, a->from, k);
    }
    if (a->until) {
        stm_buf_printf(b, " until ");
        pr_put_time(b, a->until, k);
    }
}

static const char *effect_key(struct check *k, const struct stm_action *a)
{
    static const char *const verbs[] = {"set", "hold", "once", "freeze", "release"};
    return pr_printf(k->c, "%s %s", verbs[a->verb], a->target);
}

static struct effect *find_effect(const struct vec *v, const char *key)
{
    for (unsigned i = 0; i < v->n; i++) {
        struct effect *e = (struct effect *)v->p + i;
        if (strcmp(e->key, key) == 0) return e;
    }
    return NULL;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct effect *)a)->key, ((const struct effect *)b)->key);
}

/* "precision" of "precision.loss", or NULL. */
static const char *whole_of(struct check *k, const char *key)
{
    const char *dot = strchr(key, '.');
    return dot ? pr_strndup(k->c, key, (size_t)(dot - key)) : NULL;
}

/* "1e-3", "full", "ema(beta = 0.98, lambda = 2)" */
static const char *assign_text(struct check *k, int node, const struct stm_assign *a)
{
    if (a->is_num) return pr_number_text(k->c, a->num);
    const struct stm_node *run = pr_node(k, pr_node(k, node)->run);
    size_t n = strlen(a->key), w = strlen(a->sym), mark = k->c->scratch.n, args = 0;
    const struct stm_param *knob = pr_knob(k, a->key);
    if (!knob || !pr_takes_arguments(k, knob, a->sym)) return a->sym;
    stm_buf_printf(&k->c->scratch, "%s(", a->sym);
    for (unsigned i = 0; i < run->n_base; i++) {
        const struct stm_assign *b = &run->base[i];
        if (strncmp(b->key, a->key, n) != 0 || b->key[n] != '.' ||
            strncmp(b->key + n + 1, a->sym, w) != 0 || b->key[n + 1 + w] != '.')
            continue;
        stm_buf_printf(&k->c->scratch, "%s%s = ", args++ ? ", " : "", b->key + n + w + 2);
        if (b->is_num)
            stm_buf_number(&k->c->scratch, b->num);
        else
            stm_buf_printf(&k->c->scratch, "%s", b->sym);
    }
    stm_buf_printf(&k->c->scratch, ")");
    return pr_scratch_take(k->c, mark);
}

const char *pr_default_value(struct check *k, int node, const char *key)
{
    const struct stm_assign *a = pr_base(k, node, key);
    const char *whole = a ? NULL : whole_of(k, key);
    if (whole) a = pr_base(k, node, whole);
    return a ? assign_text(k, node, a) : NULL;
}

/* Whether an explicit value is what would be in force anyway. A part of a setting whose whole is
 * set too says something. */
static bool is_default(struct check *k, int node, const struct vec *effects, const struct effect *e)
{
    if (strncmp(e->key, "set ", 4) != 0) return false;
    const char *now = pr_default_value(k, node, e->key + 4);
    if (!now || strcmp(now, e->value) != 0) return false;
    const char *whole = whole_of(k, e->key);
    return !whole || !find_effect(effects, whole);
}

static void drop_defaults(struct check *k, int node, struct vec *out)
{
    struct effect *e = out->p, *all = pr_alloc(k->c, out->n * sizeof *all);
    struct vec before = {all, out->n, out->n};
    if (out->n) memcpy(all, e, out->n * sizeof *all);
    out->n = 0;
    for (unsigned i = 0; i < before.n; i++)
        if (!is_default(k, node, &before, &all[i])) e[out->n++] = all[i];
}

void pr_effects(struct check *k, int node, struct vec *out)
{
    struct vec force = {0};
    in_force(k, node, true, &force);
    for (unsigned i = 0; i < force.n; i++) {
        const struct stm_action *a = ((const struct stm_action **)force.p)[i];
        const char *key = effect_key(k, a);
        struct effect *e = find_effect(out, key);
        bool add = e && (a->verb != STM_V_SET || a->from || a->until);
        size_t mark = k->c->scratch.n;
        if (add) stm_buf_printf(&k->c->scratch, "%s; ", e->value);
        put_value(k, &k->c->scratch, a);
        const char *value = pr_scratch_take(k->c, mark);
        if (!e) {
            e = pr_push(k->c, out, sizeof *e);
            e->key = key;
        }
        e->value = value;
    }
    drop_defaults(k, node, out);
    if (out->n) qsort(out->p, out->n, sizeof(struct effect), by_key);
}

/* ---- two arms with one plan ---- */

static bool is_null_arm(const struct stm_node *n) { return n->n_actions == 0 && n->n_forks == 0; }

void pr_put_stop(struct check *k, struct stm_buf *b, const struct stm_stop *s)
{
    for (unsigned i = 0; s && i < s->n; i++) {
        if (i) stm_buf_printf(b, " or ");
        pr_put_time(b, &s->alternatives[i], k);
    }
}

/* Whether the holds in force are applied to the state of the fork: by a hold of the arm's own that
 * is in force there, or after an edit. */
static bool edits_at_fork(struct check *k, int node)
{
    const struct stm_node *n = pr_node(k, node);
    double fork = pr_fork_step(k, n->fork);
    for (unsigned i = 0; i < n->n_actions; i++) {
        const struct stm_action *a = &n->actions[i];
        double from = a->from ? pr_time_step(a->from, fork) : fork;
        bool there = !a->from || (from >= 0 && from <= fork);
        if (there && (a->verb == STM_V_ONCE || a->verb == STM_V_HOLD)) return true;
    }
    return false;
}

static void put_verb(struct check *k, struct stm_buf *b, const struct vec *force,
                     enum stm_verb verb)
{
    for (unsigned i = 0; i < force->n; i++) {
        const struct stm_action *a = ((const struct stm_action **)force->p)[i];
        if (a->verb != verb) continue;
        stm_buf_printf(b, "%s = ", effect_key(k, a));
        put_value(k, b, a);
        stm_buf_printf(b, "\n");
    }
}

/* All that decides the states of an arm and where it ends: settings by name, then edits, holds and
 * freezes in the order in which they act. */
static const char *plan_text(struct check *k, int node)
{
    struct vec effects = {0}, force = {0};
    const struct stm_node *n = pr_node(k, node);
    pr_effects(k, node, &effects);
    in_force(k, node, true, &force);
    struct stm_buf *b = &k->c->scratch;
    size_t mark = b->n;
    for (unsigned i = 0; i < effects.n; i++) {
        const struct effect *e = (struct effect *)effects.p + i;
        if (strncmp(e->key, "set ", 4) == 0) stm_buf_printf(b, "%s = %s\n", e->key, e->value);
    }
    put_verb(k, b, &force, STM_V_ONCE);
    put_verb(k, b, &force, STM_V_HOLD);
    put_verb(k, b, &force, STM_V_FREEZE);
    if (edits_at_fork(k, node)) stm_buf_printf(b, "edited\n");
    for (unsigned i = 0; i < n->n_requires; i++) {
        stm_buf_printf(b, "require %d ", (int)n->requires[i].quantifier);
        stm_expr_print(n->requires[i].expr, b);
        stm_buf_printf(b, "\n");
    }
    pr_put_stop(k, b, n->stop);
    return pr_scratch_take(k->c, mark);
}

void pr_check_twins(struct check *k, int fork)
{
    const struct stm_fork *f = pr_fork(k, fork);
    struct map plans = {0};
    for (unsigned i = 0; i < f->n_nodes; i++) {
        const struct stm_node *n = pr_node(k, f->nodes[i]);
        if (n->off || n->n_forks || is_null_arm(n) || pr_broken(k, f->nodes[i])) continue;
        const char *text = plan_text(k, f->nodes[i]);
        int twin = pr_map_get(&plans, text);
        if (twin < 0) {
            pr_map_put(k->c, &plans, text, f->nodes[i]);
            continue;
        }
        const struct stm_node *t = pr_node(k, twin);
        struct stm_diag *d =
            pr_diag(k->c, "E0408", n->span, "`%s` and `%s` have the same plan", t->label, n->label);
        if (t->span.line != n->span.line) pr_note_at(k->c, d, t->span, "the other one");
        pr_help(k->c, d, "to see whether equal arms stay equal, write an empty arm: `arm x {}`");
    }
}
