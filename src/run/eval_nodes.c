/* Which instances of arms a reference means. */
#include <string.h>

#include "run/eval.h"

static const struct stm_bind *bind_of(const struct stm_bind *b, unsigned n, const char *name)
{
    for (unsigned i = 0; i < n; i++)
        if (strcmp(b[i].name, name) == 0) return &b[i];
    return NULL;
}

const struct stm_bind *stm_ev_bind(const struct stm_plan *plan, int node, const char *name)
{
    while (node >= 0) {
        const struct stm_node *n = &plan->nodes[node];
        const struct stm_bind *b = bind_of(n->binds, n->n_binds, name);
        if (b || n->fork < 0) return b;
        const struct stm_fork *f = &plan->forks[n->fork];
        b = bind_of(f->binds, f->n_binds, name);
        if (b) return b;
        node = f->node;
    }
    return NULL;
}

const char *stm_ev_node_name(const struct stm_plan *plan, int node)
{
    const struct stm_node *n = &plan->nodes[node];
    for (unsigned i = 0; i < plan->n_nodes; i++)
        if ((int)i != node && strcmp(plan->nodes[i].label, n->label) == 0) return n->path;
    return n->label;
}

static bool same_value(const struct stm_bind *a, const struct stm_bind *b)
{
    if (a->is_num != b->is_num) return false;
    return a->is_num ? a->num == b->num : strcmp(a->sym, b->sym) == 0;
}

static bool agree(const struct stm_plan *plan, const struct stm_bind *b, unsigned n, int reader)
{
    for (unsigned i = 0; i < n; i++) {
        const struct stm_bind *own = stm_ev_bind(plan, reader, b[i].name);
        if (own && !same_value(own, &b[i])) return false;
    }
    return true;
}

/* Whether `node` stands in the same instance of every swept fork and arm above it as `reader`.
 * Its own sweep does not matter: `up.T` read in one `up` is still the whole curve. */
static bool near(const struct stm_plan *plan, int node, int reader)
{
    while (plan->nodes[node].fork >= 0) {
        const struct stm_fork *f = &plan->forks[plan->nodes[node].fork];
        const struct stm_node *up = &plan->nodes[f->node];
        if (!agree(plan, f->binds, f->n_binds, reader)) return false;
        if (!agree(plan, up->binds, up->n_binds, reader)) return false;
        node = f->node;
    }
    return true;
}

struct nodes {
    int *p; /* room for every node of the plan */
    unsigned n;
};

typedef bool collect(struct stm_ev *ev, const struct stm_expr *e, const struct stm_scope *scope,
                     struct nodes *out, struct stm_cell *why);
static collect collect_any;

static void push(struct nodes *out, int node)
{
    for (unsigned i = 0; i < out->n; i++)
        if (out->p[i] == node) return;
    out->p[out->n++] = node;
}

static bool collect_family(struct stm_ev *ev, const struct stm_expr *e,
                           const struct stm_scope *scope, struct nodes *out, struct stm_cell *why)
{
    const struct stm_plan *plan = ev->d->plan;
    const struct stm_family *f = &plan->families[e->index];
    bool found = false; /* also where the list has it already */
    for (unsigned i = 0; i < f->n_nodes; i++) {
        if (scope->node >= 0 && !near(plan, f->nodes[i], scope->node)) continue;
        push(out, f->nodes[i]);
        found = true;
    }
    if (found || f->n_nodes == 0) return true;
    *why = stm_cell_bad(ev, STM_CELL_INVALID, "no instance of `%s` belongs to the arm `%s`",
                        e->name, plan->nodes[scope->node].label);
    return false;
}

static bool matches(const struct stm_plan *plan, int node, const char *key, struct stm_cell want)
{
    const struct stm_bind *b = stm_ev_bind(plan, node, key);
    if (!b) return false;
    return b->is_num ? !want.sym && b->num == want.v : want.sym && strcmp(b->sym, want.sym) == 0;
}

static bool collect_index(struct stm_ev *ev, const struct stm_expr *e,
                          const struct stm_scope *scope, struct nodes *out, struct stm_cell *why)
{
    const struct stm_plan *plan = ev->d->plan;
    int *mem = stm_arena_alloc(&ev->scratch, (plan->n_nodes + 1) * sizeof *mem);
    struct nodes all = {mem, 0}; /* apart from the list, which may name some of them already */
    if (!mem) ev->nomem = true;
    if (!mem || !collect_any(ev, e->kids[0], scope, &all, why)) return false;
    for (unsigned k = 0; k + 1 < e->n; k++) {
        struct stm_value want = stm_ev_eval(ev, e->kids[k + 1], scope);
        *why = want.one;
        if (want.kind != STM_VAL_ONE || want.one.state != STM_CELL_OK || !e->keys[k]) {
            if (want.kind != STM_VAL_ONE || want.one.state == STM_CELL_OK)
                *why = stm_cell_bad(ev, STM_CELL_INVALID, "an index is `name = value`");
            return false;
        }
        unsigned kept = 0;
        for (unsigned i = 0; i < all.n; i++)
            if (matches(plan, all.p[i], e->keys[k], want.one)) all.p[kept++] = all.p[i];
        all.n = kept;
    }
    for (unsigned i = 0; i < all.n; i++) push(out, all.p[i]);
    if (all.n) return true;
    *why = stm_cell_bad(ev, STM_CELL_INVALID, "no instance of `%s` has these sweep values",
                        e->kids[0]->name ? e->kids[0]->name : "the arm");
    return false;
}

/* arms(fork): the arms of every instance of the fork. arms(run): everything that descends. */
static bool collect_arms(struct stm_ev *ev, const struct stm_expr *e, const struct stm_scope *scope,
                         struct nodes *out, struct stm_cell *why)
{
    const struct stm_plan *plan = ev->d->plan;
    const struct stm_expr *of = e->kids[0];
    if (of->ref == STM_R_FORK) {
        for (unsigned f = 0; f < plan->n_forks; f++)
            if (strcmp(plan->forks[f].name, plan->forks[of->index].name) == 0)
                for (unsigned i = 0; i < plan->forks[f].n_nodes; i++)
                    push(out, plan->forks[f].nodes[i]);
        return true;
    }
    int *mem = stm_arena_alloc(&ev->scratch, plan->n_nodes * sizeof *mem);
    struct nodes tops = {mem, 0};
    if (!mem) ev->nomem = true;
    if (!mem || !collect_any(ev, of, scope, &tops, why)) return false;
    for (unsigned i = 0; i < plan->n_nodes; i++) {
        int up = (int)i;
        while (plan->nodes[up].fork >= 0) {
            up = plan->forks[plan->nodes[up].fork].node;
            for (unsigned t = 0; t < tops.n; t++)
                if (tops.p[t] == up) push(out, (int)i);
        }
    }
    return true;
}

static bool collect_any(struct stm_ev *ev, const struct stm_expr *e, const struct stm_scope *scope,
                        struct nodes *out, struct stm_cell *why)
{
    if (e->kind == STM_X_NAME && e->ref == STM_R_FAMILY)
        return collect_family(ev, e, scope, out, why);
    if (e->kind == STM_X_INDEX) return collect_index(ev, e, scope, out, why);
    if (e->kind == STM_X_CALL && e->n == 1 && strcmp(e->name, "arms") == 0)
        return collect_arms(ev, e, scope, out, why);
    if (e->kind != STM_X_LIST) {
        *why = stm_cell_bad(ev, STM_CELL_INVALID, "`%s` does not name an arm",
                            e->name ? e->name : "the expression");
        return false;
    }
    for (unsigned i = 0; i < e->n; i++)
        if (!collect_any(ev, e->kids[i], scope, out, why)) return false;
    return true;
}

bool stm_ev_is_place(const struct stm_expr *e)
{
    while (e->kind == STM_X_INDEX) e = e->kids[0];
    return e->kind == STM_X_NAME && e->ref == STM_R_FAMILY;
}

const int *stm_ev_nodes(struct stm_ev *ev, const struct stm_expr *e, const struct stm_scope *scope,
                        unsigned *n, struct stm_cell *why)
{
    static const char tag; /* sets these keys apart from the value of the same expression */
    struct stm_ev_key key = {e, &tag, scope->env, scope->node, -1, 0};
    const struct stm_value *kept = stm_ev_cached(ev, &key);
    *n = 0;
    if (!kept) {
        unsigned room = ev->d->plan->n_nodes;
        struct nodes out = {stm_arena_alloc(&ev->keep, (room ? room : 1) * sizeof *out.p), 0};
        *why = (struct stm_cell){STM_CELL_INVALID, .v = NAN, .why = "out of memory"};
        if (!out.p) ev->nomem = true;
        if (!out.p || !collect_any(ev, e, scope, &out, why)) return NULL;
        struct stm_value v = {.kind = STM_VAL_CURVE, .n = out.n, .nodes = out.p};
        stm_ev_cache(ev, &key, &v, 0);
        *n = out.n;
        return out.p;
    }
    *n = kept->n;
    return kept->nodes;
}

int stm_ev_node(struct stm_ev *ev, const struct stm_expr *e, const struct stm_scope *scope,
                struct stm_cell *why)
{
    unsigned n;
    const int *nodes = stm_ev_nodes(ev, e, scope, &n, why);
    if (!nodes) return -1;
    if (n == 1) return nodes[0];
    *why = stm_cell_bad(ev, STM_CELL_INVALID, "%u arms, where one is needed: name its sweep values",
                        n);
    return -1;
}
