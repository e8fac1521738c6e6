/* Expectations: whether they hold, for every arm, seed or sweep value where they say so. */
#include <stdio.h>
#include <string.h>

#include "report/results.h"

/* What was found over the cases of one expectation. */
struct verdict {
    struct rep_compute *c;
    const struct stm_expect *expect;
    unsigned cases, undecided, failed;
    struct stm_buf found, first_failed, first_undecided;
};

/* The value of an operand in one case; false where it has none (a value per seed without a seed).
 * `seed` < 0: no seed. */
static bool operand(struct stm_ev *ev, const struct stm_expr *e, const struct stm_scope *scope,
                    int seed, struct stm_cell *out)
{
    struct stm_value v = stm_ev_eval(ev, e, scope);
    if (v.kind == STM_VAL_CURVE || (v.kind == STM_VAL_SEEDS && seed < 0)) return false;
    *out = v.kind == STM_VAL_SEEDS ? v.cells[seed] : v.one;
    return true;
}

/* "count(grok) = 11, count(seeds) = 12": the operands of a comparison that are not constants. */
static void describe(struct verdict *v, const struct stm_scope *scope, int seed, struct stm_buf *b)
{
    const struct stm_expr *e = v->expect->expr;
    unsigned n = e->kind == STM_X_COMPARE ? e->n : e->kind == STM_X_IN ? 1 : 0;
    bool first = true;
    for (unsigned i = 0; i < n; i++) {
        struct stm_cell c;
        if (e->kids[i]->kind == STM_X_NUM) continue;
        if (!operand(&v->c->ev, e->kids[i], scope, seed, &c)) continue;
        if (!first) stm_buf_printf(b, ", ");
        first = false;
        stm_expr_print(e->kids[i], b);
        stm_buf_printf(b, " = ");
        rep_put_cell(b, &c);
    }
}

/* Counts one case; the first that fails and the first that is open are described. */
static void judge(struct verdict *v, struct stm_cell c, const struct stm_scope *scope, int seed,
                  const char *where)
{
    if (c.state == STM_CELL_ABSENT) return;
    v->cases++;
    bool open = c.state != STM_CELL_OK, fails = !open && c.v == 0;
    struct stm_buf *b = open ? &v->first_undecided : fails ? &v->first_failed : &v->found;
    *(open ? &v->undecided : &v->failed) += open || fails;
    if (b->n > 0) return;
    if (where && (open || fails)) stm_buf_printf(b, "%s: ", where);
    if (!open) describe(v, scope, seed, b);
    if (c.why && (open || fails)) stm_buf_printf(b, "%s", c.why); /* where two arms part */
}

static void judge_value(struct verdict *v, const struct stm_value *value,
                        const struct stm_scope *scope, const char *where)
{
    if (value->kind == STM_VAL_ONE) {
        judge(v, stm_cell_as_truth(value->one, NAN), scope, -1, where);
        return;
    }
    bool seeds = value->kind == STM_VAL_SEEDS;
    for (unsigned i = 0; i < value->n; i++) {
        char seed[24];
        const char *name = value->nodes ? stm_ev_node_name(v->c->d->plan, value->nodes[i]) : "";
        if (seeds) snprintf(seed, sizeof seed, "seed %d", v->c->d->seeds[i]);
        judge(v, stm_cell_as_truth(value->cells[i], NAN), scope, seeds ? (int)i : -1,
              seeds ? seed : name);
    }
}

static void judge_in(struct verdict *v, const struct stm_scope *scope, const char *where)
{
    char why[REP_WHY];
    struct stm_value value = {.kind = STM_VAL_ONE};
    if (rep_may_read(v->c, v->expect->expr, scope, why))
        value = stm_ev_eval(&v->c->ev, v->expect->expr, scope);
    else
        value.one = stm_cell_bad(&v->c->ev, STM_CELL_INVALID, "%s", why);
    judge_value(v, &value, scope, where);
}

/* ---- what it is said of ---- */

static void once(struct verdict *v)
{
    struct stm_scope scope = STM_SCOPE(-1);
    judge_in(v, &scope, NULL);
}

/* Every arm of every fork; the runs themselves where nothing forks. */
static void every_arm(struct verdict *v)
{
    const struct stm_plan *p = v->c->d->plan;
    for (unsigned i = 0; i < p->n_nodes; i++) {
        if (p->nodes[i].off || (p->nodes[i].fork < 0 && p->n_forks > 0)) continue;
        struct stm_scope scope = STM_SCOPE((int)i);
        judge_in(v, &scope, stm_ev_node_name(p, (int)i));
    }
}

static bool seen_before(const struct stm_plan *p, const struct stm_bind *b)
{
    for (unsigned i = 0; i < p->n_nodes; i++)
        for (unsigned j = 0; j < p->nodes[i].n_binds; j++) {
            const struct stm_bind *o = &p->nodes[i].binds[j];
            if (o == b) return false;
            if (strcmp(o->name, b->name) == 0 && strcmp(o->text, b->text) == 0) return true;
        }
    return false;
}

static void value_of_sweep(struct verdict *v, const struct stm_bind *b)
{
    struct stm_buf where = {0};
    struct stm_scope scope = STM_SCOPE(-1);
    if (strcmp(b->name, v->expect->every) != 0) return;
    scope.env = b;
    stm_buf_printf(&where, "%s = %s", b->name, b->text);
    judge_in(v, &scope, stm_buf_text(&where));
    if (where.failed) v->c->ev.nomem = true;
    stm_buf_release(&where);
}

/* Every value of a sweep variable of arms or of fork headers, in the order of the plan. */
static void every_value(struct verdict *v)
{
    const struct stm_plan *p = v->c->d->plan;
    for (unsigned i = 0; i < p->n_nodes; i++)
        for (unsigned j = 0; j < p->nodes[i].n_binds; j++)
            if (!seen_before(p, &p->nodes[i].binds[j])) value_of_sweep(v, &p->nodes[i].binds[j]);
    for (unsigned i = 0; i < p->n_forks; i++)
        for (unsigned j = 0; j < p->forks[i].n_binds; j++) value_of_sweep(v, &p->forks[i].binds[j]);
}

static const struct {
    const char *every;
    void (*range)(struct verdict *v);
} ranges[] = {{"arm", every_arm}, {"seed", once}};

static void range_over(struct verdict *v)
{
    const char *every = v->expect->every;
    if (!every) {
        once(v);
        return;
    }
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (strcmp(ranges[i].every, every) == 0) {
            ranges[i].range(v);
            return;
        }
    every_value(v);
}

/* ---- the outcome ---- */

static void conclude(struct verdict *v, struct stm_expect_result *out)
{
    struct stm_buf *b = &v->found;
    unsigned of = v->cases, bad = v->failed;
    const char *unit = v->expect->every ? v->expect->every : "seed";
    out->outcome = v->failed ? STM_FAILS : v->undecided ? STM_NOT_EVALUABLE : STM_HOLDS;
    if (v->failed)
        b = &v->first_failed;
    else if (v->undecided)
        b = &v->first_undecided;
    if (v->undecided && !v->failed) bad = v->undecided;
    if (v->cases == 0) {
        out->outcome = STM_NOT_EVALUABLE;
        snprintf(out->why, sizeof out->why, "there is nothing to judge it by");
    } else if (out->outcome == STM_HOLDS && of > 1) {
        snprintf(out->why, sizeof out->why, "in all %u cases (%s)", of, unit);
    } else if (of > 1) {
        snprintf(out->why, sizeof out->why, "%u of %u; first %s", bad, of, stm_buf_text(b));
    } else {
        snprintf(out->why, sizeof out->why, "%s", stm_buf_text(b));
    }
}

void rep_expect(struct rep_compute *c, unsigned i)
{
    struct stm_expect_result *out = &c->r->pub.expects[i];
    struct verdict v = {.c = c, .expect = &c->d->plan->expects[i]};
    *out = (struct stm_expect_result){.expect = v.expect};
    stm_ev_select(&c->ev, c->ev.base, c->ev.n_base);
    range_over(&v);
    conclude(&v, out);
    if (v.found.failed || v.first_failed.failed || v.first_undecided.failed) c->ev.nomem = true;
    stm_buf_release(&v.found);
    stm_buf_release(&v.first_failed);
    stm_buf_release(&v.first_undecided);
}
