/* The engine with a model that is not in the tree: its gradient, and that its groups are settings,
 * holds, freezes, metrics and edits like those of the models that are. */
#include <math.h>

#include "base/mem.h"
#include "engine_fixture.h"

#define BASE                                                                                       \
    "task = modular_add\ntask.p = 5\ntask.train = 0.6\nmodel = toy\nmodel.width = 3\n"             \
    "optimizer = adamw\nlr = 0.01\nweight_decay = 0.5\n"

enum { TENSORS = 40 };

/* By its whole name. */
static size_t place(const struct stm_trainer *t, const char *tensor)
{
    size_t k = 0;
    while (strcmp(t->net.spec[k].name, tensor) != 0) k++;
    return k;
}

static void steps(struct stm_trainer *t, int n)
{
    for (int i = 0; i < n; i++) stm_trainer_step(t, false);
}

START_TEST(gradient_by_differences)
{
    open_engine();
    struct stm_trainer *t = trainer_of(BASE, "precision = f64\nlr = 0\n", 3);
    const double h = 1e-5;
    ck_assert_uint_eq(t->net.n_tensors, TENSORS);
    stm_trainer_step(t, false);
    for (size_t k = 0; k < t->net.n_tensors; k++) {
        double *p = t->net.param[k], *g = t->net.grad[k], largest = 0;
        for (size_t i = 0; i < t->net.spec[k].n; i++) {
            const double x = p[i];
            p[i] = x + h;
            double above = measure(t, "loss(train)");
            p[i] = x - h;
            double below = measure(t, "loss(train)");
            p[i] = x;
            ck_assert_double_eq_tol(g[i], (above - below) / (2 * h), 1e-7 * (1 + fabs(g[i])));
            largest = fmax(largest, fabs(g[i]));
        }
        ck_assert_msg(largest > 1e-3, "%s has no gradient", t->net.spec[k].name);
    }
    stm_trainer_free(t);
}
END_TEST

/* Rates of a tensor, of groups, of one group within another. */
START_TEST(rates_of_groups)
{
    open_engine();
    struct stm_trainer *t =
        trainer_of(BASE,
                   "lr.attn = 0.002\nlr.blocks.3.attn.w = 0.003\n"
                   "lr.weights = 0.004\nlr.blocks.5.mlp.b = 0.005\nlr.all = 0.006\n",
                   1);
    ck_assert_double_eq(t->lr[place(t, "embed.a")], 0.004);
    ck_assert_double_eq(t->lr[place(t, "blocks.3.attn.w")], 0.003);
    ck_assert_double_eq(t->lr[place(t, "blocks.11.attn.w")], 0.002);
    ck_assert_double_eq(t->lr[place(t, "blocks.11.mlp.w")], 0.004);
    ck_assert_double_eq(t->lr[place(t, "blocks.5.mlp.b")], 0.005);
    ck_assert_double_eq(t->lr[place(t, "head.b")], 0.006);
    ck_assert_ptr_nonnull(
        strstr(stm_settings_text(&t->set),
               "lr = 0.01\nlr.all = 0.006\nlr.attn = 0.002\nlr.blocks.3.attn.w = 0.003\n"
               "lr.blocks.5.mlp.b = 0.005\nlr.weights = 0.004\nmodel = toy\n"));
    stm_trainer_free(t);
    struct stm_settings *s = settings_of(BASE, "lr.attn = 1\nlr.blocks.0 = 2\n");
    struct stm_err err = {0};
    ck_assert_int_eq(stm_trainer_new(&t, s, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "`lr.attn` and `lr.blocks.0` share a tensor, and neither is the "
                              "smaller group");
    stm_settings_free(s);
}
END_TEST

/* All the tensors of the state, by name, with their three dimensions. */
START_TEST(state_has_every_tensor)
{
    open_engine();
    struct stm_trainer *t = trainer_of(BASE,
                                       "grad = ema\ngrad.ema.beta = 0.9\ngrad.ema.lambda = 1\n", 1),
                       *back = trainer_of(BASE, "precision = f64\n", 9);
    struct stm_state s;
    steps(t, 3);
    stm_trainer_view(t, &s);
    ck_assert_uint_eq(s.n, 4 * TENSORS + 5);
    const struct stm_tensor *x = stm_state_find(&s, "adam.v.blocks.10.attn.w");
    ck_assert_ptr_nonnull(x);
    ck_assert(x->ndim == 3 && x->shape[0] == 2 && x->shape[1] == 3 && x->shape[2] == 3);
    ck_assert_int_eq(stm_trainer_load(back, &s, NULL), 0);
    ck_assert_uint_eq(stm_trainer_at(back), 3);
    ck_assert_double_eq(measure(back, "norm(attn)"), measure(t, "norm(attn)"));
    stm_trainer_free(t), stm_trainer_free(back);
}
END_TEST

START_TEST(groups_are_held_and_frozen)
{
    open_engine();
    struct stm_trainer *t = trainer_of(
                           BASE,
                           "hold norm(attn) = 2\n"
                           "hold share(embed.a, embed.b, blocks.3.mlp.w, blocks.4.mlp.w, "
                           "blocks.5.mlp.w, blocks.6.mlp.w, blocks.7.mlp.w, "
                           "blocks.8.mlp.w, blocks.9.mlp.w, blocks.10.mlp.w) = "
                           "(0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)\n"
                           "hold norm(rows(head.w)) <= 0.9\n"
                           "freeze blocks.2.mlp.w\nfreeze blocks.1.mlp.w\n"
                           "freeze blocks.11.mlp.b\nfreeze head.b\n",
                           1),
                       *first = trainer_of(BASE, "", 1);
    steps(t, 5);
    ck_assert_double_eq_tol(measure(t, "norm(attn)"), 2, 1e-6);
    ck_assert_double_eq_tol(measure(t, "norm(embed.a)"), measure(t, "norm(blocks.10.mlp.w)"), 1e-6);
    ck_assert_double_lt(measure(t, "norm(head.w)"), sqrt(3 * 0.9 * 0.9) + 1e-6);
    size_t still = 0;
    for (size_t k = 0; k < t->net.n_tensors; k++)
        still += !memcmp(t->net.param[k], first->net.param[k], t->net.spec[k].n * sizeof(float));
    ck_assert_uint_eq(still, 4);
    ck_assert_ptr_nonnull(strstr(stm_settings_text(&t->set),
                                 "freeze blocks.1.mlp.w\nfreeze blocks.11.mlp.b\n"
                                 "freeze blocks.2.mlp.w\nfreeze head.b\n"));
    stm_trainer_free(t), stm_trainer_free(first);
}
END_TEST

/* A stack of matrices has the rows of each. */
START_TEST(rows_of_a_stack)
{
    open_engine();
    struct stm_trainer *t = trainer_of(BASE, "precision = f64\nhold norm(rows(attn)) = 0.5\n", 1);
    const double *w = t->net.param[place(t, "blocks.7.attn.w")];
    steps(t, 2);
    for (size_t r = 0; r < 6; r++)
        ck_assert_double_eq_tol(w[3 * r] * w[3 * r] + w[3 * r + 1] * w[3 * r + 1] +
                                    w[3 * r + 2] * w[3 * r + 2],
                                0.25, 1e-12);
    ck_assert_double_eq_tol(measure(t, "norm(attn)"), 0.5 * sqrt(12 * 6), 1e-12);
    stm_trainer_free(t);
}
END_TEST

START_TEST(edits_of_groups)
{
    open_engine();
    struct stm_trainer *t = trainer_of(BASE, "precision = f64\n", 1);
    struct stm_err err = {0};
    double attn = measure(t, "norm(attn)"), block = measure(t, "norm(blocks.0)");
    ck_assert_int_eq(stm_trainer_edit(t, "blocks.0", STM_EDIT_MUL, 2, &err), 0);
    ck_assert_double_eq_tol(measure(t, "norm(blocks.0)"), 2 * block, 1e-12);
    ck_assert_double_gt(measure(t, "norm(attn)"), attn);
    ck_assert_int_eq(stm_trainer_edit(t, "norm(attn)", STM_EDIT_SET, 1, &err), 0);
    ck_assert_double_eq_tol(measure(t, "norm(attn)"), 1, 1e-12);
    ck_assert_int_eq(stm_trainer_edit(t, "blocks.1", STM_EDIT_MUL, 2, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "`blocks.1` cannot be edited; there is GROUP, norm(GROUP), moments");
    ck_assert_int_eq(stm_trainer_edit(t, "norm(biases)", STM_EDIT_SET, 1, &err), STM_E_INVALID);
    ck_assert_int_eq(stm_trainer_edit(t, "norm(head.b)", STM_EDIT_SET, 1, &err), STM_E_INVALID);
    stm_trainer_free(t);
}
END_TEST

/* One wrong line on top of good ones, and what is said about it. */
START_TEST(what_is_wrong_is_named)
{
    static const char *const wrong[][2] = {
        {"lr.blocks.1 = 1",
         "unknown setting `lr.blocks.1`; there is model, optimizer, task, batch, data.train, grad, "
         "logits, loss, lr, lr.GROUP, output_scale, precision, precision.loss, stream.batch, "
         "temperature, weight_decay"},
        {"lr.GROUP = 1",
         "unknown setting `lr.GROUP`; there is model, optimizer, task, batch, data.train, grad, "
         "logits, loss, lr, lr.GROUP, output_scale, precision, precision.loss, stream.batch, "
         "temperature, weight_decay"},
        {"lr.attn = -1", "lr.attn = -1 is outside [0, 1e+06]"},
        {"freeze blocks.0.attn", "the model has no group `blocks.0.attn`"},
        {"hold norm(blocks.0.mlp.b) = 1",
         "the norm of a group of biases (`blocks.0.mlp.b`) is not held"},
        {"hold share(attn, blocks.0) = (0.5, 0.5)",
         "share: `blocks.0` shares a tensor with another group"},
    };
    struct stm_settings *s = NULL;
    struct stm_err err = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s\n", BASE, wrong[i][0]);
        ck_assert_int_eq(stm_settings_parse(&s, text, &err), STM_E_INVALID);
        ck_assert_str_eq(err.msg, wrong[i][1]);
    }
}
END_TEST

/* Wherever memory ends, that is what is said, and nothing is left behind. */
START_TEST(memory_ends)
{
    static const char text[] =
        BASE "lr.attn = 0.002\nlr.blocks.3.attn.w = 0.003\nlr.embed.a = 0.1\n"
             "hold norm(attn) <= 2\nhold norm(rows(head.w)) = 1\nhold share(embed.a, embed.b, "
             "blocks.3.mlp.w) = (0.5, 0.25, 0.25)\nfreeze blocks.2.mlp.w\nfreeze blocks.1.mlp.w\n"
             "freeze biases\n";
    int rc = STM_E_NOMEM;
    open_engine();
    for (unsigned long n = 1; rc; n++) {
        struct stm_settings *s = NULL, *copy = NULL;
        struct stm_trainer *t = NULL;
        struct stm_err err = {0};
        stm_mem_fail_after(n);
        rc = stm_settings_parse(&s, text, &err);
        if (!rc) rc = stm_settings_copy(&copy, s, &err);
        if (!rc && !stm_settings_text(copy)) rc = STM_E_NOMEM;
        if (!rc) rc = stm_trainer_new(&t, copy, &err);
        stm_mem_fail_after(0);
        if (rc) ck_assert_int_eq(rc, STM_E_NOMEM);
        if (!rc) ck_assert_uint_gt(n, 20);
        stm_trainer_free(t);
        stm_settings_free(s);
        stm_settings_free(copy);
    }
}
END_TEST

RUN_TESTS("toy", memory_ends, gradient_by_differences, rates_of_groups, state_has_every_tensor,
          groups_are_held_and_frozen, rows_of_a_stack, edits_of_groups, what_is_wrong_is_named)
