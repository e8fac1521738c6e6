/* A view: what a plan lacks before, during and after training; memory that runs out. */
#include "run_help.h"

static struct stm_rep rep(const struct bench *b, const char *path, unsigned seed)
{
    return stm_view_rep(b->view, bench_node(b, path), seed);
}

START_TEST(before_training)
{
    struct bench b;
    struct stm_cost cost;
    struct stm_measured m;
    bench_make(&b);
    ck_assert_int_eq(rep(&b, "trunk", 0).status, STM_REP_PENDING);
    ck_assert_int_eq(rep(&b, "trunk/post/free", 1).status, STM_REP_WAITING);
    ck_assert_int_eq(stm_view_at(b.view, bench_node(&b, "trunk"), 0, STM_STEP(0), &m),
                     STM_FACT_UNKNOWN);
    ck_assert(!stm_view_fork(b.view, 0, 0).known);
    stm_view_cost(b.view, 4000, &cost);
    ck_assert_uint_eq(cost.replicates, 10);
    ck_assert_uint_eq(cost.done, 0);
    ck_assert_uint_eq(cost.waiting, 8);
    ck_assert_uint_eq(cost.declared, 2 * (20 + 4 * 40));
    ck_assert_uint_eq(cost.reused, 0);
    bench_remove(&b);
}
END_TEST

START_TEST(after_training)
{
    struct bench b;
    struct stm_run_outcome outcome;
    struct stm_cost cost;
    bench_make(&b);
    bench_train(&b, &outcome);
    /* `late` is `free` up to step 40, so those 20 steps are trained once. */
    ck_assert_uint_eq(outcome.steps, 2 * (20 + 4 * 40 - 20));
    ck_assert_uint_eq(outcome.restarts, 0);
    ck_assert(outcome.peak_mb > 1);
    for (unsigned s = 0; s < 2; s++)
        for (unsigned i = 0; i < b.plan->n_nodes; i++) {
            struct stm_rep r = stm_view_rep(b.view, (int)i, s);
            ck_assert_int_eq(r.status, STM_REP_DONE);
            ck_assert_uint_eq(r.last, b.plan->nodes[i].fork < 0 ? 20 : 60);
        }
    bench_view(&b); /* from the store alone */
    stm_view_cost(b.view, 4000, &cost);
    ck_assert_uint_eq(cost.done, 10);
    ck_assert_uint_eq(cost.worst, 0);
    bench_train(&b, &outcome);
    ck_assert_uint_eq(outcome.steps, 0);
    ck_assert_uint_eq(outcome.stretches, 0);
    ck_sound(b.store);
    bench_remove(&b);
}
END_TEST

START_TEST(one_origin)
{
    struct bench b;
    struct stm_run_outcome outcome;
    bench_make(&b);
    bench_train(&b, &outcome);
    for (unsigned s = 0; s < 2; s++) {
        struct stm_fork_at at = stm_view_fork(b.view, 0, s);
        ck_assert(at.known && at.reached && !at.cancelled);
        ck_assert_uint_eq(at.step, 20);
        for (unsigned i = 1; i < b.plan->n_nodes; i++) {
            struct stm_measured m;
            struct stm_id parent;
            struct stm_moment start = {STM_AT_START, NAN};
            ck_assert(stm_view_parent(b.view, (int)i, s, &parent));
            ck_assert_int_eq(stm_view_at(b.view, (int)i, s, start, &m), STM_FACT_KNOWN);
            ck_assert(stm_id_eq(&parent, &at.state));
            bool held = strstr(b.plan->nodes[i].path, "held") != NULL;
            ck_assert_int_eq(stm_id_eq(&m.state, &at.state), !held);
        }
    }
    struct stm_measured x, y;
    int free_arm = bench_node(&b, "trunk/post/free"), late = bench_node(&b, "trunk/post/late");
    for (uint64_t step = 40; step <= 45; step += 5) { /* `late` changes at 40 */
        struct stm_moment at = STM_STEP(step);
        ck_assert_int_eq(stm_view_at(b.view, free_arm, 0, at, &x), STM_FACT_KNOWN);
        ck_assert_int_eq(stm_view_at(b.view, late, 0, at, &y), STM_FACT_KNOWN);
        ck_assert_int_eq(stm_id_eq(&x.state, &y.state), step == 40);
    }
    ck_assert_int_eq(stm_view_at(b.view, free_arm, 0, STM_STEP(43), &x), STM_FACT_UNKNOWN);
    ck_assert_int_eq(stm_view_at(b.view, free_arm, 0, STM_STEP(61), &x), STM_FACT_NONE);
    bench_remove(&b);
}
END_TEST

START_TEST(any_step_is_restored)
{
    struct bench b;
    struct stm_run_outcome outcome;
    struct stm_err e = {0};
    bench_make(&b);
    bench_train(&b, &outcome);
    int late = bench_node(&b, "trunk/post/late");
    for (uint64_t step = 0; step <= 60; step += 3) {
        struct stm_state s;
        struct stm_measured m;
        struct stm_id id;
        ck_ok(stm_view_restore(b.view, late, 1, STM_STEP(step), &s, &e), &e);
        ck_assert_uint_eq(stm_state_step(&s), step);
        ck_ok(stm_state_ids(&s, &id, NULL, &e), &e);
        if (stm_view_at(b.view, late, 1, STM_STEP(step), &m) == STM_FACT_KNOWN)
            ck_assert(stm_id_eq(&id, &m.state));
        stm_state_release(&s);
    }
    struct stm_state none;
    ck_assert_int_eq(stm_view_restore(b.view, late, 1, STM_STEP(61), &none, &e), STM_E_NOTFOUND);
    bench_remove(&b);
}
END_TEST

/* Whatever allocation fails, the answer is STM_E_NOMEM, and the same call works afterwards. */
START_TEST(out_of_memory)
{
    struct bench b;
    struct stm_run_outcome outcome;
    bench_make(&b);
    for (int trained = 0; trained < 2; trained++) {
        struct stm_view_options o = {.seed_lo = 0, .seed_hi = 1, .profile = stm_engine_profile()};
        unsigned long n = 1;
        for (;; n++) {
            struct stm_view *v = NULL;
            struct stm_err e = {0};
            stm_mem_fail_after(n);
            int rc = stm_view_new(&v, b.plan, b.store, &o, &e);
            unsigned long used = stm_mem_fail_after(0);
            stm_view_free(v);
            if (!rc) {
                ck_assert_msg(used < n, "allocation %lu of %lu failed unnoticed", n, used);
                break;
            }
            ck_assert_msg(rc == STM_E_NOMEM && e.code == rc, "allocation %lu: %d: %s", n, rc,
                          e.msg);
        }
        ck_assert_uint_gt(n, 20);
        bench_view(&b);
        bench_train(&b, &outcome);
        ck_assert_int_eq(outcome.steps > 0, !trained);
    }
    bench_remove(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("run/view");
    TCase *t = tcase_create("view");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, before_training);
    tcase_add_test(t, after_training);
    tcase_add_test(t, one_origin);
    tcase_add_test(t, any_step_is_restored);
    tcase_add_test(t, out_of_memory);
    suite_add_tcase(s, t);
    return run_suite(s);
}
