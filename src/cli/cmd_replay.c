#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static void on_step(void *ctx, uint64_t step)
{
    (void)ctx;
    if (step % 512 == 0) fprintf(stderr, "\r\x1b[2Kstep %llu", (unsigned long long)step);
}

static void print_text(const char *address, const struct stm_replay_report *r, struct stm_buf *out)
{
    char a[STM_ID_TEXT], b[STM_ID_TEXT];
    char anchors[48] = "";
    if (r->anchors)
        snprintf(anchors, sizeof anchors, ", %llu stored states verified",
                 (unsigned long long)r->anchors);
    if (!r->differs) {
        wrapped_print(out, 2,
                      "%s: bit-exact: %llu steps re-executed, %llu state ids and %llu metrics "
                      "agreed%s",
                      address, (unsigned long long)r->steps, (unsigned long long)r->compared,
                      (unsigned long long)r->metrics, anchors);
        return;
    }
    if (*r->metric) {
        wrapped_print(out, 2, "%s: NOT bit-exact: first difference at step %llu, in %s", address,
                      (unsigned long long)r->step, r->metric);
        stm_buf_printf(out, "  trail    %.17g\n  replayed %.17g\n", r->recorded, r->measured);
        return;
    }
    wrapped_print(out, 2, "%s: NOT bit-exact: first difference at step %llu, in %s", address,
                  (unsigned long long)r->step,
                  *r->tensors ? r->tensors : "no tensor, only the state id");
    stm_buf_printf(out, "  trail    %s\n  replayed %s\n", stm_id_text(&r->expected, a),
                   stm_id_text(&r->found, b));
}

static void print_json(const char *address, const struct stm_replay_report *r, struct stm_buf *out)
{
    stm_buf_printf(out, "{\"address\":");
    json_text(address, out);
    stm_buf_printf(out,
                   ",\"bit_exact\":%s,\"steps\":%llu,\"compared\":%llu,\"metrics\":%llu,"
                   "\"anchors\":%llu",
                   r->differs ? "false" : "true", (unsigned long long)r->steps,
                   (unsigned long long)r->compared, (unsigned long long)r->metrics,
                   (unsigned long long)r->anchors);
    if (r->differs) {
        stm_buf_printf(out, ",\"step\":%llu,\"tensors\":", (unsigned long long)r->step);
        json_text(r->tensors, out);
        stm_buf_printf(out, ",\"metric\":");
        json_text(r->metric, out);
    }
    stm_buf_printf(out, "}\n");
}

int cmd_replay(const struct options *o)
{
    struct session s = {0};
    struct stm_address a;
    struct stm_err err = {0};
    struct stm_buf out = {0};
    struct stm_replay_report r = {0};
    int code = session_address(&s, o, o->args[0], &a);
    if (!code && a.seed < 0) {
        const char *at = strrchr(o->args[0], '@');
        int n = at ? (int)(at - o->args[0]) : (int)strlen(o->args[0]);
        fprintf(stderr, "stemma: `%s` names every seed\nhelp: add one of them: '%.*s#%d%s'\n",
                o->args[0], n, o->args[0], s.vo.seed_lo, at ? at : "");
        code = EXIT_USAGE;
    }
    if (!code && a.has_at &&
        a.at.step > (double)stm_view_rep(s.view, a.node, (unsigned)a.seed).last) {
        fprintf(stderr, "stemma: replaying %s: there is no such step\nhelp: its last one is %llu\n",
                o->args[0],
                (unsigned long long)stm_view_rep(s.view, a.node, (unsigned)a.seed).last);
        code = EXIT_USAGE;
    }
    if (!code && stm_replay_open(s.view, o->profile, &err)) code = fail(&err, NULL);
    if (!code) {
        bool live = isatty(STDERR_FILENO);
        int rc = stm_replay(s.view, a.node, (unsigned)a.seed, !o->from_anchor, o->verify,
                            a.has_at ? (uint64_t)a.at.step : UINT64_MAX, live ? on_step : NULL,
                            NULL, &r, &err);
        if (live) fprintf(stderr, "\r\x1b[2K");
        if (rc && !r.differs) {
            code = fail(&err,
                        rc == STM_E_PROFILE
                            ? "without --profile, with the build and library of then, it is judged"
                            : NULL);
        } else {
            if (o->json)
                print_json(o->args[0], &r, &out);
            else
                print_text(o->args[0], &r, &out);
            code = put_out(&out);
            if (!code && r.differs) code = EXIT_NO;
        }
    }
    session_close(&s);
    return code;
}
