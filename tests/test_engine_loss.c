/* Losses and transforms of the logits against their definitions, by libm. */
#include <math.h>

#include "engine_fixture.h"

enum { C = 7 };
static const double x[C] = {1.5, -0.75, 0, 3, -4, 0.25, 2};

/* A network whose logits are x for every pair: only the output bias is not 0. */
static struct stm_trainer *constant(const char *more)
{
    struct stm_trainer *t = trainer_of(TINY, more, 4);
    ck_assert_int_eq(stm_trainer_edit(t, "all", STM_EDIT_SET, 0, NULL), 0);
    for (size_t c = 0; c < C; c++) ((double *)t->net.param[4])[c] = x[c];
    return t;
}

static double soft(double z) { return exp(z); }
static double stable(double z) { return z < 0 ? 1 / (1 - z) : z + 1; }

/* Mean over the pairs of cross-entropy and probability of the label for scores s(x). */
static void check_scores(const char *more, double (*s)(double))
{
    double sum = 0, loss = 0, p_above = 0;
    struct stm_trainer *t = constant(more);
    for (size_t c = 0; c < C; c++) sum += s(x[c]);
    for (size_t i = 0; i < t->net.task.pairs; i++) {
        double p = s(x[t->label[i]]) / sum;
        loss -= log(p) / t->net.task.pairs;
        p_above += (p >= 0.2) / (double)t->net.task.pairs;
    }
    ck_assert_double_eq_tol(measure(t, "loss(all)"), loss, 1e-13);
    ck_assert_double_eq_tol(measure(t, "frac(all, p_correct >= 0.2)"), p_above, 1e-13);
    stm_trainer_free(t);
}

START_TEST(scores)
{
    open_engine();
    check_scores("precision = f64\n", soft);
    check_scores("precision = f64\nloss = stablemax\n", stable);
}
END_TEST

START_TEST(mse)
{
    open_engine();
    double want = 0;
    struct stm_trainer *t = constant("precision = f64\nloss = mse\n");
    for (size_t i = 0; i < t->net.task.pairs; i++)
        for (size_t c = 0; c < C; c++) want += pow(x[c] - (c == t->label[i]), 2);
    ck_assert_double_eq_tol(measure(t, "loss(all)"), want / t->net.task.pairs, 1e-12);
    stm_trainer_free(t);
}
END_TEST

START_TEST(transforms)
{
    open_engine();
    double squares = 0;
    struct stm_trainer *n =
        constant("precision = f64\nloss = mse\nlogits = normalize\nlogits.normalize.c = 3\n");
    ck_assert_double_eq_tol(measure(n, "logit_scale"), 3, 1e-14);
    stm_trainer_free(n);
    struct stm_trainer *t =
        constant("precision = f64\ntemperature = 2\nlogits = clip\nlogits.clip.c = 0.8\n");
    for (size_t c = 0; c < C; c++) squares += pow(fmax(-0.8, fmin(0.8, x[c] / 2)), 2);
    ck_assert_double_eq_tol(measure(t, "logit_scale"), sqrt(squares), 1e-14);
    stm_trainer_free(t);
}
END_TEST

/* Far beyond what exp can take: the losses stay what they are, and NaN is seen. */
START_TEST(large_logits)
{
    open_engine();
    struct stm_trainer *t = constant("precision = f64\nloss = stablemax\n");
    for (size_t c = 0; c < C; c++) ((double *)t->net.param[4])[c] *= 1e12;
    ck_assert(isfinite(measure(t, "loss(all)")));
    stm_trainer_step(t, false);
    ck_assert(!stm_trainer_diverged(t));
    ((double *)t->net.param[4])[2] = NAN;
    stm_trainer_step(t, false);
    ck_assert(stm_trainer_diverged(t));
    ck_assert(isnan(measure(t, "loss(all)")));
    stm_trainer_free(t);
}
END_TEST

RUN_TESTS("engine loss", scores, mse, transforms, large_logits)
