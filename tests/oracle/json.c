/* All that is known, as one JSON document. What `stemma report --json` says has its form here. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "oracle.h"
#include "stemma/store.h"

static void text(struct stm_buf *b, const char *s)
{
    stm_buf_printf(b, "\"");
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            stm_buf_printf(b, "\\%c", *s);
        else if ((unsigned char)*s < 32)
            stm_buf_printf(b, "\\u%04x", (unsigned)*s);
        else
            stm_buf_printf(b, "%c", *s);
    }
    stm_buf_printf(b, "\"");
}

static void number(struct stm_buf *b, double v)
{
    if (isfinite(v))
        stm_buf_printf(b, "%.17g", v);
    else
        stm_buf_printf(b, "null");
}

static void step(struct stm_buf *b, uint64_t n)
{
    stm_buf_printf(b, "%llu", (unsigned long long)n);
}

static void cell(struct stm_buf *b, struct cell c)
{
    if (c.state != C_OK) {
        stm_buf_printf(b, "{\"value\":null}");
    } else if (c.censored) {
        stm_buf_printf(b, "{\"greater_than\":");
        number(b, c.v);
        stm_buf_printf(b, "}");
    } else {
        stm_buf_printf(b, "{\"value\":");
        if (c.sym)
            text(b, c.sym);
        else if (c.truth)
            stm_buf_printf(b, c.v != 0 ? "true" : "false");
        else
            number(b, c.v);
        stm_buf_printf(b, "}");
    }
}

/* ---- replicates ---- */

static void id(struct stm_buf *b, const char *name, const struct row *row)
{
    char hex[STM_ID_TEXT];
    if (!row) return;
    stm_buf_printf(b, ",\"%s\":\"%s\"", name, stm_id_text(&row->id, hex));
}

static void events(struct stm_buf *b, struct world *w, const struct rep *r)
{
    struct scope s = {.w = w, .node = r->node, .seed = (int)r->seed};
    stm_buf_printf(b, ",\"events\":{");
    for (unsigned e = 0; e < w->plan->n_events; e++) {
        struct stm_expr x = {.kind = STM_X_NAME, .ref = STM_R_EVENT, .index = (int)e};
        struct cell c = eval_name(&x, &s).cells[r->seed];
        stm_buf_printf(b, "%s", e ? "," : "");
        text(b, w->plan->events[e].name);
        stm_buf_printf(b, c.censored ? ":{\"censored_at\":%.0f}" : ":%.0f", c.v);
    }
    stm_buf_printf(b, "}");
}

static bool seen_before(const struct stm_plan *p, unsigned i)
{
    for (unsigned j = 0; j < i; j++)
        if (!strcmp(p->captures[i].name, p->captures[j].name)) return true;
    return false;
}

/* The capture of that name that is the node's: made at a fork above it, in it, in an arm above, or
 * at the one fork of that name that leaves it; -1: none. */
static int capture_at(const struct stm_plan *p, const char *name, int node)
{
    int child = -1, n = 0;
    for (int at = node; at >= 0; at = p->nodes[at].fork < 0 ? -1 : p->forks[p->nodes[at].fork].node)
        for (unsigned i = 0; i < p->n_captures; i++) {
            const struct stm_capture *c = &p->captures[i];
            bool here = c->node >= 0 ? c->node == at : c->fork == p->nodes[at].fork;
            if (here && !strcmp(c->name, name)) return (int)i;
        }
    for (unsigned i = 0; i < p->n_captures; i++) {
        const struct stm_capture *c = &p->captures[i];
        if (strcmp(c->name, name) != 0 || c->fork < 0 || p->forks[c->fork].node != node) continue;
        child = (int)i;
        n++;
    }
    return n == 1 ? child : -1;
}

static void captures(struct stm_buf *b, struct world *w, const struct rep *r)
{
    const struct stm_plan *p = w->plan;
    struct scope s = {.w = w, .node = r->node, .seed = (int)r->seed};
    const char *sep = "";
    stm_buf_printf(b, ",\"captures\":{");
    for (unsigned i = 0; i < p->n_captures; i++) {
        if (seen_before(p, i)) continue;
        int index = capture_at(p, p->captures[i].name, r->node);
        struct stm_expr x = {.kind = STM_X_NAME, .ref = STM_R_CAPTURE, .index = index};
        struct cell c = index < 0 ? cell_bad(C_ABSENT) : eval_name(&x, &s).cells[r->seed];
        stm_buf_printf(b, "%s", sep);
        text(b, p->captures[i].name);
        stm_buf_printf(b, ":");
        number(b, c.state == C_OK ? c.v : NAN);
        sep = ",";
    }
    stm_buf_printf(b, "}");
}

static void log_values(struct stm_buf *b, struct world *w, const struct rep *r, struct moment m)
{
    const char *sep = "";
    stm_buf_printf(b, ",\"metrics\":{");
    for (unsigned i = 0; i < w->plan->n_logs; i++) {
        struct cell c = eval_seed(w, w->plan->logs[i].expr, r->node, r->seed, m);
        if (c.state != C_OK) continue;
        stm_buf_printf(b, "%s", sep);
        text(b, w->plan->logs[i].text);
        stm_buf_printf(b, ":");
        number(b, c.v);
        sep = ",";
    }
    stm_buf_printf(b, "}");
}

/* The states of the grids from the fork on: its start, those after it, the last. */
static void measured(struct stm_buf *b, struct world *w, const struct rep *r)
{
    unsigned every = w->plan->every, log_every = w->plan->log_every;
    const char *sep = "";
    stm_buf_printf(b, ",\"measured\":[");
    for (uint64_t n = r->fork; n <= r->stop; n++) {
        bool grid = (every && n % every == 0) || (log_every && n % log_every == 0);
        if (!grid && n != r->fork && n != r->stop) continue;
        struct moment m = n == r->fork ? (struct moment){AT_START, n} : (struct moment){AT_STEP, n};
        stm_buf_printf(b, "%s{\"step\":%llu", sep, (unsigned long long)n);
        id(b, "state", moment_row(w, r, m, true));
        log_values(b, w, r, m);
        stm_buf_printf(b, "}");
        sep = ",\n";
    }
    stm_buf_printf(b, "]");
}

static const char *const status_names[] = {"off",    "waiting", "cancelled",
                                           "absent", "done",    "diverged"};

static void replicate(struct stm_buf *b, struct world *w, const struct rep *r)
{
    stm_buf_printf(b, "{\"path\":");
    text(b, w->plan->nodes[r->node].path);
    stm_buf_printf(b, ",\"seed\":%d,\"status\":\"%s\"", w->seeds[r->seed], status_names[r->status]);
    if (r->status == ST_DONE || r->status == ST_DIVERGED) {
        stm_buf_printf(b, ",\"fork\":");
        step(b, r->fork);
        stm_buf_printf(b, ",\"stop\":");
        step(b, r->stop);
        id(b, "fork_state", moment_row(w, r, (struct moment){AT_FORK, 0}, true));
        id(b, "start_state", moment_row(w, r, (struct moment){AT_START, 0}, true));
        id(b, "stop_state", moment_row(w, r, (struct moment){AT_STOP, 0}, true));
        events(b, w, r);
        captures(b, w, r);
        measured(b, w, r);
    }
    stm_buf_printf(b, "}");
}

/* ---- tables ---- */

static const struct stm_expr *column(const struct stm_display *d, const char *key)
{
    for (unsigned i = 0; i < d->n_columns; i++)
        if (!strcmp(d->columns[i].key, key)) return d->columns[i].value;
    return NULL;
}

/* A value per seed is shown from the smallest to the largest. */
static void spread(struct stm_buf *b, const struct value *v)
{
    struct obs *x = oracle_alloc(v->n * sizeof *x), low, high;
    struct cell first = cell_bad(C_ABSENT);
    unsigned n = 0;
    for (unsigned i = 0; i < v->n; i++) {
        struct cell c = v->cells[i];
        if (c.state == C_ABSENT) continue;
        if (c.state != C_OK || c.sym) {
            cell(b, c);
            return;
        }
        first = c;
        x[n++] = (struct obs){c.v, c.censored};
    }
    if (!stat_quantile(x, n, 0, &low) || !stat_quantile(x, n, 1, &high)) {
        cell(b, first);
        return;
    }
    stm_buf_printf(b, "{\"min\":");
    cell(b, (struct cell){.v = low.v, .censored = low.censored, .truth = first.truth});
    stm_buf_printf(b, ",\"max\":");
    cell(b, (struct cell){.v = high.v, .censored = high.censored, .truth = first.truth});
    stm_buf_printf(b, "}");
}

static void table_cell(struct stm_buf *b, const struct stm_expr *e, const struct scope *s)
{
    bool missing = s->w->plan->nodes[s->node].off || world_need(s->w, s->node);
    struct value v = missing ? value_one(cell_bad(C_ABSENT)) : eval(e, s);
    if (v.kind == V_SEEDS)
        spread(b, &v);
    else
        cell(b, v.kind == V_ONE ? v.one : cell_bad(C_INVALID));
}

static void table(struct stm_buf *b, struct scope *s, const struct stm_display *d)
{
    const struct stm_plan *p = s->w->plan;
    const struct stm_expr *rows = column(d, "rows"), *cols = column(d, "cols");
    int *nodes = oracle_alloc(p->n_nodes * sizeof *nodes);
    unsigned n = 0, n_cols = cols && cols->kind == STM_X_LIST ? cols->n : 1;
    s->node = -1;
    if (!rows || !cols || !eval_nodes(rows, s, nodes, &n)) n = 0;
    stm_buf_printf(b, "{\"name\":");
    text(b, d->name);
    stm_buf_printf(b, ",\"rows\":[");
    for (unsigned i = 0; i < n; i++) {
        s->node = nodes[i];
        stm_buf_printf(b, "%s{\"path\":", i ? "," : "");
        text(b, p->nodes[nodes[i]].path);
        stm_buf_printf(b, ",\"cells\":[");
        for (unsigned k = 0; k < n_cols; k++) {
            stm_buf_printf(b, "%s", k ? "," : "");
            table_cell(b, cols->kind == STM_X_LIST ? cols->kids[k] : cols, s);
        }
        stm_buf_printf(b, "]}");
    }
    stm_buf_printf(b, "]}");
}

/* ---- claims ---- */

static void end(struct stm_buf *b, struct cell c)
{
    if (c.censored) {
        cell(b, c);
    } else {
        number(b, c.v);
    }
}

static void fit(struct stm_buf *b, const struct result *r)
{
    stm_buf_printf(b, ",\"r2\":");
    number(b, r->fit.r2);
    stm_buf_printf(b, ",\"dr2\":");
    number(b, r->fit.dr2);
    stm_buf_printf(b, ",\"intercept\":");
    number(b, r->fit.intercept);
    stm_buf_printf(b, ",\"rss\":");
    number(b, r->fit.rss);
    stm_buf_printf(b, ",\"aic\":");
    number(b, stat_aic(&r->fit));
    stm_buf_printf(b, ",\"cells\":%u,\"cells_left_out\":%u,\"slopes\":[", r->fit.n, r->left_out);
    for (unsigned j = 0; j < r->fit.k; j++) {
        stm_buf_printf(b, "%s", j ? "," : "");
        number(b, r->fit.coef[j]);
    }
    stm_buf_printf(b, "]");
}

static void claim(struct stm_buf *b, const struct stm_claim *c, const struct result *r)
{
    static const char *const kinds[] = {
        [STM_C_CONTRAST] = "contrast", [STM_C_ESTIMATE] = "estimate", [STM_C_FIT] = "fit"};
    stm_buf_printf(b, "{\"kind\":\"%s\",\"name\":", kinds[c->kind]);
    text(b, c->name);
    stm_buf_printf(b, ",\"%s\":", r->known && r->value.censored ? "greater_than" : "value");
    number(b, r->known ? r->value.v : NAN);
    stm_buf_printf(b, ",\"interval\":");
    if (r->has_interval) {
        stm_buf_printf(b, "[");
        end(b, r->lo);
        stm_buf_printf(b, ",");
        end(b, r->hi);
        stm_buf_printf(b, "]");
    } else {
        stm_buf_printf(b, "null");
    }
    stm_buf_printf(b, ",\"seeds\":%u", r->n);
    if (r->known && c->kind == STM_C_FIT) fit(b, r);
    stm_buf_printf(b, "}");
}

static void claims(struct stm_buf *b, struct world *w, const struct results *r)
{
    static const char *const outcomes[] = {"holds", "fails", "not evaluable"};
    const struct stm_plan *p = w->plan;
    stm_buf_printf(b, "],\n\"claims\":[");
    for (unsigned i = 0; i < p->n_claims; i++) {
        stm_buf_printf(b, "%s", i ? ",\n" : "");
        claim(b, &p->claims[i], &r->claims[i]);
    }
    stm_buf_printf(b, "],\n\"expectations\":[");
    for (unsigned i = 0; i < p->n_expects; i++) {
        stm_buf_printf(b, "%s{\"text\":", i ? "," : "");
        text(b, p->expects[i].text);
        stm_buf_printf(b, ",\"outcome\":\"%s\"}", outcomes[r->expects[i]]);
    }
    stm_buf_printf(b, "],\n\"calibrated\":[");
    for (unsigned i = 0; i < p->n_calibrates; i++) {
        double v;
        bool known = world_calibration(w, (int)i, &v);
        stm_buf_printf(b, "%s{\"name\":", i ? "," : "");
        text(b, p->calibrates[i].name);
        stm_buf_printf(b, ",\"fork\":");
        text(b, p->forks[p->calibrates[i].fork].path);
        stm_buf_printf(b, ",\"value\":");
        number(b, known ? v : NAN);
        stm_buf_printf(b, "}");
    }
    stm_buf_printf(b, "]");
}

void world_json(struct world *w, struct results *r, struct stm_buf *out)
{
    const struct stm_plan *p = w->plan;
    unsigned *seeds = oracle_alloc(w->n_seeds * sizeof *seeds);
    struct sample sample = {.seeds = seeds, .n = w->n_seeds, .counted = w->n_seeds};
    struct scope s = {.w = w, .sample = &sample, .results = r, .node = -1, .seed = -1};
    for (unsigned i = 0; i < w->n_seeds; i++) seeds[i] = i;
    stm_buf_printf(out, "{\"replicates\":[");
    for (unsigned i = 0; i < p->n_nodes * w->n_seeds; i++) {
        stm_buf_printf(out, "%s", i ? ",\n" : "");
        replicate(out, w, world_rep(w, (int)(i / w->n_seeds), i % w->n_seeds));
    }
    stm_buf_printf(out, "],\n\"tables\":[");
    const char *sep = "";
    for (unsigned i = 0; i < p->n_displays; i++) {
        if (p->displays[i].figure) continue;
        stm_buf_printf(out, "%s", sep);
        table(out, &s, &p->displays[i]);
        sep = ",";
    }
    claims(out, w, r);
    stm_buf_printf(out, "}\n");
}
