/* A pack file: what one transaction wrote. Never changed once it has its name.
 *
 *   header   0  8  magic "stmpack\n"
 *            8  4  version, 1
 *           12  4  zero
 *           16 16  the random number in the file's name
 *           32  8  check of the 32 bytes before
 *   records       without gaps (record.h)
 *   index         one entry a record, ids strictly ascending:
 *            0  1  id algorithm
 *            1  1  type
 *            2  2  zero
 *            4  4  raw bytes
 *            8 16  id
 *           24  8  second hash
 *           32  8  offset of the record
 *           40  4  size of the record
 *           44  4  zero
 *   trailer  0  8  magic "stmtrail"
 *            8  8  offset of the index
 *           16  8  number of entries
 *           24  8  check of the index
 *           32  8  size of the file
 *           40 16  the random number again
 *           56  8  check of the 56 bytes before
 *
 * All numbers are little-endian; a check is XXH64 with seed 0. The index says nothing that the
 * records do not say, so a pack whose index is damaged is scanned instead.
 *
 * The file is named after a random number and not after its content: two writers that commit the
 * same objects at once then never meet in one name, and linking the finished file cannot find that
 * name taken by bytes that would have to be verified first. The number is inside the file twice,
 * so a file under the wrong name is noticed. */
#ifndef STEMMA_STORE_PACK_H
#define STEMMA_STORE_PACK_H

#include "base/buf.h"
#include "stemma/store.h"
#include "store/record.h"

enum {
    STM_PACK_VERSION = 1,
    STM_PACK_HEADER = 40,
    STM_PACK_ENTRY = 48,
    STM_PACK_TRAILER = 64,
    STM_PACK_NUMBER = 16,                       /* bytes of the random number */
    STM_PACK_NAME = 2 * STM_PACK_NUMBER + 5 + 1 /* "<32 hex>.pack" and a terminator */
};

struct stm_pack_entry {
    struct stm_id id;
    uint8_t type;
    uint32_t raw, size; /* of the raw bytes; of the whole record */
    uint64_t hash2, offset;
};

/* What is known of a pack after loading its index. */
struct stm_pack {
    char name[STM_PACK_NAME];
    uint64_t bytes;           /* size of the file */
    struct stm_pack_entry *e; /* owned, sorted by id */
    size_t n;
    bool cached; /* `e` is from the copy of packindex.h */
    int trouble; /* 0; STM_E_DAMAGED: e has what a scan found; other: could not be read, e empty */
};

bool stm_pack_is_name(const char *file_name);
/* The number in a name; false: it is none. */
bool stm_pack_number(const char *file_name, uint8_t number[STM_PACK_NUMBER]);
void stm_pack_name(char name[STM_PACK_NAME], const uint8_t number[STM_PACK_NUMBER]);
void stm_pack_header_put(struct stm_buf *b, const uint8_t number[STM_PACK_NUMBER]);
/* Sorts `e` and appends index and trailer to a pack whose records end at `at`. */
void stm_pack_index_put(struct stm_buf *b, struct stm_pack_entry *e, size_t n, uint64_t at,
                        const uint8_t number[STM_PACK_NUMBER]);

/* One entry of an index; records end before `end`. False: it cannot be one. */
void stm_pack_entry_put(struct stm_buf *b, const struct stm_pack_entry *e);
bool stm_pack_entry_get(struct stm_pack_entry *e, struct stm_rd *rd, uint64_t end);

/* Fills *p (p->name is set by the caller, the rest zero) from `path`. 0; STM_E_DAMAGED, with the
 * entries that a scan of the records found; STM_E_FORMAT for a newer version; STM_E_IO,
 * STM_E_NOTFOUND, STM_E_NOMEM, with no entries. Sets p->trouble to the same. */
int stm_pack_load(struct stm_pack *p, const char *path, struct stm_err *err);
void stm_pack_release(struct stm_pack *p);

/* Reads the record of entry `e` from the open pack into `buf` and checks that it is that record;
 * its payload is not decoded. With head_only, the coded bytes are not read either. STM_E_DAMAGED,
 * STM_E_IO, STM_E_NOMEM. */
int stm_pack_read(const struct stm_pack *p, int fd, const struct stm_pack_entry *e, bool head_only,
                  struct stm_buf *buf, struct stm_record *r, struct stm_err *err);

#endif
