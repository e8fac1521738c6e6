#include "cli/cli.h"

static void heading(const struct session *s, const struct stm_catalog_entry *e, struct stm_buf *out)
{
    size_t start = out->n;
    stm_buf_printf(out, "%s", s->plan->name);
    if (e && *e->params) stm_buf_printf(out, "[%s]", e->params);
    stm_buf_printf(out, "  %s", s->plan->title);
    line_end(out, start, "", 2);
    start = out->n;
    stm_buf_printf(out, "seeds %d..%d, profile %s", s->vo.seed_lo, s->vo.seed_hi, s->vo.profile);
    line_end(out, start, "", 2);
}

static void one(const struct options *o, const struct session *s, const struct stm_catalog_entry *e,
                bool detail, struct stm_buf *out)
{
    if (o->json) {
        tree_json(s->view, s->plan, out);
        warnings_json(&s->warnings, out);
        return;
    }
    heading(s, e, out);
    tree_print(s->view, s->plan, detail, out);
}

static int show(const struct options *o, bool detail)
{
    struct session s = {0};
    struct stm_buf out = {0};
    int code;
    if (o->n_args) {
        code = session_file(&s, o, o->args[0], STORE_EXISTS);
        if (!code) one(o, &s, NULL, detail, &out);
    } else {
        code = session_entry(&s, o, 0);
        for (size_t i = 0; !code && i < s.catalog->n; i++) {
            if (i) code = session_entry(&s, o, i);
            if (i && !o->json) stm_buf_printf(&out, "\n");
            if (!code) one(o, &s, &s.catalog->e[i], detail, &out);
        }
    }
    session_close(&s);
    int written = put_out(&out);
    return code ? code : written;
}

int cmd_tree(const struct options *o) { return show(o, false); }
int cmd_status(const struct options *o) { return show(o, true); }
