/* What one check or one format run works with: memory, files, diagnostics.
 *
 * Memory: everything comes from two arenas, one that goes with the plan and one that goes with the
 * diagnostics. A failed allocation jumps to `nomem`, as in Lua, so that the grammar and the rules
 * below read without error plumbing; nothing outside the arenas and `scratch` is held across calls.
 */
#ifndef STEMMA_PROTOCOL_CTX_H
#define STEMMA_PROTOCOL_CTX_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "stemma/protocol.h"

enum {
    PR_MAX_BYTES = 4 << 20,   /* a source file */
    PR_MAX_DEPTH = 64,        /* of blocks and of brackets */
    PR_MAX_OPERATORS = 1000,  /* in one expression: bounds the depth of its tree */
    PR_MAX_IMPORTS = 16,      /* depth */
    PR_MAX_NODES = 10000,     /* instances of arms */
    PR_MAX_STATEMENTS = 1000, /* in one arm or table: they are compared with each other */
    PR_MAX_ARGUMENTS = 10000, /* of a call, elements of a list */
    PR_MAX_SEED = 1000000,
    PR_MAX_DIAGS = 20
};

/* A growable array in an arena. */
struct vec {
    void *p;
    unsigned n, cap;
};

/* Names to numbers; open addressing, grows. Keys are borrowed. */
struct map_slot {
    const char *key;
    int value;
};
struct map {
    struct map_slot *slots;
    unsigned n, cap;
};

struct ctx {
    struct stm_arena *plan_arena, *diag_arena;
    jmp_buf nomem;
    struct vec files; /* struct stm_source_file, in diag_arena */
    struct vec diags; /* struct stm_diag, in diag_arena */
    struct map seen;  /* code and place of every diagnostic: an instance does not repeat it */
    unsigned errors;
    struct stm_diag nowhere; /* stands in for a diagnostic that is not kept */
    struct stm_buf scratch;  /* text being built or read; released by the owner of the ctx */
    const struct stm_check_options *options;
};

void *pr_alloc(struct ctx *c, size_t n);
char *pr_strndup(struct ctx *c, const char *s, size_t n);
char *pr_printf(struct ctx *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));
void pr_nomem(struct ctx *c) __attribute__((noreturn));

/* A new zeroed element at the end; old pointers into the array die. */
void *pr_push(struct ctx *c, struct vec *v, size_t size);

/* The value of `key`, or -1. */
int pr_map_get(const struct map *m, const char *key);
void pr_map_put(struct ctx *c, struct map *m, const char *key, int value);

/* Text in `scratch` from `mark` on, moved to the plan's arena; scratch is cut back to `mark`. So
 * printers can nest. */
const char *pr_scratch_take(struct ctx *c, size_t mark);

/* The shortest decimal that reads back as x; see stm_buf_number. */
const char *pr_number_text(struct ctx *c, double x);
/* The canonical text of an expression. */
const char *pr_expr_text(struct ctx *c, const struct stm_expr *e);

/* ---- diagnostics ---- */

/* Adds a diagnostic and returns it, to be given a label, notes and help; never NULL. */
struct stm_diag *pr_diag(struct ctx *c, const char *code, struct stm_span at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void pr_label(struct ctx *c, struct stm_diag *d, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void pr_help(struct ctx *c, struct stm_diag *d, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void pr_note(struct ctx *c, struct stm_diag *d, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void pr_note_at(struct ctx *c, struct stm_diag *d, struct stm_span at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The words of `s` from column `indent` on, where every further line begins too; none is longer
 * than `width` (0: one line) unless a word is. */
void pr_put_words(struct stm_buf *b, const char *s, unsigned indent, unsigned width);
/* Source order, at most PR_MAX_DIAGS errors, "and N more". */
void pr_diags_finish(struct ctx *c, struct stm_diags *out);

/* Runs `body`, and turns a failed allocation in it into STM_E_NOMEM. Fills `diags`. */
int pr_guard(struct ctx *c, struct stm_diags *diags, void (*body)(struct ctx *, void *), void *arg);

/* codes.c */
struct pr_code {
    const char *code, *title, *text;
};
const struct pr_code *pr_code_find(const char *code);

#endif
