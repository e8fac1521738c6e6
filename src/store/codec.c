#include "store/codec.h"

#include <assert.h>
#include <string.h>
#include <zstd.h>

#include "base/fail.h"
#include "base/mem.h"

enum { PLANE_CONST, PLANE_RAW, PLANE_ZSTD };
enum { LEVEL_BYTES = 3, LEVEL_PLANE = 1 };

/* Smaller planes are not worth a frame header. */
enum { ZSTD_MIN = 64 };

struct stm_codec {
    ZSTD_CCtx *frequency, *plane_ctx, *bytes_ctx;
    ZSTD_DCtx *dctx;
    unsigned char *planes, *packed, *check; /* grow on demand */
    size_t planes_cap, packed_cap, check_cap;
};

/* The exponents of weights follow no order, so looking for repeats in them is wasted time: a
 * context that finds next to none and codes the bytes by frequency alone takes a fifth of level 1's
 * time and packs better (plane 3 of normal f32 values: 0.33 in 0.2 ms, level 1: 0.39 in 1.0 ms).
 * What comes out is an ordinary frame. A library that does not know a parameter packs less well. */
static ZSTD_CCtx *frequency_context(void)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();
    if (!z) return NULL;
    ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, LEVEL_PLANE);
    ZSTD_CCtx_setParameter(z, ZSTD_c_strategy, ZSTD_fast);
    ZSTD_CCtx_setParameter(z, ZSTD_c_minMatch, 7);
    ZSTD_CCtx_setParameter(z, ZSTD_c_hashLog, 6);
    ZSTD_CCtx_setParameter(z, ZSTD_c_targetLength,
                           ZSTD_cParam_getBounds(ZSTD_c_targetLength).upperBound);
    ZSTD_CCtx_setParameter(z, ZSTD_c_experimentalParam5, 1); /* code literals by Huffman always */
    return z;
}

static ZSTD_CCtx *level_context(int level)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();
    if (z) ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, level);
    return z;
}

struct stm_codec *stm_codec_new(void)
{
    struct stm_codec *c = stm_calloc(1, sizeof *c);
    if (!c) return NULL;
    c->frequency = frequency_context();
    c->plane_ctx = level_context(LEVEL_PLANE);
    c->bytes_ctx = level_context(LEVEL_BYTES);
    c->dctx = ZSTD_createDCtx();
    if (c->frequency && c->plane_ctx && c->bytes_ctx && c->dctx) return c;
    stm_codec_free(c);
    return NULL;
}

void stm_codec_free(struct stm_codec *c)
{
    if (!c) return;
    ZSTD_freeCCtx(c->frequency);
    ZSTD_freeCCtx(c->plane_ctx);
    ZSTD_freeCCtx(c->bytes_ctx);
    ZSTD_freeDCtx(c->dctx);
    stm_free(c->planes);
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

/* Elements of 4 bytes are nearly all there is; with a pointer for each plane the compiler turns
 * these loops into shuffles, which a loop over one plane with a stride does not become. */
static void split4(unsigned char *restrict a, unsigned char *restrict b, unsigned char *restrict c,
                   unsigned char *restrict d, const unsigned char *restrict p, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        a[i] = p[4 * i];
        b[i] = p[4 * i + 1];
        c[i] = p[4 * i + 2];
        d[i] = p[4 * i + 3];
    }
}

static void join4(unsigned char *restrict p, const unsigned char *restrict a,
                  const unsigned char *restrict b, const unsigned char *restrict c,
                  const unsigned char *restrict d, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        p[4 * i] = a[i];
        p[4 * i + 1] = b[i];
        p[4 * i + 2] = c[i];
        p[4 * i + 3] = d[i];
    }
}

/* Plane k is planes[k * count ..]. */
static void planes_split(unsigned char *planes, const unsigned char *p, size_t count, unsigned elem)
{
    if (elem == 4) {
        split4(planes, planes + count, planes + 2 * count, planes + 3 * count, p, count);
        return;
    }
    for (unsigned k = 0; k < elem; k++)
        for (size_t i = 0; i < count; i++) planes[k * count + i] = p[elem * i + k];
}

static void planes_join(unsigned char *p, const unsigned char *planes, size_t count, unsigned elem)
{
    if (elem == 4) {
        join4(p, planes, planes + count, planes + 2 * count, planes + 3 * count, count);
        return;
    }
    for (unsigned k = 0; k < elem; k++)
        for (size_t i = 0; i < count; i++) p[elem * i + k] = planes[k * count + i];
}

static bool is_constant(const unsigned char *p, size_t n) { return !memcmp(p, p + 1, n - 1); }

/* Packs p[0..n) into `to`; n when that fails, which stores it raw. */
static size_t pack(ZSTD_CCtx *z, unsigned char *to, size_t cap, const unsigned char *p, size_t n)
{
    size_t got = ZSTD_compress2(z, to, cap, p, n);
    return ZSTD_isError(got) || got > n ? n : got;
}

/* Leaves the packed plane in c->packed and returns its size, or n when raw is as good; 0 when
 * memory is out. By frequency first; with a search for repeats when that gains nothing (a counter's
 * low byte) or very much (mostly zeros), where repeats may gain more. On noise the search gives up
 * quickly. */
static size_t plane_pack(struct stm_codec *c, const unsigned char *plane, size_t n,
                         bool by_frequency)
{
    size_t bound = ZSTD_compressBound(n);
    if (!grow(&c->packed, &c->packed_cap, 2 * bound)) return 0;
    size_t best = n;
    if (by_frequency) {
        best = pack(c->frequency, c->packed, bound, plane, n);
        if (best > n / 4 && best + n / 64 < n) return best;
    }
    size_t z = pack(by_frequency ? c->plane_ctx : c->bytes_ctx, c->packed + bound, bound, plane, n);
    if (z < best) {
        memcpy(c->packed, c->packed + bound, z);
        best = z;
    }
    return best + n / 64 < n ? best : n; /* a gain below 1/64 is not worth the decoding */
}

/* Appends one plane of n > 0 bytes. */
static bool plane_encode(struct stm_codec *c, struct stm_buf *out, const unsigned char *plane,
                         size_t n, bool by_frequency)
{
    if (is_constant(plane, n)) {
        stm_buf_u8(out, PLANE_CONST);
        stm_buf_u32(out, 1);
        stm_buf_u8(out, plane[0]);
        return true;
    }
    size_t z = n >= ZSTD_MIN ? plane_pack(c, plane, n, by_frequency) : n;
    if (!z) return false;
    stm_buf_u8(out, z < n ? PLANE_ZSTD : PLANE_RAW);
    stm_buf_u32(out, (uint32_t)z);
    stm_buf_put(out, z < n ? c->packed : plane, z);
    return true;
}

static int encode_planes(struct stm_codec *c, struct stm_buf *out, const unsigned char *p, size_t n,
                         unsigned elem)
{
    size_t count = n / elem;
    if (count && elem == 1) {
        if (!plane_encode(c, out, p, count, false)) return -1;
    } else if (count) {
        if (!grow(&c->planes, &c->planes_cap, count * elem)) return -1;
        planes_split(c->planes, p, count, elem);
        for (unsigned k = 0; k < elem; k++)
            if (!plane_encode(c, out, c->planes + k * count, count, true)) return -1;
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
        if (!grow(&c->planes, &c->planes_cap, count * elem_size))
            return stm_fail(err, STM_E_NOMEM, "cannot decode %zu bytes: out of memory", n);
        for (unsigned k = 0; k < elem_size; k++) {
            int rc = plane_decode(c, &r, c->planes + k * count, count, err);
            if (rc) return rc;
        }
        planes_join(dst, c->planes, count, elem_size);
    }
    size_t tail = n - count * elem_size;
    if (r.n - r.at != tail) return bad(err);
    if (tail) memcpy(dst + count * elem_size, r.p + r.at, tail);
    return 0;
}
