/* Addresses: what may be left out, what is refused and with which words. */
#include "run_help.h"

static struct bench b;
static struct stm_run_outcome outcome;

static void setup(void)
{
    bench_make(&b);
    bench_train(&b, &outcome);
}

static void teardown(void) { bench_remove(&b); }

static const struct {
    const char *text, *path;
    int seed;
    bool has_at;
    enum stm_when when;
    uint64_t step;
} good[] = {
    {"trunk", "trunk", -1, false, STM_AT_STEP, 0},
    {"free", "trunk/post/free", -1, false, STM_AT_STEP, 0},
    {"post/free", "trunk/post/free", -1, false, STM_AT_STEP, 0},
    {"trunk/free", "trunk/post/free", -1, false, STM_AT_STEP, 0},
    {"trunk/post/free#1", "trunk/post/free", 1, false, STM_AT_STEP, 0},
    {"free#0@35", "trunk/post/free", 0, true, STM_AT_STEP, 35},
    {"free@35", "trunk/post/free", -1, true, STM_AT_STEP, 35},
    {"free#1@fork", "trunk/post/free", 1, true, STM_AT_FORK, 20},
    {"free#1@start", "trunk/post/free", 1, true, STM_AT_START, 20},
    {"free#1@stop", "trunk/post/free", 1, true, STM_AT_STOP, 60},
    {"trunk#1@stop", "trunk", 1, true, STM_AT_STOP, 20},
    {"held[tau=1.3]#0", "trunk/post/held[tau=1.3]", 0, false, STM_AT_STEP, 0},
    {"held[tau=1.30]", "trunk/post/held[tau=1.3]", -1, false, STM_AT_STEP, 0},
    {"held[ tau = 0.9 ]#1@40", "trunk/post/held[tau=0.9]", 1, true, STM_AT_STEP, 40},
};

START_TEST(found)
{
    struct stm_address a;
    struct stm_err e = {0};
    ck_ok(stm_address_find(b.view, good[_i].text, &a, &e), &e);
    ck_assert_str_eq(b.plan->nodes[a.node].path, good[_i].path);
    ck_assert_int_eq(a.seed, good[_i].seed);
    ck_assert_int_eq(a.has_at, good[_i].has_at);
    if (!a.has_at) return;
    ck_assert_int_eq(a.at.when, good[_i].when);
    ck_assert_double_eq(a.at.step, (double)good[_i].step);
}
END_TEST

static const struct {
    const char *text;
    int code;
    const char *says;
    bool node; /* the path names an arm */
} bad[] = {
    {"", STM_E_NOTFOUND, "no arm or run ``", false},
    {"nosuch", STM_E_NOTFOUND, "no arm or run `nosuch`; there are: trunk, trunk/post/free", false},
    {"held", STM_E_USAGE, "`held` is ambiguous: trunk/post/held[tau=0.9], trunk/post/held[tau=1.3]",
     true},
    {"held[tau=2]", STM_E_NOTFOUND, "no arm or run `held[tau=2]`", false},
    {"held[rho=1.3]", STM_E_NOTFOUND, "no arm or run", false},
    {"held[tau=1.3", STM_E_NOTFOUND, "no arm or run", false},
    {"free[x", STM_E_NOTFOUND, "no arm or run `free[x`", false},
    {"free/trunk", STM_E_NOTFOUND, "no arm or run", false},
    {"free#2", STM_E_NOTFOUND, "seed 2 is not among 0..1", true},
    {"free#", STM_E_USAGE, "`#` is not a seed", true},
    {"free#x", STM_E_USAGE, "`#x` is not a seed", true},
    {"free#-1", STM_E_NOTFOUND, "seed -1 is not among", true},
    {"free#99999999999999999999", STM_E_USAGE, "is not a seed", true},
    {"free#0@", STM_E_USAGE, "`@` is not a step", true},
    {"free#0@x", STM_E_USAGE, "`@x` is not a step", true},
    {"free#0@1x", STM_E_USAGE, "`@1x` is not a step", true},
    {"free#0@-5", STM_E_USAGE, "`@-5` is not a step", true},
    {"free@fork", STM_E_USAGE, "`@fork` differs from seed to seed: add #SEED", true},
    {"free@learned", STM_E_USAGE, "differs from seed to seed", true},
};

START_TEST(refused)
{
    struct stm_address a;
    struct stm_err e = {0};
    int rc = stm_address_find(b.view, bad[_i].text, &a, &e);
    ck_assert_msg(rc == bad[_i].code, "`%s`: %d: %s", bad[_i].text, rc, e.msg);
    ck_assert_msg(strstr(e.msg, bad[_i].says) != NULL, "`%s`: %s", bad[_i].text, e.msg);
    ck_assert_int_eq(a.node >= 0, bad[_i].node);
}
END_TEST

/* Long and odd words are refused, not read past their end. */
START_TEST(long_words)
{
    char word[2000], text[5000];
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = 0;
    for (int form = 0; form < 7; form++)
        for (const char *fill = "a1/[]=,#@"; *fill; fill++) {
            struct stm_address a;
            struct stm_err e = {0};
            memset(word, *fill, sizeof word - 1);
            switch (form) {
            case 0: snprintf(text, sizeof text, "%s", word); break;
            case 1: snprintf(text, sizeof text, "%s#0", word); break;
            case 2: snprintf(text, sizeof text, "free#%s", word); break;
            case 3: snprintf(text, sizeof text, "free#0@%s", word); break;
            case 4: snprintf(text, sizeof text, "held[%s]", word); break;
            case 5: snprintf(text, sizeof text, "held[tau=%s]", word); break;
            default: snprintf(text, sizeof text, "%s/%s", word, word); break;
            }
            ck_assert_int_lt(stm_address_find(b.view, text, &a, &e), 0);
            ck_assert(e.msg[0] && strlen(e.msg) < sizeof e.msg);
        }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("run/address");
    TCase *t = tcase_create("address");
    tcase_add_unchecked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, found, 0, sizeof good / sizeof *good);
    tcase_add_loop_test(t, refused, 0, sizeof bad / sizeof *bad);
    tcase_add_test(t, long_words);
    suite_add_tcase(s, t);
    return run_suite(s);
}
