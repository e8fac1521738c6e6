/* From a parsed expression to one whose names are looked up, sweep variables substituted and
 * constants folded. */
#include <math.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/number.h"

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

const char *pr_use_name(const struct check *k) { return use_names[k->use]; }

struct stm_expr *pr_copy(struct check *k, const struct stm_expr *e)
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

struct stm_expr *pr_reference(struct check *k, const struct stm_expr *e, enum stm_ref_kind ref,
                              int index)
{
    struct stm_expr *r = pr_copy(k, e);
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
        if (strcmp(v->metrics[i]->name, name) == 0) return v->metrics[i];
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
                                 pr_kind_name(sym->kind), sym->name, pr_use_name(k));
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
        struct stm_expr *r = pr_copy(k, sym->value);
        r->span = e->span;
        return r;
    }
    if (!readable_here(k, e, sym)) return NULL;
    return pr_reference(k, e, (enum stm_ref_kind)sym->kind,
                        k->use == USE_CLAIM ? sym->first : sym->index);
}

static bool is_claim_word(const char *name)
{
    static const char *const words[] = {"seeds", "seed", "arm", "fork", "stop", "start", "step"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(name, words[i]) == 0) return true;
    return false;
}

bool pr_may_measure(struct check *k, const struct stm_expr *e)
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
    if (!pr_may_measure(k, e)) return NULL;
    struct stm_expr *r = pr_reference(k, e, STM_R_ENGINE, -1);
    r->kind = STM_X_CALL;
    r->text = e->name;
    return r;
}

struct stm_expr *pr_resolve_name(struct check *k, const struct stm_expr *e)
{
    const struct stm_bind *b = pr_bind(k, e->name);
    if (b) return bind_value(k, e, b);
    struct symbol *sym = pr_symbol(k, e->name);
    if (sym) return symbol_value(k, e, sym);
    if ((MAY(k->use) & CLAIMS_CALIBRATE) && is_claim_word(e->name))
        return pr_reference(k, e, STM_R_WORD, -1);
    const struct stm_metric_sig *m = pr_metric(k->voc, e->name);
    if (m && !(k->display && pr_function(e->name))) return engine_name(k, e, m);
    if (k->display && pr_function(e->name)) return pr_reference(k, e, STM_R_FUNCTION, -1);
    if (pr_function(e->name))
        pr_diag(k->c, "E0301", e->span, "`%s` is a function and needs its arguments", e->name);
    else
        pr_unknown(k, e->span, e->name, k->use == USE_CONST ? "param" : "value");
    return NULL;
}

struct stm_expr *pr_resolve_kids(struct check *k, const struct stm_expr *e)
{
    struct stm_expr *r = pr_copy(k, e);
    bool ok = true;
    for (unsigned i = 0; i < e->n; i++)
        if (!(r->kids[i] = pr_resolve(k, e->kids[i]))) ok = false;
    return ok ? r : NULL;
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
    struct stm_expr *r = pr_resolve_kids(k, e);
    if (!r) return r;
    if (r->kind == STM_X_NEG ? r->kids[0]->kind != STM_X_NUM
                             : r->kids[0]->kind != STM_X_NUM || r->kids[1]->kind != STM_X_NUM)
        return drop_one(r);
    if (r->kind == STM_X_NEG) return pr_number_expr(k, r->span, -r->kids[0]->num);
    double a = r->kids[0]->num, b = r->kids[1]->num, x = calculate(r->kind, a, b);
    bool quotient = r->kind == STM_X_DIV, product = r->kind == STM_X_MUL || quotient;
    bool zero = product && (a == 0 || (b == 0 && !quotient));
    if (product && !zero ? pr_number_holds(x) : isfinite(x)) return pr_number_expr(k, r->span, x);
    pr_diag(k->c, "E0301", r->span, "`%s` is %s", pr_expr_text(k->c, r),
            isnan(x) || (quotient && b == 0) ? "not a number" : "outside of the domain of numbers");
    return NULL;
}

/* A global step, or a number of them: whole, 0 or more. */
static struct stm_expr *sample_number(struct check *k, const struct stm_expr *e)
{
    double step;
    if (!pr_const_number(k, e, "a step", &step)) return NULL;
    if (step >= 0 && step == floor(step)) return pr_number_expr(k, e->span, step);
    pr_diag(k->c, "E0301", e->span, "a step is a whole number, not %s", pr_number_text(k->c, step));
    return NULL;
}

static bool is_place(const struct stm_expr *e)
{
    return e->kind == STM_X_NAME &&
           (!strcmp(e->name, "stop") || !strcmp(e->name, "start") || !strcmp(e->name, "fork"));
}

static struct stm_expr *sample_place(struct check *k, const struct stm_expr *at)
{
    if (is_place(at)) return pr_reference(k, at, STM_R_WORD, -1);
    if (at->kind == STM_X_NUM) {
        struct stm_diag *d = pr_diag(k->c, "E0301", at->span, "a step is written `@ step N`");
        pr_label(k->c, d, "expected a time");
        return NULL;
    }
    if (at->kind == STM_X_ADD && is_place(at->kids[0]) && !strcmp(at->kids[0]->name, "fork")) {
        struct stm_expr *r = pr_copy(k, at);
        r->kids[0] = pr_reference(k, at->kids[0], STM_R_WORD, -1);
        r->kids[1] = sample_number(k, at->kids[1]);
        return r->kids[1] ? r : NULL;
    }
    struct stm_expr *r = pr_resolve(k, at);
    if (!r) return NULL;
    bool nearest = r->kind == STM_X_CALL && r->ref == STM_R_FUNCTION && !strcmp(r->name, "nearest");
    if (nearest || r->ref == STM_R_EVENT) return r;
    struct stm_diag *d =
        pr_diag(k->c, "E0301", at->span, "`%s` is not a place on a curve", pr_expr_text(k->c, r));
    pr_help(k->c, d,
            "sample with `@ stop`, `@ start`, `@ fork`, `@ EVENT`, `@ step N`, `@ + N steps` or "
            "`@ nearest(T)`");
    return NULL;
}

static struct stm_expr *r_sample(struct check *k, const struct stm_expr *e)
{
    bool ok = true;
    if (k->use == USE_CLAIM) pr_feature(k, STM_F_SAMPLING, e->span, "`metric @ time` is", &ok);
    if (!ok) return NULL;
    struct stm_expr *r = pr_copy(k, e);
    r->kids[0] = pr_resolve(k, e->kids[0]);
    r->kids[1] =
        e->kind == STM_X_AT_STEP ? sample_number(k, e->kids[1]) : sample_place(k, e->kids[1]);
    return r->kids[0] && r->kids[1] ? r : NULL;
}

static struct stm_expr *r_on(struct check *k, const struct stm_expr *e)
{
    pr_diag(k->c, "E0900", e->span, "measuring `on` something else is not in this version");
    return NULL;
}

static struct stm_expr *r_leaf(struct check *k, const struct stm_expr *e) { return pr_copy(k, e); }

static struct stm_expr *(*const resolvers[])(struct check *, const struct stm_expr *) = {
    [STM_X_NUM] = r_leaf,
    [STM_X_STR] = r_leaf,
    [STM_X_NAME] = pr_resolve_name,
    [STM_X_LIST] = pr_resolve_kids,
    [STM_X_TUPLE] = pr_resolve_kids,
    [STM_X_CALL] = pr_resolve_call,
    [STM_X_FIELD] = pr_resolve_field,
    [STM_X_INDEX] = pr_resolve_index,
    [STM_X_NEG] = r_arithmetic,
    [STM_X_NOT] = pr_resolve_kids,
    [STM_X_ADD] = r_arithmetic,
    [STM_X_SUB] = r_arithmetic,
    [STM_X_MUL] = r_arithmetic,
    [STM_X_DIV] = r_arithmetic,
    [STM_X_COMPARE] = pr_resolve_kids,
    [STM_X_IN] = pr_resolve_kids,
    [STM_X_AND] = pr_resolve_kids,
    [STM_X_OR] = pr_resolve_kids,
    [STM_X_AT] = r_sample,
    [STM_X_AT_STEP] = r_sample,
    [STM_X_ON] = r_on,
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
