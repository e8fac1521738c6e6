/* Reservations are locks on single bytes of locks/work, one that the id of the work says, so there
 * is one file however much work there is. They belong to the open file (F_OFD_SETLK): a process has
 * as many as it likes, and they go when it does. Two ids that meet in one byte of 2^62 wait for
 * each other without need. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/fail.h"
#include "base/fileops.h"
#include "store/handle.h"

int stm_reserve(struct stm_reservation *c, struct stm_store *s, const struct stm_id *what,
                struct stm_err *err)
{
    char path[STM_PATH_MAX];
    *c = (struct stm_reservation){.fd = -1, .at = stm_get_le64(what->h) >> 2};
    int fd = stm_fd_open(stm_path(path, s->dir, "locks", "work"), O_RDWR | O_CREAT, 0666);
    if (fd < 0) return stm_fail_errno(err, errno, "cannot open lock %.180s", path);
    if (!stm_fd_lock_byte(fd, c->at)) {
        c->fd = fd;
        return 0;
    }
    int e = errno;
    stm_fd_close(fd);
    if (e != EAGAIN && e != EACCES) return 0; /* no such locks here */
    return stm_fail(err, STM_E_CONFLICT, "another process works on it");
}

void stm_unreserve(struct stm_reservation *c)
{
    stm_fd_close(c->fd);
    c->fd = -1;
}
