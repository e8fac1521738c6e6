/* fmt: idempotent, keeps comments, keeps both hashes; over the examples and random protocols. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol_check.h"
#include "test_seed.h"

static void format(const char *text, size_t n, struct stm_buf *out)
{
    struct stm_diags *diags;
    struct stm_err err = {0};
    int code = stm_protocol_format(out, &diags, "text.stemma", text, n, &err);
    ck_assert_msg(code == 0, "%s", diags && diags->n ? diags->d[0].msg : err.msg);
    stm_diags_free(diags);
}

static size_t count_comments(const char *s)
{
    size_t n = 0;
    for (; (s = strchr(s, '#')); s++) n++;
    return n;
}

static void formats_well(const char *text, size_t n)
{
    struct stm_buf once = {0}, twice = {0};
    format(text, n, &once);
    stm_buf_text(&once);
    format((const char *)once.p, once.n, &twice);
    ck_assert_str_eq(stm_buf_text(&once), stm_buf_text(&twice));
    ck_assert_uint_eq(count_comments(text), count_comments(stm_buf_text(&once)));
    struct checked a = check_text(text, n), b = check_text((const char *)once.p, once.n);
    ck_assert_msg(a.plan && b.plan, "%s\n%s", first_message(a.plan ? &b : &a), text);
    ck_assert_str_eq(a.plan->compute_hash, b.plan->compute_hash);
    ck_assert_str_eq(a.plan->claim_hash, b.plan->claim_hash);
    struct checked c = check_text(a.plan->canonical, strlen(a.plan->canonical));
    ck_assert_msg(c.plan != NULL, "%s\n%s", first_message(&c), a.plan->canonical);
    ck_assert_str_eq(a.plan->compute_hash, c.plan->compute_hash);
    ck_assert_str_eq(a.plan->claim_hash, c.plan->claim_hash);
    ck_assert_str_eq(a.plan->canonical, c.plan->canonical);
    checked_free(&a);
    checked_free(&b);
    checked_free(&c);
    stm_buf_release(&once);
    stm_buf_release(&twice);
}

START_TEST(examples)
{
    static const char *const files[] = {"rescaling", "mediation", "precision", "common/modadd"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct stm_buf text = {0};
        read_example(files[i], &text);
        formats_well(stm_buf_text(&text), text.n);
        stm_buf_release(&text);
    }
}
END_TEST

START_TEST(layout)
{
    static const char text[] = "lang 1;param a=-(1+2)*3 ;;param b=a - 1#c\n\n\n\n"
                               "every 25   steps{event e=acc( test )>=0.9;\n\n# d\n  event f ="
                               " acc(train)\n   > .5 }\n";
    static const char good[] = "lang 1;param a=-(1+2)*3 ;;param b=a - 1#c\n\n\n\n"
                               "every 25   steps{event e=acc( test )>=0.9;\n\n# d\n  event f ="
                               " acc(train) > 0.5 }\n";
    struct stm_buf out = {0};
    struct stm_diags *diags;
    ck_assert_int_eq(stm_protocol_format(&out, &diags, "t", text, sizeof text - 1, NULL),
                     STM_E_INVALID);
    ck_assert_uint_ge(diags->n, 1);
    stm_diags_free(diags);
    format(good, sizeof good - 1, &out);
    ck_assert_str_eq(stm_buf_text(&out), "lang 1\n"
                                         "param a = -(1 + 2) * 3\n"
                                         "param b = a - 1  #c\n"
                                         "\n"
                                         "every 25 steps {\n"
                                         "  event e = acc(test) >= 0.9\n"
                                         "\n"
                                         "  # d\n"
                                         "  event f = acc(train) > 0.5\n"
                                         "}\n");
    stm_buf_release(&out);
}
END_TEST

/* ---- random protocols ---- */

static uint64_t state;
static unsigned below(unsigned n)
{
    state += 0x9e3779b97f4a7c15u;
    uint64_t z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
    return (unsigned)(((z ^ (z >> 27)) >> 16) % n);
}

static void gap(struct stm_buf *b) { stm_buf_printf(b, "%*s", (int)below(3), ""); }

static void put_end(struct stm_buf *b)
{
    static const char *const ends[] = {"\n", "\n\n\n", ";", " # note\n", "\n# a line\n", ";;\n"};
    gap(b);
    stm_buf_printf(b, "%s", ends[below(6)]);
}

static void put_number(struct stm_buf *b, int depth)
{
    static const char *const atoms[] = {"2", "1.5", "a", "60k", "1e-1", "N0", "1_000", "0.25"};
    unsigned kind = depth > 3 ? 0 : below(6);
    if (kind < 2) {
        stm_buf_printf(b, "%s", atoms[below(8)]);
    } else if (kind < 5) {
        put_number(b, depth + 1);
        gap(b);
        stm_buf_printf(b, "%c", "+*/"[below(3)]);
        gap(b);
        put_number(b, depth + 1);
    } else {
        stm_buf_printf(b, "(%s", below(4) ? "" : "\n");
        put_number(b, depth + 1);
        stm_buf_printf(b, ")");
    }
}

static void put_arm(struct stm_buf *b, unsigned i)
{
    static const char *const targets[] = {"norm(weights)", "norm( E )", "norm(W1)"};
    stm_buf_printf(b, "arm x%u", i);
    bool sweep = below(3) == 0;
    if (sweep) stm_buf_printf(b, " sweep s in [1,%u , 3.5]", 4 + below(9));
    stm_buf_printf(b, "%s{%s", below(2) ? " " : "", below(2) ? "\n" : " ");
    stm_buf_printf(b, "hold %s=%u+%s", targets[below(3)], i, sweep ? "s*" : "");
    put_number(b, 0);
    if (below(3) == 0) stm_buf_printf(b, " from + %u steps", below(50));
    put_end(b); /* no two arms, and no two values of s, have the same plan */
    stm_buf_printf(b, "set temperature=%u%s", 2 + 100 * i, sweep ? "+ s" : "");
    if (below(2)) {
        put_end(b);
        stm_buf_printf(b, "set lr=1e-%u", 1 + below(4));
    }
    stm_buf_printf(b, "%s}", below(2) ? "\n" : "");
    put_end(b);
}

static void random_protocol(struct stm_buf *b)
{
    stm_buf_printf(b, "lang 1");
    put_end(b);
    stm_buf_printf(b, "import \"common/modadd.stemma\"\nparam a = %u", 1 + below(9));
    put_end(b);
    stm_buf_printf(b, "seeds 0..%u\nrun trunk=mlp on add with base{", 2 + below(9));
    stm_buf_printf(b, "%sfork post at step %u {", below(2) ? "\n" : "", below(900));
    put_end(b);
    stm_buf_printf(b, "capture N0=norm(weights)");
    put_end(b);
    stm_buf_printf(b, "stop at %s grok or + %uk steps", below(2) ? "each" : "any", 1 + below(60));
    put_end(b);
    stm_buf_printf(b, "arm same{hold norm(weights)=N0}; arm free {}");
    put_end(b);
    for (unsigned i = 0, n = below(5); i < n; i++) put_arm(b, i);
    stm_buf_printf(b, "}}\nlet delay=grok-fork");
    put_end(b);
    stm_buf_printf(b, "contrast c=same/free on median( delay )");
    put_end(b);
    stm_buf_printf(b, "expect c in[-1,%u]and not c < -%u", 1 + below(9), 2 + below(9));
    put_end(b);
}

START_TEST(random_files)
{
    state = test_seed("random_files", _i);
    for (int i = 0; i < 200; i++) {
        struct stm_buf text = {0};
        random_protocol(&text);
        formats_well(stm_buf_text(&text), text.n);
        stm_buf_release(&text);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("protocol format");
    TCase *t = tcase_create("format");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, examples);
    tcase_add_test(t, layout);
    tcase_add_loop_test(t, random_files, 0, test_seeds());
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
