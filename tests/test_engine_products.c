#include <math.h>

#include "engine/products.h"
#include "engine_fixture.h"
#include "test_seed.h"

enum { ROOM = 8192 };

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

/* A state of embed_mlp after some steps, by the panels and by the general functions. */
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

START_TEST(panels_have_the_general_bits)
{
    static const int sizes[][3] = {{7, 5, 6}, {3, 1, 1}, {11, 33, 64}, {19, 64, 65}, {13, 70, 130}};
    char more[200], fast[STM_ID_TEXT], general[STM_ID_TEXT];
    open_engine();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int f64 = 0; f64 < 2; f64++)
            for (int bias = 0; bias < 2; bias++) {
                snprintf(more, sizeof more,
                         "task.p = %d\nmodel.embed = %d\nmodel.hidden = %d\nmodel.bias = %s\n"
                         "precision = %s\ntemperature = 1.25\n%s",
                         sizes[i][0], sizes[i][1], sizes[i][2], bias ? "on" : "off",
                         f64 ? "f64" : "f32", i % 2 ? "batch = 4\n" : "");
                id_after(more, false, fast);
                id_after(more, true, general);
                ck_assert_msg(!strcmp(fast, general), "%s: %s, not %s", more, fast, general);
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
    tcase_add_test(tc, panels_have_the_general_bits);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
