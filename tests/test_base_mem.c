#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run_tests.h"

START_TEST(aligned_blocks_are_zero)
{
    static const size_t sizes[] = {
        0, 1, 63, 64, 65, (1 << 20) - 1, 1 << 20, (2 << 20) - 1, 2 << 20, (2 << 20) + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *p = stm_aligned_calloc(sizes[i]);
        ck_assert_ptr_nonnull(p);
        ck_assert_uint_eq((uintptr_t)p % 64, 0);
        size_t zeros = 0;
        while (zeros < sizes[i] && p[zeros] == 0) zeros++;
        ck_assert_uint_eq(zeros, sizes[i]);
        memset(p, 0xa5, sizes[i]); /* all of it is there */
        stm_free(p);
    }
}
END_TEST

START_TEST(too_much_is_refused)
{
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 63};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        ck_assert_ptr_null(stm_aligned_calloc(sizes[i]));
}
END_TEST

START_TEST(the_hook_fails_the_nth)
{
    stm_mem_fail_after(2);
    void *a = stm_aligned_calloc(100), *b = stm_aligned_calloc(100), *c = stm_malloc(1);
    ck_assert_uint_eq(stm_mem_fail_after(0), 3);
    ck_assert(a && !b && !c);
    stm_free(a);
}
END_TEST

RUN_TESTS("base mem", aligned_blocks_are_zero, too_much_is_refused, the_hook_fails_the_nth)
