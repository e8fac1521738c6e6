#include "base/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[] = {
    "ok",
    "out of memory",
    "usage",
    "input/output error",
    "no space",
    "not found",
    "exists",
    "conflict",
    "damaged",
    "hash collision",
    "other format",
    "invalid",
    "other numerics profile",
    "mismatch",
    "interrupted",
    "engine",
    "read-only",
};

const char *stm_code_name(int code)
{
    int i = -code;
    if (i < 0 || i >= (int)(sizeof code_names / sizeof *code_names)) return "unknown error";
    return code_names[i];
}

int stm_fail(struct stm_err *err, int code, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        err->code = code;
        vsnprintf(err->msg, sizeof err->msg, fmt, ap);
        va_end(ap);
    }
    return code;
}

static int code_of_errno(int e)
{
    switch (e) {
    case ENOSPC:
    case EDQUOT: return STM_E_NOSPACE;
    case EROFS:
    case EACCES:
    case EPERM: return STM_E_READONLY;
    case ENOENT: return STM_E_NOTFOUND;
    case ENOMEM: return STM_E_NOMEM;
    default: return STM_E_IO;
    }
}

int stm_fail_errno(struct stm_err *err, int errno_value, const char *fmt, ...)
{
    int code = code_of_errno(errno_value);
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        err->code = code;
        int n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
        va_end(ap);
        if (n >= 0 && (size_t)n < sizeof err->msg)
            snprintf(err->msg + n, sizeof err->msg - (size_t)n, ": %s", strerror(errno_value));
    }
    return code;
}
