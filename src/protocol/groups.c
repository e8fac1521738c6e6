/* The groups of the model at hand, and the settings that each has for itself. */
#include <string.h>

#include "protocol/check.h"
#include "protocol/words.h"

enum { LISTED = 16 }; /* tensors that a note names */

bool pr_is_group(const struct stm_vocab *v, const char *name)
{
    for (size_t i = 0; i < v->n_models; i++)
        if (stm_group_find(v->models[i], name, strlen(name))) return true;
    return false;
}

/* The model at hand, or any that has the group; NULL when none has. */
static const struct stm_model_sig *model_with(const struct check *k, const char *name)
{
    size_t n = strlen(name);
    if (k->model) return stm_group_find(k->model, name, n) ? k->model : NULL;
    for (size_t i = 0; i < k->voc->n_models; i++)
        if (stm_group_find(k->voc->models[i], name, n)) return k->voc->models[i];
    return NULL;
}

/* Of a model of many tensors, those groups that are no single one. */
static const char *list_groups(struct check *k)
{
    struct stm_buf *b = &k->c->scratch;
    const struct stm_model_sig *m = k->model;
    const bool many = m->n_tensors > LISTED;
    size_t mark = b->n;
    const char *g;
    for (size_t i = many ? m->n_tensors : 0; (g = stm_group_at(m, i)); i++)
        stm_buf_printf(b, "%s%s", b->n > mark ? ", " : "", g);
    if (many) stm_buf_printf(b, "; and each of its tensors, as %s", m->tensors[0].name);
    return pr_scratch_take(k->c, mark);
}

static void no_group(struct check *k, const char *name, struct stm_span at)
{
    struct stm_diag *d;
    if (!k->model) {
        d = pr_diag(k->c, "E0302", at, "no model has a group `%s`", name);
        pr_note_list(k->c, d, k->voc, PR_GROUPS);
        return;
    }
    d = pr_diag(k->c, "E0302", at, "the model `%s` has no group `%s`", k->model->sig.name, name);
    struct near near = {.name = name};
    const char *g;
    /* every W3 is close to W1 */
    for (size_t i = 0; strlen(name) > 2 && (g = stm_group_at(k->model, i)); i++) pr_near(&near, g);
    if (near.best) pr_help(k->c, d, "there is a group with a similar name: `%s`", near.best);
    pr_note(k->c, d, "its groups: %s", list_groups(k));
}

bool pr_group(struct check *k, const char *name, struct stm_span at)
{
    if (model_with(k, name)) return true;
    no_group(k, name, at);
    return false;
}

bool pr_group_is_bias(const struct check *k, const char *name)
{
    return stm_group_is_bias(model_with(k, name), name);
}

bool pr_groups_overlap(const struct check *k, const char *a, const char *b)
{
    const struct stm_model_sig *m = model_with(k, a);
    return strcmp(a, b) == 0 || (m && model_with(k, b) && stm_groups_overlap(m, a, b));
}

/* `blocks` of blocks.0.attn, which is a field of a field of it; NULL: something else. */
static const struct stm_expr *root_of(const struct stm_expr *e)
{
    while (e->kind == STM_X_FIELD && e->n == 1) e = e->kids[0];
    return e->kind == STM_X_NAME ? e : NULL;
}

const char *pr_dotted(struct check *k, const struct stm_expr *e)
{
    return root_of(e) ? pr_expr_text(k->c, e) : NULL;
}

const char *pr_free_word(struct check *k, const struct stm_expr *e)
{
    const struct stm_expr *root = root_of(e);
    bool is_free = root && !pr_bind(k, root->name) && !pr_symbol(k, root->name);
    return is_free ? pr_expr_text(k->c, e) : NULL;
}

/* ---- knobs of groups ---- */

const struct stm_param *pr_group_knob(const struct check *k, const char *name, const char **group)
{
    for (size_t i = 0; i < k->voc->n_knobs; i++) {
        const struct stm_param *p = &k->voc->knobs[i];
        size_t n = stm_knob_prefix(p);
        if (!n || strncmp(p->name, name, n) != 0 || !pr_is_group(k->voc, name + n)) continue;
        *group = name + n;
        return p;
    }
    return NULL;
}

void pr_near_knobs(struct check *k, struct near *near)
{
    const char *group;
    for (size_t i = 0; i < k->voc->n_knobs; i++) {
        const struct stm_param *p = &k->voc->knobs[i];
        size_t n = stm_knob_prefix(p);
        if (!n && !pr_is_argument(k->voc, p)) pr_near(near, p->name);
        for (size_t m = 0; n && m < k->voc->n_models; m++)
            for (size_t g = 0; (group = stm_group_at(k->voc->models[m], g)); g++)
                pr_near(near, pr_printf(k->c, "%.*s%s", (int)n, p->name, group));
    }
}
