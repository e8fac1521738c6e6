#include <string.h>

#include "cli/cli.h"

/* The proof in the making. */
struct proof {
    const struct session *s;
    struct stm_buf *out;
    bool json, first;
    unsigned left, arms; /* arms that left the state of their fork, of all that should */
    bool another;        /* an arm left another state */
};

static void arm_json(struct proof *p, int fork, unsigned seed, int node,
                     const struct stm_fork_at *at, const struct stm_id *parent,
                     const struct stm_id *start, bool ok)
{
    char hex[STM_ID_TEXT];
    const struct stm_plan *plan = p->s->plan;
    stm_buf_printf(p->out, "%s{\"fork\":", p->first ? "" : ",\n");
    json_text(plan->forks[fork].path, p->out);
    stm_buf_printf(p->out, ",\"seed\":%d,\"step\":%llu,\"state\":\"%s\",\"arm\":",
                   stm_view_data(p->s->view)->seeds[seed], (unsigned long long)at->step,
                   stm_id_text(&at->state, hex));
    json_text(plan->nodes[node].label, p->out);
    if (parent) stm_buf_printf(p->out, ",\"parent\":\"%s\"", stm_id_text(parent, hex));
    if (start) stm_buf_printf(p->out, ",\"start\":\"%s\"", stm_id_text(start, hex));
    stm_buf_printf(p->out, ",\"one\":%s}", ok ? "true" : parent ? "false" : "null");
    p->first = false;
}

static void arm_print(const struct proof *p, int node, const struct stm_fork_at *at,
                      const struct stm_id *parent, const struct stm_id *start, bool ok,
                      struct stm_buf *out)
{
    char a[STM_ID_TEXT], b[STM_ID_TEXT];
    const char *label = p->s->plan->nodes[node].label;
    if (!parent)
        wrapped_print(out, 12, "      %-24s has not begun", label);
    else
        wrapped_print(out, 12, "      %-24s from %.12s%s, starts as %.12s%s", label,
                      stm_id_text(parent, a), ok ? "" : " (ANOTHER STATE)", stm_id_text(start, b),
                      stm_id_eq(start, &at->state) ? " (same)" : "");
}

/* One seed of one fork: its state, and whether each arm's recorded parent is that state. */
static void fork_seed(struct proof *p, int fork, unsigned seed)
{
    const struct stm_fork *f = &p->s->plan->forks[fork];
    const struct stm_view *v = p->s->view;
    struct stm_fork_at at = stm_view_fork(v, fork, seed);
    char hex[STM_ID_TEXT];
    unsigned left = 0, arms = 0;
    struct stm_buf lines = {0};
    bool there = at.known && at.reached;
    for (unsigned i = 0; i < f->n_nodes; i++) {
        struct stm_measured m;
        struct stm_id parent;
        struct stm_moment start = {STM_AT_START, NAN};
        int node = f->nodes[i];
        enum stm_rep_status status = stm_view_rep(v, node, seed).status;
        if (status == STM_REP_OFF || status == STM_REP_ABSENT || status == STM_REP_CANCELLED)
            continue;
        arms++;
        if (!there) continue;
        bool begun = stm_view_at(v, node, seed, start, &m) == STM_FACT_KNOWN &&
                     stm_view_parent(v, node, seed, &parent);
        bool ok = begun && stm_id_eq(&parent, &at.state);
        left += ok;
        p->another = p->another || (begun && !ok);
        if (p->json)
            arm_json(p, fork, seed, node, &at, begun ? &parent : NULL, begun ? &m.state : NULL, ok);
        else
            arm_print(p, node, &at, begun ? &parent : NULL, begun ? &m.state : NULL, ok, &lines);
    }
    p->left += left;
    p->arms += arms;
    if (!p->json && there)
        stm_buf_printf(p->out, "  #%-4d %s  %u of %u arms\n", stm_view_data(v)->seeds[seed],
                       stm_id_text(&at.state, hex), left, arms);
    else if (!p->json)
        wrapped_print(p->out, 8, "  #%-4d %s", stm_view_data(v)->seeds[seed],
                      *at.why ? at.why : "not reached yet");
    stm_buf_put(p->out, lines.p, lines.n);
    stm_buf_release(&lines);
}

static const char *verdict(const struct proof *p)
{
    if (!p->s->plan->n_forks) return "there is no fork in this protocol";
    if (p->another) return "NOT one origin: see the arms marked above";
    if (!p->arms) return "no arm leaves a fork: nothing was compared";
    if (!p->left) return "no arm has left its fork yet: `stemma run` trains them";
    if (p->left == p->arms) return "one origin: every arm left the state of its fork";
    return NULL;
}

int origin_print(const struct session *s, bool json, struct stm_buf *out, bool *one)
{
    const struct stm_data *d = stm_view_data(s->view);
    struct proof p = {.s = s, .out = out, .json = json, .first = true};
    if (json) stm_buf_printf(out, "{\"arms\":[");
    for (unsigned f = 0; f < s->plan->n_forks; f++) {
        if (!json) {
            struct stm_buf at = {0};
            time_print(s->plan, &s->plan->forks[f].at, &at);
            wrapped_print(out, 2, "%s @ %s: the state at the fork, and the arms that left it",
                          s->plan->forks[f].path, stm_buf_text(&at));
            stm_buf_release(&at);
        }
        for (unsigned seed = 0; seed < d->n_seeds; seed++) fork_seed(&p, (int)f, seed);
    }
    const char *text = verdict(&p);
    if (json)
        stm_buf_printf(out, "]}\n");
    else if (text)
        stm_buf_printf(out, "%s\n", text);
    else
        stm_buf_printf(out, "one origin so far: %u of %u arms have left their fork\n", p.left,
                       p.arms);
    *one = !p.s->plan->n_forks || (p.arms && p.left == p.arms);
    return EXIT_YES;
}

int cmd_origin(const struct options *o)
{
    struct session s;
    struct stm_buf out = {0};
    bool one;
    int code = session_file(&s, o, o->args[0], STORE_EXISTS);
    if (code) return code;
    origin_print(&s, o->json, &out, &one);
    if (o->json) warnings_json(&s.warnings, &out);
    session_close(&s);
    code = put_out(&out);
    return code ? code : one ? EXIT_YES : EXIT_NO;
}
