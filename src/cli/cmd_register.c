#include "cli/cli.h"

/* Replicates that have any data. */
static unsigned count_started(const struct session *s)
{
    unsigned started = 0, n_seeds = stm_view_data(s->view)->n_seeds;
    for (unsigned n = 0; n < s->plan->n_nodes; n++)
        for (unsigned k = 0; k < n_seeds; k++) {
            struct stm_rep r = stm_view_rep(s->view, (int)n, k);
            started += r.status >= STM_REP_PARTIAL;
        }
    return started;
}

int cmd_register(const struct options *o)
{
    struct session s;
    struct stm_err err = {0};
    unsigned added = 0;
    int code = session_file(&s, o, o->args[0], STORE_CREATED);
    if (code) return code;
    unsigned started = count_started(&s);
    if (started) {
        fprintf(stderr,
                "stemma: registering %s: there are data already, %u replicates have run\n"
                "help: what is expected now counts as added after data\n",
                o->args[0], started);
        code = EXIT_NO;
    } else {
        int rc = stm_registry_add(s.store, s.plan, &added, &err);
        while (rc == STM_E_CONFLICT) rc = stm_registry_add(s.store, s.plan, &added, &err);
        if (rc)
            code = fail(&err, NULL);
        else
            printf("registered %u of %u expectations of %s (claims %.12s)\n", added,
                   s.plan->n_expects, s.plan->name, s.plan->claim_hash);
    }
    session_close(&s);
    return code;
}
