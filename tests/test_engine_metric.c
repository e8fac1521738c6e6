/* Metrics against a naive forward pass in double over the definition of the model. */
#include <math.h>

#include "engine_fixture.h"

enum { P = 7, D = 5, H = 6 };

/* The logits of (a, b), straight from the formula. */
static void naive_logits(const struct stm_trainer *t, uint32_t pair, double scale, double out[P])
{
    const double *e = t->net.param[0], *w1 = t->net.param[1], *b1 = t->net.param[2],
                 *w2 = t->net.param[3], *b2 = t->net.param[4];
    double h[H];
    for (int j = 0; j < H; j++) {
        h[j] = b1[j];
        for (int i = 0; i < D; i++) {
            h[j] += e[pair / P * D + (uint32_t)i] * w1[i * H + j];
            h[j] += e[pair % P * D + (uint32_t)i] * w1[(D + i) * H + j];
        }
        h[j] *= 0.5 * erfc(-h[j] * sqrt(0.5));
    }
    for (int c = 0; c < P; c++) {
        out[c] = b2[c];
        for (int j = 0; j < H; j++) out[c] += h[j] * w2[j * P + c];
        out[c] *= scale;
    }
}

struct naive {
    double acc, loss, margin, confident, norm;
};

/* Means over pairs order[from..to). */
static struct naive naive_means(const struct stm_trainer *t, uint32_t from, uint32_t to,
                                double scale)
{
    struct naive m = {0};
    for (uint32_t i = from; i < to; i++) {
        double z[P], sum = 0, square = 0, other = -INFINITY;
        int best = 0, y = (int)((t->order[i] / P + t->order[i] % P) % P);
        naive_logits(t, t->order[i], scale, z);
        for (int c = 0; c < P; c++) {
            sum += exp(z[c]);
            square += z[c] * z[c];
            if (z[c] > z[best]) best = c;
            if (c != y && z[c] > other) other = z[c];
        }
        m.acc += best == y;
        m.loss += log(sum) - z[y];
        m.margin += z[y] - other;
        m.confident += exp(z[y]) / sum >= 0.2;
        m.norm += sqrt(square);
    }
    double n = to - from;
    return (struct naive){m.acc / n, m.loss / n, m.margin / n, m.confident / n, m.norm / n};
}

START_TEST(against_the_definition)
{
    open_engine();
    struct stm_trainer *t =
        trainer_of(TINY, "precision = f64\noutput_scale = 1.5\ntemperature = 0.8\n", 3);
    for (int i = 0; i < 30; i++) stm_trainer_step(t, false);
    const uint32_t n = t->net.task.train, range[3][2] = {{0, n}, {n, P * P}, {0, P * P}};
    ck_assert_uint_eq(n, 24); /* int(24.5) */
    for (int s = 0; s < 3; s++) {
        char text[64];
        struct naive want = naive_means(t, range[s][0], range[s][1], 1.5 / 0.8);
        snprintf(text, sizeof text, "acc(%s)", stm_set_names[s]);
        ck_assert_double_eq_tol(measure(t, text), want.acc, 1e-14);
        snprintf(text, sizeof text, "loss(%s)", stm_set_names[s]);
        ck_assert_double_eq_tol(measure(t, text), want.loss, 1e-13);
        snprintf(text, sizeof text, "margin(%s)", stm_set_names[s]);
        ck_assert_double_eq_tol(measure(t, text), want.margin, 1e-13);
        snprintf(text, sizeof text, "frac(%s, p_correct >= 0.2)", stm_set_names[s]);
        ck_assert_double_eq_tol(measure(t, text), want.confident, 1e-14);
        if (s == STM_SET_ALL) ck_assert_double_eq_tol(measure(t, "logit_scale"), want.norm, 1e-13);
    }
    stm_trainer_free(t);
}
END_TEST

START_TEST(norms_and_shares)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, "precision = f64\n", 3);
    for (int i = 0; i < 5; i++) stm_trainer_step(t, false);
    double ss[5] = {0};
    for (unsigned k = 0; k < 5; k++)
        for (size_t i = 0; i < t->net.spec[k].n; i++) {
            double x = ((double *)t->net.param[k])[i];
            ss[k] += x * x;
        }
    double weights = ss[0] + ss[1] + ss[3];
    ck_assert_double_eq_tol(measure(t, "norm(weights)"), sqrt(weights), 1e-13);
    ck_assert_double_eq_tol(measure(t, "norm(b1)"), sqrt(ss[2]), 1e-13);
    ck_assert_double_eq_tol(measure(t, "norm(all)"), sqrt(weights + ss[2] + ss[4]), 1e-13);
    ck_assert_double_eq_tol(measure(t, "share(W2)"), ss[3] / weights, 1e-13);
    stm_trainer_free(t);
}
END_TEST

static double number(const struct stm_trainer *t, const void *x, size_t i)
{
    return t->prec == STM_PREC_F64 ? ((const double *)x)[i] : (double)((const float *)x)[i];
}

/* Several at a time are what each is alone; a hold does not enter eff_lr. */
START_TEST(effective_learning_rate)
{
    open_engine();
    static const char *const text[] = {"eff_lr(weights)", "acc(test)", "norm(E)",
                                       "frac(train, margin > 0)", "eff_lr(W2)"};
    struct stm_metric m[5];
    const struct stm_metric *list[5];
    double got[5], before[8][64], delta = 0, base = 0;
    struct stm_trainer *t = trainer_of(TINY, "precision = f64\n", 3);
    struct stm_trainer *held = trainer_of(TINY, "precision = f64\nhold norm(weights) = 2\n", 3);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(stm_metric_parse(&m[i], text[i], NULL), 0);
        list[i] = &m[i];
    }
    ck_assert(stm_metric_reads_update(&m[0]) && !stm_metric_reads_update(&m[1]));
    stm_trainer_step(t, false);
    ck_assert(isnan(measure(t, "eff_lr(weights)")));
    stm_trainer_init(t, 3);
    for (unsigned k = 0; k < 5; k++)
        memcpy(before[k], t->net.param[k], t->net.spec[k].n * sizeof(double));
    stm_trainer_step(t, true);
    stm_trainer_step(held, true);
    for (unsigned k = 0; k < 4; k += k == 1 ? 2 : 1) /* E, W1, W2 */
        for (size_t i = 0; i < t->net.spec[k].n; i++) {
            delta += pow(((double *)t->net.param[k])[i] - before[k][i], 2);
            base += pow(before[k][i], 2);
        }
    stm_trainer_measure(t, list, 5, got);
    ck_assert_double_eq_tol(got[0], sqrt(delta / base), 1e-13);
    for (int i = 0; i < 5; i++) ck_assert_double_eq(got[i], measure(t, text[i]));
    ck_assert_double_eq(measure(held, "eff_lr(weights)"), got[0]);
    stm_trainer_free(t);
    stm_trainer_free(held);
}
END_TEST

/* Each group in both precisions, against plain loops; without an update, or a norm, there is none.
 */
START_TEST(cosine_of_the_update)
{
    open_engine();
    static const char *const groups[] = {"E", "W1", "b1", "W2", "b2", "weights", "all"};
    static const uint32_t masks[] = {1, 2, 4, 8, 16, 11, 31};
    for (int wide = 0; wide < 2; wide++) {
        struct stm_trainer *t = trainer_of(TINY, wide ? "precision = f64\n" : "", 3);
        struct stm_trainer *held = trainer_of(
            TINY, wide ? "precision = f64\nhold norm(E) = 9\n" : "hold norm(E) = 9\n", 3);
        double dot[5] = {0}, delta[5] = {0}, base[5] = {0}, before[5][64];
        for (int i = 0; i < 3; i++) stm_trainer_step(t, false);
        ck_assert(isnan(measure(t, "cos(weights)")));
        for (unsigned k = 0; k < 5; k++)
            for (size_t i = 0; i < t->net.spec[k].n; i++)
                before[k][i] = number(t, t->net.param[k], i);
        stm_trainer_step(t, true);
        for (unsigned k = 0; k < 5; k++)
            for (size_t i = 0; i < t->net.spec[k].n; i++) {
                double d = number(t, t->net.param[k], i) - before[k][i];
                dot[k] += d * before[k][i];
                delta[k] += d * d;
                base[k] += before[k][i] * before[k][i];
            }
        for (size_t g = 0; g < sizeof masks / sizeof *masks; g++) {
            char text[32];
            double xy = 0, xx = 0, yy = 0;
            for (unsigned k = 0; k < 5; k++)
                if (masks[g] >> k & 1) xy += dot[k], xx += delta[k], yy += base[k];
            snprintf(text, sizeof text, "cos(%s)", groups[g]);
            ck_assert_double_eq_tol(measure(t, text), xy / sqrt(xx * yy), 1e-12);
        }
        /* The biases start at 0, and a hold comes after what is measured. */
        stm_trainer_init(t, 3);
        stm_trainer_step(t, true), stm_trainer_step(held, true);
        ck_assert(isnan(measure(t, "cos(biases)")));
        ck_assert_double_eq(measure(t, "cos(E)"), measure(held, "cos(E)"));
        stm_trainer_free(t), stm_trainer_free(held);
    }
}
END_TEST

/* Decay alone goes straight against the weights; scaling them up goes along. */
START_TEST(cosine_of_a_pure_scaling)
{
    open_engine();
    struct stm_trainer *t = trainer_of(
        TINY, "optimizer = sgd\nlr = 0.1\nweight_decay = 0.5\noutput_scale = 1e-300\n", 3);
    stm_trainer_step(t, true);
    ck_assert_double_eq_tol(measure(t, "cos(weights)"), -1, 1e-6);
    stm_trainer_free(t);
}
END_TEST

/* All logits equal: the answer is class 0, so exactly the pairs with label 0 are right. */
START_TEST(ties_go_to_the_lowest_index)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, "", 1);
    ck_assert_int_eq(stm_trainer_edit(t, "all", STM_EDIT_SET, 0, NULL), 0);
    ck_assert_double_eq(measure(t, "acc(all)"), 7.0 / 49);
    ck_assert_double_eq(measure(t, "margin(all)"), 0);
    ck_assert_double_eq(measure(t, "logit_scale"), 0);
    ck_assert_double_eq_tol(measure(t, "loss(all)"), log(7), 1e-7);
    stm_trainer_free(t);
}
END_TEST

START_TEST(collapse_is_seen_in_the_working_precision)
{
    open_engine();
    struct stm_trainer *f = trainer_of(TINY, "", 1), *d = trainer_of(TINY, "precision = f64\n", 1);
    ck_assert_int_eq(stm_trainer_edit(f, "all", STM_EDIT_SET, 0, NULL), 0);
    ck_assert_int_eq(stm_trainer_edit(d, "all", STM_EDIT_SET, 0, NULL), 0);
    ((float *)f->net.param[4])[2] = 25; /* exp(-25) = 1.4e-11: lost beside 1 in float only */
    ((double *)d->net.param[4])[2] = 25;
    ck_assert_double_eq(measure(f, "frac(all, p_correct >= 1)"), 7.0 / 49);
    ck_assert_double_eq(measure(d, "frac(all, p_correct >= 1)"), 0);
    ck_assert_double_eq(measure(d, "frac(all, p_correct >= 0.999)"), 7.0 / 49);
    stm_trainer_free(f);
    stm_trainer_free(d);
}
END_TEST

START_TEST(empty_set_is_not_a_number)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, "task.train = 1\n", 1);
    ck_assert(isnan(measure(t, "acc(test)")));
    ck_assert_double_eq(measure(t, "acc(train)"), measure(t, "acc(all)"));
    stm_trainer_free(t);
}
END_TEST

START_TEST(metrics_are_read_and_refused)
{
    static const struct {
        const char *text, *name, *group;
        int set, field;
        double bound;
    } good[] = {
        {" acc( test )", "acc", "", STM_SET_TEST, -1, 0},
        {"logit_scale", "logit_scale", "", STM_SET_ALL, -1, 0},
        {"frac(train,p_correct>=1.0)", "frac", "", STM_SET_TRAIN, STM_FIELD_P_CORRECT, 1},
        {"frac(all, margin < -2.5e-1)", "frac", "", STM_SET_ALL, STM_FIELD_MARGIN, -0.25},
        {"norm(biases)", "norm", "biases", -1, -1, 0},
    };
    static const char *const bad[][2] = {
        {"accuracy(test)", "there is no metric `accuracy`"},
        {"acc(validation)", "acc(validation): a set is train, test or all"},
        {"acc", "acc(): a set is train, test or all"},
        {"norm(W9)", "norm(W9): no model has such a group"},
        {"logit_scale(test)", "`logit_scale` takes nothing in parentheses"},
        {"acc(test, margin > 0)", "`acc` takes no condition like p_correct >= 0.5"},
        {"frac(test)", "`frac` needs a condition like p_correct >= 0.5"},
        {"frac(test, logit > 0)", "`logit` is not a field; there is p_correct, margin"},
        {"frac(test, margin > inf)", "`frac(test, margin > inf)` is not a metric like acc(test)"},
        {"acc(test", "`acc(test` is not a metric like acc(test)"},
        {"acc(test) 3", "`acc(test) 3` is not a metric like acc(test)"},
        {"", "`` is not a metric like acc(test)"},
    };
    struct stm_metric m;
    struct stm_err err = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(stm_metric_parse(&m, good[i].text, &err) == 0, "%s", err.msg);
        ck_assert_str_eq(stm_engine_vocab()->metrics[m.index]->name, good[i].name);
        ck_assert_str_eq(m.group ? m.group : "", good[i].group);
        ck_assert(m.set == good[i].set && m.field == good[i].field && m.bound == good[i].bound);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(stm_metric_parse(&m, bad[i][0], &err), STM_E_INVALID);
        ck_assert_str_eq(err.msg, bad[i][1]);
    }
}
END_TEST

RUN_TESTS("engine metric", against_the_definition, norms_and_shares, effective_learning_rate,
          cosine_of_the_update, cosine_of_a_pure_scaling, ties_go_to_the_lowest_index,
          collapse_is_seen_in_the_working_precision, empty_set_is_not_a_number,
          metrics_are_read_and_refused)
