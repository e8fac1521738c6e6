/* Tasks, models and train blocks, and the settings of a run that they make together. */
#include <string.h>

#include "protocol/check.h"
#include "protocol/words.h"

static void add(struct check *k, struct vec *out, struct stm_assign a)
{
    *(struct stm_assign *)pr_push(k->c, out, sizeof a) = a;
}

static struct stm_assign *find(const struct vec *v, const char *key)
{
    for (unsigned i = 0; i < v->n; i++) {
        struct stm_assign *a = (struct stm_assign *)v->p + i;
        if (strcmp(a->key, key) == 0) return a;
    }
    return NULL;
}

/* ---- NAME(key = value, ...) ---- */

static const struct stm_sig *signature(const struct stm_vocab *v, int kind, const char *name,
                                       struct near *near)
{
    size_t n = kind == S_TASK ? v->n_tasks : kind == S_MODEL ? v->n_models : v->n_optimizers;
    for (size_t i = 0; i < n; i++) {
        const struct stm_sig *s = kind == S_TASK    ? v->tasks[i]
                                  : kind == S_MODEL ? &v->models[i]->sig
                                                    : v->optimizers[i];
        if (strcmp(s->name, name) == 0) return s;
        pr_near(near, s->name);
    }
    return NULL;
}

/* `kind`: S_TASK, S_MODEL, or S_TRAIN for the optimizer. */
static bool construct(struct check *k, int kind, const struct stm_expr *e, const char *prefix,
                      struct vec *out)
{
    struct stm_expr call = *e;
    call.keys = e->kind == STM_X_CALL ? e->keys : NULL;
    struct near near = {.name = e->name ? e->name : ""};
    const struct stm_sig *sig = NULL;
    if (e->kind == STM_X_CALL || e->kind == STM_X_NAME)
        sig = signature(k->voc, kind, e->name, &near);
    if (!sig) {
        struct stm_diag *d = pr_diag(k->c, "E0201", e->span, "there is no %s `%s`", prefix,
                                     e->name ? e->name : pr_expr_text(k->c, e));
        if (near.best)
            pr_help(k->c, d, "there is %s %s with a similar name: `%s`", pr_article(prefix), prefix,
                    near.best);
        pr_note_list(k->c, d, k->voc,
                     kind == S_TASK    ? PR_TASKS
                     : kind == S_MODEL ? PR_MODELS
                                       : PR_OPTIMIZERS);
        return false;
    }
    add(k, out, (struct stm_assign){.key = prefix, .sym = sig->name});
    struct stm_expr **values = pr_arguments(k, sig, &call, false);
    for (size_t i = 0; values && i < sig->n_params; i++)
        pr_put_assigns(k, out, pr_printf(k->c, "%s.%s", prefix, sig->params[i].name),
                       &sig->params[i], values[i]);
    return values != NULL;
}

/* ---- the train block ---- */

/* The optimizer's learning rate and decay are knobs that an arm may set. */
static void rename_knobs(struct vec *base)
{
    static const struct {
        const char *from, *to;
    } names[] = {{"optimizer.lr", "lr"}, {"optimizer.decay", "weight_decay"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stm_assign *a = find(base, names[i].from);
        if (a) a->key = names[i].to;
    }
}

static bool train_key(struct check *k, const struct ast_stmt *s, struct vec *out)
{
    if (strcmp(s->name.text, "optimizer") == 0) {
        bool ok = construct(k, S_TRAIN, s->expr, "optimizer", out);
        rename_knobs(out);
        return ok;
    }
    struct near near = {.name = s->name.text};
    pr_near(&near, "optimizer");
    pr_near_knobs(k, &near);
    const struct stm_param *p = pr_knob(k, s->name.text);
    if (!p) {
        struct stm_diag *d =
            pr_diag(k->c, "E0201", s->name.span, "a train block has no key `%s`", s->name.text);
        if (near.best) pr_help(k->c, d, "there is a key with a similar name: `%s`", near.best);
        pr_note_list(k->c, d, k->voc, PR_SETTINGS);
        return false;
    }
    struct stm_expr *v = pr_value(k, p, s->expr);
    if (v) pr_put_assigns(k, out, s->name.text, p, v);
    return v != NULL;
}

static bool train_settings(struct check *k, const struct ast_stmt *s, struct vec *out)
{
    bool ok = true;
    for (unsigned i = 0; i < s->block->n; i++) {
        const struct ast_stmt *a = s->block->stmts[i];
        if (a->n_over || a->n_by) {
            pr_diag(k->c, "E0101", a->name.span, "`over` and `by` belong to figures");
            ok = false;
        }
        if (find(out, a->name.text)) {
            pr_diag(k->c, "E0202", a->name.span, "`%s` is given twice", a->name.text);
            ok = false;
        } else if (!train_key(k, a, out)) {
            ok = false;
        }
    }
    if (ok && !find(out, "optimizer")) {
        struct stm_diag *d =
            pr_diag(k->c, "E0301", s->name.span, "`%s` names no optimizer", s->name.text);
        pr_help(k->c, d, "write `optimizer = %s(lr = ...)`", k->voc->optimizers[0]->name);
        return false;
    }
    for (size_t i = 0; ok && i < k->voc->n_knobs; i++) {
        const struct stm_param *p = &k->voc->knobs[i];
        if (find(out, p->name) || pr_is_argument(k->voc, p)) continue;
        if (p->def) {
            pr_put_assigns(k, out, p->name, p, pr_default_expr(k, p, s->name.span));
        } else if (!strchr(p->name, '.')) { /* parts of a knob follow the whole */
            pr_diag(k->c, "E0301", s->name.span, "`%s` needs `%s = ...`", s->name.text, p->name);
            ok = false;
        }
    }
    return ok;
}

/* ---- statements ---- */

/* The settings of one task, model or train statement. */
static bool settings_of(struct check *k, const struct ast_stmt *s, struct vec *out)
{
    if (s->kind == S_TRAIN) return train_settings(k, s, out);
    return construct(k, s->kind, s->expr, s->kind == S_TASK ? "task" : "model", out);
}

void pr_check_setup(struct check *k, const struct ast_stmt *s)
{
    static const int kinds[] = {[S_TASK] = SYM_TASK, [S_MODEL] = SYM_MODEL, [S_TRAIN] = SYM_TRAIN};
    bool ok = true;
    if ((s->kind == S_TRAIN) != (s->block != NULL)) {
        struct stm_diag *d = pr_diag(k->c, "E0101", s->name.span, "`%s %s` is not written so",
                                     pr_stmt_word(s->kind), s->name.text);
        pr_help(k->c, d, "%s",
                s->kind == S_TRAIN ? "write `train NAME { key = value }`"
                                   : "write `NAME = constructor(key = value)`");
        ok = false;
    }
    struct vec settings = {0};
    if (ok) ok = settings_of(k, s, &settings);
    struct symbol *sym = pr_define(k, s, s->name, kinds[s->kind], 0);
    if (sym) sym->bad = !ok;
    struct near none = {.name = ""};
    const struct stm_sig *sig =
        ok && s->kind == S_MODEL ? signature(k->voc, S_MODEL, s->expr->name, &none) : NULL;
    for (size_t i = 0; sig && !k->model && i < k->voc->n_models; i++)
        if (&k->voc->models[i]->sig == sig) k->model = k->voc->models[i];
}

static const struct symbol *part(struct check *k, struct word w, int kind, bool *bad)
{
    struct symbol *sym = pr_symbol(k, w.text);
    if (sym && sym->kind == kind) {
        *bad |= sym->bad;
        return sym;
    }
    *bad = true;
    if (!sym)
        pr_unknown(k, w.span, w.text, pr_kind_name(kind));
    else
        pr_diag(k->c, "E0301", w.span, "`%s` is %s %s, and a %s is needed here", w.text,
                pr_article(pr_kind_name(sym->kind)), pr_kind_name(sym->kind), pr_kind_name(kind));
    return NULL;
}

/* Whether the model takes the examples of the task; says so if not. */
static bool go_together(struct check *k, const struct ast_stmt *run, const struct symbol *task)
{
    struct near none = {.name = ""};
    const struct stm_sig *gives = signature(k->voc, S_TASK, task->stmt->expr->name, &none);
    const struct stm_sig *takes = &k->model->sig;
    if (!gives->inputs || !takes->inputs || gives->inputs & takes->inputs) return true;
    struct stm_diag *d = pr_diag(
        k->c, "E0301", run->words[1].span, "the model `%s` does not take %s of `%s`", takes->name,
        gives->inputs == STM_IN_PAIR ? "the pairs" : "the points", gives->name);
    size_t mark = k->c->scratch.n;
    for (size_t m = 0; m < k->voc->n_models; m++)
        if (k->voc->models[m]->sig.inputs & gives->inputs)
            stm_buf_printf(&k->c->scratch, "%s`%s`", k->c->scratch.n > mark ? ", " : "",
                           k->voc->models[m]->sig.name);
    const char *others = pr_scratch_take(k->c, mark);
    if (*others) pr_help(k->c, d, "models that do: %s", others);
    return false;
}

bool pr_base_settings(struct check *k, const struct ast_stmt *run, struct stm_node *node)
{
    static const int kinds[] = {SYM_TASK, SYM_MODEL, SYM_TRAIN};
    struct vec base = {0};
    bool bad = false;
    const struct symbol *task = NULL;
    k->model = NULL;
    for (int i = 0; i < 3; i++) {
        const struct symbol *sym = part(k, run->words[i], kinds[i], &bad);
        if (!sym || sym->bad) continue;
        if (kinds[i] == SYM_TASK) task = sym;
        settings_of(k, sym->stmt, &base);
        for (size_t m = 0; kinds[i] == SYM_MODEL && m < k->voc->n_models; m++)
            if (strcmp(k->voc->models[m]->sig.name, sym->stmt->expr->name) == 0)
                k->model = k->voc->models[m];
    }
    if (task && k->model && !go_together(k, run, task)) bad = true;
    node->base = base.p;
    node->n_base = base.n;
    return !bad;
}
