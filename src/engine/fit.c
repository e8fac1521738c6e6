#include "engine/fit.h"

#include <math.h>
#include <string.h>

#include "base/fail.h"

/* ---- what is at fault ---- */

static void blame_part(struct stm_blame *b, const char *whole, size_t n, const char *part)
{
    if (!b || b->n == STM_BLAME_MAX) return;
    b->at[b->n].whole = whole;
    b->at[b->n].n = n;
    b->at[b->n++].part = part;
}

static void blame_on(struct stm_blame *b, const char *key) { blame_part(b, "", 0, key); }

static void blame_knob(struct stm_blame *b, const struct stm_group_knob *k)
{
    const struct stm_param *p = &stm_knobs[k->knob];
    blame_part(b, p->name, stm_knob_prefix(p), k->group);
}

bool stm_blame_has(const struct stm_blame *b, const char *key)
{
    for (size_t i = 0; i < b->n; i++)
        if (strncmp(key, b->at[i].whole, b->at[i].n) == 0 &&
            strcmp(key + b->at[i].n, b->at[i].part) == 0)
            return true;
    return false;
}

/* ---- completeness ---- */

static const struct stm_model_sig *model_of(const struct stm_settings *s)
{
    return &stm_models[s->part[STM_PART_MODEL]]->sig;
}

static int parts_complete(const struct stm_settings *s, struct stm_err *err)
{
    for (int part = 0; part < STM_PARTS; part++) {
        const struct stm_sig *sig = stm_settings_part(s, (enum stm_part)part);
        if (!sig) return stm_fail(err, STM_E_INVALID, "no %s is chosen", stm_part_names[part]);
        for (size_t i = 0; i < sig->n_params; i++)
            if (isnan(s->arg[part][i]))
                return stm_fail(err, STM_E_INVALID, "%s `%s` needs `%s`", stm_part_names[part],
                                sig->name, sig->params[i].name);
    }
    return 0;
}

/* Every word in force has its arguments. */
static int words_complete(const struct stm_settings *s, struct stm_blame *blame,
                          struct stm_err *err)
{
    const struct stm_param *knobs = stm_knobs;
    for (int k = 0; k < STM_KNOBS; k++) {
        int word, owner = stm_knob_owner(k, &word);
        if (owner < 0 || s->knob[owner] != word || !isnan(s->knob[k])) continue;
        blame_on(blame, knobs[owner].name);
        return stm_fail(err, STM_E_INVALID, "%s = %s needs `%s`", knobs[owner].name,
                        knobs[owner].syms[word], knobs[k].name);
    }
    return 0;
}

/* Groups were read before the model was chosen, perhaps. */
static int has_group(const struct stm_settings *s, const char *group, struct stm_err *err)
{
    if (stm_settings_group(s, group, strlen(group))) return 0;
    return stm_fail(err, STM_E_INVALID, "the model has no group `%s`", group);
}

/* Whichever of two groups is the smaller one decides; so one has to be within the other. */
static int knobs_nest(const struct stm_settings *s, const struct stm_group_knob *a,
                      const struct stm_group_knob *b, struct stm_blame *blame, struct stm_err *err)
{
    const struct stm_model_sig *m = model_of(s);
    const char *x = a->group, *y = b->group;
    if (a->knob != b->knob || !stm_groups_overlap(m, x, y)) return 0;
    if (stm_group_within(m, x, y) != stm_group_within(m, y, x)) return 0;
    const struct stm_param *p = &stm_knobs[a->knob];
    const int n = (int)stm_knob_prefix(p);
    blame_knob(blame, a);
    blame_knob(blame, b);
    return stm_fail(err, STM_E_INVALID,
                    "`%.*s%s` and `%.*s%s` share a tensor, and neither is the smaller group", n,
                    p->name, x, n, p->name, y);
}

static int group_knobs_complete(const struct stm_settings *s, struct stm_blame *blame,
                                struct stm_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < s->n_group_knobs; i++) {
        rc = has_group(s, s->group_knob[i].group, err);
        if (rc) blame_knob(blame, &s->group_knob[i]);
        for (size_t k = 0; !rc && k < i; k++)
            rc = knobs_nest(s, &s->group_knob[k], &s->group_knob[i], blame, err);
    }
    return rc;
}

/* No tensor of the hold is frozen. */
static int not_frozen(const struct stm_settings *s, const struct stm_hold *h, const char *group,
                      struct stm_blame *blame, struct stm_err *err)
{
    for (size_t i = 0; i < s->n_freezes; i++) {
        if (!stm_groups_overlap(model_of(s), group, s->freeze[i])) continue;
        blame_on(blame, h->quantity);
        blame_on(blame, s->freeze[i]);
        return stm_fail(err, STM_E_INVALID, "hold %s would move a tensor that `freeze %s` keeps",
                        h->quantity, s->freeze[i]);
    }
    return 0;
}

static int hold_complete(const struct stm_settings *s, const struct stm_hold *h,
                         struct stm_blame *blame, struct stm_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < h->n_groups; i++) {
        rc = has_group(s, h->group[i], err);
        if (rc)
            blame_on(blame, h->quantity);
        else
            rc = not_frozen(s, h, h->group[i], blame, err);
    }
    if (rc || !stm_holds[h->type]->temperature || s->knob[STM_KNOB_LOGITS] == 0) return rc;
    blame_on(blame, h->quantity);
    blame_on(blame, "logits");
    return stm_fail(err, STM_E_INVALID, "hold %s moves the temperature and needs logits = plain",
                    h->quantity);
}

static int complete(const struct stm_settings *s, struct stm_blame *blame, struct stm_err *err)
{
    int rc = parts_complete(s, err);
    if (!rc) rc = words_complete(s, blame, err);
    if (!rc) rc = group_knobs_complete(s, blame, err);
    for (size_t i = 0; !rc && i < s->n_freezes; i++) {
        rc = has_group(s, s->freeze[i], err);
        if (rc) blame_on(blame, s->freeze[i]);
    }
    for (size_t i = 0; !rc && i < s->n_holds; i++) rc = hold_complete(s, &s->hold[i], blame, err);
    return rc;
}

/* ---- what fits ---- */

/* The model takes what the task gives, and the task's arguments go together. */
static int fit_task(const struct stm_settings *s, struct stm_blame *blame, struct stm_err *err)
{
    const struct stm_task_type *task = stm_tasks[s->part[STM_PART_TASK]];
    const struct stm_sig *gives = stm_settings_part(s, STM_PART_TASK),
                         *takes = stm_settings_part(s, STM_PART_MODEL);
    unsigned at = 0;
    if (!(gives->inputs & takes->inputs)) {
        blame_on(blame, "task");
        blame_on(blame, "model");
        return stm_fail(err, STM_E_INVALID, "the model `%s` does not take the examples of `%s`",
                        takes->name, gives->name);
    }
    int rc = task->check ? task->check(s->arg[STM_PART_TASK], &at, err) : 0;
    if (rc) blame_part(blame, "task.", strlen("task."), gives->params[at].name);
    return rc;
}

/* The sizes of the sets and of a batch. */
static int fit_data(struct stm_trainer *t, struct stm_blame *blame, struct stm_err *err)
{
    const struct stm_settings *s = &t->set;
    const struct stm_task_type *task = stm_tasks[s->part[STM_PART_TASK]];
    int rc = fit_task(s, blame, err);
    if (rc) return rc;
    task->shape(s->arg[STM_PART_TASK], &t->net.task);
    t->net.task_type = task;
    t->net.task_arg = s->arg[STM_PART_TASK];
    const char *what = t->net.task.inputs ? "point" : "pair";
    double keep = s->knob[STM_KNOB_DATA_TRAIN], batch = s->knob[STM_KNOB_BATCH];
    t->test_from = t->net.task.train;
    t->train = isnan(keep) ? t->test_from : (uint32_t)(keep * t->test_from);
    if (t->train == 0 || batch > t->train) {
        blame_on(blame, "task.train");
        blame_on(blame, "data.train");
    }
    if (t->train == 0)
        return stm_fail(err, STM_E_INVALID, "the training fraction leaves no training %s of %u",
                        what, t->net.task.pairs);
    if (batch > t->train) {
        blame_on(blame, "batch");
        return stm_fail(err, STM_E_INVALID, "batch = %g is more than the %u training %ss", batch,
                        t->train, what);
    }
    t->batch = batch < 0 ? t->train : (uint32_t)batch;
    return 0;
}

/* The tensors of the model under its arguments. */
static int fit_model(struct stm_trainer *t, struct stm_err *err)
{
    const int m = t->set.part[STM_PART_MODEL];
    struct stm_net *net = &t->net;
    t->model = stm_models[m];
    net->arg = t->set.arg[STM_PART_MODEL];
    net->n_tensors = t->model->sig.n_tensors;
    net->spec = stm_arena_alloc(&t->arena, net->n_tensors * sizeof *net->spec);
    if (!net->spec) return stm_fail(err, STM_E_NOMEM, "no memory for a trainer");
    t->model->shape(net->arg, &net->task, net->spec);
    for (size_t k = 0; k < net->n_tensors; k++) {
        struct stm_tensor_spec *spec = &net->spec[k];
        spec->name = t->model->sig.tensors[k].name;
        spec->n = spec->ndim > 0;
        for (unsigned i = 0; i < spec->ndim; i++) spec->n *= spec->shape[i];
    }
    return 0;
}

void stm_trainer_group(const struct stm_trainer *t, const char *group, bool *set)
{
    for (size_t k = 0; k < t->net.n_tensors; k++) set[k] = stm_group_has(&t->model->sig, group, k);
}

int stm_trainer_present(const struct stm_trainer *t, const char *group, struct stm_err *err)
{
    for (size_t k = 0; k < t->net.n_tensors; k++)
        if (t->net.spec[k].n && stm_group_has(&t->model->sig, group, k)) return 0;
    return stm_fail(err, STM_E_INVALID, "the model has no group `%s` with these arguments", group);
}

/* What is frozen, held or has a rate of its own must be there. */
static int fit_groups(const struct stm_trainer *t, struct stm_blame *blame, struct stm_err *err)
{
    const struct stm_settings *s = &t->set;
    int rc = 0;
    for (size_t i = 0; i < s->n_freezes && !rc; i++) {
        rc = stm_trainer_present(t, s->freeze[i], err);
        if (rc) blame_on(blame, s->freeze[i]);
    }
    for (size_t i = 0; i < s->n_holds && !rc; i++) {
        const struct stm_hold *h = &s->hold[i];
        for (size_t g = 0; g < h->n_groups && !rc; g++)
            rc = stm_trainer_present(t, h->group[g], err);
        if (rc) blame_on(blame, h->quantity);
    }
    for (size_t i = 0; i < s->n_group_knobs && !rc; i++) {
        rc = stm_trainer_present(t, s->group_knob[i].group, err);
        if (rc) blame_knob(blame, &s->group_knob[i]);
    }
    return rc;
}

int stm_trainer_fit(struct stm_trainer *t, struct stm_blame *blame, struct stm_err *err)
{
    int rc = complete(&t->set, blame, err);
    if (!rc) rc = fit_data(t, blame, err);
    if (!rc) rc = fit_model(t, err);
    return rc ? rc : fit_groups(t, blame, err);
}
