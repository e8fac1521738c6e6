#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Blocks double: many arenas hold little. */
enum { FIRST_BYTES = 1024, BLOCK_BYTES = 16384 };

struct stm_arena_block {
    struct stm_arena_block *next;
    size_t used, size;
    _Alignas(16) unsigned char data[];
};

void *stm_arena_alloc(struct stm_arena *a, size_t n)
{
    n = (n + 15) & ~(size_t)15;
    struct stm_arena_block *b = a->head;
    if (!b || b->size - b->used < n) {
        size_t size = !b ? FIRST_BYTES : b->size < BLOCK_BYTES ? 2 * b->size : BLOCK_BYTES;
        if (size < n) size = n;
        b = stm_calloc(1, sizeof *b + size);
        if (!b) return NULL;
        b->size = size;
        b->next = a->head;
        a->head = b;
    }
    void *p = b->data + b->used;
    b->used += n;
    return p;
}

char *stm_arena_strndup(struct stm_arena *a, const char *s, size_t n)
{
    char *p = stm_arena_alloc(a, n + 1);
    if (p && n) memcpy(p, s, n); /* of nothing `s` may be NULL */
    return p;
}

char *stm_arena_printf(struct stm_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) return NULL;
    char *p = stm_arena_alloc(a, (size_t)n + 1);
    if (!p) return NULL;
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}

void stm_arena_release(struct stm_arena *a)
{
    while (a->head) {
        struct stm_arena_block *b = a->head;
        a->head = b->next;
        stm_free(b);
    }
}
