#include "base/json.h"

#include <string.h>

#include "base/utf8.h"

void stm_json_string(struct stm_buf *b, const char *s)
{
    size_t n = strlen(s);
    stm_buf_u8(b, '"');
    for (size_t i = 0; i < n;) {
        uint32_t u;
        unsigned len = stm_utf8_get(s + i, n - i, &u);
        if (!len)
            stm_buf_printf(b, "\xef\xbf\xbd");
        else if (u == '"' || u == '\\')
            stm_buf_printf(b, "\\%c", (int)u);
        else if (u == '\n')
            stm_buf_printf(b, "\\n");
        else if (u == '\t')
            stm_buf_printf(b, "\\t");
        else if (u < 0x20 || (u >= 0x7f && u < 0xa0)) /* nor may it control a terminal */
            stm_buf_printf(b, "\\u%04x", (unsigned)u);
        else
            stm_buf_put(b, s + i, len);
        i += len ? len : 1;
    }
    stm_buf_u8(b, '"');
}
