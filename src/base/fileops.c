#define _GNU_SOURCE /* F_OFD_SETLK, which POSIX has since 2024 */
#include "base/fileops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int posix_open(const char *path, int flags, unsigned mode)
{
    return open(path, flags, (mode_t)mode);
}
static int posix_mkdir(const char *path, unsigned mode) { return mkdir(path, (mode_t)mode); }
static int posix_fstat(int fd, struct stat *st) { return fstat(fd, st); }

static int posix_lock_byte(int fd, off_t at)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &l);
}

const struct stm_fileops stm_fileops_posix = {
    .open = posix_open,
    .close = close,
    .read = read,
    .pread = pread,
    .write = write,
    .fsync = fsync,
    .fstat = posix_fstat,
    .flock = flock,
    .lock_byte = posix_lock_byte,
    .link = link,
    .rename = rename,
    .unlink = unlink,
    .mkdir = posix_mkdir,
    .opendir = opendir,
    .readdir = readdir,
    .closedir = closedir,
};

static const struct stm_fileops *current = &stm_fileops_posix;

const struct stm_fileops *stm_fileops_current(void) { return current; }

const struct stm_fileops *stm_fileops_install(const struct stm_fileops *ops)
{
    const struct stm_fileops *before = current;
    current = ops ? ops : &stm_fileops_posix;
    return before;
}

int stm_fd_open(const char *path, int flags, unsigned mode)
{
    int fd;
    do fd = current->open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* Not restarted: on Linux the descriptor is gone after EINTR, and what has to be durable was
 * synced before it is closed. */
void stm_fd_close(int fd)
{
    int e = errno;
    if (fd >= 0) current->close(fd);
    errno = e;
}

int stm_fd_write(int fd, const void *p, size_t n)
{
    const unsigned char *at = p;
    while (n) {
        ssize_t w = current->write(fd, at, n);
        if (w < 0) {
            if (errno == EINTR) continue;
            return -1;
        }
        if (w == 0) { /* POSIX leaves this open for n > 0; without it a full device could spin */
            errno = ENOSPC;
            return -1;
        }
        at += w;
        n -= (size_t)w;
    }
    return 0;
}

ssize_t stm_fd_read(int fd, void *p, size_t n)
{
    ssize_t r;
    do r = current->read(fd, p, n);
    while (r < 0 && errno == EINTR);
    return r;
}

ssize_t stm_fd_pread(int fd, void *p, size_t n, uint64_t at)
{
    size_t got = 0;
    if (at > INT64_MAX - n) return 0;
    while (got < n) {
        ssize_t r = current->pread(fd, (unsigned char *)p + got, n - got, (off_t)(at + got));
        if (r < 0) {
            if (errno == EINTR) continue;
            return -1;
        }
        if (r == 0) break;
        got += (size_t)r;
    }
    return (ssize_t)got;
}

int stm_fd_size(int fd, uint64_t *bytes)
{
    struct stat st;
    if (current->fstat(fd, &st)) return -1;
    *bytes = (uint64_t)st.st_size;
    return 0;
}

int stm_fd_lock(int fd, int op)
{
    int r;
    do r = current->flock(fd, op);
    while (r && errno == EINTR);
    return r;
}

int stm_fd_lock_byte(int fd, uint64_t at)
{
    int r;
    do r = current->lock_byte(fd, (off_t)at);
    while (r < 0 && errno == EINTR);
    return r;
}

int stm_dir_sync(const char *path)
{
    int fd = stm_fd_open(path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) return -1;
    int r = current->fsync(fd);
    stm_fd_close(fd);
    return r;
}

int stm_dir_each(const char *path, int (*each)(void *ctx, const char *name), void *ctx)
{
    DIR *d = current->opendir(path);
    if (!d) return -1;
    int r = 0;
    for (;;) {
        errno = 0;
        struct dirent *e = current->readdir(d);
        if (!e) {
            if (errno) r = -1;
            break;
        }
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        r = each(ctx, e->d_name);
        if (r) break;
    }
    int saved = errno;
    current->closedir(d);
    errno = saved;
    return r;
}
