#include <string.h>

#include "cli/cli.h"

static bool has_line(const char *text, const char *line, size_t n)
{
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
        if (strcspn(text, "\n") == n && !strncmp(text, line, n)) return true;
    return false;
}

/* The lines of a settings text; of those that `first` has too, none. */
static void settings_print(const char *text, const char *first, struct stm_buf *out)
{
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        if (!first || !has_line(first, line, n)) stm_buf_printf(out, "  %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
}

/* Lines of `before` whose key `now` has no more: a hold or freeze that ended. */
static void ended_print(const char *before, const char *now, struct stm_buf *out)
{
    for (const char *line = before; *line;) {
        size_t n = strcspn(line, "\n"), key = n;
        const char *eq = strstr(line, " = "), *le = strstr(line, " <= ");
        if (eq && eq < line + n) key = (size_t)(eq - line);
        if (le && le < line + key) key = (size_t)(le - line);
        bool kept = false;
        for (const char *other = now; *other && !kept;) {
            size_t m = strcspn(other, "\n");
            kept = m >= key && !strncmp(other, line, key) && (m == key || other[key] == ' ');
            other += m + (other[m] == '\n');
        }
        if (!kept) stm_buf_printf(out, "  %.*s ends\n", (int)key, line);
        line += n + (line[n] == '\n');
    }
}

/* Values of every logged metric at a moment that has them. */
static void metrics_print(const struct session *s, int node, unsigned seed, struct stm_moment at,
                          struct stm_buf *out)
{
    const struct stm_data *d = stm_view_data(s->view);
    for (unsigned i = 0; i < s->plan->n_logs; i++) {
        double v;
        int rc = stm_eval_seed(d, s->plan->logs[i].expr, node, seed, at, &v, NULL);
        stm_buf_printf(out, "  %-28s ", s->plan->logs[i].text);
        if (!rc)
            stm_buf_printf(out, "%.6g\n", v);
        else
            stm_buf_printf(out, rc == STM_E_NOTFOUND ? "not measured\n" : "no value\n");
    }
}

/* The settings of a replicate as a timeline: in full where it begins, then what changes. Those of
 * the start that `first` has too are left out. */
static void timeline_print(const struct session *s, int node, unsigned seed, unsigned first,
                           struct stm_buf *out)
{
    const struct stm_data *d = stm_view_data(s->view);
    uint64_t step, begin = stm_view_rep(s->view, node, seed).fork_step;
    const char *base =
        first == seed
            ? NULL
            : stm_view_settings(s->view, node, first, stm_view_rep(s->view, node, first).fork_step);
    for (unsigned i = 0; stm_view_change(s->view, node, seed, i, &step); i++) {
        const char *before = i ? stm_view_settings(s->view, node, seed, step - 1) : base;
        const char *now = stm_view_settings(s->view, node, seed, step);
        if (i)
            stm_buf_printf(out, "from step %llu\n", (unsigned long long)step);
        else if (base)
            stm_buf_printf(out, "settings that differ from those of #%d\n", d->seeds[first]);
        else
            stm_buf_printf(out, "settings from step %llu (profile %s)\n", (unsigned long long)begin,
                           s->vo.profile);
        if (now) settings_print(now, before, out);
        if (i && before && now) ended_print(before, now, out);
    }
}

/* `first`: the seed whose settings were printed in full. */
static void replicate_print(const struct session *s, int node, unsigned seed, unsigned first,
                            struct stm_buf *out)
{
    const struct stm_data *d = stm_view_data(s->view);
    struct stm_rep r = stm_view_rep(s->view, node, seed);
    const struct stm_node *n = &s->plan->nodes[node];
    stm_buf_printf(out, "%s#%d  %s%s%s\n", n->path, d->seeds[seed], stm_rep_status_name(r.status),
                   *r.why ? ": " : "", r.why);
    if (r.status < STM_REP_PENDING) return;
    char hex[STM_ID_TEXT];
    struct stm_measured m;
    if (n->fork >= 0) {
        struct stm_fork_at at = stm_view_fork(s->view, n->fork, seed);
        stm_buf_printf(out, "fork      %s at step %llu, state %s\n", s->plan->forks[n->fork].path,
                       (unsigned long long)at.step, stm_id_text(&at.state, hex));
    }
    if (stm_view_at(s->view, node, seed, (struct stm_moment){STM_AT_START, NAN}, &m) ==
        STM_FACT_KNOWN)
        stm_buf_printf(out, "start     step %llu, state %s\n", (unsigned long long)m.step,
                       stm_id_text(&m.state, hex));
    stm_buf_printf(out, "last      step %llu\n", (unsigned long long)r.last);
    for (unsigned e = 0; e < s->plan->n_events; e++) {
        double step;
        bool censored;
        if (d->event(d->ctx, node, seed, (int)e, &step, &censored))
            stm_buf_printf(out, "event     %-10s %s%.0f\n", s->plan->events[e].name,
                           censored ? "> " : "step ", step);
    }
    for (unsigned i = 0; i < s->plan->n_captures; i++) {
        double v;
        if (s->plan->captures[i].fork == n->fork && n->fork >= 0 &&
            d->capture(d->ctx, (int)i, node, seed, &v) == STM_FACT_KNOWN)
            stm_buf_printf(out, "capture   %-10s %.9g\n", s->plan->captures[i].name, v);
    }
    struct stm_moment last = STM_STEP(r.last);
    if (r.last == r.fork_step) last.when = STM_AT_START;
    stm_buf_printf(out, "measured at step %llu\n", (unsigned long long)r.last);
    metrics_print(s, node, seed, last, out);
    timeline_print(s, node, seed, first, out);
}

static void state_print(const struct session *s, const struct stm_address *a,
                        const struct stm_measured *m, struct stm_buf *out)
{
    char hex[STM_ID_TEXT];
    stm_buf_printf(out, "%s#%d@%llu%s  state %s%s\n", s->plan->nodes[a->node].path,
                   stm_view_data(s->view)->seeds[a->seed], (unsigned long long)m->step,
                   a->at.when == STM_AT_START ? " (start)" : "", stm_id_text(&m->state, hex),
                   m->stored ? ", stored" : "");
    for (unsigned i = 0; i < m->n_tensors; i++)
        stm_buf_printf(out, "  %-20s %s\n", m->names[i], stm_id_text(&m->tensors[i], hex));
    metrics_print(s, a->node, (unsigned)a->seed, a->at, out);
    const char *settings = stm_view_settings(s->view, a->node, (unsigned)a->seed, m->step);
    if (!settings) return;
    stm_buf_printf(out, "settings in force from here (profile %s)\n", s->vo.profile);
    settings_print(settings, NULL, out);
}

/* The measured state that an address with a step names; false after a message. */
static bool find_state(const struct session *s, const struct stm_address *a, const char *text,
                       struct stm_measured *m)
{
    bool found = stm_view_at(s->view, a->node, (unsigned)a->seed, a->at, m) == STM_FACT_KNOWN;
    if (!found)
        fprintf(stderr,
                "stemma: `%s` is no measured step of this store\nhelp: measured steps are "
                "multiples of %u; `stemma diff` and `replay` restore any step\n",
                text, s->plan->every);
    return found;
}

static void stored_print(const struct stm_id *id, const struct stm_state *state,
                         struct stm_buf *out)
{
    char hex[STM_ID_TEXT];
    stm_buf_printf(out, "state %s, step %llu\n", stm_id_text(id, hex),
                   (unsigned long long)stm_state_step(state));
    for (size_t i = 0; i < state->n; i++) {
        const struct stm_tensor *t = &state->t[i];
        stm_buf_printf(out, "  %-20s %s [", t->name, stm_dtype_name(t->dtype));
        for (unsigned k = 0; k < t->ndim; k++)
            stm_buf_printf(out, "%s%u", k ? ", " : "", t->shape[k]);
        stm_buf_printf(out, "]\n");
    }
}

static int show_id(const struct options *o, const char *text)
{
    struct stm_err err = {0};
    struct stm_id id;
    struct stm_state state = {0};
    struct stm_buf out = {0};
    char hex[STM_ID_TEXT];
    int code;
    struct stm_store *s = open_store(o, STORE_EXISTS, &code);
    if (code) return code;
    int rc = stm_store_find(s, text, &id, &err);
    if (!rc) rc = stm_state_get(s, &id, &state, &err);
    if (!rc) {
        if (o->id)
            stm_buf_printf(&out, "%s\n", stm_id_text(&id, hex));
        else if (o->json)
            show_stored_json(&id, &state, &out);
        else
            stored_print(&id, &state, &out);
    }
    code = rc ? fail(&err, NULL) : put_out(&out);
    stm_buf_release(&out);
    stm_state_release(&state);
    stm_store_close(s);
    return code;
}

/* One replicate, or every seed of an arm. */
static void show_replicates(const struct session *s, const struct stm_address *a, bool json,
                            struct stm_buf *out)
{
    unsigned lo = a->seed < 0 ? 0 : (unsigned)a->seed;
    unsigned hi = a->seed < 0 ? stm_view_data(s->view)->n_seeds : lo + 1;
    if (json) stm_buf_printf(out, "{\"replicates\":[");
    for (unsigned i = lo; i < hi; i++) {
        if (i > lo) stm_buf_printf(out, json ? ",\n" : "\n");
        if (json)
            show_replicate_json(s, a->node, i, out);
        else
            replicate_print(s, a->node, i, lo, out);
    }
    if (json) stm_buf_printf(out, "]}\n");
}

static int show_state(const struct session *s, const struct options *o, const struct stm_address *a,
                      struct stm_buf *out)
{
    struct stm_measured m;
    char hex[STM_ID_TEXT];
    if (a->seed < 0 || !a->has_at) {
        fprintf(stderr,
                "stemma: `%s` names no single state\nhelp: add a seed and a step, as in "
                "raised#7@2000\n",
                o->args[0]);
        return EXIT_USAGE;
    }
    if (!find_state(s, a, o->args[0], &m)) return EXIT_USAGE;
    if (o->id)
        stm_buf_printf(out, "%s\n", stm_id_text(&m.state, hex));
    else if (o->json)
        show_state_json(s, a, &m, out);
    else
        state_print(s, a, &m, out);
    return EXIT_YES;
}

int cmd_show(const struct options *o)
{
    const char *text = o->args[0];
    size_t digits = strspn(text, "0123456789abcdef");
    if (digits >= 8 && !text[digits]) return show_id(o, text);
    struct session s = {0};
    struct stm_address a;
    struct stm_buf out = {0};
    int code = session_address(&s, o, text, &a);
    if (!code && (a.has_at || o->id))
        code = show_state(&s, o, &a, &out);
    else if (!code)
        show_replicates(&s, &a, o->json, &out);
    int written = put_out(&out);
    session_close(&s);
    return code ? code : written;
}
