#include "store/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/fail.h"
#include "base/fileops.h"

static const char format_text[] = "stemma store\nversion 1\n";
static const char format_head[] = "stemma store\nversion ";

/* What may be beside a store: version control's files, the golden stores of stemma's own working
 * copy (whose default store is the directory around them), the root of a fresh file system. */
static const char *const neighbours[] = {".gitignore", ".gitkeep", "golden", "lost+found"};
static const char *const own_names[] = {"packs",       "refs",  "locks",     "trash",
                                        ".format.tmp", "index", ".index.tmp"};

char *stm_path(char path[STM_PATH_MAX], const char *dir, const char *sub, const char *name)
{
    snprintf(path, STM_PATH_MAX, name ? "%s/%s/%s" : "%s/%s", dir, sub, name);
    return path;
}

static bool in_list(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(name, list[i])) return true;
    return false;
}

enum { LOOK_NEIGHBOURS = 1, LOOK_OWN = 2, LOOK_LOCKS = 4, LOOK_FOREIGN = 8 };

static int look_at(void *ctx, const char *name)
{
    unsigned *seen = ctx;
    if (in_list(name, neighbours, sizeof neighbours / sizeof *neighbours))
        *seen |= LOOK_NEIGHBOURS;
    else if (!strcmp(name, "locks"))
        *seen |= LOOK_LOCKS;
    else if (in_list(name, own_names, sizeof own_names / sizeof *own_names))
        *seen |= LOOK_OWN;
    else
        *seen |= LOOK_FOREIGN;
    return 0;
}

static int look_in_locks(void *ctx, const char *name)
{
    unsigned *seen = ctx;
    *seen |= strcmp(name, "init") ? LOOK_FOREIGN : LOOK_OWN;
    return 0;
}

/* Is a directory without `format` absent, empty, or a store whose maker was stopped? The file
 * locks/init is made before everything else, so it tells our own half-made store from a foreign
 * directory that happens to use these names. *foreign is set when it is neither. */
static int look(const char *dir, bool *foreign, struct stm_err *err)
{
    unsigned seen = 0, locks = 0;
    char path[STM_PATH_MAX];
    *foreign = false;
    if (stm_dir_each(dir, look_at, &seen)) {
        if (errno == ENOENT) return 0;
        if (errno == ENOTDIR) {
            *foreign = true;
            return 0;
        }
        return stm_fail_errno(err, errno, "cannot read directory %s", dir);
    }
    if (seen & LOOK_LOCKS &&
        stm_dir_each(stm_path(path, dir, "locks", NULL), look_in_locks, &locks))
        return stm_fail_errno(err, errno, "cannot read directory %s", path);
    bool ours = locks & LOOK_OWN;
    *foreign = seen & LOOK_FOREIGN || (!ours && (seen & LOOK_OWN || locks));
    return 0;
}

static int refuse(const char *dir, struct stm_err *err)
{
    return stm_fail(err, STM_E_FORMAT,
                    "%.120s is not a stemma store: it holds other files; choose an empty directory",
                    dir);
}

/* Reads `format`. STM_E_NOTFOUND when there is none. */
static int read_format(const char *dir, struct stm_err *err)
{
    char path[STM_PATH_MAX], text[64];
    int fd = stm_fd_open(stm_path(path, dir, "format", NULL), O_RDONLY, 0);
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return stm_fail(err, STM_E_NOTFOUND, "no store at %.200s", dir);
        return stm_fail_errno(err, errno, "cannot open %.180s", path);
    }
    ssize_t n = stm_fd_pread(fd, text, sizeof text - 1, 0);
    int e = errno;
    stm_fd_close(fd);
    if (n < 0) return stm_fail_errno(err, e, "cannot read %.180s", path);
    text[n] = 0;
    if (!strcmp(text, format_text)) return 0;
    size_t head = sizeof format_head - 1;
    char *end;
    unsigned long version = strncmp(text, format_head, head) ? 0 : strtoul(text + head, &end, 10);
    if (version > STM_FORMAT_VERSION && !strcmp(end, "\n"))
        return stm_fail(err, STM_E_FORMAT,
                        "store format %lu is newer than this stemma, which knows %d: %.120s",
                        version, STM_FORMAT_VERSION, dir);
    return stm_fail(err, STM_E_FORMAT, "%.160s is not the format file of a stemma store", path);
}

int stm_layout_check(const char *dir, struct stm_err *err)
{
    int rc = read_format(dir, err);
    if (rc != STM_E_NOTFOUND) return rc;
    bool foreign;
    int looked = look(dir, &foreign, err);
    if (looked) return looked;
    /* A creator may have finished while we looked. */
    return foreign && read_format(dir, err) == STM_E_NOTFOUND ? refuse(dir, err)
                                                              : read_format(dir, err);
}

static int make_dir(const char *path, struct stm_err *err)
{
    if (stm_fileops_current()->mkdir(path, 0777) && errno != EEXIST)
        return stm_fail_errno(err, errno, "cannot make directory %.180s", path);
    return 0;
}

static int sync_dir(const char *path, struct stm_err *err)
{
    if (stm_dir_sync(path)) return stm_fail_errno(err, errno, "cannot sync directory %.180s", path);
    return 0;
}

/* Makes the name of `dir` in its parent durable. A parent that may be entered but not read cannot
 * be synced; the store is used nevertheless. */
static int sync_parent(const char *dir, struct stm_err *err)
{
    char path[STM_PATH_MAX];
    snprintf(path, sizeof path, "%s", dir);
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') path[--n] = 0;
    char *slash = strrchr(path, '/');
    if (!slash)
        strcpy(path, ".");
    else
        slash[slash == path] = 0;
    if (stm_dir_sync(path) && errno != EACCES)
        return stm_fail_errno(err, errno, "cannot sync directory %.180s", path);
    return 0;
}

static int write_format(const char *dir, struct stm_err *err)
{
    char tmp[STM_PATH_MAX], path[STM_PATH_MAX];
    stm_path(tmp, dir, ".format.tmp", NULL);
    stm_path(path, dir, "format", NULL);
    int fd = stm_fd_open(tmp, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0) return stm_fail_errno(err, errno, "cannot make %.180s", tmp);
    int bad =
        stm_fd_write(fd, format_text, sizeof format_text - 1) || stm_fileops_current()->fsync(fd);
    stm_fd_close(fd);
    if (bad || stm_fileops_current()->rename(tmp, path)) {
        int e = errno;
        stm_fileops_current()->unlink(tmp);
        return stm_fail_errno(err, e, "cannot write %.180s", path);
    }
    return 0;
}

/* Under locks/init. The subdirectories are durable before `format` says that they are there. */
static int fill(const char *dir, struct stm_err *err)
{
    static const char *const dirs[] = {"packs", "refs", "trash"};
    static const char *const locks[] = {"gc", "refs"};
    char path[STM_PATH_MAX];
    int rc = sync_parent(dir, err);
    for (size_t i = 0; !rc && i < sizeof dirs / sizeof *dirs; i++)
        rc = make_dir(stm_path(path, dir, dirs[i], NULL), err);
    for (size_t i = 0; !rc && i < sizeof locks / sizeof *locks; i++) {
        int fd = stm_fd_open(stm_path(path, dir, "locks", locks[i]), O_RDWR | O_CREAT, 0666);
        if (fd < 0) rc = stm_fail_errno(err, errno, "cannot make %.180s", path);
        stm_fd_close(fd);
    }
    if (!rc) rc = sync_dir(stm_path(path, dir, "locks", NULL), err);
    if (!rc) rc = sync_dir(dir, err);
    if (!rc) rc = write_format(dir, err);
    if (!rc) rc = sync_dir(dir, err);
    return rc;
}

int stm_layout_create(const char *dir, struct stm_err *err)
{
    char path[STM_PATH_MAX];
    int lock = -1, rc = stm_layout_check(dir, err);
    if (rc != STM_E_NOTFOUND) return rc;
    rc = make_dir(dir, err);
    if (!rc) rc = make_dir(stm_path(path, dir, "locks", NULL), err);
    if (!rc) rc = stm_lock_take(&lock, dir, "init", LOCK_EX, err);
    if (rc) return rc;
    rc = read_format(dir, err); /* another creator may have been first */
    if (rc == STM_E_NOTFOUND) rc = fill(dir, err);
    stm_fd_close(lock);
    return rc;
}

/* O_CREAT, because a store that was copied may have lost its empty files. Lock files are never
 * removed, so two processes that make one at once get the same file. */
int stm_lock_take(int *fd, const char *dir, const char *name, int op, struct stm_err *err)
{
    char path[STM_PATH_MAX];
    *fd = stm_fd_open(stm_path(path, dir, "locks", name), O_RDWR | O_CREAT, 0666);
    if (*fd < 0) return stm_fail_errno(err, errno, "cannot open lock %.180s", path);
    if (!stm_fd_lock(*fd, op)) return 0;
    int rc = stm_fail_errno(err, errno, "cannot take lock %.180s", path);
    stm_fd_close(*fd);
    *fd = -1;
    return rc;
}
