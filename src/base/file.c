#include "base/file.h"

#include <errno.h>
#include <fcntl.h>

#include "base/fail.h"
#include "base/fileops.h"

int stm_file_read(const char *path, struct stm_buf *out, struct stm_err *err)
{
    int fd = stm_fd_open(path, O_RDONLY, 0), rc = 0;
    if (fd < 0) return stm_fail_errno(err, errno, "cannot open %s", path);
    struct stat st;
    if (stm_fileops_current()->fstat(fd, &st)) {
        rc = stm_fail_errno(err, errno, "cannot read %s", path);
        goto out;
    }
    if (S_ISDIR(st.st_mode)) {
        rc = stm_fail(err, STM_E_INVALID, "cannot read %s: it is a directory", path);
        goto out;
    }
    /* Read to the end rather than to st_size: a pipe or a growing file has no size to trust. */
    unsigned char part[16384];
    for (uint64_t at = 0;;) {
        ssize_t r = stm_fd_pread(fd, part, sizeof part, at);
        if (r < 0) {
            rc = stm_fail_errno(err, errno, "cannot read %s", path);
            goto out;
        }
        at += (uint64_t)r;
        if (at > STM_FILE_MAX) {
            rc = stm_fail(err, STM_E_INVALID, "cannot read %s: more than %d MiB", path,
                          STM_FILE_MAX >> 20);
            goto out;
        }
        stm_buf_put(out, part, (size_t)r);
        if ((size_t)r < sizeof part) break;
    }
    if (out->failed) rc = stm_fail(err, STM_E_NOMEM, "cannot read %s: out of memory", path);
out:
    stm_fd_close(fd);
    return rc;
}
