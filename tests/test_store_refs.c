/* Refs: names, compare-and-swap, listing, damage; and opening directories. */
#include "store_help.h"

static struct tmpdir tmp;
static char dir[600];
static struct stm_store *store;
static struct stm_err err;
static struct stm_id one, two;

static struct stm_id put_text(const char *text)
{
    struct stm_txn *t;
    struct stm_id id;
    ck_ok(stm_txn_begin(&t, store, &err), &err);
    ck_ok(stm_txn_put(t, STM_OBJ_RECORD, text, strlen(text), 1, NULL, 0, &id, &err), &err);
    ck_ok(stm_txn_commit(t, &err), &err);
    return id;
}

static void setup(void)
{
    tmpdir_make(&tmp);
    snprintf(dir, sizeof dir, "%s/s", tmp.path);
    ck_ok(stm_store_open(&store, dir, STM_STORE_CREATE, &err), &err);
    one = put_text("one");
    two = put_text("two");
}

static void teardown(void)
{
    stm_store_close(store);
    tmpdir_remove(&tmp);
}

static int move(const char *name, const struct stm_id *old, const struct stm_id *now)
{
    struct stm_txn *t;
    ck_ok(stm_txn_begin(&t, store, &err), &err);
    int rc = stm_txn_ref(t, name, old, now, &err);
    if (!rc) return stm_txn_commit(t, &err);
    stm_txn_abort(t);
    return rc;
}

START_TEST(compare_and_swap)
{
    struct stm_id at;
    ck_assert_int_eq(stm_ref_get(store, "r", &at, &err), STM_E_NOTFOUND);
    ck_assert_int_eq(move("r", &one, &two), STM_E_CONFLICT);
    ck_assert_int_eq(stm_ref_get(store, "r", &at, &err), STM_E_NOTFOUND);
    ck_ok(move("r", NULL, &one), &err);
    ck_assert_int_eq(move("r", NULL, &two), STM_E_CONFLICT);
    ck_assert_int_eq(move("r", &two, &two), STM_E_CONFLICT);
    ck_ok(stm_ref_get(store, "r", &at, &err), &err);
    ck_assert(stm_id_eq(&at, &one));
    ck_ok(move("r", &one, &two), &err);
    ck_ok(stm_ref_get(store, "r", &at, &err), &err);
    ck_assert(stm_id_eq(&at, &two));
}
END_TEST

/* The objects of a transaction whose ref has moved are stored all the same. */
START_TEST(conflict_keeps_objects)
{
    struct stm_txn *t;
    struct stm_id id;
    ck_ok(move("r", NULL, &one), &err);
    ck_ok(stm_txn_begin(&t, store, &err), &err);
    ck_ok(stm_txn_put(t, STM_OBJ_RECORD, "three", 5, 1, NULL, 0, &id, &err), &err);
    ck_ok(stm_txn_ref(t, "r", &two, &id, &err), &err);
    ck_assert_int_eq(stm_txn_commit(t, &err), STM_E_CONFLICT);
    ck_assert(strstr(err.msg, "ref r has moved to "));
    ck_object(store, &id, "three", 5);
    ck_sound(store);
}
END_TEST

START_TEST(names)
{
    char longest[122];
    memset(longest, 'a', 121);
    longest[121] = 0;
    static const char *const bad[] = {"", ".", ".a", "A", "a/b", "a b", "\xc3\xa4", "a\n"};
    struct stm_id at;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(move(bad[i], NULL, &one), STM_E_USAGE);
        ck_assert_int_eq(stm_ref_get(store, bad[i], &at, &err), STM_E_USAGE);
    }
    ck_assert_int_eq(move(longest, NULL, &one), STM_E_USAGE);
    longest[120] = 0;
    ck_ok(move(longest, NULL, &one), &err);
    ck_ok(move("-._09az", NULL, &one), &err);
    struct stm_txn *t;
    ck_ok(stm_txn_begin(&t, store, &err), &err);
    ck_ok(stm_txn_ref(t, "a", NULL, &one, &err), &err);
    ck_assert_int_eq(stm_txn_ref(t, "b", NULL, &one, &err), STM_E_INVALID);
    stm_txn_abort(t);
}
END_TEST

static int collect(void *ctx, const char *name, const struct stm_id *id)
{
    char *all = ctx;
    ck_assert(stm_id_eq(id, &one));
    strcat(strcat(all, name), " ");
    return strcmp(name, "run.c") ? 0 : 7;
}

START_TEST(listing_is_sorted)
{
    static const char *const order[] = {"run.b", "other", "run.a", "ru", "run.", "zz"};
    for (size_t i = 0; i < 6; i++) ck_ok(move(order[i], NULL, &one), &err);
    char all[200] = "";
    ck_assert_int_eq(stm_ref_each(store, "run.", collect, all, &err), 0);
    ck_assert_str_eq(all, "run. run.a run.b ");
    all[0] = 0;
    ck_assert_int_eq(stm_ref_each(store, "", collect, all, &err), 0);
    ck_assert_str_eq(all, "other ru run. run.a run.b zz ");
    ck_ok(move("run.c", NULL, &one), &err);
    ck_ok(move("run.d", NULL, &one), &err);
    all[0] = 0;
    ck_assert_int_eq(stm_ref_each(store, "run.", collect, all, &err), 7);
    ck_assert_str_eq(all, "run. run.a run.b run.c ");
}
END_TEST

static void flip(const char *path, long at, int bit)
{
    FILE *f = fopen(path, "r+b");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, at, SEEK_SET), 0);
    int c = fgetc(f);
    ck_assert_int_ne(c, EOF);
    fseek(f, at, SEEK_SET);
    fputc(c ^ 1 << bit, f);
    fclose(f);
}

/* Every bit of a ref file. */
START_TEST(damaged_refs_are_named)
{
    char path[700];
    struct stat st;
    struct stm_id at;
    ck_ok(move("r", NULL, &one), &err);
    snprintf(path, sizeof path, "%s/refs/r", dir);
    ck_assert_int_eq(stat(path, &st), 0);
    for (long i = 0; i < st.st_size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            flip(path, i, bit);
            ck_assert_int_eq(stm_ref_get(store, "r", &at, &err), STM_E_DAMAGED);
            ck_assert(strstr(err.msg, "ref r "));
            flip(path, i, bit);
        }
    }
    ck_ok(stm_ref_get(store, "r", &at, &err), &err);
    flip(path, 30, 0);
    ck_assert_int_eq(move("r", &one, &two), STM_E_DAMAGED);
    ck_assert_int_eq(stm_store_fsck(store, STM_FSCK_QUICK, NULL, NULL, &err), STM_E_DAMAGED);
    flip(path, 30, 0);
    ck_assert_int_eq(truncate(path, st.st_size - 1), 0);
    ck_assert_int_eq(stm_ref_get(store, "r", &at, &err), STM_E_DAMAGED);
    /* A sound ref under another name is not that ref. */
    char other[700];
    ck_ok(move("q", NULL, &one), &err);
    snprintf(other, sizeof other, "%s/refs/q", dir);
    copy_file(other, path);
    ck_assert_int_eq(stm_ref_get(store, "r", &at, &err), STM_E_DAMAGED);
}
END_TEST

/* ---- opening ---- */

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

START_TEST(foreign_directories_are_refused)
{
    char d[700], path[800];
    struct stm_store *s;
    snprintf(d, sizeof d, "%s/other", tmp.path);
    ck_assert_int_eq(stm_store_open(&s, d, 0, &err), STM_E_NOTFOUND);
    ck_assert_ptr_null(s);
    ck_assert_int_eq(mkdir(d, 0700), 0);
    ck_assert_int_eq(stm_store_open(&s, d, 0, &err), STM_E_NOTFOUND);
    snprintf(path, sizeof path, "%s/thesis.tex", d);
    write_text(path, "x");
    ck_assert_int_eq(stm_store_open(&s, d, 0, &err), STM_E_FORMAT);
    ck_assert_int_eq(stm_store_open(&s, d, STM_STORE_CREATE, &err), STM_E_FORMAT);
    ck_assert(
        strstr(err.msg, "is not a stemma store: it holds other files; choose an empty directory"));
    ck_assert_uint_eq(count_files(d, "", "", NULL, 0), 1); /* nothing was added */
    ck_assert_int_eq(stm_store_open(&s, path, STM_STORE_CREATE, &err), STM_E_FORMAT);
    /* A name of ours in a foreign directory does not make it ours. */
    unlink(path);
    snprintf(path, sizeof path, "%s/packs", d);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(stm_store_open(&s, d, STM_STORE_CREATE, &err), STM_E_FORMAT);
    rmdir(path);
    ck_ok(stm_store_open(&s, d, STM_STORE_CREATE, &err), &err);
    stm_store_close(s);
}
END_TEST

START_TEST(the_working_copy_is_a_home)
{
    char d[700], path[800];
    struct stm_store *s;
    snprintf(d, sizeof d, "%s/checkpoints", tmp.path);
    snprintf(path, sizeof path, "%s/golden", d);
    ck_assert(!mkdir(d, 0700) && !mkdir(path, 0700));
    ck_assert_int_eq(stm_store_open(&s, d, 0, &err), STM_E_NOTFOUND);
    ck_ok(stm_store_open(&s, d, STM_STORE_CREATE, &err), &err);
    stm_store_close(s);
}
END_TEST

START_TEST(newer_formats_are_refused)
{
    char path[700];
    struct stm_store *s;
    snprintf(path, sizeof path, "%s/format", dir);
    write_text(path, "stemma store\nversion 2\n");
    ck_assert_int_eq(stm_store_open(&s, dir, STM_STORE_CREATE, &err), STM_E_FORMAT);
    ck_assert(strstr(err.msg, "store format 2 is newer than this stemma, which knows 1"));
    static const char *const bad[] = {"", "stemma store\nversion 0\n", "stemma store\nversion 1",
                                      "stemma store\nversion x\n", "other\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_text(path, bad[i]);
        ck_assert_int_eq(stm_store_open(&s, dir, STM_STORE_CREATE, &err), STM_E_FORMAT);
    }
    write_text(path, "stemma store\nversion 1\n");
    ck_ok(stm_store_open(&s, dir, 0, &err), &err);
    stm_store_close(s);
}
END_TEST

/* Version control keeps no empty directories and a copy may lose empty files: still a store. */
START_TEST(a_bare_copy_works)
{
    static const char *const lost[] = {"locks/gc", "locks/refs", "locks/init",
                                       "locks",    "trash",      "refs"};
    char path[700];
    struct stm_store *s;
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, lost[i]);
        ck_assert_int_eq(remove(path), 0);
    }
    ck_ok(stm_store_open(&s, dir, STM_STORE_READONLY, &err), &err);
    ck_object(s, &one, "one", 3);
    ck_sound(s);
    stm_store_close(s);
}
END_TEST

/* Every operation that writes reports a read-only file system; reading goes on. */
static int refuse_open(const char *path, int flags, unsigned mode)
{
    if ((flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT) {
        errno = EROFS;
        return -1;
    }
    return stm_fileops_posix.open(path, flags, mode);
}

START_TEST(readonly_file_system)
{
    struct stm_fileops ops = stm_fileops_posix;
    struct stm_store *s;
    struct stm_txn *t;
    ops.open = refuse_open;
    stm_fileops_install(&ops);
    ck_ok(stm_store_open(&s, dir, STM_STORE_CREATE, &err), &err);
    ck_object(s, &one, "one", 3);
    ck_assert_int_eq(stm_txn_begin(&t, s, &err), STM_E_READONLY);
    stm_store_close(s);
    stm_fileops_install(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_refs");
    TCase *c = tcase_create("refs");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, compare_and_swap);
    tcase_add_test(c, conflict_keeps_objects);
    tcase_add_test(c, names);
    tcase_add_test(c, listing_is_sorted);
    tcase_add_test(c, damaged_refs_are_named);
    tcase_add_test(c, foreign_directories_are_refused);
    tcase_add_test(c, the_working_copy_is_a_home);
    tcase_add_test(c, newer_formats_are_refused);
    tcase_add_test(c, a_bare_copy_works);
    tcase_add_test(c, readonly_file_system);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
