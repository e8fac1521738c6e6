/* Expectations: of all, of every arm, of every seed, of every value of a sweep variable. */
#include <string.h>

#include "oracle.h"

struct tally {
    unsigned cases, fails, open;
};

static void judge(struct tally *t, struct cell c)
{
    c = cell_as_truth(c);
    if (c.state == C_ABSENT) return;
    t->cases++;
    if (c.state != C_OK)
        t->open++;
    else if (c.v == 0)
        t->fails++;
}

static void judge_in(struct tally *t, const struct stm_expr *e, const struct scope *s)
{
    struct value v = may_read(e, s) ? eval(e, s) : value_one(cell_bad(C_INVALID));
    if (v.kind == V_ONE) judge(t, v.one);
    for (unsigned i = 0; v.kind != V_ONE && i < v.n; i++) judge(t, v.cells[i]);
}

static void every_arm(struct tally *t, const struct stm_expr *e, struct scope *s)
{
    const struct stm_plan *p = s->w->plan;
    for (unsigned i = 0; i < p->n_nodes; i++) {
        if (p->nodes[i].off || (p->nodes[i].fork < 0 && p->n_forks > 0)) continue;
        s->node = (int)i;
        judge_in(t, e, s);
    }
    s->node = -1;
}

/* Each value of the variable once. */
static void every_value(struct tally *t, const struct stm_expect *x, struct scope *s)
{
    const struct stm_plan *p = s->w->plan;
    const struct stm_bind **seen = oracle_alloc((p->n_nodes + p->n_forks) * 16 * sizeof *seen);
    unsigned n = 0;
    for (unsigned i = 0; i < p->n_nodes + p->n_forks; i++) {
        bool node = i < p->n_nodes;
        const struct stm_bind *b = node ? p->nodes[i].binds : p->forks[i - p->n_nodes].binds;
        unsigned n_b = node ? p->nodes[i].n_binds : p->forks[i - p->n_nodes].n_binds;
        for (unsigned k = 0; k < n_b && k < 16; k++) {
            bool before = strcmp(b[k].name, x->every) != 0;
            for (unsigned j = 0; j < n; j++) before |= !strcmp(seen[j]->text, b[k].text);
            if (before) continue;
            seen[n++] = &b[k];
            s->env = &b[k];
            judge_in(t, x->expr, s);
        }
    }
    s->env = NULL;
}

enum outcome expect_outcome(struct scope *s, const struct stm_expect *e)
{
    struct tally t = {0, 0, 0};
    if (!e->every || !strcmp(e->every, "seed"))
        judge_in(&t, e->expr, s);
    else if (!strcmp(e->every, "arm"))
        every_arm(&t, e->expr, s);
    else
        every_value(&t, e, s);
    if (t.fails) return OUT_FAILS;
    return t.open || !t.cases ? OUT_NOT_EVALUABLE : OUT_HOLDS;
}
