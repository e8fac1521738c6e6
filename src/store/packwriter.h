/* Writes one pack: a temporary file that becomes packs/<number>.pack in one step.
 *
 * The writer holds an exclusive flock on its temporary file. The lock is gone when the process is,
 * so a temporary file whose lock is free is the leftover of a dead writer; the next writer removes
 * it. */
#ifndef STEMMA_STORE_PACKWRITER_H
#define STEMMA_STORE_PACKWRITER_H

#include "store/layout.h"
#include "store/pack.h"

struct stm_packwriter {
    const char *dir; /* borrowed, of the store */
    bool clear;      /* temporary files of the dead are cleared away */
    int fd;          /* -1: not started */
    uint8_t number[STM_PACK_NUMBER];
    char tmp[STM_PATH_MAX];
    struct stm_buf out; /* not yet written */
    uint64_t at;        /* offset of the first byte of `out` */
    struct stm_pack_entry *e;
    size_t n, cap;
    uint32_t *slots; /* of a hash table over e: entry number + 1 */
    size_t n_slots;
};

/* `clear`: look for temporary files of the dead, which takes a look at all names. */
void stm_packwriter_init(struct stm_packwriter *w, const char *dir, bool clear);
/* Appends a record; on the first one, makes the temporary file.
 * After an error the writer can only be dropped. */
int stm_packwriter_add(struct stm_packwriter *w, const struct stm_record *r,
                       const struct stm_id *refs, struct stm_err *err);
/* The entry of an object added before, or NULL. Valid until the next add. */
const struct stm_pack_entry *stm_packwriter_find(const struct stm_packwriter *w,
                                                 const struct stm_id *id);
/* Index, trailer, fsync, link. One fsync; the directory is left for the caller to sync. */
int stm_packwriter_publish(struct stm_packwriter *w, struct stm_err *err);
/* After publish: moves what is known of the pack to *p. */
void stm_packwriter_take(struct stm_packwriter *w, struct stm_pack *p);
/* Removes the temporary file, if it is still there, and frees everything. */
void stm_packwriter_drop(struct stm_packwriter *w);

#endif
