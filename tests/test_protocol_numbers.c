/* Numbers and samples: how they are read, and how they are printed again. */
#include <math.h>
#include <string.h>

#include "protocol_check.h"
#include "run_tests.h"

static struct checked param(const char *value, const struct stm_override *o, unsigned n)
{
    struct stm_buf text = {0};
    stm_buf_printf(&text, "lang 1\nparam x = %s\n", value);
    struct checked c =
        check_as(EXAMPLES "text.stemma", stm_buf_text(&text), text.n, STM_F_ALL, o, n);
    stm_buf_release(&text);
    return c;
}

static const struct {
    const char *text;
    double value; /* NAN: none */
    const char *says, *help;
} numbers[] = {
    {"12", 12, NULL, NULL},
    {"0.0003", 0.0003, NULL, NULL},
    {"1e-3", 1e-3, NULL, NULL},
    {"1E+3", 1000, NULL, NULL},
    {"60_000", 60000, NULL, NULL},
    {"60k", 60000, NULL, NULL},
    {"1.001k", 1001, NULL, NULL}, /* 1.001 * 1000 is not */
    {"2.3M", 2300000, NULL, NULL},
    {"1e3k", 1e6, NULL, NULL},
    {"0", 0, NULL, NULL},
    {"0.000e-999", 0, NULL, NULL},
    {"2.3e-308", 2.3e-308, NULL, NULL},
    {"1e-400", NAN, "outside of the domain of numbers", NULL},
    {"1e-320", NAN, "outside of the domain of numbers", NULL},
    {"0.00001e-305", NAN, "outside of the domain of numbers", NULL},
    {"1e400", NAN, "outside of the domain of numbers", NULL},
    {"1e306k", NAN, "outside of the domain of numbers", NULL},
    {"1e99999999999999999999", NAN, "outside of the domain of numbers", NULL},
    {"1e-99999999999999999999", NAN, "outside of the domain of numbers", NULL},
    {".001", NAN, "not a number", "write 0.001"},
    {".5k", NAN, "not a number", "write 0.5k"},
    {"5.", NAN, "not a number", "write 5.0"},
    {"0x10", NAN, "not a number", NULL},
    {"1__0", NAN, "not a number", NULL},
    {"1_", NAN, "not a number", NULL},
    {"1e", NAN, "not a number", NULL},
    {"1kk", NAN, "not a number", NULL},
    {"1.2.3", NAN, "not a number", NULL},
};

static void expect(const struct checked *c, size_t i, double sign)
{
    if (!isnan(numbers[i].value)) {
        ck_assert_msg(c->plan != NULL, "%s: %s", numbers[i].text, first_message(c));
        ck_assert_double_eq(c->plan->params[0].num, sign * numbers[i].value);
        return;
    }
    ck_assert_msg(c->diags->n == 1, "%s: %u errors", numbers[i].text, c->diags->n);
    const struct stm_diag *d = &c->diags->d[0];
    ck_assert_msg(strstr(d->msg, numbers[i].says) != NULL, "%s: %s", numbers[i].text, d->msg);
    if (numbers[i].help) ck_assert_str_eq(d->help, numbers[i].help);
}

/* A file and -D read the same numbers. */
START_TEST(read)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct stm_override o = {"x", numbers[i].text};
        struct checked c = param(numbers[i].text, NULL, 0);
        expect(&c, i, 1);
        checked_free(&c);
        c = param("7", &o, 1);
        expect(&c, i, 1);
        checked_free(&c);
        struct stm_buf minus = {0};
        stm_buf_printf(&minus, "-%s", numbers[i].text);
        o.value = stm_buf_text(&minus);
        if (numbers[i].value > 0) {
            c = param("7", &o, 1);
            expect(&c, i, -1);
            checked_free(&c);
        }
        stm_buf_release(&minus);
    }
}
END_TEST

START_TEST(folded)
{
    static const struct {
        const char *text, *says;
        double value;
    } cases[] = {
        {"1e-200 * 1e-200", "`1e-200 * 1e-200` is outside of the domain of numbers", 0},
        {"1e-200 / 1e200", "`1e-200 / 1e+200` is outside of the domain of numbers", 0},
        {"1e200 * 1e200", "`1e+200 * 1e+200` is outside of the domain of numbers", 0},
        {"1 / 0", "`1 / 0` is not a number", 0},
        {"0 / 0", "`0 / 0` is not a number", 0},
        {"exp(-1000)", "`exp` of -1000 is outside of the domain of numbers", 0},
        {"0 * 1e-200", NULL, 0},
        {"1e-200 * 0", NULL, 0},
        {"0 / 3", NULL, 0},
        {"1e-300 - 1e-300", NULL, 0},
        {"exp(0)", NULL, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct checked c = param(cases[i].text, NULL, 0);
        if (cases[i].says) {
            ck_assert_uint_eq(c.diags->n, 1);
            ck_assert_str_eq(c.diags->d[0].msg, cases[i].says);
        } else {
            ck_assert_msg(c.plan != NULL, "%s: %s", cases[i].text, first_message(&c));
            ck_assert_double_eq(c.plan->params[0].num, cases[i].value);
        }
        checked_free(&c);
    }
}
END_TEST

#define RUN                                                                                        \
    "lang 1\nimport \"common/modadd.stemma\"\nseeds 0..3\n"                                        \
    "every 25 steps { event e = acc(test) > 0.5 }\nlog every 5 steps { acc(test) }\n"              \
    "run r = mlp on add with base { fork f at step 100 {\n stop at step 200\n arm x {} } }\n"

static const struct {
    const char *text, *printed; /* NULL: refused */
} samples[] = {
    {"x.acc(test) @ + 100 steps", "x.acc(test) @ + 100 steps"},
    {"x.acc(test) @ + 50 * 2 steps", "x.acc(test) @ + 100 steps"},
    {"x.acc(test) @ (fork + 100)", "x.acc(test) @ + 100 steps"},
    {"x.acc(test) @ step (100 + 100)", "x.acc(test) @ step 200"},
    {"(x.acc(test) @ fork) + 1", "(x.acc(test) @ fork) + 1"},
    {"1 + x.acc(test) @ fork", "1 + x.acc(test) @ fork"},
    {"1 + (x.acc(test) @ fork) + 2", "1 + (x.acc(test) @ fork) + 2"},
    {"(x.acc(test) @ stop) - x.acc(test) @ e", "(x.acc(test) @ stop) - x.acc(test) @ e"},
    {"3 * (x.acc(test) @ stop) + 2", "3 * (x.acc(test) @ stop) + 2"},
    {"-(x.acc(test) @ stop) + 2", "-(x.acc(test) @ stop) + 2"},
    {"x.acc(test) @ stop / x.acc(test) @ fork", "x.acc(test) @ stop / x.acc(test) @ fork"},
    {"(x.acc(test) @ step 150) * 2", "(x.acc(test) @ step 150) * 2"},
    {"2 * x.acc(test) @ step 150", "2 * x.acc(test) @ step 150"},
    {"(x.acc(test) @ + 5 steps) / 2", "x.acc(test) @ + 5 steps / 2"},
    {"x.acc(test) @ fork + 100", NULL},
    {"x.acc(test) @ fork - 100", NULL},
    {"x.acc(test) @ stop + 1", NULL},
    {"x.acc(test) @ e + 1", NULL},
    {"x.acc(test) @ nearest(x.e) + 1", NULL},
    {"x.acc(test) @ step 100 + 100", NULL},
    {"x.acc(test) @ step 100 * 2", NULL},
    {"x.acc(test) @ + 5 steps + 1", NULL},
    {"2 * x.acc(test) @ stop + 1", NULL},
    {"x.acc(test) @ (stop + 100)", NULL},
    {"x.acc(test) @ (fork - 5)", NULL},
    {"x.acc(test) @ (fork + 0.5)", NULL},
    {"x.acc(test) @ + 5", NULL},
};

START_TEST(sampled)
{
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct stm_buf text = {0}, want = {0};
        stm_buf_printf(&text, RUN "estimate v = mean(%s)\n", samples[i].text);
        stm_buf_printf(&want, "mean(%s)", samples[i].printed ? samples[i].printed : "");
        struct checked a = check_text(stm_buf_text(&text), text.n);
        ck_assert_msg((a.plan != NULL) == (samples[i].printed != NULL), "%s: %s", samples[i].text,
                      first_message(&a));
        if (a.plan) {
            struct stm_buf got = {0};
            stm_expr_print(a.plan->claims[0].expr, &got);
            ck_assert_str_eq(stm_buf_text(&got), stm_buf_text(&want));
            struct checked b = check_text(a.plan->canonical, strlen(a.plan->canonical));
            ck_assert_msg(b.plan != NULL, "%s: %s", samples[i].text, first_message(&b));
            ck_assert_str_eq(a.plan->canonical, b.plan->canonical);
            ck_assert_str_eq(a.plan->claim_hash, b.plan->claim_hash);
            checked_free(&b);
            stm_buf_release(&got);
        } else {
            ck_assert_uint_eq(a.diags->n, 1);
        }
        checked_free(&a);
        stm_buf_release(&text);
        stm_buf_release(&want);
    }
}
END_TEST

RUN_TESTS("protocol numbers", read, folded, sampled)
