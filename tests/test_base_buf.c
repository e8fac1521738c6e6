/* Buffers and little-endian fields. */
#include "store_help.h"

#include <math.h>

START_TEST(fields_round_trip)
{
    struct stm_buf b = {0};
    stm_buf_u8(&b, 0xab);
    stm_buf_u16(&b, 0x1234);
    stm_buf_u32(&b, 0xdeadbeef);
    stm_buf_u64(&b, UINT64_C(0x0102030405060708));
    stm_buf_f64(&b, -0.0);
    stm_buf_str(&b, "name");
    stm_buf_zero(&b, 3);
    ck_assert(!b.failed);
    static const unsigned char expect[] = {
        0xab, 0x34, 0x12, 0xef, 0xbe, 0xad, 0xde, 8, 7, 6, 5,   4,   3,   2,   1, 0, 0,
        0,    0,    0,    0,    0,    0x80, 4,    0, 0, 0, 'n', 'a', 'm', 'e', 0, 0, 0};
    ck_assert_uint_eq(b.n, sizeof expect);
    ck_assert_mem_eq(b.p, expect, sizeof expect);
    struct stm_rd r = {.p = b.p, .n = b.n};
    size_t n;
    ck_assert_uint_eq(stm_rd_u8(&r), 0xab);
    ck_assert_uint_eq(stm_rd_u16(&r), 0x1234);
    ck_assert_uint_eq(stm_rd_u32(&r), 0xdeadbeef);
    ck_assert(stm_rd_u64(&r) == UINT64_C(0x0102030405060708));
    double d = stm_rd_f64(&r);
    ck_assert(d == 0 && signbit(d));
    const char *s = stm_rd_str(&r, &n);
    ck_assert(n == 4 && !memcmp(s, "name", 4));
    ck_assert_ptr_nonnull(stm_rd_bytes(&r, 3));
    ck_assert(!r.bad && r.at == r.n);
    stm_buf_release(&b);
}
END_TEST

START_TEST(short_reads_are_bad)
{
    static const unsigned char p[] = {1, 2, 3};
    struct stm_rd r = {.p = p, .n = 3};
    ck_assert_uint_eq(stm_rd_u32(&r), 0);
    ck_assert(r.bad);
    ck_assert_uint_eq(stm_rd_u8(&r), 0); /* and stays bad */
    static const unsigned char liar[] = {255, 255, 255, 255, 'a'};
    r = (struct stm_rd){.p = liar, .n = 5};
    size_t n = 1;
    ck_assert_ptr_null(stm_rd_str(&r, &n));
    ck_assert(r.bad && n == 0);
    r = (struct stm_rd){.p = liar, .n = 5, .at = 2};
    ck_assert_ptr_null(stm_rd_bytes(&r, SIZE_MAX));
}
END_TEST

START_TEST(words_in_memory)
{
    unsigned char w[8];
    stm_put_le32(w, 0x01020304);
    ck_assert(w[0] == 4 && w[3] == 1 && stm_get_le32(w) == 0x01020304);
    stm_put_le64(w, UINT64_C(0xf1f2f3f4f5f6f7f8));
    ck_assert(w[0] == 0xf8 && stm_get_le64(w) == UINT64_C(0xf1f2f3f4f5f6f7f8));
    ck_assert_uint_eq(stm_get_le16(w), 0xf7f8);
}
END_TEST

START_TEST(text)
{
    struct stm_buf b = {0};
    ck_assert_str_eq(stm_buf_text(&b), "");
    for (int i = 0; i < 1000; i++) stm_buf_printf(&b, "%d,", i);
    ck_assert_uint_eq(strlen(stm_buf_text(&b)), 3890);
    ck_assert_uint_eq(b.n, 3890);
    ck_assert(!memcmp(stm_buf_text(&b), "0,1,2,3,", 8));
    stm_buf_clear(&b);
    stm_buf_printf(&b, "%s", "");
    ck_assert_str_eq(stm_buf_text(&b), "");
    stm_buf_release(&b);
}
END_TEST

START_TEST(a_failed_allocation_stays)
{
    struct stm_buf b = {0};
    stm_buf_put(&b, "abc", 3);
    static const unsigned char big[1000];
    stm_mem_fail_after(1);
    stm_buf_put(&b, big, sizeof big);
    stm_mem_fail_after(0);
    ck_assert(b.failed && b.n == 3);
    stm_buf_put(&b, "d", 1); /* there is room, but a gap before it must not be written over */
    ck_assert_uint_eq(b.n, 3);
    ck_assert_str_eq(stm_buf_text(&b), "");
    stm_buf_clear(&b);
    stm_buf_put(&b, "d", 1);
    ck_assert(!b.failed && b.n == 1);
    stm_buf_release(&b);
}
END_TEST

START_TEST(numbers)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {{0, "0"},
                 {0.0003, "0.0003"},
                 {3e-4 * 10 / 10, "0.0003"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {60000, "60000"},
                 {1e15, "1e+15"},
                 {-1e-8, "-1e-08"},
                 {1.0 / 3, "0.3333333333333333"},
                 {5e-324, "5e-324"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stm_buf b = {0};
        stm_buf_number(&b, cases[i].v);
        ck_assert_str_eq(stm_buf_text(&b), cases[i].text);
        stm_buf_release(&b);
    }
}
END_TEST

/* Against a plain array. */
START_TEST(random_puts)
{
    uint64_t seed = UINT64_C(4400) + (uint64_t)_i, s = seed;
    static unsigned char model[100000];
    size_t n = 0;
    struct stm_buf b = {0};
    while (n < 90000) {
        unsigned char part[3000];
        size_t k = rnd(&s) % sizeof part;
        if (rnd(&s) % 4) {
            rnd_bytes(&s, part, k);
            stm_buf_put(&b, part, k);
            memcpy(model + n, part, k);
        } else {
            stm_buf_zero(&b, k);
            memset(model + n, 0, k);
        }
        n += k;
        ck_assert_msg(b.n == n && b.n <= b.cap, "seed %llu", (unsigned long long)seed);
    }
    ck_assert_msg(!memcmp(b.p, model, n), "seed %llu", (unsigned long long)seed);
    stm_buf_release(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base_buf");
    TCase *c = tcase_create("buf");
    tcase_add_test(c, fields_round_trip);
    tcase_add_test(c, short_reads_are_bad);
    tcase_add_test(c, words_in_memory);
    tcase_add_test(c, text);
    tcase_add_test(c, numbers);
    tcase_add_test(c, a_failed_allocation_stays);
    tcase_add_loop_test(c, random_puts, 0, 5);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
