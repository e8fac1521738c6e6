/* The judge of the vocabulary says what a trainer would say, and what is at fault. */
#include <math.h>

#include "engine_fixture.h"

enum { LIST_MAX = 40 };
struct list {
    struct stm_in_force f[LIST_MAX];
    double num[LIST_MAX];
    size_t n;
};

static void add(struct list *l, enum stm_force kind, const char *key, const char *sym, double num)
{
    l->num[l->n] = num;
    l->f[l->n] = (struct stm_in_force){kind, key, sym, sym ? NULL : &l->num[l->n], sym ? 0 : 1};
    l->n++;
}
static void word(struct list *l, const char *key, const char *sym)
{
    add(l, STM_FORCE_SET, key, sym, 0);
}
static void num(struct list *l, const char *key, double v) { add(l, STM_FORCE_SET, key, NULL, v); }

static void pairs(struct list *l, const char *task, double p, double train)
{
    l->n = 0;
    word(l, "task", task);
    num(l, "task.p", p);
    num(l, "task.train", train);
    word(l, "model", "mlp");
    num(l, "model.layers", 2);
    num(l, "model.hidden", 8);
    word(l, "optimizer", "adamw");
    num(l, "lr", 0.01);
}

static void refused(const struct list *l, const char *says, size_t at)
{
    struct stm_fault fault;
    ck_assert_int_eq(stm_engine_vocab()->judge(l->f, l->n, &fault), STM_E_INVALID);
    ck_assert_str_eq(fault.msg, says);
    ck_assert_uint_eq(fault.at, at);
}
static void taken(const struct list *l)
{
    struct stm_fault fault;
    int rc = stm_engine_vocab()->judge(l->f, l->n, &fault);
    ck_assert_msg(rc == 0, "%s", fault.msg);
}

START_TEST(sizes)
{
    struct list l;
    pairs(&l, "modular_add", 13, 0.5);
    taken(&l);
    num(&l, "batch", 84);
    taken(&l);
    num(&l, "batch", 85);
    refused(&l, "batch = 85 is more than the 84 training pairs", l.n - 1);
    l.n -= 1;
    num(&l, "data.train", 0.5);
    num(&l, "lr", 0.1);
    refused(&l, "batch = 84 is more than the 42 training pairs", l.n - 2);
    pairs(&l, "modular_add", 13, 0.001);
    refused(&l, "the training fraction leaves no training pair of 169", 2);
    pairs(&l, "modular_add", 13, 0.5);
    num(&l, "data.train", 0.001);
    refused(&l, "the training fraction leaves no training pair of 169", l.n - 1);
    pairs(&l, "modular_div", 12, 0.5);
    refused(&l, "modular_div needs a prime p; 12 is 2 * 6", 1);
    pairs(&l, "modular_div", 13, 0.5);
    taken(&l);
}
END_TEST

START_TEST(points)
{
    struct list l;
    pairs(&l, "sparse_parity", 0, 0);
    l.f[1].key = "task.bits", l.num[1] = 8;
    l.f[2].key = "task.samples", l.num[2] = 100;
    num(&l, "task.relevant", 9);
    num(&l, "task.train", 0.9);
    refused(&l, "sparse_parity has 8 bits, not 9 that are relevant", l.n - 2);
    l.num[l.n - 2] = 8;
    taken(&l);
    word(&l, "model", "embed_mlp");
    num(&l, "model.embed", 4);
    num(&l, "model.hidden", 4);
    refused(&l, "the model `embed_mlp` does not take the examples of `sparse_parity`", l.n - 3);
}
END_TEST

START_TEST(groups)
{
    struct list l;
    pairs(&l, "modular_add", 13, 0.5);
    size_t n = l.n;
    add(&l, STM_FORCE_FREEZE, "W4", NULL, 0);
    refused(&l, "the model has no group `W4` with these arguments", n);
    l.n = n;
    add(&l, STM_FORCE_HOLD, "norm(W4)", NULL, 2);
    refused(&l, "the model has no group `W4` with these arguments", n);
    l.n = n;
    num(&l, "lr.W4", 0.1);
    refused(&l, "the model has no group `W4` with these arguments", n);
    l.n = n;
    num(&l, "lr.E", 0.1);
    refused(&l, "the model has no group `E`", n);
    l.n = n;
    add(&l, STM_FORCE_ONCE, "norm(W4)", NULL, 0);
    refused(&l, "the model has no group `W4` with these arguments", n);
    l.f[n].key = "moments";
    taken(&l);
    add(&l, STM_FORCE_HOLD, "norm(weights)", NULL, 2);
    add(&l, STM_FORCE_FREEZE, "W1", NULL, 0);
    num(&l, "lr", 1);
    refused(&l, "hold norm(weights) would move a tensor that `freeze W1` keeps", l.n - 2);
}
END_TEST

START_TEST(words)
{
    struct list l;
    pairs(&l, "modular_add", 13, 0.5);
    word(&l, "logits", "clip");
    refused(&l, "logits = clip needs `logits.clip.c`", l.n - 1);
    num(&l, "logits.clip.c", 5);
    taken(&l);
    add(&l, STM_FORCE_HOLD, "logit_scale", NULL, 5);
    refused(&l, "hold logit_scale moves the temperature and needs logits = plain", l.n - 1);
    word(&l, "logits", "plain");
    taken(&l);
    num(&l, "temperature", 0);
    refused(&l, "temperature = 0 is outside (0, 1e+06]", l.n - 1);
}
END_TEST

/* NaN: known only when it runs. */
START_TEST(unknown_is_valid)
{
    static const char *const keys[] = {"lr",           "temperature",  "data.train",
                                       "weight_decay", "output_scale", "lr.W1"};
    struct list l;
    pairs(&l, "modular_add", 13, 0.5);
    num(&l, "batch", 84);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) num(&l, keys[i], NAN);
    add(&l, STM_FORCE_HOLD, "norm(W1)", NULL, NAN);
    add(&l, STM_FORCE_HOLD_LE, "norm(W2)", NULL, NAN);
    taken(&l);
    l.num[l.n - 1] = -1;
    refused(&l, "hold norm(W2) = -1: it must be above 0 and finite", l.n - 1);
}
END_TEST

/* The same as making settings and a trainer of them, for lists in which much is wrong. */
START_TEST(says_what_a_trainer_says)
{
    static const char *const tasks[] = {"modular_add", "modular_div", "modular_mul"};
    static const char *const some[] = {"W1", "W3", "W4", "b1", "weights", "biases", "E"};
    static const char *const logits[] = {"plain", "clip"};
    unsigned seen[2] = {0};
    srand(7);
    for (int i = 0; i < 2000; i++) {
        struct list l;
        pairs(&l, tasks[rand() % 3], 5 + rand() % 8, rand() % 3 ? 0.5 : 0.01);
        char hold[40];
        const char *group = some[rand() % 7];
        snprintf(hold, sizeof hold, "norm(%s)", group);
        if (rand() % 2) num(&l, "batch", 1 + rand() % 40);
        if (rand() % 3 == 0) num(&l, "data.train", (1 + rand() % 20) / 20.0);
        if (rand() % 2) word(&l, "logits", logits[rand() % 2]);
        if (rand() % 2) num(&l, "logits.clip.c", rand() % 9);
        size_t keys = l.n;
        if (rand() % 3 == 0) add(&l, STM_FORCE_HOLD, hold, NULL, rand() % 9);
        if (rand() % 4 == 0) add(&l, STM_FORCE_HOLD, "logit_scale", NULL, 3);
        if (rand() % 4 == 0) add(&l, STM_FORCE_FREEZE, some[rand() % 7], NULL, 0);
        struct stm_settings *s = NULL;
        struct stm_trainer *t = NULL;
        struct stm_err err = {0};
        int rc = stm_settings_new(&s, &err);
        for (size_t k = 0; !rc && k < l.n; k++)
            rc = k < keys ? l.f[k].sym ? stm_settings_sym(s, l.f[k].key, l.f[k].sym, &err)
                                       : stm_settings_num(s, l.f[k].key, l.num[k], &err)
                 : l.f[k].kind == STM_FORCE_HOLD
                     ? stm_settings_hold(s, l.f[k].key, STM_HOLD_EQ, &l.num[k], 1, &err)
                     : stm_settings_freeze(s, l.f[k].key, &err);
        if (!rc) rc = stm_trainer_new(&t, s, &err);
        struct stm_fault fault = {{0}, 0};
        ck_assert_int_eq(stm_engine_vocab()->judge(l.f, l.n, &fault), rc);
        if (rc) {
            ck_assert_str_eq(fault.msg, err.msg);
            ck_assert_uint_lt(fault.at, l.n);
        }
        seen[rc != 0]++;
        stm_trainer_free(t);
        stm_settings_free(s);
    }
    ck_assert_uint_gt(seen[0], 200);
    ck_assert_uint_gt(seen[1], 200);
}
END_TEST

static void setup(void) { open_engine(); }

int main(void)
{
    const TTest *const before[] = {sizes, points, groups, words, unknown_is_valid};
    Suite *suite = suite_create("engine judge");
    TCase *closed = tcase_create("no open engine"), *open = tcase_create("beside trainers");
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) tcase_add_test(closed, before[i]);
    tcase_add_checked_fixture(open, setup, NULL);
    tcase_add_test(open, says_what_a_trainer_says);
    suite_add_tcase(suite, closed);
    suite_add_tcase(suite, open);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
