/* Which arms have to be complete before another one is known: edges that calibrations make. */
#include <math.h>

#include "run/eval.h"
#include "run/view.h"

struct search {
    const struct stm_view *v;
    int node; /* the arm that reads */
    bool calibration;
    int *family;
    unsigned n, max;
};

/* Whether some seed of the arm can still move the calibration. */
static bool unfinished(const struct stm_view *v, const struct stm_family *f)
{
    for (unsigned i = 0; i < f->n_nodes; i++)
        for (unsigned s = 0; s < v->n_seeds; s++) {
            enum stm_rep_status x = stm_view_replicate(v, f->nodes[i], s)->pub.status;
            if (x == STM_REP_WAITING || x == STM_REP_PENDING || x == STM_REP_PARTIAL) return true;
        }
    return false;
}

static void add(struct search *x, int family)
{
    if (!unfinished(x->v, &x->v->plan->families[family])) return;
    for (unsigned i = 0; i < x->n && i < x->max; i++)
        if (x->family[i] == family) return;
    if (x->n < x->max) x->family[x->n++] = family;
}

/* Within a calibration the arms it names, elsewhere the calibrations without a value. */
static void search(struct search *x, const struct stm_expr *e, unsigned depth)
{
    const struct stm_plan *p = x->v->plan;
    if (!e || depth > 64) return;
    if (e->ref == STM_R_FAMILY && x->calibration) add(x, e->index);
    if (e->ref == STM_R_LET && e->index >= 0) search(x, p->lets[e->index].expr, depth + 1);
    if (e->ref == STM_R_CALIBRATE) {
        int c = stm_ev_calibrate_for(p, e->index, x->node);
        bool outer = x->calibration;
        x->calibration = true;
        if (isnan(x->v->calibrated[c])) search(x, p->calibrates[c].expr, depth + 1);
        x->calibration = outer;
    }
    for (unsigned i = 0; i < e->n; i++) search(x, e->kids[i], depth + 1);
}

unsigned stm_view_known_after(const struct stm_view *v, int node, int *family, unsigned max)
{
    const struct stm_plan *p = v->plan;
    struct search x = {.v = v, .node = node, .family = family, .max = max};
    for (int at = node; at >= 0;) {
        const struct stm_node *n = &p->nodes[at];
        for (unsigned i = 0; i < n->n_actions; i++) search(&x, n->actions[i].value, 0);
        at = n->fork < 0 ? -1 : p->forks[n->fork].node;
    }
    return x.n;
}
