#include "engine/judge.h"

#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "engine/fit.h"
#include "engine/trainer_state.h"

/* A value that refuses least, for one that is not known yet: the largest. */
static double some_value(struct stm_settings *s, const char *key)
{
    const struct stm_param *p = stm_settings_param(s, key);
    return !p ? 1 : p->open_max ? (p->min + p->max) / 2 : p->max;
}

static int put_hold(struct stm_settings *s, const struct stm_in_force *f, struct stm_err *err)
{
    double *v = stm_calloc(f->n, sizeof *v);
    if (!v) return stm_fail(err, STM_E_NOMEM, "no memory for settings");
    for (size_t i = 0; i < f->n; i++) v[i] = isnan(f->num[i]) ? 1 : f->num[i];
    int rc = stm_settings_hold(s, f->key, f->kind == STM_FORCE_HOLD_LE ? STM_HOLD_LE : STM_HOLD_EQ,
                               v, f->n, err);
    stm_free(v);
    return rc;
}

static int put(struct stm_settings *s, const struct stm_in_force *f, struct stm_err *err)
{
    switch (f->kind) {
    case STM_FORCE_SET:
        if (f->sym) return stm_settings_sym(s, f->key, f->sym, err);
        return stm_settings_num(s, f->key, isnan(f->num[0]) ? some_value(s, f->key) : f->num[0],
                                err);
    case STM_FORCE_HOLD:
    case STM_FORCE_HOLD_LE: return put_hold(s, f, err);
    case STM_FORCE_FREEZE: return stm_settings_freeze(s, f->key, err);
    default: return 0;
    }
}

static size_t last_blamed(const struct stm_in_force *list, size_t n, const struct stm_blame *b)
{
    for (size_t i = n; i-- > 0;)
        if (stm_blame_has(b, list[i].key)) return i;
    return n;
}

/* The whole list in an empty trainer; *at where one of it alone is at fault. */
static int fit(struct stm_trainer *t, const struct stm_in_force *list, size_t n, size_t *at,
               struct stm_err *err)
{
    struct stm_blame blame = {0};
    const char *group;
    bool norm;
    int rc = 0;
    for (*at = 0; *at < n; ++*at)
        if ((rc = put(&t->set, &list[*at], err))) return rc;
    if ((rc = stm_trainer_fit(t, &blame, err))) {
        *at = last_blamed(list, n, &blame);
        return rc;
    }
    for (*at = 0; *at < n; ++*at)
        if (list[*at].kind == STM_FORCE_ONCE &&
            (rc = stm_trainer_edit_target(t, list[*at].key, &group, &norm, err)))
            return rc;
    return 0;
}

int stm_judge(const struct stm_in_force *list, size_t n, struct stm_fault *out)
{
    struct stm_err err = {0};
    struct stm_trainer *t = stm_calloc(1, sizeof *t);
    if (!t) return STM_E_NOMEM;
    stm_settings_begin(&t->set);
    int rc = fit(t, list, n, &out->at, &err);
    memcpy(out->msg, err.msg, sizeof out->msg);
    stm_trainer_free(t);
    return rc;
}
