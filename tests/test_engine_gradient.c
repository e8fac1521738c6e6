/* The backward pass against central finite differences of the measured loss, in float64. */
#include <math.h>

#include "engine_fixture.h"

/* With lr = 0 a step leaves the parameters and fills the gradient. */
#define STILL "lr = 0\noutput_scale = 0.7\ntemperature = 1.3\n"

/* Larger weights than at the start, and biases, so that no term is small. */
static void spread(struct stm_trainer *t)
{
    for (unsigned k = 0; k < t->net.n_tensors; k++) {
        double *p = t->net.param[k];
        stm_rand_normals(3, STM_STREAM_PERTURB, k, t->normal, t->net.spec[k].n);
        for (size_t i = 0; i < t->net.spec[k].n; i++) p[i] = 0.6 * t->normal[i];
    }
}

START_TEST(every_tensor_by_finite_differences)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, STILL "precision = f64\n", 2);
    spread(t);
    stm_trainer_step(t, false);
    double worst = 0;
    for (unsigned k = 0; k < t->net.n_tensors; k++) {
        double *p = t->net.param[k], *g = t->net.grad[k];
        for (size_t i = 0; i < t->net.spec[k].n; i++) {
            const double h = 1e-5, x = p[i];
            p[i] = x + h;
            double above = measure(t, "loss(train)");
            p[i] = x - h;
            double below = measure(t, "loss(train)");
            p[i] = x;
            double error = fabs(g[i] - (above - below) / (2 * h));
            ck_assert_msg(error < 1e-9, "%s[%zu]: %.12g against %.12g", t->net.spec[k].name, i,
                          g[i], (above - below) / (2 * h));
            worst = fmax(worst, error);
        }
    }
    printf("gradient: max error %.2g\n", worst);
    stm_trainer_free(t);
}
END_TEST

START_TEST(float_agrees_with_double)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, STILL "precision = f64\n", 2);
    struct stm_trainer *f = trainer_of(TINY, STILL, 2);
    spread(t);
    for (unsigned k = 0; k < t->net.n_tensors; k++)
        for (size_t i = 0; i < t->net.spec[k].n; i++)
            ((float *)f->net.param[k])[i] = (float)((double *)t->net.param[k])[i];
    stm_trainer_step(t, false);
    stm_trainer_step(f, false);
    for (unsigned k = 0; k < t->net.n_tensors; k++)
        for (size_t i = 0; i < t->net.spec[k].n; i++)
            ck_assert_double_eq_tol(((float *)f->net.grad[k])[i], ((double *)t->net.grad[k])[i],
                                    2e-6);
    stm_trainer_free(t);
    stm_trainer_free(f);
}
END_TEST

/* More pairs than a tile: the gradient is that of all of them. p = 29 has 420 training pairs. */
START_TEST(tiles_add_up)
{
    open_engine();
    struct stm_trainer *t =
        trainer_of(TINY, STILL "task.p = 29\nprecision = f64\nmodel.hidden = 17\n", 4);
    ck_assert_uint_gt(t->net.task.train, 2 * STM_TILE);
    stm_trainer_step(t, false);
    for (unsigned k = 0; k < t->net.n_tensors; k++) {
        double *p = t->net.param[k], *g = t->net.grad[k];
        for (size_t i = 0; i < t->net.spec[k].n; i += 13) {
            const double h = 1e-4, x = p[i];
            p[i] = x + h;
            double above = measure(t, "loss(train)");
            p[i] = x - h;
            double below = measure(t, "loss(train)");
            p[i] = x;
            ck_assert_double_eq_tol(g[i], (above - below) / (2 * h), 1e-9);
        }
    }
    stm_trainer_free(t);
}
END_TEST

RUN_TESTS("engine gradient", every_tensor_by_finite_differences, float_agrees_with_double,
          tiles_add_up)
