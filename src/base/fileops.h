/* The one table of file operations.
 *
 * Everything the store does to a file system goes through the installed table, so that a test can
 * make the n-th call fail, count the fsyncs, or cut the power at any of them. The functions in the
 * table follow POSIX: -1 or NULL and errno. The stm_fd_ and stm_dir_ functions below add what every
 * caller needs: restart after EINTR, short reads and writes.
 *
 * Threads: the table is global to the process and is changed by tests only; a process of stemma
 * has one thread. */
#ifndef STEMMA_BASE_FILEOPS_H
#define STEMMA_BASE_FILEOPS_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct stm_fileops {
    int (*open)(const char *path, int flags, unsigned mode);
    int (*close)(int fd);
    ssize_t (*read)(int fd, void *p, size_t n);
    ssize_t (*pread)(int fd, void *p, size_t n, off_t at);
    ssize_t (*write)(int fd, const void *p, size_t n);
    int (*fsync)(int fd);
    int (*fstat)(int fd, struct stat *st);
    int (*flock)(int fd, int op);       /* LOCK_SH, LOCK_EX, LOCK_UN, each | LOCK_NB */
    int (*lock_byte)(int fd, off_t at); /* F_OFD_SETLK, exclusive */
    int (*link)(const char *from, const char *to);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*mkdir)(const char *path, unsigned mode);
    DIR *(*opendir)(const char *path);
    struct dirent *(*readdir)(DIR *d);
    int (*closedir)(DIR *d);
};

extern const struct stm_fileops stm_fileops_posix;

const struct stm_fileops *stm_fileops_current(void);
/* Installs `ops` (NULL: the POSIX table), which must outlive its use; returns the one before. */
const struct stm_fileops *stm_fileops_install(const struct stm_fileops *ops);

/* All of these: 0 or a count, or -1 with errno; restarted after EINTR. */
int stm_fd_open(const char *path, int flags, unsigned mode); /* O_CLOEXEC is always added */
void stm_fd_close(int fd);                                   /* -1 is fine; keeps errno */
int stm_fd_write(int fd, const void *p, size_t n);           /* all n bytes */
/* What is there, up to n bytes; 0 at the end. For pipes and terminals as for files. */
ssize_t stm_fd_read(int fd, void *p, size_t n);
/* Reads until n bytes or the end of the file; returns how many. */
ssize_t stm_fd_pread(int fd, void *p, size_t n, uint64_t at);
int stm_fd_size(int fd, uint64_t *bytes);
int stm_fd_lock(int fd, int op);
/* Takes one byte of the file for the open file, at once or not at all (EAGAIN, EACCES). */
int stm_fd_lock_byte(int fd, uint64_t at);

/* Makes the names in directory `path` durable. */
int stm_dir_sync(const char *path);
/* Calls `each` for every name but "." and "..", in the order of the file system. A non-zero result
 * ends the listing and is returned; -1 with errno when the directory cannot be read, so `each`
 * uses positive results. */
int stm_dir_each(const char *path, int (*each)(void *ctx, const char *name), void *ctx);

#endif
