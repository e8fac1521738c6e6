/* Whole files. */
#ifndef STEMMA_BASE_FILE_H
#define STEMMA_BASE_FILE_H

#include "base/buf.h"
#include "stemma/err.h"

enum { STM_FILE_MAX = 64 << 20 }; /* bytes; more is not a file that anybody wrote by hand */

/* Appends the bytes of the file at `path` to `out`. STM_E_NOTFOUND, STM_E_IO, STM_E_NOMEM;
 * STM_E_INVALID for a directory or a file of more than STM_FILE_MAX bytes. */
int stm_file_read(const char *path, struct stm_buf *out, struct stm_err *err);

#endif
