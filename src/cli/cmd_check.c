#include "cli/cli.h"

int cmd_check(const struct options *o)
{
    int worst = EXIT_YES;
    for (int i = 0; i < o->n_args; i++) {
        int code;
        struct stm_plan *plan = load_plan(o, o->args[i], NULL, &code);
        if (plan && !o->json) printf("%s: no errors\n", input_name(o->args[i]));
        if (code > worst) worst = code;
        stm_plan_free(plan);
    }
    return worst;
}
