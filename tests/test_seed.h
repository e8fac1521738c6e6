/* Seeds of property tests: a fixed list, or the one that STEMMA_SEED names. Each is printed, so
 * that a failure says how to see it again. */
#ifndef STEMMA_TESTS_TEST_SEED_H
#define STEMMA_TESTS_TEST_SEED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static const uint64_t test_seed_list[] = {1, 2, 3, 20260101, 0x9e3779b97f4a7c15u};

/* How many there are: the end of a loop test. Under the sanitizers the first one alone. */
static inline int test_seeds(void)
{
    const int all = (int)(sizeof test_seed_list / sizeof *test_seed_list);
    return getenv("STEMMA_SEED") ? 1 : (all + STM_SPARSE - 1) / STM_SPARSE;
}

static inline uint64_t test_seed(const char *test, int i)
{
    const char *given = getenv("STEMMA_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : test_seed_list[i];
    printf("%s: STEMMA_SEED=%llu\n", test, (unsigned long long)seed);
    fflush(stdout);
    return seed;
}

#endif
