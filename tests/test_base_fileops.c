/* The table of file operations: short writes, interruptions, listings, whole files. */
#include "store_help.h"

#include "base/file.h"

static struct tmpdir tmp;
static char path[600];

static void setup(void)
{
    tmpdir_make(&tmp);
    snprintf(path, sizeof path, "%s/f", tmp.path);
}

static void teardown(void)
{
    stm_fileops_install(NULL);
    tmpdir_remove(&tmp);
}

/* Interrupts every other call, and does a little at a time. */
static unsigned long odd;

static bool interrupted(void)
{
    if (odd++ % 2) return false;
    errno = EINTR;
    return true;
}
static int odd_open(const char *p, int flags, unsigned mode)
{
    return interrupted() ? -1 : stm_fileops_posix.open(p, flags, mode);
}
static ssize_t odd_write(int fd, const void *p, size_t n)
{
    return interrupted() ? -1 : stm_fileops_posix.write(fd, p, n > 7 ? 7 : n);
}
static ssize_t odd_pread(int fd, void *p, size_t n, off_t at)
{
    return interrupted() ? -1 : stm_fileops_posix.pread(fd, p, n > 5 ? 5 : n, at);
}
static ssize_t odd_read(int fd, void *p, size_t n)
{
    return interrupted() ? -1 : stm_fileops_posix.read(fd, p, n > 5 ? 5 : n);
}
static int odd_flock(int fd, int op)
{
    return interrupted() ? -1 : stm_fileops_posix.flock(fd, op);
}

START_TEST(interrupted_and_short)
{
    struct stm_fileops ops = stm_fileops_posix;
    unsigned char data[1000], back[1100];
    uint64_t seed = 1, size;
    rnd_bytes(&seed, data, sizeof data);
    ops.open = odd_open;
    ops.write = odd_write;
    ops.read = odd_read;
    ops.pread = odd_pread;
    ops.flock = odd_flock;
    ck_assert_ptr_eq(stm_fileops_install(&ops), &stm_fileops_posix);
    int fd = stm_fd_open(path, O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(stm_fd_lock(fd, LOCK_EX), 0);
    ck_assert_int_eq(stm_fd_write(fd, data, sizeof data), 0);
    ck_assert_int_eq(stm_fd_size(fd, &size), 0);
    ck_assert_uint_eq(size, sizeof data);
    ck_assert_int_eq(stm_fd_pread(fd, back, sizeof back, 0), sizeof data);
    ck_assert_mem_eq(back, data, sizeof data);
    ck_assert_int_eq(stm_fd_pread(fd, back, 10, 995), 5);
    ck_assert_int_eq(stm_fd_pread(fd, back, 10, 5000), 0);
    ck_assert_int_eq(stm_fd_pread(fd, back, 10, UINT64_MAX), 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    stm_fd_close(fd);
    struct stm_buf b = {0};
    struct stm_err err = {0};
    ck_ok(stm_file_read(path, &b, &err), &err);
    ck_assert(b.n == sizeof data && !memcmp(b.p, data, b.n));
    stm_buf_release(&b);
    ck_assert_uint_gt(odd, 300);
}
END_TEST

/* A device that takes nothing and says nothing must not spin. */
static ssize_t lazy_write(int fd, const void *p, size_t n)
{
    (void)fd, (void)p, (void)n;
    return 0;
}

START_TEST(a_write_of_nothing_is_an_error)
{
    struct stm_fileops ops = stm_fileops_posix;
    ops.write = lazy_write;
    stm_fileops_install(&ops);
    ck_assert_int_eq(stm_fd_write(1, "x", 1), -1);
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_int_eq(stm_fd_write(1, "x", 0), 0);
}
END_TEST

static int count_names(void *ctx, const char *name)
{
    unsigned *n = ctx;
    ck_assert(name[0] != '.');
    return ++*n == 3 ? 9 : 0;
}

START_TEST(listing)
{
    unsigned n = 0;
    ck_assert_int_eq(stm_dir_each(tmp.path, count_names, &n), 0);
    ck_assert_uint_eq(n, 0);
    for (int i = 0; i < 5; i++) {
        char file[700];
        snprintf(file, sizeof file, "%s/n%d", tmp.path, i);
        stm_fd_close(stm_fd_open(file, O_WRONLY | O_CREAT, 0600));
    }
    ck_assert_int_eq(stm_dir_each(tmp.path, count_names, &n), 9);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(stm_dir_each(path, count_names, &n), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(stm_dir_sync(tmp.path), 0);
    ck_assert_int_eq(stm_dir_sync(path), -1);
    fault_start(); /* a listing that fails in the middle is not a short listing */
    fault.fail_call = 3;
    n = 10;
    ck_assert_int_eq(stm_dir_each(tmp.path, count_names, &n), -1);
    ck_assert_int_eq(errno, EIO);
    ck_assert_uint_lt(n, 13);
}
END_TEST

START_TEST(whole_files)
{
    struct stm_buf b = {0};
    struct stm_err err = {0};
    ck_assert_int_eq(stm_file_read(path, &b, &err), STM_E_NOTFOUND);
    ck_assert(strstr(err.msg, path));
    ck_assert_int_eq(stm_file_read(tmp.path, &b, &err), STM_E_INVALID);
    stm_fd_close(stm_fd_open(path, O_WRONLY | O_CREAT, 0600));
    ck_ok(stm_file_read(path, &b, &err), &err);
    ck_assert_uint_eq(b.n, 0);
    ck_assert_int_eq(truncate(path, 16384 * 3), 0); /* a multiple of the part */
    ck_ok(stm_file_read(path, &b, &err), &err);
    ck_assert_uint_eq(b.n, 16384 * 3);
    stm_buf_clear(&b);
    ck_assert_int_eq(truncate(path, STM_FILE_MAX + 1L), 0);
    ck_assert_int_eq(stm_file_read(path, &b, &err), STM_E_INVALID);
    stm_buf_release(&b);
    ck_assert_int_eq(truncate(path, 100000), 0);
    stm_mem_fail_after(2);
    ck_assert_int_eq(stm_file_read(path, &b, &err), STM_E_NOMEM);
    stm_mem_fail_after(0);
    stm_buf_release(&b);
}
END_TEST

/* The failing table itself: what it counts and when it fails. */
START_TEST(the_failing_table)
{
    fault_start();
    fault.power_cut = 3;
    int fd = stm_fd_open(path, O_WRONLY | O_CREAT, 0600); /* mutation 1 */
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(stm_fd_write(fd, "abc", 3), 0);        /* 2 */
    ck_assert_int_eq(stm_fileops_current()->fsync(fd), -1); /* 3: dark from here */
    ck_assert_int_eq(errno, EIO);
    uint64_t size;
    ck_assert_int_eq(stm_fd_size(fd, &size), -1);
    stm_fd_close(fd);
    ck_assert_uint_eq(fault.fsyncs, 1);
    ck_assert_uint_eq(fault.mutations, 3);
    ck_assert_uint_eq(fault.calls, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base_fileops");
    TCase *c = tcase_create("fileops");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, interrupted_and_short);
    tcase_add_test(c, a_write_of_nothing_is_an_error);
    tcase_add_test(c, listing);
    tcase_add_test(c, whole_files);
    tcase_add_test(c, the_failing_table);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
