/* The byte-plane codec. */
#include "store_help.h"

#include "store/codec.h"

static struct stm_codec *codec;
static struct stm_err err;

static void setup(void)
{
    codec = stm_codec_new();
    ck_assert_ptr_nonnull(codec);
}
static void teardown(void) { stm_codec_free(codec); }

static const unsigned elems[] = {1, 2, 4, 8};

/* Encodes, decodes, compares; returns the coded size. */
static size_t round_trip(const void *p, size_t n, unsigned elem, const char *what)
{
    struct stm_buf b = {0};
    unsigned char *back = malloc(n + 1);
    stm_buf_put(&b, "before", 6); /* appends, whatever is there */
    ck_assert_msg(!stm_codec_encode(codec, &b, p, n, elem, &err), "%s: %s", what, err.msg);
    ck_assert(!memcmp(b.p, "before", 6));
    ck_assert_msg(!stm_codec_decode(codec, back, n, elem, b.p + 6, b.n - 6, &err), "%s: %s", what,
                  err.msg);
    ck_assert_msg(!n || !memcmp(back, p, n), "%s: other bytes", what);
    size_t coded = b.n - 6;
    ck_assert_msg(coded <= n + 40, "%s: %zu bytes became %zu", what, n, coded);
    stm_buf_release(&b);
    free(back);
    return coded;
}

START_TEST(lengths)
{
    unsigned char p[300];
    uint64_t seed = 3;
    rnd_bytes(&seed, p, sizeof p);
    for (size_t i = 0; i < 4; i++)
        for (size_t n = 0; n <= sizeof p; n++) round_trip(p, n, elems[i], "length");
}
END_TEST

START_TEST(constants_fold)
{
    float w[1000];
    for (int i = 0; i < 1000; i++) w[i] = 0.001f;
    ck_assert_uint_eq(round_trip(w, sizeof w, 4, "constant"), 4 * 6);
    double d[500] = {0};
    ck_assert_uint_eq(round_trip(d, sizeof d, 8, "zero"), 8 * 6);
}
END_TEST

START_TEST(weights_pack)
{
    enum { N = 1 << 18 };
    float *w = malloc(N * sizeof *w);
    uint64_t seed = 9;
    rnd_floats(&seed, w, N);
    size_t n = round_trip(w, N * sizeof *w, 4, "weights");
    ck_assert_uint_lt(n, N * 4 * 88 / 100);
    ck_assert_uint_lt(n, round_trip(w, N * sizeof *w, 1, "as bytes"));
    rnd_bytes(&seed, (unsigned char *)w,
              N * sizeof *w); /* noise costs a few bytes, not a percent */
    ck_assert_uint_eq(round_trip(w, N * sizeof *w, 4, "noise"), N * 4 + 20);
    free(w);
}
END_TEST

/* Payloads of every mixture of noise, runs, ramps and constants. */
START_TEST(random_payloads)
{
    static unsigned char p[20000];
    uint64_t seed = UINT64_C(77000) + (uint64_t)_i, s = seed;
    for (int round = 0; round < 60; round++) {
        size_t n = rnd(&s) % sizeof p, at = 0;
        while (at < n) {
            size_t run = 1 + rnd(&s) % 3000;
            if (run > n - at) run = n - at;
            unsigned kind = (unsigned)(rnd(&s) % 4);
            for (size_t i = 0; i < run; i++)
                p[at + i] = kind == 0   ? (unsigned char)rnd(&s)
                            : kind == 1 ? 0x3f
                            : kind == 2 ? (unsigned char)(i / 4)
                                        : (unsigned char)(i % 4 ? 0 : rnd(&s));
            at += run;
        }
        char what[80];
        snprintf(what, sizeof what, "seed %llu round %d", (unsigned long long)seed, round);
        round_trip(p, n, elems[rnd(&s) % 4], what);
    }
}
END_TEST

/* Whatever bytes come, decode says no or fills exactly the buffer; the sanitizer watches. */
START_TEST(hostile_bytes)
{
    uint64_t seed = UINT64_C(88000) + (uint64_t)_i, s = seed;
    unsigned char raw[600], *out = malloc(600);
    memset(raw, 7, sizeof raw);
    rnd_bytes(&s, raw, 200);
    for (size_t i = 0; i < 200; i++) raw[200 + i] = (unsigned char)(i / 8);
    for (int round = 0; round < 3000; round++) {
        struct stm_buf b = {0};
        unsigned elem = elems[rnd(&s) % 4];
        ck_ok(stm_codec_encode(codec, &b, raw, sizeof raw, elem, &err), &err);
        for (unsigned k = 1 + (unsigned)(rnd(&s) % 4); k; k--)
            b.p[rnd(&s) % b.n] = (unsigned char)rnd(&s);
        if (rnd(&s) % 3 == 0) b.n = rnd(&s) % (b.n + 1);
        unsigned char *exact = malloc(b.n + 1); /* so that one byte too far is seen */
        unsigned char *tight = realloc(exact, b.n ? b.n : 1);
        if (b.n) memcpy(tight, b.p, b.n);
        int rc = stm_codec_decode(codec, out, 600, elem, tight, b.n, &err);
        ck_assert_msg(rc == 0 || rc == STM_E_DAMAGED, "seed %llu: %d", (unsigned long long)seed,
                      rc);
        free(tight);
        stm_buf_release(&b);
    }
    ck_assert_int_eq(stm_codec_decode(codec, out, 600, 3, raw, 600, &err), STM_E_DAMAGED);
    free(out);
}
END_TEST

START_TEST(wrong_lengths_are_damage)
{
    unsigned char raw[64], out[80];
    struct stm_buf b = {0};
    for (int i = 0; i < 64; i++) raw[i] = (unsigned char)(i * 37);
    ck_ok(stm_codec_encode(codec, &b, raw, 64, 4, &err), &err);
    for (size_t n = 0; n < 80; n++)
        ck_assert_int_eq(stm_codec_decode(codec, out, n, 4, b.p, b.n, &err),
                         n == 64 ? 0 : STM_E_DAMAGED);
    for (size_t n = 0; n < b.n; n++)
        ck_assert_int_eq(stm_codec_decode(codec, out, 64, 4, b.p, n, &err), STM_E_DAMAGED);
    /* A sound zstd frame of another length than the plane's. */
    unsigned char text[1000], more[1010];
    for (int i = 0; i < 1000; i++) text[i] = (unsigned char)"repeats "[i % 8];
    stm_buf_clear(&b);
    ck_ok(stm_codec_encode(codec, &b, text, 1000, 1, &err), &err);
    ck_assert_uint_lt(b.n, 100);
    for (size_t n = 990; n <= 1010; n++)
        ck_assert_int_eq(stm_codec_decode(codec, more, n, 1, b.p, b.n, &err),
                         n == 1000 ? 0 : STM_E_DAMAGED);
    stm_buf_release(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_codec");
    TCase *c = tcase_create("codec");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, lengths);
    tcase_add_test(c, constants_fold);
    tcase_add_test(c, weights_pack);
    tcase_add_loop_test(c, random_payloads, 0, 10);
    tcase_add_loop_test(c, hostile_bytes, 0, 5);
    tcase_add_test(c, wrong_lengths_are_damage);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
