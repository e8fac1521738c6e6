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

RUN_TESTS("engine task", labels, division_needs_a_prime)
