/* The groups of a model, from the tensors that it names. */
#include "stemma/vocab.h"

#include <string.h>

/* ---- names ---- */

/* `name` against a pattern of n letters, in which * stands for any of them. */
static bool matches(const char *pattern, size_t n, const char *name)
{
    for (; n && *pattern != '*'; n--, pattern++, name++)
        if (*name != *pattern) return false;
    if (!n) return *name == '\0';
    do {
        if (matches(pattern + 1, n - 1, name)) return true;
    } while (*name++);
    return false;
}

static bool is_listed(const char *list, const char *name)
{
    for (const char *at = list; *at; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        if (matches(at, n, name)) return true;
        at += n;
    }
    return false;
}

static bool is_same(const char *name, const char *p, size_t n)
{
    return strncmp(name, p, n) == 0 && name[n] == '\0';
}

/* ---- groups ---- */

static bool in_weights(const struct stm_tensor_sig *t) { return !t->bias; }
static bool in_biases(const struct stm_tensor_sig *t) { return t->bias; }
static bool in_all(const struct stm_tensor_sig *t) { return t != NULL; }

/* Those of every model. */
static const struct {
    const char *name;
    bool (*has)(const struct stm_tensor_sig *t);
} common[] = {{"weights", in_weights}, {"biases", in_biases}, {"all", in_all}};

enum { COMMON = sizeof common / sizeof *common };

bool stm_group_has(const struct stm_model_sig *m, const char *group, size_t tensor)
{
    const struct stm_tensor_sig *t = &m->tensors[tensor];
    if (strcmp(t->name, group) == 0) return true;
    for (size_t i = 0; i < m->n_groups; i++)
        if (strcmp(m->groups[i].name, group) == 0) return is_listed(m->groups[i].tensors, t->name);
    for (size_t i = 0; i < COMMON; i++)
        if (strcmp(common[i].name, group) == 0) return common[i].has(t);
    return false;
}

static bool is_empty(const struct stm_model_sig *m, const char *group)
{
    for (size_t i = 0; i < m->n_tensors; i++)
        if (stm_group_has(m, group, i)) return false;
    return true;
}

/* The i-th tensor that is a bias, or is none; NULL when there are fewer. */
static const char *tensor_at(const struct stm_model_sig *m, bool bias, size_t i)
{
    for (size_t k = 0; k < m->n_tensors; k++)
        if (m->tensors[k].bias == bias && i-- == 0) return m->tensors[k].name;
    return NULL;
}

const char *stm_group_at(const struct stm_model_sig *m, size_t i)
{
    size_t biases = 0;
    for (size_t k = 0; k < m->n_tensors; k++) biases += m->tensors[k].bias;
    const size_t weights = m->n_tensors - biases;
    if (i < weights) return tensor_at(m, false, i);
    if (i < m->n_tensors) return tensor_at(m, true, i - weights);
    i -= m->n_tensors;
    if (i < m->n_groups) return m->groups[i].name;
    i -= m->n_groups;
    for (size_t k = 0; k < COMMON; k++)
        if (!is_empty(m, common[k].name) && i-- == 0) return common[k].name;
    return NULL;
}

const char *stm_group_find(const struct stm_model_sig *m, const char *name, size_t n)
{
    for (size_t i = 0; i < m->n_tensors; i++)
        if (is_same(m->tensors[i].name, name, n)) return m->tensors[i].name;
    for (size_t i = 0; i < m->n_groups; i++)
        if (is_same(m->groups[i].name, name, n)) return m->groups[i].name;
    for (size_t i = 0; i < COMMON; i++)
        if (is_same(common[i].name, name, n))
            return is_empty(m, common[i].name) ? NULL : common[i].name;
    return NULL;
}

bool stm_group_is_bias(const struct stm_model_sig *m, const char *group)
{
    for (size_t i = 0; i < m->n_tensors; i++)
        if (!m->tensors[i].bias && stm_group_has(m, group, i)) return false;
    return true;
}

bool stm_group_within(const struct stm_model_sig *m, const char *a, const char *b)
{
    for (size_t i = 0; i < m->n_tensors; i++)
        if (stm_group_has(m, a, i) && !stm_group_has(m, b, i)) return false;
    return true;
}

bool stm_groups_overlap(const struct stm_model_sig *m, const char *a, const char *b)
{
    for (size_t i = 0; i < m->n_tensors; i++)
        if (stm_group_has(m, a, i) && stm_group_has(m, b, i)) return true;
    return false;
}

/* ---- knobs ---- */

size_t stm_knob_prefix(const struct stm_param *knob)
{
    static const char suffix[] = ".GROUP";
    const size_t n = strlen(knob->name), s = sizeof suffix - 1;
    return n > s && strcmp(knob->name + n - s, suffix) == 0 ? n - s + 1 : 0;
}
