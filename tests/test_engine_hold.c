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
    stm_trainer_apply_holds(t);
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

START_TEST(a_hold_of_a_frozen_tensor_is_refused)
{
    struct stm_err err = {0};
    struct stm_trainer *t = NULL;
    struct stm_settings *s = settings_of(TINY, "hold norm(weights) = 3\nfreeze E\n");
    ck_assert_int_eq(stm_trainer_new(&t, s, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "hold norm(weights) would move a frozen tensor");
    stm_settings_free(s);
}
END_TEST

RUN_TESTS("engine hold", norm_holds_after_every_step, one_scalar_for_the_group,
          upper_bound_acts_only_above, a_hold_of_a_frozen_tensor_is_refused)
