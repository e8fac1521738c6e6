#include <string.h>

#include "cli/cli.h"

static void params_print(const struct stm_plan *p, struct stm_buf *out)
{
    for (unsigned i = 0; i < p->n_params; i++)
        stm_buf_printf(out, "%s%s=%s%s", i ? " " : "", p->params[i].name, p->params[i].text,
                       p->params[i].overridden ? " (-D)" : "");
    if (!p->n_params) stm_buf_printf(out, "none");
}

static void size_print(double bytes, struct stm_buf *out)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    size_t u = 0;
    while (bytes >= 1000 && u + 1 < sizeof units / sizeof *units) bytes /= 1000, u++;
    stm_buf_printf(out, "%.*f %s", u && bytes < 100 ? 1 : 0, bytes, units[u]);
}

static void cost_print(const struct stm_cost *c, struct stm_buf *out)
{
    static const char *const names[] = {"declared", "reused", "shared", "to train"};
    const uint64_t values[] = {c->declared, c->reused, c->shared, c->worst};
    size_t start = out->n;
    stm_buf_printf(out, "steps      ");
    for (size_t i = 0; i < 4; i++) {
        stm_buf_printf(out, "%s%s ", i ? ", " : "", names[i]);
        number_print(values[i], out);
    }
    stm_buf_printf(out, " at most");
    line_end(out, start, "", 11);
    stm_buf_printf(out, "states     at most %llu of ", (unsigned long long)c->states);
    size_print((double)c->bytes, out);
    stm_buf_printf(out, ", together ");
    size_print((double)c->states * (double)c->bytes, out);
    stm_buf_printf(out, "\n");
    stm_buf_printf(out, "replicates %u, %u done, %u known only after others\n", c->replicates,
                   c->done, c->waiting);
}

static void plan_print(const struct session *s, struct stm_buf *out)
{
    const struct stm_plan *p = s->plan;
    struct stm_cost cost;
    stm_view_cost(s->view, STM_ANCHOR_EVERY, &cost);
    size_t start = out->n;
    stm_buf_printf(out, "protocol   %s", p->title);
    line_end(out, start, "", 11);
    stm_buf_printf(out, "hashes     compute %.12s, claims %.12s\n", p->compute_hash, p->claim_hash);
    start = out->n;
    stm_buf_printf(out, "profile    %s", s->vo.profile);
    line_end(out, start, "", 11);
    stm_buf_printf(out, "seeds      %d..%d\n", s->vo.seed_lo, s->vo.seed_hi);
    start = out->n;
    stm_buf_printf(out, "params     ");
    params_print(p, out);
    line_end(out, start, "", 11);
    cost_print(&cost, out);
    stm_buf_printf(out, "\n");
    tree_print(s->view, p, false, out);
}

int cmd_plan(const struct options *o)
{
    struct session s;
    struct stm_buf out = {0};
    int code = session_file(&s, o, o->args[0], STORE_OR_NONE);
    if (code) return code;
    struct stm_err err = {0};
    if (plan_reads(&s, &err)) {
        code = fail(&err, NULL);
        session_close(&s);
        return code;
    }
    if (o->json) {
        struct stm_cost c;
        stm_view_cost(s.view, STM_ANCHOR_EVERY, &c);
        stm_buf_printf(
            &out,
            "{\"declared\":%llu,\"reused\":%llu,\"shared\":%llu,\"worst\":%llu,"
            "\"states\":%llu,\"state_bytes\":%llu,\"replicates\":%u,\"done\":%u,\"tree\":",
            (unsigned long long)c.declared, (unsigned long long)c.reused,
            (unsigned long long)c.shared, (unsigned long long)c.worst, (unsigned long long)c.states,
            (unsigned long long)c.bytes, c.replicates, c.done);
        tree_json(s.view, s.plan, &out);
        out.n -= out.n && out.p[out.n - 1] == '\n';
        stm_buf_printf(&out, "}\n");
        warnings_json(&s.warnings, &out);
    } else if (o->dot) {
        tree_dot(s.plan, &out);
    } else {
        plan_print(&s, &out);
    }
    session_close(&s);
    return put_out(&out);
}
