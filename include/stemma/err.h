/* Errors, as every room of stemma reports them.
 *
 * A function that can fail returns 0, or one of the negative codes below, and
 * fills the caller's `struct stm_err` (its last argument, which may be NULL).
 * The message can be printed as it is, after "stemma: ": what failed, on what,
 * why, and where there is something to do, what to do. Programming mistakes are
 * asserted, not reported.
 *
 * Threads: a `struct stm_err` belongs to one caller; nothing here is global.
 */
#ifndef STEMMA_ERR_H
#define STEMMA_ERR_H

enum stm_code {
    STM_OK = 0,
    STM_E_NOMEM = -1,     /* an allocation failed */
    STM_E_USAGE = -2,     /* the caller's words are wrong: unknown address, bad flag, wrong file */
    STM_E_IO = -3,        /* the operating system refused a read, write, sync or rename */
    STM_E_NOSPACE = -4,   /* no space or quota left; nothing that was acknowledged is lost */
    STM_E_NOTFOUND = -5,  /* no such object, ref, address or file */
    STM_E_EXISTS = -6,    /* what had to be new is there already */
    STM_E_CONFLICT = -7,  /* a compare-and-swap lost to another writer; read again and retry */
    STM_E_DAMAGED = -8,   /* stored bytes do not match their id, their hash or their format */
    STM_E_COLLISION = -9, /* two different payloads have one id: never overwritten, always loud */
    STM_E_FORMAT = -10,   /* a store or file of a newer or foreign format */
    STM_E_INVALID = -11,  /* a value outside its domain, a plan that cannot be run */
    STM_E_PROFILE = -12,  /* recorded under another numerics profile: cannot judge */
    STM_E_MISMATCH = -13, /* two results that had to be equal are not */
    STM_E_INTERRUPTED = -14, /* stopped on request, with everything so far saved */
    STM_E_ENGINE = -15,      /* the numerics could not be set up (no BLAS library, unknown core) */
    STM_E_READONLY = -16 /* a write to a store that was opened for reading or cannot be written */
};

struct stm_err {
    int code;      /* 0 or an enum stm_code */
    char msg[256]; /* one line, no newline at the end, always terminated */
};

/* The name of `code` in lower case ("no space"); "unknown error" for others. Static storage. */
const char *stm_code_name(int code);

#endif
