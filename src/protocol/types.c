/* The types of resolved expressions. Each rule reports its own errors and gives TY_BAD, which
 * everything above passes on in silence. */
#include <string.h>

#include "protocol/check.h"

struct ty pr_bad(void) { return (struct ty){.base = TY_BAD}; }

static struct ty plain(enum ty_base base) { return (struct ty){.base = base}; }
static struct ty in_arm(enum ty_base base) { return (struct ty){.base = base, .open = true}; }

static struct ty t_leaf(struct check *k, const struct stm_expr *e)
{
    (void)k;
    return plain(e->kind == STM_X_NUM ? TY_NUM : TY_SYM);
}

static struct ty word_type(const struct stm_expr *e)
{
    if (strcmp(e->name, "seeds") == 0) return plain(TY_SEEDS);
    if (strcmp(e->name, "step") == 0) return in_arm(TY_CURVE);
    if (strcmp(e->name, "arm") == 0 || strcmp(e->name, "seed") == 0) return plain(TY_SYM);
    return in_arm(TY_SEED); /* fork, start, stop: steps of each seed */
}

static struct ty claim_type(struct check *k, int index)
{
    const struct stm_claim *c = (struct stm_claim *)k->claims.p + index;
    return plain(c->kind == STM_C_FIT ? TY_FIT : TY_CLAIM);
}

static struct ty bind_type(struct check *k, const struct stm_expr *e)
{
    const struct symbol *sym = pr_symbol(k, e->name);
    return in_arm(sym ? sym->type.base : TY_NUM);
}

/* While it is measured an event is a yes or no, whether it has come; afterwards it is its time. */
static struct ty event_type(const struct check *k)
{
    struct ty t = in_arm(k->use == USE_MEASURE ? TY_CURVE : TY_TIME);
    t.truth = t.base == TY_CURVE;
    return t;
}

/* What a NAME or the name of a FIELD stands for. */
static struct ty ref_type(struct check *k, const struct stm_expr *e)
{
    const struct symbol *sym = pr_symbol(k, e->name);
    switch (e->ref) {
    case STM_R_NONE: return plain(TY_SYM);
    case STM_R_LET: return sym->type;
    case STM_R_EVENT: return event_type(k);
    case STM_R_METRIC:
    case STM_R_ENGINE: return in_arm(TY_CURVE);
    case STM_R_CAPTURE: return in_arm(TY_SEED);
    case STM_R_CALIBRATE: return plain(TY_ACROSS);
    case STM_R_BIND: return bind_type(k, e);
    case STM_R_FAMILY:
    case STM_R_FORK: return plain(TY_ARMS);
    case STM_R_CLAIM: return claim_type(k, e->index);
    case STM_R_WORD: return word_type(e);
    default: return plain(TY_SYM);
    }
}

static struct ty t_call(struct check *k, const struct stm_expr *e)
{
    if (e->ref == STM_R_ENGINE) return in_arm(TY_CURVE);
    return pr_function(e->name)->type(k, e);
}

static struct ty t_field(struct check *k, const struct stm_expr *e)
{
    if (e->ref == STM_R_CLAIM) return plain(TY_ACROSS); /* lo, hi, r2 */
    struct ty t = e->n == 2 ? t_call(k, e->kids[1]) : ref_type(k, e);
    if (e->n != 2 && e->ref == STM_R_EVENT) t = plain(TY_TIME);
    int one;
    t.open = false;
    t.cells = pr_instances(k, e->kids[0], &one) > 1;
    for (unsigned i = 1; e->kids[0]->kind == STM_X_INDEX && i < e->kids[0]->n; i++)
        if (e->kids[0]->kids[i]->ref == STM_R_BIND) t.cells = false;
    return t;
}

static struct ty t_list(struct check *k, const struct stm_expr *e)
{
    bool arms = e->n > 0;
    for (unsigned i = 0; i < e->n; i++) {
        struct ty t = pr_type(k, e->kids[i]);
        if (t.base == TY_BAD) return t;
        arms &= t.base == TY_ARMS;
    }
    return plain(arms ? TY_ARMS : TY_SYM);
}

static bool is_number(enum ty_base b) { return (b >= TY_NUM && b <= TY_CURVE) || b == TY_CLAIM; }

static struct ty not_a_number(struct check *k, const struct stm_expr *e, struct ty t)
{
    struct stm_diag *d =
        pr_diag(k->c, "E0301", e->span, "`%s` is not a number", pr_expr_text(k->c, e));
    if (t.base == TY_ARMS) pr_help(k->c, d, "name one of its values: `arm.delay`");
    if (t.base == TY_SEEDS) pr_help(k->c, d, "write `count(seeds)`");
    if (t.base == TY_FIT) pr_help(k->c, d, "a fit has r2, dr2, aic, n, slope, intercept");
    return pr_bad();
}

/* The wider of two kinds of number: curve > time > per seed > across > constant. */
static struct ty join(struct check *k, const struct stm_expr *e, struct ty a, struct ty b)
{
    if (a.base == TY_CLAIM) a.base = TY_ACROSS;
    if (b.base == TY_CLAIM) b.base = TY_ACROSS;
    struct ty t = {.base = a.base > b.base ? a.base : b.base,
                   .open = a.open || b.open,
                   .cells = a.cells || b.cells};
    if (t.base == TY_CURVE && k->use != USE_MEASURE) {
        struct stm_diag *d =
            pr_diag(k->c, "E0304", e->span, "arithmetic on a curve that was not sampled");
        pr_help(k->c, d, "sample it first: `metric @ stop`, `@ EVENT`, `@ step N`, `@ nearest(T)`");
        return pr_bad();
    }
    return t;
}

static struct ty fold_kids(struct check *k, const struct stm_expr *e, bool truth_in)
{
    struct ty t = pr_type(k, e->kids[0]);
    for (unsigned i = 0; i < e->n && t.base != TY_BAD; i++) {
        struct ty u = i ? pr_type(k, e->kids[i]) : t;
        if (u.base == TY_BAD) return u;
        if (!is_number(u.base)) return not_a_number(k, e->kids[i], u);
        if (u.truth && !truth_in) {
            pr_diag(k->c, "E0301", e->kids[i]->span, "`%s` is a yes or no, not a number",
                    pr_expr_text(k->c, e->kids[i]));
            return pr_bad();
        }
        t = i || u.base == TY_CLAIM ? join(k, e, t, u) : t;
    }
    return t;
}

static struct ty t_arithmetic(struct check *k, const struct stm_expr *e)
{
    struct ty t = fold_kids(k, e, false);
    if (t.base == TY_CURVE && k->use != USE_MEASURE) return join(k, e, t, t);
    return t;
}

static struct ty t_compare(struct check *k, const struct stm_expr *e)
{
    struct ty t = fold_kids(k, e, false);
    t.truth = t.base != TY_BAD;
    if (t.base == TY_TIME) t.base = TY_SEED; /* censored times sort as +inf */
    return t;
}

static struct ty t_in(struct check *k, const struct stm_expr *e)
{
    const struct stm_expr *range = e->kids[1];
    if (range->kind != STM_X_LIST || range->n != 2) {
        struct stm_diag *d = pr_diag(k->c, "E0301", range->span, "`in` takes an interval");
        pr_help(k->c, d, "write `x in [lo, hi]`");
        return pr_bad();
    }
    const struct stm_expr *lo = range->kids[0], *hi = range->kids[1];
    if (lo->kind == STM_X_NUM && hi->kind == STM_X_NUM && lo->num > hi->num) {
        struct stm_diag *d = pr_diag(k->c, "E0503", range->span, "the interval is reversed");
        pr_help(k->c, d, "write `[%s, %s]`", pr_number_text(k->c, hi->num),
                pr_number_text(k->c, lo->num));
        return pr_bad();
    }
    struct stm_expr *kids[3] = {e->kids[0], range->kids[0], range->kids[1]};
    struct stm_expr flat = {.kind = STM_X_COMPARE, .span = e->span, .n = 3, .kids = kids};
    return t_compare(k, &flat);
}

static struct ty t_logic(struct check *k, const struct stm_expr *e)
{
    struct ty t = fold_kids(k, e, true);
    for (unsigned i = 0; i < e->n && t.base != TY_BAD; i++) {
        struct ty u = pr_type(k, e->kids[i]);
        if (u.truth) continue;
        pr_diag(k->c, "E0301", e->kids[i]->span, "`%s` is not a yes or no",
                pr_expr_text(k->c, e->kids[i]));
        return pr_bad();
    }
    t.truth = t.base != TY_BAD;
    return t;
}

static struct ty t_sample(struct check *k, const struct stm_expr *e)
{
    struct ty t = pr_type(k, e->kids[0]);
    if (t.base == TY_BAD) return t;
    if (t.base != TY_CURVE) {
        pr_diag(k->c, "E0304", e->kids[0]->span, "only a curve can be sampled with `@`");
        return pr_bad();
    }
    const struct stm_expr *at = e->kids[1];
    if (at->kind == STM_X_CALL) {
        struct ty when = pr_type(k, at->kids[0]);
        if (when.base == TY_BAD) return when;
        if (when.base == TY_CURVE || !is_number(when.base) || when.truth) {
            pr_diag(k->c, "E0301", at->kids[0]->span, "`nearest` takes a step");
            return pr_bad();
        }
    }
    t.base = TY_SEED;
    return t;
}

static struct ty (*const rules[])(struct check *, const struct stm_expr *) = {
    [STM_X_NUM] = t_leaf,       [STM_X_STR] = t_leaf,       [STM_X_NAME] = ref_type,
    [STM_X_LIST] = t_list,      [STM_X_TUPLE] = t_list,     [STM_X_CALL] = t_call,
    [STM_X_FIELD] = t_field,    [STM_X_INDEX] = ref_type,   [STM_X_NEG] = t_arithmetic,
    [STM_X_NOT] = t_logic,      [STM_X_ADD] = t_arithmetic, [STM_X_SUB] = t_arithmetic,
    [STM_X_MUL] = t_arithmetic, [STM_X_DIV] = t_arithmetic, [STM_X_COMPARE] = t_compare,
    [STM_X_IN] = t_in,          [STM_X_AND] = t_logic,      [STM_X_OR] = t_logic,
    [STM_X_AT] = t_sample,      [STM_X_AT_STEP] = t_sample, [STM_X_ON] = t_leaf,
};

struct ty pr_type(struct check *k, const struct stm_expr *e)
{
    if (e->kind == STM_X_INDEX) return plain(TY_ARMS);
    return rules[e->kind](k, e);
}

bool pr_want_one(struct check *k, const struct stm_expr *e, const char *where, bool truth)
{
    struct ty t = pr_type(k, e);
    struct stm_diag *d;
    if (t.base == TY_BAD) return false;
    if (truth && !t.truth) {
        d = pr_diag(k->c, "E0301", e->span, "%s is a yes or no", where);
        pr_help(k->c, d, "write a comparison: `x > 0`, `x in [lo, hi]`");
    } else if (!truth && t.truth) {
        pr_diag(k->c, "E0301", e->span, "%s is a number, not a yes or no", where);
        return false;
    } else if (t.base == TY_CURVE) {
        d = pr_diag(k->c, "E0304", e->span, "%s is one number, and this is a curve", where);
        pr_help(k->c, d, "sample it and take it over seeds: median(metric @ stop)");
    } else if (t.base == TY_SEED || t.base == TY_TIME) {
        d = pr_diag(k->c, "E0303", e->span, "%s is one number, and this has one per seed", where);
        pr_help(k->c, d, "take it over seeds: median(...), frac(...), count(...)");
    } else if (t.cells) {
        d = pr_diag(k->c, "E0303", e->span,
                    "%s is one number, and this has one for each arm of a sweep", where);
        pr_help(k->c, d, "name one arm: `arm[variable = value]`");
    } else if (!is_number(t.base)) {
        not_a_number(k, e, t);
    } else {
        return true;
    }
    return false;
}
