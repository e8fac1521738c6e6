/* Memory cut from one block: with base NULL it only counts. */
#ifndef STEMMA_ENGINE_CARVE_H
#define STEMMA_ENGINE_CARVE_H

#include <stddef.h>

struct stm_carve {
    char *base;
    size_t used;
};
/* `bytes` of it, 64-byte aligned; NULL while counting. */
void *stm_carve_take(struct stm_carve *c, size_t bytes);

#endif
