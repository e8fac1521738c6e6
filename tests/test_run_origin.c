/* Origins: what a record answers is that very question, and one that is lost is not one that was
 * never made. */
#include "store_help.h"

#include "run/origin.h"

static const struct stm_origin seed_7 = {.fresh = true,
                                         .seed = 7,
                                         .edits = "",
                                         .settings = "lr = 0.01\n",
                                         .profile = "portable/0 of this test"};

struct fixture {
    struct tmpdir dir;
    struct stm_store *s;
};

static void fixture_make(struct fixture *f)
{
    struct stm_err e = {0};
    tmpdir_make(&f->dir);
    ck_ok(stm_store_open(&f->s, f->dir.path, STM_STORE_CREATE, &e), &e);
}

static void fixture_remove(struct fixture *f)
{
    stm_store_close(f->s);
    tmpdir_remove(&f->dir);
}

/* Stores the answer of `o`: a state of one number. */
static struct stm_id answer(const struct fixture *f, const struct stm_origin *o, uint64_t number)
{
    const struct stm_tensor step = {"step", STM_U64, 0, NULL, &number, sizeof number};
    const struct stm_state first = {.t = &step, .n = 1};
    struct stm_id start;
    struct stm_err e = {0};
    ck_ok(stm_origin_store(o, &first, f->s, &start, &e), &e);
    return start;
}

static int ask(const struct fixture *f, const struct stm_origin *o, struct stm_id *start,
               struct stm_err *e)
{
    *e = (struct stm_err){0};
    return stm_origin_load(o, f->s, start, e);
}

static void name_of(const struct stm_origin *o, char name[64])
{
    struct stm_id key = stm_origin_key(o);
    memcpy(name, "org-", 4);
    stm_id_text(&key, name + 4);
}

START_TEST(each_question_has_its_answer)
{
    struct fixture f;
    struct stm_err e;
    struct stm_id start, other = answer((fixture_make(&f), &f), &seed_7, 0);
    struct stm_origin o[] = {seed_7, seed_7, seed_7, seed_7, seed_7, seed_7};
    o[0].seed = 8;
    o[1].edits = "once norm(weights) *= 0.5\n";
    o[2].settings = "lr = 0.02\n";
    o[3].profile = "portable/1 of this test";
    o[4].step = 1;
    o[5].fresh = false;
    o[5].parent = other;
    ck_ok(ask(&f, &seed_7, &start, &e), &e);
    ck_assert(stm_id_eq(&start, &other));
    for (unsigned i = 0; i < sizeof o / sizeof *o; i++) {
        ck_ok(ask(&f, &o[i], &start, &e), &e);
        ck_assert_msg(!start.alg, "question %u has the answer of another one", i);
        struct stm_id made = answer(&f, &o[i], i + 1);
        ck_ok(ask(&f, &o[i], &start, &e), &e);
        ck_assert(stm_id_eq(&start, &made));
    }
    fixture_remove(&f);
}
END_TEST

START_TEST(the_record_of_another_question)
{
    struct fixture f;
    struct stm_err e = {0};
    struct stm_txn *t = NULL;
    struct stm_origin seed_8 = seed_7;
    struct stm_id start, mine, other;
    char name[64], name_8[64];
    seed_8.seed = 8;
    fixture_make(&f);
    answer(&f, &seed_7, 0);
    answer(&f, &seed_8, 1);
    name_of(&seed_7, name);
    name_of(&seed_8, name_8);
    ck_ok(stm_ref_get(f.s, name, &mine, &e), &e);
    ck_ok(stm_ref_get(f.s, name_8, &other, &e), &e);
    ck_ok(stm_txn_begin(&t, f.s, &e), &e);
    ck_ok(stm_txn_ref(t, name, &mine, &other, &e), &e);
    ck_ok(stm_txn_commit(t, &e), &e);
    ck_assert_int_eq(ask(&f, &seed_7, &start, &e), STM_E_DAMAGED);
    ck_assert_msg(strstr(e.msg, name), "%s", e.msg);
    ck_assert(!start.alg);
    ck_ok(ask(&f, &seed_8, &start, &e), &e);
    fixture_remove(&f);
}
END_TEST

START_TEST(a_lost_record)
{
    struct fixture f, whole;
    struct stm_err e;
    struct stm_id start;
    char name[64], from[700], to[700];
    fixture_make(&f);
    fixture_make(&whole);
    answer(&whole, &seed_7, 0);
    name_of(&seed_7, name);
    snprintf(from, sizeof from, "%s/refs/%s", whole.dir.path, name);
    snprintf(to, sizeof to, "%s/refs/%s", f.dir.path, name);
    ck_ok(ask(&f, &seed_7, &start, &e), &e);
    ck_assert(!start.alg);
    copy_file(from, to); /* the ref without what it points to */
    ck_assert_int_eq(ask(&f, &seed_7, &start, &e), STM_E_DAMAGED);
    ck_assert_msg(strstr(e.msg, "has lost record"), "%s", e.msg);
    fixture_remove(&whole);
    fixture_remove(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("run/origin");
    TCase *t = tcase_create("origin");
    tcase_add_test(t, each_question_has_its_answer);
    tcase_add_test(t, the_record_of_another_question);
    tcase_add_test(t, a_lost_record);
    suite_add_tcase(s, t);
    return run_suite(s);
}
