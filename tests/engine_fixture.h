/* What the tests of the engine share: settings from text, trainers, numbers to feed kernels. */
#ifndef STEMMA_TESTS_ENGINE_FIXTURE_H
#define STEMMA_TESTS_ENGINE_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/random.h"
#include "engine/trainer.h"
#include "run_tests.h"
#include "stemma/engine.h"

/* A tiny problem: 49 pairs, every tensor of a size that no vector width divides. */
#define TINY                                                                                       \
    "task = modular_add\ntask.p = 7\ntask.train = 0.5\nmodel = embed_mlp\nmodel.embed = 5\n"       \
    "model.hidden = 6\noptimizer = adamw\nlr = 0.01\nweight_decay = 0.5\n"

static inline void open_engine(void)
{
    struct stm_err err = {0};
    ck_assert_msg(stm_engine_open(NULL, NULL, &err) == 0, "%s", err.msg);
}

/* Settings from `base` (task, model, optimizer) and `more`; where `more` chooses a task or a model,
 * without the lines of base's. */
static inline struct stm_settings *settings_of(const char *base, const char *more)
{
    char text[1024];
    struct stm_err err = {0};
    struct stm_settings *s = NULL;
    const char *model = strstr(base, "model"), *after = strstr(base, "optimizer");
    const char *task = strstr(more, "task = ") ? model : base;
    if (strstr(more, "model = ")) {
        int n = (int)(model - task);
        snprintf(text, sizeof text, "%.*s%s%s", n, task, after, more);
    } else {
        snprintf(text, sizeof text, "%s%s", task, more);
    }
    ck_assert_msg(stm_settings_parse(&s, text, &err) == 0, "%s", err.msg);
    return s;
}

/* A trainer at the fresh state of `seed`. */
static inline struct stm_trainer *trainer_of(const char *base, const char *more, uint64_t seed)
{
    struct stm_err err = {0};
    struct stm_settings *s = settings_of(base, more);
    struct stm_trainer *t = NULL;
    ck_assert_msg(stm_trainer_new(&t, s, &err) == 0, "%s", err.msg);
    stm_settings_free(s);
    stm_trainer_init(t, seed);
    return t;
}

static inline double measure(struct stm_trainer *t, const char *text)
{
    struct stm_metric m;
    const struct stm_metric *list[] = {&m};
    struct stm_err err = {0};
    double v;
    ck_assert_msg(stm_metric_parse(&m, text, &err) == 0, "%s", err.msg);
    stm_trainer_measure(t, list, 1, &v);
    return v;
}

/* The same tensors with the same bits. */
static inline void assert_same_state(const struct stm_trainer *a, const struct stm_trainer *b)
{
    struct stm_state x, y;
    stm_trainer_view(a, &x);
    stm_trainer_view(b, &y);
    ck_assert_uint_eq(x.n, y.n);
    for (size_t i = 0; i < x.n; i++) {
        ck_assert_str_eq(x.t[i].name, y.t[i].name);
        ck_assert_uint_eq(x.t[i].bytes, y.t[i].bytes);
        ck_assert_msg(memcmp(x.t[i].data, y.t[i].data, x.t[i].bytes) == 0, "%s differs",
                      x.t[i].name);
    }
}

#endif
