/* The calibrated numbers of a plan. */
#include <stdio.h>

#include "report/results.h"

bool rep_calibrate(const struct stm_data *d, unsigned i, double *value, char why[REP_WHY])
{
    const struct stm_calibrate *c = &d->plan->calibrates[i];
    int node = d->plan->forks[c->fork].node;
    unsigned need = c->need < 0 ? d->n_seeds : (unsigned)c->need;
    struct stm_err err = {0};
    double unused;
    if (d->calibrate(d->ctx, (int)i, node, value) == STM_FACT_KNOWN) return true;
    int rc = stm_eval_across(d, c->expr, node, (int)need, &unused, &err);
    snprintf(why, REP_WHY, "%s%.150s", rc == STM_E_NOTFOUND ? "not measured yet: " : "",
             rc ? err.msg : "not known yet");
    return false;
}
