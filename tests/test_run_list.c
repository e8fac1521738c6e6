/* Lists of names: whole where they fit, else with how many are left out. */
#include <check.h>
#include <string.h>

#include "run/list.h"
#include "run_tests.h"

enum { SIZE = 60 };

static void list(char out[SIZE], const char *const *names, size_t n)
{
    struct stm_list l = {.out = out, .size = SIZE};
    out[0] = 0;
    for (size_t i = 0; i < n; i++) stm_list_add(&l, names[i]);
    stm_list_end(&l);
}

START_TEST(what_fits_is_whole)
{
    static const char *const names[] = {
        "param.E",  "param.W1",  "param.W2",
        "adam.m.E", "adam.m.W1", "123456"}; /* 58 bytes with commas and blanks */
    char out[SIZE];
    list(out, names, 0);
    ck_assert_str_eq(out, "");
    list(out, names, 1);
    ck_assert_str_eq(out, "param.E");
    list(out, names, 6);
    ck_assert_str_eq(out, "param.E, param.W1, param.W2, adam.m.E, adam.m.W1, 123456");
}
END_TEST

START_TEST(what_does_not_is_counted)
{
    static const char *const names[] = {"param.E",   "param.W1",    "param.W2", "adam.m.E",
                                        "adam.m.W1", "12345678901", "x",        "y"};
    static const char *const longer[] = {
        "param.blocks.0.attn.a_name_that_is_longer_than_all_the_room_there_is", "x", "y"};
    char out[SIZE];
    list(out, names, 8);
    ck_assert_str_eq(out, "param.E, param.W1, param.W2 and 5 more");
    list(out, longer, 3);
    ck_assert_str_eq(out, "3 tensors");
    list(out, longer, 1);
    ck_assert_str_eq(out, "1 tensor");
}
END_TEST

RUN_TESTS("run list", what_fits_is_whole, what_does_not_is_counted)
