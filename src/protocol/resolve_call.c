/* Calls: metrics of the vocabulary, and functions of the language. */
#include <math.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/number.h"

static bool is_set(const char *name)
{
    return strcmp(name, "train") == 0 || strcmp(name, "test") == 0 || strcmp(name, "all") == 0;
}

/* A word argument: a sweep variable or param stands for its word. */
static const char *word_of(struct check *k, const struct stm_expr *e)
{
    if (e->kind != STM_X_NAME) return NULL;
    const struct stm_bind *b = pr_bind(k, e->name);
    if (b) return b->is_num ? NULL : b->sym;
    const struct symbol *sym = pr_symbol(k, e->name);
    if (sym && sym->value && sym->value->kind == STM_X_NAME) return sym->value->name;
    return e->name;
}

static struct stm_expr *set_arg(struct check *k, const struct stm_expr *e)
{
    const char *w = word_of(k, e);
    if (w && is_set(w)) return pr_word_expr(k, e->span, w);
    struct stm_diag *d =
        pr_diag(k->c, "E0301", e->span, "`%s` is not a set of examples", pr_expr_text(k->c, e));
    pr_help(k->c, d, "sets are train, test, all");
    return NULL;
}

static struct stm_expr *group_arg(struct check *k, const struct stm_expr *e)
{
    const char *w = e->kind == STM_X_NAME ? word_of(k, e) : pr_dotted(k, e);
    const struct symbol *sym = e->kind == STM_X_NAME ? pr_symbol(k, e->name) : NULL;
    /* What is measured is decided before a claim runs through the values of a variable. */
    if (w && sym && sym->kind == STM_R_BIND && !pr_bind(k, e->name)) {
        struct stm_diag *d = pr_diag(k->c, "E0302", e->span,
                                     "`%s` is a sweep variable: here the group must be named", w);
        pr_help(k->c, d, "write one claim for each value, or a `let` in the swept fork");
        return NULL;
    }
    if (!w) {
        pr_diag(k->c, "E0302", e->span, "`%s` is not a group of parameters", pr_expr_text(k->c, e));
        return NULL;
    }
    return pr_group(k, w, e->span) ? pr_word_expr(k, e->span, w) : NULL;
}

static struct stm_expr *field_name(struct check *k, const struct stm_expr *e)
{
    struct near near = {.name = e->kind == STM_X_NAME ? e->name : ""};
    for (const char *const *f = k->voc->fields; e->kind == STM_X_NAME && f && *f; f++) {
        if (strcmp(*f, e->name) == 0) return pr_word_expr(k, e->span, e->name);
        pr_near(&near, *f);
    }
    if (e->kind == STM_X_NAME && !pr_bind(k, e->name) && !pr_symbol(k, e->name)) {
        struct stm_diag *d =
            pr_diag(k->c, "E0201", e->span, "there is no per-example field `%s`", e->name);
        if (near.best) pr_help(k->c, d, "there is a field with a similar name: `%s`", near.best);
        return NULL;
    }
    enum use use = k->use;
    k->use = USE_CONST;
    struct stm_expr *r = pr_resolve(k, e);
    k->use = use;
    return r;
}

/* p_correct >= 1.0 */
static struct stm_expr *condition_arg(struct check *k, const struct stm_expr *e)
{
    if (e->kind != STM_X_COMPARE) {
        struct stm_diag *d = pr_diag(k->c, "E0301", e->span,
                                     "the second argument is a comparison of a per-example field");
        pr_help(k->c, d, "as in `frac(train, p_correct >= 1.0)`");
        return NULL;
    }
    struct stm_expr *r = pr_copy(k, e);
    for (unsigned i = 0; i < e->n; i++)
        if (!(r->kids[i] = field_name(k, e->kids[i]))) return NULL;
    return r;
}

static struct stm_expr *engine_call(struct check *k, const struct stm_expr *e,
                                    const struct stm_metric_sig *m)
{
    static struct stm_expr *(*const args[][2])(struct check *, const struct stm_expr *) = {
        [STM_A_NONE] = {NULL, NULL},
        [STM_A_SET] = {set_arg, NULL},
        [STM_A_GROUP] = {group_arg, NULL},
        [STM_A_SET_COND] = {set_arg, condition_arg},
    };
    unsigned want = !args[m->arg][0] ? 0 : !args[m->arg][1] ? 1 : 2;
    if (e->n != want) {
        pr_diag(k->c, "E0301", e->span, "`%s` takes %u argument%s, not %u", m->name, want,
                want == 1 ? "" : "s", e->n);
        return NULL;
    }
    if (!pr_may_measure(k, e)) return NULL;
    struct stm_expr *r = pr_reference(k, e, STM_R_ENGINE, -1);
    for (unsigned i = 0; i < e->n; i++) {
        if (e->keys[i]) {
            pr_diag(k->c, "E0301", e->kids[i]->span, "`%s` has no named argument `%s`", m->name,
                    e->keys[i]);
            return NULL;
        }
        if (!(r->kids[i] = args[m->arg][i](k, e->kids[i]))) return NULL;
    }
    r->text = NULL;
    r->text = pr_expr_text(k->c, r);
    return r;
}

static bool check_arguments(struct check *k, const struct stm_expr *e, const struct function *f)
{
    unsigned plain = 0;
    for (unsigned i = 0; i < e->n; i++) {
        if (!e->keys[i]) {
            plain++;
            continue;
        }
        bool known = false;
        for (size_t j = 0; j < 4 && f->keys[j]; j++) known |= !strcmp(f->keys[j], e->keys[i]);
        for (unsigned j = 0; j < i; j++)
            if (e->keys[j] && strcmp(e->keys[j], e->keys[i]) == 0) known = false;
        if (known) continue;
        pr_diag(k->c, "E0301", e->kids[i]->span,
                "`%s` has no argument `%s`, or it was given already", f->name, e->keys[i]);
        return false;
    }
    if (plain >= f->min_args && plain <= f->max_args) return true;
    pr_diag(k->c, "E0301", e->span, "`%s` takes %u argument%s, not %u", f->name, f->min_args,
            f->min_args == 1 ? "" : "s", plain);
    return false;
}

static struct stm_expr *fold_call(struct check *k, struct stm_expr *r, const struct function *f)
{
    if (!f->fold || r->n != 1 || r->kids[0]->kind != STM_X_NUM) return r;
    double x = f->fold(r->kids[0]->num);
    bool underflow = f->fold == exp && !pr_number_holds(x);
    if (isfinite(x) && !underflow) return pr_number_expr(k, r->span, x);
    pr_diag(k->c, "E0301", r->span, "`%s` of %s is %s", f->name,
            pr_number_text(k->c, r->kids[0]->num),
            underflow ? "outside of the domain of numbers" : "not a number");
    return NULL;
}

static struct stm_expr *function_call(struct check *k, const struct stm_expr *e,
                                      const struct function *f)
{
    bool reduced = k->use == USE_CLAIM || k->use == USE_CALIBRATE;
    if (!reduced && !f->fold) {
        struct stm_diag *d =
            pr_diag(k->c, "E0303", e->span, "`%s` cannot be used %s", e->name, pr_use_name(k));
        pr_help(k->c, d,
                "a number over seeds comes from `calibrate x = %s(arm.value @ stop) need "
                "all seeds`",
                e->name);
        return NULL;
    }
    if (!check_arguments(k, e, f)) return NULL;
    bool ok = true;
    if (strcmp(f->name, "identical") == 0)
        pr_feature(k, STM_F_IDENTICAL, e->span, "`identical(...)` is", &ok);
    struct stm_expr *r = pr_reference(k, e, STM_R_FUNCTION, -1);
    bool direction = strcmp(f->name, "monotone") == 0;
    unsigned plain = 0;
    for (unsigned i = 0; ok && i < e->n; i++) {
        const struct stm_expr *kid = e->kids[i];
        bool word = direction && !e->keys[i] && plain++ == 1 && kid->kind == STM_X_NAME;
        r->kids[i] = word ? pr_word_expr(k, kid->span, kid->name) : pr_resolve(k, kid);
        if (!r->kids[i]) ok = false;
    }
    return ok ? fold_call(k, r, f) : NULL;
}

/* `frac` is a metric of a set and a function of seeds: a set decides. */
static bool means_metric(const struct stm_expr *e, const struct function *f)
{
    return !f || (e->n && e->kids[0]->kind == STM_X_NAME && is_set(e->kids[0]->name));
}

struct stm_expr *pr_resolve_call(struct check *k, const struct stm_expr *e)
{
    const struct stm_metric_sig *m = pr_metric(k->voc, e->name);
    const struct function *f = pr_function(e->name);
    if (m && means_metric(e, f)) return engine_call(k, e, m);
    if (f) return function_call(k, e, f);
    if (pr_symbol(k, e->name))
        pr_diag(k->c, "E0301", e->span, "`%s` is the name of %s %s and takes no arguments", e->name,
                pr_article(pr_kind_name(pr_symbol(k, e->name)->kind)),
                pr_kind_name(pr_symbol(k, e->name)->kind));
    else
        pr_unknown(k, e->span, e->name, "function or metric");
    return NULL;
}
