/* The byte-plane codec.
 *
 * Elements of 2, 4 or 8 bytes are split into planes: plane k holds byte k of every element. In
 * float states the planes of sign and exponent pack well and those of the low mantissa not at all,
 * so each plane is coded by itself: folded to one byte when constant, zstd when that is smaller,
 * raw otherwise. Bytes after the last whole element follow as they are.
 *
 *   per plane, plane 0 (least significant) first:
 *     u8  kind   0 constant, 1 raw, 2 zstd
 *     u32 bytes  that follow: 1, the number of elements, or the size of the zstd frame
 *     bytes
 *   then n mod elem_size raw bytes
 */
#ifndef STEMMA_STORE_CODEC_H
#define STEMMA_STORE_CODEC_H

#include "base/buf.h"
#include "stemma/err.h"

enum { STM_CODEC_PLANES = 1 }; /* the codec byte of a record */

struct stm_codec;                      /* the working memory, kept between calls */
struct stm_codec *stm_codec_new(void); /* NULL when memory is out */
void stm_codec_free(struct stm_codec *c);

/* Appends the coded form of p[0..n) to `out`, after decoding it and comparing. `elem_size` is 1,
 * 2, 4 or 8. STM_E_NOMEM; STM_E_DAMAGED when the decoded bytes differ (broken memory or library).
 */
int stm_codec_encode(struct stm_codec *c, struct stm_buf *out, const void *p, size_t n,
                     unsigned elem_size, struct stm_err *err);
/* Decodes into raw[0..n). STM_E_NOMEM; STM_E_DAMAGED when the coded bytes cannot be what encode
 * wrote. Never reads or writes out of bounds, whatever the bytes are. */
int stm_codec_decode(struct stm_codec *c, void *raw, size_t n, unsigned elem_size,
                     const void *coded, size_t coded_n, struct stm_err *err);

#endif
