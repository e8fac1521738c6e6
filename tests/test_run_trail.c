/* Trails: what is written is read back, merged and checked; damaged records are told, never read
 * wrongly; a commit with its state costs at most four fsyncs. */
#include "store_help.h"
#include "test_seed.h"

#include "run/trail.h"

static const char settings[] = "lr = 0.01\nprecision = f32\n";
static const char profile[] = "portable/0 of this test";

struct fixture {
    struct tmpdir dir;
    struct stm_store *s;
    struct stm_id start;
};

/* A state of two tensors whose content follows from `step`. */
struct small {
    struct stm_state s;
    struct stm_tensor t[2];
    uint64_t step;
    float w[6];
};

static void small_make(struct small *x, uint64_t step)
{
    static const uint32_t shape[] = {2, 3};
    *x = (struct small){.step = step};
    for (unsigned i = 0; i < 6; i++) x->w[i] = (float)step + (float)i / 8;
    x->t[0] = (struct stm_tensor){"param.w", STM_F32, 2, shape, x->w, sizeof x->w};
    x->t[1] = (struct stm_tensor){"step", STM_U64, 0, NULL, &x->step, sizeof x->step};
    x->s = (struct stm_state){.t = x->t, .n = 2};
}

static int no_fsync(int fd)
{
    (void)fd;
    return 0;
}

static void fixture_make(struct fixture *f)
{
    static struct stm_fileops fast;
    struct stm_err e = {0};
    struct stm_txn *t = NULL;
    struct small first;
    fast = stm_fileops_posix;
    fast.fsync = no_fsync; /* thousands of transactions; none has to survive a power cut */
    stm_fileops_install(&fast);
    tmpdir_make(&f->dir);
    ck_ok(stm_store_open(&f->s, f->dir.path, STM_STORE_CREATE, &e), &e);
    small_make(&first, 0);
    ck_ok(stm_txn_begin(&t, f->s, &e), &e);
    ck_ok(stm_state_put(t, &first.s, &f->start, &e), &e);
    ck_ok(stm_txn_commit(t, &e), &e);
}

static void fixture_remove(struct fixture *f)
{
    stm_store_close(f->s);
    stm_fileops_install(NULL);
    tmpdir_remove(&f->dir);
}

static void begin(struct stm_trail *t, const struct fixture *f)
{
    struct stm_err e = {0};
    ck_ok(stm_trail_new(t, &f->start, 0, settings, profile, &e), &e);
}

/* Adds the state of `step` with value `v` (NAN: none) of metric `text`. */
static int add(struct stm_trail *t, uint64_t step, bool stored, const char *text, double v,
               struct stm_err *e)
{
    struct small x;
    struct stm_id ids[2];
    struct stm_trail_value value = {0, v};
    struct stm_trail_entry entry = {.step = step, .stored = stored, .tensors = ids};
    small_make(&x, step);
    ck_ok(stm_state_ids(&x.s, &entry.state, ids, e), e);
    if (!t->tensor_names) ck_ok(stm_trail_set_tensors(t, &x.s, e), e);
    if (text) {
        value.column = (unsigned)stm_trail_column(t, text);
        entry.values = &value;
        entry.n_values = 1;
    }
    return stm_trail_add(t, &entry, e);
}

static void load(struct stm_trail *t, const struct fixture *f)
{
    struct stm_err e = {0};
    struct stm_id key = stm_trail_key(&f->start, settings, profile);
    ck_ok(stm_trail_load(t, f->s, &key, &e), &e);
}

START_TEST(round_trip)
{
    struct fixture f;
    struct stm_trail t, back;
    struct stm_err e = {0};
    struct stm_id head = {0};
    struct small anchor;
    double v;
    fixture_make(&f);
    load(&back, &f);
    ck_assert(!back.exists);
    stm_trail_release(&back);
    begin(&t, &f);
    ck_ok(add(&t, 10, false, "acc(train)", 0.5, &e), &e);
    ck_ok(add(&t, 0, false, "acc(train)", 0.25, &e), &e);
    ck_ok(add(&t, 20, true, "norm(weights)", 13.0, &e), &e);
    small_make(&anchor, 20);
    ck_ok(stm_trail_commit(&t, f.s, &anchor.s, &head, &e), &e);
    load(&back, &f);
    ck_assert(back.exists && stm_id_eq(&back.head, &head));
    ck_assert_str_eq(back.settings, settings);
    ck_assert_str_eq(back.profile, profile);
    ck_assert(stm_id_eq(&back.start, &f.start));
    ck_assert_uint_eq(back.n_entries, 3);
    ck_assert_uint_eq(back.last, 20);
    ck_assert_uint_eq(back.diverged, STM_NEVER);
    ck_assert_uint_eq(back.n_tensors, 2);
    ck_assert_str_eq(back.tensor_names[0], "param.w");
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(back.entries[i].step, 10 * i);
        ck_assert(stm_id_eq(&back.entries[i].state, &t.entries[i].state));
        for (unsigned k = 0; k < 2; k++)
            ck_assert(stm_id_eq(&back.entries[i].tensors[k], &t.entries[i].tensors[k]));
    }
    ck_assert(stm_trail_metric(&back, &back.entries[1], "acc(train)", &v) && v == 0.5);
    ck_assert(!stm_trail_metric(&back, &back.entries[1], "norm(weights)", &v));
    ck_assert(!stm_trail_metric(&back, &back.entries[1], "loss(train)", &v));
    ck_assert(stm_trail_metric(&back, &back.entries[2], "norm(weights)", &v) && v == 13.0);
    ck_assert_ptr_null(stm_trail_at(&back, 15));
    ck_assert_ptr_null(stm_trail_anchor(&back, 19));
    ck_assert_uint_eq(stm_trail_anchor(&back, 20)->step, 20);
    ck_assert_uint_eq(stm_trail_anchor(&back, STM_NEVER)->step, 20);
    stm_trail_release(&t);
    stm_trail_release(&back);
    ck_sound(f.s);
    fixture_remove(&f);
}
END_TEST

/* Records of one chain, columns in another order, the same step twice: one trail. */
START_TEST(records_merge)
{
    struct fixture f;
    struct stm_trail t, back;
    struct stm_err e = {0};
    struct stm_id head = {0};
    double v;
    fixture_make(&f);
    begin(&t, &f);
    ck_ok(add(&t, 10, false, "a", 1, &e), &e);
    ck_ok(add(&t, 20, false, "b", 2, &e), &e);
    ck_ok(stm_trail_commit(&t, f.s, NULL, &head, &e), &e);
    stm_trail_release(&t);
    begin(&t, &f);
    ck_ok(add(&t, 15, false, "b", 3, &e), &e);
    ck_ok(add(&t, 10, true, "b", 4, &e), &e);
    ck_ok(add(&t, 10, false, "a", 99, &e), &e); /* known already: the first value stays */
    t.diverged = 30;
    ck_ok(stm_trail_commit(&t, f.s, NULL, &head, &e), &e);
    stm_trail_release(&t);
    load(&back, &f);
    ck_assert_uint_eq(back.n_entries, 3);
    ck_assert_uint_eq(back.diverged, 30);
    ck_assert_uint_eq(back.last, 20);
    const struct stm_trail_entry *ten = stm_trail_at(&back, 10);
    ck_assert(ten->stored);
    ck_assert(stm_trail_metric(&back, ten, "a", &v) && v == 1);
    ck_assert(stm_trail_metric(&back, ten, "b", &v) && v == 4);
    ck_assert(stm_trail_metric(&back, stm_trail_at(&back, 15), "b", &v) && v == 3);
    stm_trail_release(&back);
    fixture_remove(&f);
}
END_TEST

START_TEST(two_states_for_one_step)
{
    struct fixture f;
    struct stm_trail t;
    struct stm_err e = {0};
    struct stm_id tensors[2] = {{0}};
    struct stm_trail_entry other = {.step = 10, .tensors = tensors};
    fixture_make(&f);
    begin(&t, &f);
    ck_ok(add(&t, 10, false, NULL, 0, &e), &e);
    ck_ok(add(&t, 10, false, NULL, 0, &e), &e);
    other.state = f.start;
    ck_assert_int_eq(stm_trail_add(&t, &other, &e), STM_E_MISMATCH);
    ck_assert_msg(strstr(e.msg, "step 10") != NULL, "%s", e.msg);
    ck_assert_uint_eq(t.n_entries, 1);
    stm_trail_release(&t);
    fixture_remove(&f);
}
END_TEST

START_TEST(the_second_writer_is_told)
{
    struct fixture f;
    struct stm_trail t, back;
    struct stm_err e = {0};
    struct stm_id first = {0}, second = {0};
    fixture_make(&f);
    begin(&t, &f);
    ck_ok(add(&t, 10, false, NULL, 0, &e), &e);
    ck_ok(stm_trail_commit(&t, f.s, NULL, &first, &e), &e);
    ck_ok(add(&t, 20, false, NULL, 0, &e), &e);
    ck_assert_int_eq(stm_trail_commit(&t, f.s, NULL, &second, &e), STM_E_CONFLICT);
    ck_assert_uint_eq(second.alg, 0);
    load(&back, &f);
    ck_assert(stm_id_eq(&back.head, &first));
    ck_assert_uint_eq(back.n_entries, 1);
    stm_trail_release(&back);
    stm_trail_release(&t);
    fixture_remove(&f);
}
END_TEST

/* Puts `bytes` as the record behind the trail's ref. */
static void forge(const struct fixture *f, const void *bytes, size_t n, struct stm_id *head)
{
    struct stm_txn *t = NULL;
    struct stm_err e = {0};
    struct stm_id key = stm_trail_key(&f->start, settings, profile), now;
    char name[64] = "seg-";
    stm_id_text(&key, name + 4);
    ck_ok(stm_txn_begin(&t, f->s, &e), &e);
    ck_ok(stm_txn_put(t, STM_OBJ_RECORD, bytes, n, 1, &f->start, 1, &now, &e), &e);
    ck_ok(stm_txn_ref(t, name, head, &now, &e), &e);
    ck_ok(stm_txn_commit(t, &e), &e);
    *head = now;
}

static int try_load(const struct fixture *f, struct stm_trail *t)
{
    struct stm_err e = {0};
    struct stm_id key = stm_trail_key(&f->start, settings, profile);
    int rc = stm_trail_load(t, f->s, &key, &e);
    ck_assert_msg(!rc || (e.code == rc && e.msg[0]), "no message for %d", rc);
    return rc;
}

/* A record with a valid hash and wrong content: every truncation is damage, every flipped bit is
 * damage, a mismatch or another value, and nothing is read outside the record (sanitizers). */
START_TEST(damaged_records)
{
    struct fixture f;
    struct stm_trail t, back;
    struct stm_err e = {0};
    struct stm_id head = {0};
    struct stm_object whole;
    uint64_t seed = test_seed("damaged_records", _i);
    fixture_make(&f);
    begin(&t, &f);
    ck_ok(add(&t, 10, true, "acc(train)", 0.5, &e), &e);
    ck_ok(add(&t, 20, false, "norm(weights)", 13, &e), &e);
    ck_ok(stm_trail_commit(&t, f.s, NULL, &head, &e), &e);
    stm_trail_release(&t);
    ck_ok(stm_store_get(f.s, &head, &whole, &e), &e);
    for (size_t n = 0; n < whole.n; n += 1 + n / 64) {
        forge(&f, whole.data, n, &head);
        int rc = try_load(&f, &back);
        ck_assert_msg(rc == STM_E_DAMAGED, "cut to %zu of %zu bytes: %d", n, whole.n, rc);
    }
    unsigned refused = 0;
    for (int round = 0; round < 400; round++) {
        size_t at = (size_t)(rnd(&seed) % whole.n);
        unsigned char bit = (unsigned char)(1u << (rnd(&seed) & 7));
        whole.data[at] ^= bit;
        forge(&f, whole.data, whole.n, &head);
        int rc = try_load(&f, &back);
        ck_assert_msg(rc == 0 || rc == STM_E_DAMAGED || rc == STM_E_MISMATCH,
                      "bit %#x of byte %zu: %d", bit, at, rc);
        refused += rc != 0;
        if (!rc) stm_trail_release(&back);
        whole.data[at] ^= bit;
    }
    ck_assert_uint_gt(refused, 0);
    forge(&f, whole.data, whole.n, &head);
    ck_assert_int_eq(try_load(&f, &back), 0);
    ck_assert_uint_eq(back.n_entries, 2);
    stm_trail_release(&back);
    stm_object_release(&whole);
    fixture_remove(&f);
}
END_TEST

/* A ref to a record that is not there is damage, not a trail that was never begun. */
START_TEST(a_lost_record)
{
    struct fixture f, whole;
    struct stm_trail t, back;
    struct stm_err e = {0};
    struct stm_id head = {0};
    char name[64], from[700], to[700];
    fixture_make(&f);
    fixture_make(&whole);
    begin(&t, &whole);
    ck_ok(add(&t, 10, true, NULL, NAN, &e), &e);
    ck_ok(stm_trail_commit(&t, whole.s, NULL, &head, &e), &e);
    memcpy(name, "seg-", 4);
    stm_id_text(&t.key, name + 4);
    snprintf(from, sizeof from, "%s/refs/%s", whole.dir.path, name);
    snprintf(to, sizeof to, "%s/refs/%s", f.dir.path, name);
    ck_ok(stm_trail_load(&back, f.s, &t.key, &e), &e);
    ck_assert(!back.exists);
    copy_file(from, to);
    ck_assert_int_eq(stm_trail_load(&back, f.s, &t.key, &e), STM_E_DAMAGED);
    ck_assert_msg(strstr(e.msg, "has lost record"), "%s", e.msg);
    stm_trail_release(&t);
    fixture_remove(&whole);
    fixture_remove(&f);
}
END_TEST

START_TEST(a_commit_costs_four_fsyncs)
{
    struct fixture f;
    struct stm_trail t;
    struct stm_err e = {0};
    struct stm_id head = {0};
    fixture_make(&f);
    fault_start();
    for (uint64_t step = 10; step <= 50; step += 10) {
        struct small x;
        begin(&t, &f);
        ck_ok(add(&t, step - 5, false, "acc(train)", 0.5, &e), &e);
        ck_ok(add(&t, step, true, "acc(train)", 0.5, &e), &e);
        small_make(&x, step);
        fault.fsyncs = 0;
        ck_ok(stm_trail_commit(&t, f.s, &x.s, &head, &e), &e);
        ck_assert_msg(fault.fsyncs >= 1 && fault.fsyncs <= 4, "%lu fsyncs", fault.fsyncs);
        stm_trail_release(&t);
    }
    fault_stop();
    fixture_remove(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("run/trail");
    TCase *t = tcase_create("trail");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, round_trip);
    tcase_add_test(t, records_merge);
    tcase_add_test(t, two_states_for_one_step);
    tcase_add_test(t, the_second_writer_is_told);
    tcase_add_loop_test(t, damaged_records, 0, test_seeds());
    tcase_add_test(t, a_lost_record);
    tcase_add_test(t, a_commit_costs_four_fsyncs);
    suite_add_tcase(s, t);
    return run_suite(s);
}
