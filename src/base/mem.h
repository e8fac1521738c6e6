/* Allocation. Every allocation of the library goes through here, so that a test can make the
 * n-th one fail. All return NULL on failure; the caller reports STM_E_NOMEM. */
#ifndef STEMMA_BASE_MEM_H
#define STEMMA_BASE_MEM_H

#include <stddef.h>

void *stm_malloc(size_t n);
void *stm_calloc(size_t count, size_t size); /* zeroed; NULL when count * size overflows */
void *stm_realloc(void *p, size_t n);
char *stm_strdup(const char *s);
void stm_free(void *p);

/* 64-byte aligned and zeroed; freed with stm_free. From 1 MB on it takes whole huge pages of 2 MB,
 * if it can get them: the arrays of a trainer fill the second cache, and in scattered small pages
 * they would push each other out of it. */
void *stm_aligned_calloc(size_t n);

/* Test hook: the n-th allocation from now on fails (1 = the next), and so do all after it until
 * it is set again; 0 turns it off. Returns how many allocations were made since the last call. */
unsigned long stm_mem_fail_after(unsigned long n);

#endif
