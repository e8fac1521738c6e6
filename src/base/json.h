/* The one place that writes a JSON string. */
#ifndef STEMMA_BASE_JSON_H
#define STEMMA_BASE_JSON_H

#include "base/buf.h"

/* Appends `s` quoted and escaped. A document is UTF-8 (RFC 8259) whatever a file's name or title
 * is: each byte that is none becomes U+FFFD. */
void stm_json_string(struct stm_buf *b, const char *s);

#endif
