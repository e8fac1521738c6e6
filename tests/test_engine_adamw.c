/* AdamW against a scalar loop over the published update. */
#include <math.h>

#include "engine_fixture.h"

enum { STEPS = 12, LARGEST = 60 };

/* Twelve steps of a trainer, each checked from its own gradient. */
static void follow(const char *more, bool after, double eps, const char *frozen)
{
    static double p[8][LARGEST], m[8][LARGEST], v[8][LARGEST];
    const double lr = 0.01, decay = 0.5;
    struct stm_trainer *t = trainer_of(TINY, more, 1);
    memset(m, 0, sizeof m);
    memset(v, 0, sizeof v);
    for (unsigned k = 0; k < t->net.n_tensors; k++)
        memcpy(p[k], t->net.param[k], t->net.spec[k].n * sizeof(double));
    for (int step = 1; step <= STEPS; step++) {
        stm_trainer_step(t, false);
        for (unsigned k = 0; k < t->net.n_tensors; k++) {
            const struct stm_tensor_spec *spec = &t->net.spec[k];
            const double *g = t->net.grad[k], *got = t->net.param[k];
            bool decayed = spec->name[0] != 'b', still = strcmp(spec->name, frozen) == 0;
            for (size_t i = 0; i < spec->n && !still; i++) {
                m[k][i] = 0.9 * m[k][i] + 0.1 * g[i];
                v[k][i] = 0.99 * v[k][i] + 0.01 * g[i] * g[i];
                double mhat = m[k][i] / (1 - pow(0.9, step)),
                       vhat = v[k][i] / (1 - pow(0.99, step));
                if (decayed && !after) p[k][i] *= 1 - lr * decay;
                p[k][i] -= lr * mhat / (sqrt(vhat) + eps);
                if (decayed && after) p[k][i] *= 1 - lr * decay;
            }
            for (size_t i = 0; i < spec->n; i++) ck_assert_double_eq_tol(got[i], p[k][i], 1e-12);
        }
    }
    ck_assert_double_eq_tol(t->scalar[0], pow(0.9, STEPS), 1e-15);
    ck_assert_double_eq_tol(t->scalar[1], pow(0.99, STEPS), 1e-15);
    stm_trainer_free(t);
}

#define F64 "precision = f64\noptimizer.beta2 = 0.99\n"

START_TEST(step_then_decay)
{
    open_engine();
    follow(F64 "optimizer.order = step_then_decay\n", true, 1e-8, "");
}
END_TEST

START_TEST(decay_then_step)
{
    open_engine();
    follow(F64 "optimizer.order = decay_then_step\noptimizer.eps = 0.001\n", false, 1e-3, "");
}
END_TEST

START_TEST(frozen_tensor_stays)
{
    open_engine();
    follow(F64 "freeze W1\n", true, 1e-8, "W1");
    follow(F64 "freeze b2\n", true, 1e-8, "b2");
}
END_TEST

RUN_TESTS("engine adamw", step_then_decay, decay_then_step, frozen_tensor_stays)
