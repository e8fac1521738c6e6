/* The canonical bytes of a state (a STM_OBJ_STATE payload).
 *
 *   "stemma state 1\n" 0                        16 bytes
 *   u32 number of tensors
 *   for each, sorted by name (bytewise), an entry:
 *     u32 length, name
 *     u8 dtype (enum stm_dtype), u8 ndim, u8 storage, u8 0
 *     u32 shape[ndim]
 *     storage 0: the raw little-endian elements   (at most 1 KiB)
 *     storage 1: u32 chunks, then 17 bytes an id  (chunks of 1 MiB, the last one shorter)
 *   zeros up to 256 bytes
 *
 * The id of a tensor is the id of its entry, zero-padded to 256 bytes. */
#ifndef STEMMA_STATE_MANIFEST_H
#define STEMMA_STATE_MANIFEST_H

#include "base/arena.h"
#include "base/buf.h"
#include "stemma/state.h"

enum { STM_INLINE_MAX = 1024, STM_MANIFEST_MIN = 256 };

/* Called for every chunk of a state, in manifest order; gives its id. */
typedef int stm_chunk_fn(void *ctx, const void *p, size_t n, unsigned elem_size, struct stm_id *id,
                         struct stm_err *err);

/* Writes the manifest to `out`. `tensor_ids` and `refs` may be NULL; `refs` collects chunk ids as
 * consecutive struct stm_id. */
int stm_manifest_write(const struct stm_state *s, stm_chunk_fn *chunk, void *ctx,
                       struct stm_buf *out, struct stm_id *tensor_ids, struct stm_buf *refs,
                       struct stm_err *err);

/* One tensor as read; `inline_data` points into the manifest, `chunk_ids` too (17 bytes each). */
struct stm_manifest_entry {
    struct stm_tensor t; /* data is NULL */
    const unsigned char *inline_data, *chunk_ids;
    uint32_t n_chunks;
};
struct stm_manifest {
    struct stm_manifest_entry *entry; /* [n], sorted by name */
    size_t n;
    struct stm_arena arena; /* the entries, their names and shapes */
};
/* STM_E_DAMAGED when malformed. Release it in any case. */
int stm_manifest_read(struct stm_manifest *out, const void *p, size_t n, struct stm_err *err);
void stm_manifest_release(struct stm_manifest *m);

#endif
