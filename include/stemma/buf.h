/* Growable text, as functions that produce text fill it.
 *
 * Start with all zeros (`struct stm_buf text = {0};`), pass it to any function that takes one,
 * read it with stm_buf_text, free it with stm_buf_release. A failed allocation is remembered in
 * `failed` and later puts do nothing, so a writer checks once at the end.
 *
 * Threads: a buffer belongs to one caller. Ownership: its memory belongs to the buffer.
 */
#ifndef STEMMA_BUF_H
#define STEMMA_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct stm_buf {
    unsigned char *p; /* owned; NULL when empty */
    size_t n, cap;
    bool failed;
};

void stm_buf_release(struct stm_buf *b);
void stm_buf_clear(struct stm_buf *b); /* keeps the memory, forgets the bytes and the failure */
void stm_buf_put(struct stm_buf *b, const void *p, size_t n);
void stm_buf_printf(struct stm_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Terminates the bytes (the 0 is not counted in n) and returns them; "" when empty or failed. */
const char *stm_buf_text(struct stm_buf *b);

#endif
