/* Text as UTF-8. */
#ifndef STEMMA_BASE_UTF8_H
#define STEMMA_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The code point at the start of s[0..n), n > 0, goes to *u; returns its bytes, or 0 when they are
 * not UTF-8 (overlong forms, surrogates and what is above U+10FFFF are not). */
unsigned stm_utf8_get(const void *s, size_t n, uint32_t *u);

/* Columns that s[0..n) takes in a terminal when every code point takes one; a byte that is no UTF-8
 * counts as one. */
size_t stm_utf8_columns(const void *s, size_t n);

#endif
