/* The copy of the indexes of many packs: it spares opening them, and is believed in nothing. */
#include "store_help.h"

#include "store/handle.h"
#include "store/packindex.h"

enum { PACKS = 300 };

static struct tmpdir dir;
static char path[600], copy[700];
static struct stm_id ids[PACKS];

static void put(struct stm_store *s, unsigned i)
{
    struct stm_err e = {0};
    struct stm_txn *t = NULL;
    unsigned words[2] = {i, 77};
    ck_ok(stm_txn_begin(&t, s, &e), &e);
    ck_ok(stm_txn_put(t, STM_OBJ_CHUNK, words, sizeof words, 4, NULL, 0, &ids[i], &e), &e);
    ck_ok(stm_txn_commit(t, &e), &e);
}

static struct stm_store *open_store(unsigned flags)
{
    struct stm_store *s = NULL;
    struct stm_err e = {0};
    ck_ok(stm_store_open(&s, path, flags, &e), &e);
    return s;
}

static unsigned cached(const struct stm_store *s)
{
    unsigned n = 0;
    for (size_t i = 0; i < s->index.n_packs; i++) n += s->index.packs[i]->cached;
    return n;
}

static void all_there(struct stm_store *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct stm_object o;
        struct stm_err e = {0};
        ck_ok(stm_store_get(s, &ids[i], &o, &e), &e);
        ck_assert_uint_eq(stm_get_le32(o.data), i);
        stm_object_release(&o);
    }
}

static void setup(void)
{
    tmpdir_make(&dir);
    snprintf(path, sizeof path, "%s/st", dir.path);
    snprintf(copy, sizeof copy, "%s/index", path);
    struct stm_store *s = open_store(STM_STORE_CREATE);
    for (unsigned i = 0; i < PACKS - 1; i++) put(s, i);
    stm_store_close(s);
    ck_assert_int_ne(access(copy, F_OK), 0);
    stm_store_close(open_store(0)); /* who has opened so many writes it */
    ck_assert_int_eq(access(copy, F_OK), 0);
}

static void teardown(void) { tmpdir_remove(&dir); }

START_TEST(used)
{
    struct stm_store *s = open_store(0);
    ck_assert_uint_eq(cached(s), PACKS - 1);
    all_there(s, PACKS - 1);
    put(s, PACKS - 1);
    stm_store_close(s);
    s = open_store(0); /* the new pack is opened beside it */
    ck_assert_uint_eq(cached(s), PACKS - 1);
    ck_assert_uint_eq(s->index.n_packs, PACKS);
    all_there(s, PACKS);
    ck_sound(s);
    ck_assert_uint_eq(cached(s), 0); /* who looks for damage does not use it */
    stm_store_close(s);
}
END_TEST

/* Packs that are gone are gone, whatever the copy says. */
START_TEST(lost_packs)
{
    char name[700];
    snprintf(name, sizeof name, "%s/packs", path);
    char victim[800];
    ck_assert_uint_eq(count_files(name, "", ".pack", victim, sizeof victim), PACKS - 1);
    ck_assert_int_eq(unlink(victim), 0);
    struct stm_store *s = open_store(0);
    unsigned lost = 0;
    for (unsigned i = 0; i < PACKS - 1; i++) {
        struct stm_object o;
        int rc = stm_store_get(s, &ids[i], &o, NULL);
        if (rc) ck_assert_int_eq(rc, STM_E_NOTFOUND);
        lost += rc != 0;
        stm_object_release(&o);
    }
    ck_assert_uint_eq(lost, 1);
    stm_store_close(s);
}
END_TEST

static long size_of(const char *file)
{
    struct stat st;
    ck_assert_int_eq(stat(file, &st), 0);
    return (long)st.st_size;
}

static void patch(long at, unsigned char x)
{
    FILE *f = fopen(copy, "r+b");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, at, SEEK_SET), 0);
    int old = fgetc(f);
    ck_assert_int_eq(fseek(f, at, SEEK_SET), 0);
    ck_assert_int_ne(fputc(old ^ x, f), EOF);
    fclose(f);
}

/* Any bit, any length: it is not used, and written anew. */
START_TEST(damaged)
{
    uint64_t seed = 41 + (uint64_t)_i;
    long size = size_of(copy), at = (long)(rnd(&seed) % (uint64_t)size);
    if (_i % 2)
        patch(at, (unsigned char)(1u << rnd(&seed) % 8));
    else
        ck_assert_int_eq(truncate(copy, at), 0);
    struct stm_store *s = open_store(0);
    ck_assert_uint_eq(cached(s), 0);
    all_there(s, PACKS - 1);
    stm_store_close(s);
    s = open_store(0);
    ck_assert_uint_eq(cached(s), PACKS - 1);
    stm_store_close(s);
}
END_TEST

/* One that is whole and says what is not so: an object elsewhere in its pack, or not at all. */
START_TEST(lying)
{
    struct stm_store *s = open_store(0);
    for (size_t i = 0; i < s->index.n_packs; i++) {
        struct stm_pack *p = s->index.packs[i];
        if (_i)
            p->n = 0;
        else
            p->e[0].offset++;
    }
    stm_packindex_write(&s->index, path);
    stm_store_close(s);
    s = open_store(0);
    ck_assert_uint_eq(cached(s), PACKS - 1);
    all_there(s, PACKS - 1);
    ck_sound(s);
    stm_store_close(s);
}
END_TEST

/* A store that cannot be written to is read all the same. */
START_TEST(read_only)
{
    ck_assert_int_eq(unlink(copy), 0);
    struct stm_store *s = open_store(STM_STORE_READONLY);
    all_there(s, PACKS - 1);
    stm_store_close(s);
    ck_assert_int_ne(access(copy, F_OK), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("store/packindex");
    TCase *t = tcase_create("packindex");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, used);
    tcase_add_test(t, lost_packs);
    tcase_add_loop_test(t, damaged, 0, 6);
    tcase_add_loop_test(t, lying, 0, 2);
    tcase_add_test(t, read_only);
    tcase_set_timeout(t, 120);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
