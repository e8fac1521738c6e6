/* The indexes of many packs in one file, so that opening a store need not open each of them:
 * `index` in the directory of the store. It is a copy. Without it, or where it is damaged, old or
 * of another version, packs are opened; what it says of an object is checked against the pack when
 * the object is read; whoever looks for damage (fsck) does not use it.
 *
 *   0  8  magic "stmindex"
 *   8  4  version, 1
 *  12  4  zero
 *  16  8  number of packs
 *         for each, ascending: number (16), bytes of the file (8), entries n (4), zero (4),
 *         n entries as in the pack (pack.h)
 *      8  check of all before */
#ifndef STEMMA_STORE_PACKINDEX_H
#define STEMMA_STORE_PACKINDEX_H

#include "store/index.h"

struct stm_packindex {
    struct stm_buf b; /* the file */
    struct stm_packindex_pack {
        const unsigned char *head; /* of the pack, in `b` */
    } * packs;                     /* [n], ascending by number */
    size_t n, next;                /* the pack that is likely asked for next */
};

/* Reads it; all zeros where there is none that is sound. STM_E_NOMEM. */
int stm_packindex_read(struct stm_packindex *x, const char *dir, struct stm_err *err);
void stm_packindex_release(struct stm_packindex *x);
/* Fills *p, whose name is set, as stm_pack_load does; false: it does not know the pack, or there is
 * no memory. */
bool stm_packindex_find(struct stm_packindex *x, struct stm_pack *p);
/* Writes it anew, unless another process is at it. What fails is left: it is a copy. */
void stm_packindex_write(const struct stm_index *ix, const char *dir);

#endif
