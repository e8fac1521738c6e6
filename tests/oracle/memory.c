/* Memory that lives until the end of the program, or until a mark. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

static struct {
    void **p;
    size_t n, cap;
} blocks;

void oracle_die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "stemma_oracle: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    exit(2);
}

void oracle_refused(const struct stm_err *err)
{
    fprintf(stderr, "stemma_oracle: the engine refuses: %s\n", err->msg);
    exit(3);
}

void *oracle_alloc(size_t n)
{
    if (blocks.n == blocks.cap) {
        blocks.cap = blocks.cap ? 2 * blocks.cap : 1024;
        blocks.p = realloc(blocks.p, blocks.cap * sizeof *blocks.p);
        if (!blocks.p) oracle_die("out of memory");
    }
    void *p = calloc(1, n ? n : 1);
    if (!p) oracle_die("out of memory");
    blocks.p[blocks.n++] = p;
    return p;
}

size_t oracle_mark(void) { return blocks.n; }

void oracle_release(size_t mark)
{
    while (blocks.n > mark) free(blocks.p[--blocks.n]);
    if (mark > 0) return;
    free(blocks.p);
    blocks.p = NULL;
    blocks.cap = 0;
}
