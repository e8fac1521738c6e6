/* Results as one JSON document. */
#include <math.h>

#include "base/fail.h"
#include "report/results.h"

static void key(struct stm_buf *b, bool first, const char *name)
{
    stm_buf_printf(b, "%s\"%s\":", first ? "" : ",", name);
}

static void text(struct stm_buf *b, bool first, const char *name, const char *s)
{
    key(b, first, name);
    if (s)
        rep_put_json_string(b, s);
    else
        stm_buf_printf(b, "null");
}

static void number(struct stm_buf *b, bool first, const char *name, double v)
{
    key(b, first, name);
    rep_put_json_number(b, v);
}

static void truth(struct stm_buf *b, bool first, const char *name, bool v)
{
    key(b, first, name);
    stm_buf_printf(b, v ? "true" : "false");
}

static void put_value(struct stm_buf *b, const struct stm_cell *c)
{
    stm_buf_u8(b, '{');
    if (c->state != STM_CELL_OK) {
        stm_buf_printf(b, "\"value\":null");
        if (c->state == STM_CELL_UNKNOWN) truth(b, false, "unknown", true);
        text(b, false, "why", c->why && c->why[0] ? c->why : "it takes part for no seed");
    } else if (c->censored) {
        number(b, true, "greater_than", c->v);
    } else if (c->sym) {
        text(b, true, "value", c->sym);
    } else if (c->truth) {
        truth(b, true, "value", c->v != 0);
    } else {
        number(b, true, "value", c->v);
    }
    stm_buf_u8(b, '}');
}

static void put_cell(struct stm_buf *b, const struct rep_cell *c)
{
    if (!c->spread || c->c.state != STM_CELL_OK) {
        put_value(b, &c->c);
        return;
    }
    stm_buf_printf(b, "{\"min\":");
    put_value(b, &c->c);
    stm_buf_printf(b, ",\"max\":");
    put_value(b, &c->high);
    stm_buf_u8(b, '}');
}

static void put_row(struct stm_buf *b, const struct rep_table *t, const struct stm_plan *plan,
                    unsigned row)
{
    const struct stm_node *n = &plan->nodes[t->nodes[row]];
    stm_buf_u8(b, '{');
    text(b, true, "arm", n->label);
    text(b, false, "path", n->path);
    truth(b, false, "off", n->off);
    key(b, false, "cells");
    for (unsigned k = 0; k < t->n_cols; k++) {
        stm_buf_u8(b, k ? ',' : '[');
        put_cell(b, &t->cells[row * t->n_cols + k]);
    }
    stm_buf_printf(b, t->n_cols ? "]}" : "[]}");
}

static void put_table(struct stm_buf *b, const struct rep_table *t, const struct stm_plan *plan)
{
    stm_buf_u8(b, '{');
    text(b, true, "name", t->name);
    if (t->why) text(b, false, "why", t->why);
    key(b, false, "columns");
    stm_buf_u8(b, '[');
    for (unsigned k = 0; k < t->n_cols; k++) {
        if (k) stm_buf_u8(b, ',');
        rep_put_json_string(b, t->heads[k]);
    }
    stm_buf_u8(b, ']');
    key(b, false, "rows");
    stm_buf_u8(b, '[');
    for (unsigned r = 0; r < t->n_rows; r++) {
        if (r) stm_buf_u8(b, ',');
        put_row(b, t, plan, r);
    }
    stm_buf_printf(b, "]}");
}

static int put_displays(struct stm_buf *b, const struct stm_results *r, const struct stm_data *d,
                        struct stm_err *err)
{
    const struct stm_plan *p = d->plan;
    bool first = true;
    key(b, false, "tables");
    stm_buf_u8(b, '[');
    for (unsigned i = 0; i < p->n_displays; i++) {
        struct rep_table t;
        if (p->displays[i].figure) continue;
        int rc = rep_table_make(&t, d, r, &p->displays[i], err);
        if (rc) return rc;
        if (!first) stm_buf_u8(b, ',');
        first = false;
        put_table(b, &t, p);
        rep_table_release(&t);
    }
    stm_buf_u8(b, ']');
    key(b, false, "figures");
    stm_buf_u8(b, '[');
    first = true;
    for (unsigned i = 0; i < p->n_displays; i++) {
        if (!p->displays[i].figure) continue;
        stm_buf_printf(b, "%s{", first ? "" : ",");
        first = false;
        text(b, true, "name", p->displays[i].name);
        text(b, false, "note", "not drawn in this version");
        stm_buf_u8(b, '}');
    }
    stm_buf_u8(b, ']');
    return 0;
}

static void put_fit(struct stm_buf *b, const struct stm_ols *f, unsigned left_out)
{
    number(b, false, "r2", f->r2);
    number(b, false, "dr2", f->dr2);
    number(b, false, "intercept", f->intercept);
    number(b, false, "rss", f->rss);
    double aic = NAN;
    rep_fit_part(f, "aic", &aic);
    number(b, false, "aic", aic);
    number(b, false, "cells", (double)f->n);
    number(b, false, "cells_left_out", left_out);
    key(b, false, "slopes");
    stm_buf_u8(b, '[');
    for (size_t j = 0; j < f->k; j++) {
        if (j) stm_buf_u8(b, ',');
        rep_put_json_number(b, f->coef[j]);
    }
    stm_buf_u8(b, ']');
}

static void put_claim(struct stm_buf *b, const struct rep_results *all, unsigned i,
                      const char *says)
{
    static const char *const kinds[] = {
        [STM_C_CONTRAST] = "contrast", [STM_C_ESTIMATE] = "estimate", [STM_C_FIT] = "fit"};
    const struct stm_claim_result *r = &all->pub.claims[i];
    stm_buf_u8(b, '{');
    text(b, true, "kind", kinds[r->claim->kind]);
    text(b, false, "name", r->claim->name);
    text(b, false, "text", says);
    if (r->claim->isolates) text(b, false, "isolates", r->claim->isolates);
    number(b, false, r->censored ? "greater_than" : "value", r->value);
    key(b, false, "interval");
    if (r->has_interval) {
        stm_buf_u8(b, '[');
        rep_put_json_bound(b, r->lo, r->lo_censored);
        stm_buf_u8(b, ',');
        rep_put_json_bound(b, r->hi, r->hi_censored);
        stm_buf_u8(b, ']');
    } else {
        stm_buf_printf(b, "null");
    }
    number(b, false, "seeds", r->n_seeds);
    if (r->known && r->claim->kind == STM_C_FIT) put_fit(b, &all->fits[i], all->left_out[i]);
    if (r->unknown) truth(b, false, "unknown", true);
    if (r->why[0]) text(b, false, "why", r->why);
    stm_buf_u8(b, '}');
}

static int put_claims(struct stm_buf *b, const struct stm_results *r, const struct stm_data *d)
{
    struct stm_arena mem = {0};
    int rc = 0;
    key(b, false, "claims");
    stm_buf_u8(b, '[');
    for (unsigned i = 0; rc == 0 && i < d->plan->n_claims; i++) {
        const char *says = rep_claim_text(&mem, r->claims[i].claim);
        if (!says) rc = STM_E_NOMEM;
        if (i) stm_buf_u8(b, ',');
        if (says) put_claim(b, (const struct rep_results *)r, i, says);
    }
    stm_buf_u8(b, ']');
    stm_arena_release(&mem);
    return rc;
}

static int put_calibrates(struct stm_buf *b, const struct stm_data *d)
{
    const struct stm_plan *p = d->plan;
    struct stm_arena mem = {0};
    int rc = 0;
    key(b, false, "calibrated");
    stm_buf_u8(b, '[');
    for (unsigned i = 0; rc == 0 && i < p->n_calibrates; i++) {
        const struct stm_calibrate *c = &p->calibrates[i];
        const char *says = rep_expr_text(&mem, c->expr);
        double value;
        char why[REP_WHY];
        bool known = rep_calibrate(d, i, &value, why);
        if (!says) rc = STM_E_NOMEM;
        stm_buf_printf(b, i ? ",{" : "{");
        text(b, true, "name", c->name);
        text(b, false, "text", says ? says : "");
        text(b, false, "fork", p->forks[c->fork].path);
        number(b, false, "value", known ? value : NAN);
        if (!known) text(b, false, "why", why);
        stm_buf_u8(b, '}');
    }
    stm_buf_u8(b, ']');
    stm_arena_release(&mem);
    return rc;
}

static void put_expects(struct stm_buf *b, const struct stm_results *r, const struct stm_plan *p)
{
    key(b, false, "expectations");
    stm_buf_u8(b, '[');
    for (unsigned i = 0; i < p->n_expects; i++) {
        static const char *const names[] = {
            [STM_HOLDS] = "holds", [STM_FAILS] = "fails", [STM_NOT_EVALUABLE] = "not evaluable"};
        stm_buf_printf(b, i ? ",{" : "{");
        text(b, true, "text", r->expects[i].expect->text);
        text(b, false, "outcome", names[r->expects[i].outcome]);
        text(b, false, "found", r->expects[i].why);
        if (r->expects[i].registration)
            text(b, false, "stated",
                 r->expects[i].registration == STM_REG_BEFORE ? "registered" : "added after data");
        stm_buf_u8(b, '}');
    }
    stm_buf_u8(b, ']');
    key(b, false, "summary");
    stm_buf_printf(b, "{\"holds\":%u,\"fails\":%u,\"not_evaluable\":%u}", r->holds, r->fails,
                   r->not_evaluable);
}

static void put_head(struct stm_buf *b, const struct stm_data *d)
{
    const struct stm_plan *p = d->plan;
    text(b, true, "protocol", p->name);
    text(b, false, "title", p->title);
    text(b, false, "compute_hash", p->compute_hash);
    text(b, false, "claim_hash", p->claim_hash);
    key(b, false, "params");
    for (unsigned i = 0; i < p->n_params; i++) {
        stm_buf_u8(b, i ? ',' : '{');
        rep_put_json_string(b, p->params[i].name);
        stm_buf_u8(b, ':');
        if (p->params[i].is_num)
            rep_put_json_number(b, p->params[i].num);
        else
            rep_put_json_string(b, p->params[i].text);
    }
    stm_buf_printf(b, p->n_params ? "}" : "{}");
    key(b, false, "seeds");
    for (unsigned i = 0; i < d->n_seeds; i++) stm_buf_printf(b, "%c%d", i ? ',' : '[', d->seeds[i]);
    stm_buf_printf(b, d->n_seeds ? "]" : "[]");
}

int stm_results_json(const struct stm_results *r, const struct stm_data *d, struct stm_buf *out,
                     struct stm_err *err)
{
    stm_buf_u8(out, '{');
    put_head(out, d);
    int rc = put_displays(out, r, d, err);
    if (rc) return rc;
    rc = put_calibrates(out, d);
    if (!rc) rc = put_claims(out, r, d);
    put_expects(out, r, d->plan);
    stm_buf_printf(out, "}\n");
    if (rc || out->failed) rc = stm_fail(err, STM_E_NOMEM, "results: out of memory");
    return rc;
}
