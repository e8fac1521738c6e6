/* The backward pass against central finite differences of the measured loss, in float64. */
#include <math.h>

#include "engine/kernels/kernels.h"
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

/* The gradient of the last step against central differences with step h, every `stride`-th number
 * of each tensor. Returns the largest error. */
static double compare(struct stm_trainer *t, size_t stride, double h, double tolerance)
{
    double worst = 0;
    for (unsigned k = 0; k < t->net.n_tensors; k++) {
        double *p = t->net.param[k], *g = t->net.grad[k];
        for (size_t i = 0; i < t->net.spec[k].n; i += stride) {
            const double x = p[i];
            p[i] = x + h;
            double above = measure(t, "loss(train)");
            p[i] = x - h;
            double below = measure(t, "loss(train)");
            p[i] = x;
            double error = fabs(g[i] - (above - below) / (2 * h));
            ck_assert_msg(error < tolerance, "%s[%zu]: %.12g against %.12g", t->net.spec[k].name, i,
                          g[i], (above - below) / (2 * h));
            worst = fmax(worst, error);
        }
    }
    return worst;
}

#define MLP(layers) "model = mlp\nmodel.layers = " layers "\nmodel.hidden = 4\n"

#define PARITY                                                                                     \
    "task = sparse_parity\ntask.bits = 7\ntask.relevant = 2\ntask.samples = 49\ntask.train = "     \
    "0.5\n"

/* What a gradient passes through. */
static const char *const variants[] = {
    "loss = cross_entropy\n",
    "loss = mse\n",
    "loss = stablemax\n",
    "precision.loss = f64\n",
    "model.act = relu\n",
    "model.act = square\n",
    "model.act = tanh\nloss = mse\n",
    "model.bias = off\n",
    MLP("1"),
    MLP("2") "model.act = tanh\n",
    MLP("3") "model.bias = off\nmodel.act = relu\nloss = mse\n",
    MLP("5") "model.init_hidden = 2\n",
    "model.bias = off\nmodel.act = tanh\nmodel.init_W1 = 3\n",
    PARITY MLP("1"),
    PARITY MLP("1") "model.bias = off\nmodel.act = relu\nloss = mse\n",
    PARITY MLP("3") "model.act = tanh\nbatch = full\n",
    "logits = clip\nlogits.clip.c = 0.6\n",
    "logits = clip\nlogits.clip.c = 0.6\nloss = mse\n",
    "logits = normalize\nlogits.normalize.c = 2.5\n",
    "logits = normalize\nlogits.normalize.c = 2.5\nloss = stablemax\n",
};
enum { VARIANTS = sizeof variants / sizeof *variants };

START_TEST(every_tensor_by_finite_differences)
{
    open_engine();
    char more[512];
    snprintf(more, sizeof more, STILL "precision = f64\n%s", variants[_i]);
    struct stm_trainer *t = trainer_of(TINY, more, 2);
    spread(t);
    stm_trainer_step(t, false);
    double gradient = 0;
    for (unsigned k = 0; k < t->net.n_tensors; k++) {
        for (size_t i = 0; i < t->net.spec[k].n; i++)
            gradient = fmax(gradient, fabs(((double *)t->net.grad[k])[i]));
        if (t->net.spec[k].n) ck_assert_double_gt(gradient, 1e-3);
        gradient = 0;
    }
    printf("gradient: max error %.2g, %s", compare(t, 1, 1e-5, 2e-9), variants[_i]);
    stm_trainer_free(t);
}
END_TEST

START_TEST(float_agrees_with_double)
{
    open_engine();
    char wide[512], narrow[512];
    snprintf(wide, sizeof wide, STILL "precision = f64\n%s", variants[_i]);
    snprintf(narrow, sizeof narrow, STILL "%s", variants[_i]);
    struct stm_trainer *t = trainer_of(TINY, wide, 2), *f = trainer_of(TINY, narrow, 2);
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
    compare(t, 13, 1e-4, 1e-9);
    stm_trainer_free(t);
}
END_TEST

START_TEST(tiles_of_points_add_up)
{
    open_engine();
    struct stm_trainer *t = trainer_of(
        TINY, STILL PARITY MLP("2") "task.samples = 900\nprecision = f64\nmodel.act = tanh\n", 4);
    ck_assert_uint_eq(t->net.task.train, 450);
    spread(t);
    stm_trainer_step(t, false);
    compare(t, 1, 1e-4, 1e-7);
    stm_trainer_free(t);
}
END_TEST

/* f64 - f64 is the plain path; f32 with a f64 loss has a gradient where the soft-max of float32 has
 * collapsed. */
START_TEST(the_loss_has_a_precision)
{
    open_engine();
    struct stm_trainer *a = trainer_of(TINY, "precision = f64\n", 2),
                       *b = trainer_of(TINY, "precision = f64\nprecision.loss = f64\n", 2);
    for (int i = 0; i < 20; i++) stm_trainer_step(a, false), stm_trainer_step(b, false);
    assert_same_state(a, b);
    struct stm_trainer *f = trainer_of(TINY, "lr = 0\ntask.train = 0.03\n", 2),
                       *l =
                           trainer_of(TINY, "lr = 0\ntask.train = 0.03\nprecision.loss = f64\n", 2);
    ck_assert_uint_eq(f->net.task.train, 1);
    ((float *)f->net.param[4])[f->label[0]] = ((float *)l->net.param[4])[l->label[0]] = 30;
    stm_trainer_step(f, false);
    stm_trainer_step(l, false);
    ck_assert_double_eq(measure(f, "frac(train, p_correct >= 1)"), 1);
    ck_assert_double_eq(measure(l, "frac(train, p_correct >= 1)"), 0);
    ck_assert_float_eq(((float *)f->net.grad[4])[f->label[0]], 0);
    ck_assert_float_lt(((float *)l->net.grad[4])[l->label[0]], -1e-14f);
    stm_trainer_free(a), stm_trainer_free(b), stm_trainer_free(f), stm_trainer_free(l);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine gradient");
    TCase *tc = tcase_create("gradient");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, every_tensor_by_finite_differences, 0, VARIANTS);
    tcase_add_loop_test(tc, float_agrees_with_double, 0, VARIANTS);
    tcase_add_test(tc, tiles_add_up);
    tcase_add_test(tc, tiles_of_points_add_up);
    tcase_add_test(tc, the_loss_has_a_precision);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
