/* The tree of a plan: declared structure on the left, what the store knows on the right. */
#include <string.h>

#include "base/utf8.h"
#include "cli/cli.h"

void number_print(uint64_t n, struct stm_buf *out)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0) stm_buf_u8(out, ',');
        stm_buf_u8(out, (uint8_t)digits[i]);
    }
}

void time_print(const struct stm_plan *p, const struct stm_time *t, struct stm_buf *out)
{
    static const char *const words[] = {"start", "step ", "+ ", "each ", "all ", "any "};
    stm_buf_printf(out, "%s%s", words[t->kind], t->event >= 0 ? p->events[t->event].name : "");
    if (!t->value) return;
    if (t->event >= 0) stm_buf_printf(out, " after step ");
    stm_expr_print(t->value, out);
    if (t->kind == STM_T_PLUS) stm_buf_printf(out, " steps");
}

static void action_print(const struct stm_plan *p, const struct stm_action *a, struct stm_buf *out)
{
    static const char *const verbs[] = {"set", "hold", "once", "freeze", "release"};
    static const char *const ops[] = {"=", "<=", "*=", "+="};
    stm_buf_printf(out, "%s %s", verbs[a->verb], a->target);
    if (a->value) {
        stm_buf_printf(out, " %s ", ops[a->op]);
        stm_expr_print(a->value, out);
    }
    if (a->from) {
        stm_buf_printf(out, " from ");
        time_print(p, a->from, out);
    }
    if (a->until) {
        stm_buf_printf(out, " until ");
        time_print(p, a->until, out);
    }
}

/* How many seeds are in each status, and the largest step. */
struct summary {
    unsigned status[8], n;
    uint64_t last;
};

static struct summary summarize(const struct stm_view *v, unsigned n_seeds, int node)
{
    struct summary s = {.n = n_seeds};
    for (unsigned i = 0; i < n_seeds; i++) {
        struct stm_rep r = stm_view_rep(v, node, i);
        s.status[r.status]++;
        if (r.last > s.last) s.last = r.last;
    }
    return s;
}

enum { AFTER_MAX = 8 };

/* "(known after control)": what a calibration makes one arm wait for. */
static bool after_print(const struct stm_view *v, int node, struct stm_buf *out)
{
    int family[AFTER_MAX];
    unsigned n = stm_view_known_after(v, node, family, AFTER_MAX);
    for (unsigned i = 0; i < n; i++)
        stm_buf_printf(out, "%s%s", i ? ", " : "(known after ",
                       stm_view_data(v)->plan->families[family[i]].name);
    if (n) stm_buf_printf(out, ")");
    return n > 0;
}

static void summary_print(const struct stm_view *v, unsigned n_seeds, int node, struct stm_buf *out)
{
    struct summary s = summarize(v, n_seeds, node);
    const char *sep = "";
    if (s.status[STM_REP_WAITING] == n_seeds && after_print(v, node, out)) return;
    for (int k = 0; k < 8; k++) {
        if (!s.status[k]) continue;
        stm_buf_printf(out, "%s%u/%u %s", sep, s.status[k], s.n, stm_rep_status_name(k));
        sep = ", ";
    }
}

static void pad_to(struct stm_buf *out, size_t line_start, size_t columns)
{
    size_t used = stm_utf8_columns(out->p + line_start, out->n - line_start);
    do stm_buf_u8(out, ' ');
    while (++used < columns);
}

static void stop_print(const struct stm_plan *p, const struct stm_node *n, struct stm_buf *out)
{
    for (unsigned i = 0; n->stop && i < n->stop->n; i++) {
        stm_buf_printf(out, "%s", i ? " or " : "stop at ");
        time_print(p, &n->stop->alternatives[i], out);
    }
}

static void seeds_print(const struct stm_view *v, int node, const char *indent, struct stm_buf *out)
{
    const struct stm_data *d = stm_view_data(v);
    for (unsigned s = 0; s < d->n_seeds; s++) {
        struct stm_rep r = stm_view_rep(v, node, s);
        size_t start = out->n;
        stm_buf_printf(out, "%s#%-4d %-9s", indent, d->seeds[s], stm_rep_status_name(r.status));
        if (r.status >= STM_REP_PENDING) {
            stm_buf_printf(out, " step ");
            number_print(r.last, out);
            for (unsigned e = 0; e < d->plan->n_events; e++) {
                double step;
                bool censored;
                if (d->event(d->ctx, node, s, (int)e, &step, &censored))
                    stm_buf_printf(out, "  %s %s%.0f", d->plan->events[e].name,
                                   censored ? "not by " : "@", step);
            }
        } else if (*r.why) {
            stm_buf_printf(out, " %s", r.why);
        }
        line_end(out, start, indent, 16);
    }
}

struct painter {
    const struct stm_view *v;
    const struct stm_plan *p;
    bool detail;
    struct stm_buf indent; /* what stands before the lines below the present branch */
    struct stm_buf *out;
};

static void paint_node(struct painter *x, int node, const char *branch);

/* Begins a line: the indent, then the branch that leads to this entry. */
static void begin_line(struct painter *x, const char *branch)
{
    stm_buf_printf(x->out, "%s%s", stm_buf_text(&x->indent), branch);
}

/* Deepens the indent below a branch; the old length comes back for paint_pop. */
static size_t paint_push(struct painter *x, const char *below)
{
    size_t before = x->indent.n;
    stm_buf_printf(&x->indent, "%s", below);
    return before;
}

static void paint_pop(struct painter *x, size_t before) { x->indent.n = before; }

/* What stands below a branch: a line to the next sibling, if there is one. */
static const char *below(const char *branch)
{
    return !*branch ? "" : strcmp(branch, "├─ ") ? "   " : "│  ";
}

static const char *branch_to(unsigned i, unsigned n) { return i + 1 == n ? "└─ " : "├─ "; }

static void paint_fork(struct painter *x, int fork, const char *branch)
{
    const struct stm_fork *f = &x->p->forks[fork];
    size_t start = x->out->n, before;
    begin_line(x, branch);
    stm_buf_printf(x->out, "%s @ ", f->name);
    time_print(x->p, &f->at, x->out);
    for (unsigned i = 0; i < f->n_binds; i++)
        stm_buf_printf(x->out, "  %s=%s", f->binds[i].name, f->binds[i].text);
    before = paint_push(x, below(branch));
    line_end(x->out, start, stm_buf_text(&x->indent), 3);
    for (unsigned i = 0; i < f->n_nodes; i++) paint_node(x, f->nodes[i], branch_to(i, f->n_nodes));
    paint_pop(x, before);
}

/* What belongs to a node itself stands beside the line that leads to its forks. */
static void paint_own(struct painter *x, int node)
{
    const struct stm_node *n = &x->p->nodes[node];
    size_t before = paint_push(x, n->n_forks ? "│  " : "   ");
    for (unsigned i = 0; i < n->n_actions; i++) {
        size_t start = x->out->n;
        begin_line(x, "");
        action_print(x->p, &n->actions[i], x->out);
        line_end(x->out, start, stm_buf_text(&x->indent), 2);
    }
    if (x->detail) seeds_print(x->v, node, stm_buf_text(&x->indent), x->out);
    paint_pop(x, before);
}

static void paint_node(struct painter *x, int node, const char *branch)
{
    const struct stm_node *n = &x->p->nodes[node];
    size_t start = x->out->n;
    begin_line(x, branch);
    stm_buf_printf(x->out, "%s", n->label);
    pad_to(x->out, start, 26);
    summary_print(x->v, stm_view_data(x->v)->n_seeds, node, x->out);
    if (n->stop) {
        stm_buf_printf(x->out, "  ");
        stop_print(x->p, n, x->out);
    }
    size_t before = paint_push(x, below(branch));
    const char *indent = stm_buf_text(&x->indent);
    size_t used = stm_utf8_columns(indent, strlen(indent));
    line_end(x->out, start, indent, used < 26 ? (unsigned)(26 - used) : 2);
    paint_own(x, node);
    for (unsigned i = 0; i < n->n_forks; i++) paint_fork(x, n->forks[i], branch_to(i, n->n_forks));
    paint_pop(x, before);
}

void tree_print(const struct stm_view *v, const struct stm_plan *p, bool detail,
                struct stm_buf *out)
{
    struct painter x = {.v = v, .p = p, .detail = detail, .out = out};
    for (unsigned i = 0; i < p->n_nodes; i++)
        if (p->nodes[i].fork < 0) paint_node(&x, (int)i, "");
    stm_buf_release(&x.indent);
}

static void rep_json(const struct stm_data *d, const struct stm_rep *r, int node, unsigned s,
                     struct stm_buf *out)
{
    stm_buf_printf(out, "{\"seed\":%d,\"status\":\"%s\",\"last\":%llu", d->seeds[s],
                   stm_rep_status_name(r->status), (unsigned long long)r->last);
    if (r->status == STM_REP_DONE || r->status == STM_REP_DIVERGED)
        stm_buf_printf(out, ",\"stop\":%llu", (unsigned long long)r->stop);
    if (*r->why) {
        stm_buf_printf(out, ",\"why\":");
        json_text(r->why, out);
    }
    stm_buf_printf(out, ",\"events\":{");
    const char *sep = "";
    for (unsigned e = 0; e < d->plan->n_events; e++) {
        double step;
        bool censored;
        if (!d->event(d->ctx, node, s, (int)e, &step, &censored)) continue;
        stm_buf_printf(out, "%s\"%s\":", sep, d->plan->events[e].name);
        if (censored)
            stm_buf_printf(out, "{\"censored_at\":%.0f}", step);
        else
            stm_buf_printf(out, "%.0f", step);
        sep = ",";
    }
    stm_buf_printf(out, "}}");
}

static void after_json(const struct stm_view *v, int node, struct stm_buf *out)
{
    int family[AFTER_MAX];
    unsigned n = stm_view_known_after(v, node, family, AFTER_MAX);
    for (unsigned i = 0; i < n; i++) {
        stm_buf_printf(out, "%s", i ? "," : ",\"known_after\":[");
        json_text(stm_view_data(v)->plan->families[family[i]].name, out);
    }
    if (n) stm_buf_printf(out, "]");
}

void tree_json(const struct stm_view *v, const struct stm_plan *p, struct stm_buf *out)
{
    const struct stm_data *d = stm_view_data(v);
    stm_buf_printf(out, "{\"protocol\":");
    json_text(p->name, out);
    stm_buf_printf(out, ",\"title\":");
    json_text(p->title, out);
    stm_buf_printf(out, ",\"compute\":\"%s\",\"claims\":\"%s\",\"nodes\":[", p->compute_hash,
                   p->claim_hash);
    for (unsigned i = 0; i < p->n_nodes; i++) {
        const struct stm_node *n = &p->nodes[i];
        stm_buf_printf(out, "%s{\"path\":", i ? "," : "");
        json_text(n->path, out);
        stm_buf_printf(out, ",\"actions\":[");
        for (unsigned k = 0; k < n->n_actions; k++) {
            struct stm_buf text = {0};
            action_print(p, &n->actions[k], &text);
            stm_buf_printf(out, "%s", k ? "," : "");
            json_text(stm_buf_text(&text), out);
            stm_buf_release(&text);
        }
        stm_buf_printf(out, "]");
        after_json(v, (int)i, out);
        stm_buf_printf(out, ",\"seeds\":[");
        for (unsigned s = 0; s < d->n_seeds; s++) {
            struct stm_rep r = stm_view_rep(v, (int)i, s);
            stm_buf_printf(out, "%s", s ? "," : "");
            rep_json(d, &r, (int)i, s, out);
        }
        stm_buf_printf(out, "]}");
    }
    stm_buf_printf(out, "]}\n");
}

static void dot_text(const char *s, struct stm_buf *out)
{
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') stm_buf_u8(out, '\\');
        stm_buf_u8(out, (uint8_t)*s);
    }
}

void tree_dot(const struct stm_plan *p, struct stm_buf *out)
{
    stm_buf_printf(out, "digraph stemma {\n  rankdir=LR;\n  node [shape=box];\n");
    for (unsigned i = 0; i < p->n_nodes; i++) {
        stm_buf_printf(out, "  n%u [label=\"", i);
        dot_text(p->nodes[i].label, out);
        for (unsigned k = 0; k < p->nodes[i].n_actions; k++) {
            struct stm_buf text = {0};
            action_print(p, &p->nodes[i].actions[k], &text);
            stm_buf_printf(out, "\\n");
            dot_text(stm_buf_text(&text), out);
            stm_buf_release(&text);
        }
        stm_buf_printf(out, "\"%s];\n", p->nodes[i].off ? ", style=dashed" : "");
    }
    for (unsigned i = 0; i < p->n_forks; i++) {
        struct stm_buf at = {0};
        time_print(p, &p->forks[i].at, &at);
        stm_buf_printf(out, "  f%u [shape=circle, label=\"", i);
        dot_text(p->forks[i].name, out);
        stm_buf_printf(out, "\"];\n  n%d -> f%u [label=\"@ ", p->forks[i].node, i);
        dot_text(stm_buf_text(&at), out);
        stm_buf_printf(out, "\"];\n");
        for (unsigned k = 0; k < p->forks[i].n_nodes; k++)
            stm_buf_printf(out, "  f%u -> n%d;\n", i, p->forks[i].nodes[k]);
        stm_buf_release(&at);
    }
    stm_buf_printf(out, "}\n");
}
