/* Eight processes on one store. */
#include "store_help.h"

enum { WRITERS = 8, ROUNDS = 25 };

static struct tmpdir tmp;
static char dir[600];

static void setup(void)
{
    tmpdir_make(&tmp);
    snprintf(dir, sizeof dir, "%s/s", tmp.path);
}

static void teardown(void) { tmpdir_remove(&tmp); }

/* Runs `body` in WRITERS children; all must exit with 0. */
static void in_children(int (*body)(int who))
{
    pid_t pids[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        ck_assert_int_ge(pids[i], 0);
        if (!pids[i]) _exit(body(i));
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert_msg(status == 0, "writer %d ended with status %x", i, (unsigned)status);
    }
}

static int say(const char *what, const struct stm_err *err)
{
    fprintf(stderr, "%s: %s\n", what, err->msg);
    return 1;
}

/* Adds one to the counter that "count" points to; retries when another was faster. */
static int increment(struct stm_store *s, int who, int round, struct stm_err *err)
{
    for (;;) {
        struct stm_id old, now, mine;
        struct stm_object o;
        struct stm_txn *t;
        unsigned value = 0;
        int shared = round, own = who * 1000 + round;
        int rc = stm_ref_get(s, "count", &old, err);
        bool has_old = !rc;
        if (rc && rc != STM_E_NOTFOUND) return rc;
        if (has_old) {
            rc = stm_store_get(s, &old, &o, err);
            if (rc) return rc;
            memcpy(&value, o.data, sizeof value);
            stm_object_release(&o);
        }
        value++;
        rc = stm_txn_begin(&t, s, err);
        if (rc) return rc;
        /* One object that all writers store at about the same time, and one of this writer. */
        rc = stm_txn_put(t, STM_OBJ_CHUNK, &shared, sizeof shared, 4, NULL, 0, NULL, err);
        if (!rc) rc = stm_txn_put(t, STM_OBJ_CHUNK, &own, sizeof own, 4, NULL, 0, &mine, err);
        unsigned char payload[8];
        memcpy(payload, &value, 4);
        memcpy(payload + 4, "cnt", 4);
        if (!rc) rc = stm_txn_put(t, STM_OBJ_RECORD, payload, 8, 1, NULL, 0, &now, err);
        if (!rc) rc = stm_txn_ref(t, "count", has_old ? &old : NULL, &now, err);
        if (rc) {
            stm_txn_abort(t);
            return rc;
        }
        rc = stm_txn_commit(t, err);
        if (rc != STM_E_CONFLICT) return rc;
    }
}

static int count_up(int who)
{
    struct stm_store *s;
    struct stm_err err = {0};
    /* All create at once; all succeed. */
    if (stm_store_open(&s, dir, STM_STORE_CREATE, &err)) return say("open", &err);
    for (int i = 0; i < ROUNDS; i++)
        if (increment(s, who, i, &err)) return say("increment", &err);
    stm_store_close(s);
    return 0;
}

START_TEST(one_counter)
{
    struct stm_store *s;
    struct stm_err err = {0};
    struct stm_id id;
    struct stm_object o;
    in_children(count_up);
    ck_ok(stm_store_open(&s, dir, 0, &err), &err);
    ck_ok(stm_ref_get(s, "count", &id, &err), &err);
    ck_ok(stm_store_get(s, &id, &o, &err), &err);
    unsigned value;
    memcpy(&value, o.data, sizeof value);
    stm_object_release(&o);
    ck_assert_uint_eq(value, WRITERS * ROUNDS);
    for (int who = 0; who < WRITERS; who++) {
        for (int i = 0; i < ROUNDS; i++) {
            int own = who * 1000 + i;
            id = stm_id_of(&own, sizeof own);
            ck_object(s, &id, &own, sizeof own);
        }
    }
    ck_sound(s);
    stm_store_close(s);
}
END_TEST

static int create_only(int who)
{
    struct stm_store *s;
    struct stm_err err = {0};
    for (int i = 0; i < 20; i++) {
        char d[700];
        snprintf(d, sizeof d, "%s%d", dir, i);
        if (stm_store_open(&s, d, STM_STORE_CREATE, &err)) return say("create", &err);
        struct stm_txn *t;
        if (stm_txn_begin(&t, s, &err) ||
            stm_txn_put(t, STM_OBJ_CHUNK, &who, sizeof who, 4, NULL, 0, NULL, &err) ||
            stm_txn_commit(t, &err))
            return say("put", &err);
        stm_store_close(s);
    }
    return 0;
}

START_TEST(many_creators)
{
    in_children(create_only);
    for (int i = 0; i < 20; i++) {
        char d[700];
        struct stm_store *s;
        struct stm_err err = {0};
        snprintf(d, sizeof d, "%s%d", dir, i);
        ck_ok(stm_store_open(&s, d, 0, &err), &err);
        for (int who = 0; who < WRITERS; who++) {
            struct stm_id id = stm_id_of(&who, sizeof who);
            ck_object(s, &id, &who, sizeof who);
        }
        stm_store_close(s);
    }
}
END_TEST

/* Readers and fsck beside writers: never damage, never a missing reference. */
static int write_or_check(int who)
{
    struct stm_store *s;
    struct stm_err err = {0};
    if (who >= 2) return count_up(who);
    if (stm_store_open(&s, dir, STM_STORE_CREATE, &err)) return say("open", &err);
    for (int i = 0; i < 40; i++)
        if (stm_store_fsck(s, who ? STM_FSCK_FULL : STM_FSCK_QUICK, print_finding, NULL, &err))
            return say("fsck", &err);
    stm_store_close(s);
    return 0;
}

START_TEST(fsck_beside_writers) { in_children(write_or_check); }
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_concurrent");
    TCase *c = tcase_create("concurrent");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, one_counter);
    tcase_add_test(c, many_creators);
    tcase_add_test(c, fsck_beside_writers);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
