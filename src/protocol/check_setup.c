/* Tasks, models and train blocks, and the settings of a run that they make together. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

const struct stm_param *pr_knob(const struct stm_vocab *v, const char *name)
{
    for (size_t i = 0; i < v->n_knobs; i++)
        if (strcmp(v->knobs[i].name, name) == 0) return &v->knobs[i];
    return NULL;
}

/* ---- values ---- */

static const char *domain(struct check *k, const struct stm_param *p)
{
    struct stm_buf *b = &k->c->scratch;
    size_t mark = b->n;
    if (p->kind == STM_K_INT || p->kind == STM_K_NUM) {
        stm_buf_printf(b, "%s", p->kind == STM_K_INT ? "a whole number" : "a number");
        if (isfinite(p->min)) {
            stm_buf_printf(b, " %s ", p->open_min ? "above" : "from");
            pr_put_number(b, p->min);
        }
        if (isfinite(p->max)) {
            stm_buf_printf(b, "%s %s ", p->open_max && isfinite(p->min) ? " and" : "",
                           p->open_max ? "below" : "to");
            pr_put_number(b, p->max);
        }
    }
    if (p->kind == STM_K_BOOL) stm_buf_printf(b, "on or off");
    for (unsigned i = 0; p->syms && p->syms[i]; i++)
        stm_buf_printf(b, "%s%s", b->n > mark ? (i ? ", " : ", or ") : "", p->syms[i]);
    return pr_scratch_take(k->c, mark);
}

static bool in_range(const struct stm_param *p, double x)
{
    if (p->kind == STM_K_INT && x != floor(x)) return false;
    if (p->kind != STM_K_INT && p->kind != STM_K_NUM) return false;
    bool low = p->open_min ? x > p->min : x >= p->min;
    bool high = p->open_max ? x < p->max : x <= p->max;
    return low && high;
}

bool pr_is_value(const struct stm_param *p, const char *name)
{
    if (p->kind == STM_K_BOOL && (!strcmp(name, "on") || !strcmp(name, "off"))) return true;
    for (unsigned i = 0; p->syms && p->syms[i]; i++)
        if (strcmp(p->syms[i], name) == 0) return true;
    return false;
}

bool pr_fits(struct check *k, const struct stm_param *p, const struct stm_expr *e,
             struct stm_assign *out)
{
    if (e->kind == STM_X_NUM && in_range(p, e->num)) {
        *out = (struct stm_assign){.key = out->key, .is_num = true, .num = e->num};
        return true;
    }
    if (e->kind == STM_X_NAME && e->ref == STM_R_NONE && pr_is_value(p, e->name)) {
        *out = (struct stm_assign){.key = out->key, .sym = e->name};
        return true;
    }
    struct near near = {.name = e->kind == STM_X_NAME ? e->name : ""};
    for (unsigned i = 0; p->syms && p->syms[i]; i++) pr_near(&near, p->syms[i]);
    struct stm_diag *d =
        pr_diag(k->c, "E0301", e->span, "`%s` cannot be %s", p->name, pr_expr_text(k->c, e));
    pr_label(k->c, d, "expected %s", domain(k, p));
    if (near.best) pr_help(k->c, d, "there is a value with a similar name: `%s`", near.best);
    return false;
}

/* A value: a param, a sweep variable, a constant expression, or one of the words of `p`. */
static struct stm_expr *value_of(struct check *k, const struct stm_param *p,
                                 const struct stm_expr *e)
{
    bool word = e->kind == STM_X_NAME && !pr_bind(k, e->name) &&
                (pr_is_value(p, e->name) || !pr_symbol(k, e->name));
    if (word && (p->syms || p->kind == STM_K_BOOL || !pr_function(e->name)))
        if (pr_is_value(p, e->name) || pr_map_get(&k->declared, e->name) < 0)
            return pr_word_expr(k, e->span, e->name);
    return pr_resolve_as(k, e, USE_CONST);
}

static struct stm_expr *default_expr(struct check *k, const struct stm_param *p, struct stm_span at)
{
    char *end;
    double x = strtod(p->def, &end);
    return *end == 0 && end != p->def ? pr_number_expr(k, at, x) : pr_word_expr(k, at, p->def);
}

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

static bool known_keys(struct check *k, const struct stm_sig *sig, const struct stm_expr *call)
{
    bool ok = true;
    for (unsigned i = 0; i < call->n; i++) {
        struct near near = {.name = call->keys[i] ? call->keys[i] : ""};
        bool known = false, twice = false;
        for (size_t j = 0; j < sig->n_params; j++) {
            pr_near(&near, sig->params[j].name);
            known |= strcmp(sig->params[j].name, near.name) == 0;
        }
        for (unsigned j = 0; j < i; j++)
            twice |= call->keys[j] && strcmp(call->keys[j], near.name) == 0;
        if (known && !twice) continue;
        ok = false;
        struct stm_diag *d;
        if (!call->keys[i])
            d = pr_diag(k->c, "E0301", call->kids[i]->span, "arguments of `%s` are named",
                        sig->name);
        else if (twice)
            d = pr_diag(k->c, "E0202", call->kids[i]->span, "`%s` is given twice", near.name);
        else
            d = pr_diag(k->c, "E0201", call->kids[i]->span, "`%s` has no argument `%s`", sig->name,
                        near.name);
        if (!known && near.best)
            pr_help(k->c, d, "there is an argument with a similar name: `%s`", near.best);
    }
    return ok;
}

static bool arguments(struct check *k, const struct stm_sig *sig, const struct stm_expr *call,
                      const char *prefix, struct vec *out)
{
    bool ok = known_keys(k, sig, call);
    for (size_t i = 0; i < sig->n_params; i++) {
        const struct stm_param *p = &sig->params[i];
        const struct stm_expr *given = NULL;
        for (unsigned j = 0; j < call->n; j++)
            if (call->keys[j] && strcmp(call->keys[j], p->name) == 0) given = call->kids[j];
        if (!given && !p->def) {
            pr_diag(k->c, "E0301", call->span, "`%s` needs `%s = ...`", sig->name, p->name);
            ok = false;
            continue;
        }
        struct stm_expr *v = given ? value_of(k, p, given) : default_expr(k, p, call->span);
        struct stm_assign a = {.key = pr_printf(k->c, "%s.%s", prefix, p->name)};
        if (!v || !pr_fits(k, p, v, &a))
            ok = false;
        else
            add(k, out, a);
    }
    return ok;
}

static const struct stm_sig *signature(const struct stm_vocab *v, int kind, const char *name,
                                       struct near *near)
{
    size_t n = kind == S_TASK ? v->n_tasks : kind == S_MODEL ? v->n_models : v->n_optimizers;
    for (size_t i = 0; i < n; i++) {
        const struct stm_sig *s = kind == S_TASK    ? &v->tasks[i]
                                  : kind == S_MODEL ? &v->models[i].sig
                                                    : &v->optimizers[i];
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
        return false;
    }
    add(k, out, (struct stm_assign){.key = prefix, .sym = sig->name});
    return arguments(k, sig, &call, prefix, out);
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
    for (size_t i = 0; i < k->voc->n_knobs; i++) pr_near(&near, k->voc->knobs[i].name);
    const struct stm_param *p = pr_knob(k->voc, s->name.text);
    if (!p) {
        struct stm_diag *d =
            pr_diag(k->c, "E0201", s->name.span, "a train block has no key `%s`", s->name.text);
        if (near.best) pr_help(k->c, d, "there is a key with a similar name: `%s`", near.best);
        return false;
    }
    struct stm_expr *v = value_of(k, p, s->expr);
    struct stm_assign a = {.key = p->name};
    if (!v || !pr_fits(k, p, v, &a)) return false;
    add(k, out, a);
    return true;
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
        pr_help(k->c, d, "write `optimizer = %s(lr = ...)`", k->voc->optimizers[0].name);
        return false;
    }
    for (size_t i = 0; ok && i < k->voc->n_knobs; i++) {
        const struct stm_param *p = &k->voc->knobs[i];
        if (find(out, p->name)) continue;
        struct stm_assign a = {.key = p->name};
        if (p->def) {
            struct stm_expr *v = default_expr(k, p, s->name.span);
            if (pr_fits(k, p, v, &a)) add(k, out, a);
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
        if (&k->voc->models[i].sig == sig) k->model = &k->voc->models[i];
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

bool pr_base_settings(struct check *k, const struct ast_stmt *run, struct stm_node *node)
{
    static const int kinds[] = {SYM_TASK, SYM_MODEL, SYM_TRAIN};
    struct vec base = {0};
    bool bad = false;
    k->model = NULL;
    for (int i = 0; i < 3; i++) {
        const struct symbol *sym = part(k, run->words[i], kinds[i], &bad);
        if (!sym || sym->bad) continue;
        settings_of(k, sym->stmt, &base);
        for (size_t m = 0; kinds[i] == SYM_MODEL && m < k->voc->n_models; m++)
            if (strcmp(k->voc->models[m].sig.name, sym->stmt->expr->name) == 0)
                k->model = &k->voc->models[m];
    }
    node->base = base.p;
    node->n_base = base.n;
    return !bad;
}
