#include <math.h>

#include "engine_fixture.h"

static void assert_norm(struct stm_trainer *t, const char *metric, double v, double tolerance)
{
    double norm = measure(t, metric);
    ck_assert_msg(fabs(norm / v - 1) < tolerance, "%s = %.9g, not %.9g", metric, norm, v);
}

START_TEST(norm_holds_after_every_step)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, "hold norm(weights) = 4.25\n", 1);
    struct stm_trainer *d = trainer_of(TINY, "precision = f64\nhold norm(weights) = 4.25\n", 1);
    for (int i = 0; i < 200; i++) {
        stm_trainer_step(t, false);
        stm_trainer_step(d, false);
        assert_norm(t, "norm(weights)", 4.25, 1e-7);
        assert_norm(d, "norm(weights)", 4.25, 1e-14);
    }
    stm_trainer_free(t);
    stm_trainer_free(d);
}
END_TEST

START_TEST(one_scalar_for_the_group)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, "precision = f64\nhold norm(weights) = 9\n", 1);
    struct stm_trainer *free_one = trainer_of(TINY, "precision = f64\n", 1);
    stm_trainer_apply_holds(t, NULL);
    assert_norm(t, "norm(weights)", 9, 1e-14);
    double factor = 9 / measure(free_one, "norm(weights)");
    for (unsigned k = 0; k < t->net.n_tensors; k++)
        for (size_t i = 0; i < t->net.spec[k].n; i++)
            ck_assert_double_eq_tol(((double *)t->net.param[k])[i],
                                    factor * ((double *)free_one->net.param[k])[i], 1e-14);
    stm_trainer_free(t);
    stm_trainer_free(free_one);
}
END_TEST

START_TEST(upper_bound_acts_only_above)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, "hold norm(W2) <= 1000\n", 1);
    struct stm_trainer *free_one = trainer_of(TINY, "", 1);
    struct stm_trainer *low = trainer_of(TINY, "hold norm(W2) <= 1.5\nhold norm(E) = 2\n", 1);
    for (int i = 0; i < 40; i++) {
        stm_trainer_step(t, false);
        stm_trainer_step(free_one, false);
        stm_trainer_step(low, false);
        ck_assert_double_le(measure(low, "norm(W2)"), 1.5 * (1 + 1e-7));
        assert_norm(low, "norm(E)", 2, 1e-7);
    }
    assert_same_state(t, free_one);
    stm_trainer_free(t);
    stm_trainer_free(free_one);
    stm_trainer_free(low);
}
END_TEST

/* The sum of the squared norms is what the update left; a total held with the shares is kept. */
static void check_shares(const char *precision, double tolerance)
{
    char more[200];
    snprintf(more, sizeof more,
             "%shold norm(weights) = 4\nhold share(E, W2, W1) = (0.2, 0.3, 0.5)\n", precision);
    struct stm_trainer *t = trainer_of(TINY, more, 1);
    for (int i = 0; i < 100; i++) {
        stm_trainer_step(t, false);
        assert_norm(t, "norm(weights)", 4, tolerance);
        assert_norm(t, "share(E)", 0.2, tolerance);
        assert_norm(t, "share(W2)", 0.3, tolerance);
        assert_norm(t, "share(W1)", 0.5, tolerance);
    }
    stm_trainer_free(t);
}

START_TEST(shares_hold_after_every_step)
{
    open_engine();
    check_shares("", 1e-6);
    check_shares("precision = f64\n", 1e-13);
    struct stm_trainer *t =
        trainer_of(TINY, "precision = f64\nhold share(E, W2) = (0.9, 0.1)\n", 1);
    struct stm_trainer *free_one = trainer_of(TINY, "precision = f64\n", 1);
    stm_trainer_apply_holds(t, NULL);
    double e = measure(t, "norm(E)"), w = measure(t, "norm(W2)"),
           total = measure(free_one, "norm(E)");
    total = total * total + pow(measure(free_one, "norm(W2)"), 2);
    ck_assert_double_eq_tol(e * e, 0.9 * total, 1e-13);
    ck_assert_double_eq_tol(w * w, 0.1 * total, 1e-13);
    assert_norm(t, "norm(W1)", measure(free_one, "norm(W1)"), 1e-15);
    stm_trainer_free(t), stm_trainer_free(free_one);
}
END_TEST

static double row(const struct stm_trainer *t, unsigned k, size_t r)
{
    size_t cols = t->net.spec[k].shape[1];
    double sum = 0;
    for (size_t i = r * cols; i < (r + 1) * cols; i++)
        sum += t->prec == STM_PREC_F64 ? pow(((double *)t->net.param[k])[i], 2)
                                       : pow((double)((float *)t->net.param[k])[i], 2);
    return sqrt(sum);
}

START_TEST(rows_hold_after_every_step)
{
    open_engine();
    for (int wide = 0; wide < 2; wide++) {
        struct stm_trainer *t = trainer_of(
            TINY,
            wide ? "precision = f64\nhold norm(rows(E)) = 1.25\nhold norm(rows(W1)) <= 0.9\n"
                 : "hold norm(rows(E)) = 1.25\nhold norm(rows(W1)) <= 0.9\n",
            1);
        double tolerance = wide ? 1e-14 : 1e-6;
        unsigned capped = 0, below = 0;
        for (int i = 0; i < 60; i++) {
            stm_trainer_step(t, false);
            for (size_t r = 0; r < 7; r++) ck_assert(fabs(row(t, 0, r) / 1.25 - 1) < tolerance);
            for (size_t r = 0; r < 10; r++) {
                ck_assert_double_le(row(t, 1, r), 0.9 * (1 + tolerance));
                capped += row(t, 1, r) > 0.9 * (1 - tolerance);
                below += row(t, 1, r) < 0.9 * (1 - tolerance);
            }
        }
        ck_assert(capped > 0 && below > 0);
        stm_trainer_free(t);
    }
}
END_TEST

/* By the temperature alone, whatever the order in the file. */
START_TEST(logit_scale_holds_after_every_step)
{
    open_engine();
    static const char *const more[] = {"", "precision = f64\n", "precision.loss = f64\n"};
    for (int k = 0; k < 3; k++) {
        char text[200];
        snprintf(text, sizeof text,
                 "%soutput_scale = 0.7\nhold logit_scale = 2.5\nhold norm(E) = 3\n", more[k]);
        struct stm_trainer *t = trainer_of(TINY, text, 1);
        for (int i = 0; i < 100; i++) {
            stm_trainer_step(t, false);
            assert_norm(t, "logit_scale", 2.5, k == 1 ? 1e-13 : 1e-6);
            assert_norm(t, "norm(E)", 3, 1e-6);
        }
        ck_assert_double_ne(t->temperature, 1);
        stm_trainer_free(t);
    }
    struct stm_trainer *held = trainer_of(TINY, "temperature = 1.5\nhold logit_scale = 2.5\n", 1),
                       *plain = trainer_of(TINY, "temperature = 1.5\n", 1);
    stm_trainer_apply_holds(held, NULL);
    for (unsigned k = 0; k < plain->net.n_tensors; k++)
        ck_assert_mem_eq(held->net.param[k], plain->net.param[k],
                         plain->net.spec[k].n * sizeof(float));
    struct stm_state s;
    stm_trainer_view(plain, &s);
    ck_assert_ptr_null(stm_state_find(&s, "temperature"));
    ck_assert_int_eq(stm_trainer_load(held, &s, NULL), 0);
    ck_assert_double_eq(held->temperature, 1.5);
    stm_trainer_free(held), stm_trainer_free(plain);
}
END_TEST

START_TEST(logit_scale_needs_plain_logits)
{
    struct stm_err err = {0};
    struct stm_trainer *t = NULL;
    struct stm_settings *s =
        settings_of(TINY, "hold logit_scale = 3\nlogits = clip\nlogits.clip.c = 1\n");
    ck_assert_int_eq(stm_trainer_new(&t, s, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "hold logit_scale moves the temperature and needs logits = plain");
    stm_settings_free(s);
}
END_TEST

START_TEST(a_hold_of_a_frozen_tensor_is_refused)
{
    struct stm_err err = {0};
    struct stm_trainer *t = NULL;
    struct stm_settings *s = settings_of(TINY, "hold norm(weights) = 3\nfreeze E\n");
    ck_assert_int_eq(stm_trainer_new(&t, s, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "hold norm(weights) would move a tensor that `freeze E` keeps");
    stm_settings_free(s);
}
END_TEST

RUN_TESTS("engine hold", norm_holds_after_every_step, one_scalar_for_the_group,
          upper_bound_acts_only_above, shares_hold_after_every_step, rows_hold_after_every_step,
          logit_scale_holds_after_every_step, logit_scale_needs_plain_logits,
          a_hold_of_a_frozen_tensor_is_refused)
