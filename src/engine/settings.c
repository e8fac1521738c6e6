#include "engine/settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"

const char *const stm_part_names[STM_PARTS] = {"model", "optimizer", "task"};

static int no_memory(struct stm_err *err)
{
    return stm_fail(err, STM_E_NOMEM, "no memory for settings");
}

/* ---- parts and keys ---- */

static const struct stm_sig *part_sig(enum stm_part part, size_t i)
{
    switch (part) {
    case STM_PART_MODEL: return stm_models[i] ? &stm_models[i]->sig.sig : NULL;
    case STM_PART_OPTIMIZER: return stm_optimizers[i] ? &stm_optimizers[i]->sig : NULL;
    default: return stm_tasks[i] ? &stm_tasks[i]->sig : NULL;
    }
}

const struct stm_sig *stm_settings_part(const struct stm_settings *s, enum stm_part part)
{
    return s->part[part] < 0 ? NULL : part_sig(part, (size_t)s->part[part]);
}

static int find_symbol(const struct stm_param *p, const char *name)
{
    for (int i = 0; p->syms && p->syms[i]; i++)
        if (strcmp(p->syms[i], name) == 0) return i;
    return -1;
}

double stm_param_symbol(const struct stm_param *p, int i)
{
    return p->kind == STM_K_SYM ? i : -1 - i;
}

double stm_param_default(const struct stm_param *p)
{
    if (!p->def) return NAN;
    int i = find_symbol(p, p->def);
    return i < 0 ? strtod(p->def, NULL) : stm_param_symbol(p, i);
}

const char *stm_settings_group(const struct stm_settings *s, const char *name, size_t n)
{
    return stm_group_name(s->part[STM_PART_MODEL], name, n);
}

/* A parameter and where its value lives. */
struct slot {
    const struct stm_param *param; /* NULL: there is no such key */
    double *value;                 /* NULL: a knob of a group, */
    int knob;                      /* which it is, */
    const char *group;             /* and of which */
};

static struct slot find_arg(struct stm_settings *s, enum stm_part part, const char *name)
{
    const struct stm_sig *sig = stm_settings_part(s, part);
    for (size_t i = 0; sig && i < sig->n_params; i++)
        if (strcmp(sig->params[i].name, name) == 0)
            return (struct slot){.param = &sig->params[i], .value = &s->arg[part][i]};
    return (struct slot){0};
}

/* `lr.E` is a key as long as any model has an E: whether this one has is asked when all is set. */
static struct slot find_group_knob(int knob, const struct stm_param *p, const char *key)
{
    size_t n = stm_knob_prefix(p);
    if (n == 0 || strncmp(p->name, key, n) != 0) return (struct slot){0};
    const char *group = stm_group_name(-1, key + n, strlen(key + n));
    return (struct slot){.param = group ? p : NULL, .knob = knob, .group = group};
}

static struct slot find_slot(struct stm_settings *s, const char *key)
{
    for (int i = 0; i < STM_KNOBS; i++) {
        struct slot of_group = find_group_knob(i, &stm_knobs[i], key);
        if (of_group.param) return of_group;
        if (strcmp(stm_knobs[i].name, key) != 0 || stm_knob_prefix(&stm_knobs[i])) continue;
        if (stm_knob_alias[i]) return find_arg(s, STM_PART_OPTIMIZER, stm_knob_alias[i]);
        return (struct slot){.param = &stm_knobs[i], .value = &s->knob[i]};
    }
    for (int part = 0; part < STM_PARTS; part++) {
        size_t n = strlen(stm_part_names[part]);
        if (strncmp(key, stm_part_names[part], n) == 0 && key[n] == '.')
            return find_arg(s, (enum stm_part)part, key + n + 1);
    }
    return (struct slot){0};
}

const struct stm_param *stm_settings_param(struct stm_settings *s, const char *key)
{
    return find_slot(s, key).param;
}

static int unknown_argument(const struct stm_settings *s, enum stm_part part, const char *key,
                            struct stm_err *err)
{
    const struct stm_sig *sig = stm_settings_part(s, part);
    const char *name = stm_part_names[part];
    struct stm_buf list = {0};
    if (!sig) return stm_fail(err, STM_E_INVALID, "`%s` before a %s is chosen", key, name);
    for (size_t i = 0; i < sig->n_params; i++)
        stm_buf_printf(&list, "%s%s", i ? ", " : "", sig->params[i].name);
    int rc = stm_fail(err, STM_E_INVALID, "%s `%s` has no argument `%s`; it has %s", name,
                      sig->name, key + strlen(name) + 1, stm_buf_text(&list));
    stm_buf_release(&list);
    return rc;
}

static int unknown_key(const struct stm_settings *s, const char *key, struct stm_err *err)
{
    struct stm_buf list = {0};
    for (int part = 0; part < STM_PARTS; part++) {
        size_t n = strlen(stm_part_names[part]);
        if (strncmp(key, stm_part_names[part], n) == 0 && key[n] == '.')
            return unknown_argument(s, (enum stm_part)part, key, err);
    }
    for (int i = 0; i < STM_KNOBS; i++)
        if (strcmp(stm_knobs[i].name, key) == 0 && !stm_knob_prefix(&stm_knobs[i]))
            return stm_fail(err, STM_E_INVALID, "`%s` before an optimizer is chosen", key);
    for (int i = 0; i < STM_KNOBS; i++) {
        int word;
        if (stm_knob_owner(i, &word) < 0)
            stm_buf_printf(&list, "%s%s", list.n ? ", " : "", stm_knobs[i].name);
    }
    int rc =
        stm_fail(err, STM_E_INVALID, "unknown setting `%s`; there is model, optimizer, task, %s",
                 key, stm_buf_text(&list));
    stm_buf_release(&list);
    return rc;
}

/* ---- setting ---- */

static int put_group_knob(struct stm_settings *s, const struct slot *slot, double value,
                          struct stm_err *err)
{
    for (size_t i = 0; i < s->n_group_knobs; i++) {
        struct stm_group_knob *k = &s->group_knob[i];
        if (k->knob != slot->knob || strcmp(k->group, slot->group) != 0) continue;
        k->value = value;
        return 0;
    }
    struct stm_group_knob *list =
        stm_settings_grow(s, s->group_knob, s->n_group_knobs, sizeof *list);
    if (!list) return no_memory(err);
    list[s->n_group_knobs++] = (struct stm_group_knob){slot->knob, slot->group, value};
    s->group_knob = list;
    return 0;
}

static int put(struct stm_settings *s, const struct slot *slot, double value, struct stm_err *err)
{
    if (slot->group) return put_group_knob(s, slot, value, err);
    *slot->value = value;
    return 0;
}

int stm_settings_num(struct stm_settings *s, const char *key, double value, struct stm_err *err)
{
    struct slot slot = find_slot(s, key);
    const struct stm_param *p = slot.param;
    if (!p) return unknown_key(s, key, err);
    if (p->kind == STM_K_SYM)
        return stm_fail(err, STM_E_INVALID, "`%s` is a name, not a number", key);
    bool low = p->open_min ? !(value > p->min) : !(value >= p->min);
    bool high = p->open_max ? !(value < p->max) : !(value <= p->max);
    if (low || high)
        return stm_fail(err, STM_E_INVALID, "%s = %g is outside %c%g, %g%c", key, value,
                        p->open_min ? '(' : '[', p->min, p->max, p->open_max ? ')' : ']');
    if (p->kind == STM_K_INT && value != floor(value))
        return stm_fail(err, STM_E_INVALID, "%s = %g is not a whole number", key, value);
    return put(s, &slot, value + 0.0, err); /* -0 becomes 0: one value, one text */
}

static int unknown_part(enum stm_part part, const char *name, struct stm_err *err)
{
    struct stm_buf list = {0};
    const struct stm_sig *sig;
    for (size_t i = 0; (sig = part_sig(part, i)); i++)
        stm_buf_printf(&list, "%s%s", i ? ", " : "", sig->name);
    int rc = stm_fail(err, STM_E_INVALID, "there is no %s `%s`; there is %s", stm_part_names[part],
                      name, stm_buf_text(&list));
    stm_buf_release(&list);
    return rc;
}

static int choose_part(struct stm_settings *s, enum stm_part part, const char *name,
                       struct stm_err *err)
{
    const struct stm_sig *sig;
    int i = 0;
    while ((sig = part_sig(part, (size_t)i)) && strcmp(sig->name, name) != 0) i++;
    if (!sig) return unknown_part(part, name, err);
    double *arg = stm_arena_alloc(&s->arena, sig->n_params * sizeof *arg);
    if (!arg) return no_memory(err);
    for (size_t k = 0; k < sig->n_params; k++) arg[k] = stm_param_default(&sig->params[k]);
    s->arg[part] = arg;
    s->part[part] = i;
    return 0;
}

int stm_settings_sym(struct stm_settings *s, const char *key, const char *value,
                     struct stm_err *err)
{
    for (int part = 0; part < STM_PARTS; part++)
        if (strcmp(key, stm_part_names[part]) == 0)
            return choose_part(s, (enum stm_part)part, value, err);
    struct slot slot = find_slot(s, key);
    if (!slot.param) return unknown_key(s, key, err);
    if (!slot.param->syms)
        return stm_fail(err, STM_E_INVALID, "`%s` is a number, not `%s`", key, value);
    int i = find_symbol(slot.param, value);
    if (i >= 0) return put(s, &slot, stm_param_symbol(slot.param, i), err);
    struct stm_buf list = {0};
    for (const char *const *sym = slot.param->syms; *sym; sym++)
        stm_buf_printf(&list, "%s%s", list.n ? ", " : "", *sym);
    int rc = stm_fail(err, STM_E_INVALID, "%s = %s is not known; there is %s", key, value,
                      stm_buf_text(&list));
    stm_buf_release(&list);
    return rc;
}

/* ---- life ---- */

void stm_settings_begin(struct stm_settings *s)
{
    *s = (struct stm_settings){0};
    for (int part = 0; part < STM_PARTS; part++) s->part[part] = -1;
    for (int i = 0; i < STM_KNOBS; i++) s->knob[i] = stm_param_default(&stm_knobs[i]);
}

void stm_settings_end(struct stm_settings *s)
{
    stm_buf_release(&s->text);
    stm_arena_release(&s->arena);
}

void *stm_settings_grow(struct stm_settings *s, void *list, size_t n, size_t size)
{
    if (n & (n - 1)) return list; /* the room is a power of two, and n fills it where n is one */
    void *more = stm_arena_alloc(&s->arena, (n ? 2 * n : 1) * size);
    if (more && n) memcpy(more, list, n * size);
    return more;
}

/* A copy of n elements in the settings' memory; NULL when it is out. */
static void *keep(struct stm_settings *s, const void *list, size_t n, size_t size)
{
    size_t room = 1;
    while (room < n) room *= 2;
    void *copy = stm_arena_alloc(&s->arena, room * size);
    if (copy && n) memcpy(copy, list, n * size);
    return copy;
}

static bool clone_hold(struct stm_settings *s, struct stm_hold *h)
{
    h->quantity = stm_arena_strndup(&s->arena, h->quantity, strlen(h->quantity));
    h->group = keep(s, h->group, h->n_groups, sizeof *h->group);
    h->v = keep(s, h->v, h->n, sizeof *h->v);
    return h->quantity && h->group && h->v;
}

int stm_settings_clone(struct stm_settings *out, const struct stm_settings *s, struct stm_err *err)
{
    *out = *s;
    out->text = (struct stm_buf){0};
    out->arena = (struct stm_arena){0};
    for (int part = 0; part < STM_PARTS; part++) {
        const struct stm_sig *sig = stm_settings_part(s, (enum stm_part)part);
        if (sig && !(out->arg[part] = keep(out, s->arg[part], sig->n_params, sizeof *s->arg[part])))
            return no_memory(err);
    }
    out->group_knob = keep(out, s->group_knob, s->n_group_knobs, sizeof *s->group_knob);
    out->hold = keep(out, s->hold, s->n_holds, sizeof *s->hold);
    out->freeze = keep(out, s->freeze, s->n_freezes, sizeof *s->freeze);
    if (!out->group_knob || !out->hold || !out->freeze) return no_memory(err);
    for (size_t i = 0; i < out->n_holds; i++)
        if (!clone_hold(out, &out->hold[i])) return no_memory(err);
    return 0;
}

int stm_settings_new(struct stm_settings **out, struct stm_err *err)
{
    struct stm_settings *s = stm_malloc(sizeof *s);
    if (!s) return no_memory(err);
    stm_settings_begin(s);
    *out = s;
    return 0;
}

int stm_settings_copy(struct stm_settings **out, const struct stm_settings *s, struct stm_err *err)
{
    struct stm_settings *copy = stm_malloc(sizeof *copy);
    if (!copy) return no_memory(err);
    int rc = stm_settings_clone(copy, s, err);
    if (rc)
        stm_settings_free(copy);
    else
        *out = copy;
    return rc;
}

void stm_settings_free(struct stm_settings *s)
{
    if (!s) return;
    stm_settings_end(s);
    stm_free(s);
}
