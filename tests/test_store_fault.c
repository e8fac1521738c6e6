/* Every file operation and every allocation of a commit fails once. After each failure: what was
 * acknowledged before is there, the store is sound, and a retry succeeds. */
#include "store_help.h"

static struct tmpdir tmp;
static struct stm_id before; /* acknowledged before the failure */

enum { N_CHUNKS = 3, CHUNK = 3000 };
static float chunks[N_CHUNKS][CHUNK];

static void setup(void)
{
    uint64_t seed = 11;
    tmpdir_make(&tmp);
    for (int i = 0; i < N_CHUNKS; i++) rnd_floats(&seed, chunks[i], CHUNK);
}

static void teardown(void)
{
    stm_mem_fail_after(0);
    fault_stop();
    tmpdir_remove(&tmp);
}

/* Opens, moves the ref "head" to a record on some chunks, closes. One chunk is in the store
 * already. Reads the ref first, as a caller that retries does. */
static int save(const char *dir, unsigned flags, int version, struct stm_err *err)
{
    struct stm_store *s = NULL;
    struct stm_txn *t = NULL;
    struct stm_id ids[N_CHUNKS], rec, old;
    char text[64];
    int rc = stm_store_open(&s, dir, flags, err);
    if (rc) return rc;
    rc = stm_ref_get(s, "head", &old, err);
    bool has_old = !rc;
    if (rc && rc != STM_E_NOTFOUND) goto out;
    rc = stm_txn_begin(&t, s, err);
    for (int i = 0; !rc && i < N_CHUNKS; i++)
        rc = stm_txn_put(t, STM_OBJ_CHUNK, chunks[i], sizeof chunks[i], 4, NULL, 0, &ids[i], err);
    snprintf(text, sizeof text, "version %d", version);
    if (!rc) rc = stm_txn_put(t, STM_OBJ_RECORD, text, strlen(text), 1, ids, N_CHUNKS, &rec, err);
    if (!rc && !(has_old && stm_id_eq(&old, &rec)))
        rc = stm_txn_ref(t, "head", has_old ? &old : NULL, &rec, err);
    if (rc)
        stm_txn_abort(t);
    else
        rc = stm_txn_commit(t, err);
out:
    stm_store_close(s);
    return rc;
}

/* A fresh store for every n: the number of calls must not grow with the packs of the n before. */
static void make_store(void)
{
    struct stm_store *s;
    struct stm_txn *t;
    struct stm_err err = {0};
    char dir[600];
    tmpdir_remove(&tmp);
    ck_assert_int_eq(mkdir(tmp.path, 0700), 0);
    snprintf(dir, sizeof dir, "%s/s", tmp.path);
    ck_ok(stm_store_open(&s, dir, STM_STORE_CREATE, &err), &err);
    ck_ok(stm_txn_begin(&t, s, &err), &err);
    ck_ok(stm_txn_put(t, STM_OBJ_CHUNK, chunks[0], sizeof chunks[0], 4, NULL, 0, &before, &err),
          &err);
    ck_ok(stm_txn_ref(t, "safe", NULL, &before, &err), &err);
    ck_ok(stm_txn_commit(t, &err), &err);
    stm_store_close(s);
}

/* `acknowledged`: the last version of "head" for which commit said yes, or -1. */
static void ck_after(int acknowledged, int tried, unsigned long n)
{
    char dir[600], text[64];
    struct stm_store *s;
    struct stm_err err = {0};
    struct stm_id at;
    snprintf(dir, sizeof dir, "%s/s", tmp.path);
    ck_assert_msg(!stm_store_open(&s, dir, 0, &err), "after call %lu: %s", n, err.msg);
    ck_object(s, &before, chunks[0], sizeof chunks[0]);
    ck_ok(stm_ref_get(s, "safe", &at, &err), &err);
    ck_assert(stm_id_eq(&at, &before));
    int rc = stm_ref_get(s, "head", &at, &err);
    if (acknowledged >= 0 || !rc) {
        /* The acknowledged version or, when the failure came after the rename, the tried one. */
        ck_assert_msg(!rc, "after call %lu: %s", n, err.msg);
        struct stm_id a, b;
        snprintf(text, sizeof text, "version %d", acknowledged);
        a = stm_id_of(text, strlen(text));
        snprintf(text, sizeof text, "version %d", tried);
        b = stm_id_of(text, strlen(text));
        ck_assert((acknowledged >= 0 && stm_id_eq(&at, &a)) || stm_id_eq(&at, &b));
    } else {
        ck_assert_int_eq(rc, STM_E_NOTFOUND);
    }
    ck_assert_msg(!stm_store_fsck(s, STM_FSCK_FULL, print_finding, NULL, &err),
                  "after call %lu: %s", n, err.msg);
    stm_store_close(s);
}

enum { ONE_CALL, POWER };

static void fail_every_call(int kind, int error)
{
    char dir[600];
    char packs[700];
    snprintf(dir, sizeof dir, "%s/s", tmp.path);
    snprintf(packs, sizeof packs, "%s/packs", dir);
    unsigned long failures = 0;
    for (unsigned long n = 1;; n++) {
        struct stm_err err = {0};
        int acknowledged = 0;
        make_store();
        ck_ok(save(dir, 0, 0, &err), &err); /* version 0 is acknowledged */
        fault_start();
        fault.error = error;
        if (kind == ONE_CALL)
            fault.fail_call = n;
        else
            fault.power_cut = n;
        int rc = save(dir, 0, (int)n, &err);
        bool done = kind == ONE_CALL ? fault.calls < n : fault.mutations < n;
        fault_stop();
        if (rc) {
            failures++;
            ck_assert_msg(err.code == rc && err.msg[0], "call %lu: code %d without a message", n,
                          rc);
        } else {
            acknowledged = (int)n;
        }
        ck_after(acknowledged, (int)n, n);
        if (rc) { /* the retry, with the file system well again */
            ck_ok(save(dir, 0, (int)n, &err), &err);
            acknowledged = (int)n;
            ck_after(acknowledged, (int)n, n);
        }
        /* Leftovers of the failed commit are cleared by the next one that writes a pack. */
        ck_ok(save(dir, 0, -1, &err), &err);
        ck_assert_uint_eq(count_files(packs, ".tmp-", "", NULL, 0), 0);
        if (done) break;
        ck_assert_uint_lt(n, 2000);
    }
    ck_assert_uint_gt(failures, kind == ONE_CALL ? 15 : 8);
}

START_TEST(one_call_fails_with_eio) { fail_every_call(ONE_CALL, EIO); }
END_TEST
START_TEST(one_call_fails_with_enospc) { fail_every_call(ONE_CALL, ENOSPC); }
END_TEST
START_TEST(all_calls_fail_from_one_on) { fail_every_call(POWER, EIO); }
END_TEST

/* A full disk is told apart from a broken one. */
START_TEST(no_space_is_named)
{
    char dir[600];
    struct stm_err err = {0};
    make_store();
    snprintf(dir, sizeof dir, "%s/s", tmp.path);
    unsigned named = 0;
    for (unsigned long n = 1; n < 20; n++) {
        fault_start();
        fault.error = ENOSPC;
        fault.power_cut = n;
        named += save(dir, 0, (int)n, &err) == STM_E_NOSPACE;
        fault_stop();
    }
    ck_assert_uint_ge(named, 6);
}
END_TEST

/* Each of the four fsyncs of a commit fails the commit, and no other fsync follows it: neither the
 * same one again, whose success would mean nothing, nor that of a later step. */
START_TEST(a_failed_fsync_is_final)
{
    char dir[600];
    snprintf(dir, sizeof dir, "%s/s", tmp.path);
    for (unsigned long n = 1; n <= 5; n++) {
        struct stm_err err = {0};
        make_store();
        ck_ok(save(dir, 0, 0, &err), &err);
        fault_start();
        fault.fail_fsync = n;
        int rc = save(dir, 0, 1, &err);
        unsigned long syncs = fault.fsyncs;
        fault_stop();
        ck_assert_int_eq(rc, n <= 4 ? STM_E_IO : 0);
        ck_assert_uint_eq(syncs, n <= 4 ? n : 4);
        ck_after(n <= 4 ? 0 : 1, 1, n);
        ck_ok(save(dir, 0, 1, &err), &err);
        ck_after(1, 1, n);
    }
}
END_TEST

START_TEST(every_allocation_fails)
{
    char dir[600];
    snprintf(dir, sizeof dir, "%s/s", tmp.path);
    unsigned failures = 0;
    for (unsigned long n = 1;; n++) {
        struct stm_err err = {0};
        int acknowledged = -1;
        make_store();
        stm_mem_fail_after(n);
        int rc = save(dir, 0, (int)n, &err);
        unsigned long made = stm_mem_fail_after(0);
        if (rc) {
            ck_assert_msg(rc == STM_E_NOMEM, "allocation %lu: %d %s", n, rc, err.msg);
            failures++;
        } else {
            acknowledged = (int)n;
        }
        ck_after(acknowledged, (int)n, n);
        if (made < n) break;
        ck_assert_uint_lt(n, 5000);
    }
    ck_assert_uint_gt(failures, 10);
    struct stm_err err = {0};
    ck_ok(save(dir, 0, 1, &err), &err);
}
END_TEST

/* Making a store: whatever fails, the next try completes it. */
START_TEST(creation_fails_anywhere)
{
    for (unsigned long n = 1;; n++) {
        struct stm_err err = {0};
        char dir[600];
        struct stm_store *s = NULL;
        snprintf(dir, sizeof dir, "%s/c%lu", tmp.path, n);
        fault_start();
        fault.fail_call = n;
        int rc = stm_store_open(&s, dir, STM_STORE_CREATE, &err);
        bool done = fault.calls < n;
        fault_stop();
        ck_assert(rc == 0 || (err.code == rc && err.msg[0]));
        stm_store_close(rc ? NULL : s);
        ck_ok(save(dir, STM_STORE_CREATE, 1, &err), &err);
        ck_ok(stm_store_open(&s, dir, 0, &err), &err);
        ck_sound(s);
        stm_store_close(s);
        if (done) break;
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_fault");
    TCase *c = tcase_create("fault");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, one_call_fails_with_eio);
    tcase_add_test(c, one_call_fails_with_enospc);
    tcase_add_test(c, all_calls_fail_from_one_on);
    tcase_add_test(c, no_space_is_named);
    tcase_add_test(c, a_failed_fsync_is_final);
    tcase_add_test(c, every_allocation_fails);
    tcase_add_test(c, creation_fails_anywhere);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
