/* What no input and no failed allocation may do: crash, leak, or take long. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "protocol_check.h"
#include "test_seed.h"

static const char *const examples[] = {"rescaling", "mediation", "precision"};

START_TEST(nth_allocation_fails)
{
    for (size_t i = 0; i < 3; i++) {
        struct stm_buf text = {0};
        read_example(examples[i], &text);
        const char *s = stm_buf_text(&text);
        bool done = false;
        for (unsigned long n = 1; !done; n++) {
            struct stm_check_options o = {.vocab = &test_vocab, .features = STM_F_ALL};
            struct stm_plan *plan;
            struct stm_diags *diags;
            struct stm_err err = {0};
            stm_mem_fail_after(n);
            int code = stm_protocol_check(&plan, &diags, EXAMPLES "x.stemma", s, text.n, &o, &err);
            stm_mem_fail_after(0);
            done = code == 0;
            if (!done) {
                ck_assert_int_eq(code, STM_E_NOMEM);
                ck_assert_int_eq(err.code, STM_E_NOMEM);
                ck_assert_ptr_null(plan);
                ck_assert_ptr_null(diags);
            } else {
                ck_assert_msg(plan != NULL, "%s", diags->n ? diags->d[0].msg : "");
            }
            stm_plan_free(plan);
            stm_diags_free(diags);
        }
        stm_buf_release(&text);
    }
}
END_TEST

static void survives(const char *s, size_t n)
{
    struct checked c = check_text(s, n);
    struct stm_buf out = {0};
    ck_assert(c.plan || c.diags->errors);
    for (unsigned i = 0; i < c.diags->n; i++) {
        stm_diag_print(c.diags, &c.diags->d[i], i & 1, i & 2 ? 60 : 0, &out);
        stm_diag_json(c.diags, &c.diags->d[i], &out);
    }
    checked_free(&c);
    struct stm_diags *diags;
    stm_protocol_format(&out, &diags, "x", s, n, NULL);
    stm_diags_free(diags);
    stm_buf_release(&out);
}

static void repeat(struct stm_buf *b, const char *s, unsigned n)
{
    while (n--) stm_buf_printf(b, "%s", s);
}

START_TEST(deep_and_long)
{
    static const struct {
        const char *before, *again, *after;
        unsigned n;
    } cases[] = {
        {"param a = ", "(", "1", 100000},
        {"param a = ", "-", "1", 100000},
        {"param a = 1", " + 1", "\n", 100000},
        {"let a = b", ".c", "\n", 100000},
        {"let a = b", "(c)", "\n", 100000},
        {"let a = b", "[c=1]", "\n", 100000},
        {"let a = ", "[", "\n", 100000},
        {"let a = ", "not ", "b\n", 100000},
        {"let a = 1", " < 1", "\n", 100000},
        {"run a = b on c with d ", "{ fork x at start ", "\n", 50000},
        {"", "arm x {", "\n", 100000},
        {"", "}", "\n", 100000},
        {"let a = f(", "x = 1,", "1)\n", 100000},
        {"", "$ ", "\n", 100000},
        {"let a = b", " @ c", "\n", 100000},
        {"param a = ", "\"", "\n", 10001},
        {"", "table t {}\n", "", 30000},
        {"", "let x = yy\n", "", 30000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stm_buf b = {0};
        stm_buf_printf(&b, "lang 1\n%s", cases[i].before);
        repeat(&b, cases[i].again, cases[i].n);
        stm_buf_printf(&b, "%s", cases[i].after);
        clock_t begin = clock();
        survives(stm_buf_text(&b), b.n);
        double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
        ck_assert_msg(seconds < 10, "case %zu takes %.1f s", i, seconds);
        stm_buf_release(&b);
    }
}
END_TEST

/* A chain of lets must not be expanded: 2^60 terms. */
START_TEST(doubling_lets)
{
    struct stm_buf b = {0};
    stm_buf_printf(&b, "lang 1\nimport \"common/modadd.stemma\"\nlet a0 = median(grok)\n");
    for (int i = 1; i < 60; i++) stm_buf_printf(&b, "let a%d = a%d + a%d\n", i, i - 1, i - 1);
    survives(stm_buf_text(&b), b.n);
    stm_buf_release(&b);
}
END_TEST

START_TEST(too_many_instances)
{
    struct stm_buf b = {0};
    stm_buf_printf(&b, "lang 1\nimport \"common/modadd.stemma\"\nseeds 0..2\nrun t = mlp on add "
                       "with base {\n fork f at start {\n stop at step 10\n arm a sweep ");
    for (int i = 0; i < 6; i++)
        stm_buf_printf(&b, "%sx%d in [1,2,3,4,5,6,7,8,9,10]", i ? ", " : "", i);
    stm_buf_printf(&b, " { set lr = x0 * x1 * x2 / 1e9 } } }\n");
    struct checked c = check_text(stm_buf_text(&b), b.n);
    ck_assert_ptr_null(c.plan);
    bool limit = false;
    for (unsigned i = 0; i < c.diags->n; i++) limit |= !strcmp(c.diags->d[i].code, "E0106");
    ck_assert(limit);
    checked_free(&c);
    stm_buf_release(&b);
}
END_TEST

START_TEST(big_file)
{
    struct stm_buf b = {0};
    stm_buf_printf(&b, "lang 1\n");
    for (int i = 0; i < 40000; i++) stm_buf_printf(&b, "param name_%d = %d * 2\n", i, i);
    clock_t begin = clock();
    struct checked c = check_text(stm_buf_text(&b), b.n);
    ck_assert_ptr_nonnull(c.plan);
    ck_assert((double)(clock() - begin) / CLOCKS_PER_SEC < 5);
    checked_free(&c);
    stm_buf_release(&b);
}
END_TEST

static uint64_t state;
static unsigned below(unsigned n)
{
    state += 0x9e3779b97f4a7c15u;
    uint64_t z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
    return (unsigned)(((z ^ (z >> 27)) >> 16) % n);
}

static void mutate(struct stm_buf *b)
{
    static const char *const words[] = {"{",        "}",       "(",       ")",     "[",   "]",
                                        "\n",       " at ",    "each ",   "0",     "-",   "=",
                                        "arm x {}", " sweep ", "1e9",     "\"",    "#",   ".",
                                        "@ stop",   "all",     "median(", "norm(", "tau", "grok"};
    unsigned at = below((unsigned)b->n), kind = below(4);
    if (kind == 0) {
        b->p[at] = (unsigned char)below(256);
    } else if (kind == 1) {
        unsigned n = 1 + below(12);
        if (at + n > b->n) n = (unsigned)b->n - at;
        memmove(b->p + at, b->p + at + n, b->n - at - n);
        b->n -= n;
    } else if (kind == 2) {
        const char *w = words[below(sizeof words / sizeof *words)];
        size_t n = strlen(w), tail = b->n - at;
        stm_buf_zero(b, n);
        memmove(b->p + at + n, b->p + at, tail);
        memcpy(b->p + at, w, n);
    } else if (below(20) == 0) {
        b->n = at + 1; /* truncated */
    }
}

START_TEST(mutations)
{
    state = test_seed("mutations", _i);
    for (int i = 0; i < 1000; i++) {
        struct stm_buf b = {0};
        read_example(examples[i % 3], &b);
        for (unsigned j = 1 + below(6); j && b.n > 1; j--) mutate(&b);
        survives(stm_buf_text(&b), b.n);
        stm_buf_release(&b);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("protocol robust");
    TCase *t = tcase_create("robust");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, nth_allocation_fails);
    tcase_add_test(t, deep_and_long);
    tcase_add_test(t, doubling_lets);
    tcase_add_test(t, too_many_instances);
    tcase_add_test(t, big_file);
    tcase_add_loop_test(t, mutations, 0, test_seeds());
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
