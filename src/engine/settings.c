#include "engine/settings.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "engine/call.h"

static const char *const part_names[STM_PARTS] = {"model", "optimizer", "task"};

/* ---- parts and keys ---- */

static const struct stm_sig *part_sig(enum stm_part part, size_t i)
{
    const struct stm_vocab *v = stm_engine_vocab();
    switch (part) {
    case STM_PART_MODEL: return i < v->n_models ? &v->models[i]->sig : NULL;
    case STM_PART_OPTIMIZER: return i < v->n_optimizers ? v->optimizers[i] : NULL;
    default: return i < v->n_tasks ? v->tasks[i] : NULL;
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

/* A parameter and where its value lives. */
struct slot {
    const struct stm_param *param;
    double *value;
};

static struct slot find_arg(struct stm_settings *s, enum stm_part part, const char *name)
{
    const struct stm_sig *sig = stm_settings_part(s, part);
    for (size_t i = 0; sig && i < sig->n_params; i++)
        if (strcmp(sig->params[i].name, name) == 0)
            return (struct slot){&sig->params[i], &s->arg[part][i]};
    return (struct slot){0};
}

static struct slot find_slot(struct stm_settings *s, const char *key)
{
    const struct stm_vocab *v = stm_engine_vocab();
    for (size_t i = 0; i < v->n_knobs; i++) {
        if (strcmp(v->knobs[i].name, key) != 0) continue;
        if (stm_knob_alias[i]) return find_arg(s, STM_PART_OPTIMIZER, stm_knob_alias[i]);
        return (struct slot){&v->knobs[i], &s->knob[i]};
    }
    for (int part = 0; part < STM_PARTS; part++) {
        size_t n = strlen(part_names[part]);
        if (strncmp(key, part_names[part], n) == 0 && key[n] == '.')
            return find_arg(s, (enum stm_part)part, key + n + 1);
    }
    return (struct slot){0};
}

static void append(char *list, size_t size, const char *word)
{
    size_t n = strlen(list);
    snprintf(list + n, size - n, "%s%s", n ? ", " : "", word);
}

static int unknown_key(const struct stm_settings *s, const char *key, struct stm_err *err)
{
    const struct stm_vocab *v = stm_engine_vocab();
    char list[240] = "";
    for (int part = 0; part < STM_PARTS; part++) {
        size_t n = strlen(part_names[part]);
        if (strncmp(key, part_names[part], n) != 0 || key[n] != '.') continue;
        const struct stm_sig *sig = stm_settings_part(s, (enum stm_part)part);
        if (!sig)
            return stm_fail(err, STM_E_INVALID, "`%s` before a %s is chosen", key,
                            part_names[part]);
        for (size_t i = 0; i < sig->n_params; i++) append(list, sizeof list, sig->params[i].name);
        return stm_fail(err, STM_E_INVALID, "%s `%s` has no argument `%s`; it has %s",
                        part_names[part], sig->name, key + n + 1, list);
    }
    for (size_t i = 0; i < v->n_knobs; i++) {
        if (strcmp(v->knobs[i].name, key) == 0)
            return stm_fail(err, STM_E_INVALID, "`%s` before an optimizer is chosen", key);
        int word;
        if (stm_knob_owner((int)i, &word) >= 0) continue;
        if (i == STM_KNOB_LR_E)
            append(list, sizeof list, "lr.GROUP");
        else if (!stm_knob_lr_group((int)i))
            append(list, sizeof list, v->knobs[i].name);
    }
    return stm_fail(err, STM_E_INVALID, "unknown setting `%s`; there is model, optimizer, task, %s",
                    key, list);
}

/* ---- setting ---- */

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
    *slot.value = value + 0.0; /* -0 becomes 0: one value, one text */
    return 0;
}

static int choose_part(struct stm_settings *s, enum stm_part part, const char *name,
                       struct stm_err *err)
{
    char list[160] = "";
    const struct stm_sig *sig;
    for (size_t i = 0; (sig = part_sig(part, i)); i++) {
        append(list, sizeof list, sig->name);
        if (strcmp(sig->name, name) != 0) continue;
        s->part[part] = (int)i;
        for (size_t k = 0; k < sig->n_params; k++)
            s->arg[part][k] = stm_param_default(&sig->params[k]);
        return 0;
    }
    return stm_fail(err, STM_E_INVALID, "there is no %s `%s`; there is %s", part_names[part], name,
                    list);
}

int stm_settings_sym(struct stm_settings *s, const char *key, const char *value,
                     struct stm_err *err)
{
    for (int part = 0; part < STM_PARTS; part++)
        if (strcmp(key, part_names[part]) == 0)
            return choose_part(s, (enum stm_part)part, value, err);
    struct slot slot = find_slot(s, key);
    if (!slot.param) return unknown_key(s, key, err);
    if (!slot.param->syms)
        return stm_fail(err, STM_E_INVALID, "`%s` is a number, not `%s`", key, value);
    int i = find_symbol(slot.param, value);
    if (i < 0) {
        char list[160] = "";
        for (const char *const *sym = slot.param->syms; *sym; sym++)
            append(list, sizeof list, *sym);
        return stm_fail(err, STM_E_INVALID, "%s = %s is not known; there is %s", key, value, list);
    }
    *slot.value = stm_param_symbol(slot.param, i);
    return 0;
}

/* ---- holds and freezes ---- */

static int check_group(const struct stm_settings *s, const char *group,
                       const struct stm_group **sig, struct stm_err *err)
{
    if (stm_group_mask(s->part[STM_PART_MODEL], group, sig)) return 0;
    return stm_fail(err, STM_E_INVALID, "the model has no group `%s`", group);
}

static bool takes(enum stm_arg_kind kind, const struct stm_quantity *q)
{
    switch (kind) {
    case STM_A_NONE: return q->n == 0;
    case STM_A_GROUP: return q->n == 1 && !q->rows;
    case STM_A_GROUPS: return q->n > 1;
    case STM_A_ROWS: return q->rows;
    default: return false;
    }
}

/* The line of the table for a quantity, or STM_E_INVALID. */
static int find_hold(const struct stm_quantity *q, unsigned *type, struct stm_err *err)
{
    static const char *const words[] = {[STM_A_NONE] = "nothing in parentheses",
                                        [STM_A_GROUP] = "a group: norm(weights)",
                                        [STM_A_GROUPS] = "two or more groups: share(E, W1)"};
    const struct stm_vocab *v = stm_engine_vocab();
    const struct stm_hold_sig *same = NULL;
    for (size_t i = 0; i < v->n_holds; i++) {
        if (strcmp(v->holds[i]->name, q->name) != 0) continue;
        if (!same) same = v->holds[i];
        if (!takes(v->holds[i]->arg, q)) continue;
        *type = (unsigned)i;
        return 0;
    }
    if (!same) return stm_fail(err, STM_E_INVALID, "`%s` cannot be held", q->name);
    return stm_fail(err, STM_E_INVALID, "`%s` takes %s", q->name, words[same->arg]);
}

/* Canonical text: no blanks. */
static void quantity_text(const struct stm_quantity *q, char *out, size_t size)
{
    size_t n =
        (size_t)snprintf(out, size, "%s%s%s", q->name, q->n ? "(" : "", q->rows ? "rows(" : "");
    for (size_t i = 0; i < q->n; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%s", i ? "," : "", q->arg[i]);
    snprintf(out + n, size - n, "%s%s", q->rows ? ")" : "", q->n ? ")" : "");
}

/* Reads "norm(weights)" into type, groups and canonical text. */
static int read_quantity(const struct stm_settings *s, const char *quantity, struct stm_hold *out,
                         struct stm_err *err)
{
    const struct stm_group *sig = NULL;
    struct stm_quantity q;
    if (!stm_quantity_parse(&q, quantity))
        return stm_fail(err, STM_E_INVALID, "`%s` is not a quantity like norm(weights)", quantity);
    int rc = find_hold(&q, &out->type, err);
    uint32_t seen = 0;
    for (size_t i = 0; !rc && i < q.n; i++) {
        rc = check_group(s, q.arg[i], &sig, err);
        if (rc) return rc;
        if (sig->bias)
            return stm_fail(err, STM_E_INVALID, "the norm of a group of biases (`%s`) is not held",
                            q.arg[i]);
        uint32_t mask = stm_group_mask(s->part[STM_PART_MODEL], q.arg[i], NULL);
        if (seen & mask)
            return stm_fail(err, STM_E_INVALID, "%s: `%s` shares a tensor with another group",
                            q.name, q.arg[i]);
        seen |= mask;
        snprintf(out->group[i], sizeof out->group[i], "%s", q.arg[i]);
    }
    out->n_groups = q.n;
    quantity_text(&q, out->quantity, sizeof out->quantity);
    return rc;
}

/* One value above 0, or a share for each group. */
static int check_values(const struct stm_hold *h, struct stm_err *err)
{
    bool many = stm_engine_vocab()->holds[h->type]->arg == STM_A_GROUPS;
    size_t want = many ? h->n_groups : 1;
    double sum = 0;
    if (h->n != want)
        return stm_fail(err, STM_E_INVALID, "hold %s takes %zu value%s, not %zu", h->quantity, want,
                        want > 1 ? "s" : "", h->n);
    for (size_t i = 0; i < h->n; i++) {
        sum += h->v[i];
        if ((many ? h->v[i] >= 0 : h->v[i] > 0) && isfinite(h->v[i])) continue;
        return stm_fail(err, STM_E_INVALID, "hold %s = %g: it must be %s 0 and finite", h->quantity,
                        h->v[i], many ? "at least" : "above");
    }
    if (many && !(sum > 0.999 && sum < 1.001))
        return stm_fail(err, STM_E_INVALID, "hold %s: the shares add up to %g, not to 1",
                        h->quantity, sum);
    return 0;
}

int stm_settings_hold(struct stm_settings *s, const char *quantity, enum stm_hold_op op,
                      const double *v, size_t n, struct stm_err *err)
{
    struct stm_hold h = {.op = op, .n = n};
    int rc = read_quantity(s, quantity, &h, err);
    if (rc) return rc;
    if (op == STM_HOLD_LE && !stm_engine_vocab()->holds[h.type]->upper_bound)
        return stm_fail(err, STM_E_INVALID, "hold %s has no <=", h.quantity);
    for (size_t i = 0; i < n && i < STM_HOLD_VALUES_MAX; i++) h.v[i] = v[i];
    rc = check_values(&h, err);
    if (rc) return rc;
    for (size_t i = 0; i < s->n_holds; i++) {
        if (strcmp(s->hold[i].quantity, h.quantity) != 0) continue;
        s->hold[i] = h;
        return 0;
    }
    if (s->n_holds == STM_HOLDS_MAX)
        return stm_fail(err, STM_E_INVALID, "more than %d holds at a time", STM_HOLDS_MAX);
    s->hold[s->n_holds++] = h;
    return 0;
}

int stm_settings_freeze(struct stm_settings *s, const char *group, struct stm_err *err)
{
    int rc = check_group(s, group, NULL, err);
    if (rc) return rc;
    size_t at = 0;
    while (at < s->n_freezes && strcmp(s->freeze[at], group) < 0) at++;
    if (at < s->n_freezes && strcmp(s->freeze[at], group) == 0) return 0;
    if (s->n_freezes == STM_FREEZES_MAX)
        return stm_fail(err, STM_E_INVALID, "more than %d frozen groups", STM_FREEZES_MAX);
    memmove(s->freeze[at + 1], s->freeze[at], (s->n_freezes - at) * sizeof s->freeze[0]);
    snprintf(s->freeze[at], sizeof s->freeze[at], "%s", group);
    s->n_freezes++;
    return 0;
}

int stm_settings_release(struct stm_settings *s, const char *target, struct stm_err *err)
{
    struct stm_hold h;
    bool quantity = read_quantity(s, target, &h, NULL) == 0;
    for (size_t i = 0; quantity && i < s->n_holds; i++) {
        if (strcmp(s->hold[i].quantity, h.quantity) != 0) continue;
        s->n_holds--;
        memmove(&s->hold[i], &s->hold[i + 1], (s->n_holds - i) * sizeof s->hold[0]);
        return 0;
    }
    for (size_t i = 0; i < s->n_freezes; i++) {
        if (strcmp(s->freeze[i], target) != 0) continue;
        s->n_freezes--;
        memmove(s->freeze[i], s->freeze[i + 1], (s->n_freezes - i) * sizeof s->freeze[0]);
        return 0;
    }
    return stm_fail(err, STM_E_NOTFOUND, "no hold or freeze of `%s` is in force", target);
}

/* ---- what goes together ---- */

void stm_blame_put(struct stm_blame *b, ...)
{
    va_list ap;
    const char *key;
    if (!b) return;
    *b = (struct stm_blame){0};
    va_start(ap, b);
    for (int i = 0; i < STM_BLAME_MAX && (key = va_arg(ap, const char *)); i++)
        snprintf(b->key[i], sizeof b->key[i], "%s", key);
    va_end(ap);
}

static int parts_complete(const struct stm_settings *s, struct stm_err *err)
{
    for (int part = 0; part < STM_PARTS; part++) {
        const struct stm_sig *sig = stm_settings_part(s, (enum stm_part)part);
        if (!sig) return stm_fail(err, STM_E_INVALID, "no %s is chosen", part_names[part]);
        for (size_t i = 0; i < sig->n_params; i++)
            if (isnan(s->arg[part][i]))
                return stm_fail(err, STM_E_INVALID, "%s `%s` needs `%s`", part_names[part],
                                sig->name, sig->params[i].name);
    }
    return 0;
}

/* Every word in force has its arguments. */
static int words_complete(const struct stm_settings *s, struct stm_blame *blame,
                          struct stm_err *err)
{
    const struct stm_param *knobs = stm_engine_vocab()->knobs;
    for (int k = 0; k < STM_KNOBS; k++) {
        int word, owner = stm_knob_owner(k, &word);
        if (owner < 0 || s->knob[owner] != word || !isnan(s->knob[k])) continue;
        stm_blame_put(blame, knobs[owner].name, NULL);
        return stm_fail(err, STM_E_INVALID, "%s = %s needs `%s`", knobs[owner].name,
                        knobs[owner].syms[word], knobs[k].name);
    }
    return 0;
}

static int no_group(const char *group, const char *key, struct stm_blame *blame,
                    struct stm_err *err)
{
    stm_blame_put(blame, key, NULL);
    return stm_fail(err, STM_E_INVALID, "the model has no group `%s`", group);
}

/* No tensor of the hold is frozen. */
static int not_frozen(const struct stm_settings *s, const struct stm_hold *h, uint32_t mask,
                      struct stm_blame *blame, struct stm_err *err)
{
    for (size_t i = 0; i < s->n_freezes; i++) {
        if (!(mask & stm_group_mask(s->part[STM_PART_MODEL], s->freeze[i], NULL))) continue;
        stm_blame_put(blame, h->quantity, s->freeze[i], NULL);
        return stm_fail(err, STM_E_INVALID, "hold %s would move a tensor that `freeze %s` keeps",
                        h->quantity, s->freeze[i]);
    }
    return 0;
}

static int hold_complete(const struct stm_settings *s, const struct stm_hold *h,
                         struct stm_blame *blame, struct stm_err *err)
{
    for (size_t i = 0; i < h->n_groups; i++) {
        uint32_t mask = stm_group_mask(s->part[STM_PART_MODEL], h->group[i], NULL);
        if (!mask) return no_group(h->group[i], h->quantity, blame, err);
        int rc = not_frozen(s, h, mask, blame, err);
        if (rc) return rc;
    }
    if (stm_holds[h->type]->temperature && s->knob[STM_KNOB_LOGITS] != 0) {
        stm_blame_put(blame, h->quantity, "logits", NULL);
        return stm_fail(err, STM_E_INVALID,
                        "hold %s moves the temperature and needs logits = plain", h->quantity);
    }
    return 0;
}

int stm_settings_complete(const struct stm_settings *s, struct stm_blame *blame,
                          struct stm_err *err)
{
    int rc = parts_complete(s, err);
    if (!rc) rc = words_complete(s, blame, err);
    for (int k = 0; !rc && k < STM_KNOBS; k++) {
        const char *group = stm_knob_lr_group(k);
        if (group && !isnan(s->knob[k]) && check_group(s, group, NULL, err))
            rc = no_group(group, stm_engine_vocab()->knobs[k].name, blame, err);
    }
    for (size_t i = 0; !rc && i < s->n_freezes; i++)
        if (check_group(s, s->freeze[i], NULL, err))
            rc = no_group(s->freeze[i], s->freeze[i], blame, err);
    for (size_t i = 0; !rc && i < s->n_holds; i++) rc = hold_complete(s, &s->hold[i], blame, err);
    return rc;
}

/* ---- life ---- */

int stm_settings_new(struct stm_settings **out, struct stm_err *err)
{
    struct stm_settings *s = stm_calloc(1, sizeof *s);
    if (!s) return stm_fail(err, STM_E_NOMEM, "no memory for settings");
    for (int part = 0; part < STM_PARTS; part++) s->part[part] = -1;
    for (int i = 0; i < STM_KNOBS; i++)
        s->knob[i] = stm_param_default(&stm_engine_vocab()->knobs[i]);
    *out = s;
    return 0;
}

int stm_settings_copy(struct stm_settings **out, const struct stm_settings *s, struct stm_err *err)
{
    struct stm_settings *copy = stm_malloc(sizeof *copy);
    if (!copy) return stm_fail(err, STM_E_NOMEM, "no memory for settings");
    *copy = *s;
    copy->text = (struct stm_buf){0};
    *out = copy;
    return 0;
}

void stm_settings_free(struct stm_settings *s)
{
    if (!s) return;
    stm_buf_release(&s->text);
    stm_free(s);
}
