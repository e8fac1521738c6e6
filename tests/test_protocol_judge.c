/* Which combinations of settings come to be in force, and so before the judge of the vocabulary:
 * that of protocol_vocab.h refuses a batch of more than 100 examples times data.train. */
#include <string.h>

#include "protocol_check.h"
#include "run_tests.h"

#define HEAD                                                                                       \
    "lang 1\nimport \"common/modadd.stemma\"\nseeds 0..3\n"                                        \
    "every 25 steps {\n event e1 = acc(train) > 0.5\n event e2 = acc(test) > 0.5\n}\n"

static struct checked file(const char *runs)
{
    struct stm_buf text = {0};
    stm_buf_printf(&text, HEAD "%s\n", runs);
    struct checked c = check_text(stm_buf_text(&text), text.n);
    stm_buf_release(&text);
    return c;
}

static struct checked arm(const char *at, const char *body)
{
    struct stm_buf text = {0};
    stm_buf_printf(&text,
                   "run r = mlp on add with base {\n stop at step 500\n fork f at %s {\n"
                   "  arm x { %s }\n }\n}\n",
                   at, body);
    struct checked c = file(stm_buf_text(&text));
    stm_buf_release(&text);
    return c;
}

#define KEEP(x, window)  "set data.train = fraction(" #x ") " window "; "
#define BATCH(x, window) "set batch = " #x " " window "; "

static const struct {
    const char *at, *body;
    bool refused;
} cases[] = {
    {"step 100", BATCH(100, ""), false},
    {"step 100", BATCH(101, ""), true},
    {"step 100", BATCH(60, "") KEEP(0.5, ""), true},
    {"step 100", BATCH(101, "from step 500"), false}, /* its end */
    {"step 100", BATCH(101, "from step 499"), true},
    {"step 100", BATCH(101, "from + 400 steps"), false},
    {"step 100", BATCH(60, "from step 200") KEEP(0.5, "until step 200"), false},
    {"step 100", BATCH(60, "from step 199") KEEP(0.5, "until step 200"), true},
    {"step 100", BATCH(60, "from each e1") KEEP(0.5, "until each e1"), false},
    {"step 100", BATCH(60, "from each e1") KEEP(0.5, "until each e2"), true},
    {"step 100", BATCH(60, "from each e1 after step 300") KEEP(0.5, "until step 300"), false},
    {"step 100", BATCH(60, "from each e1 after step 299") KEEP(0.5, "until step 300"), true},
    {"step 100", BATCH(60, "from each e1 after step 600") KEEP(0.5, ""), false},
    /* a hold acts on the result of an update, one earlier than a setting; not so at an event */
    {"step 100", "hold logit_scale = 3 from step 200; set logits = clip(2) until step 199", false},
    {"step 100", "hold logit_scale = 3 from step 200; set logits = clip(2) until step 200", true},
    {"step 100", "hold logit_scale = 3 from each e1; set logits = clip(2) until each e1", false},
    {"each e1", BATCH(60, "") KEEP(0.5, "from step 499"), true},
    {"each e1", BATCH(60, "") KEEP(0.5, "from step 500"), true}, /* the start of a late one */
    {"each e1", BATCH(60, "") KEEP(0.5, "from step 501"), false},
    {"each e1", BATCH(60, "until step 100") KEEP(0.5, "from step 100"), false},
    {"each e1 after step 300", BATCH(60, "until step 301") KEEP(0.5, ""), true},
    {"each e1", BATCH(60, "until + 100 steps") KEEP(0.5, "from + 100 steps"), false},
    {"each e1", BATCH(60, "until + 101 steps") KEEP(0.5, "from + 100 steps"), true},
};

START_TEST(windows)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct checked c = arm(cases[i].at, cases[i].body);
        bool refused = c.diags->n == 1 && strcmp(c.diags->d[0].code, "E0305") == 0;
        ck_assert_msg(refused == cases[i].refused && (refused || c.plan), "at %s: %s: %s",
                      cases[i].at, cases[i].body, first_message(&c));
        checked_free(&c);
    }
}
END_TEST

/* Inherited settings count, released holds do not, and what an ancestor is refused for is said
 * there only. */
START_TEST(inherited)
{
#define NEST(outer, inner)                                                                         \
    "run r = mlp on add with base {\n stop at step 500\n fork f at step 100 {\n  arm x { " outer   \
    "\n   fork g at step 200 { arm y { " inner " } }\n  }\n }\n}\n"
    static const struct {
        const char *text;
        unsigned line; /* 0: fine */
    } nests[] = {
        {NEST("set batch = 60", "set data.train = fraction(0.5)"), 12},
        {NEST("set batch = 60", "set data.train = fraction(0.5); set batch = 50"), 0},
        {NEST("set batch = 60 until step 200", "set data.train = fraction(0.5)"), 0},
        {NEST("set batch = 120", "set data.train = fraction(0.5)"), 11},
        {NEST("hold logit_scale = 2", "set logits = clip(2)"), 12},
        {NEST("hold logit_scale = 2", "release logit_scale; set logits = clip(2)"), 0},
    };
    for (size_t i = 0; i < sizeof nests / sizeof *nests; i++) {
        struct checked c = file(nests[i].text);
        ck_assert_msg(c.diags->n == (nests[i].line != 0), "%zu: %s", i, first_message(&c));
        if (nests[i].line) ck_assert_uint_eq(c.diags->d[0].span.line, nests[i].line);
        checked_free(&c);
    }
}
END_TEST

/* A run is trained up to its last fork. */
START_TEST(run_with_forks)
{
    struct checked c =
        file("run r = mlp on add with base {\n set batch = 200 from step 100\n"
             " stop at step 500\n fork f at step 100 { arm x { set batch = 5 } }\n}\n");
    ck_assert_msg(c.plan != NULL, "%s", first_message(&c));
    checked_free(&c);
    c = file("run r = mlp on add with base {\n set batch = 200 from step 99\n stop at step 500\n"
             " fork f at step 100 { arm x { set batch = 5 } }\n}\n");
    ck_assert_uint_eq(c.diags->n, 1);
    ck_assert_str_eq(c.diags->d[0].msg,
                     "run `r` cannot be trained: batch = 200 is more than the 100 training pairs");
    ck_assert_str_eq(c.diags->d[0].notes[0].text, "so it is from step 99 on");
    checked_free(&c);
}
END_TEST

/* What is known only when it runs is taken as valid. */
START_TEST(unknown_values)
{
    struct checked c = file("run r = mlp on add with base {\n stop at step 500\n"
                            " fork f at step 100 {\n  arm x {}\n"
                            "  calibrate part = median(x.acc(test) @ stop) need all seeds\n"
                            "  arm y { set data.train = part; set batch = 90 }\n }\n}\n");
    ck_assert_msg(c.plan != NULL, "%s", first_message(&c));
    checked_free(&c);
}
END_TEST

RUN_TESTS("protocol judge", windows, inherited, run_with_forks, unknown_values)
