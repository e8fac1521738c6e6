/* Words of the form name, name(ARG), name(ARG, FIELD OP NUMBER): metrics, holds, edit targets. */
#ifndef STEMMA_ENGINE_CALL_H
#define STEMMA_ENGINE_CALL_H

#include <stdbool.h>
#include <stddef.h>

enum stm_op { STM_OP_GE, STM_OP_LE, STM_OP_GT, STM_OP_LT, STM_OPS };
extern const char *const stm_op_names[STM_OPS]; /* ">=" ... */

/* A word of a text, not terminated: letters, digits, _ and dots. n is 0 where there is none. */
struct stm_word {
    const char *p;
    size_t n;
};
bool stm_word_is(struct stm_word w, const char *text);
/* A word as the two arguments of "%.*s". */
#define STM_WORD_ARG(w) (int)(w).n, (w).p

struct stm_call {
    struct stm_word name, arg, field; /* arg and field may be empty */
    int op;                           /* enum stm_op, or -1 without a condition */
    double bound;
};

/* Reads `text`, which must outlive the words; blanks between words do not matter. False when it has
 * another form or the number is not finite. */
bool stm_call_parse(struct stm_call *out, const char *text);

/* NAME, NAME(ARG, ...) or NAME(rows(ARG)). */
struct stm_quantity {
    struct stm_word name;
    const char *args; /* for stm_quantity_next */
    size_t n;         /* arguments */
    bool rows;
};
bool stm_quantity_parse(struct stm_quantity *out, const char *text);
/* The argument at *at, which begins as q->args; *at moves to the next. Up to q->n times. */
struct stm_word stm_quantity_next(const char **at);

enum { STM_NUMBER_TEXT = 32 };
/* The shortest decimal text, up to 17 digits, that reads back to `v`. */
void stm_number_text(char out[STM_NUMBER_TEXT], double v);

#endif
