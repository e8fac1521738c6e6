/* Tasks: their pairs and labels against arithmetic written otherwise. */
#include "engine_fixture.h"

/* The label y solves the task's equation for every pair of the set, and the pairs are distinct. */
static void check(const char *name, uint32_t p, uint32_t pairs,
                  bool (*holds)(uint32_t, uint32_t, uint32_t, uint32_t))
{
    char more[80];
    snprintf(more, sizeof more, "task = %s\ntask.p = %u\ntask.train = 0.5\n", name, p);
    struct stm_trainer *t = trainer_of(TINY, more, 3);
    ck_assert_uint_eq(t->net.task.pairs, pairs);
    ck_assert_uint_eq(t->train, pairs / 2);
    bool seen[4096] = {false};
    for (uint32_t i = 0; i < pairs; i++) {
        uint32_t a = t->pairs[i] / p, b = t->pairs[i] % p, y = t->label[i];
        ck_assert(a < p && y < p && !seen[t->pairs[i]]);
        seen[t->pairs[i]] = true;
        ck_assert_msg(holds(a, b, y, p), "%s: %u, %u -> %u mod %u", name, a, b, y, p);
    }
    for (int i = 0; i < 3; i++) stm_trainer_step(t, false);
    ck_assert(!stm_trainer_diverged(t));
    stm_trainer_free(t);
}

static bool add(uint32_t a, uint32_t b, uint32_t y, uint32_t p) { return (a + b) % p == y; }
static bool sub(uint32_t a, uint32_t b, uint32_t y, uint32_t p) { return (y + b) % p == a; }
static bool mul(uint32_t a, uint32_t b, uint32_t y, uint32_t p) { return (a * b - y) % p == 0; }
static bool quot(uint32_t a, uint32_t b, uint32_t y, uint32_t p) { return b && y * b % p == a; }

START_TEST(labels)
{
    open_engine();
    static const uint32_t primes[] = {2, 3, 7, 59};
    for (size_t i = 0; i < 4; i++) {
        uint32_t p = primes[i];
        check("modular_add", p, p * p, add);
        check("modular_sub", p, p * p, sub);
        check("modular_mul", p, p * p, mul);
        check("modular_div", p, p * (p - 1), quot);
    }
    check("modular_mul", 12, 144, mul);
}
END_TEST

START_TEST(division_needs_a_prime)
{
    struct stm_err err = {0};
    struct stm_trainer *t = NULL;
    struct stm_settings *s =
        settings_of(TINY, "task = modular_div\ntask.p = 91\ntask.train = 0.5\n");
    ck_assert_int_eq(stm_trainer_new(&t, s, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "modular_div needs a prime p; 91 is 7 * 13");
    stm_settings_free(s);
}
END_TEST

/* ---- sparse parity ---- */

#define PARITY(bits, relevant, samples)                                                            \
    "task = sparse_parity\ntask.bits = " #bits "\ntask.relevant = " #relevant                      \
    "\ntask.samples = " #samples "\ntask.train = 0.5\n"
#define RELU "model = mlp\nmodel.layers = 1\nmodel.hidden = 24\nmodel.act = relu\n"

/* The label is the sign of the product, as the rows say; points depend on their number alone. */
START_TEST(parity_of_the_first_bits)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, PARITY(40, 3, 2000) RELU, 3),
                       *u = trainer_of(TINY, PARITY(70, 35, 500) RELU, 8);
    ck_assert_uint_eq(t->net.task.pairs, 2000);
    ck_assert_uint_eq(t->train, 1000);
    double x[70], y[70], ones = 0, minus[40] = {0};
    for (uint32_t i = 0; i < 2000; i++) {
        t->net.task_type->input(t->net.task_arg, t->pairs[i], x);
        for (int j = 0; j < 40; j++) {
            ck_assert(x[j] == 1 || x[j] == -1);
            minus[j] += x[j] < 0;
        }
        ck_assert_uint_eq(t->label[i], x[0] * x[1] * x[2] < 0);
        ones += t->label[i];
    }
    /* Fair coins, 2000 of each: standard deviation 22. */
    ck_assert(ones > 880 && ones < 1120);
    for (int j = 0; j < 40; j++) ck_assert(minus[j] > 880 && minus[j] < 1120);
    for (uint32_t i = 0; i < 500; i++) {
        double product = 1;
        u->net.task_type->input(u->net.task_arg, u->pairs[i], y);
        for (int j = 0; j < 35; j++) product *= y[j];
        ck_assert_uint_eq(u->label[i], product < 0);
        t->net.task_type->input(t->net.task_arg, u->pairs[i], x);
        ck_assert_mem_eq(x, y, 40 * sizeof *x);
    }
    stm_trainer_free(t), stm_trainer_free(u);
}
END_TEST

/* By another implementation of the generator: the first points of the universe, bit j of the number
 * being x[j] < 0. */
START_TEST(the_universe_stays)
{
    open_engine();
    static const uint32_t first[4] = {0x2a497e61, 0x95c57075, 0xe00bbf67, 0xe453d2ca};
    struct stm_trainer *t = trainer_of(TINY, PARITY(32, 3, 4) RELU, 0);
    for (uint32_t i = 0; i < 4; i++) {
        double x[32];
        uint32_t bits = 0;
        t->net.task_type->input(t->net.task_arg, i, x);
        for (int j = 0; j < 32; j++) bits |= (uint32_t)(x[j] < 0) << j;
        ck_assert_msg(bits == first[i], "point %u: 0x%08x", i, bits);
    }
    stm_trainer_free(t);
}
END_TEST

START_TEST(parity_is_split_by_the_seed)
{
    open_engine();
    struct stm_trainer *a = trainer_of(TINY, PARITY(12, 2, 60) RELU, 1),
                       *b = trainer_of(TINY, PARITY(12, 2, 60) RELU, 2),
                       *batch = trainer_of(TINY, PARITY(12, 2, 60) RELU "batch = 7\n", 1);
    ck_assert_mem_ne(a->pairs, b->pairs, 30 * sizeof *a->pairs);
    for (int i = 1; i < 30; i++) ck_assert(a->pairs[i - 1] < a->pairs[i]);
    ck_assert_mem_eq(a->order, batch->order, 60 * sizeof *a->order);
    stm_trainer_step(batch, false);
    for (int i = 0; i < 7; i++) {
        double x[12];
        batch->net.task_type->input(batch->net.task_arg, batch->batch_pairs[i], x);
        ck_assert_uint_eq(batch->batch_label[i], x[0] * x[1] < 0);
    }
    stm_trainer_free(a), stm_trainer_free(b), stm_trainer_free(batch);
}
END_TEST

START_TEST(parity_is_learned)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, PARITY(8, 2, 400) RELU, 5);
    ck_assert_double_lt(measure(t, "acc(test)"), 0.8);
    int steps = 0;
    while (steps < 2000 && measure(t, "acc(test)") < 1) {
        for (int i = 0; i < 50; i++) stm_trainer_step(t, false);
        steps += 50;
    }
    printf("parity: %d steps\n", steps);
    ck_assert_double_eq(measure(t, "acc(test)"), 1);
    ck_assert_double_eq(measure(t, "acc(all)"), 1);
    stm_trainer_free(t);
}
END_TEST

/* A saved state goes on to the same bits. */
START_TEST(parity_goes_on_from_a_state)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, PARITY(8, 2, 60) RELU "batch = 16\n", 5),
                       *u = trainer_of(TINY, PARITY(8, 2, 60) RELU "batch = 16\n", 6);
    struct stm_state s;
    struct stm_err err = {0};
    for (int i = 0; i < 20; i++) stm_trainer_step(t, false);
    stm_trainer_view(t, &s);
    ck_assert_msg(stm_trainer_load(u, &s, &err) == 0, "%s", err.msg);
    for (int i = 0; i < 20; i++) stm_trainer_step(t, false), stm_trainer_step(u, false);
    assert_same_state(t, u);
    stm_trainer_free(t), stm_trainer_free(u);
}
END_TEST

START_TEST(parity_is_refused)
{
    static const char *const bad[][2] = {
        {PARITY(8, 9, 60) RELU, "sparse_parity has 8 bits, not 9 that are relevant"},
        {PARITY(8, 2, 60), "the model `embed_mlp` does not take the examples of `sparse_parity`"},
        {PARITY(8, 2, 60) RELU "batch = 31\n", "batch = 31 is more than the 30 training points"},
        {PARITY(8, 2, 60) RELU "data.train = 0.01\n",
         "the training fraction leaves no training point of 60"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct stm_err err = {0};
        struct stm_trainer *t = NULL;
        struct stm_settings *s = settings_of(TINY, bad[i][0]);
        ck_assert_int_eq(stm_trainer_new(&t, s, &err), STM_E_INVALID);
        ck_assert_str_eq(err.msg, bad[i][1]);
        stm_settings_free(s);
    }
}
END_TEST

RUN_TESTS("engine task", labels, division_needs_a_prime, parity_of_the_first_bits,
          the_universe_stays, parity_is_split_by_the_seed, parity_is_learned,
          parity_goes_on_from_a_state, parity_is_refused)
