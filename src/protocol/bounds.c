/* Whether everything stops. */
#include "protocol/check.h"

static bool bounded_stop(const struct stm_stop *s)
{
    for (unsigned i = 0; i < s->n; i++)
        if (s->alternatives[i].event < 0) return true;
    return false;
}

/* A node without a stop ends at its last fork, if all of them are sure to come. */
static bool ends_at_forks(struct check *k, const struct stm_node *n)
{
    for (unsigned i = 0; i < n->n_forks; i++)
        if (pr_fork(k, n->forks[i])->at.event >= 0) return false;
    return n->n_forks > 0;
}

static bool bounded(struct check *k, const struct stm_node *n)
{
    return n->stop ? bounded_stop(n->stop) : ends_at_forks(k, n);
}

static void unbounded(struct check *k, const struct stm_node *n, const char *what,
                      struct stm_span at)
{
    struct stm_diag *d =
        pr_diag(k->c, "E0405", n->stop ? n->stop->span : at, "%s may never stop", what);
    pr_label(k->c, d, n->stop ? "no bound in steps" : "no `stop` here or further out");
    pr_help(k->c, d, n->stop ? "add a bound: `or step 60k`" : "add `stop at step N`");
}

static const char *list_unbounded(struct check *k, const struct stm_fork *f, unsigned *count)
{
    size_t mark = k->c->scratch.n;
    *count = 0;
    for (unsigned i = 0; i < f->n_nodes; i++) {
        const struct stm_node *n = pr_node(k, f->nodes[i]);
        if (n->off || bounded(k, n)) continue;
        if ((*count)++ < 5)
            stm_buf_printf(&k->c->scratch, "%s`%s`", *count > 1 ? ", " : "", n->label);
    }
    if (*count > 5) stm_buf_printf(&k->c->scratch, " and %u more", *count - 5);
    return pr_scratch_take(k->c, mark);
}

static void check_fork(struct check *k, const struct stm_fork *f)
{
    unsigned count;
    const char *list = list_unbounded(k, f, &count);
    const struct stm_node *one = NULL;
    for (unsigned i = 0; i < f->n_nodes; i++) {
        const struct stm_node *n = pr_node(k, f->nodes[i]);
        if (!one && !n->off && !bounded(k, n)) one = n;
        for (unsigned j = 0; j < n->n_forks; j++) check_fork(k, pr_fork(k, n->forks[j]));
    }
    if (one)
        unbounded(k, one, pr_printf(k->c, "%s%s", count > 1 ? "arms " : "arm ", list), f->span);
}

void pr_check_bounds(struct check *k, int run)
{
    const struct stm_node *n = pr_node(k, run);
    if (!bounded(k, n)) unbounded(k, n, pr_printf(k->c, "run `%s`", n->name), n->span);
    for (unsigned i = 0; i < n->n_forks; i++) check_fork(k, pr_fork(k, n->forks[i]));
}
