#include "run/wire.h"

#include <string.h>

void stm_wire_put_id(struct stm_buf *b, const struct stm_id *id)
{
    stm_buf_u8(b, id->alg);
    stm_buf_put(b, id->h, sizeof id->h);
}

struct stm_id stm_wire_id(struct stm_rd *r)
{
    struct stm_id id = {.alg = stm_rd_u8(r)};
    const void *p = stm_rd_bytes(r, sizeof id.h);
    if (p) memcpy(id.h, p, sizeof id.h);
    return id;
}

char *stm_wire_str(struct stm_rd *r, struct stm_arena *a)
{
    size_t n;
    const char *s = stm_rd_str(r, &n);
    return s ? stm_arena_strndup(a, s, n) : NULL;
}
