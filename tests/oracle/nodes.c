/* Which arms a reference means. */
#include <string.h>

#include "oracle.h"

static const struct stm_bind *among(const struct stm_bind *b, unsigned n, const char *name)
{
    for (unsigned i = 0; i < n; i++)
        if (!strcmp(b[i].name, name)) return &b[i];
    return NULL;
}

/* A sweep variable of an arm or of what it descends from. */
const struct stm_bind *bind_at(const struct stm_plan *p, int node, const char *name)
{
    while (node >= 0) {
        const struct stm_node *n = &p->nodes[node];
        const struct stm_bind *b = among(n->binds, n->n_binds, name);
        if (b || n->fork < 0) return b;
        b = among(p->forks[n->fork].binds, p->forks[n->fork].n_binds, name);
        if (b) return b;
        node = p->forks[n->fork].node;
    }
    return NULL;
}

static bool same(const struct stm_bind *a, const struct stm_bind *b)
{
    if (a->is_num != b->is_num) return false;
    return a->is_num ? a->num == b->num : !strcmp(a->sym, b->sym);
}

static bool agree(const struct stm_plan *p, const struct stm_bind *b, unsigned n, int reader)
{
    for (unsigned i = 0; i < n; i++) {
        const struct stm_bind *own = bind_at(p, reader, b[i].name);
        if (own && !same(own, &b[i])) return false;
    }
    return true;
}

/* In the same instance of every swept fork and arm above it as the reader; its own sweep is free.
 */
static bool beside(const struct stm_plan *p, int node, int reader)
{
    while (p->nodes[node].fork >= 0) {
        const struct stm_fork *f = &p->forks[p->nodes[node].fork];
        const struct stm_node *up = &p->nodes[f->node];
        if (!agree(p, f->binds, f->n_binds, reader)) return false;
        if (!agree(p, up->binds, up->n_binds, reader)) return false;
        node = f->node;
    }
    return true;
}

static void put(int *out, unsigned *n, int node)
{
    for (unsigned i = 0; i < *n; i++)
        if (out[i] == node) return;
    out[(*n)++] = node;
}

static bool family(const struct stm_expr *e, const struct scope *s, int *out, unsigned *n)
{
    const struct stm_family *f = &s->w->plan->families[e->index];
    bool found = f->n_nodes == 0;
    for (unsigned i = 0; i < f->n_nodes; i++) {
        if (s->node >= 0 && !beside(s->w->plan, f->nodes[i], s->node)) continue;
        put(out, n, f->nodes[i]); /* once, however often a list names it */
        found = true;
    }
    return found;
}

static bool has_value(const struct stm_plan *p, int node, const char *key, struct cell want)
{
    const struct stm_bind *b = bind_at(p, node, key);
    if (!b || b->is_num != !want.sym) return false;
    return b->is_num ? b->num == want.v : !strcmp(b->sym, want.sym);
}

static bool indexed(const struct stm_expr *e, const struct scope *s, int *out, unsigned *n)
{
    int *all = oracle_alloc(s->w->plan->n_nodes * sizeof *all);
    unsigned n_all = 0;
    bool found = false;
    if (!eval_nodes(e->kids[0], s, all, &n_all)) return false;
    for (unsigned i = 0; i < n_all; i++) {
        bool in = true;
        for (unsigned k = 0; k + 1 < e->n; k++) {
            struct value want = eval(e->kids[k + 1], s);
            if (want.kind != V_ONE || want.one.state != C_OK || !e->keys[k]) return false;
            in = in && has_value(s->w->plan, all[i], e->keys[k], want.one);
        }
        if (in) put(out, n, all[i]);
        found = found || in;
    }
    return found;
}

/* Everything that descends from the nodes of `of`, in the order of the plan. */
static bool descendants(const struct stm_expr *of, const struct scope *s, int *out, unsigned *n)
{
    const struct stm_plan *p = s->w->plan;
    int *tops = oracle_alloc(p->n_nodes * sizeof *tops);
    unsigned n_tops = 0;
    if (!eval_nodes(of, s, tops, &n_tops)) return false;
    for (unsigned i = 0; i < p->n_nodes; i++)
        for (int up = (int)i; p->nodes[up].fork >= 0;) {
            up = p->forks[p->nodes[up].fork].node;
            for (unsigned t = 0; t < n_tops; t++)
                if (tops[t] == up) put(out, n, (int)i);
        }
    return true;
}

static bool arms(const struct stm_expr *of, const struct scope *s, int *out, unsigned *n)
{
    const struct stm_plan *p = s->w->plan;
    if (of->ref != STM_R_FORK) return descendants(of, s, out, n);
    for (unsigned f = 0; f < p->n_forks; f++) {
        if (strcmp(p->forks[f].name, p->forks[of->index].name) != 0) continue;
        for (unsigned i = 0; i < p->forks[f].n_nodes; i++) put(out, n, p->forks[f].nodes[i]);
    }
    return true;
}

bool eval_nodes(const struct stm_expr *e, const struct scope *s, int *out, unsigned *n)
{
    if (e->kind == STM_X_NAME && e->ref == STM_R_FAMILY) return family(e, s, out, n);
    if (e->kind == STM_X_INDEX) return indexed(e, s, out, n);
    if (e->kind == STM_X_CALL && e->n == 1 && !strcmp(e->name, "arms"))
        return arms(e->kids[0], s, out, n);
    if (e->kind != STM_X_LIST) return false;
    for (unsigned i = 0; i < e->n; i++)
        if (!eval_nodes(e->kids[i], s, out, n)) return false;
    return true;
}

bool is_place(const struct stm_expr *e)
{
    while (e->kind == STM_X_INDEX) e = e->kids[0];
    return e->kind == STM_X_NAME && e->ref == STM_R_FAMILY;
}

const char *node_name(const struct stm_plan *p, int node)
{
    for (unsigned i = 0; i < p->n_nodes; i++)
        if ((int)i != node && !strcmp(p->nodes[i].label, p->nodes[node].label))
            return p->nodes[node].path;
    return p->nodes[node].label;
}
