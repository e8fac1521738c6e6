/* One line a replicate, as CSV and NDJSON. */
#include <string.h>

#include "base/fail.h"
#include "report/results.h"

typedef void put_line(const struct stm_data *d, int node, unsigned seed, struct stm_buf *b);

/* Replicates that take part, arm after arm. */
static void each(const struct stm_data *d, put_line *put, struct stm_buf *b)
{
    for (unsigned i = 0; i < d->plan->n_nodes; i++)
        for (unsigned s = 0; s < d->n_seeds; s++)
            if (!d->plan->nodes[i].off && d->exists(d->ctx, (int)i, s)) put(d, (int)i, s, b);
}

/* Captures of a name that a swept fork repeats are one column, filled by the arm's own. */
static bool first_of_name(const struct stm_plan *p, unsigned i)
{
    for (unsigned j = 0; j < i; j++)
        if (strcmp(p->captures[i].name, p->captures[j].name) == 0) return false;
    return true;
}

static bool capture(const struct stm_data *d, const char *name, int node, unsigned seed, double *v)
{
    int i = stm_ev_capture_in(d->plan, name, node);
    return i >= 0 && d->capture(d->ctx, i, node, seed, v) == STM_FACT_KNOWN;
}

/* ---- CSV (RFC 4180) ---- */

static void put_field(struct stm_buf *b, const char *s)
{
    if (!strpbrk(s, ",\"\r\n")) {
        stm_buf_printf(b, "%s", s);
        return;
    }
    stm_buf_u8(b, '"');
    for (; *s; s++) {
        if (*s == '"') stm_buf_u8(b, '"');
        stm_buf_u8(b, (unsigned char)*s);
    }
    stm_buf_u8(b, '"');
}

static void put_number(struct stm_buf *b, bool known, double v)
{
    stm_buf_u8(b, ',');
    if (known) rep_put_json_number(b, v);
}

/* A time that had not come is empty; one that nobody looked for must not look like it. */
static void put_time(struct stm_buf *b, bool known, bool censored, double v)
{
    if (known)
        put_number(b, !censored, v);
    else
        stm_buf_printf(b, ",NA");
}

static void csv_line(const struct stm_data *d, int node, unsigned seed, struct stm_buf *b)
{
    const struct stm_plan *p = d->plan;
    double v;
    bool censored, known;
    put_field(b, p->nodes[node].path);
    stm_buf_printf(b, ",%d", d->seeds[seed]);
    known = d->fork_step(d->ctx, node, seed, &v);
    put_time(b, known, false, v);
    known = d->stop_step(d->ctx, node, seed, &v);
    put_time(b, known, false, v);
    for (unsigned i = 0; i < p->n_events; i++) {
        known = d->event(d->ctx, node, seed, (int)i, &v, &censored);
        put_time(b, known, censored, v);
    }
    for (unsigned i = 0; i < p->n_captures; i++) {
        if (!first_of_name(p, i)) continue;
        known = capture(d, p->captures[i].name, node, seed, &v);
        put_number(b, known, v);
    }
    stm_buf_printf(b, "\n");
}

int stm_replicates_csv(const struct stm_data *d, struct stm_buf *out, struct stm_err *err)
{
    const struct stm_plan *p = d->plan;
    stm_buf_printf(out, "arm,seed,fork,stop");
    for (unsigned i = 0; i < p->n_events; i++) stm_buf_printf(out, ",%s", p->events[i].name);
    for (unsigned i = 0; i < p->n_captures; i++)
        if (first_of_name(p, i)) stm_buf_printf(out, ",%s", p->captures[i].name);
    stm_buf_printf(out, "\n");
    each(d, csv_line, out);
    return out->failed ? stm_fail(err, STM_E_NOMEM, "replicates: out of memory") : 0;
}

/* ---- NDJSON ---- */

static void put_member(struct stm_buf *b, const char *name, bool known, double v)
{
    stm_buf_u8(b, ',');
    rep_put_json_string(b, name);
    stm_buf_u8(b, ':');
    if (known)
        rep_put_json_number(b, v);
    else
        stm_buf_printf(b, "null");
}

static void put_event(const struct stm_data *d, int event, int node, unsigned seed,
                      struct stm_buf *b)
{
    double v = 0;
    bool censored = false, known = d->event(d->ctx, node, seed, event, &v, &censored);
    rep_put_json_string(b, d->plan->events[event].name);
    if (!known) {
        stm_buf_printf(b, ":null");
        return;
    }
    stm_buf_printf(b, censored ? ":{\"censored_at\":" : ":");
    rep_put_json_number(b, v);
    if (censored) stm_buf_u8(b, '}');
}

static void ndjson_line(const struct stm_data *d, int node, unsigned seed, struct stm_buf *b)
{
    const struct stm_plan *p = d->plan;
    double v = 0;
    bool known, first = true;
    stm_buf_printf(b, "{\"arm\":");
    rep_put_json_string(b, p->nodes[node].path);
    stm_buf_printf(b, ",\"seed\":%d", d->seeds[seed]);
    known = d->fork_step(d->ctx, node, seed, &v);
    put_member(b, "fork", known, v);
    known = d->stop_step(d->ctx, node, seed, &v);
    put_member(b, "stop", known, v);
    stm_buf_printf(b, ",\"events\":{");
    for (unsigned i = 0; i < p->n_events; i++) {
        if (i) stm_buf_u8(b, ',');
        put_event(d, (int)i, node, seed, b);
    }
    stm_buf_printf(b, "},\"captures\":{");
    for (unsigned i = 0; i < p->n_captures; i++) {
        if (!first_of_name(p, i)) continue;
        if (!first) stm_buf_u8(b, ',');
        first = false;
        rep_put_json_string(b, p->captures[i].name);
        stm_buf_u8(b, ':');
        if (capture(d, p->captures[i].name, node, seed, &v))
            rep_put_json_number(b, v);
        else
            stm_buf_printf(b, "null");
    }
    stm_buf_printf(b, "}}\n");
}

int stm_replicates_ndjson(const struct stm_data *d, struct stm_buf *out, struct stm_err *err)
{
    each(d, ndjson_line, out);
    return out->failed ? stm_fail(err, STM_E_NOMEM, "replicates: out of memory") : 0;
}
