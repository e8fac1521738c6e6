#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/fileops.h"

/* Reads to the end, and never at a position: a pipe has none, and a growing file no size to trust.
 */
static int read_all(int fd, const char *path, struct stm_buf *out, struct stm_err *err)
{
    unsigned char part[16384];
    for (size_t total = 0;;) {
        ssize_t r = stm_fd_read(fd, part, sizeof part);
        if (r < 0) return stm_fail_errno(err, errno, "cannot read %s", path);
        if (!r) break;
        total += (size_t)r;
        if (total > STM_FILE_MAX)
            return stm_fail(err, STM_E_INVALID, "cannot read %s: more than %d MiB", path,
                            STM_FILE_MAX >> 20);
        stm_buf_put(out, part, (size_t)r);
    }
    return out->failed ? stm_fail(err, STM_E_NOMEM, "cannot read %s: out of memory", path) : 0;
}

int stm_file_read_fd(int fd, const char *name, struct stm_buf *out, struct stm_err *err)
{
    struct stat st;
    if (stm_fileops_current()->fstat(fd, &st))
        return stm_fail_errno(err, errno, "cannot read %s", name);
    if (S_ISDIR(st.st_mode))
        return stm_fail(err, STM_E_INVALID, "cannot read %s: it is a directory", name);
    return read_all(fd, name, out, err);
}

int stm_file_read(const char *path, struct stm_buf *out, struct stm_err *err)
{
    int fd = stm_fd_open(path, O_RDONLY, 0);
    if (fd < 0) return stm_fail_errno(err, errno, "cannot open %s", path);
    int rc = stm_file_read_fd(fd, path, out, err);
    stm_fd_close(fd);
    return rc;
}

/* Beside the file, so that it is on the same file system. */
static int temporary(const char *real, char *tmp, size_t n)
{
    const char *slash = strrchr(real, '/');
    int dir = slash ? (int)(slash - real) : 0;
    return snprintf(tmp, n, "%.*s/.stemma-fmt.%ld", dir, real, (long)getpid()) < (int)n ? 0 : -1;
}

static int write_new(const char *tmp, const struct stm_buf *text, mode_t mode)
{
    int fd = stm_fd_open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600), bad;
    if (fd < 0) return -1;
    bad =
        stm_fd_write(fd, text->p, text->n) || fchmod(fd, mode) || stm_fileops_current()->fsync(fd);
    stm_fd_close(fd);
    return bad ? -1 : 0;
}

/* What the path leads to, or why it is not replaced. */
static int find_target(const char *path, char **real, struct stat *st, struct stm_err *err)
{
    *real = realpath(path, NULL);
    if (!*real || stat(*real, st)) return stm_fail_errno(err, errno, "cannot write %s", path);
    if (!S_ISREG(st->st_mode))
        return stm_fail(err, STM_E_INVALID, "cannot write %s: it is no regular file", path);
    if (!(st->st_mode & 0222))
        return stm_fail(err, STM_E_READONLY, "cannot write %s: the file is read-only", path);
    if (st->st_nlink > 1)
        return stm_fail(err, STM_E_INVALID,
                        "cannot write %s: it has %lu names (hard links), which replacing it would "
                        "separate",
                        path, (unsigned long)st->st_nlink);
    return 0;
}

int stm_file_replace(const char *path, const struct stm_buf *text, struct stm_err *err)
{
    char tmp[4096], *real;
    struct stat st;
    int rc = find_target(path, &real, &st, err);
    if (!rc && temporary(real, tmp, sizeof tmp))
        rc = stm_fail(err, STM_E_INVALID, "cannot write %s: its path is too long", path);
    if (!rc &&
        (write_new(tmp, text, st.st_mode & 07777) || stm_fileops_current()->rename(tmp, real))) {
        rc = stm_fail_errno(err, errno, "cannot write %s", path);
        stm_fileops_current()->unlink(tmp);
    }
    free(real);
    return rc;
}
