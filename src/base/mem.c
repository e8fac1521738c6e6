#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static unsigned long made, fail_at;

static int refuse(void)
{
    made++;
    return fail_at && made >= fail_at;
}

unsigned long stm_mem_fail_after(unsigned long n)
{
    unsigned long before = made;
    made = 0;
    fail_at = n;
    return before;
}

void *stm_malloc(size_t n) { return refuse() ? NULL : malloc(n ? n : 1); }

void *stm_calloc(size_t count, size_t size)
{
    return refuse() ? NULL : calloc(count ? count : 1, size ? size : 1);
}

void *stm_realloc(void *p, size_t n) { return refuse() ? NULL : realloc(p, n ? n : 1); }

char *stm_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = stm_malloc(n);
    return p ? memcpy(p, s, n) : NULL;
}

void stm_free(void *p) { free(p); }

void *stm_aligned_calloc(size_t n)
{
    if (refuse() || n > SIZE_MAX - 63) return NULL;
    n = (n + 63) & ~(size_t)63;
    void *p = aligned_alloc(64, n ? n : 64);
    return p ? memset(p, 0, n ? n : 64) : NULL;
}
