#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "run/worker.h"
#include "stemma/run.h"

/* The profile of a job is the whole line of stm_engine_profile; its first word opens it. */
static int open_engine(const char *profile, struct stm_err *err)
{
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(profile, "/"), profile);
    int rc = stm_engine_open(name, NULL, err);
    if (rc || !strcmp(stm_engine_profile(), profile)) return rc;
    return stm_fail(err, STM_E_PROFILE,
                    "the job asks for profile %.100s, this machine computes under %.100s", profile,
                    stm_engine_profile());
}

static int carry_out(struct stm_work *w, struct stm_arena *a, struct stm_work_done *done,
                     struct stm_err *err)
{
    struct stm_columns columns;
    int rc = stm_columns_collect(&columns, w->plan, a, err);
    w->columns = &columns;
    if (!rc && (w->job->node < 0 || (unsigned)w->job->node >= w->plan->n_nodes))
        rc = stm_fail(err, STM_E_FORMAT, "a job of an arm that its plan does not have");
    return rc ? rc : stm_work_do(w, done, err);
}

int stm_work_bytes(const void *p, size_t n, struct stm_store *s, const volatile int *interrupt,
                   struct stm_work_done *done, struct stm_err *err)
{
    struct stm_arena a = {0};
    struct stm_job job;
    struct stm_plan *plan = NULL;
    *done = (struct stm_work_done){0};
    int rc = stm_job_decode(&job, p, n, &a, err);
    if (!rc) rc = open_engine(job.origin.profile, err);
    if (!rc) rc = stm_catalog_plan(&plan, s, &job.plan, err);
    struct stm_work w = {.plan = plan, .job = &job, .store = s, .interrupt = interrupt};
    if (!rc) rc = carry_out(&w, &a, done, err);
    stm_plan_free(plan);
    stm_arena_release(&a);
    return rc;
}
