/* Words of the form name, name(ARG), name(ARG, FIELD OP NUMBER): metrics, holds, edit targets. */
#ifndef STEMMA_ENGINE_CALL_H
#define STEMMA_ENGINE_CALL_H

#include <stdbool.h>
#include <stddef.h>

enum stm_op { STM_OP_GE, STM_OP_LE, STM_OP_GT, STM_OP_LT, STM_OPS };
extern const char *const stm_op_names[STM_OPS]; /* ">=" ... */

struct stm_call {
    char name[24], arg[24], field[24]; /* arg and field may be "" */
    int op;                            /* enum stm_op, or -1 without a condition */
    double bound;
};

/* Reads `text`; blanks between words do not matter. False when it has another form, a word is too
 * long, or the number is not finite. */
bool stm_call_parse(struct stm_call *out, const char *text);

enum { STM_QUANTITY_ARGS = 8 };
/* NAME, NAME(ARG, ...) or NAME(rows(ARG)). */
struct stm_quantity {
    char name[24], arg[STM_QUANTITY_ARGS][24];
    size_t n;
    bool rows;
};
bool stm_quantity_parse(struct stm_quantity *out, const char *text);

enum { STM_NUMBER_TEXT = 32 };
/* The shortest decimal text, up to 17 digits, that reads back to `v`. */
void stm_number_text(char out[STM_NUMBER_TEXT], double v);

#endif
