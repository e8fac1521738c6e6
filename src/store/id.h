/* Hashes and hex of the store. */
#ifndef STEMMA_STORE_ID_H
#define STEMMA_STORE_ID_H

#include "stemma/store.h"

/* The second hash of an object's raw bytes. Another construction than the id's (XXH64 with a seed
 * of its own), so that two payloads that meet in one do not meet in the other. */
uint64_t stm_hash2_of(const void *p, size_t n);
/* Guards headers, indexes, trailers and refs against rot: XXH64, seed 0. */
uint64_t stm_check_of(const void *p, size_t n);

void stm_hex_put(char *text, const uint8_t *p, size_t n); /* 2n digits and a terminator */
int stm_hex_digit(char c);                                /* -1 when it is none */
/* Exactly 2n digits, then a terminator. */
bool stm_hex_get(uint8_t *p, size_t n, const char *text);

#endif
