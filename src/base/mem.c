#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20, HUGE_FROM = 1 << 20 };

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

/* Rounded up to whole alignments; 0 when that overflows. */
static size_t whole(size_t n, size_t align)
{
    return n > SIZE_MAX - align ? 0 : (n + !n + align - 1) / align * align;
}

void *stm_aligned_calloc(size_t n)
{
    const size_t align = n < HUGE_FROM ? 64 : HUGE_PAGE, size = whole(n, align);
    if (refuse() || !size) return NULL;
    void *p = aligned_alloc(align, size);
    if (!p) return NULL;
#ifdef MADV_HUGEPAGE
    if (align == HUGE_PAGE) madvise(p, size, MADV_HUGEPAGE); /* refused: pages of the usual size */
#endif
    return memset(p, 0, n);
}
