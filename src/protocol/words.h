/* The words that there are, for messages that list them. */
#ifndef STEMMA_PROTOCOL_WORDS_H
#define STEMMA_PROTOCOL_WORDS_H

#include "protocol/ctx.h"

enum pr_list {
    PR_TASKS,
    PR_MODELS,
    PR_OPTIMIZERS,
    PR_LOSSES,
    PR_SETTINGS,
    PR_METRICS,
    PR_HOLDS,
    PR_GROUPS,
    PR_FUNCTIONS,
    PR_VERBS,
    PR_STATEMENTS
};

/* "modular_add, modular_sub" */
void pr_put_list(struct stm_buf *b, const struct stm_vocab *v, enum pr_list list);
/* The same as a note of a diagnostic. */
void pr_note_list(struct ctx *c, struct stm_diag *d, const struct stm_vocab *v, enum pr_list list);

#endif
