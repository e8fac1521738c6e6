/* Ids and strings in the records of this room. */
#ifndef STEMMA_RUN_WIRE_H
#define STEMMA_RUN_WIRE_H

#include "base/arena.h"
#include "base/buf.h"
#include "stemma/store.h"

void stm_wire_put_id(struct stm_buf *b, const struct stm_id *id); /* 17 bytes */
struct stm_id stm_wire_id(struct stm_rd *r);
/* Reads a record that a ref or another record names, "of a trail". That the store has it no more is
 * STM_E_DAMAGED: it was there. */
int stm_wire_record(struct stm_store *s, const struct stm_id *id, const char *what,
                    struct stm_object *out, struct stm_err *err);
/* A terminated copy in the arena. NULL when malformed (r->bad) or memory is out. */
char *stm_wire_str(struct stm_rd *r, struct stm_arena *a);

#endif
