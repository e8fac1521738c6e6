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

enum { H = 5, P = 7 };

/* out[n] = tanh(in[m] W[m][n] + b[n]), or without tanh. */
static void layer(const double *in, size_t m, const double *w, const double *b, size_t n, bool act,
                  double *out)
{
    for (size_t j = 0; j < n; j++) {
        out[j] = b[j];
        for (size_t i = 0; i < m; i++) out[j] += in[i] * w[i * n + j];
        if (act) out[j] = tanh(out[j]);
    }
}

/* The deep model, by dense products on the one-hot pair. */
START_TEST(mlp_by_dense_layers)
{
    open_engine();
    struct stm_trainer *t = trainer_of(
        TINY,
        "precision = f64\nmodel = mlp\nmodel.layers = 3\nmodel.hidden = 5\nmodel.act = tanh\n", 4);
    double *w[12], want = 0;
    for (unsigned k = 0; k < t->net.n_tensors; k++) {
        w[k] = t->net.param[k];
        stm_rand_normals(3, STM_STREAM_PERTURB, k, t->normal, t->net.spec[k].n);
        memcpy(w[k], t->normal, t->net.spec[k].n * sizeof(double));
    }
    for (size_t i = 0; i < t->net.task.pairs; i++) {
        double in[2 * P] = {0}, a[H], b[H], out[P], sum = 0;
        in[t->pairs[i] / P] = in[P + t->pairs[i] % P] = 1;
        layer(in, 2 * P, w[0], w[1], H, true, a);
        layer(a, H, w[2], w[3], H, true, b);
        layer(b, H, w[4], w[5], H, true, a);
        layer(a, H, w[6], w[7], P, false, out);
        for (size_t c = 0; c < P; c++) sum += exp(out[c]);
        want += log(sum) - out[t->label[i]];
    }
    ck_assert_double_eq_tol(measure(t, "loss(all)"), want / t->net.task.pairs, 1e-13);
    ck_assert_uint_eq(t->net.spec[8].n, 0);
    stm_trainer_free(t);
}
END_TEST

RUN_TESTS("engine loss", mlp_by_dense_layers, scores, mse, transforms, large_logits)
