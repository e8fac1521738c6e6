/* A bump allocator: many small allocations, freed together. */
#ifndef STEMMA_BASE_ARENA_H
#define STEMMA_BASE_ARENA_H

#include <stddef.h>

struct stm_arena_block;
struct stm_arena {
    struct stm_arena_block *head; /* zero-initialise; release frees every block */
};

/* 16-byte aligned, zeroed; NULL when memory is out. */
void *stm_arena_alloc(struct stm_arena *a, size_t n);
/* A terminated copy of s[0..n). */
char *stm_arena_strndup(struct stm_arena *a, const char *s, size_t n);
char *stm_arena_printf(struct stm_arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void stm_arena_release(struct stm_arena *a);

#endif
