/* Power loss at every instant, on the meanest file system that POSIX allows.
 *
 * The table below keeps a second disk in memory. It takes in a file's bytes only when the file is
 * synced, and a directory's names only when the directory is. Before every change that the store
 * makes to the real disk, the second disk is written out as a directory and opened: that is what a
 * machine would find whose power failed right there. What was acknowledged must be in it. */
#include "store_help.h"

enum { MAX_FILES = 400, MAX_DIRS = 8, MAX_NAMES = 200 };

struct kept_file {
    ino_t ino;
    unsigned char *p;
    size_t n;
};

struct kept_dir {
    char path[600];
    size_t n;
    struct {
        char name[80];
        ino_t ino;
        bool is_dir;
    } e[MAX_NAMES];
};

static struct kept_file files[MAX_FILES];
static struct kept_dir dirs[MAX_DIRS];
static size_t n_files, n_dirs;

static struct tmpdir disk, after; /* the real one; where the second one is written out */
static int acknowledged, looks;
enum { VERSIONS = 6 };

/* ---- the second disk ---- */

static void keep_file(int fd, ino_t ino)
{
    size_t i = 0;
    char self[64];
    while (i < n_files && files[i].ino != ino) i++;
    ck_assert_uint_lt(i, MAX_FILES);
    if (i == n_files) n_files++;
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd); /* fd itself may be for writing only */
    int in = open(self, O_RDONLY);
    struct stat st;
    ck_assert(in >= 0 && !fstat(in, &st));
    free(files[i].p);
    files[i].ino = ino;
    files[i].n = (size_t)st.st_size;
    files[i].p = malloc(files[i].n + 1);
    ck_assert_int_eq(read(in, files[i].p, files[i].n), (ssize_t)files[i].n);
    close(in);
}

static void keep_dir(int fd)
{
    char self[64], path[600];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(self, path, sizeof path - 1);
    ck_assert_int_gt(len, 0);
    path[len] = 0;
    size_t i = 0;
    while (i < n_dirs && strcmp(dirs[i].path, path)) i++;
    ck_assert_uint_lt(i, MAX_DIRS);
    if (i == n_dirs) n_dirs++;
    strcpy(dirs[i].path, path);
    dirs[i].n = 0;
    DIR *d = opendir(path);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d));) {
        char child[1000];
        struct stat st;
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        snprintf(child, sizeof child, "%s/%s", path, e->d_name);
        ck_assert(!lstat(child, &st) && dirs[i].n < MAX_NAMES);
        snprintf(dirs[i].e[dirs[i].n].name, sizeof dirs[i].e[0].name, "%.79s", e->d_name);
        dirs[i].e[dirs[i].n].ino = st.st_ino;
        dirs[i].e[dirs[i].n++].is_dir = S_ISDIR(st.st_mode);
    }
    closedir(d);
}

/* Writes out the directory that was `path` as `to`, which exists. */
static void write_out(const char *path, const char *to)
{
    size_t i = 0;
    while (i < n_dirs && strcmp(dirs[i].path, path)) i++;
    if (i == n_dirs) return; /* never synced: no names in it */
    for (size_t k = 0; k < dirs[i].n; k++) {
        char from[1000], child[1000];
        snprintf(from, sizeof from, "%s/%s", path, dirs[i].e[k].name);
        snprintf(child, sizeof child, "%s/%s", to, dirs[i].e[k].name);
        if (dirs[i].e[k].is_dir) {
            ck_assert_int_eq(mkdir(child, 0700), 0);
            write_out(from, child);
            continue;
        }
        size_t f = 0;
        while (f < n_files && files[f].ino != dirs[i].e[k].ino) f++;
        int fd = open(child, O_WRONLY | O_CREAT | O_EXCL, 0600);
        ck_assert_int_ge(fd, 0);
        if (f < n_files) /* else never synced: empty */
            ck_assert_int_eq(write(fd, files[f].p, files[f].n), (ssize_t)files[f].n);
        close(fd);
    }
}

/* ---- what a machine finds after the power failed now ---- */

static void fill_version(int version, float w[500])
{
    uint64_t seed = (uint64_t)version;
    rnd_floats(&seed, w, 500);
}

static void look_after_power_loss(void)
{
    struct stm_store *s;
    struct stm_err err = {0};
    struct stm_id head;
    char dir[600];
    const struct stm_fileops *ops = stm_fileops_install(NULL);
    tmpdir_make(&after);
    write_out(disk.path, after.path);
    snprintf(dir, sizeof dir, "%s/s", after.path);
    /* Once something is acknowledged the store is there, and needs no maker to complete it. */
    ck_ok(stm_store_open(&s, dir, acknowledged ? 0 : STM_STORE_CREATE, &err), &err);
    ck_assert_msg(!stm_store_fsck(s, STM_FSCK_FULL, print_finding, NULL, &err),
                  "power lost before change %d: %s", looks, err.msg);
    for (int v = 1; v <= acknowledged; v++) {
        float w[500];
        fill_version(v, w);
        struct stm_id chunk = stm_id_of(w, sizeof w), rec = stm_id_of(&v, sizeof v);
        ck_object(s, &chunk, w, sizeof w);
        ck_object(s, &rec, &v, sizeof v);
    }
    int rc = stm_ref_get(s, "head", &head, &err);
    if (acknowledged) {
        int next = acknowledged + 1;
        struct stm_id a = stm_id_of(&acknowledged, sizeof acknowledged);
        struct stm_id b = stm_id_of(&next, sizeof next);
        ck_assert_msg(!rc, "power lost before change %d: %s", looks, err.msg);
        ck_assert(stm_id_eq(&head, &a) || stm_id_eq(&head, &b));
    } else {
        ck_assert(rc == 0 || rc == STM_E_NOTFOUND);
    }
    stm_store_close(s);
    tmpdir_remove(&after);
    stm_fileops_install(ops);
    looks++;
}

static int mean_open(const char *path, int flags, unsigned mode)
{
    if (flags & O_CREAT) look_after_power_loss();
    return stm_fileops_posix.open(path, flags, mode);
}
static ssize_t mean_write(int fd, const void *p, size_t n)
{
    look_after_power_loss();
    return stm_fileops_posix.write(fd, p, n);
}
static int mean_fsync(int fd)
{
    struct stat st;
    look_after_power_loss();
    ck_assert_int_eq(fstat(fd, &st), 0);
    if (S_ISDIR(st.st_mode))
        keep_dir(fd);
    else
        keep_file(fd, st.st_ino);
    return 0;
}
static int mean_link(const char *from, const char *to)
{
    look_after_power_loss();
    return stm_fileops_posix.link(from, to);
}
static int mean_rename(const char *from, const char *to)
{
    look_after_power_loss();
    return stm_fileops_posix.rename(from, to);
}
static int mean_unlink(const char *path)
{
    look_after_power_loss();
    return stm_fileops_posix.unlink(path);
}
static int mean_mkdir(const char *path, unsigned mode)
{
    look_after_power_loss();
    return stm_fileops_posix.mkdir(path, mode);
}

static void install_mean(struct stm_fileops *ops)
{
    *ops = stm_fileops_posix;
    ops->open = mean_open;
    ops->write = mean_write;
    ops->fsync = mean_fsync;
    ops->link = mean_link;
    ops->rename = mean_rename;
    ops->unlink = mean_unlink;
    ops->mkdir = mean_mkdir;
    stm_fileops_install(ops);
}

/* ---- the runs ---- */

static void setup(void) { tmpdir_make(&disk); }

static void teardown(void)
{
    stm_fileops_install(NULL);
    for (size_t i = 0; i < n_files; i++) free(files[i].p);
    tmpdir_remove(&disk);
}

static void commit_version(struct stm_store *s, int v)
{
    struct stm_err err = {0};
    struct stm_txn *t;
    struct stm_id chunk, rec, old;
    int before = v - 1;
    float w[500];
    fill_version(v, w);
    old = stm_id_of(&before, sizeof before);
    ck_ok(stm_txn_begin(&t, s, &err), &err);
    ck_ok(stm_txn_put(t, STM_OBJ_CHUNK, w, sizeof w, 4, NULL, 0, &chunk, &err), &err);
    ck_ok(stm_txn_put(t, STM_OBJ_RECORD, &v, sizeof v, 1, &chunk, 1, &rec, &err), &err);
    ck_ok(stm_txn_ref(t, "head", v > 1 ? &old : NULL, &rec, &err), &err);
    ck_ok(stm_txn_commit(t, &err), &err);
    acknowledged = v;
    look_after_power_loss();
}

START_TEST(from_nothing)
{
    struct stm_fileops ops;
    struct stm_store *s;
    struct stm_err err = {0};
    char dir[600];
    snprintf(dir, sizeof dir, "%s/s", disk.path);
    install_mean(&ops);
    ck_ok(stm_store_open(&s, dir, STM_STORE_CREATE, &err), &err);
    for (int v = 1; v <= VERSIONS; v++) commit_version(s, v);
    ck_assert_int_gt(looks, 10 + VERSIONS * 8);
    stm_store_close(s);
}
END_TEST

/* Another writer has linked its pack and not yet synced packs/ when this one finds its objects
 * there. What this one then acknowledges must not hang on the other's sync. */
static int forget_sync(int fd)
{
    struct stat st;
    ck_assert_int_eq(fstat(fd, &st), 0);
    if (!S_ISDIR(st.st_mode)) return mean_fsync(fd);
    errno = EIO;
    return -1;
}

START_TEST(found_in_an_unsynced_pack)
{
    struct stm_fileops ops;
    struct stm_store *s;
    struct stm_txn *t;
    struct stm_err err = {0};
    struct stm_id chunk, rec;
    char dir[600];
    int v = 1;
    float w[500];
    fill_version(v, w);
    snprintf(dir, sizeof dir, "%s/s", disk.path);
    install_mean(&ops);
    ck_ok(stm_store_open(&s, dir, STM_STORE_CREATE, &err), &err);
    ops.fsync = forget_sync; /* the other writer stops between link and sync */
    ck_ok(stm_txn_begin(&t, s, &err), &err);
    ck_ok(stm_txn_put(t, STM_OBJ_CHUNK, w, sizeof w, 4, NULL, 0, &chunk, &err), &err);
    ck_ok(stm_txn_put(t, STM_OBJ_RECORD, &v, sizeof v, 1, &chunk, 1, &rec, &err), &err);
    ck_assert_int_eq(stm_txn_commit(t, &err), STM_E_IO);
    ops.fsync = mean_fsync;
    ck_assert(stm_store_has(s, &rec));
    commit_version(s, 1);
    stm_store_close(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_power");
    TCase *c = tcase_create("power");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, from_nothing);
    tcase_add_test(c, found_in_an_unsynced_pack);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
