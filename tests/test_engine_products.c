#include <math.h>

#include "engine/products.h"
#include "engine_fixture.h"
#include "test_seed.h"

enum { ROOM = 16384, PANEL_MAX = 64 };

#define STM_REAL_BITS 32
#include "engine/real.h"
#define KERNELS      f32
#define PRODUCTS     products_f32
#define FMA(a, b, c) fmaf(a, b, c)

#include "engine_products_check.h"
#undef KERNELS
#undef PRODUCTS
#undef FMA
#undef STM_REAL_BITS
#define STM_REAL_BITS 64
#include "engine/real.h"
#define KERNELS      f64
#define PRODUCTS     products_f64
#define FMA(a, b, c) fma(a, b, c)

#include "engine_products_check.h"

START_TEST(every_product_f32) { check_all_f32(test_seed("products f32", _i)); }
END_TEST

START_TEST(every_product_f64) { check_all_f64(test_seed("products f64", _i)); }
END_TEST

/* A state after some steps, by the panels and by the general functions of a model. */
static void id_after(const char *more, bool plain, char id[STM_ID_TEXT])
{
    struct stm_state state;
    struct stm_id raw;
    struct stm_err err = {0};
    stm_trainer_plain = plain;
    struct stm_trainer *t = trainer_of(TINY, more, 5);
    for (int i = 0; i < 12; i++) stm_trainer_step(t, false);
    stm_trainer_view(t, &state);
    ck_assert_msg(stm_state_ids(&state, &raw, NULL, NULL, &err) == 0, "%s", err.msg);
    stm_id_text(&raw, id);
    stm_trainer_free(t);
}

/* In both precisions, with and without biases. */
static void check_same_id(const char *model, const char *rest)
{
    char more[300], fast[STM_ID_TEXT], general[STM_ID_TEXT];
    for (int way = 0; way < 4; way++) {
        snprintf(more, sizeof more, "%smodel.bias = %s\nprecision = %s\ntemperature = 1.25\n%s",
                 model, way & 1 ? "on" : "off", way & 2 ? "f64" : "f32", rest);
        id_after(more, false, fast);
        id_after(more, true, general);
        ck_assert_msg(!strcmp(fast, general), "%s: %s, not %s", more, fast, general);
    }
}

START_TEST(embed_mlp_has_the_general_bits)
{
    static const int sizes[][3] = {{7, 5, 6}, {3, 1, 1}, {11, 33, 64}, {19, 64, 65}, {13, 70, 130}};
    char model[100];
    open_engine();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        snprintf(model, sizeof model, "task.p = %d\nmodel.embed = %d\nmodel.hidden = %d\n",
                 sizes[i][0], sizes[i][1], sizes[i][2]);
        check_same_id(model, i % 2 ? "batch = 4\n" : "");
    }
}
END_TEST

START_TEST(mlp_has_the_general_bits)
{
    static const struct {
        const char *task;
        int layers, hidden;
        const char *act;
    } cases[] = {
        {"modular_add\ntask.p = 7", 1, 6, "gelu"},
        {"modular_add\ntask.p = 3", 2, 1, "relu"},
        {"modular_add\ntask.p = 19", 2, 65, "gelu"},
        {"modular_mul\ntask.p = 23", 3, 33, "tanh"},
        {"modular_add\ntask.p = 11", 5, 64, "square"},
        {"modular_div\ntask.p = 13", 2, 140, "gelu"},
        {"sparse_parity\ntask.bits = 37\ntask.relevant = 2\ntask.samples = 300", 1, 70, "gelu"},
        {"sparse_parity\ntask.bits = 70\ntask.relevant = 3\ntask.samples = 450", 3, 34, "relu"},
    };
    char model[200];
    open_engine();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(model, sizeof model,
                 "task = %s\ntask.train = 0.5\nmodel = mlp\nmodel.layers = %d\n"
                 "model.hidden = %d\nmodel.act = %s\n",
                 cases[i].task, cases[i].layers, cases[i].hidden, cases[i].act);
        check_same_id(model, i % 2 ? "batch = 4\n" : "");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine products");
    TCase *tc = tcase_create("products");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, every_product_f32, 0, test_seeds());
    tcase_add_loop_test(tc, every_product_f64, 0, test_seeds());
    tcase_add_test(tc, embed_mlp_has_the_general_bits);
    tcase_add_test(tc, mlp_has_the_general_bits);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
