#include "run/effective.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fail.h"
#include "base/mem.h"

/* A time as a step. Events are resolved for the seed's own history (`each`). */
static int time_step(const struct stm_data *d, const struct stm_time *time, int node, unsigned seed,
                     uint64_t fork_step, uint64_t *out, struct stm_err *err)
{
    double v = 0;
    bool censored = false;
    int rc = 0;
    if (time->value) rc = stm_eval_seed(d, time->value, node, seed, NAN, &v, err);
    if (rc) return rc;
    if (v < 0 || v != floor(v) || v > 9e15)
        return stm_fail(err, STM_E_INVALID, "a step must be a whole number, here it is %g", v);
    switch (time->kind) {
    case STM_T_START: *out = fork_step; return 0;
    case STM_T_STEP: *out = (uint64_t)v; return 0;
    case STM_T_PLUS: *out = fork_step + (uint64_t)v; return 0;
    default: break;
    }
    double step;
    if (time->kind != STM_T_EACH)
        return stm_fail(err, STM_E_INVALID, "a window at `all` or `any` is not in this version");
    if (!d->event(d->ctx, node, seed, time->event, &step, &censored) || censored)
        return stm_fail(err, STM_E_NOTFOUND, "the time of an event is not known yet");
    *out = step > v ? (uint64_t)step : (uint64_t)v;
    return 0;
}

/* Holds act on the result of an update, so one transition earlier than the step they name. */
static uint64_t window_edge(const struct stm_action *a, uint64_t step)
{
    return a->verb == STM_V_HOLD && step > 0 ? step - 1 : step;
}

static int place(struct stm_active *item, const struct stm_data *d, const struct stm_action *a,
                 int node, unsigned seed, uint64_t fork_step, struct stm_err *err)
{
    *item = (struct stm_active){.action = a, .node = node, .lo = fork_step, .hi = UINT64_MAX};
    uint64_t step;
    int rc = 0;
    if (a->from) {
        rc = time_step(d, a->from, node, seed, fork_step, &step, err);
        if (!rc && window_edge(a, step) > item->lo) item->lo = window_edge(a, step);
    }
    if (!rc && a->until) {
        rc = time_step(d, a->until, node, seed, fork_step, &step, err);
        if (!rc) item->hi = window_edge(a, step);
    }
    return rc;
}

int stm_timeline_make(struct stm_timeline *t, const struct stm_data *d, const struct stm_lineage *l,
                      unsigned seed, struct stm_err *err)
{
    unsigned total = 0;
    for (unsigned i = 0; i < l->n; i++) total += d->plan->nodes[l->nodes[i]].n_actions;
    *t = (struct stm_timeline){.data = d,
                               .seed = seed,
                               .run = l->nodes[0],
                               .node = l->nodes[l->n - 1],
                               .start = l->fork_steps[l->n - 1]};
    t->items = stm_calloc(total, sizeof *t->items);
    if (!t->items) return stm_fail(err, STM_E_NOMEM, "resolving an arm: out of memory");
    for (unsigned i = 0; i < l->n; i++) {
        const struct stm_node *node = &d->plan->nodes[l->nodes[i]];
        for (unsigned k = 0; k < node->n_actions; k++) {
            int rc = place(&t->items[t->n], d, &node->actions[k], l->nodes[i], seed,
                           l->fork_steps[i], err);
            if (rc) {
                stm_timeline_release(t);
                return rc;
            }
            t->n++;
        }
    }
    return 0;
}

void stm_timeline_release(struct stm_timeline *t)
{
    stm_free(t->items);
    t->items = NULL;
    t->n = 0;
}

uint64_t stm_timeline_cut(const struct stm_timeline *t, uint64_t step)
{
    uint64_t cut = UINT64_MAX;
    for (unsigned i = 0; i < t->n; i++) {
        const struct stm_active *a = &t->items[i];
        if (a->lo > step && a->lo < cut) cut = a->lo;
        if (a->hi > step && a->hi < cut) cut = a->hi;
    }
    return cut;
}

/* A word or a number under a key of the settings. */
static int set_key(const struct stm_timeline *t, const struct stm_active *item, const char *key,
                   const struct stm_expr *e, struct stm_settings *s, struct stm_err *err)
{
    double v;
    if (e->kind == STM_X_NAME && e->ref == STM_R_NONE)
        return stm_settings_sym(s, key, e->name, err);
    int rc = stm_eval_seed(t->data, e, item->node, t->seed, NAN, &v, err);
    return rc ? rc : stm_settings_num(s, key, v, err);
}

/* `set grad = ema(beta = 0.98)`: the word under the key, each argument under KEY.WORD.ARGUMENT. */
static int set_call(const struct stm_timeline *t, const struct stm_active *item,
                    struct stm_settings *s, struct stm_err *err)
{
    const struct stm_expr *e = item->action->value;
    int rc = stm_settings_sym(s, item->action->target, e->name, err);
    for (unsigned i = 0; !rc && i < e->n; i++) {
        char key[120];
        snprintf(key, sizeof key, "%s.%s.%s", item->action->target, e->name, e->keys[i]);
        rc = set_key(t, item, key, e->kids[i], s, err);
    }
    return rc;
}

enum { HOLD_VALUES_MAX = 16 };

static int hold_value(const struct stm_timeline *t, const struct stm_active *item,
                      struct stm_settings *s, struct stm_err *err)
{
    const struct stm_action *a = item->action;
    const struct stm_expr *e = a->value;
    bool tuple = e->kind == STM_X_TUPLE;
    unsigned n = tuple ? e->n : 1;
    double v[HOLD_VALUES_MAX];
    if (n > HOLD_VALUES_MAX)
        return stm_fail(err, STM_E_INVALID, "hold %s has more than %d values", a->target,
                        HOLD_VALUES_MAX);
    for (unsigned i = 0; i < n; i++) {
        int rc =
            stm_eval_seed(t->data, tuple ? e->kids[i] : e, item->node, t->seed, NAN, &v[i], err);
        if (rc) return rc;
    }
    return stm_settings_hold(s, a->target, a->op == STM_OP_LE ? STM_HOLD_LE : STM_HOLD_EQ, v, n,
                             err);
}

static int apply_value(const struct stm_timeline *t, const struct stm_active *item,
                       struct stm_settings *s, struct stm_err *err)
{
    const struct stm_expr *e = item->action->value;
    if (item->action->verb == STM_V_HOLD) return hold_value(t, item, s, err);
    if (e->kind == STM_X_CALL && e->ref == STM_R_NONE) return set_call(t, item, s, err);
    return set_key(t, item, item->action->target, e, s, err);
}

static int apply_item(const struct stm_timeline *t, const struct stm_active *item,
                      struct stm_settings *s, struct stm_err *err)
{
    const struct stm_action *a = item->action;
    switch (a->verb) {
    case STM_V_SET:
    case STM_V_HOLD: return apply_value(t, item, s, err);
    case STM_V_FREEZE: return stm_settings_freeze(s, a->target, err);
    case STM_V_RELEASE: return stm_settings_release(s, a->target, err);
    case STM_V_ONCE: return 0; /* an edit of the state, see stm_timeline_edits */
    }
    return 0;
}

int stm_timeline_settings(const struct stm_timeline *t, uint64_t step, struct stm_settings **out,
                          struct stm_err *err)
{
    struct stm_settings *s = NULL;
    const struct stm_node *run = &t->data->plan->nodes[t->run];
    int rc = stm_settings_new(&s, err);
    for (unsigned i = 0; !rc && i < run->n_base; i++) {
        const struct stm_assign *a = &run->base[i];
        rc = a->is_num ? stm_settings_num(s, a->key, a->num, err)
                       : stm_settings_sym(s, a->key, a->sym, err);
    }
    for (unsigned i = 0; !rc && i < t->n; i++)
        if (t->items[i].lo <= step && step < t->items[i].hi)
            rc = apply_item(t, &t->items[i], s, err);
    if (rc) {
        stm_settings_free(s);
        s = NULL;
    }
    *out = s;
    return rc;
}

static int once_text(const struct stm_timeline *t, const struct stm_active *item,
                     struct stm_buf *out, struct stm_err *err)
{
    static const char *const ops[] = {"=", "<=", "*=", "+="};
    double v;
    int rc = stm_eval_seed(t->data, item->action->value, item->node, t->seed, NAN, &v, err);
    if (!rc)
        stm_buf_printf(out, "once %s %s %.17g\n", item->action->target, ops[item->action->op], v);
    return rc;
}

int stm_timeline_edits(const struct stm_timeline *t, uint64_t step, struct stm_buf *out,
                       struct stm_err *err)
{
    bool holds = false;
    for (unsigned i = 0; i < t->n; i++) {
        const struct stm_active *item = &t->items[i];
        bool own = item->node == t->node && item->lo <= step && step < item->hi;
        if (item->action->verb == STM_V_HOLD) holds = holds || (step == t->start && own);
        if (item->action->verb != STM_V_ONCE) continue;
        if (step == t->start ? !own : item->lo != step) continue;
        int rc = once_text(t, item, out, err);
        if (rc) return rc;
    }
    if (holds) stm_buf_printf(out, "holds\n");
    return out->failed ? stm_fail(err, STM_E_NOMEM, "resolving an arm: out of memory") : 0;
}
