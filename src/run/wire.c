#include "run/wire.h"

#include <string.h>

#include "base/fail.h"

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

int stm_wire_record(struct stm_store *s, const struct stm_id *id, const char *what,
                    struct stm_object *out, struct stm_err *err)
{
    char hex[STM_ID_TEXT];
    int rc = stm_store_get(s, id, out, err);
    if (rc != STM_E_NOTFOUND) return rc;
    return stm_fail(err, STM_E_DAMAGED, "the store has lost record %s %s", stm_id_text(id, hex),
                    what);
}

char *stm_wire_str(struct stm_rd *r, struct stm_arena *a)
{
    size_t n;
    const char *s = stm_rd_str(r, &n);
    return s ? stm_arena_strndup(a, s, n) : NULL;
}
