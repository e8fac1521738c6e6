/* Names of tensors in a buffer of fixed size: "a, b, c", or "a, b and 37 more" where not all of
 * them fit. */
#ifndef STEMMA_RUN_LIST_H
#define STEMMA_RUN_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct stm_list {
    char *out; /* [size] */
    size_t size;
    size_t at, cut;     /* what is written; up to where there is room for "and N more" */
    unsigned n, at_cut; /* names: all that were added; those before the cut */
};

/* Start with {.out = out, .size = size} and out[0] = 0; sizes of 32 and more. */
void stm_list_add(struct stm_list *l, const char *name);
/* Once, after the last name. */
void stm_list_end(struct stm_list *l);

#endif
