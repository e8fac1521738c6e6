/* What settings keep as it is: holds and freezes. */
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "engine/call.h"
#include "engine/settings.h"

static int no_memory(struct stm_err *err)
{
    return stm_fail(err, STM_E_NOMEM, "no memory for settings");
}

static int no_group(struct stm_word w, struct stm_err *err)
{
    return stm_fail(err, STM_E_INVALID, "the model has no group `%.*s`", STM_WORD_ARG(w));
}

/* The chosen model, or the first one that has the group. */
static const struct stm_model_sig *model_with(const struct stm_settings *s, const char *group)
{
    size_t m = s->part[STM_PART_MODEL] < 0 ? 0 : (size_t)s->part[STM_PART_MODEL];
    while (!stm_group_find(&stm_models[m]->sig, group, strlen(group))) m++;
    return &stm_models[m]->sig;
}

/* ---- quantities ---- */

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
    const struct stm_hold_sig *same = NULL;
    for (size_t i = 0; stm_holds[i]; i++) {
        const struct stm_hold_sig *sig = &stm_holds[i]->sig;
        if (!stm_word_is(q->name, sig->name)) continue;
        if (!same) same = sig;
        if (!takes(sig->arg, q)) continue;
        *type = (unsigned)i;
        return 0;
    }
    if (!same) return stm_fail(err, STM_E_INVALID, "`%.*s` cannot be held", STM_WORD_ARG(q->name));
    return stm_fail(err, STM_E_INVALID, "`%.*s` takes %s", STM_WORD_ARG(q->name), words[same->arg]);
}

/* Without blanks. */
static char *quantity_text(struct stm_settings *s, const struct stm_hold *h)
{
    const struct stm_hold_sig *sig = &stm_holds[h->type]->sig;
    const bool rows = sig->arg == STM_A_ROWS;
    struct stm_buf b = {0};
    stm_buf_printf(&b, "%s%s", sig->name, h->n_groups ? rows ? "(rows(" : "(" : "");
    for (size_t i = 0; i < h->n_groups; i++) stm_buf_printf(&b, "%s%s", i ? "," : "", h->group[i]);
    stm_buf_printf(&b, "%s", h->n_groups ? rows ? "))" : ")" : "");
    char *text = b.failed ? NULL : stm_arena_strndup(&s->arena, stm_buf_text(&b), b.n);
    stm_buf_release(&b);
    return text;
}

/* The i-th group of a quantity: there, no biases alone, no tensor of one before it. */
static int read_group(const struct stm_settings *s, const struct stm_quantity *q, struct stm_word w,
                      struct stm_hold *h, size_t i, struct stm_err *err)
{
    h->group[i] = stm_settings_group(s, w.p, w.n);
    if (!h->group[i]) return no_group(w, err);
    const struct stm_model_sig *m = model_with(s, h->group[i]);
    if (stm_group_is_bias(m, h->group[i]))
        return stm_fail(err, STM_E_INVALID, "the norm of a group of biases (`%s`) is not held",
                        h->group[i]);
    for (size_t k = 0; k < i; k++)
        if (stm_groups_overlap(m, h->group[k], h->group[i]))
            return stm_fail(err, STM_E_INVALID, "%.*s: `%s` shares a tensor with another group",
                            STM_WORD_ARG(q->name), h->group[i]);
    return 0;
}

/* Reads "norm(weights)" into type, groups and canonical text. */
static int read_quantity(struct stm_settings *s, const char *quantity, struct stm_hold *h,
                         struct stm_err *err)
{
    struct stm_quantity q;
    if (!stm_quantity_parse(&q, quantity))
        return stm_fail(err, STM_E_INVALID, "`%s` is not a quantity like norm(weights)", quantity);
    int rc = find_hold(&q, &h->type, err);
    if (rc) return rc;
    h->n_groups = q.n;
    h->group = stm_arena_alloc(&s->arena, q.n * sizeof *h->group);
    if (!h->group) return no_memory(err);
    for (size_t i = 0; i < q.n; i++) {
        rc = read_group(s, &q, stm_quantity_next(&q.args), h, i, err);
        if (rc) return rc;
    }
    h->quantity = quantity_text(s, h);
    return h->quantity ? 0 : no_memory(err);
}

/* ---- holds ---- */

/* One value above 0, or a share for each group. */
static int check_values(const struct stm_hold *h, struct stm_err *err)
{
    bool many = stm_holds[h->type]->sig.arg == STM_A_GROUPS;
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

static struct stm_hold *find(const struct stm_settings *s, const char *quantity)
{
    for (size_t i = 0; i < s->n_holds; i++)
        if (strcmp(s->hold[i].quantity, quantity) == 0) return &s->hold[i];
    return NULL;
}

int stm_settings_hold(struct stm_settings *s, const char *quantity, enum stm_hold_op op,
                      const double *v, size_t n, struct stm_err *err)
{
    struct stm_hold h = {.op = op, .n = n};
    int rc = read_quantity(s, quantity, &h, err);
    if (rc) return rc;
    if (op == STM_HOLD_LE && !stm_holds[h.type]->sig.upper_bound)
        return stm_fail(err, STM_E_INVALID, "hold %s has no <=", h.quantity);
    h.v = stm_arena_alloc(&s->arena, n * sizeof *h.v);
    if (!h.v) return no_memory(err);
    if (n) memcpy(h.v, v, n * sizeof *v);
    rc = check_values(&h, err);
    if (rc) return rc;
    struct stm_hold *old = find(s, h.quantity);
    if (old) {
        *old = h;
        return 0;
    }
    struct stm_hold *list = stm_settings_grow(s, s->hold, s->n_holds, sizeof *list);
    if (!list) return no_memory(err);
    list[s->n_holds++] = h;
    s->hold = list;
    return 0;
}

/* ---- freezes ---- */

int stm_settings_freeze(struct stm_settings *s, const char *group, struct stm_err *err)
{
    const struct stm_word w = {group, strlen(group)};
    const char *name = stm_settings_group(s, w.p, w.n);
    if (!name) return no_group(w, err);
    size_t at = 0;
    while (at < s->n_freezes && strcmp(s->freeze[at], name) < 0) at++;
    if (at < s->n_freezes && strcmp(s->freeze[at], name) == 0) return 0;
    const char **list = stm_settings_grow(s, s->freeze, s->n_freezes, sizeof *list);
    if (!list) return no_memory(err);
    memmove(list + at + 1, list + at, (s->n_freezes - at) * sizeof *list);
    list[at] = name;
    s->n_freezes++;
    s->freeze = list;
    return 0;
}

int stm_settings_release(struct stm_settings *s, const char *target, struct stm_err *err)
{
    struct stm_hold asked = {0};
    struct stm_hold *h = read_quantity(s, target, &asked, NULL) ? NULL : find(s, asked.quantity);
    if (h) {
        s->n_holds--;
        memmove(h, h + 1, (s->n_holds - (size_t)(h - s->hold)) * sizeof *h);
        return 0;
    }
    for (size_t i = 0; i < s->n_freezes; i++) {
        if (strcmp(s->freeze[i], target) != 0) continue;
        s->n_freezes--;
        memmove(s->freeze + i, s->freeze + i + 1, (s->n_freezes - i) * sizeof *s->freeze);
        return 0;
    }
    return stm_fail(err, STM_E_NOTFOUND, "no hold or freeze of `%s` is in force", target);
}
