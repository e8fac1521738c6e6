/* Little-endian fields in a growable buffer (stemma/buf.h), and reading them back.
 *
 * Writing: as stemma/buf.h has it, checked once at the end. Reading: a stm_rd never reads past its
 * end; the first short or malformed field sets `bad`, every later get returns zero, and the reader
 * checks once at the end. */
#ifndef STEMMA_BASE_BUF_H
#define STEMMA_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stemma/buf.h"

void stm_buf_zero(struct stm_buf *b, size_t n); /* appends n zero bytes */
void stm_buf_u8(struct stm_buf *b, uint8_t v);
void stm_buf_u16(struct stm_buf *b, uint16_t v);
void stm_buf_u32(struct stm_buf *b, uint32_t v);
void stm_buf_u64(struct stm_buf *b, uint64_t v);
void stm_buf_f64(struct stm_buf *b, double v);      /* the bits, as u64 */
void stm_buf_str(struct stm_buf *b, const char *s); /* u32 length, then the bytes */
/* The shortest decimal that reads back as v, as text: 0.0003, 60000, 1e-08. */
void stm_buf_number(struct stm_buf *b, double v);

struct stm_rd {
    const unsigned char *p;
    size_t n, at;
    bool bad;
};

uint8_t stm_rd_u8(struct stm_rd *r);
uint16_t stm_rd_u16(struct stm_rd *r);
uint32_t stm_rd_u32(struct stm_rd *r);
uint64_t stm_rd_u64(struct stm_rd *r);
double stm_rd_f64(struct stm_rd *r);
/* Borrowed pointer to the next n bytes, or NULL. */
const void *stm_rd_bytes(struct stm_rd *r, size_t n);
/* Borrowed, NOT terminated; its length in *n. NULL when malformed. */
const char *stm_rd_str(struct stm_rd *r, size_t *n);

/* Little-endian words in raw memory. */
uint16_t stm_get_le16(const void *p);
uint32_t stm_get_le32(const void *p);
uint64_t stm_get_le64(const void *p);
void stm_put_le32(void *p, uint32_t v);
void stm_put_le64(void *p, uint64_t v);

#endif
