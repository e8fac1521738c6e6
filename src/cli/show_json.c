/* `show --json`: everything that the store knows of a replicate, or of one of its states. */
#include <math.h>
#include <string.h>

#include "cli/cli.h"

static void number_json(double v, struct stm_buf *out)
{
    if (isfinite(v))
        stm_buf_printf(out, "%.17g", v);
    else
        stm_buf_printf(out, "null");
}

/* ,"name":"id" */
static void id_json(const char *name, const struct stm_id *id, struct stm_buf *out)
{
    char hex[STM_ID_TEXT];
    stm_buf_printf(out, ",\"%s\":\"%s\"", name, stm_id_text(id, hex));
}

/* The logged metrics at a moment. */
static void metrics_json(const struct session *s, int node, unsigned seed, struct stm_moment at,
                         struct stm_buf *out)
{
    const struct stm_data *d = stm_view_data(s->view);
    const char *sep = "";
    stm_buf_printf(out, "{");
    for (unsigned i = 0; i < s->plan->n_logs; i++) {
        double v;
        if (stm_eval_seed(d, s->plan->logs[i].expr, node, seed, at, &v, NULL)) continue;
        stm_buf_printf(out, "%s", sep);
        json_text(s->plan->logs[i].text, out);
        stm_buf_printf(out, ":");
        number_json(v, out);
        sep = ",";
    }
    stm_buf_printf(out, "}");
}

static void measured_json(const struct session *s, int node, unsigned seed, struct stm_moment at,
                          const struct stm_measured *m, bool metrics, struct stm_buf *out)
{
    char hex[STM_ID_TEXT];
    stm_buf_printf(out, "{\"step\":%llu", (unsigned long long)m->step);
    id_json("state", &m->state, out);
    stm_buf_printf(out, ",\"stored\":%s,\"metrics\":", m->stored ? "true" : "false");
    if (metrics)
        metrics_json(s, node, seed, at, out);
    else
        stm_buf_printf(out, "{}");
    stm_buf_printf(out, ",\"tensors\":{");
    for (unsigned i = 0; i < m->n_tensors; i++) {
        stm_buf_printf(out, "%s", i ? "," : "");
        json_text(m->names[i], out);
        stm_buf_printf(out, ":\"%s\"", stm_id_text(&m->tensors[i], hex));
    }
    stm_buf_printf(out, "}}");
}

/* The settings text, "key = value" a line, as an object; actions ("hold ...") as a list. */
static void settings_json(const char *text, struct stm_buf *out)
{
    struct stm_buf actions = {0}, copy = {0};
    const char *sep = "", *asep = "";
    stm_buf_printf(out, ",\"settings\":{");
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n"), key = strcspn(line, " \n");
        bool setting = strncmp(line + key, " = ", 3) == 0;
        copy.n = 0;
        stm_buf_put(&copy, line, setting ? key : n);
        if (setting) {
            stm_buf_printf(out, "%s", sep);
            json_text(stm_buf_text(&copy), out);
            stm_buf_printf(out, ":");
            copy.n = 0;
            stm_buf_put(&copy, line + key + 3, n - key - 3);
            json_text(stm_buf_text(&copy), out);
            sep = ",";
        } else {
            stm_buf_printf(&actions, "%s", asep);
            json_text(stm_buf_text(&copy), &actions);
            asep = ",";
        }
        line += n + (line[n] == '\n');
    }
    stm_buf_printf(out, "},\"actions\":[%s]", stm_buf_text(&actions));
    out->failed = out->failed || actions.failed || copy.failed;
    stm_buf_release(&actions);
    stm_buf_release(&copy);
}

static void events_json(const struct stm_data *d, int node, unsigned seed, struct stm_buf *out)
{
    const char *sep = "";
    stm_buf_printf(out, ",\"events\":{");
    for (unsigned e = 0; e < d->plan->n_events; e++) {
        double step;
        bool censored;
        if (!d->event(d->ctx, node, seed, (int)e, &step, &censored)) continue;
        stm_buf_printf(out, "%s", sep);
        json_text(d->plan->events[e].name, out);
        stm_buf_printf(out, censored ? ":{\"censored_at\":%.0f}" : ":%.0f", step);
        sep = ",";
    }
    stm_buf_printf(out, "}");
}

static void captures_json(const struct stm_data *d, int node, unsigned seed, struct stm_buf *out)
{
    int fork = d->plan->nodes[node].fork;
    const char *sep = "";
    stm_buf_printf(out, ",\"captures\":{");
    for (unsigned i = 0; i < d->plan->n_captures; i++) {
        double v;
        if (fork < 0 || d->plan->captures[i].fork != fork) continue;
        if (d->capture(d->ctx, (int)i, node, seed, &v) != STM_FACT_KNOWN) continue;
        stm_buf_printf(out, "%s", sep);
        json_text(d->plan->captures[i].name, out);
        stm_buf_printf(out, ":");
        number_json(v, out);
        sep = ",";
    }
    stm_buf_printf(out, "}");
}

/* Where it begins: the fork with the state before the edits, the first state after them. */
static void origin_json(const struct session *s, int node, unsigned seed, struct stm_buf *out)
{
    int fork = s->plan->nodes[node].fork;
    struct stm_measured m;
    struct stm_fork_at at = {0};
    if (fork >= 0) at = stm_view_fork(s->view, fork, seed);
    if (at.known && at.reached) {
        stm_buf_printf(out, ",\"fork\":{\"path\":");
        json_text(s->plan->forks[fork].path, out);
        stm_buf_printf(out, ",\"step\":%llu", (unsigned long long)at.step);
        id_json("state", &at.state, out);
        stm_buf_printf(out, "}");
    }
    struct stm_moment start = {STM_AT_START, NAN};
    if (stm_view_at(s->view, node, seed, start, &m) != STM_FACT_KNOWN) return;
    stm_buf_printf(out, ",\"start\":{\"step\":%llu", (unsigned long long)m.step);
    id_json("state", &m.state, out);
    stm_buf_printf(out, "}");
}

void show_replicate_json(const struct session *s, int node, unsigned seed, struct stm_buf *out)
{
    const struct stm_data *d = stm_view_data(s->view);
    struct stm_rep r = stm_view_rep(s->view, node, seed);
    stm_buf_printf(out, "{\"path\":");
    json_text(s->plan->nodes[node].path, out);
    stm_buf_printf(out, ",\"seed\":%d,\"status\":\"%s\"", d->seeds[seed],
                   stm_rep_status_name(r.status));
    if (*r.why) {
        stm_buf_printf(out, ",\"why\":");
        json_text(r.why, out);
    }
    if (r.status >= STM_REP_PENDING) {
        stm_buf_printf(out, ",\"profile\":");
        json_text(s->vo.profile, out);
        origin_json(s, node, seed, out);
        stm_buf_printf(out, ",\"last\":%llu", (unsigned long long)r.last);
        if (r.status == STM_REP_DONE || r.status == STM_REP_DIVERGED)
            stm_buf_printf(out, ",\"stop\":%llu", (unsigned long long)r.stop);
        events_json(d, node, seed, out);
        captures_json(d, node, seed, out);
        const char *text = stm_view_settings(s->view, node, seed, r.fork_step);
        if (text) settings_json(text, out);
    }
    struct stm_measured m;
    struct stm_moment at = {STM_AT_FORK, NAN};
    const char *sep = "\n";
    stm_buf_printf(out, ",\"measured\":[");
    while (r.status >= STM_REP_PENDING && stm_view_next(s->view, node, seed, &at, &m)) {
        stm_buf_printf(out, "%s", sep);
        /* Logged metrics where they are asked for: elsewhere some are there by chance. */
        uint64_t log = s->plan->log_every;
        bool logged = at.when == STM_AT_START || m.step == r.stop || (log && m.step % log == 0);
        measured_json(s, node, seed, at, &m, logged, out);
        sep = ",\n";
    }
    stm_buf_printf(out, "]}");
}

void show_state_json(const struct session *s, const struct stm_address *a,
                     const struct stm_measured *m, struct stm_buf *out)
{
    stm_buf_printf(out, "{\"path\":");
    json_text(s->plan->nodes[a->node].path, out);
    stm_buf_printf(out, ",\"seed\":%d,\"measured\":", stm_view_data(s->view)->seeds[a->seed]);
    measured_json(s, a->node, (unsigned)a->seed, a->at, m, true, out);
    const char *text = stm_view_settings(s->view, a->node, (unsigned)a->seed, m->step);
    if (text) settings_json(text, out);
    stm_buf_printf(out, "}\n");
}

void show_stored_json(const struct stm_id *id, const struct stm_state *state, struct stm_buf *out)
{
    char hex[STM_ID_TEXT];
    stm_buf_printf(out, "{\"state\":\"%s\",\"step\":%llu,\"tensors\":[", stm_id_text(id, hex),
                   (unsigned long long)stm_state_step(state));
    for (size_t i = 0; i < state->n; i++) {
        const struct stm_tensor *t = &state->t[i];
        stm_buf_printf(out, "%s{\"name\":", i ? "," : "");
        json_text(t->name, out);
        stm_buf_printf(out, ",\"type\":\"%s\",\"shape\":[", stm_dtype_name(t->dtype));
        for (unsigned k = 0; k < t->ndim; k++)
            stm_buf_printf(out, "%s%u", k ? "," : "", t->shape[k]);
        stm_buf_printf(out, "]}");
    }
    stm_buf_printf(out, "]}\n");
}
