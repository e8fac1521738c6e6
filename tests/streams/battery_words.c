#include <stdlib.h>
#include <string.h>

#include "battery.h"

enum { BLOCKS = 64, WORDS = 4 * BLOCKS, BITS = 32 };

struct key {
    enum stm_stream stream;
    uint32_t sub;
};
/* What a seed at p = 97 draws from, and some that it could. */
static const struct key keys[] = {
    {STM_STREAM_INIT, 0},  {STM_STREAM_INIT, 1},  {STM_STREAM_INIT, 3},    {STM_STREAM_SPLIT, 0},
    {STM_STREAM_BATCH, 0}, {STM_STREAM_BATCH, 1}, {STM_STREAM_PERTURB, 0}, {STM_STREAM_DATA, 0},
};
enum { KEYS = sizeof keys / sizeof *keys };

static void draw(const struct battery *b, uint64_t seed, uint32_t x[KEYS][WORDS])
{
    for (int k = 0; k < KEYS; k++) b->source->words(seed, keys[k].stream, keys[k].sub, x[k], WORDS);
}

static void bits_of(uint32_t x, unsigned long ones[BITS], unsigned long *n)
{
    for (int i = 0; i < BITS; i++) ones[i] += x >> i & 1;
    ++*n;
}

/* How often each bit is set: 32 chances, each a half. */
static void add_bits(struct battery *b, const unsigned long ones[BITS], unsigned long n,
                     const char *name)
{
    double x = 0;
    for (int i = 0; i < BITS; i++) {
        double d = 2 * (double)ones[i] - (double)n;
        x += d * d / (double)n;
    }
    battery_add(b, stats_chi2(x, BITS), "%s", name);
}

/* Bits in which words of two sequences agree, at distances of up to 4 words. */
struct agree {
    unsigned long differ[BITS], n;
    unsigned long weight[BITS + 1];
};

static void compare(struct agree *a, const uint32_t *x, const uint32_t *y)
{
    for (int shift = -4; shift <= 4; shift++)
        for (int i = 4; i < WORDS - 4; i++) {
            uint32_t d = x[i] ^ y[i + shift];
            int weight = 0;
            for (uint32_t rest = d; rest; rest &= rest - 1) weight++;
            bits_of(d, a->differ, &a->n);
            a->weight[weight]++;
        }
}

/* How many bits of a word differ: binomial. Fewer than 8 and more than 24 are one cell each. */
static void add_agree(struct battery *b, const struct agree *a, const char *name)
{
    double chance = 0x1p-32, low = 0, x = 0, seen = 0, want;
    for (int w = 0; w <= BITS / 2; w++) {
        low += chance;
        seen += (double)(a->weight[w] + (w < BITS / 2 ? a->weight[BITS - w] : 0));
        if (w >= 7) {
            want = low * (w < BITS / 2 ? 2 : 1) * (double)a->n;
            x += (seen - want) * (seen - want) / want;
            low = seen = 0;
        }
        chance = chance * (BITS - w) / (w + 1);
    }
    battery_add(b, stats_chi2(x, BITS / 2 - 7), "%s, words", name);
    char bits[RESULT_NAME];
    strncpy(bits, name, RESULT_NAME - 7);
    bits[RESULT_NAME - 7] = 0;
    strcat(bits, ", bits");
    add_bits(b, a->differ, a->n, bits);
}

static int by_words(const void *a, const void *b) { return memcmp(a, b, 16); }

static int by_word(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* No 128-bit block may come twice; words come twice as birthdays do. Sorts. */
static void repeats(struct battery *b, uint32_t *all, size_t n)
{
    unsigned long blocks = 0, equal = 0;
    qsort(all, n / 4, 16, by_words);
    for (size_t i = 4; i < n; i += 4) blocks += !memcmp(all + i, all + i - 4, 16);
    battery_add(b, blocks ? 0 : 1, "words: repeated blocks");
    qsort(all, n, sizeof *all, by_word);
    for (size_t i = 1; i < n; i++) equal += all[i] == all[i - 1];
    double mean = (double)n * (double)(n - 1) / 2 * 0x1p-32;
    battery_add(b, stats_poisson_above(equal, mean), "words: repeated words");
}

void battery_words(struct battery *b)
{
    static uint32_t x[KEYS][WORDS], next[KEYS][WORDS];
    struct agree streams = {0}, seeds = {0}, powers = {0};
    unsigned long ones[BITS] = {0}, n = 0;
    const size_t total = b->seeds * KEYS * WORDS;
    uint32_t *all = malloc(total * sizeof *all);
    if (!all) abort();
    for (uint64_t s = 0; s < b->seeds; s++) {
        draw(b, b->first + s, x);
        memcpy(all + s * KEYS * WORDS, x, sizeof x);
        for (int k = 0; k < KEYS; k++)
            for (int i = 0; i < WORDS; i++) bits_of(x[k][i], ones, &n);
        for (int k = 0; k < KEYS; k++)
            for (int l = 0; l < k; l++) compare(&streams, x[k], x[l]);
        draw(b, b->first + s + 1, next);
        for (int k = 0; k < KEYS; k++) compare(&seeds, x[k], next[k]);
        draw(b, (b->first + s) ^ 1ull << (s * 7 % 61 + 3), next);
        for (int k = 0; k < KEYS; k++) compare(&powers, x[k], next[k]);
    }
    add_bits(b, ones, n, "words: ones");
    add_agree(b, &streams, "words: streams of a seed");
    add_agree(b, &seeds, "words: neighbouring seeds");
    add_agree(b, &powers, "words: seeds that differ in a bit");
    repeats(b, all, total);
    free(all);
}
