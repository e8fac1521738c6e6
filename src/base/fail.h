/* Filling a struct stm_err. */
#ifndef STEMMA_BASE_FAIL_H
#define STEMMA_BASE_FAIL_H

#include "stemma/err.h"

/* Writes the message, cut at 255 bytes, and returns `code`: `return stm_fail(err, STM_E_USAGE,
 * ...)`. `err` may be NULL. */
int stm_fail(struct stm_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: appends ": " and strerror(errno_value), and chooses between
 * STM_E_NOSPACE (ENOSPC, EDQUOT), STM_E_READONLY (EROFS, EACCES, EPERM), STM_E_NOTFOUND (ENOENT),
 * STM_E_NOMEM (ENOMEM) and STM_E_IO. */
int stm_fail_errno(struct stm_err *err, int errno_value, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
