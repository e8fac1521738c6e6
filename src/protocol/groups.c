#include <string.h>

#include "protocol/check.h"
#include "protocol/words.h"

static const struct stm_group *group_of(const struct stm_model_sig *m, const char *name)
{
    for (size_t i = 0; i < m->n_groups; i++)
        if (strcmp(m->groups[i].name, name) == 0) return &m->groups[i];
    return NULL;
}

static const char *list_groups(struct check *k)
{
    size_t mark = k->c->scratch.n;
    for (size_t i = 0; k->model && i < k->model->n_groups; i++)
        stm_buf_printf(&k->c->scratch, "%s%s", i ? ", " : "", k->model->groups[i].name);
    return pr_scratch_take(k->c, mark);
}

const struct stm_group *pr_group(struct check *k, const char *name, struct stm_span at)
{
    const struct stm_group *g = k->model ? group_of(k->model, name) : NULL;
    for (size_t i = 0; !k->model && !g && i < k->voc->n_models; i++)
        g = group_of(k->voc->models[i], name);
    if (g) return g;
    struct stm_diag *d;
    if (!k->model) {
        d = pr_diag(k->c, "E0302", at, "no model has a group `%s`", name);
        pr_note_list(k->c, d, k->voc, PR_GROUPS);
        return NULL;
    }
    d = pr_diag(k->c, "E0302", at, "the model `%s` has no group `%s`", k->model->sig.name, name);
    struct near near = {.name = name};
    /* every W3 is close to W1 */
    for (size_t i = 0; name[0] && name[1] && name[2] && i < k->model->n_groups; i++)
        pr_near(&near, k->model->groups[i].name);
    if (near.best) pr_help(k->c, d, "there is a group with a similar name: `%s`", near.best);
    pr_note(k->c, d, "its groups: %s", list_groups(k));
    return NULL;
}

static const struct stm_group *find(const struct check *k, const char *name)
{
    if (k->model) return group_of(k->model, name);
    for (size_t i = 0; i < k->voc->n_models; i++) {
        const struct stm_group *g = group_of(k->voc->models[i], name);
        if (g) return g;
    }
    return NULL;
}

bool pr_has_group(const struct check *k, const char *name) { return find(k, name) != NULL; }

/* `all` holds everything, another composite the groups that are biases as it is or is not. */
bool pr_groups_overlap(const struct check *k, const char *a, const char *b)
{
    if (strcmp(a, b) == 0 || strcmp(a, "all") == 0 || strcmp(b, "all") == 0) return true;
    const struct stm_group *x = find(k, a), *y = find(k, b);
    if (!x || !y) return false;
    return (x->composite || y->composite) && x->bias == y->bias;
}
