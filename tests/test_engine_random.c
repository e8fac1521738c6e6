#include <math.h>

#include "engine_fixture.h"

/* The known answers published with the generator (Random123). */
START_TEST(philox_known_answers)
{
    static const uint32_t cases[3][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d,
         0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
         0x94fdcceb, 0x5001e420, 0x24126ea1},
    };
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        stm_philox(cases[i], cases[i] + 4, out);
        ck_assert_mem_eq(out, cases[i] + 6, sizeof out);
    }
}
END_TEST

START_TEST(streams_are_keyed)
{
    struct stm_rand a = stm_rand_at(3, STM_STREAM_INIT, 0), b = stm_rand_at(3, STM_STREAM_SPLIT, 0),
                    c = stm_rand_at(3, STM_STREAM_INIT, 1), d = stm_rand_at(4, STM_STREAM_INIT, 0),
                    e = stm_rand_at(3, STM_STREAM_INIT, 0);
    int same[3] = {0};
    for (int i = 0; i < 1000; i++) {
        uint32_t x = stm_rand_u32(&a);
        same[0] += x == stm_rand_u32(&b);
        same[1] += x == stm_rand_u32(&c);
        same[2] += x == stm_rand_u32(&d);
        ck_assert_uint_eq(x, stm_rand_u32(&e));
    }
    for (int i = 0; i < 3; i++) ck_assert_int_lt(same[i], 2);
}
END_TEST

START_TEST(permutation_is_one)
{
    enum { N = 3481 };
    static uint32_t order[N], other[N];
    static char seen[N];
    stm_rand_permutation(7, STM_STREAM_SPLIT, 0, order, N);
    stm_rand_permutation(8, STM_STREAM_SPLIT, 0, other, N);
    uint32_t fixed = 0, agree = 0;
    for (uint32_t i = 0; i < N; i++) {
        ck_assert_uint_lt(order[i], N);
        ck_assert_int_eq(seen[order[i]]++, 0);
        fixed += order[i] == i;
        agree += order[i] == other[i];
    }
    ck_assert_uint_lt(fixed, 12);
    ck_assert_uint_lt(agree, 12);
}
END_TEST

START_TEST(bounded_draws_are_even)
{
    struct stm_rand r = stm_rand_at(1, STM_STREAM_BATCH, 0);
    int count[6] = {0};
    for (int i = 0; i < 60000; i++) count[stm_rand_below(&r, 6)]++;
    for (int i = 0; i < 6; i++) ck_assert_int_lt(abs(count[i] - 10000), 400);
    ck_assert_uint_eq(stm_rand_below(&r, 1), 0);
}
END_TEST

START_TEST(uniforms_stay_inside)
{
    struct stm_rand r = stm_rand_at(2, STM_STREAM_PERTURB, 5);
    double sum = 0;
    for (int i = 0; i < 100000; i++) {
        double u = stm_rand_uniform(&r);
        ck_assert(u > 0 && u < 1);
        sum += u;
    }
    ck_assert_double_eq_tol(sum / 100000, 0.5, 0.004);
}
END_TEST

START_TEST(normals_have_the_moments)
{
    enum { N = 200001 };
    double *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y), m[5] = {0};
    stm_rand_normals(9, STM_STREAM_INIT, 2, x, N);
    stm_rand_normals(9, STM_STREAM_INIT, 2, y, 77); /* a shorter draw is a prefix */
    ck_assert_mem_eq(x, y, 77 * sizeof *x);
    for (int i = 0; i < N; i++)
        for (int k = 1; k <= 4; k++) m[k] += pow(x[i], k) / N;
    ck_assert_double_eq_tol(m[1], 0, 0.01);
    ck_assert_double_eq_tol(m[2], 1, 0.015);
    ck_assert_double_eq_tol(m[3], 0, 0.04);
    ck_assert_double_eq_tol(m[4], 3, 0.1);
    free(x);
    free(y);
}
END_TEST

RUN_TESTS("engine random", philox_known_answers, streams_are_keyed, permutation_is_one,
          bounded_draws_are_even, uniforms_stay_inside, normals_have_the_moments)
