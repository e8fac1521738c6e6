/* Interventions: their targets, values and windows, and which of them may stand together. */
#include <string.h>

#include "protocol/check.h"
#include "protocol/words.h"

/* ---- targets ---- */

static const char *group_word(struct check *k, const struct stm_expr *e)
{
    const char *name = pr_dotted(k, e);
    if (e->kind == STM_X_NAME) {
        const struct stm_bind *b = pr_bind(k, e->name);
        const struct symbol *sym = pr_symbol(k, e->name);
        name = b ? b->sym : e->name;
        if (!b && sym && sym->value && sym->value->kind == STM_X_NAME) name = sym->value->name;
    }
    if (!name) {
        pr_diag(k->c, "E0302", e->span, "`%s` is not a group of parameters", pr_expr_text(k->c, e));
        return NULL;
    }
    return pr_group(k, name, e->span) ? name : NULL;
}

static const struct stm_hold_sig *hold_sig(const struct stm_vocab *v, const char *name,
                                           enum stm_arg_kind arg)
{
    for (size_t i = 0; i < v->n_holds; i++)
        if (strcmp(v->holds[i]->name, name) == 0 && v->holds[i]->arg == arg) return v->holds[i];
    return NULL;
}

static bool is_rows(const struct stm_expr *e)
{
    return e->n == 1 && e->kids[0]->kind == STM_X_CALL && strcmp(e->kids[0]->name, "rows") == 0;
}

/* The line of the vocabulary for logit_scale, norm(E), norm(rows(E)) or share(E, W1), or NULL. */
static const struct stm_hold_sig *quantity_sig(const struct stm_vocab *v, const struct stm_expr *e)
{
    if (e->kind == STM_X_NAME) return hold_sig(v, e->name, STM_A_NONE);
    if (e->kind != STM_X_CALL) return NULL;
    if (is_rows(e)) return hold_sig(v, e->name, STM_A_ROWS);
    const struct stm_hold_sig *h = hold_sig(v, e->name, STM_A_GROUPS);
    return h ? h : hold_sig(v, e->name, STM_A_GROUP);
}

static const struct stm_hold_sig *want_hold(struct check *k, const struct stm_expr *e)
{
    const struct stm_hold_sig *h = quantity_sig(k->voc, e);
    if (h) return h;
    struct stm_diag *d =
        pr_diag(k->c, "E0301", e->span, "`%s` cannot be held", pr_expr_text(k->c, e));
    pr_note_list(k->c, d, k->voc, PR_HOLDS);
    return NULL;
}

/* A group of a held quantity; NULL after a reported error. */
static const char *held_group(struct check *k, const struct stm_expr *e)
{
    const char *name = group_word(k, e);
    if (!name || !pr_group_is_bias(k, name)) return name;
    struct stm_diag *d = pr_diag(k->c, "E0302", e->span,
                                 "`%s` holds nothing but biases: its norm cannot be held", name);
    pr_help(k->c, d, "freeze it, or hold a group of weights");
    return NULL;
}

static const char *group_list(struct check *k, const struct stm_expr *e)
{
    const char **names = pr_alloc(k->c, e->n * sizeof *names), *list = NULL;
    for (unsigned i = 0; i < e->n; i++) {
        if (!(names[i] = held_group(k, e->kids[i]))) return NULL;
        for (unsigned j = 0; j < i; j++)
            if (pr_groups_overlap(k, names[j], names[i])) {
                pr_diag(k->c, "E0301", e->kids[i]->span, "`%s` and `%s` have tensors in common",
                        names[j], names[i]);
                return NULL;
            }
        list = list ? pr_printf(k->c, "%s,%s", list, names[i]) : names[i];
    }
    return list;
}

/* norm(weights), norm(rows(E)), share(E, W1, W2), logit_scale */
static const char *held_quantity(struct check *k, const struct stm_expr *e)
{
    const struct stm_hold_sig *h = want_hold(k, e);
    if (!h) return NULL;
    bool many = h->arg == STM_A_GROUPS, none = h->arg == STM_A_NONE, rows = h->arg == STM_A_ROWS;
    if (none) return h->name;
    if (rows) e = e->kids[0];
    if (many ? e->n < 2 : e->n != 1) {
        pr_diag(k->c, "E0301", e->span, "`%s` takes %s", rows ? "rows" : h->name,
                many ? "two or more groups" : "one group");
        return NULL;
    }
    const char *groups = group_list(k, e);
    if (!groups) return NULL;
    return pr_printf(k->c, rows ? "%s(rows(%s))" : "%s(%s)", h->name, groups);
}

/* `lr.g` with a swept g is the knob of its group. */
static const char *knob_name(struct check *k, const struct stm_expr *e)
{
    bool part = e->kind == STM_X_FIELD && e->kids[0]->kind == STM_X_NAME;
    const struct stm_bind *b = part ? pr_bind(k, e->name) : NULL;
    if (!b || !b->sym) return pr_expr_text(k->c, e);
    return pr_printf(k->c, "%s.%s", pr_expr_text(k->c, e->kids[0]), b->sym);
}

/* A knob `optimizer.X` is there if the optimizer of the run takes X. */
static bool optimizer_has(struct check *k, const struct stm_expr *e, const char *name)
{
    if (strncmp(name, "optimizer.", 10) != 0) return true;
    const struct stm_assign *optimizer = pr_base(k, k->node, "optimizer");
    if (!optimizer || pr_base(k, k->node, name)) return true;
    pr_diag(k->c, "E0201", e->span, "the optimizer `%s` has no argument `%s`", optimizer->sym,
            name + 10);
    return false;
}

static const char *knob_target(struct check *k, const struct stm_expr *e,
                               const struct stm_param **knob)
{
    const char *name = knob_name(k, e);
    struct near near = {.name = name};
    pr_near_knobs(k, &near);
    *knob = pr_knob(k, name);
    if (*knob && optimizer_has(k, e, name)) return name;
    if (*knob) return NULL;
    struct stm_diag *d = pr_diag(k->c, "E0201", e->span, "there is no setting `%s`", name);
    if (near.best) pr_help(k->c, d, "there is a setting with a similar name: `%s`", near.best);
    pr_note_list(k->c, d, k->voc, PR_SETTINGS);
    return NULL;
}

static const char *once_target(struct check *k, const struct stm_expr *e)
{
    if (e->kind == STM_X_NAME && strcmp(e->name, "moments") == 0) return "moments";
    if (e->kind != STM_X_CALL) return group_word(k, e);
    const struct stm_hold_sig *h = want_hold(k, e);
    if (!h) return NULL;
    if (h->arg == STM_A_GROUP) return held_quantity(k, e);
    struct stm_diag *d =
        pr_diag(k->c, "E0301", e->span, "`once` cannot edit `%s`", pr_expr_text(k->c, e));
    pr_help(k->c, d, "it edits a group, the norm of a group, or the moments");
    return NULL;
}

static const char *frozen_target(struct check *k, const struct stm_expr *e, bool release)
{
    if (release && (e->kind == STM_X_CALL || quantity_sig(k->voc, e))) return held_quantity(k, e);
    return group_word(k, e);
}

static const char *target_of(struct check *k, const struct ast_stmt *s,
                             const struct stm_param **knob)
{
    switch (s->kind) {
    case S_SET: return knob_target(k, s->target, knob);
    case S_HOLD: return held_quantity(k, s->target);
    case S_ONCE: return once_target(k, s->target);
    default: return frozen_target(k, s->target, s->kind == S_RELEASE);
    }
}

/* ---- values ---- */

static bool set_value(struct check *k, const struct stm_param *knob, const struct ast_stmt *s,
                      struct stm_action *out)
{
    const struct stm_expr *e = s->expr;
    if (pr_is_word_value(k, knob, e, &out->value))
        return out->value && pr_fits(k, knob, out->value);
    out->value = pr_resolve_as(k, e, USE_ACTION);
    if (!out->value) return false;
    struct ty t = pr_type(k, out->value);
    if (t.base == TY_BAD) return false;
    if (t.base == TY_SEED) {
        struct stm_diag *d =
            pr_diag(k->c, "E0303", e->span,
                    "`%s` is one number for all seeds, and this has one per seed", knob->name);
        pr_help(k->c, d, "make one number of it: `calibrate x = median(...) need all seeds`");
        return false;
    }
    if (t.base == TY_ACROSS && knob->kind == STM_K_NUM) return true;
    return pr_fits(k, knob, out->value);
}

static bool number_value(struct check *k, const struct ast_stmt *s, struct stm_action *out)
{
    out->value = pr_resolve_as(k, s->expr, USE_ACTION);
    if (!out->value) return false;
    const struct stm_expr *v = out->value;
    const struct stm_hold_sig *h = quantity_sig(k->voc, s->target);
    bool share = h && h->arg == STM_A_GROUPS;
    if (share != (v->kind == STM_X_TUPLE) || (share && v->n != s->target->n)) {
        pr_diag(k->c, "E0301", s->expr->span, "`%s` takes %s", out->target,
                share ? "as many values as it has groups: (x, y, z)" : "one number");
        return false;
    }
    double sum = 0;
    for (unsigned i = 0; share && i < v->n; i++) {
        if (v->kids[i]->kind != STM_X_NUM || v->kids[i]->num < 0) {
            pr_diag(k->c, "E0301", v->kids[i]->span, "a share is a number from 0 to 1");
            return false;
        }
        sum += v->kids[i]->num;
    }
    if (share && (sum < 0.999 || sum > 1.001)) {
        pr_diag(k->c, "E0301", s->expr->span, "the shares add up to %s, not to 1",
                pr_number_text(k->c, sum));
        return false;
    }
    if (share) return true;
    struct ty t = pr_type(k, v);
    if (t.base == TY_BAD) return false;
    bool positive = s->kind == S_HOLD || strchr(out->target, '(');
    if (t.base < TY_NUM || t.base > TY_SEED || t.truth) {
        pr_diag(k->c, "E0301", s->expr->span, "`%s` is set to a number, not to `%s`", out->target,
                pr_expr_text(k->c, v));
        return false;
    }
    if (v->kind == STM_X_NUM && positive && !(v->num > 0)) {
        pr_diag(k->c, "E0301", s->expr->span, "`%s` must be above 0, not %s", out->target,
                pr_number_text(k->c, v->num));
        return false;
    }
    if (strcmp(out->target, "moments") == 0 &&
        (out->op != STM_OP_SET || v->kind != STM_X_NUM || v->num != 0)) {
        pr_diag(k->c, "E0301", s->expr->span, "moments can only be cleared: `once moments = 0`");
        return false;
    }
    return true;
}

static bool allowed_op(struct check *k, const struct ast_stmt *s)
{
    const char *ops = s->kind == S_ONCE ? "=*+" : s->kind == S_HOLD ? "=<" : "=";
    const struct stm_hold_sig *h = s->kind == S_HOLD ? quantity_sig(k->voc, s->target) : NULL;
    bool bound = s->op == '<' && h && !h->upper_bound;
    if (strchr(ops, s->op) && !bound) return true;
    struct stm_diag *d = pr_diag(k->c, "E0101", s->target->span, "`%s` cannot use `%c%s`",
                                 pr_stmt_word(s->kind), s->op, s->op == '=' ? "" : "=");
    if (bound) pr_help(k->c, d, "`%s` has no upper bound, only `=`", s->target->name);
    if (s->op == '*' || s->op == '+') pr_help(k->c, d, "`once` edits a value by an amount");
    return false;
}

/* ---- windows ---- */

static bool window_time(struct check *k, const struct ast_time *t, const struct stm_time **out)
{
    if (!t) return true;
    struct stm_time *w = pr_alloc(k->c, sizeof *w);
    if (!pr_time(k, t, false, w)) return false;
    if (w->kind == STM_T_ALL || w->kind == STM_T_ANY) {
        pr_diag(k->c, "E0900", t->span, "a window at `all` or `any` is not in this version");
        return false;
    }
    *out = w;
    return true;
}

/* Both edges are at one event, and the one that ends is not later. */
static bool ends_at_once(const struct stm_time *from, const struct stm_time *until)
{
    if (!from || from->event < 0 || from->event != until->event || from->kind != until->kind)
        return false;
    double begin = from->value ? from->value->num : 0, end = until->value ? until->value->num : 0;
    return end <= begin;
}

/* Whether no step can be in the window of an arm that begins at `base` at the earliest. A hold acts
 * on the result of an update, so its edges are one update earlier than those of a setting. */
static bool never_open(const struct stm_action *a, double base, bool known)
{
    if (!a->until) return false;
    bool same = known || !a->from || a->from->kind == STM_T_PLUS || a->from->kind == STM_T_START;
    if (a->until->kind == STM_T_PLUS && !same)
        return false; /* the later the fork, the later it ends */
    double until = pr_time_step(a->until, base), from = base;
    if (until < 0) return ends_at_once(a->from, a->until);
    bool early = a->verb == STM_V_HOLD;
    if (a->from) from = pr_time_least(a->from, base) - (early && a->from->event < 0);
    return until - early <= (from > base ? from : base);
}

static bool window_holds(struct check *k, const struct ast_stmt *s, const struct stm_action *a)
{
    int fork = pr_node(k, k->node)->fork;
    double base = pr_fork_step(k, fork), from = a->from ? pr_time_step(a->from, base) : base;
    if (a->from && from >= 0 && base >= 0 && from < base) {
        pr_diag(k->c, "E0407", s->from->span, "step %s is before the fork, which is at step %s",
                pr_number_text(k->c, from), pr_number_text(k->c, base));
        return false;
    }
    if (!never_open(a, pr_fork_least(k, fork), base >= 0)) return true;
    struct stm_diag *d = pr_diag(k->c, "E0407", s->until->span, "an empty window");
    double until = pr_time_step(a->until, base);
    if (until >= 0 && from >= 0)
        pr_note(k->c, d, "from step %s until step %s", pr_number_text(k->c, from),
                pr_number_text(k->c, until));
    if (until > from && from >= 0)
        pr_help(k->c, d, "a hold acts on the result of an update: the first is that of step %s",
                pr_number_text(k->c, from + 1));
    return false;
}

static bool check_window(struct check *k, const struct ast_stmt *s, struct stm_action *out)
{
    bool ok = true;
    if (s->from || s->until)
        pr_feature(k, STM_F_WINDOW, (s->from ? s->from : s->until)->span, "`from` and `until` are",
                   &ok);
    if (!ok) return false;
    if (s->kind == S_ONCE && s->until) {
        pr_diag(k->c, "E0407", s->until->span, "`once` happens at one step and has no `until`");
        return false;
    }
    if (s->kind == S_RELEASE && (s->from || s->until)) {
        pr_diag(k->c, "E0407", (s->from ? s->from : s->until)->span,
                "`release` has no window: it ends a hold where the arm begins");
        return false;
    }
    return window_time(k, s->from, &out->from) && window_time(k, s->until, &out->until) &&
           window_holds(k, s, out);
}

bool pr_action(struct check *k, const struct ast_stmt *s, struct stm_action *out)
{
    static const enum stm_verb verbs[] = {[S_SET] = STM_V_SET,
                                          [S_HOLD] = STM_V_HOLD,
                                          [S_ONCE] = STM_V_ONCE,
                                          [S_FREEZE] = STM_V_FREEZE,
                                          [S_RELEASE] = STM_V_RELEASE};
    bool ok = true;
    *out = (struct stm_action){.verb = verbs[s->kind], .span = s->span};
    out->op = s->op == '<'   ? STM_OP_LE
              : s->op == '*' ? STM_OP_MUL
              : s->op == '+' ? STM_OP_ADD
                             : STM_OP_SET;
    if (s->kind == S_ONCE) pr_feature(k, STM_F_ONCE, s->span, "`once` is", &ok);
    if (s->kind == S_FREEZE || s->kind == S_RELEASE)
        pr_feature(k, STM_F_FREEZE, s->span, "`freeze` and `release` are", &ok);
    if (!ok || (s->op && !allowed_op(k, s))) return false;
    const struct stm_param *knob = NULL;
    if (!(out->target = target_of(k, s, &knob))) return false;
    enum use before = k->use;
    k->use = USE_ACTION;
    if (s->expr) ok = knob ? set_value(k, knob, s, out) : number_value(k, s, out);
    k->use = before;
    if (s->round.text && (strcmp(s->round.text, "nearest") != 0 || !knob ||
                          strncmp(knob->name, "precision", 9) != 0)) {
        pr_diag(k->c, "E0301", s->round.span, "`round nearest` belongs to a precision");
        return false;
    }
    out->round_nearest = s->round.text != NULL;
    return ok && check_window(k, s, out);
}
