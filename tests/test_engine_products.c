#include <math.h>

#include "engine/kernels/products.h"
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

/* A state after some steps and what is measured there, by the panels or the general functions. */
struct outcome {
    char id[STM_ID_TEXT];
    double loss;
};

static void outcome_of(const char *more, bool plain, struct outcome *out)
{
    static const char *const text = "loss(test)";
    struct stm_metric loss;
    const struct stm_metric *const all[] = {&loss};
    struct stm_state state;
    struct stm_id raw;
    struct stm_err err = {0};
    stm_trainer_plain = plain;
    struct stm_trainer *t = trainer_of(TINY, more, 5);
    for (int i = 0; i < 6; i++) stm_trainer_step(t, false);
    stm_trainer_view(t, &state);
    ck_assert_msg(stm_state_ids(&state, &raw, NULL, &err) == 0, "%s", err.msg);
    stm_id_text(&raw, out->id);
    ck_assert_msg(stm_metric_parse(&loss, text, &err) == 0, "%s", err.msg);
    stm_trainer_measure(t, all, 1, &out->loss);
    stm_trainer_free(t);
}

/* Of a model's two ways, in both precisions, with and without biases. */
static void check_both_ways(const char *model, int batch)
{
    char more[400], rows[40] = "";
    struct outcome fast, general;
    if (batch) snprintf(rows, sizeof rows, "batch = %d\n", batch);
    for (int way = 0; way < 4; way++) {
        snprintf(more, sizeof more, "%smodel.bias = %s\nprecision = %s\ntemperature = 1.25\n%s",
                 model, way & 1 ? "on" : "off", way & 2 ? "f64" : "f32", rows);
        outcome_of(more, false, &fast);
        outcome_of(more, true, &general);
        ck_assert_msg(!strcmp(fast.id, general.id), "%s: %s, not %s", more, fast.id, general.id);
        ck_assert_msg(fast.loss == general.loss, "%s: %a, not %a", more, fast.loss, general.loss);
    }
}

/* Sizes around panels, tiles (STM_TILE and fewer) and the classes of one go of hidden_grad; the
 * training fraction is 1/2. */
START_TEST(embed_mlp_has_the_general_bits)
{
    static const struct {
        int p, embed, hidden, batch;
    } cases[] = {{7, 5, 6, 0},     {3, 1, 1, 4},      {11, 33, 64, 0},
                 {19, 64, 65, 4},  {13, 70, 130, 0},  {29, 6, 33, 0},
                 {23, 5, 35, 193}, {131, 5, 66, 193}, {129, 3, 34, 97}};
    char model[100];
    open_engine();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(model, sizeof model, "task.p = %d\nmodel.embed = %d\nmodel.hidden = %d\n",
                 cases[i].p, cases[i].embed, cases[i].hidden);
        check_both_ways(model, cases[i].batch);
    }
}
END_TEST

START_TEST(mlp_has_the_general_bits)
{
    static const struct {
        const char *task;
        int layers, hidden;
        const char *act;
        int batch;
    } cases[] = {
        {"modular_add\ntask.p = 7", 1, 6, "gelu", 0},
        {"modular_add\ntask.p = 3", 2, 1, "relu", 4},
        {"modular_add\ntask.p = 29", 2, 65, "gelu", 0},
        {"modular_mul\ntask.p = 23", 3, 33, "tanh", 193},
        {"modular_add\ntask.p = 11", 5, 64, "square", 0},
        {"modular_div\ntask.p = 23", 2, 140, "gelu", 0},
        {"modular_add\ntask.p = 131", 1, 40, "gelu", 200},
        {"modular_add\ntask.p = 131", 2, 34, "gelu", 97},
        {"sparse_parity\ntask.bits = 37\ntask.relevant = 2\ntask.samples = 300", 1, 70, "gelu", 0},
        {"sparse_parity\ntask.bits = 70\ntask.relevant = 3\ntask.samples = 450", 3, 34, "relu", 0},
        {"sparse_parity\ntask.bits = 9\ntask.relevant = 2\ntask.samples = 90", 2, 5, "tanh", 4},
    };
    char model[200];
    open_engine();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(model, sizeof model,
                 "task = %s\ntask.train = 0.5\nmodel = mlp\nmodel.layers = %d\n"
                 "model.hidden = %d\nmodel.act = %s\n",
                 cases[i].task, cases[i].layers, cases[i].hidden, cases[i].act);
        check_both_ways(model, cases[i].batch);
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
