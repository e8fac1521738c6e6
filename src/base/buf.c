#include "base/buf.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void stm_buf_release(struct stm_buf *b)
{
    stm_free(b->p);
    *b = (struct stm_buf){0};
}

void stm_buf_clear(struct stm_buf *b)
{
    b->n = 0;
    b->failed = false;
}

/* Room for n more bytes and a terminator. */
static bool reserve(struct stm_buf *b, size_t n)
{
    if (b->failed) return false;
    if (n < b->cap - b->n) return true;
    size_t cap = b->cap ? b->cap : 64;
    while (cap - b->n <= n) {
        if (cap > SIZE_MAX / 2) goto fail;
        cap *= 2;
    }
    unsigned char *p = stm_realloc(b->p, cap);
    if (!p) goto fail;
    b->p = p;
    b->cap = cap;
    return true;
fail:
    b->failed = true;
    return false;
}

void stm_buf_put(struct stm_buf *b, const void *p, size_t n)
{
    if (!n || !reserve(b, n)) return;
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

void stm_buf_zero(struct stm_buf *b, size_t n)
{
    if (!n || !reserve(b, n)) return;
    memset(b->p + b->n, 0, n);
    b->n += n;
}

static void put_le(struct stm_buf *b, uint64_t v, int bytes)
{
    unsigned char w[8];
    for (int i = 0; i < bytes; i++) w[i] = (unsigned char)(v >> (8 * i));
    stm_buf_put(b, w, (size_t)bytes);
}

void stm_buf_u8(struct stm_buf *b, uint8_t v) { put_le(b, v, 1); }
void stm_buf_u16(struct stm_buf *b, uint16_t v) { put_le(b, v, 2); }
void stm_buf_u32(struct stm_buf *b, uint32_t v) { put_le(b, v, 4); }
void stm_buf_u64(struct stm_buf *b, uint64_t v) { put_le(b, v, 8); }

void stm_buf_f64(struct stm_buf *b, double v)
{
    uint64_t u;
    memcpy(&u, &v, 8);
    stm_buf_u64(b, u);
}

void stm_buf_str(struct stm_buf *b, const char *s)
{
    size_t n = strlen(s);
    if (n > UINT32_MAX) {
        b->failed = true;
        return;
    }
    stm_buf_u32(b, (uint32_t)n);
    stm_buf_put(b, s, n);
}

/* 15 digits are enough for all that was written with as many, and more would show how it was
 * rounded; but those near 0 have fewer. */
void stm_buf_number(struct stm_buf *b, double v)
{
    char text[40];
    for (int digits = fabs(v) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v) break;
    }
    stm_buf_put(b, text, strlen(text));
}

void stm_buf_printf(struct stm_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->failed = true;
        return;
    }
    if (!reserve(b, (size_t)n)) return;
    va_start(ap, fmt);
    vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->n += (size_t)n;
}

const char *stm_buf_text(struct stm_buf *b)
{
    if (!reserve(b, 0)) return "";
    b->p[b->n] = 0;
    return (const char *)b->p;
}

const void *stm_rd_bytes(struct stm_rd *r, size_t n)
{
    if (r->bad || n > r->n - r->at) {
        r->bad = true;
        return NULL;
    }
    const unsigned char *p = r->p + r->at;
    r->at += n;
    return p;
}

static uint64_t get_le(const unsigned char *p, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static uint64_t rd_le(struct stm_rd *r, int bytes)
{
    const unsigned char *p = stm_rd_bytes(r, (size_t)bytes);
    return p ? get_le(p, bytes) : 0;
}

uint8_t stm_rd_u8(struct stm_rd *r) { return (uint8_t)rd_le(r, 1); }
uint16_t stm_rd_u16(struct stm_rd *r) { return (uint16_t)rd_le(r, 2); }
uint32_t stm_rd_u32(struct stm_rd *r) { return (uint32_t)rd_le(r, 4); }
uint64_t stm_rd_u64(struct stm_rd *r) { return rd_le(r, 8); }

double stm_rd_f64(struct stm_rd *r)
{
    uint64_t u = stm_rd_u64(r);
    double v;
    memcpy(&v, &u, 8);
    return v;
}

const char *stm_rd_str(struct stm_rd *r, size_t *n)
{
    *n = stm_rd_u32(r);
    const char *s = stm_rd_bytes(r, *n);
    if (!s) *n = 0;
    return s;
}

uint16_t stm_get_le16(const void *p) { return (uint16_t)get_le(p, 2); }
uint32_t stm_get_le32(const void *p) { return (uint32_t)get_le(p, 4); }
uint64_t stm_get_le64(const void *p) { return get_le(p, 8); }

void stm_put_le32(void *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) ((unsigned char *)p)[i] = (unsigned char)(v >> (8 * i));
}

void stm_put_le64(void *p, uint64_t v)
{
    for (int i = 0; i < 8; i++) ((unsigned char *)p)[i] = (unsigned char)(v >> (8 * i));
}
