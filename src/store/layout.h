/* The directory of a store: what is in it, how it comes to be, and its locks.
 *
 *   format    text: "stemma store", "version 1"; written last, so its presence means complete
 *   packs/    <32 hex>.pack, and .tmp-<32 hex> while being written (its writer holds a flock on it)
 *   refs/     one file a ref, and .tmp while one is being written (under locks/refs)
 *   locks/    empty files to flock: init, gc (shared by every transaction), refs (moving a ref)
 *   trash/    what gc has taken out
 */
#ifndef STEMMA_STORE_LAYOUT_H
#define STEMMA_STORE_LAYOUT_H

#include "stemma/store.h"

enum {
    STM_FORMAT_VERSION = 1,
    STM_DIR_MAX = 3800,              /* characters of a store's path */
    STM_PATH_MAX = STM_DIR_MAX + 296 /* of any path inside: the names are bounded */
};

/* "dir/sub/name", or "dir/sub" when name is NULL. */
char *stm_path(char path[STM_PATH_MAX], const char *dir, const char *sub, const char *name);

/* 0: a store of a known version. STM_E_NOTFOUND: nothing here, or a half-made store.
 * STM_E_FORMAT: something else, or newer. */
int stm_layout_check(const char *dir, struct stm_err *err);
/* Makes a store of an absent, empty or half-made directory; fine when another process does the
 * same at the same time. Same errors as check, and those of the file system. */
int stm_layout_create(const char *dir, struct stm_err *err);

/* Opens and flocks dir/locks/name; `op` is LOCK_SH or LOCK_EX. Released by stm_fd_close. */
int stm_lock_take(int *fd, const char *dir, const char *name, int op, struct stm_err *err);

#endif
