#include "store/codec.h"

#include <assert.h>
#include <string.h>
#include <zstd.h>

#include "base/fail.h"
#include "base/mem.h"

enum { PLANE_CONST, PLANE_RAW, PLANE_ZSTD };
enum { LEVEL_BYTES = 3, LEVEL_PLANE = 1 };

/* Decoded elements of a small plane are not worth a frame header. */
enum { ZSTD_MIN = 64 };

struct stm_codec {
    ZSTD_CCtx *cctx;
    ZSTD_DCtx *dctx;
    unsigned char *plane, *packed, *check; /* grow on demand */
    size_t plane_cap, packed_cap, check_cap;
};

struct stm_codec *stm_codec_new(void)
{
    struct stm_codec *c = stm_calloc(1, sizeof *c);
    if (!c) return NULL;
    c->cctx = ZSTD_createCCtx();
    c->dctx = ZSTD_createDCtx();
    if (c->cctx && c->dctx) return c;
    stm_codec_free(c);
    return NULL;
}

void stm_codec_free(struct stm_codec *c)
{
    if (!c) return;
    ZSTD_freeCCtx(c->cctx);
    ZSTD_freeDCtx(c->dctx);
    stm_free(c->plane);
    stm_free(c->packed);
    stm_free(c->check);
    stm_free(c);
}

static bool grow(unsigned char **p, size_t *cap, size_t n)
{
    if (n <= *cap) return true;
    unsigned char *q = stm_realloc(*p, n);
    if (!q) return false;
    *p = q;
    *cap = n;
    return true;
}

static void plane_gather(unsigned char *restrict plane, const unsigned char *restrict p,
                         size_t count, unsigned elem, unsigned k)
{
    switch (elem) { /* constant strides, so that the loops vectorise */
    case 2:
        for (size_t i = 0; i < count; i++) plane[i] = p[2 * i + k];
        break;
    case 4:
        for (size_t i = 0; i < count; i++) plane[i] = p[4 * i + k];
        break;
    default:
        for (size_t i = 0; i < count; i++) plane[i] = p[elem * i + k];
    }
}

static void plane_scatter(unsigned char *restrict raw, const unsigned char *restrict plane,
                          size_t count, unsigned elem, unsigned k)
{
    switch (elem) {
    case 2:
        for (size_t i = 0; i < count; i++) raw[2 * i + k] = plane[i];
        break;
    case 4:
        for (size_t i = 0; i < count; i++) raw[4 * i + k] = plane[i];
        break;
    default:
        for (size_t i = 0; i < count; i++) raw[elem * i + k] = plane[i];
    }
}

static bool is_constant(const unsigned char *p, size_t n) { return !memcmp(p, p + 1, n - 1); }

/* Appends one plane of n > 0 bytes. */
static bool plane_encode(struct stm_codec *c, struct stm_buf *out, const unsigned char *plane,
                         size_t n, int level)
{
    if (is_constant(plane, n)) {
        stm_buf_u8(out, PLANE_CONST);
        stm_buf_u32(out, 1);
        stm_buf_u8(out, plane[0]);
        return true;
    }
    if (n >= ZSTD_MIN) {
        if (!grow(&c->packed, &c->packed_cap, ZSTD_compressBound(n))) return false;
        size_t z = ZSTD_compressCCtx(c->cctx, c->packed, c->packed_cap, plane, n, level);
        /* A gain below 1/64 is not worth the decoding. */
        if (!ZSTD_isError(z) && z + n / 64 < n) {
            stm_buf_u8(out, PLANE_ZSTD);
            stm_buf_u32(out, (uint32_t)z);
            stm_buf_put(out, c->packed, z);
            return true;
        }
    }
    stm_buf_u8(out, PLANE_RAW);
    stm_buf_u32(out, (uint32_t)n);
    stm_buf_put(out, plane, n);
    return true;
}

static int encode_planes(struct stm_codec *c, struct stm_buf *out, const unsigned char *p, size_t n,
                         unsigned elem)
{
    size_t count = n / elem;
    if (count && elem == 1) {
        if (!plane_encode(c, out, p, count, LEVEL_BYTES)) return -1;
    } else if (count) {
        if (!grow(&c->plane, &c->plane_cap, count)) return -1;
        for (unsigned k = 0; k < elem; k++) {
            plane_gather(c->plane, p, count, elem, k);
            if (!plane_encode(c, out, c->plane, count, LEVEL_PLANE)) return -1;
        }
    }
    stm_buf_put(out, p + count * elem, n - count * elem);
    return out->failed ? -1 : 0;
}

int stm_codec_encode(struct stm_codec *c, struct stm_buf *out, const void *p, size_t n,
                     unsigned elem_size, struct stm_err *err)
{
    assert(elem_size == 1 || elem_size == 2 || elem_size == 4 || elem_size == 8);
    assert(n <= UINT32_MAX);
    size_t start = out->n;
    if (encode_planes(c, out, p, n, elem_size) || !grow(&c->check, &c->check_cap, n ? n : 1))
        return stm_fail(err, STM_E_NOMEM, "cannot encode %zu bytes: out of memory", n);
    int rc = stm_codec_decode(c, c->check, n, elem_size, out->p ? out->p + start : NULL,
                              out->n - start, err);
    if (rc) return rc;
    if (n && memcmp(c->check, p, n))
        return stm_fail(err, STM_E_DAMAGED,
                        "encoding %zu bytes does not decode to them: memory or libzstd is broken",
                        n);
    return 0;
}

static int bad(struct stm_err *err) { return stm_fail(err, STM_E_DAMAGED, "payload is malformed"); }

/* Decodes one plane into dst[0..n), n > 0. */
static int plane_decode(struct stm_codec *c, struct stm_rd *r, unsigned char *dst, size_t n,
                        struct stm_err *err)
{
    unsigned kind = stm_rd_u8(r);
    uint32_t size = stm_rd_u32(r);
    const unsigned char *src = stm_rd_bytes(r, size);
    if (!src) return bad(err);
    switch (kind) {
    case PLANE_CONST:
        if (size != 1) return bad(err);
        memset(dst, *src, n);
        return 0;
    case PLANE_RAW:
        if (size != n) return bad(err);
        memcpy(dst, src, n);
        return 0;
    case PLANE_ZSTD: {
        size_t z = ZSTD_decompressDCtx(c->dctx, dst, n, src, size);
        return ZSTD_isError(z) || z != n ? bad(err) : 0;
    }
    default: return bad(err);
    }
}

int stm_codec_decode(struct stm_codec *c, void *raw, size_t n, unsigned elem_size,
                     const void *coded, size_t coded_n, struct stm_err *err)
{
    if (elem_size != 1 && elem_size != 2 && elem_size != 4 && elem_size != 8) return bad(err);
    struct stm_rd r = {.p = coded, .n = coded_n};
    unsigned char *dst = raw;
    size_t count = n / elem_size;
    if (count && elem_size == 1) {
        int rc = plane_decode(c, &r, dst, count, err);
        if (rc) return rc;
    } else if (count) {
        if (!grow(&c->plane, &c->plane_cap, count))
            return stm_fail(err, STM_E_NOMEM, "cannot decode %zu bytes: out of memory", n);
        for (unsigned k = 0; k < elem_size; k++) {
            int rc = plane_decode(c, &r, c->plane, count, err);
            if (rc) return rc;
            plane_scatter(dst, c->plane, count, elem_size, k);
        }
    }
    size_t tail = n - count * elem_size;
    if (r.n - r.at != tail) return bad(err);
    if (tail) memcpy(dst + count * elem_size, r.p + r.at, tail);
    return 0;
}
