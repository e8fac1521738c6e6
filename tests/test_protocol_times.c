/* What can be known of times before a step is taken: windows that never open, forks that are never
 * reached, stops that come too early; and which arms have one plan. */
#include <string.h>

#include "protocol_check.h"
#include "run_tests.h"

#define HEAD                                                                                       \
    "lang 1\nimport \"common/modadd.stemma\"\nseeds 0..3\n"                                        \
    "every 25 steps {\n event e1 = acc(train) > 0.5\n event e2 = acc(test) > 0.5\n}\n"

static struct checked file(const char *fmt, const char *a, const char *b)
{
    struct stm_buf text = {0};
    stm_buf_printf(&text, HEAD);
    for (const char *s = fmt; *s; s++)
        if (*s == '$')
            stm_buf_printf(&text, "%s", a), a = b;
        else
            stm_buf_u8(&text, (uint8_t)*s);
    stm_buf_u8(&text, '\n');
    struct checked c = check_text(stm_buf_text(&text), text.n);
    stm_buf_release(&text);
    return c;
}

/* `code` is the only error, or there is none. */
static void expect(struct checked c, const char *code, const char *what)
{
    if (!code)
        ck_assert_msg(c.plan != NULL, "%s: %s", what, first_message(&c));
    else
        ck_assert_msg(c.diags->n == 1 && !strcmp(c.diags->d[0].code, code), "%s: %u, %s", what,
                      c.diags->n, first_message(&c));
    checked_free(&c);
}

START_TEST(windows)
{
    static const struct {
        const char *at, *action;
        bool empty;
    } cases[] = {
        {"step 100", "set lr = 1 from step 200 until step 200", true},
        {"step 100", "set lr = 1 from step 200 until step 201", false},
        {"step 100", "set lr = 1 until step 100", true},
        {"step 100", "set lr = 1 until step 101", false},
        {"step 100", "set lr = 1 until + 0 steps", true},
        {"step 100", "set lr = 1 until step 50", true},
        {"step 100", "hold norm(E) = 1 from step 200 until step 200", true},
        {"step 100", "hold norm(E) = 1 from step 200 until step 201", false},
        {"step 100", "hold norm(E) = 1 until step 101", true},
        {"step 100", "hold norm(E) = 1 until step 102", false},
        {"step 100", "hold norm(E) = 1 from step 100 until step 101", true},
        {"step 100", "freeze E until step 101", false},
        {"step 100", "set lr = 1 from each e1 until each e1", true},
        {"step 100", "set lr = 1 from each e1 after step 300 until each e1", true},
        {"step 100", "set lr = 1 from each e1 until each e1 after step 300", false},
        {"step 100", "set lr = 1 from each e1 until each e2", false},
        {"step 100", "set lr = 1 from each e1 after step 300 until step 300", true},
        {"step 100", "set lr = 1 from each e1 after step 300 until step 301", false},
        {"step 100", "set lr = 1 from each e1 until step 101", false},
        {"step 100", "set lr = 1 until each e1", false},
        {"each e1", "set lr = 1 until step 25", false},
        {"each e1 after step 300", "set lr = 1 until step 300", true},
        {"each e1 after step 300", "set lr = 1 from step 310 until + 5 steps", false},
        {"each e1 after step 300", "set lr = 1 from + 5 steps until step 305", true},
        {"each e1 after step 300", "set lr = 1 from + 5 steps until + 5 steps", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(file("run r = mlp on add with base { fork f at $ {\n stop at step 500\n"
                    " arm x { $ } } ; stop at step 600 }",
                    cases[i].at, cases[i].action),
               cases[i].empty ? "E0407" : NULL, cases[i].action);
}
END_TEST

START_TEST(forks)
{
    static const struct {
        const char *stop, *at;
        bool never;
    } cases[] = {
        {"step 300", "step 301", true},
        {"step 300", "step 300", false},
        {"each e1 or step 300", "step 301", true},
        {"each e1 or step 300 or step 200", "step 201", true},
        {"all e1 or step 300", "each e1 after step 301", true},
        {"step 300", "each e1 after step 300", false},
        {"step 300", "any e1", false},
        {"step 300", "+ 301 steps", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *code = cases[i].never ? "E0407" : NULL;
        expect(file("run r = mlp on add with base { stop at $\n fork f at $ {\n"
                    " stop at step 900\n arm x {} } }",
                    cases[i].stop, cases[i].at),
               code, cases[i].at);
        expect(file("run r = mlp on add with base { fork g at step 0 { arm y { stop at $\n"
                    " fork f at $ {\n stop at step 900\n arm x {} } } } }",
                    cases[i].stop, cases[i].at),
               code, cases[i].at);
    }
}
END_TEST

START_TEST(stops)
{
    static const struct {
        const char *at, *stop;
        bool early;
    } cases[] = {
        {"step 300", "step 300", true},
        {"step 300", "step 299 or each e1", true},
        {"step 300", "step 301", false},
        {"step 300", "+ 0 steps", true},
        {"each e1 after step 300", "step 300", true},
        {"each e1 after step 300", "step 301", false},
        {"each e1 after step 300", "+ 1 steps", false},
        {"each e1", "step 25", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *code = cases[i].early ? "E0407" : NULL;
        expect(file("run r = mlp on add with base { stop at step 600\n fork f at $ {\n"
                    " stop at $\n arm x {} } }",
                    cases[i].at, cases[i].stop),
               code, cases[i].stop);
        expect(file("run r = mlp on add with base { stop at step 600\n fork f at $ {\n"
                    " arm x { stop at $ } } }",
                    cases[i].at, cases[i].stop),
               code, cases[i].stop);
    }
}
END_TEST

START_TEST(twins)
{
    static const struct {
        const char *x, *y;
        bool one;
    } cases[] = {
        {"set lr = 1e-2", "set lr = 0.01", true},
        {"set lr = 1e-2; set batch = 8", "set batch = 8; set lr = 1e-2", true},
        /* edits, then the holds in force: the same states, however the hold came to be */
        {"once weights *= 2", "release norm(weights); hold norm(weights) <= 8; once weights *= 2",
         true},
        {"once weights *= 2", "once weights *= 2; release norm(weights); hold norm(weights) <= 8",
         true},
        /* a hold of its own is applied to the state of the fork, an inherited one is not */
        {"set lr = 1", "set lr = 1; release norm(weights); hold norm(weights) <= 8", false},
        {"set lr = 1; release norm(weights); hold norm(weights) <= 8",
         "set lr = 1; release norm(weights); hold norm(weights) <= 8 from step 101", false},
        /* edits and holds act in their order */
        {"once E *= 2; once weights += 1", "once weights += 1; once E *= 2", false},
        {"release norm(weights); hold norm(E) = 1; hold share(W1, W2) = (0.5, 0.5)",
         "release norm(weights); hold share(W1, W2) = (0.5, 0.5); hold norm(E) = 1", false},
        {"require any e1; set lr = 1", "require no e1; set lr = 1", false},
        {"set lr = 1; stop at step 300", "set lr = 1", false},
        {"{}", "{}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool empty = cases[i].x[0] == '{';
        expect(
            file("run r = mlp on add with base { hold norm(weights) <= 8\n fork f at step 100 {\n"
                 " stop at step 500\n arm x { $ }\n arm y { $ } } }",
                 empty ? "" : cases[i].x, empty ? "" : cases[i].y),
            cases[i].one ? "E0408" : NULL, cases[i].y);
    }
}
END_TEST

/* An event or metric names what stands before it. */
START_TEST(order_of_events)
{
    static const struct {
        const char *lines, *code;
    } cases[] = {
        {"event a = acc(test) > 0.5; event b = a and acc(train) > 0.5", NULL},
        {"event a = acc(test) > 0.5; event b = not a; event c = a or b", NULL},
        {"event b = a and acc(train) > 0.5; event a = acc(test) > 0.5", "E0202"},
        {"event a = a or acc(test) > 0.5", "E0202"},
        {"metric m = 2 * acc(test); event a = m > 1; metric n = m - acc(train)", NULL},
        {"event a = m > 1; metric m = 2 * acc(test)", "E0202"},
        {"metric m = 2 * m", "E0202"},
        {"event a = acc(test) > 0.5; metric m = a", "E0301"},
        {"event a = acc(test) > 0.5; metric m = a + 1", "E0301"},
        {"event a = acc(test) > 0.5; event b = a > 1", "E0301"},
        {"event a = acc(test) > 0.5; event b = a", "E0301"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(file("every 25 steps { $ }", cases[i].lines, ""), cases[i].code, cases[i].lines);
}
END_TEST

RUN_TESTS("protocol times", windows, forks, stops, twins, order_of_events)
