/* What is read in an arm or of a claim: up[tau = 1], up.T, value.lo. */
#include <string.h>

#include "protocol/check.h"

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
            return pr_reference(k, e, STM_R_BIND, sym->index);
        pr_diag(k->c, "E0201", e->span, "`%s` has no value here", e->name);
        return NULL;
    }
    const char *word = pr_free_word(k, e);
    return word ? pr_word_expr(k, e->span, word) : pr_resolve_as(k, e, USE_CONST);
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

static void put_binds(struct stm_buf *b, const struct stm_bind *binds, unsigned n, size_t mark)
{
    for (unsigned i = 0; i < n; i++)
        stm_buf_printf(b, "%s%s = %s", b->n > mark ? ", " : "", binds[i].name, binds[i].text);
}

const char *pr_instance_text(struct check *k, int node)
{
    struct stm_buf *b = &k->c->scratch;
    const char *name = pr_node(k, node)->name;
    size_t mark = b->n;
    for (int n = node; n >= 0;) {
        put_binds(b, pr_node(k, n)->binds, pr_node(k, n)->n_binds, mark);
        int fork = pr_node(k, n)->fork;
        if (fork >= 0) put_binds(b, pr_fork(k, fork)->binds, pr_fork(k, fork)->n_binds, mark);
        n = fork < 0 ? -1 : pr_fork(k, fork)->node;
    }
    const char *binds = pr_scratch_take(k->c, mark);
    return *binds ? pr_printf(k->c, "%s[%s]", name, binds) : name;
}

struct stm_expr *pr_resolve_index(struct check *k, const struct stm_expr *e)
{
    if (e->kids[0]->kind != STM_X_NAME) {
        pr_diag(k->c, "E0301", e->kids[0]->span, "only an arm has instances");
        return NULL;
    }
    struct stm_expr *r = pr_copy(k, e);
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
    pr_note(k->c, d, "the first one is %s", pr_instance_text(k, f->nodes[0]));
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
    struct stm_expr *r = pr_reference(k, e, STM_R_CLAIM, of->index);
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
        what = pr_resolve_call(k, e->kids[1]);
    } else {
        struct stm_expr name = {.kind = STM_X_NAME, .name = e->name, .span = e->span, .index = -1};
        what = pr_resolve_name(k, &name);
    }
    if (!what) return NULL;
    struct stm_expr *r = pr_reference(k, e, what->ref, what->index);
    if (what->kind == STM_X_NUM) return what;
    r->kids = pr_alloc(k->c, 2 * sizeof *r->kids);
    r->kids[0] = of;
    if (e->n == 2) r->kids[1] = what;
    r->text = what->text;
    return r;
}

struct stm_expr *pr_resolve_field(struct check *k, const struct stm_expr *e)
{
    struct stm_expr *of = pr_resolve(k, e->kids[0]);
    if (!of) return NULL;
    if (of->kind == STM_X_NAME && of->ref == STM_R_CLAIM) return claim_field(k, e, of);
    if (of->ref == STM_R_FAMILY || of->kind == STM_X_INDEX) return arm_field(k, e, of);
    pr_diag(k->c, "E0301", e->span, "`%s` has no parts", pr_expr_text(k->c, of));
    return NULL;
}
