/* Refs: one small text file each.
 *
 *   stemma ref 1
 *   xxh3-128 <32 hex>
 *   check <16 hex>
 *
 * The check is XXH64, seed 0, of the name, a newline, and the two lines before, so that a file
 * under another ref's name is noticed. */
#ifndef STEMMA_STORE_REFS_H
#define STEMMA_STORE_REFS_H

#include "stemma/store.h"

enum { STM_REF_NAME_MAX = 120 };

bool stm_ref_is_name(const char *name);
/* Moves a ref from `old` (NULL: it must not exist) to `now`, durably. Two fsyncs. STM_E_CONFLICT,
 * STM_E_DAMAGED when what is there cannot be read, and those of the file system. */
int stm_ref_swap(struct stm_store *s, const char *name, const struct stm_id *old,
                 const struct stm_id *now, struct stm_err *err);
/* The names, sorted, of the files in refs/ that can be refs. */
struct stm_ref_names {
    char (*name)[STM_REF_NAME_MAX + 1];
    size_t n, cap;
    const char *prefix;
};
int stm_ref_names_list(struct stm_ref_names *l, struct stm_store *s, const char *prefix,
                       struct stm_err *err);
void stm_ref_names_release(struct stm_ref_names *l);

#endif
