/* One object as it lies in a pack: a self-describing record.
 *
 *   0  4  magic "stO1"
 *   4  1  type (enum stm_object_type)
 *   5  1  id algorithm
 *   6  1  element size of the codec: 1, 2, 4 or 8
 *   7  1  codec: 1 = byte planes
 *   8 16  id: hash of the raw bytes
 *  24  8  second hash of the raw bytes
 *  32  4  raw bytes
 *  36  4  coded bytes
 *  40  4  number of references, R
 *  44  4  zero
 *  48 17R references: algorithm byte and 16 bytes each
 *   .  8  check of everything before it
 *   .     coded bytes
 */
#ifndef STEMMA_STORE_RECORD_H
#define STEMMA_STORE_RECORD_H

#include "base/buf.h"
#include "stemma/store.h"

enum {
    STM_RECORD_FIXED = 48,         /* before the references */
    STM_RECORD_REF = 17,           /* bytes a reference */
    STM_RECORD_MAX = 64 << 20,     /* raw bytes of a state or record; a chunk: STM_CHUNK_MAX */
    STM_RECORD_REFS_MAX = 1 << 20, /* references of one object */
    STM_RECORD_CODED_SLACK = 8 * 5 /* coded bytes exceed raw bytes by at most this */
};

struct stm_record {
    enum stm_object_type type;
    unsigned elem_size, codec;
    struct stm_id id;
    uint64_t hash2;
    uint32_t raw, coded, n_refs;
    const unsigned char *refs;  /* borrowed; read with stm_record_ref */
    const unsigned char *bytes; /* borrowed coded bytes */
};

/* The largest payload of `type`; 0 when there is no such type. */
size_t stm_record_raw_max(unsigned type);
/* "chunk", "state", "record" */
const char *stm_type_name(unsigned type);

/* Bytes before the coded bytes, and in all. */
size_t stm_record_head_size(const struct stm_record *r);
uint64_t stm_record_size(const struct stm_record *r);

/* Appends head and coded bytes; `refs` are r->n_refs ids. r->refs is not used. */
void stm_record_put(struct stm_buf *b, const struct stm_record *r, const struct stm_id *refs);

/* Reads the first STM_RECORD_FIXED bytes: sizes are within the limits, but the check is not made
 * yet. */
bool stm_record_parse_fixed(struct stm_record *r, const unsigned char *p);
/* Reads and checks a head of exactly stm_record_head_size bytes at `p`. */
bool stm_record_parse_head(struct stm_record *r, const unsigned char *p, size_t n);
/* Reads a whole record of exactly n bytes. */
bool stm_record_parse(struct stm_record *r, const unsigned char *p, size_t n);

struct stm_id stm_record_ref(const struct stm_record *r, size_t i);

#endif
