/* Transforms of the gradient, learning rates of groups, and SGD, each against a scalar loop. */
#include <math.h>

#include "engine_fixture.h"

#define F64 "precision = f64\n"
#define EMA F64 "grad = ema\ngrad.ema.beta = 0.9\ngrad.ema.lambda = 2\n"

/* The gradient of `t`'s present state, without any transform, by a trainer `plain`. */
static void gradient_of(struct stm_trainer *t, struct stm_trainer *plain)
{
    for (unsigned k = 0; k < t->net.n_tensors; k++)
        memcpy(plain->net.param[k], t->net.param[k], t->net.spec[k].n * sizeof(double));
    stm_trainer_step(plain, false);
}

START_TEST(ema_adds_the_average)
{
    open_engine();
    static double m[8][64];
    struct stm_trainer *t = trainer_of(TINY, EMA "freeze b1\n", 1),
                       *plain = trainer_of(TINY, F64, 1);
    memset(m, 0, sizeof m);
    for (int step = 0; step < 15; step++) {
        gradient_of(t, plain);
        stm_trainer_step(t, false);
        for (unsigned k = 0; k < t->net.n_tensors; k++)
            for (size_t i = 0; i < t->net.spec[k].n && k != 2; i++) {
                double g = ((double *)plain->net.grad[k])[i];
                m[k][i] = 0.9 * m[k][i] + 0.1 * g;
                ck_assert_double_eq_tol(((double *)t->buffer[k])[i], m[k][i], 1e-15);
                ck_assert_double_eq_tol(((double *)t->net.grad[k])[i], g + 2 * m[k][i], 1e-14);
            }
    }
    for (size_t i = 0; i < t->net.spec[2].n; i++)
        ck_assert_double_eq(((double *)t->buffer[2])[i], 0);
    stm_trainer_free(t), stm_trainer_free(plain);
}
END_TEST

START_TEST(perp_is_orthogonal)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, F64 "grad = perp\nlr = 0\n", 1),
                       *plain = trainer_of(TINY, F64 "lr = 0\n", 1);
    stm_trainer_step(t, false);
    stm_trainer_step(plain, false);
    for (unsigned k = 0; k < t->net.n_tensors; k++) {
        const double *w = t->net.param[k], *g = plain->net.grad[k], *got = t->net.grad[k];
        double wg = 0, ww = 0, dot = 0;
        for (size_t i = 0; i < t->net.spec[k].n; i++) wg += w[i] * g[i], ww += w[i] * w[i];
        for (size_t i = 0; i < t->net.spec[k].n; i++) {
            dot += w[i] * got[i];
            ck_assert_double_eq_tol(got[i], ww > 0 ? g[i] - w[i] * wg / ww : g[i], 1e-15);
        }
        ck_assert_double_eq_tol(dot, 0, 1e-15);
    }
    stm_trainer_free(t), stm_trainer_free(plain);
}
END_TEST

/* lr.W1 acts on W1 alone and goes before lr.weights, which leaves the biases. */
START_TEST(groups_have_their_rates)
{
    open_engine();
    static const double rate[] = {0.02, 0.5, 0.01, 0.02, 0.03};
    struct stm_trainer *t = trainer_of(TINY,
                                       F64 "optimizer = sgd\nlr = 0.01\nlr.W1 = 0.5\nlr.weights = "
                                           "0.02\nlr.b2 = 0.03\nweight_decay = 0\n",
                                       1);
    struct stm_trainer *before = trainer_of(TINY, F64, 1);
    stm_trainer_step(t, false);
    for (unsigned k = 0; k < t->net.n_tensors; k++)
        for (size_t i = 0; i < t->net.spec[k].n; i++)
            ck_assert_double_eq_tol(((double *)t->net.param[k])[i],
                                    ((double *)before->net.param[k])[i] -
                                        rate[k] * ((double *)t->net.grad[k])[i],
                                    1e-15);
    stm_trainer_free(t), stm_trainer_free(before);
}
END_TEST

START_TEST(the_rate_decays_its_group)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, F64 "lr = 0\nlr.E = 0.1\nweight_decay = 0.5\n", 1);
    struct stm_trainer *same = trainer_of(TINY, F64 "lr = 0.1\nweight_decay = 0.5\n", 1);
    struct stm_trainer *before = trainer_of(TINY, F64, 1);
    stm_trainer_step(t, false);
    stm_trainer_step(same, false);
    ck_assert_mem_eq(t->net.param[0], same->net.param[0], t->net.spec[0].n * sizeof(double));
    ck_assert_mem_eq(t->net.param[1], before->net.param[1], t->net.spec[1].n * sizeof(double));
    stm_trainer_free(t), stm_trainer_free(same), stm_trainer_free(before);
}
END_TEST

/* Twelve steps of SGD from its own gradients. */
static void follow(const char *order)
{
    static double p[8][64], m[8][64];
    const double lr = 0.1, decay = 0.5;
    char more[160];
    snprintf(more, sizeof more,
             F64 "optimizer = sgd\noptimizer.momentum = 0.8\noptimizer.order = %s\nlr = 0.1\n"
                 "weight_decay = 0.5\n",
             order);
    struct stm_trainer *t = trainer_of(TINY, more, 1);
    memset(m, 0, sizeof m);
    for (unsigned k = 0; k < t->net.n_tensors; k++)
        memcpy(p[k], t->net.param[k], t->net.spec[k].n * sizeof(double));
    for (int step = 0; step < 12; step++) {
        stm_trainer_step(t, false);
        for (unsigned k = 0; k < t->net.n_tensors; k++)
            for (size_t i = 0; i < t->net.spec[k].n; i++) {
                double l = t->net.spec[k].decay ? decay : 0, g = ((double *)t->net.grad[k])[i];
                m[k][i] = 0.8 * m[k][i] + g + (order[0] == 'c' ? l * p[k][i] : 0);
                if (order[0] == 'd') p[k][i] *= 1 - lr * l;
                p[k][i] -= lr * m[k][i];
                if (order[0] == 's') p[k][i] *= 1 - lr * l;
                ck_assert_double_eq_tol(((double *)t->net.param[k])[i], p[k][i], 1e-13);
                ck_assert_double_eq_tol(((double *)t->slot[k].moment[0])[i], m[k][i], 1e-13);
            }
    }
    stm_trainer_free(t);
}

START_TEST(sgd)
{
    open_engine();
    follow("step_then_decay");
    follow("decay_then_step");
    follow("coupled");
}
END_TEST

/* The average comes with the setting, from 0, and goes with it; it is part of the state. */
START_TEST(the_buffer_is_state)
{
    open_engine();
    struct stm_trainer *plain = trainer_of(TINY, F64, 1), *ema = trainer_of(TINY, EMA, 2),
                       *fresh = trainer_of(TINY, EMA, 1);
    struct stm_state s;
    for (int i = 0; i < 5; i++) stm_trainer_step(ema, false);
    stm_trainer_view(ema, &s);
    ck_assert_ptr_nonnull(stm_state_find(&s, "grad.ema.W1"));
    stm_trainer_view(plain, &s);
    ck_assert_ptr_null(stm_state_find(&s, "grad.ema.W1"));
    ck_assert_int_eq(stm_trainer_load(ema, &s, NULL), 0);
    assert_same_state(ema, fresh);
    for (int i = 0; i < 5; i++) stm_trainer_step(ema, false);
    stm_trainer_view(ema, &s);
    ck_assert_int_eq(stm_trainer_load(plain, &s, NULL), 0);
    ck_assert_mem_eq(plain->net.param[1], ema->net.param[1], plain->net.spec[1].n * sizeof(double));
    stm_trainer_free(plain), stm_trainer_free(ema), stm_trainer_free(fresh);
}
END_TEST

RUN_TESTS("engine grad", ema_adds_the_average, perp_is_orthogonal, groups_have_their_rates,
          the_rate_decays_its_group, sgd, the_buffer_is_state)
