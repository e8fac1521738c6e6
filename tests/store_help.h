/* What the tests of the store share: a directory that is removed, a generator of random numbers,
 * and a table of file operations that counts, fails, or cuts the power. */
#ifndef STEMMA_TESTS_STORE_HELP_H
#define STEMMA_TESTS_STORE_HELP_H

#define _XOPEN_SOURCE 700 /* nftw; so this header comes first */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fileops.h"
#include "base/mem.h"
#include "stemma/store.h"

/* ---- directories ---- */

struct tmpdir {
    char path[512];
};

static inline void tmpdir_make(struct tmpdir *t)
{
    const char *base = getenv("TMPDIR");
    snprintf(t->path, sizeof t->path, "%s/stemma-test-XXXXXX", base && *base ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(t->path));
}

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static inline void tmpdir_remove(const struct tmpdir *t)
{
    nftw(t->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void copy_file(const char *from, const char *to)
{
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ck_assert_msg(in >= 0 && out >= 0, "copy %s to %s", from, to);
    char part[4096];
    ssize_t n;
    while ((n = read(in, part, sizeof part)) > 0) ck_assert_int_eq(write(out, part, (size_t)n), n);
    ck_assert_int_eq(n, 0);
    close(in);
    close(out);
}

/* How many files in `dir` have names that start with `prefix` and end with `suffix`; the path of
 * the last one goes to `path`, if that is not NULL. */
static inline unsigned count_files(const char *dir, const char *prefix, const char *suffix,
                                   char *path, size_t cap)
{
    DIR *d = opendir(dir);
    ck_assert_ptr_nonnull(d);
    unsigned n = 0;
    for (struct dirent *e; (e = readdir(d));) {
        size_t len = strlen(e->d_name), s = strlen(suffix);
        if (e->d_name[0] == '.' && prefix[0] != '.') continue;
        if (strncmp(e->d_name, prefix, strlen(prefix))) continue;
        if (len < s || strcmp(e->d_name + len - s, suffix)) continue;
        n++;
        if (path) snprintf(path, cap, "%s/%s", dir, e->d_name);
    }
    closedir(d);
    return n;
}

/* ---- random numbers: splitmix64, so that a printed seed repeats a run anywhere ---- */

static inline uint64_t rnd(uint64_t *s)
{
    uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline void rnd_bytes(uint64_t *s, unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) p[i] = (unsigned char)rnd(s);
}

/* Values like those of a layer: zero mean, mostly below 0.1. */
static inline void rnd_floats(uint64_t *s, float *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float sum = 0;
        for (int k = 0; k < 4; k++) sum += (float)(rnd(s) >> 40) / 16777216.0f - 0.5f;
        p[i] = sum * 0.1f;
    }
}

/* ---- the failing file system ---- */

static struct {
    unsigned long calls, mutations, fsyncs; /* made since fault_start */
    unsigned long fail_call;                /* the number of the call that fails; 0: none */
    unsigned long fail_fsync;               /* the number of the fsync that fails; 0: none */
    unsigned long power_cut;                /* from this mutation on, every call fails; 0: never */
    unsigned long exit_at;                  /* at this mutation the process ends; 0: never */
    int error;                              /* errno of a failing call */
    bool dark;                              /* the power is cut */
} fault;

/* Returns true when this call is to fail. */
static inline bool fault_hit(bool mutates)
{
    fault.calls++;
    if (mutates) fault.mutations++;
    if (mutates && fault.exit_at && fault.mutations == fault.exit_at) _exit(77);
    if (mutates && fault.power_cut && fault.mutations >= fault.power_cut) fault.dark = true;
    bool hit = fault.dark || (fault.fail_call && fault.calls == fault.fail_call);
    if (hit) errno = fault.error;
    return hit;
}

static inline int fault_open(const char *path, int flags, unsigned mode)
{
    return fault_hit(flags & O_CREAT) ? -1 : stm_fileops_posix.open(path, flags, mode);
}
static inline int fault_close(int fd) /* the descriptor is gone even when close reports an error */
{
    bool hit = fault_hit(false);
    int r = stm_fileops_posix.close(fd);
    if (hit) errno = fault.error;
    return hit ? -1 : r;
}
static inline ssize_t fault_pread(int fd, void *p, size_t n, off_t at)
{
    return fault_hit(false) ? -1 : stm_fileops_posix.pread(fd, p, n, at);
}
/* A failing write has written half: that is what a full disk does. */
static inline ssize_t fault_write(int fd, const void *p, size_t n)
{
    bool was_dark = fault.dark;
    if (!fault_hit(true)) return stm_fileops_posix.write(fd, p, n);
    if (!was_dark && stm_fileops_posix.write(fd, p, n / 2) < 0) return -1;
    errno = fault.error;
    return -1;
}
static inline int fault_fsync(int fd)
{
    fault.fsyncs++;
    if (fault_hit(true)) return -1;
    if (fault.fsyncs != fault.fail_fsync) return stm_fileops_posix.fsync(fd);
    errno = fault.error;
    return -1;
}
static inline int fault_fstat(int fd, struct stat *st)
{
    return fault_hit(false) ? -1 : stm_fileops_posix.fstat(fd, st);
}
static inline int fault_lock_byte(int fd, off_t at)
{
    return fault_hit(false) ? -1 : stm_fileops_posix.lock_byte(fd, at);
}
static inline int fault_flock(int fd, int op)
{
    return fault_hit(false) ? -1 : stm_fileops_posix.flock(fd, op);
}
static inline int fault_link(const char *from, const char *to)
{
    return fault_hit(true) ? -1 : stm_fileops_posix.link(from, to);
}
static inline int fault_rename(const char *from, const char *to)
{
    return fault_hit(true) ? -1 : stm_fileops_posix.rename(from, to);
}
static inline int fault_unlink(const char *path)
{
    return fault_hit(true) ? -1 : stm_fileops_posix.unlink(path);
}
static inline int fault_mkdir(const char *path, unsigned mode)
{
    return fault_hit(true) ? -1 : stm_fileops_posix.mkdir(path, mode);
}
static inline DIR *fault_opendir(const char *path)
{
    return fault_hit(false) ? NULL : stm_fileops_posix.opendir(path);
}
static inline struct dirent *fault_readdir(DIR *d)
{
    return fault_hit(false) ? NULL : stm_fileops_posix.readdir(d);
}
static inline int fault_closedir(DIR *d)
{
    bool hit = fault_hit(false);
    int r = stm_fileops_posix.closedir(d);
    return hit ? -1 : r;
}

static const struct stm_fileops fault_ops = {.open = fault_open,
                                             .close = fault_close,
                                             .pread = fault_pread,
                                             .write = fault_write,
                                             .fsync = fault_fsync,
                                             .fstat = fault_fstat,
                                             .flock = fault_flock,
                                             .lock_byte = fault_lock_byte,
                                             .link = fault_link,
                                             .rename = fault_rename,
                                             .unlink = fault_unlink,
                                             .mkdir = fault_mkdir,
                                             .opendir = fault_opendir,
                                             .readdir = fault_readdir,
                                             .closedir = fault_closedir};

static inline void fault_start(void)
{
    memset(&fault, 0, sizeof fault);
    fault.error = EIO;
    stm_fileops_install(&fault_ops);
}
static inline void fault_stop(void) { stm_fileops_install(NULL); }

/* ---- stores ---- */

#define ck_ok(call, err) ck_assert_msg((call) == 0, "%s: %s", #call, (err)->msg)

static inline void print_finding(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "fsck: %s\n", line);
}

static inline void ck_sound(struct stm_store *s)
{
    struct stm_err e = {0};
    ck_ok(stm_store_fsck(s, STM_FSCK_FULL, print_finding, NULL, &e), &e);
}

static inline void ck_object(struct stm_store *s, const struct stm_id *id, const void *p, size_t n)
{
    struct stm_object o;
    struct stm_err e = {0};
    ck_ok(stm_store_get(s, id, &o, &e), &e);
    ck_assert_uint_eq(o.n, n);
    ck_assert(n == 0 || !memcmp(o.data, p, n));
    stm_object_release(&o);
}

static inline int run_suite(Suite *suite)
{
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
