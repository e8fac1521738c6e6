#include "base/utf8.h"

unsigned stm_utf8_get(const void *text, size_t n, uint32_t *u)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = text;
    unsigned len = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
    if (!len || len > n || s[0] > 0xf4) return 0;
    uint32_t v = len == 1 ? s[0] : s[0] & (0x7fu >> len);
    for (unsigned i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        v = v << 6 | (s[i] & 0x3f);
    }
    if (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff)) return 0;
    *u = v;
    return len;
}

size_t stm_utf8_columns(const void *text, size_t n)
{
    const unsigned char *s = text;
    size_t columns = 0;
    uint32_t u;
    for (size_t i = 0; i < n; columns++) {
        unsigned len = stm_utf8_get(s + i, n - i, &u);
        i += len ? len : 1;
    }
    return columns;
}
