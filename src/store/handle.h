/* An open store, as the files of this room see it. */
#ifndef STEMMA_STORE_HANDLE_H
#define STEMMA_STORE_HANDLE_H

#include "store/codec.h"
#include "store/index.h"
#include "store/layout.h"

struct stm_store {
    char *dir;
    unsigned flags;
    struct stm_index index;
    struct stm_codec *codec;
    struct stm_buf scratch;      /* the record being read */
    int fd;                      /* the pack that was read last, or -1 */
    char fd_name[STM_PACK_NAME]; /* its name */
    size_t opened;        /* packs, since the copy of their indexes was written (packindex.h) */
    bool distrust;        /* the copy is not used */
    bool cleared;         /* temporary files of dead writers are looked for once */
    uint64_t collections; /* how many the lock `gc` told of at the last refresh */
    void (*made)(void *ctx, const char *pack); /* see stm_store_watch; or NULL */
    void *made_ctx;
};

/* A copy of the object, verified: record checks, decoding, id, second hash. On success *r describes
 * the record (its pointers are good until the next read) and *data, which the caller frees, holds
 * the raw bytes. */
int stm_store_read(struct stm_store *s, const struct stm_place *at, struct stm_record *r,
                   unsigned char **data, struct stm_err *err);
/* The same, without reading the coded bytes: is the record's head sound? */
int stm_store_read_head(struct stm_store *s, const struct stm_place *at, struct stm_record *r,
                        struct stm_err *err);
/* Is the object in the index, after looking for new packs when it is not? 0, STM_E_NOTFOUND, or why
 * that cannot be said: STM_E_DAMAGED, STM_E_IO when a pack is not readable. */
int stm_store_locate(struct stm_store *s, const struct stm_id *id, struct stm_place *at,
                     struct stm_err *err);

/* From now on, and for what was read before, packs are opened and the copy of their indexes is not
 * used. */
int stm_store_distrust(struct stm_store *s, struct stm_err *err);

#endif
