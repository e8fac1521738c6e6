/* Values of knobs and of the arguments of tasks, models and optimizers: numbers in a range, words,
 * and words with arguments: ema(beta = 0.98). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

/* Length of "K.W." when `name` is K.W.ARG and W one of the words of the knob `p`, K; else 0. */
static size_t argument_of(const struct stm_param *p, const char *name)
{
    size_t n = strlen(p->name);
    if (!p->syms || strncmp(p->name, name, n) != 0 || name[n] != '.') return 0;
    for (unsigned i = 0; p->syms[i]; i++) {
        size_t w = strlen(p->syms[i]);
        if (strncmp(name + n + 1, p->syms[i], w) == 0 && name[n + 1 + w] == '.') return n + w + 2;
    }
    return 0;
}

bool pr_is_argument(const struct stm_vocab *v, const struct stm_param *p)
{
    for (size_t i = 0; i < v->n_knobs; i++)
        if (argument_of(&v->knobs[i], p->name)) return true;
    return false;
}

const struct stm_param *pr_knob(const struct check *k, const char *name)
{
    const char *group;
    const struct stm_param *of_group = pr_group_knob(k, name, &group);
    if (of_group) {
        struct stm_param *p = pr_alloc(k->c, sizeof *p);
        *p = *of_group;
        p->name = name;
        return p;
    }
    for (size_t i = 0; i < k->voc->n_knobs; i++) {
        const struct stm_param *p = &k->voc->knobs[i];
        if (strcmp(p->name, name) == 0 && !stm_knob_prefix(p))
            return pr_is_argument(k->voc, p) ? NULL : p;
    }
    return NULL;
}

/* ---- what a value can be ---- */

static bool is_word(const struct stm_param *p, const char *name)
{
    for (unsigned i = 0; p->syms && p->syms[i]; i++)
        if (strcmp(p->syms[i], name) == 0) return true;
    return false;
}

/* The arguments of a word of `p`, as a signature. */
static struct stm_sig word_sig(struct check *k, const struct stm_param *p, const char *word)
{
    struct vec args = {0};
    size_t n = strlen(p->name), w = strlen(word);
    for (size_t i = 0; is_word(p, word) && i < k->voc->n_knobs; i++) {
        const struct stm_param *a = &k->voc->knobs[i];
        if (argument_of(p, a->name) != n + w + 2 || strncmp(a->name + n + 1, word, w)) continue;
        struct stm_param *arg = pr_push(k->c, &args, sizeof *arg);
        *arg = *a;
        arg->name += n + w + 2;
    }
    return (struct stm_sig){.name = word, .params = args.p, .n_params = args.n};
}

bool pr_takes_arguments(struct check *k, const struct stm_param *p, const char *word)
{
    return word_sig(k, p, word).n_params > 0;
}

static void put_word(struct check *k, const struct stm_param *p, const char *word)
{
    struct stm_sig sig = word_sig(k, p, word);
    struct stm_buf *b = &k->c->scratch;
    stm_buf_printf(b, "%s", word);
    for (size_t i = 0; i < sig.n_params; i++)
        stm_buf_printf(b, "%s%s", i ? ", " : "(", sig.params[i].name);
    if (sig.n_params) stm_buf_printf(b, ")");
}

static void put_range(struct stm_buf *b, const struct stm_param *p)
{
    stm_buf_printf(b, "%s", p->kind == STM_K_INT ? "a whole number" : "a number");
    if (isfinite(p->min)) {
        stm_buf_printf(b, " %s ", p->open_min ? "above" : "from");
        stm_buf_number(b, p->min);
    }
    if (isfinite(p->max)) {
        stm_buf_printf(b, "%s %s ", p->open_max && isfinite(p->min) ? " and" : "",
                       p->open_max ? "below" : "to");
        stm_buf_number(b, p->max);
    }
}

void pr_put_domain(struct stm_buf *b, const struct stm_param *p)
{
    size_t mark = b->n;
    if (p->kind == STM_K_INT || p->kind == STM_K_NUM) put_range(b, p);
    if (p->kind == STM_K_BOOL) stm_buf_printf(b, "on or off");
    for (size_t i = 0; p->syms && p->syms[i]; i++)
        stm_buf_printf(b, "%s%s", b->n > mark ? (i ? ", " : ", or ") : "", p->syms[i]);
}

static const char *domain(struct check *k, const struct stm_param *p)
{
    struct stm_buf *b = &k->c->scratch;
    size_t mark = b->n, words = 0;
    if (p->kind == STM_K_INT || p->kind == STM_K_NUM) put_range(b, p);
    if (p->kind == STM_K_BOOL) stm_buf_printf(b, "on or off");
    for (; p->syms && p->syms[words]; words++) {
        stm_buf_printf(b, "%s", b->n > mark ? (words ? ", " : ", or ") : "");
        put_word(k, p, p->syms[words]);
    }
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
    return is_word(p, name);
}

bool pr_fits(struct check *k, const struct stm_param *p, const struct stm_expr *e)
{
    bool plain = e->ref == STM_R_NONE;
    if (e->kind == STM_X_NUM && in_range(p, e->num)) return true;
    if (e->kind == STM_X_NAME && plain && pr_is_value(p, e->name)) return true;
    if (e->kind == STM_X_CALL && plain && is_word(p, e->name)) return true;
    struct near near = {.name = e->name ? e->name : ""};
    for (unsigned i = 0; p->syms && p->syms[i]; i++) pr_near(&near, p->syms[i]);
    struct stm_diag *d =
        pr_diag(k->c, "E0301", e->span, "`%s` cannot be %s", p->name, pr_expr_text(k->c, e));
    pr_label(k->c, d, "expected %s", domain(k, p));
    if (near.best) pr_help(k->c, d, "there is a value with a similar name: `%s`", near.best);
    return false;
}

struct stm_expr *pr_default_expr(struct check *k, const struct stm_param *p, struct stm_span at)
{
    char *end;
    double x = strtod(p->def, &end);
    return *end == 0 && end != p->def ? pr_number_expr(k, at, x) : pr_word_expr(k, at, p->def);
}

/* ---- arguments ---- */

static bool known_keys(struct check *k, const struct stm_sig *sig, const struct stm_expr *call,
                       bool first_plain)
{
    bool ok = true;
    for (unsigned i = 0; i < call->n; i++) {
        struct near near = {.name = call->keys[i] ? call->keys[i] : ""};
        bool known = false, twice = false;
        if (!call->keys[i] && i == 0 && first_plain && sig->n_params) continue;
        for (size_t j = 0; j < sig->n_params; j++) {
            pr_near(&near, sig->params[j].name);
            known |= strcmp(sig->params[j].name, near.name) == 0;
            twice |= i && j == 0 && known && first_plain && !call->keys[0];
        }
        for (unsigned j = 0; j < i; j++)
            twice |= call->keys[j] && strcmp(call->keys[j], near.name) == 0;
        if (known && !twice) continue;
        ok = false;
        struct stm_diag *d;
        if (!call->keys[i])
            d = pr_diag(k->c, "E0301", call->kids[i]->span,
                        sig->n_params ? "arguments of `%s` are named" : "`%s` takes no arguments",
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

static const struct stm_expr *given_argument(const struct stm_expr *call, const char *name,
                                             bool plain)
{
    const struct stm_expr *given = plain && call->n && !call->keys[0] ? call->kids[0] : NULL;
    for (unsigned j = 0; j < call->n; j++)
        if (call->keys[j] && strcmp(call->keys[j], name) == 0) given = call->kids[j];
    return given;
}

struct stm_expr **pr_arguments(struct check *k, const struct stm_sig *sig,
                               const struct stm_expr *call, bool first_plain)
{
    bool known = known_keys(k, sig, call, first_plain), ok = known;
    struct stm_expr **out = pr_alloc(k->c, sig->n_params * sizeof *out);
    for (size_t i = 0; i < sig->n_params; i++) {
        const struct stm_param *p = &sig->params[i];
        const struct stm_expr *given = given_argument(call, p->name, first_plain && i == 0);
        if (given)
            out[i] = pr_value(k, p, given);
        else if (p->def)
            out[i] = pr_default_expr(k, p, call->span);
        else if (known) /* else it may be the one that was misspelt */
            pr_diag(k->c, "E0301", call->span, "`%s` needs `%s = ...`", sig->name, p->name);
        if (!out[i]) ok = false;
    }
    return ok ? out : NULL;
}

/* ema(0.98, lambda = 2) -> ema(beta = 0.98, lambda = 2), every argument in its place */
static struct stm_expr *call_value(struct check *k, const struct stm_sig *sig,
                                   const struct stm_expr *e)
{
    struct stm_expr call = *e;
    if (e->kind == STM_X_NAME) call.keys = NULL;
    struct stm_expr **kids = pr_arguments(k, sig, &call, true);
    if (!kids) return NULL;
    if (!sig->n_params) return pr_word_expr(k, e->span, sig->name);
    const char **keys = pr_alloc(k->c, sig->n_params * sizeof *keys);
    for (size_t i = 0; i < sig->n_params; i++) keys[i] = sig->params[i].name;
    struct stm_expr *r = pr_alloc(k->c, sizeof *r);
    *r = (struct stm_expr){.kind = STM_X_CALL,
                           .span = e->span,
                           .name = sig->name,
                           .index = -1,
                           .n = (unsigned)sig->n_params,
                           .kids = kids,
                           .keys = keys};
    return r;
}

bool pr_is_word_value(struct check *k, const struct stm_param *p, const struct stm_expr *e,
                      struct stm_expr **out)
{
    bool call = e->kind == STM_X_CALL && p->syms;
    if (e->kind != STM_X_NAME && !call) return false;
    if (e->kind == STM_X_NAME && pr_bind(k, e->name)) return false;
    struct stm_sig sig = word_sig(k, p, e->name);
    if (sig.n_params || (call && is_word(p, e->name))) return *out = call_value(k, &sig, e), true;
    if (call) {
        if (pr_function(e->name) || pr_metric(k->voc, e->name)) return false;
        pr_fits(k, p, e);
        return *out = NULL, true;
    }
    bool free = !pr_symbol(k, e->name) && pr_map_get(&k->declared, e->name) < 0;
    bool function = !p->syms && p->kind != STM_K_BOOL && pr_function(e->name);
    if (!pr_is_value(p, e->name) && (!free || function)) return false;
    *out = pr_word_expr(k, e->span, e->name);
    return true;
}

struct stm_expr *pr_value(struct check *k, const struct stm_param *p, const struct stm_expr *e)
{
    struct stm_expr *v;
    if (!pr_is_word_value(k, p, e, &v)) v = pr_resolve_as(k, e, USE_CONST);
    return v && pr_fits(k, p, v) ? v : NULL;
}

static bool is_default(const struct stm_param *p, const struct stm_expr *v)
{
    char *end;
    if (!p->def) return false;
    if (v->kind == STM_X_NAME) return strcmp(p->def, v->name) == 0;
    return v->kind == STM_X_NUM && strtod(p->def, &end) == v->num && end != p->def && !*end;
}

void pr_put_assigns(struct check *k, struct vec *out, const char *key, const struct stm_param *p,
                    const struct stm_expr *v)
{
    struct stm_assign *a = pr_push(k->c, out, sizeof *a);
    *a = (struct stm_assign){.key = key, .at_default = is_default(p, v)};
    a->is_num = v->kind == STM_X_NUM;
    a->num = a->is_num ? v->num : 0;
    a->sym = a->is_num ? NULL : v->name;
    if (v->kind != STM_X_CALL) return;
    struct stm_sig sig = word_sig(k, p, v->name);
    for (unsigned i = 0; i < v->n; i++)
        pr_put_assigns(k, out, pr_printf(k->c, "%s.%s.%s", key, v->name, v->keys[i]),
                       &sig.params[i], v->kids[i]);
}
