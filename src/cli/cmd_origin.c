#include <string.h>

#include "cli/cli.h"

/* One seed of one fork: its state, and whether each arm's recorded parent is that state. */
static void fork_seed(const struct session *s, int fork, unsigned seed, bool json, bool *first,
                      struct stm_buf *out, bool *one)
{
    const struct stm_fork *f = &s->plan->forks[fork];
    const struct stm_data *d = stm_view_data(s->view);
    struct stm_fork_at at = stm_view_fork(s->view, fork, seed);
    char hex[STM_ID_TEXT], start_hex[STM_ID_TEXT];
    if (!json && (!at.known || !at.reached))
        stm_buf_printf(out, "  #%-4d %s\n", d->seeds[seed], *at.why ? at.why : "not reached yet");
    if (!at.known || !at.reached) return;
    unsigned same = 0, arms = 0;
    struct stm_buf starts = {0};
    for (unsigned i = 0; i < f->n_nodes; i++) {
        struct stm_measured m;
        struct stm_id parent;
        if (s->plan->nodes[f->nodes[i]].off) continue;
        if (!stm_view_start(s->view, f->nodes[i], seed, &m, &parent)) continue;
        arms++;
        bool ok = stm_id_eq(&parent, &at.state);
        same += ok;
        *one = *one && ok;
        if (json) {
            stm_buf_printf(out, "%s{\"fork\":", *first ? "" : ",\n");
            json_text(f->path, out);
            stm_buf_printf(out,
                           ",\"seed\":%d,\"step\":%llu,\"state\":\"%s\",\"arm\":", d->seeds[seed],
                           (unsigned long long)at.step, stm_id_text(&at.state, hex));
            json_text(s->plan->nodes[f->nodes[i]].label, out);
            stm_buf_printf(out, ",\"parent\":\"%s\",\"start\":\"%s\",\"one\":%s}",
                           stm_id_text(&parent, hex), stm_id_text(&m.state, start_hex),
                           ok ? "true" : "false");
        } else {
            wrapped_print(&starts, 12, "      %-24s from %.12s%s, starts as %.12s%s",
                          s->plan->nodes[f->nodes[i]].label, stm_id_text(&parent, hex),
                          ok ? "" : " (ANOTHER STATE)", stm_id_text(&m.state, start_hex),
                          stm_id_eq(&m.state, &at.state) ? " (same)" : "");
        }
        *first = false;
    }
    if (!json) {
        stm_buf_printf(out, "  #%-4d %s  %u of %u arms\n", d->seeds[seed],
                       stm_id_text(&at.state, hex), same, arms);
        stm_buf_put(out, starts.p, starts.n);
    }
    stm_buf_release(&starts);
}

int origin_print(const struct session *s, bool json, struct stm_buf *out, bool *one)
{
    const struct stm_data *d = stm_view_data(s->view);
    bool first = true;
    *one = true;
    if (json) stm_buf_printf(out, "[");
    for (unsigned f = 0; f < s->plan->n_forks; f++) {
        if (!json) {
            struct stm_buf at = {0};
            time_print(s->plan, &s->plan->forks[f].at, &at);
            wrapped_print(out, 2, "%s @ %s: the state at the fork, and the arms that left it",
                          s->plan->forks[f].path, stm_buf_text(&at));
            stm_buf_release(&at);
        }
        for (unsigned seed = 0; seed < d->n_seeds; seed++)
            fork_seed(s, (int)f, seed, json, &first, out, one);
    }
    if (json)
        stm_buf_printf(out, "]\n");
    else
        stm_buf_printf(out, "%s\n",
                       !s->plan->n_forks ? "there is no fork in this protocol"
                       : first           ? "no arm has left its fork yet: `stemma run` trains them"
                       : *one            ? "one origin: every arm left the state of its fork"
                                         : "NOT one origin: see the arms marked above");
    if (first && s->plan->n_forks) *one = false; /* nothing was compared */
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
    session_close(&s);
    code = put_out(&out);
    return code ? code : one ? EXIT_YES : EXIT_NO;
}
