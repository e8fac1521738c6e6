/* fsck finds what is wrong, names it, and says nothing when nothing is. */
#include "store_help.h"

static struct tmpdir tmp;
static char dir[600];
static struct stm_store *store;
static struct stm_err err;
static struct stm_id chunk, rec;

static void setup(void)
{
    struct stm_txn *t;
    tmpdir_make(&tmp);
    snprintf(dir, sizeof dir, "%s/s", tmp.path);
    ck_ok(stm_store_open(&store, dir, STM_STORE_CREATE, &err), &err);
    ck_ok(stm_txn_begin(&t, store, &err), &err);
    ck_ok(stm_txn_put(t, STM_OBJ_CHUNK, "some bytes", 10, 1, NULL, 0, &chunk, &err), &err);
    ck_ok(stm_txn_commit(t, &err), &err);
    ck_ok(stm_txn_begin(&t, store, &err), &err);
    ck_ok(stm_txn_put(t, STM_OBJ_RECORD, "a record", 8, 1, &chunk, 1, &rec, &err), &err);
    ck_ok(stm_txn_ref(t, "head", NULL, &rec, &err), &err);
    ck_ok(stm_txn_commit(t, &err), &err);
}

static void teardown(void)
{
    stm_store_close(store);
    tmpdir_remove(&tmp);
}

struct lines {
    unsigned n;
    char all[4000];
};

static void note(void *ctx, const char *line)
{
    struct lines *l = ctx;
    ck_assert_ptr_null(strchr(line, '\n'));
    l->n++;
    strncat(l->all, line, sizeof l->all - strlen(l->all) - 2);
    strcat(l->all, "\n");
}

static int check(enum stm_fsck_mode mode, struct lines *l)
{
    memset(l, 0, sizeof *l);
    int rc = stm_store_fsck(store, mode, note, l, &err);
    ck_assert_int_eq(rc, l->n ? STM_E_DAMAGED : 0);
    return rc;
}

/* The pack that holds `id`. */
struct where {
    struct stm_id id;
    char pack[800];
};

static int look(void *ctx, const struct stm_id *id, enum stm_object_type type, uint64_t raw,
                uint64_t stored, const char *pack)
{
    struct where *w = ctx;
    (void)type, (void)raw, (void)stored;
    if (!stm_id_eq(id, &w->id)) return 0;
    snprintf(w->pack, sizeof w->pack, "%s/packs/%s", dir, pack);
    return 1;
}

static void pack_of(const struct stm_id *id, struct where *w)
{
    w->id = *id;
    ck_assert_int_eq(stm_store_each(store, look, w, &err), 1);
}

static void overwrite(const char *path, long at, const void *p, size_t n)
{
    chmod(path, 0644);
    FILE *f = fopen(path, "r+b");
    ck_assert_ptr_nonnull(f);
    fseek(f, at, at < 0 ? SEEK_END : SEEK_SET);
    ck_assert_uint_eq(fwrite(p, 1, n, f), n);
    fclose(f);
}

START_TEST(sound)
{
    struct lines l;
    ck_assert_int_eq(check(STM_FSCK_QUICK, &l), 0);
    ck_assert_int_eq(check(STM_FSCK_FULL, &l), 0);
}
END_TEST

/* Only FULL decodes; both the object and the pack are named. */
START_TEST(damaged_payload)
{
    struct where w;
    struct lines l;
    char text[STM_ID_TEXT];
    pack_of(&chunk, &w);
    overwrite(w.pack, 40 + 48 + 8 + 5 + 3, "#", 1);
    ck_assert_int_eq(check(STM_FSCK_QUICK, &l), 0);
    ck_assert_int_eq(check(STM_FSCK_FULL, &l), STM_E_DAMAGED);
    ck_assert_uint_eq(l.n, 1);
    ck_assert(strstr(l.all, stm_id_text(&chunk, text)) && strstr(l.all, strrchr(w.pack, '/') + 1));
}
END_TEST

START_TEST(damaged_record_head)
{
    struct where w;
    struct lines l;
    char text[STM_ID_TEXT];
    pack_of(&chunk, &w);
    overwrite(w.pack, 40 + 9, "####", 4);
    ck_assert_int_eq(check(STM_FSCK_QUICK, &l), STM_E_DAMAGED);
    ck_assert(strstr(l.all, stm_id_text(&chunk, text)));
}
END_TEST

START_TEST(damaged_index)
{
    struct where w;
    struct lines l;
    pack_of(&chunk, &w);
    overwrite(w.pack, -80, "####", 4);
    ck_assert_int_eq(check(STM_FSCK_QUICK, &l), STM_E_DAMAGED);
    ck_assert_uint_eq(l.n, 1);
    ck_assert(strstr(l.all, "its index is damaged; a scan finds 1 objects in it"));
    ck_object(store, &chunk, "some bytes", 10);
}
END_TEST

START_TEST(missing_pack)
{
    struct where w;
    struct lines l;
    char a[STM_ID_TEXT], b[STM_ID_TEXT], expect[200];
    pack_of(&chunk, &w);
    ck_assert_int_eq(unlink(w.pack), 0);
    ck_assert_int_eq(check(STM_FSCK_QUICK, &l), STM_E_DAMAGED);
    ck_assert_uint_eq(l.n, 1);
    snprintf(expect, sizeof expect, "refers to %s, which is missing", stm_id_text(&chunk, b));
    ck_assert(strstr(l.all, stm_id_text(&rec, a)) && strstr(l.all, expect));
    struct stm_object o;
    ck_assert_int_eq(stm_store_get(store, &chunk, &o, &err), STM_E_NOTFOUND);

    pack_of(&rec, &w);
    ck_assert_int_eq(unlink(w.pack), 0);
    ck_assert_int_eq(check(STM_FSCK_QUICK, &l), STM_E_DAMAGED);
    ck_assert_uint_eq(l.n, 1);
    snprintf(expect, sizeof expect, "ref head points to %s, which is missing", a);
    ck_assert(strstr(l.all, expect));
}
END_TEST

START_TEST(damaged_ref)
{
    struct lines l;
    char path[700];
    snprintf(path, sizeof path, "%s/refs/head", dir);
    overwrite(path, 30, "z", 1);
    ck_assert_int_eq(check(STM_FSCK_QUICK, &l), STM_E_DAMAGED);
    ck_assert_uint_eq(l.n, 1);
    ck_assert(strstr(l.all, "ref head is damaged"));
}
END_TEST

/* Two copies, one damaged: reads use the other, fsck tells. */
START_TEST(one_of_two_copies)
{
    struct stm_store *a, *b;
    struct stm_txn *ta, *tb;
    struct stm_id id;
    struct lines l;
    ck_ok(stm_store_open(&a, dir, 0, &err), &err);
    ck_ok(stm_store_open(&b, dir, 0, &err), &err);
    ck_ok(stm_txn_begin(&ta, a, &err), &err);
    ck_ok(stm_txn_begin(&tb, b, &err), &err);
    ck_ok(stm_txn_put(ta, STM_OBJ_CHUNK, "twice here", 10, 1, NULL, 0, &id, &err), &err);
    ck_ok(stm_txn_put(tb, STM_OBJ_CHUNK, "twice here", 10, 1, NULL, 0, &id, &err), &err);
    ck_ok(stm_txn_commit(ta, &err), &err);
    ck_ok(stm_txn_commit(tb, &err), &err);
    stm_store_close(a);
    stm_store_close(b);
    struct stm_store_stats st;
    ck_ok(stm_store_stats(store, &st, &err), &err);
    ck_assert_uint_eq(st.packs, 4);
    ck_assert_uint_eq(st.objects, 3);
    struct where w;
    pack_of(&id, &w);
    overwrite(w.pack, 40 + 48 + 8 + 5 + 3, "#", 1);
    ck_object(store, &id, "twice here", 10);
    ck_assert_int_eq(check(STM_FSCK_FULL, &l), STM_E_DAMAGED);
    ck_assert_uint_eq(l.n, 1);
}
END_TEST

/* A pack that cannot be read for a while is not taken for absent, and is back afterwards. */
static char broken[800];

static int broken_open(const char *path, int flags, unsigned mode)
{
    if (strcmp(path, broken)) return stm_fileops_posix.open(path, flags, mode);
    errno = EMFILE;
    return -1;
}

START_TEST(unreadable_pack)
{
    struct where w;
    struct lines l;
    struct stm_fileops ops = stm_fileops_posix;
    struct stm_store *s;
    struct stm_object o;
    pack_of(&chunk, &w);
    strcpy(broken, w.pack);
    ops.open = broken_open;
    stm_fileops_install(&ops);
    ck_ok(stm_store_open(&s, dir, 0, &err), &err);
    ck_object(s, &rec, "a record", 8);
    ck_assert_int_eq(stm_store_get(s, &chunk, &o, &err), STM_E_IO);
    ck_assert_int_eq(check(STM_FSCK_QUICK, &l), STM_E_DAMAGED);
    stm_fileops_install(NULL);
    ck_object(s, &chunk, "some bytes", 10);
    ck_assert_int_eq(check(STM_FSCK_QUICK, &l), 0);
    stm_store_close(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_fsck");
    TCase *c = tcase_create("fsck");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, sound);
    tcase_add_test(c, damaged_payload);
    tcase_add_test(c, damaged_record_head);
    tcase_add_test(c, damaged_index);
    tcase_add_test(c, missing_pack);
    tcase_add_test(c, damaged_ref);
    tcase_add_test(c, one_of_two_copies);
    tcase_add_test(c, unreadable_pack);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
