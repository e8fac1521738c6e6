/* The cells of a table: one row an arm instance, one column an expression. */
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "report/results.h"

static const struct stm_column *column(const struct stm_display *d, const char *key)
{
    for (unsigned i = 0; i < d->n_columns; i++)
        if (strcmp(d->columns[i].key, key) == 0) return &d->columns[i];
    return NULL;
}

/* A cell whose texts live in the table. */
static struct stm_cell own(struct rep_table *t, struct stm_cell c, bool *nomem)
{
    if (!c.why) return c;
    c.why = stm_arena_strndup(&t->mem, c.why, strlen(c.why));
    if (!c.why) *nomem = true;
    return c;
}

/* The smallest or largest of a value per seed, as far as it is known. */
static struct stm_cell of_all(struct stm_ev *ev, const struct stm_function *f,
                              const struct stm_cell *cells, unsigned n, bool truth)
{
    struct stm_obs *x = stm_arena_alloc(&ev->scratch, (n + 1) * sizeof *x), out;
    if (!x) ev->nomem = true;
    for (unsigned i = 0; x && i < n; i++) x[i] = (struct stm_obs){cells[i].v, cells[i].censored};
    if (!x || !f->stat(x, n, &out)) return (struct stm_cell){.state = STM_CELL_ABSENT, .v = NAN};
    return (struct stm_cell){.v = out.v, .censored = out.censored, .truth = truth};
}

/* A value per seed is shown from its smallest to its largest. */
static struct rep_cell spread(struct stm_ev *ev, const struct stm_value *v)
{
    unsigned n;
    struct stm_cell bad;
    const struct stm_cell *cells = stm_ev_gather(ev, v, &n, &bad);
    if (!cells || bad.state != STM_CELL_OK) return (struct rep_cell){.c = bad};
    for (unsigned i = 0; i < n; i++)
        if (cells[i].sym) return (struct rep_cell){.c = cells[i]};
    bool truth = n > 0 && cells[0].truth;
    return (struct rep_cell){.spread = true,
                             .c = of_all(ev, stm_function_find("min"), cells, n, truth),
                             .high = of_all(ev, stm_function_find("max"), cells, n, truth)};
}

static struct rep_cell evaluate(struct rep_compute *c, const struct stm_expr *e, int node)
{
    struct stm_scope scope = STM_SCOPE(node);
    struct stm_ev *ev = &c->ev;
    char why[REP_WHY];
    stm_ev_base(ev, NULL, 0); /* gives back the memory of the cell before */
    if (!rep_may_read(c, e, &scope, why))
        return (struct rep_cell){.c = stm_cell_bad(ev, STM_CELL_INVALID, "%s", why)};
    struct stm_value v = stm_ev_eval(ev, e, &scope);
    if (v.kind == STM_VAL_SEEDS) return spread(ev, &v);
    if (v.kind == STM_VAL_ONE) return (struct rep_cell){.c = v.one};
    return (struct rep_cell){
        .c = stm_cell_bad(ev, STM_CELL_INVALID, "a curve, where one number is needed")};
}

static void fill(struct rep_table *t, struct rep_compute *c, const struct stm_expr *const *exprs,
                 bool *nomem)
{
    for (unsigned r = 0; r < t->n_rows; r++)
        for (unsigned k = 0; k < t->n_cols; k++) {
            struct rep_cell *cell = &t->cells[r * t->n_cols + k];
            if (c->d->plan->nodes[t->nodes[r]].off) {
                cell->c = (struct stm_cell){STM_CELL_ABSENT, .v = NAN, .why = "off"};
                continue;
            }
            *cell = evaluate(c, exprs[k], t->nodes[r]);
            cell->c = own(t, cell->c, nomem);
        }
}

/* The columns: the members of a list, or one expression. */
static const struct stm_expr **expressions(struct rep_table *t, const struct stm_expr *cols)
{
    t->n_cols = cols->kind == STM_X_LIST ? cols->n : 1;
    const struct stm_expr **e = stm_arena_alloc(&t->mem, (t->n_cols + 1) * sizeof *e);
    t->heads = stm_arena_alloc(&t->mem, (t->n_cols + 1) * sizeof *t->heads);
    if (!e || !t->heads) return NULL;
    for (unsigned i = 0; i < t->n_cols; i++) {
        e[i] = cols->kind == STM_X_LIST ? cols->kids[i] : cols;
        t->heads[i] = rep_expr_text(&t->mem, e[i]);
        if (!t->heads[i]) return NULL;
    }
    return e;
}

static bool rows_of(struct rep_table *t, struct stm_ev *ev, const struct stm_expr *rows)
{
    struct stm_scope scope = STM_SCOPE(-1);
    struct stm_cell why = {.state = STM_CELL_OK};
    unsigned n;
    const int *nodes = stm_ev_nodes(ev, rows, &scope, &n, &why);
    int *copy = stm_arena_alloc(&t->mem, (n + 1) * sizeof *copy);
    if (!copy) return false;
    if (!nodes) {
        t->why = stm_arena_strndup(&t->mem, why.why, strlen(why.why));
        return t->why != NULL;
    }
    memcpy(copy, nodes, n * sizeof *copy);
    t->nodes = copy;
    t->n_rows = n;
    return true;
}

static bool make(struct rep_table *t, struct rep_compute *c, const struct stm_display *display)
{
    const struct stm_column *rows = column(display, "rows"), *cols = column(display, "cols");
    bool nomem = false;
    if (!rows || !cols) {
        t->why = "it has no rows or no cols";
        return true;
    }
    const struct stm_expr **e = expressions(t, cols->value);
    if (!e || !rows_of(t, &c->ev, rows->value)) return false;
    t->cells = stm_arena_alloc(&t->mem, ((size_t)t->n_rows * t->n_cols + 1) * sizeof *t->cells);
    if (!t->cells) return false;
    fill(t, c, e, &nomem);
    return !nomem;
}

int rep_table_make(struct rep_table *t, const struct stm_data *d, const struct stm_results *r,
                   const struct stm_display *display, struct stm_err *err)
{
    struct rep_compute c = {.d = d, .r = (struct rep_results *)r};
    *t = (struct rep_table){.name = display->name};
    int rc = stm_ev_init(&c.ev, d, err);
    if (rc) return rc;
    c.ev.claim = rep_claim_field;
    c.ev.claim_ctx = &c;
    bool made = make(t, &c, display);
    if (!made || c.ev.nomem) {
        rc = stm_fail(err, STM_E_NOMEM, "table %s: out of memory", display->name);
        rep_table_release(t);
    }
    stm_ev_release(&c.ev);
    return rc;
}

void rep_table_release(struct rep_table *t)
{
    stm_arena_release(&t->mem);
    t->n_rows = t->n_cols = 0;
}
