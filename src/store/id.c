#include "store/id.h"

#include <string.h>
#include <xxhash.h>

/* An arbitrary constant that never changes: it is part of the format. */
static const uint64_t second_seed = UINT64_C(0x7374656d6d612031); /* "stemma 1" */

struct stm_id stm_id_of(const void *p, size_t n)
{
    XXH128_hash_t h = XXH3_128bits(p, n);
    XXH128_canonical_t c;
    XXH128_canonicalFromHash(&c, h);
    struct stm_id id = {.alg = STM_ID_XXH3_128};
    memcpy(id.h, c.digest, sizeof id.h);
    return id;
}

uint64_t stm_hash2_of(const void *p, size_t n) { return XXH64(p, n, second_seed); }

uint64_t stm_check_of(const void *p, size_t n) { return XXH64(p, n, 0); }

bool stm_id_eq(const struct stm_id *a, const struct stm_id *b)
{
    return a->alg == b->alg && !memcmp(a->h, b->h, sizeof a->h);
}

int stm_id_cmp(const struct stm_id *a, const struct stm_id *b)
{
    if (a->alg != b->alg) return a->alg < b->alg ? -1 : 1;
    return memcmp(a->h, b->h, sizeof a->h);
}

void stm_hex_put(char *text, const uint8_t *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = digits[p[i] >> 4];
        text[2 * i + 1] = digits[p[i] & 15];
    }
    text[2 * n] = 0;
}

int stm_hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool stm_hex_get(uint8_t *p, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++) {
        int hi = stm_hex_digit(text[2 * i]);
        int lo = hi < 0 ? -1 : stm_hex_digit(text[2 * i + 1]);
        if (lo < 0) return false;
        p[i] = (uint8_t)(hi << 4 | lo);
    }
    return text[2 * n] == 0;
}

char *stm_id_text(const struct stm_id *id, char text[STM_ID_TEXT])
{
    stm_hex_put(text, id->h, sizeof id->h);
    return text;
}

bool stm_id_parse(struct stm_id *id, const char *text)
{
    struct stm_id got = {.alg = STM_ID_XXH3_128};
    if (!stm_hex_get(got.h, sizeof got.h, text)) return false;
    *id = got;
    return true;
}
