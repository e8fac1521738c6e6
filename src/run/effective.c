#include "run/effective.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fail.h"
#include "base/mem.h"

/* The edge of a window at `time`, written in `owner`, whose fork is at fork_step. */
static int edge_of(const struct stm_data *d, const struct stm_time *time, int owner, unsigned seed,
                   uint64_t fork_step, const struct stm_range *events, struct stm_range *out,
                   struct stm_err *err)
{
    double v = 0;
    int rc = 0;
    if (time->value) rc = stm_eval_seed(d, time->value, owner, seed, STM_NOWHERE, &v, err);
    if (rc) return rc;
    if (!(v >= 0) || v != floor(v) || v > 9e15)
        return stm_fail(err, STM_E_INVALID, "a step must be a whole number, here it is %g", v);
    uint64_t n = (uint64_t)v;
    switch (time->kind) {
    case STM_T_START: *out = stm_range_at(fork_step); return 0;
    case STM_T_STEP: *out = stm_range_at(n); return 0;
    case STM_T_PLUS: *out = stm_range_at(fork_step + n); return 0;
    case STM_T_EACH: *out = stm_range_max(events[time->event], stm_range_at(n)); return 0;
    default: break;
    }
    return stm_fail(err, STM_E_INVALID, "a window at `all` or `any` is not in this version");
}

/* Holds act on the result of an update, so one transition earlier than the step they name; that an
 * event has come is seen after the update. */
static struct stm_range transition_of(const struct stm_action *a, const struct stm_time *time,
                                      struct stm_range step)
{
    bool earlier = a->verb == STM_V_HOLD && time->event < 0;
    if (earlier && step.lo > 0) step.lo--;
    if (earlier && step.hi > 0 && step.hi != STM_NEVER) step.hi--;
    return step;
}

/* From a transition to the first state that a hold is in force at. */
static struct stm_range state_of(const struct stm_time *time, struct stm_range step)
{
    if (time->event < 0) return step;
    return (struct stm_range){step.lo == STM_NEVER ? STM_NEVER : step.lo + 1,
                              step.hi == STM_NEVER ? STM_NEVER : step.hi + 1};
}

static int place(struct stm_active *item, const struct stm_data *d, const struct stm_range *events,
                 unsigned seed, struct stm_err *err)
{
    const struct stm_action *a = item->action;
    struct stm_range begin = stm_range_at(item->owner_start), step;
    int rc = 0;
    item->lo = item->state = begin;
    item->hi = stm_range_at(STM_NEVER);
    if (a->from) {
        rc = edge_of(d, a->from, item->node, seed, item->owner_start, events, &step, err);
        if (rc) return rc;
        item->lo = stm_range_max(begin, transition_of(a, a->from, step));
        item->state =
            a->verb == STM_V_HOLD ? stm_range_max(begin, state_of(a->from, step)) : item->lo;
    }
    if (a->until) {
        rc = edge_of(d, a->until, item->node, seed, item->owner_start, events, &step, err);
        if (!rc) item->hi = transition_of(a, a->until, step);
    }
    return rc;
}

int stm_timeline_make(struct stm_timeline *t, const struct stm_data *d, const struct stm_lineage *l,
                      unsigned seed, const struct stm_range *events, struct stm_err *err)
{
    unsigned total = 0;
    for (unsigned i = 0; i < l->n; i++) total += d->plan->nodes[l->nodes[i]].n_actions;
    *t = (struct stm_timeline){.data = d,
                               .seed = seed,
                               .run = l->nodes[0],
                               .node = l->nodes[l->n - 1],
                               .start = l->fork_steps[l->n - 1],
                               .parent = l->n > 1 ? l->nodes[l->n - 2] : -1,
                               .parent_start = l->n > 1 ? l->fork_steps[l->n - 2] : 0};
    t->items = stm_calloc(total, sizeof *t->items);
    if (!t->items) return stm_fail(err, STM_E_NOMEM, "resolving an arm: out of memory");
    for (unsigned i = 0; i < l->n; i++) {
        const struct stm_node *node = &d->plan->nodes[l->nodes[i]];
        for (unsigned k = 0; k < node->n_actions; k++) {
            struct stm_active *item = &t->items[t->n++];
            *item = (struct stm_active){
                .action = &node->actions[k], .node = l->nodes[i], .owner_start = l->fork_steps[i]};
            int rc = place(item, d, events, seed, err);
            if (rc) {
                stm_timeline_release(t);
                return rc;
            }
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

static bool is_event(const struct stm_time *time) { return time && time->event >= 0; }

/* An edge takes part in the cut unless it certainly came at or before `step`. */
static void take_edge(const struct stm_timeline *t, struct stm_range edge,
                      const struct stm_time *time, uint64_t step, struct stm_range *cut,
                      uint32_t *watch)
{
    bool counts = edge.hi > step || (t->before_events && is_event(time) && edge.hi == step);
    if (!counts) return;
    if (!stm_range_known(edge)) *watch |= UINT32_C(1) << time->event;
    *cut = stm_range_min(*cut, edge);
}

struct stm_range stm_timeline_cut(const struct stm_timeline *t, uint64_t step, uint32_t *watch)
{
    struct stm_range cut = stm_range_at(STM_NEVER);
    *watch = 0;
    for (unsigned i = 0; i < t->n; i++) {
        const struct stm_active *a = &t->items[i];
        take_edge(t, a->lo, a->action->from, step, &cut, watch);
        take_edge(t, a->hi, a->action->until, step, &cut, watch);
    }
    return cut;
}

/* Whether an action acts on the transition from `step`: 1, 0, or -1 while that is not known. */
static int acts(const struct stm_timeline *t, const struct stm_active *a, uint64_t step)
{
    struct stm_range never = stm_range_at(STM_NEVER);
    struct stm_range lo = t->before_events && is_event(a->action->from) ? never : a->lo;
    struct stm_range hi = t->before_events && is_event(a->action->until) ? never : a->hi;
    if (step < lo.lo || hi.hi <= step) return 0;
    return lo.hi <= step && step < hi.lo ? 1 : -1;
}

static int undecided(struct stm_err *err)
{
    return stm_fail(err, STM_E_NOTFOUND, "the time of an event is not known yet");
}

/* A word or a number under a key of the settings. */
static int set_key(const struct stm_timeline *t, const struct stm_active *item, const char *key,
                   const struct stm_expr *e, struct stm_settings *s, struct stm_err *err)
{
    double v;
    if (e->kind == STM_X_NAME && e->ref == STM_R_NONE)
        return stm_settings_sym(s, key, e->name, err);
    int rc = stm_eval_seed(t->data, e, item->node, t->seed, STM_NOWHERE, &v, err);
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

static int hold_value(const struct stm_timeline *t, const struct stm_active *item,
                      struct stm_settings *s, struct stm_err *err)
{
    const struct stm_action *a = item->action;
    const struct stm_expr *e = a->value;
    bool tuple = e->kind == STM_X_TUPLE;
    unsigned n = tuple ? e->n : 1;
    double *v = stm_calloc(n, sizeof *v);
    int rc = v ? 0 : stm_fail(err, STM_E_NOMEM, "resolving an arm: out of memory");
    for (unsigned i = 0; !rc && i < n; i++)
        rc = stm_eval_seed(t->data, tuple ? e->kids[i] : e, item->node, t->seed, STM_NOWHERE, &v[i],
                           err);
    if (!rc)
        rc = stm_settings_hold(s, a->target, a->op == STM_OP_LE ? STM_HOLD_LE : STM_HOLD_EQ, v, n,
                               err);
    stm_free(v);
    return rc;
}

static int apply_value(const struct stm_timeline *t, const struct stm_active *item,
                       struct stm_settings *s, struct stm_err *err)
{
    const struct stm_expr *e = item->action->value;
    if (item->action->verb == STM_V_HOLD) return hold_value(t, item, s, err);
    if (e->kind == STM_X_CALL && e->ref == STM_R_NONE) return set_call(t, item, s, err);
    return set_key(t, item, item->action->target, e, s, err);
}

/* A hold may have ended by itself before it is released; what never was in force `check` refuses.
 */
static int release(struct stm_settings *s, const char *target, struct stm_err *err)
{
    int rc = stm_settings_release(s, target, err);
    return rc == STM_E_NOTFOUND ? 0 : rc;
}

static int apply_item(const struct stm_timeline *t, const struct stm_active *item,
                      struct stm_settings *s, struct stm_err *err)
{
    const struct stm_action *a = item->action;
    switch (a->verb) {
    case STM_V_SET:
    case STM_V_HOLD: return apply_value(t, item, s, err);
    case STM_V_FREEZE: return stm_settings_freeze(s, a->target, err);
    case STM_V_RELEASE: return release(s, a->target, err);
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
    for (unsigned i = 0; !rc && i < t->n; i++) {
        int in_force = acts(t, &t->items[i], step);
        if (in_force < 0) rc = undecided(err);
        if (in_force > 0) rc = apply_item(t, &t->items[i], s, err);
    }
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
    int rc = stm_eval_seed(t->data, item->action->value, item->node, t->seed, STM_NOWHERE, &v, err);
    if (rc) return rc;
    if (!strncmp(item->action->target, "norm(", 5) && item->action->op != STM_OP_ADD && !(v >= 0))
        return stm_fail(err, STM_E_INVALID, "%s %s %g: a norm cannot be negative",
                        item->action->target, ops[item->action->op], v);
    stm_buf_printf(out, "once %s %s %.17g\n", item->action->target, ops[item->action->op], v);
    return 0;
}

/* Whether a `once` edits the state at `step`. At the fork: an own one that acts there, or one that
 * is inherited and begins just then, as it does in the parent, which goes on from the edited state.
 */
static int edits_here(const struct stm_timeline *t, const struct stm_active *item, uint64_t step)
{
    if (item->action->verb != STM_V_ONCE) return 0;
    /* An inherited one was made on the parent's first state already, if the arm leaves that one.
     * But a run's first state is before what its events open. */
    bool first = t->parent >= 0 && t->parent_start == step && step == t->start;
    bool before = t->parent == t->run && is_event(item->action->from);
    if (item->node != t->node && first && !before) return 0;
    if (t->before_events && is_event(item->action->from)) return 0;
    if (!stm_range_known(item->lo)) return item->lo.lo <= step ? -1 : 0;
    return item->lo.lo == step && acts(t, item, step) != 0;
}

/* "holds", or "holds but QUANTITY ..." where some of those that act on the update after `step` are
 * not in force at the state of `step` yet. */
static void holds_text(const struct stm_timeline *t, uint64_t step, struct stm_buf *out)
{
    struct stm_buf but = {0};
    bool any = false;
    for (unsigned i = 0; i < t->n; i++) {
        const struct stm_active *item = &t->items[i];
        if (item->action->verb != STM_V_HOLD || acts(t, item, step) != 1) continue;
        any = any || item->state.hi <= step;
        if (item->state.hi > step) stm_buf_printf(&but, " %s", item->action->target);
    }
    if (any && but.n)
        stm_buf_printf(out, "holds but%s\n", stm_buf_text(&but));
    else if (any)
        stm_buf_printf(out, "holds\n");
    out->failed = out->failed || but.failed;
    stm_buf_release(&but);
}

int stm_timeline_edits(const struct stm_timeline *t, uint64_t step, struct stm_buf *out,
                       struct stm_err *err)
{
    bool holds = false;
    for (unsigned i = 0; i < t->n; i++) {
        const struct stm_active *item = &t->items[i];
        if (item->action->verb == STM_V_HOLD && step == t->start && item->node == t->node)
            holds = holds || (acts(t, item, step) == 1 && item->state.hi <= step);
        int here = edits_here(t, item, step);
        if (here < 0) return undecided(err);
        if (!here) continue;
        int rc = once_text(t, item, out, err);
        if (rc) return rc;
        holds = true;
    }
    if (holds) holds_text(t, step, out);
    return out->failed ? stm_fail(err, STM_E_NOMEM, "resolving an arm: out of memory") : 0;
}
