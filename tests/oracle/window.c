/* What is in force at a step, and what is done to the state where an arm or a window begins. */
#include <stdio.h>
#include <string.h>

#include "oracle.h"

enum { ACTIONS_MAX = 1000 };

struct chain chain_of(struct world *w, const struct rep *r)
{
    struct chain c = {.n = 0};
    int up[32];
    unsigned n = 0;
    for (int node = r->node; node >= 0; n++) {
        if (n == 32) oracle_die("arms nested too deeply");
        up[n] = node;
        int fork = w->plan->nodes[node].fork;
        node = fork < 0 ? -1 : w->plan->forks[fork].node;
    }
    for (c.n = 0; c.n < n; c.n++) {
        c.node[c.n] = up[n - 1 - c.n];
        c.fork[c.n] = c.n + 1 == n ? r->fork : world_rep(w, c.node[c.n], r->seed)->fork;
    }
    return c;
}

/* ---- windows ---- */

/* The state at which a window's edge lies, or NEVER while its event has not come. An event is seen
 * after the update to the state at which it holds, so a hold can act on the next state only. */
static uint64_t edge(const struct rep *r, const struct stm_time *t, uint64_t owner_fork, bool hold)
{
    uint64_t n = t->value ? (uint64_t)t->value->num : 0;
    switch (t->kind) {
    case STM_T_START: return owner_fork;
    case STM_T_STEP: return n;
    case STM_T_PLUS: return owner_fork + n;
    case STM_T_EACH: break;
    default: oracle_die("a window at all or any");
    }
    if (r->event[t->event] == NEVER) return NEVER;
    if (r->event[t->event] > n) n = r->event[t->event];
    return hold ? n + 1 : n;
}

unsigned windows_of(const struct world *w, const struct rep *r, const struct chain *c,
                    unsigned level, struct window *out, unsigned room)
{
    unsigned n = 0;
    for (unsigned l = 0; l <= level; l++) {
        const struct stm_node *node = &w->plan->nodes[c->node[l]];
        for (unsigned i = 0; i < node->n_actions; i++) {
            const struct stm_action *a = &node->actions[i];
            bool hold = a->verb == STM_V_HOLD;
            if (n == room) oracle_die("too many actions");
            struct window *x = &out[n++];
            *x = (struct window){a, c->node[l], l, c->fork[l], NEVER};
            uint64_t from = a->from ? edge(r, a->from, c->fork[l], hold) : c->fork[l];
            if (from > x->from) x->from = from;
            if (a->until) x->until = edge(r, a->until, c->fork[l], hold);
        }
    }
    return n;
}

static bool contains(const struct window *x, uint64_t n) { return x->from <= n && n < x->until; }

/* Whether it acts on the update from state n. */
static bool acts(const struct window *x, uint64_t n)
{
    if (x->action->verb == STM_V_HOLD) return contains(x, n + 1);
    return contains(x, n);
}

/* ---- settings ---- */

struct setter {
    struct world *w;
    const struct rep *r;
    const struct window *x;
    struct stm_settings *s;
};

static bool number(const struct setter *t, const struct stm_expr *e, double *out)
{
    struct cell c = eval_seed(t->w, e, t->x->owner, t->r->seed, (struct moment){AT_NONE, 0});
    *out = c.v;
    return c.state == C_OK && !c.censored && !c.sym;
}

static void must(int rc, const struct stm_err *err)
{
    if (rc) oracle_refused(err);
}

/* A number that the engine does not take has the fate of one that has no value. */
static bool taken(int rc, const struct stm_err *err)
{
    if (rc && rc != STM_E_INVALID) oracle_refused(err);
    return rc == 0;
}

static bool set_key(const struct setter *t, const char *key, const struct stm_expr *e)
{
    struct stm_err err;
    double v;
    if (e->kind == STM_X_NAME && e->ref == STM_R_NONE) {
        must(stm_settings_sym(t->s, key, e->name, &err), &err);
        return true;
    }
    if (!number(t, e, &v)) return false;
    return taken(stm_settings_num(t->s, key, v, &err), &err);
}

/* A word with arguments is the word under the key, and each argument under KEY.WORD.ARGUMENT. */
static bool set(const struct setter *t)
{
    const struct stm_action *a = t->x->action;
    struct stm_err err;
    if (a->value->kind != STM_X_CALL || a->value->ref != STM_R_NONE)
        return set_key(t, a->target, a->value);
    must(stm_settings_sym(t->s, a->target, a->value->name, &err), &err);
    for (unsigned i = 0; i < a->value->n; i++) {
        char key[120];
        snprintf(key, sizeof key, "%s.%s.%s", a->target, a->value->name, a->value->keys[i]);
        if (!set_key(t, key, a->value->kids[i])) return false;
    }
    return true;
}

static bool hold(const struct setter *t)
{
    const struct stm_action *a = t->x->action;
    const struct stm_expr *e = a->value;
    struct stm_err err;
    double v[32];
    unsigned n = e->kind == STM_X_TUPLE ? e->n : 1;
    if (n > 32) oracle_die("too many values in a hold");
    for (unsigned i = 0; i < n; i++)
        if (!number(t, e->kind == STM_X_TUPLE ? e->kids[i] : e, &v[i])) return false;
    enum stm_hold_op op = a->op == STM_OP_LE ? STM_HOLD_LE : STM_HOLD_EQ;
    return taken(stm_settings_hold(t->s, a->target, op, v, n, &err), &err);
}

static bool put_in_force(const struct setter *t)
{
    struct stm_err err;
    switch (t->x->action->verb) {
    case STM_V_SET: return set(t);
    case STM_V_HOLD: return hold(t);
    case STM_V_FREEZE: must(stm_settings_freeze(t->s, t->x->action->target, &err), &err); break;
    case STM_V_RELEASE: /* what is not in force there needs no end */
        stm_settings_release(t->s, t->x->action->target, &err);
        break;
    case STM_V_ONCE: break;
    }
    return true;
}

bool window_settings(struct world *w, const struct rep *r, const struct chain *c, unsigned level,
                     uint64_t step, struct stm_settings **out)
{
    struct window x[ACTIONS_MAX];
    struct stm_err err;
    struct setter t = {w, r, NULL, NULL};
    const struct stm_node *run = &w->plan->nodes[c->node[0]];
    unsigned n = windows_of(w, r, c, level, x, ACTIONS_MAX);
    must(stm_settings_new(&t.s, &err), &err);
    for (unsigned i = 0; i < run->n_base; i++) {
        const struct stm_assign *a = &run->base[i];
        must(a->is_num ? stm_settings_num(t.s, a->key, a->num, &err)
                       : stm_settings_sym(t.s, a->key, a->sym, &err),
             &err);
    }
    bool ok = true;
    for (unsigned i = 0; ok && i < n; i++) {
        t.x = &x[i];
        if (acts(&x[i], step)) ok = put_in_force(&t);
    }
    *out = ok ? t.s : NULL;
    if (!ok) stm_settings_free(t.s);
    return ok;
}

/* ---- edits ---- */

static bool once(struct world *w, const struct rep *r, const struct window *x,
                 struct stm_trainer *t)
{
    static const enum stm_edit_op ops[] = {
        [STM_OP_SET] = STM_EDIT_SET, [STM_OP_MUL] = STM_EDIT_MUL, [STM_OP_ADD] = STM_EDIT_ADD};
    struct setter s = {w, r, x, NULL};
    struct stm_err err;
    double v;
    if (!number(&s, x->action->value, &v)) return false;
    return taken(stm_trainer_edit(t, x->action->target, ops[x->action->op], v, &err), &err);
}

static bool at_event(const struct window *x)
{
    return x->action->from && x->action->from->event >= 0;
}

/* Whether `once` acts on the state at `step`, which is the fork of `level` or a later state. One
 * that the ancestors brought along acts at a fork too, unless the state that the arm starts from
 * has been through it: then the parent began at the same step. */
static bool once_acts(const struct window *x, const struct chain *c, unsigned level, uint64_t step)
{
    if (x->action->verb != STM_V_ONCE || x->from != step || x->until <= step) return false;
    if (step > c->fork[level] || x->level == level || c->fork[level - 1] < step) return true;
    return level == 1 && at_event(x); /* a run's first state is before what its events open */
}

/* A hold that is in force at the state itself: it enforces the state as well as the next one. */
static bool enforces(const struct window *x, uint64_t step)
{
    return x->action->verb == STM_V_HOLD && contains(x, step) && contains(x, step + 1);
}

static void leave_out(const struct window *x, char *list, size_t room)
{
    size_t n = strlen(list);
    if (n + strlen(x->action->target) + 2 > room) oracle_die("too many holds");
    snprintf(list + n, room - n, "%s%s", n ? " " : "", x->action->target);
}

bool window_edit(struct world *w, const struct rep *r, const struct chain *c, unsigned level,
                 uint64_t step, bool events_only, struct stm_trainer *t)
{
    struct window x[ACTIONS_MAX];
    char later[2000] = "";
    unsigned n = windows_of(w, r, c, level, x, ACTIONS_MAX);
    bool edited = false;
    for (unsigned i = 0; i < n; i++) {
        if (events_only && !at_event(&x[i])) continue;
        if (once_acts(&x[i], c, level, step)) {
            if (!once(w, r, &x[i], t)) return false;
            edited = true;
        }
        if (events_only) continue;
        if (enforces(&x[i], step) && x[i].level == level && step == c->fork[level]) edited = true;
    }
    for (unsigned i = 0; i < n; i++)
        if (x[i].action->verb == STM_V_HOLD && acts(&x[i], step) && !enforces(&x[i], step))
            leave_out(&x[i], later, sizeof later);
    if (edited) stm_trainer_apply_holds(t, later);
    return true;
}
