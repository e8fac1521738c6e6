#include <ctype.h>
#include <math.h>

#include "engine_fixture.h"

START_TEST(canonical_text)
{
    struct stm_settings *s = settings_of(TINY, "optimizer.decay = 2.5\nfreeze b2\nfreeze b1\n"
                                               "hold norm(W2) <= 3\nhold norm( E ) = 0.1\n"
                                               "hold share( W1, E,W2 ) = (0.5,0.25, 0.25)\n"
                                               "hold norm(rows( E )) <= 2\nhold logit_scale = 4\n");
    ck_assert_str_eq(stm_settings_text(s), "batch = full\n"
                                           "loss = cross_entropy\n"
                                           "lr = 0.01\n"
                                           "model = embed_mlp\n"
                                           "model.act = gelu\n"
                                           "model.embed = 5\n"
                                           "model.hidden = 6\n"
                                           "model.init = normal_fan_in\n"
                                           "optimizer = adamw\n"
                                           "optimizer.beta1 = 0.9\n"
                                           "optimizer.beta2 = 0.999\n"
                                           "optimizer.eps = 1e-08\n"
                                           "optimizer.order = step_then_decay\n"
                                           "output_scale = 1\n"
                                           "precision = f32\n"
                                           "task = modular_add\n"
                                           "task.p = 7\n"
                                           "task.train = 0.5\n"
                                           "temperature = 1\n"
                                           "weight_decay = 2.5\n"
                                           "hold norm(W2) <= 3\n"
                                           "hold norm(E) = 0.1\n"
                                           "hold share(W1,E,W2) = (0.5, 0.25, 0.25)\n"
                                           "hold norm(rows(E)) <= 2\n"
                                           "hold logit_scale = 4\n"
                                           "freeze b1\n"
                                           "freeze b2\n");
    struct stm_settings *back = NULL;
    ck_assert_int_eq(stm_settings_parse(&back, stm_settings_text(s), NULL), 0);
    ck_assert_str_eq(stm_settings_text(back), stm_settings_text(s));
    stm_settings_free(back);
    stm_settings_free(s);
}
END_TEST

/* Words that came after the first texts were stored have a line only where they say something. */
START_TEST(quiet_lines)
{
    struct stm_settings *s = settings_of(TINY, "logits = plain\nlogits.clip.c = 3\ngrad = plain\n"
                                               "grad.ema.beta = 0.5\nstream.batch = 0\n");
    struct stm_settings *none = settings_of(TINY, "");
    ck_assert_str_eq(stm_settings_text(s), stm_settings_text(none));
    stm_settings_free(none);
    stm_settings_free(s);
    s = settings_of(TINY, "logits = clip\nlogits.clip.c = 3\nlogits.normalize.c = 2\n"
                          "precision.loss = f64\n");
    const char *text = stm_settings_text(s);
    ck_assert_ptr_nonnull(strstr(text, "batch = full\nlogits = clip\nlogits.clip.c = 3\nloss ="));
    ck_assert_ptr_nonnull(strstr(text, "precision = f32\nprecision.loss = f64\ntask ="));
    ck_assert_ptr_null(strstr(text, "normalize"));
    stm_settings_free(s);
    struct stm_err err = {0};
    struct stm_trainer *t = NULL;
    s = settings_of(TINY, "logits = clip\n");
    ck_assert_int_eq(stm_trainer_new(&t, s, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "logits = clip needs `logits.clip.c`");
    stm_settings_free(s);
}
END_TEST

/* Random settings: text -> settings -> text is the same text, and numbers keep every bit. */
START_TEST(text_round_trips)
{
    static const char *const knobs[] = {"lr",
                                        "weight_decay",
                                        "temperature",
                                        "output_scale",
                                        "optimizer.beta1",
                                        "optimizer.eps",
                                        "task.train",
                                        "optimizer.decay",
                                        "optimizer.lr",
                                        "lr.E",
                                        "lr.weights",
                                        "data.train",
                                        "grad.ema.beta",
                                        "logits.clip.c"};
    static const char *const groups[] = {"norm(E)", "norm(W1)", "norm(weights)", "norm(all)"};
    static const char *const frozen[] = {"b1", "b2", "biases"};
    struct stm_rand r = stm_rand_at(1, STM_STREAM_PERTURB, 0);
    struct stm_err err = {0};
    for (int round = 0; round < 500; round++) {
        struct stm_settings *s = settings_of(TINY, ""), *back = NULL, *copy = NULL;
        for (uint32_t i = stm_rand_below(&r, 8); i; i--) {
            double v = stm_rand_uniform(&r) * pow(10, -(double)stm_rand_below(&r, 12));
            ck_assert_int_eq(stm_settings_num(s, knobs[stm_rand_below(&r, 14)], v, &err), 0);
            if (stm_rand_below(&r, 2))
                ck_assert_int_eq(
                    stm_settings_hold(s, groups[stm_rand_below(&r, 4)],
                                      stm_rand_below(&r, 2) ? STM_HOLD_EQ : STM_HOLD_LE, &v, 1,
                                      &err),
                    0);
            if (stm_rand_below(&r, 2))
                ck_assert_int_eq(stm_settings_freeze(s, frozen[stm_rand_below(&r, 3)], &err), 0);
        }
        if (round % 2) {
            ck_assert_int_eq(stm_settings_num(s, "batch", 1 + stm_rand_below(&r, 24), &err), 0);
            ck_assert_int_eq(stm_settings_num(s, "stream.batch", stm_rand_below(&r, 9), &err), 0);
            ck_assert_int_eq(stm_settings_sym(s, "grad", "ema", &err), 0);
            ck_assert_int_eq(stm_settings_sym(s, "logits", "clip", &err), 0);
        }
        const char *text = stm_settings_text(s);
        ck_assert_msg(stm_settings_parse(&back, text, &err) == 0, "%s\n%s", err.msg, text);
        ck_assert_int_eq(stm_settings_copy(&copy, back, &err), 0);
        ck_assert_str_eq(stm_settings_text(copy), text);
        ck_assert_mem_eq(copy->arg[STM_PART_OPTIMIZER], s->arg[STM_PART_OPTIMIZER],
                         4 * sizeof(double));
        stm_settings_free(s);
        stm_settings_free(back);
        stm_settings_free(copy);
    }
}
END_TEST

/* One wrong line on top of good ones, and what is said about it. */
static const struct {
    const char *line, *says;
} wrong[] = {
    {"flavour = 3",
     "unknown setting `flavour`; there is model, optimizer, task, batch, data.train, "
     "grad, logits, loss, lr, lr.GROUP, output_scale, precision, precision.loss, "
     "stream.batch, temperature, weight_decay"},
    {"loss = hinge", "loss = hinge is not known; there is cross_entropy, mse, stablemax"},
    {"logits = square", "logits = square is not known; there is plain, clip, normalize"},
    {"logits.clip.c = 0", "logits.clip.c = 0 is outside (0, 1e+06]"},
    {"precision = f16", "precision = f16 is not known; there is f32, f64"},
    {"batch = half", "batch = half is not known; there is full"},
    {"batch = 0", "batch = 0 is outside [1, 1.04858e+06]"},
    {"stream.batch = 0.5", "stream.batch = 0.5 is not a whole number"},
    {"grad = sign", "grad = sign is not known; there is plain, ema, perp"},
    {"grad.ema.beta = 1", "grad.ema.beta = 1 is outside [0, 1)"},
    {"data.train = 1.1", "data.train = 1.1 is outside (0, 1]"},
    {"model = transformer", "there is no model `transformer`; there is embed_mlp, mlp"},
    {"task = parity", "there is no task `parity`; there is modular_add, modular_sub, modular_mul, "
                      "modular_div, sparse_parity"},
    {"optimizer = lion", "there is no optimizer `lion`; there is adamw, sgd"},
    {"optimizer.nesterov = 1", "optimizer `adamw` has no argument `nesterov`; it has lr, beta1, "
                               "beta2, eps, decay, order"},
    {"optimizer.order = both",
     "optimizer.order = both is not known; there is step_then_decay, decay_then_step"},
    {"task.p = 7.5", "task.p = 7.5 is not a whole number"},
    {"task.p = 1", "task.p = 1 is outside [2, 1024]"},
    {"task.train = 1.4", "task.train = 1.4 is outside (0, 1]"},
    {"task.train = 0", "task.train = 0 is outside (0, 1]"},
    {"lr = -1", "lr = -1 is outside [0, 1e+06]"},
    {"lr = nan", "lr = nan is outside [0, 1e+06]"},
    {"temperature = 0", "temperature = 0 is outside (0, 1e+06]"},
    {"optimizer.beta1 = 1", "optimizer.beta1 = 1 is outside [0, 1)"},
    {"lr = fast", "`lr` is a number, not `fast`"},
    {"hold norm(b1) = 1", "the norm of a group of biases (`b1`) is not held"},
    {"hold norm(W9) = 1", "the model has no group `W9`"},
    {"hold norm = 1", "`norm` takes a group: norm(weights)"},
    {"hold acc(test) = 1", "`acc` cannot be held"},
    {"hold logit_scale = 0", "hold logit_scale = 0: it must be above 0 and finite"},
    {"hold logit_scale <= 1", "hold logit_scale has no <="},
    {"hold logit_scale(E) = 1", "`logit_scale` takes nothing in parentheses"},
    {"hold norm(E, W1) = 1", "`norm` takes a group: norm(weights)"},
    {"hold norm(rows(b1)) = 1", "the norm of a group of biases (`b1`) is not held"},
    {"hold norm(rows(E) = 1", "`norm(rows(E)` is not a quantity like norm(weights)"},
    {"hold norm(cols(E)) = 1", "`norm(cols(E))` is not a quantity like norm(weights)"},
    {"hold norm(E) = (1, 2)", "hold norm(E) takes 1 value, not 2"},
    {"hold share(E) = 1", "`share` takes two or more groups: share(E, W1)"},
    {"hold share(E, weights) = (0.5, 0.5)", "share: `weights` shares a tensor with another group"},
    {"hold share(E, W1) = 1", "hold share(E,W1) takes 2 values, not 1"},
    {"hold share(E, W1) = (0.5, 0.6)", "hold share(E,W1): the shares add up to 1.1, not to 1"},
    {"hold share(E, W1) = (-1, 2)", "hold share(E,W1) = -1: it must be at least 0 and finite"},
    {"hold share(E, W1) = (0.5, 0.5", "settings: `(0.5, 0.5` is not a number"},
    {"hold share(E, W1) <= (0.5, 0.5)", "hold share(E,W1) has no <="},
    {"hold norm(E) = 0", "hold norm(E) = 0: it must be above 0 and finite"},
    {"hold norm(E) = inf", "hold norm(E) = inf: it must be above 0 and finite"},
    {"hold norm(E) > 2", "settings: `hold norm(E) > 2` has no = or <="},
    {"hold norm(E = 2", "`norm(E` is not a quantity like norm(weights)"},
    {"freeze W9", "the model has no group `W9`"},
    {"nothing", "settings: `nothing` is not key = value"},
};

START_TEST(what_is_wrong_is_named)
{
    char text[1024];
    struct stm_settings *s = NULL;
    struct stm_err err = {0};
    snprintf(text, sizeof text, "%s%s\n", TINY, wrong[_i].line);
    ck_assert_int_eq(stm_settings_parse(&s, text, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, wrong[_i].says);
    ck_assert_ptr_null(s);
}
END_TEST

START_TEST(keys_need_their_part)
{
    struct stm_settings *s;
    struct stm_err err = {0};
    ck_assert_int_eq(stm_settings_new(&s, &err), 0);
    ck_assert_int_eq(stm_settings_num(s, "lr", 1, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "`lr` before an optimizer is chosen");
    ck_assert_int_eq(stm_settings_num(s, "task.p", 7, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "`task.p` before a task is chosen");
    struct stm_trainer *t = NULL;
    ck_assert_int_eq(stm_trainer_new(&t, s, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "no model is chosen");
    ck_assert_int_eq(stm_settings_sym(s, "model", "embed_mlp", &err), 0);
    ck_assert_int_eq(stm_settings_sym(s, "task", "modular_add", &err), 0);
    ck_assert_int_eq(stm_settings_sym(s, "optimizer", "adamw", &err), 0);
    ck_assert_int_eq(stm_trainer_new(&t, s, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "model `embed_mlp` needs `embed`");
    stm_settings_free(s);
}
END_TEST

START_TEST(holds_are_replaced_and_released)
{
    struct stm_settings *s = settings_of(TINY, "hold norm(E) = 1\nhold norm(W1) = 2\nfreeze b1\n");
    struct stm_err err = {0};
    double v = 5;
    ck_assert_int_eq(stm_settings_hold(s, "norm( E )", STM_HOLD_LE, &v, 1, &err), 0);
    ck_assert_ptr_nonnull(strstr(stm_settings_text(s), "hold norm(E) <= 5\nhold norm(W1) = 2\n"));
    ck_assert_int_eq(stm_settings_release(s, "norm(E)", &err), 0);
    ck_assert_int_eq(stm_settings_release(s, "b1", &err), 0);
    ck_assert_ptr_null(strstr(stm_settings_text(s), "norm(E)"));
    ck_assert_ptr_null(strstr(stm_settings_text(s), "freeze"));
    ck_assert_int_eq(stm_settings_release(s, "norm(E)", &err), STM_E_NOTFOUND);
    ck_assert_str_eq(err.msg, "no hold or freeze of `norm(E)` is in force");
    ck_assert_int_eq(stm_settings_release(s, "b1", &err), STM_E_NOTFOUND);
    stm_settings_free(s);
}
END_TEST

/* Every table line of the vocabulary has the fields that the checker reads. */
START_TEST(vocabulary_is_complete)
{
    const struct stm_vocab *v = stm_engine_vocab();
    ck_assert_uint_eq(v->n_knobs, STM_KNOBS);
    for (size_t i = 0; i < v->n_knobs; i++) {
        ck_assert_ptr_nonnull(v->knobs[i].name);
        ck_assert_ptr_nonnull(v->knobs[i].doc);
        if (i) ck_assert_str_lt(v->knobs[i - 1].name, v->knobs[i].name);
    }
    const char *group;
    for (size_t i = 0; i < v->n_models; i++)
        for (size_t g = 0; (group = stm_group_at(v->models[i], g)); g++) {
            size_t tensors = 0;
            for (size_t k = 0; k < v->models[i]->n_tensors; k++)
                tensors += stm_group_has(v->models[i], group, k);
            ck_assert_uint_gt(tensors, 0);
            ck_assert(isalpha((unsigned char)*group)); /* so that the language can name it */
            ck_assert_uint_eq(strspn(group, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789_."),
                              strlen(group));
            ck_assert_ptr_eq(stm_group_find(v->models[i], group, strlen(group)), group);
        }
    ck_assert_str_eq(v->tasks[0]->name, "modular_add");
    ck_assert_str_eq(v->optimizers[0]->name, "adamw");
    ck_assert_str_eq(v->fields[STM_FIELD_MARGIN], "margin");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine settings");
    TCase *tc = tcase_create("settings");
    tcase_add_test(tc, canonical_text);
    tcase_add_test(tc, quiet_lines);
    tcase_add_test(tc, text_round_trips);
    tcase_add_loop_test(tc, what_is_wrong_is_named, 0, (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(tc, keys_need_their_part);
    tcase_add_test(tc, holds_are_replaced_and_released);
    tcase_add_test(tc, vocabulary_is_complete);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
