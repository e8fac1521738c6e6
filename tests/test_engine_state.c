/* States in and out of a trainer, one-shot edits, and what a step may not do. */
#include <math.h>

#include "base/mem.h"
#include "engine_fixture.h"

/* A copy of `t`'s state in memory of its own. */
static void keep(const struct stm_trainer *t, struct stm_state *out)
{
    struct stm_state view;
    stm_trainer_view(t, &view);
    ck_assert_int_eq(stm_state_copy(out, &view, NULL), 0);
}

static void steps(struct stm_trainer *t, int n)
{
    for (int i = 0; i < n; i++) stm_trainer_step(t, false);
}

START_TEST(a_restored_run_is_the_uninterrupted_one)
{
    open_engine();
    static const char *const more[] = {
        "",
        "precision = f64\n",
        "hold norm(weights) = 5\n",
        "freeze E\ntemperature = 2\n",
        "batch = 7\n",
        "batch = 5\nstream.batch = 3\ndata.train = 0.7\nprecision = f64\n",
        "grad = ema\ngrad.ema.beta = 0.98\ngrad.ema.lambda = 2\n",
        "grad = perp\n",
        "optimizer = sgd\nlr = 0.1\noptimizer.momentum = 0.9\n",
        "precision.loss = f64\nloss = stablemax\nlr.E = 0.1\n",
        "loss = mse\nlogits = normalize\nlogits.normalize.c = 3\n",
        "hold logit_scale = 2\nhold share(E, W1, W2) = (0.2, 0.5, 0.3)\n",
        "hold norm(rows(E)) = 1\nhold norm(rows(W1)) <= 0.5\nprecision = f64\n",
        "model.bias = off\nmodel.act = relu\nmodel.init_E = 0.5\n",
        "model = mlp\nmodel.layers = 3\nmodel.hidden = 5\nhold norm(weights) = 4\nfreeze b2\n",
        "task = modular_div\ntask.p = 7\ntask.train = 0.5\n"};
    struct stm_trainer *a = trainer_of(TINY, more[_i], 6), *b = trainer_of(TINY, more[_i], 99);
    struct stm_state saved;
    steps(a, 15);
    keep(a, &saved);
    steps(a, 10);
    steps(b, 3);
    ck_assert_int_eq(stm_trainer_load(b, &saved, NULL), 0);
    ck_assert_uint_eq(stm_trainer_at(b), 15);
    steps(b, 10);
    assert_same_state(a, b);
    ck_assert_double_eq(measure(a, "loss(all)"), measure(b, "loss(all)"));
    ck_assert_uint_eq(stm_trainer_at(a), 25);
    stm_state_release(&saved);
    stm_trainer_free(a);
    stm_trainer_free(b);
}
END_TEST

START_TEST(the_view_has_the_named_tensors)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, "", 12);
    struct stm_state s;
    stm_trainer_view(t, &s);
    ck_assert_uint_eq(s.n, 5 * 3 + 5);
    static const char *const names[] = {"param.E",  "param.W1",   "param.b1",        "param.W2",
                                        "param.b2", "adam.m.E",   "adam.v.b2",       "step",
                                        "seed",     "data.order", "adam.beta1_power"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_ptr_nonnull(stm_state_find(&s, names[i]));
    const struct stm_tensor *w1 = stm_state_find(&s, "param.W1");
    ck_assert(w1->dtype == STM_F32 && w1->ndim == 2 && w1->shape[0] == 10 && w1->shape[1] == 6);
    ck_assert_uint_eq(*(const uint64_t *)stm_state_find(&s, "seed")->data, 12);
    ck_assert_uint_eq(stm_state_step(&s), 0);
    stm_trainer_free(t);
}
END_TEST

/* A tensor's size or the precision does not move another tensor's first numbers. */
START_TEST(the_start_depends_on_the_seed_alone)
{
    open_engine();
    struct stm_trainer *a = trainer_of(TINY, "", 1), *b = trainer_of(TINY, "precision = f64\n", 1),
                       *c = trainer_of(TINY, "task.p = 11\n", 1), *d = trainer_of(TINY, "", 2);
    for (size_t i = 0; i < a->net.spec[3].n; i++)
        ck_assert_float_eq(((float *)a->net.param[3])[i], (float)((double *)b->net.param[3])[i]);
    ck_assert_mem_eq(a->net.param[1], c->net.param[1], a->net.spec[1].n * sizeof(float));
    ck_assert_mem_ne(a->net.param[1], d->net.param[1], a->net.spec[1].n * sizeof(float));
    ck_assert_mem_ne(a->order, d->order, 49 * sizeof(uint32_t));
    stm_trainer_free(a), stm_trainer_free(b), stm_trainer_free(c), stm_trainer_free(d);
}
END_TEST

START_TEST(model_arguments)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, "precision = f64\n", 1),
                       *bare = trainer_of(TINY,
                                          "precision = f64\nmodel.bias = off\nmodel.init_E = 0.5\n"
                                          "model.init_W2 = 3\n",
                                          1);
    struct stm_state s;
    stm_trainer_view(bare, &s);
    ck_assert_ptr_null(stm_state_find(&s, "param.b1"));
    ck_assert_ptr_null(stm_state_find(&s, "adam.v.b2"));
    ck_assert_double_eq_tol(measure(bare, "norm(E)"), 0.5 * measure(t, "norm(E)"), 1e-14);
    ck_assert_double_eq(measure(bare, "norm(W1)"), measure(t, "norm(W1)"));
    ck_assert_double_eq_tol(measure(bare, "norm(W2)"), 3 * measure(t, "norm(W2)"), 1e-14);
    /* Without biases it is the network whose biases stay 0. */
    struct stm_trainer *frozen = trainer_of(TINY, "freeze biases\n", 1),
                       *off = trainer_of(TINY, "model.bias = off\n", 1);
    steps(frozen, 20), steps(off, 20);
    ck_assert_mem_eq(frozen->net.param[1], off->net.param[1], off->net.spec[1].n * sizeof(float));
    struct stm_err err = {0};
    struct stm_trainer *none = NULL;
    struct stm_settings *set = settings_of(TINY, "model.bias = off\nfreeze b1\n");
    ck_assert_int_eq(stm_trainer_new(&none, set, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "the model has no group `b1` with these arguments");
    stm_settings_free(set);
    stm_trainer_free(t), stm_trainer_free(bare), stm_trainer_free(frozen), stm_trainer_free(off);
}
END_TEST

START_TEST(foreign_states_are_refused)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, "", 1),
                       *wide = trainer_of(TINY, "model.hidden = 8\n", 1);
    struct stm_state s;
    struct stm_err err = {0};
    keep(t, &s);
    ((struct stm_tensor *)(uintptr_t)stm_state_find(&s, "param.E"))->dtype = STM_U32;
    ck_assert_int_eq(stm_trainer_load(t, &s, &err), STM_E_INVALID);
    stm_state_release(&s);
    ck_assert_str_eq(err.msg, "tensor `param.E` of the state is u32, the settings need f32");
    stm_trainer_view(wide, &s);
    ck_assert_int_eq(stm_trainer_load(t, &s, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg,
                     "tensor `adam.m.W1` of the state has another shape: 320 bytes, not 240");
    keep(t, &s);
    uint32_t *order = (uint32_t *)(uintptr_t)stm_state_find(&s, "data.order")->data;
    order[3] = order[4];
    ck_assert_int_eq(stm_trainer_load(t, &s, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "tensor `data.order` is not a permutation of 49");
    ck_assert_int_eq(stm_state_add(&s, "extra", STM_F64, 0, NULL, &(double){1}, NULL), 0);
    ck_assert_int_eq(stm_trainer_load(t, &s, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "the settings have no place for tensor `extra`");
    s.n = 10;
    ck_assert_int_eq(stm_trainer_load(t, &s, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "the state has no tensor `adam.v.b1`");
    stm_state_release(&s);
    struct stm_trainer *same = trainer_of(TINY, "", 1);
    assert_same_state(t, same); /* a refused load leaves the trainer as it was */
    stm_trainer_step(t, false);
    stm_trainer_step(same, false);
    assert_same_state(t, same);
    stm_trainer_free(t), stm_trainer_free(wide), stm_trainer_free(same);
}
END_TEST

/* f32 -> f64 is exact, moments included, and f64 -> f32 undoes it. */
START_TEST(the_precision_changes_at_a_load)
{
    open_engine();
    struct stm_trainer *f = trainer_of(TINY, "", 1), *d = trainer_of(TINY, "precision = f64\n", 7),
                       *back = trainer_of(TINY, "", 7);
    struct stm_state s;
    steps(f, 12);
    stm_trainer_view(f, &s);
    ck_assert_int_eq(stm_trainer_load(d, &s, NULL), 0);
    for (unsigned k = 0; k < f->net.n_tensors; k++)
        for (size_t i = 0; i < f->net.spec[k].n; i++) {
            ck_assert(((double *)d->net.param[k])[i] == ((float *)f->net.param[k])[i]);
            ck_assert(((double *)d->slot[k].moment[0])[i] == ((float *)f->slot[k].moment[0])[i]);
            ck_assert(((double *)d->slot[k].moment[1])[i] == ((float *)f->slot[k].moment[1])[i]);
        }
    stm_trainer_view(d, &s);
    ck_assert_int_eq(stm_trainer_load(back, &s, NULL), 0);
    assert_same_state(f, back);
    ((double *)d->net.param[1])[3] = 1 + 0x1p-25; /* rounds to nearest */
    ck_assert_int_eq(stm_trainer_load(back, &s, NULL), 0);
    ck_assert(((float *)back->net.param[1])[3] == 1);
    stm_trainer_free(f), stm_trainer_free(d), stm_trainer_free(back);
}
END_TEST

START_TEST(edits)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, "precision = f64\n", 1);
    struct stm_err err = {0};
    steps(t, 3);
    double e = measure(t, "norm(E)"), x = ((double *)t->net.param[3])[7];
    ck_assert_int_eq(stm_trainer_edit(t, "E", STM_EDIT_MUL, 0.8, &err), 0);
    ck_assert_double_eq_tol(measure(t, "norm(E)"), 0.8 * e, 1e-14);
    ck_assert_int_eq(stm_trainer_edit(t, "norm(E)", STM_EDIT_SET, 3, &err), 0);
    ck_assert_double_eq_tol(measure(t, "norm(E)"), 3, 1e-14);
    ck_assert_int_eq(stm_trainer_edit(t, "norm(E)", STM_EDIT_ADD, 1, &err), 0);
    ck_assert_int_eq(stm_trainer_edit(t, "norm( E )", STM_EDIT_MUL, 0.5, &err), 0);
    ck_assert_double_eq_tol(measure(t, "norm(E)"), 2, 1e-14);
    ck_assert_int_eq(stm_trainer_edit(t, "W2", STM_EDIT_ADD, 0.25, &err), 0);
    ck_assert_double_eq(((double *)t->net.param[3])[7], x + 0.25);
    ck_assert_int_eq(stm_trainer_edit(t, "biases", STM_EDIT_SET, 0, &err), 0);
    ck_assert_double_eq(measure(t, "norm(biases)"), 0);
    double power = t->scalar[0];
    ck_assert_int_eq(stm_trainer_edit(t, "moments", STM_EDIT_SET, 0, &err), 0);
    for (unsigned k = 0; k < t->net.n_tensors; k++)
        for (size_t i = 0; i < t->net.spec[k].n; i++) {
            ck_assert_double_eq(((double *)t->slot[k].moment[0])[i], 0);
            ck_assert_double_eq(((double *)t->slot[k].moment[1])[i], 0);
        }
    ck_assert_double_eq(t->scalar[0], power);

    static const char *const refused[] = {"norm(b1)", "W9", "lr", "acc(test)", "norm()", ""};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        ck_assert_int_eq(stm_trainer_edit(t, refused[i], STM_EDIT_SET, 1, &err), STM_E_INVALID);
    ck_assert_int_eq(stm_trainer_edit(t, "moments", STM_EDIT_MUL, 2, &err), STM_E_INVALID);
    ck_assert_int_eq(stm_trainer_edit(t, "norm(E)", STM_EDIT_SET, -1, &err), STM_E_INVALID);
    ck_assert_int_eq(stm_trainer_edit(t, "E", STM_EDIT_MUL, NAN, &err), STM_E_INVALID);
    stm_trainer_free(t);
}
END_TEST

START_TEST(tracking_and_measuring_move_no_bit)
{
    open_engine();
    struct stm_trainer *a = trainer_of(TINY, "hold norm(E) = 2\n", 1),
                       *b = trainer_of(TINY, "hold norm(E) = 2\n", 1);
    for (int i = 0; i < 20; i++) {
        stm_trainer_step(a, false);
        stm_trainer_step(b, true);
        measure(b, "loss(test)");
        measure(b, "eff_lr(weights)");
        assert_same_state(a, b);
    }
    stm_trainer_free(a);
    stm_trainer_free(b);
}
END_TEST

START_TEST(a_step_allocates_nothing)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, "hold norm(weights) = 4\n", 1);
    struct stm_metric m;
    const struct stm_metric *list[] = {&m};
    double v;
    ck_assert_int_eq(stm_metric_parse(&m, "acc(all)", NULL), 0);
    stm_mem_fail_after(0);
    steps(t, 5);
    stm_trainer_step(t, true);
    stm_trainer_measure(t, list, 1, &v);
    ck_assert_uint_eq(stm_mem_fail_after(0), 0);
    stm_trainer_free(t);
}
END_TEST

START_TEST(no_memory_is_reported)
{
    open_engine();
    struct stm_settings *s = settings_of(TINY, "");
    struct stm_err err = {0};
    struct stm_trainer *t = NULL;
    for (unsigned long n = 1; n <= 2; n++) {
        stm_mem_fail_after(n);
        ck_assert_int_eq(stm_trainer_new(&t, s, &err), STM_E_NOMEM);
        stm_mem_fail_after(0);
        ck_assert_ptr_null(t);
    }
    stm_settings_free(s);
}
END_TEST

START_TEST(divergence_is_seen)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, "", 1), *hot = trainer_of(TINY, "lr = 1e6\n", 1);
    steps(t, 3);
    ck_assert(!stm_trainer_diverged(t));
    ((float *)t->net.param[1])[2] = INFINITY;
    ck_assert(stm_trainer_diverged(t));
    ((float *)t->net.param[1])[2] = NAN;
    stm_trainer_step(t, false);
    ck_assert(stm_trainer_diverged(t));
    stm_trainer_init(t, 1);
    ck_assert(!stm_trainer_diverged(t));
    for (int i = 0; i < 20 && !stm_trainer_diverged(hot); i++) stm_trainer_step(hot, false);
    ck_assert(stm_trainer_diverged(hot));
    stm_trainer_free(t);
    stm_trainer_free(hot);
}
END_TEST

/* Two trainers that differ in which NaN they hold have one state in the end. */
START_TEST(diverged_states_have_one_nan)
{
    static const uint32_t any_f32[] = {0x7fc00000, 0xffc00001};
    static const uint64_t any_f64[] = {0x7ff8000000000000, 0xfff8000000000123};
    open_engine();
    for (int f64 = 0; f64 < 2; f64++) {
        char id[2][STM_ID_TEXT];
        for (int i = 0; i < 2; i++) {
            struct stm_trainer *t = trainer_of(TINY, f64 ? "precision = f64\n" : "", 1);
            char *w = t->net.param[1], *m = t->slot[1].moment[0];
            const size_t size = f64 ? 8 : 4;
            const void *nan = f64 ? (const void *)&any_f64[i] : &any_f32[i];
            struct stm_state state;
            struct stm_id raw;
            memcpy(w + 2 * size, nan, size);
            memcpy(m + 3 * size, nan, size);
            stm_trainer_one_nan(t);
            ck_assert(stm_trainer_diverged(t));
            stm_trainer_view(t, &state);
            ck_assert_int_eq(stm_state_ids(&state, &raw, NULL, NULL), 0);
            stm_id_text(&raw, id[i]);
            stm_trainer_free(t);
        }
        ck_assert_str_eq(id[0], id[1]);
    }
}
END_TEST

/* Full size: the pairs are memorized by step 200, the norm is the paper's. */
START_TEST(p59_memorizes)
{
    open_engine();
    struct stm_trainer *t = trainer_of(
        TINY,
        "task.p = 59\ntask.train = 0.4\nmodel.embed = 128\nmodel.hidden = 256\nlr = 0.001\n"
        "weight_decay = 1\n",
        0);
    ck_assert_uint_eq(t->net.task.train, 1392);
    steps(t, 225);
    ck_assert_double_ge(measure(t, "acc(train)"), 0.99);
    ck_assert_double_le(measure(t, "acc(test)"), 0.05);
    ck_assert_double_eq_tol(measure(t, "norm(weights)"), 58, 2);
    ck_assert(!stm_trainer_diverged(t));
    stm_trainer_free(t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine state");
    TCase *tc = tcase_create("state");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, a_restored_run_is_the_uninterrupted_one, 0, 16);
    const TTest *const tests[] = {the_view_has_the_named_tensors,
                                  the_start_depends_on_the_seed_alone,
                                  foreign_states_are_refused,
                                  edits,
                                  tracking_and_measuring_move_no_bit,
                                  the_precision_changes_at_a_load,
                                  model_arguments,
                                  a_step_allocates_nothing,
                                  no_memory_is_reported,
                                  divergence_is_seen,
                                  diverged_states_have_one_nan,
                                  p59_memorizes};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
