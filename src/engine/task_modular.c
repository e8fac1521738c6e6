/* Modular arithmetic: pairs (a, b) of residues mod p, the label is a residue (paper, setting). */
#include "engine/lists.h"

#include "base/fail.h"

enum { P, TRAIN };

static const struct stm_param params[] = {
    [P] = {.name = "p", .kind = STM_K_INT, .min = 2, .max = 1024, .doc = "the modulus"},
    [TRAIN] = {.name = "train",
               .kind = STM_K_NUM,
               .min = 0,
               .max = 1,
               .open_min = true,
               .doc = "fraction of the n pairs in the training set: the first int(train*n)"},
};

/* The size of the training set is truncated, as int() does, not rounded (paper, trap 3). */
static void shape(const double *arg, struct stm_task_shape *out)
{
    uint32_t p = (uint32_t)arg[P];
    *out = (struct stm_task_shape){.tokens = p,
                                   .classes = p,
                                   .pairs = p * p,
                                   .train = (uint32_t)(arg[TRAIN] * ((double)p * p))};
}

static uint32_t add_label(const double *arg, uint32_t pair)
{
    uint32_t p = (uint32_t)arg[P];
    return (pair / p + pair % p) % p;
}

static uint32_t sub_label(const double *arg, uint32_t pair)
{
    uint32_t p = (uint32_t)arg[P];
    return (pair / p + p - pair % p) % p;
}

static uint32_t mul_label(const double *arg, uint32_t pair)
{
    uint32_t p = (uint32_t)arg[P];
    return pair / p * (pair % p) % p;
}

/* ---- division: b is never 0, and p must be a prime ---- */

static void div_shape(const double *arg, struct stm_task_shape *out)
{
    double p = arg[P], pairs = p * (p - 1);
    *out = (struct stm_task_shape){.tokens = (uint32_t)p,
                                   .classes = (uint32_t)p,
                                   .pairs = (uint32_t)pairs,
                                   .train = (uint32_t)(arg[TRAIN] * pairs)};
}

static uint32_t div_pair(const double *arg, uint32_t i)
{
    uint32_t p = (uint32_t)arg[P];
    return i / (p - 1) * p + i % (p - 1) + 1;
}

/* a times the inverse of b, which is b^(p - 2) (Fermat). */
static uint32_t div_label(const double *arg, uint32_t pair)
{
    uint32_t p = (uint32_t)arg[P], q = pair / p, power = pair % p;
    for (uint32_t e = p - 2; e; e /= 2, power = power * power % p)
        if (e % 2) q = q * power % p;
    return q;
}

static int div_check(const double *arg, unsigned *at, struct stm_err *err)
{
    uint32_t p = (uint32_t)arg[P];
    *at = P;
    for (uint32_t d = 2; d * d <= p; d++)
        if (p % d == 0)
            return stm_fail(err, STM_E_INVALID, "modular_div needs a prime p; %u is %u * %u", p, d,
                            p / d);
    return 0;
}

#define SIG(word, what)                                                                            \
    {                                                                                              \
        .name = word, STM_PARAMS(params), .doc = what, .inputs = STM_IN_PAIR                       \
    }

const struct stm_task_type stm_task_modular_add = {
    .sig = SIG("modular_add", "(a + b) mod p over all p*p pairs"),
    .shape = shape,
    .label = add_label};
const struct stm_task_type stm_task_modular_sub = {
    .sig = SIG("modular_sub", "(a - b) mod p over all p*p pairs"),
    .shape = shape,
    .label = sub_label};
const struct stm_task_type stm_task_modular_mul = {
    .sig = SIG("modular_mul", "a * b mod p over all p*p pairs"),
    .shape = shape,
    .label = mul_label};
const struct stm_task_type stm_task_modular_div = {
    .sig = SIG("modular_div", "a / b mod p, p prime, over the p*(p-1) pairs with b not 0"),
    .shape = div_shape,
    .label = div_label,
    .pair = div_pair,
    .check = div_check};
