/* From a parsed expression to one whose names are looked up, sweep variables substituted and
 * constants folded. */
#include <math.h>
#include <string.h>

#include "protocol/check.h"

#define MAY(use) (1u << (use))
enum {
    CLAIMS = 1u << USE_CLAIM,
    CLAIMS_CALIBRATE = 1u << USE_CLAIM | 1u << USE_CALIBRATE,
};

/* Where names of a kind mean something. */
static const struct {
    int kind;
    unsigned uses;
} readable[] = {
    {STM_R_LET, CLAIMS_CALIBRATE},
    {STM_R_EVENT, CLAIMS_CALIBRATE | 1u << USE_MEASURE},
    {STM_R_METRIC, CLAIMS_CALIBRATE | 1u << USE_MEASURE},
    {STM_R_CAPTURE, CLAIMS_CALIBRATE | 1u << USE_MEASURE | 1u << USE_ACTION},
    {STM_R_CALIBRATE, CLAIMS_CALIBRATE | 1u << USE_ACTION},
    {STM_R_FAMILY, CLAIMS_CALIBRATE},
    {STM_R_FORK, CLAIMS},
    {STM_R_CLAIM, CLAIMS},
    {STM_R_BIND, CLAIMS},
};

static const char *const use_names[] = {
    [USE_CONST] = "where a constant is needed",
    [USE_MEASURE] = "in a measurement",
    [USE_ACTION] = "in an intervention",
    [USE_CALIBRATE] = "in a calibration",
    [USE_CLAIM] = "here",
};

static struct stm_expr *copy(struct check *k, const struct stm_expr *e)
{
    struct stm_expr *r = pr_alloc(k->c, sizeof *r);
    *r = *e;
    if (e->n) r->kids = pr_alloc(k->c, e->n * sizeof *r->kids);
    return r;
}

struct stm_expr *pr_number_expr(struct check *k, struct stm_span at, double x)
{
    struct stm_expr *e = pr_alloc(k->c, sizeof *e);
    *e = (struct stm_expr){.kind = STM_X_NUM, .span = at, .num = x, .index = -1};
    return e;
}

struct stm_expr *pr_word_expr(struct check *k, struct stm_span at, const char *word)
{
    struct stm_expr *e = pr_alloc(k->c, sizeof *e);
    *e = (struct stm_expr){.kind = STM_X_NAME, .span = at, .name = word, .index = -1};
    return e;
}

static struct stm_expr *reference(struct check *k, const struct stm_expr *e, enum stm_ref_kind ref,
                                  int index)
{
    struct stm_expr *r = copy(k, e);
    r->ref = ref;
    r->index = index;
    return r;
}

void pr_feature(struct check *k, unsigned feature, struct stm_span at, const char *what, bool *ok)
{
    if (k->c->options->features & feature) return;
    pr_diag(k->c, "E0900", at, "%s not in this version", what);
    *ok = false;
}

const struct stm_metric_sig *pr_metric(const struct stm_vocab *v, const char *name)
{
    for (size_t i = 0; i < v->n_metrics; i++)
        if (strcmp(v->metrics[i].name, name) == 0) return &v->metrics[i];
    return NULL;
}

/* ---- names ---- */

static struct stm_expr *bind_value(struct check *k, const struct stm_expr *e,
                                   const struct stm_bind *b)
{
    if (b->is_num) return pr_number_expr(k, e->span, b->num);
    return pr_word_expr(k, e->span, b->sym);
}

static bool enclosing_fork(struct check *k, int fork)
{
    for (int f = k->fork; f >= 0; f = pr_node(k, pr_fork(k, f)->node)->fork)
        if (f == fork) return true;
    return false;
}

static bool enclosing_node(struct check *k, int node)
{
    int n = k->node;
    if (n < 0 && k->fork >= 0) n = pr_fork(k, k->fork)->node;
    for (; n >= 0; n = pr_node(k, n)->fork < 0 ? -1 : pr_fork(k, pr_node(k, n)->fork)->node)
        if (n == node) return true;
    return false;
}

/* Interventions read only what was known before their arm began. */
static bool known_before(struct check *k, const struct stm_expr *e, const struct symbol *sym)
{
    if (k->use == USE_CLAIM) return true;
    int fork = -1, node = -1;
    if (sym->kind == STM_R_CAPTURE) {
        const struct stm_capture *cap = (struct stm_capture *)k->captures.p + sym->index;
        fork = cap->fork;
        node = cap->node;
    } else if (sym->kind == STM_R_CALIBRATE) {
        fork = ((struct stm_calibrate *)k->calibrates.p + sym->index)->fork;
    } else {
        return true;
    }
    if (k->use == USE_CALIBRATE && sym->kind == STM_R_CALIBRATE) return true;
    if (fork >= 0 ? enclosing_fork(k, fork) : enclosing_node(k, node)) return true;
    struct stm_diag *d = pr_diag(k->c, "E0402", e->span,
                                 "`%s` belongs to another fork and is not known here", sym->name);
    pr_note_at(k->c, d, sym->span, "defined here");
    return false;
}

static bool readable_here(struct check *k, const struct stm_expr *e, const struct symbol *sym)
{
    for (size_t i = 0; i < sizeof readable / sizeof *readable; i++)
        if (readable[i].kind == sym->kind && (readable[i].uses & MAY(k->use)))
            return known_before(k, e, sym);
    bool per_seed = sym->kind == STM_R_CAPTURE || sym->kind == STM_R_EVENT;
    const char *code = sym->kind == STM_R_FAMILY ? "E0402"
                       : sym->kind == STM_R_BIND ? "E0201"
                       : per_seed                ? "E0303"
                                                 : "E0301";
    struct stm_diag *d = pr_diag(k->c, code, e->span, "the %s `%s` cannot be read %s",
                                 pr_kind_name(sym->kind), sym->name, use_names[k->use]);
    if (sym->kind == STM_R_FAMILY)
        pr_help(k->c, d,
                "an arm reads captures and calibrated values: `capture x = ...` at the "
                "fork, or `calibrate x = median(arm.x) need all seeds`");
    return false;
}

static struct stm_expr *symbol_value(struct check *k, const struct stm_expr *e, struct symbol *sym)
{
    if (sym->bad) return NULL;
    if (sym->value) {
        struct stm_expr *r = copy(k, sym->value);
        r->span = e->span;
        return r;
    }
    if (!readable_here(k, e, sym)) return NULL;
    return reference(k, e, (enum stm_ref_kind)sym->kind,
                     k->use == USE_CLAIM ? sym->first : sym->index);
}

static bool is_claim_word(const char *name)
{
    static const char *const words[] = {"seeds", "seed", "arm", "fork", "stop", "start", "step"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(name, words[i]) == 0) return true;
    return false;
}

static bool may_measure(struct check *k, const struct stm_expr *e)
{
    if (k->use == USE_MEASURE || k->use == USE_CLAIM || k->use == USE_CALIBRATE) return true;
    struct stm_diag *d;
    if (k->use == USE_CONST) {
        d = pr_diag(k->c, "E0303", e->span, "`%s` is measured, and a constant is needed here",
                    e->name);
    } else {
        d = pr_diag(k->c, "E0402", e->span,
                    "an intervention cannot read what is measured in its own arm");
        pr_help(k->c, d, "capture it at the fork: `capture x = %s`", pr_expr_text(k->c, e));
    }
    return false;
}

static struct stm_expr *engine_name(struct check *k, const struct stm_expr *e,
                                    const struct stm_metric_sig *m)
{
    if (m->arg != STM_A_NONE) {
        struct stm_diag *d = pr_diag(k->c, "E0301", e->span, "`%s` needs to know of what", e->name);
        pr_help(k->c, d, "write `%s(%s)`", e->name, m->arg == STM_A_GROUP ? "weights" : "test");
        return NULL;
    }
    if (!may_measure(k, e)) return NULL;
    struct stm_expr *r = reference(k, e, STM_R_ENGINE, -1);
    r->kind = STM_X_CALL;
    r->text = e->name;
    return r;
}

static struct stm_expr *r_name(struct check *k, const struct stm_expr *e)
{
    const struct stm_bind *b = pr_bind(k, e->name);
    if (b) return bind_value(k, e, b);
    struct symbol *sym = pr_symbol(k, e->name);
    if (sym) return symbol_value(k, e, sym);
    if ((MAY(k->use) & CLAIMS_CALIBRATE) && is_claim_word(e->name))
        return reference(k, e, STM_R_WORD, -1);
    const struct stm_metric_sig *m = pr_metric(k->voc, e->name);
    if (m && !(k->display && pr_function(e->name))) return engine_name(k, e, m);
    if (k->display && pr_function(e->name)) return reference(k, e, STM_R_FUNCTION, -1);
    if (pr_function(e->name))
        pr_diag(k->c, "E0301", e->span, "`%s` is a function and needs its arguments", e->name);
    else
        pr_unknown(k, e->span, e->name, k->use == USE_CONST ? "param" : "value");
    return NULL;
}

/* ---- calls ---- */

static struct stm_expr *resolve_kids(struct check *k, const struct stm_expr *e)
{
    struct stm_expr *r = copy(k, e);
    bool ok = true;
    for (unsigned i = 0; i < e->n; i++)
        if (!(r->kids[i] = pr_resolve(k, e->kids[i]))) ok = false;
    return ok ? r : NULL;
}

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
    const char *w = word_of(k, e);
    const struct symbol *sym = e->kind == STM_X_NAME ? pr_symbol(k, e->name) : NULL;
    if (w && sym && sym->kind == STM_R_BIND && !pr_bind(k, e->name))
        return reference(k, e, STM_R_BIND, sym->index);
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
    struct stm_expr *r = copy(k, e);
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
    if (!may_measure(k, e)) return NULL;
    struct stm_expr *r = reference(k, e, STM_R_ENGINE, -1);
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
    if (isfinite(x)) return pr_number_expr(k, r->span, x);
    pr_diag(k->c, "E0301", r->span, "`%s` of %s is not a number", f->name,
            pr_number_text(k->c, r->kids[0]->num));
    return NULL;
}

static struct stm_expr *function_call(struct check *k, const struct stm_expr *e,
                                      const struct function *f)
{
    bool reduced = k->use == USE_CLAIM || k->use == USE_CALIBRATE;
    if (!reduced && !f->fold) {
        struct stm_diag *d =
            pr_diag(k->c, "E0303", e->span, "`%s` cannot be used %s", e->name, use_names[k->use]);
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
    struct stm_expr *r = reference(k, e, STM_R_FUNCTION, -1);
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

static struct stm_expr *r_call(struct check *k, const struct stm_expr *e)
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

/* ---- arms and their values ---- */

static const struct stm_family *family(struct check *k, int i)
{
    struct stm_family *f = (struct stm_family *)k->families.p + i;
    const struct vec *nodes = (struct vec *)k->family_nodes.p + i;
    f->nodes = nodes->p;
    f->n_nodes = nodes->n;
    return f;
}

static bool has_bind(struct check *k, int node, const char *key)
{
    const struct stm_node *n = pr_node(k, node);
    for (unsigned i = 0; i < n->n_binds; i++)
        if (strcmp(n->binds[i].name, key) == 0) return true;
    if (n->fork < 0) return false;
    const struct stm_fork *f = pr_fork(k, n->fork);
    for (unsigned i = 0; i < f->n_binds; i++)
        if (strcmp(f->binds[i].name, key) == 0) return true;
    return has_bind(k, f->node, key);
}

static struct stm_expr *index_value(struct check *k, const struct stm_expr *e)
{
    const struct symbol *sym = e->kind == STM_X_NAME ? pr_symbol(k, e->name) : NULL;
    if (sym && sym->kind == STM_R_BIND && !pr_bind(k, e->name)) {
        if (k->every && strcmp(k->every, e->name) == 0)
            return reference(k, e, STM_R_BIND, sym->index);
        pr_diag(k->c, "E0201", e->span, "`%s` has no value here", e->name);
        return NULL;
    }
    if (e->kind == STM_X_NAME && !sym && !pr_bind(k, e->name))
        return pr_word_expr(k, e->span, e->name);
    return pr_resolve_as(k, e, USE_CONST);
}

static bool bind_is(const struct stm_bind *b, const char *key, const struct stm_expr *v)
{
    if (strcmp(b->name, key) != 0) return false;
    if (v->ref == STM_R_BIND) return true;
    if (v->kind == STM_X_NUM) return b->is_num && b->num == v->num;
    return !b->is_num && v->kind == STM_X_NAME && strcmp(b->sym, v->name) == 0;
}

static bool node_matches(struct check *k, int node, const char *key, const struct stm_expr *v)
{
    const struct stm_node *n = pr_node(k, node);
    for (unsigned i = 0; i < n->n_binds; i++)
        if (bind_is(&n->binds[i], key, v)) return true;
    if (n->fork < 0) return false;
    const struct stm_fork *f = pr_fork(k, n->fork);
    for (unsigned i = 0; i < f->n_binds; i++)
        if (bind_is(&f->binds[i], key, v)) return true;
    return node_matches(k, f->node, key, v);
}

unsigned pr_instances(struct check *k, const struct stm_expr *e, int *one)
{
    const struct stm_expr *name = e->kind == STM_X_INDEX ? e->kids[0] : e;
    const struct stm_family *f = family(k, name->index);
    unsigned n = 0;
    for (unsigned i = 0; i < f->n_nodes; i++) {
        bool all = true;
        for (unsigned j = 1; all && e->kind == STM_X_INDEX && j < e->n; j++)
            all = node_matches(k, f->nodes[i], e->keys[j - 1], e->kids[j]);
        if (!all) continue;
        if (!n++) *one = f->nodes[i];
    }
    return n;
}

static struct stm_expr *r_index(struct check *k, const struct stm_expr *e)
{
    if (e->kids[0]->kind != STM_X_NAME) {
        pr_diag(k->c, "E0301", e->kids[0]->span, "only an arm has instances");
        return NULL;
    }
    struct stm_expr *r = copy(k, e);
    if (!(r->kids[0] = pr_resolve(k, e->kids[0]))) return NULL;
    if (r->kids[0]->ref != STM_R_FAMILY) {
        pr_diag(k->c, "E0301", e->kids[0]->span, "`%s` is not an arm", e->kids[0]->name);
        return NULL;
    }
    const struct stm_family *f = family(k, r->kids[0]->index);
    if (!f->n_nodes) return NULL;
    for (unsigned i = 1; i < e->n; i++) {
        if (!has_bind(k, f->nodes[0], e->keys[i - 1])) {
            pr_diag(k->c, "E0201", e->kids[i]->span, "`%s` has no sweep variable `%s`", f->name,
                    e->keys[i - 1]);
            return NULL;
        }
        if (!(r->kids[i] = index_value(k, e->kids[i]))) return NULL;
    }
    int one;
    if (pr_instances(k, r, &one)) return r;
    struct stm_diag *d =
        pr_diag(k->c, "E0201", e->span, "no instance of `%s` has these values", f->name);
    pr_note(k->c, d, "the first one is %s", pr_node(k, f->nodes[0])->label);
    return NULL;
}

static struct stm_expr *claim_field(struct check *k, const struct stm_expr *e, struct stm_expr *of)
{
    const struct stm_claim *claim = (struct stm_claim *)k->claims.p + of->index;
    bool fit = claim->kind == STM_C_FIT;
    bool ends = !strcmp(e->name, "lo") || !strcmp(e->name, "hi");
    static const char *const parts[] = {"r2", "dr2", "aic", "n", "slope", "intercept"};
    bool known = !fit && ends;
    for (size_t i = 0; fit && i < sizeof parts / sizeof *parts; i++)
        known |= strcmp(parts[i], e->name) == 0;
    if (!known || e->n != 1) {
        struct stm_diag *d =
            pr_diag(k->c, "E0201", e->span, "`%s` has no `%s`", claim->name, e->name);
        pr_help(k->c, d,
                fit ? "a fit has r2, dr2, aic, n, slope, intercept"
                    : "a contrast or estimate with `ci` has lo and hi");
        return NULL;
    }
    if (ends && !claim->ci) {
        struct stm_diag *d = pr_diag(k->c, "E0301", e->span, "`%s` has no interval", claim->name);
        pr_note_at(k->c, d, claim->span, "defined here without `ci`");
        return NULL;
    }
    struct stm_expr *r = reference(k, e, STM_R_CLAIM, of->index);
    r->kids[0] = of;
    return r;
}

/* A calibration reads arms that are complete: not the ones whose block we are in. */
static bool finished(struct check *k, const struct stm_expr *of)
{
    const struct stm_expr *name = of->kind == STM_X_INDEX ? of->kids[0] : of;
    const struct symbol *sym = pr_symbol(k, name->name);
    if (!sym || !sym->open) return true;
    pr_diag(k->c, "E0402", of->span, "`%s` is still being trained at this point", name->name);
    return false;
}

static struct stm_expr *arm_field(struct check *k, const struct stm_expr *e, struct stm_expr *of)
{
    if (!finished(k, of)) return NULL;
    struct stm_expr *what;
    if (e->n == 2) {
        what = r_call(k, e->kids[1]);
    } else {
        struct stm_expr name = {.kind = STM_X_NAME, .name = e->name, .span = e->span, .index = -1};
        what = r_name(k, &name);
    }
    if (!what) return NULL;
    struct stm_expr *r = reference(k, e, what->ref, what->index);
    if (what->kind == STM_X_NUM) return what;
    r->kids = pr_alloc(k->c, 2 * sizeof *r->kids);
    r->kids[0] = of;
    if (e->n == 2) r->kids[1] = what;
    r->text = what->text;
    return r;
}

static struct stm_expr *r_field(struct check *k, const struct stm_expr *e)
{
    struct stm_expr *of = pr_resolve(k, e->kids[0]);
    if (!of) return NULL;
    if (of->kind == STM_X_NAME && of->ref == STM_R_CLAIM) return claim_field(k, e, of);
    if (of->ref == STM_R_FAMILY || of->kind == STM_X_INDEX) return arm_field(k, e, of);
    pr_diag(k->c, "E0301", e->span, "`%s` has no parts", pr_expr_text(k->c, of));
    return NULL;
}

/* ---- operators ---- */

static double calculate(enum stm_expr_kind kind, double a, double b)
{
    switch (kind) {
    case STM_X_ADD: return a + b;
    case STM_X_SUB: return a - b;
    case STM_X_MUL: return a * b;
    default: return a / b;
    }
}

static bool is_number(const struct stm_expr *e, double x)
{
    return e->kind == STM_X_NUM && e->num == x;
}

/* 1 * x, x * 1 and x / 1 are x, bit for bit. */
static struct stm_expr *drop_one(struct stm_expr *r)
{
    bool product = r->kind == STM_X_MUL;
    if (product && is_number(r->kids[0], 1)) return r->kids[1];
    if ((product || r->kind == STM_X_DIV) && is_number(r->kids[1], 1)) return r->kids[0];
    return r;
}

static struct stm_expr *r_arithmetic(struct check *k, const struct stm_expr *e)
{
    struct stm_expr *r = resolve_kids(k, e);
    if (!r) return r;
    if (r->kind == STM_X_NEG ? r->kids[0]->kind != STM_X_NUM
                             : r->kids[0]->kind != STM_X_NUM || r->kids[1]->kind != STM_X_NUM)
        return drop_one(r);
    if (r->kind == STM_X_NEG) return pr_number_expr(k, r->span, -r->kids[0]->num);
    double x = calculate(r->kind, r->kids[0]->num, r->kids[1]->num);
    if (isfinite(x)) return pr_number_expr(k, r->span, x);
    pr_diag(k->c, "E0301", r->span, "`%s` is not a number", pr_expr_text(k->c, r));
    return NULL;
}

static struct stm_expr *sample_place(struct check *k, const struct stm_expr *at)
{
    if (at->kind == STM_X_NAME &&
        (!strcmp(at->name, "stop") || !strcmp(at->name, "start") || !strcmp(at->name, "fork")))
        return reference(k, at, STM_R_WORD, -1);
    if (at->kind == STM_X_NUM) {
        struct stm_diag *d = pr_diag(k->c, "E0301", at->span, "a step is written `@ step N`");
        pr_label(k->c, d, "expected a time");
        return NULL;
    }
    struct stm_expr *r = pr_resolve(k, at);
    if (!r) return NULL;
    bool nearest = r->kind == STM_X_CALL && r->ref == STM_R_FUNCTION && !strcmp(r->name, "nearest");
    if (nearest || r->ref == STM_R_EVENT) return r;
    struct stm_diag *d =
        pr_diag(k->c, "E0301", at->span, "`%s` is not a place on a curve", pr_expr_text(k->c, r));
    pr_help(k->c, d,
            "sample with `@ stop`, `@ start`, `@ fork`, `@ EVENT`, `@ step N` or "
            "`@ nearest(T)`");
    return NULL;
}

static struct stm_expr *r_sample(struct check *k, const struct stm_expr *e)
{
    bool ok = true;
    if (k->use == USE_CLAIM) pr_feature(k, STM_F_SAMPLING, e->span, "`metric @ time` is", &ok);
    if (!ok) return NULL;
    struct stm_expr *r = copy(k, e);
    r->kids[0] = pr_resolve(k, e->kids[0]);
    if (e->kind == STM_X_AT_STEP) {
        double step;
        if (!pr_const_number(k, e->kids[1], "a step", &step)) return NULL;
        if (step < 0 || step != floor(step)) {
            pr_diag(k->c, "E0301", e->kids[1]->span, "a step is a whole number, not %s",
                    pr_number_text(k->c, step));
            return NULL;
        }
        r->kids[1] = pr_number_expr(k, e->kids[1]->span, step);
    } else {
        r->kids[1] = sample_place(k, e->kids[1]);
    }
    return r->kids[0] && r->kids[1] ? r : NULL;
}

static struct stm_expr *r_on(struct check *k, const struct stm_expr *e)
{
    pr_diag(k->c, "E0900", e->span, "measuring `on` something else is not in this version");
    return NULL;
}

static struct stm_expr *r_leaf(struct check *k, const struct stm_expr *e) { return copy(k, e); }

static struct stm_expr *(*const resolvers[])(struct check *, const struct stm_expr *) = {
    [STM_X_NUM] = r_leaf,        [STM_X_STR] = r_leaf,         [STM_X_NAME] = r_name,
    [STM_X_LIST] = resolve_kids, [STM_X_TUPLE] = resolve_kids, [STM_X_CALL] = r_call,
    [STM_X_FIELD] = r_field,     [STM_X_INDEX] = r_index,      [STM_X_NEG] = r_arithmetic,
    [STM_X_NOT] = resolve_kids,  [STM_X_ADD] = r_arithmetic,   [STM_X_SUB] = r_arithmetic,
    [STM_X_MUL] = r_arithmetic,  [STM_X_DIV] = r_arithmetic,   [STM_X_COMPARE] = resolve_kids,
    [STM_X_IN] = resolve_kids,   [STM_X_AND] = resolve_kids,   [STM_X_OR] = resolve_kids,
    [STM_X_AT] = r_sample,       [STM_X_AT_STEP] = r_sample,   [STM_X_ON] = r_on,
};

struct stm_expr *pr_resolve(struct check *k, const struct stm_expr *e)
{
    return resolvers[e->kind](k, e);
}

struct stm_expr *pr_resolve_as(struct check *k, const struct stm_expr *e, enum use use)
{
    enum use before = k->use;
    k->use = use;
    struct stm_expr *r = pr_resolve(k, e);
    k->use = before;
    return r;
}

bool pr_const_number(struct check *k, const struct stm_expr *e, const char *what, double *out)
{
    struct stm_expr *r = pr_resolve_as(k, e, USE_CONST);
    if (!r) return false;
    if (r->kind == STM_X_NUM) return *out = r->num, true;
    pr_diag(k->c, "E0301", e->span, "%s is a number, not `%s`", what, pr_expr_text(k->c, r));
    return false;
}
