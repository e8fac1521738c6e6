/* A process dies at its n-th change of the file system, for every n. */
#include "store_help.h"

static struct tmpdir tmp;
static char dir[600];

static void setup(void)
{
    tmpdir_make(&tmp);
    snprintf(dir, sizeof dir, "%s/s", tmp.path);
}

static void teardown(void) { tmpdir_remove(&tmp); }

/* In a child: makes the store if need be, then saves versions [from, from + 3), and reports each
 * acknowledged version through the pipe. */
static void work(int from, unsigned long exit_at, int report)
{
    struct stm_store *s;
    struct stm_err err = {0};
    fault_start();
    fault.exit_at = exit_at;
    if (stm_store_open(&s, dir, STM_STORE_CREATE, &err)) _exit(2);
    for (int v = from; v < from + 3; v++) {
        struct stm_txn *t;
        struct stm_id chunk, rec, old;
        uint64_t seed = (uint64_t)v;
        float w[700];
        rnd_floats(&seed, w, 700);
        bool has_old = !stm_ref_get(s, "head", &old, &err);
        if (stm_txn_begin(&t, s, &err) ||
            stm_txn_put(t, STM_OBJ_CHUNK, w, sizeof w, 4, NULL, 0, &chunk, &err) ||
            stm_txn_put(t, STM_OBJ_RECORD, &v, sizeof v, 1, &chunk, 1, &rec, &err) ||
            stm_txn_ref(t, "head", has_old ? &old : NULL, &rec, &err) || stm_txn_commit(t, &err))
            _exit(3);
        if (write(report, &v, sizeof v) != sizeof v) _exit(4);
    }
    _exit(0);
}

static void ck_version(struct stm_store *s, int v)
{
    uint64_t seed = (uint64_t)v;
    float w[700];
    rnd_floats(&seed, w, 700);
    struct stm_id rec = stm_id_of(&v, sizeof v), chunk = stm_id_of(w, sizeof w);
    ck_object(s, &rec, &v, sizeof v);
    ck_object(s, &chunk, w, sizeof w);
}

START_TEST(death_at_every_change)
{
    int acknowledged[4096];
    size_t n_ack = 0;
    unsigned deaths = 0;
    for (unsigned long n = 1;; n++) {
        int ends[2], v, status;
        if (n % 2 == 0) { /* half of the deaths are those of the first process in a new store */
            tmpdir_remove(&tmp);
            ck_assert_int_eq(mkdir(tmp.path, 0700), 0);
            n_ack = 0;
        }
        ck_assert_int_eq(pipe(ends), 0);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (!pid) work((int)n * 10, n / 2 + 1, ends[1]);
        close(ends[1]);
        while (read(ends[0], &v, sizeof v) == sizeof v) acknowledged[n_ack++] = v;
        close(ends[0]);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFEXITED(status) && (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 0));
        deaths += WEXITSTATUS(status) == 77;

        struct stm_store *s;
        struct stm_err err = {0};
        ck_ok(stm_store_open(&s, dir, STM_STORE_CREATE, &err), &err);
        for (size_t i = 0; i < n_ack; i++) ck_version(s, acknowledged[i]);
        ck_sound(s);
        struct stm_id head;
        int rc = stm_ref_get(s, "head", &head, &err);
        ck_assert_msg(rc == 0 || (rc == STM_E_NOTFOUND && !n_ack), "death %lu: %s", n, err.msg);
        if (!rc) {
            struct stm_object o;
            ck_ok(stm_store_get(s, &head, &o, &err), &err);
            ck_assert_uint_eq(o.n, sizeof v);
            memcpy(&v, o.data, sizeof v);
            ck_assert_int_ge(v, n_ack ? acknowledged[n_ack - 1] : 0);
            stm_object_release(&o);
        }
        stm_store_close(s);
        if (WEXITSTATUS(status) == 0 && n % 2 == 0) break;
        ck_assert_uint_lt(n, 400);
    }
    ck_assert_uint_gt(deaths, 40);
}
END_TEST

/* The temporary file of a dead writer goes with the next commit; that of a living one stays. */
START_TEST(leftovers_of_the_dead)
{
    struct stm_store *s;
    struct stm_txn *alive, *t;
    struct stm_err err = {0};
    char packs[700];
    snprintf(packs, sizeof packs, "%s/packs", dir);
    ck_ok(stm_store_open(&s, dir, STM_STORE_CREATE, &err), &err);
    pid_t pid = fork();
    if (!pid) {
        struct stm_store *mine;
        if (stm_store_open(&mine, dir, 0, &err) || stm_txn_begin(&t, mine, &err) ||
            stm_txn_put(t, STM_OBJ_CHUNK, "dead", 4, 1, NULL, 0, NULL, &err))
            _exit(1);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(count_files(packs, ".tmp-", "", NULL, 0), 1);
    ck_sound(s); /* a leftover is no damage */
    ck_ok(stm_txn_begin(&alive, s, &err), &err);
    ck_ok(stm_txn_put(alive, STM_OBJ_CHUNK, "alive", 5, 1, NULL, 0, NULL, &err), &err);
    ck_assert_uint_eq(count_files(packs, ".tmp-", "", NULL, 0), 1);
    struct stm_id id;
    ck_ok(stm_txn_begin(&t, s, &err), &err);
    ck_ok(stm_txn_put(t, STM_OBJ_CHUNK, "other", 5, 1, NULL, 0, &id, &err), &err);
    ck_assert_uint_eq(count_files(packs, ".tmp-", "", NULL, 0), 2);
    ck_ok(stm_txn_commit(t, &err), &err);
    ck_ok(stm_txn_commit(alive, &err), &err);
    ck_assert_uint_eq(count_files(packs, ".tmp-", "", NULL, 0), 0);
    ck_assert_uint_eq(count_files(packs, "", ".pack", NULL, 0), 2);
    id = stm_id_of("alive", 5);
    ck_object(s, &id, "alive", 5);
    stm_store_close(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_crash");
    TCase *c = tcase_create("crash");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, death_at_every_change);
    tcase_add_test(c, leftovers_of_the_dead);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
