/* Whole files. */
#ifndef STEMMA_BASE_FILE_H
#define STEMMA_BASE_FILE_H

#include "base/buf.h"
#include "stemma/err.h"

enum { STM_FILE_MAX = 64 << 20 }; /* bytes; more is not a file that anybody wrote by hand */

/* Appends the bytes of the file at `path` to `out`. STM_E_NOTFOUND, STM_E_IO, STM_E_NOMEM;
 * STM_E_INVALID for a directory or a file of more than STM_FILE_MAX bytes. */
int stm_file_read(const char *path, struct stm_buf *out, struct stm_err *err);

/* The same from a descriptor, which stays open; `name` is what messages call it. */
int stm_file_read_fd(int fd, const char *name, struct stm_buf *out, struct stm_err *err);

/* Puts `text` in the place of what `path`, or the link there, leads to: whole or not at all, with
 * the mode that it had. Refused, with the file as it was: what is no regular file or has more names
 * (STM_E_INVALID), a read-only file (STM_E_READONLY). */
int stm_file_replace(const char *path, const struct stm_buf *text, struct stm_err *err);

#endif
