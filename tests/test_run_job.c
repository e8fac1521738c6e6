/* A task written down: what is read is what was written, damaged bytes are refused, and a process
 * that has only the store and the bytes carries it out. */
#include "run_help.h"

#include "run/worker.h"

#include <sys/wait.h>
#include <unistd.h>

/* ---- bytes ---- */

static uint64_t lcg;

static uint64_t some(void)
{
    lcg = lcg * 6364136223846793005u + 1442695040888963407u;
    return lcg >> 20;
}

static struct stm_id some_id(void)
{
    uint64_t x[2] = {some(), some()};
    return stm_id_of(x, sizeof x);
}

static void some_job(struct stm_job *j, const uint64_t *steps)
{
    *j = (struct stm_job){.plan = some_id(),
                          .node = (int)(some() % 100),
                          .seed = (int)(some() % 1000),
                          .fork = some(),
                          .origin = {.fresh = some() % 2,
                                     .seed = some(),
                                     .parent = some_id(),
                                     .step = some(),
                                     .edits = some() % 2 ? "" : "once weights *= 0.9\nholds\n",
                                     .settings = "batch = full\nlr = 0.01\n",
                                     .profile = "portable/2"},
                          .start_known = some() % 2,
                          .start = some_id(),
                          .head = some_id(),
                          .resume = some(),
                          .until = STM_NEVER,
                          .again = some() % 2,
                          .root = some() % 2,
                          .stop_events = (uint32_t)some(),
                          .anchor_events = (uint32_t)some(),
                          .latched = (uint32_t)some(),
                          .anchor_every = some(),
                          .usual = some(),
                          .anchors = steps,
                          .n_anchors = some() % 4,
                          .rows = steps,
                          .n_rows = some() % 8};
}

START_TEST(written_and_read)
{
    static const uint64_t steps[8] = {0, 1, 20, 300, 4000, 5, 6, STM_NEVER};
    struct stm_buf b = {0}, again = {0};
    struct stm_arena a = {0};
    struct stm_job j, back;
    lcg = 2026 + (uint64_t)_i;
    some_job(&j, steps);
    stm_job_encode(&j, &b);
    ck_assert_int_eq(stm_job_decode(&back, b.p, b.n, &a, NULL), 0);
    stm_job_encode(&back, &again);
    ck_assert_uint_eq(b.n, again.n);
    ck_assert_mem_eq(b.p, again.p, b.n);
    struct stm_id x = stm_job_id(&j), y = stm_job_id(&back);
    ck_assert(stm_id_eq(&x, &y));
    ck_assert_uint_eq(back.until, STM_NEVER);
    for (size_t n = 0; n < b.n; n++) /* cut anywhere */
        ck_assert_int_eq(stm_job_decode(&back, b.p, n, &a, NULL), STM_E_FORMAT);
    stm_buf_zero(&b, 1);
    ck_assert_int_eq(stm_job_decode(&back, b.p, b.n, &a, NULL), STM_E_FORMAT);
    stm_arena_release(&a);
    stm_buf_release(&b);
    stm_buf_release(&again);
}
END_TEST

/* ---- another process ---- */

static const char *self; /* this program */

/* Started with the paths of a store and of a job: how it went is the exit code. */
static int carry_out(const char *store, const char *path)
{
    unsigned char bytes[65536];
    struct stm_store *s = NULL;
    struct stm_work_done done;
    struct stm_err e = {0};
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    if (f) fclose(f);
    int rc = stm_store_open(&s, store, 0, &e);
    if (!rc) rc = stm_work_bytes(bytes, n, s, NULL, &done, &e);
    stm_store_close(s);
    if (rc) fprintf(stderr, "%s\n", e.msg);
    return -rc;
}

static int run_elsewhere(const char *store, const char *path)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        execl(self, self, "--carry-out", store, path, (char *)NULL);
        _exit(99);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void write_job(const char *path, const struct stm_job *job)
{
    struct stm_buf b = {0};
    FILE *f = fopen(path, "wb");
    stm_job_encode(job, &b);
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(b.p, 1, b.n, f), b.n);
    fclose(f);
    stm_buf_release(&b);
}

/* All of the tree by processes that know nothing: in the end it has the ids of one that was run as
 * usual. */
static void run_by_files(struct bench *b, const char *path)
{
    struct stm_err e = {0};
    while (stm_view_tasks(b->view)) {
        struct stm_arena a = {0};
        struct stm_job job;
        ck_ok(stm_task_job(b->view, &b->view->tasks[0], &a, &job, &e), &e);
        write_job(path, &job);
        stm_arena_release(&a);
        ck_assert_int_eq(run_elsewhere(b->path, path), 0);
        /* What it was made from has changed since. */
        ck_assert_int_eq(run_elsewhere(b->path, path), -STM_E_CONFLICT);
        ck_ok(stm_view_refresh(b->view, &e), &e);
    }
}

START_TEST(another_process)
{
    struct bench b, usual;
    struct stm_run_outcome out;
    struct stm_err e = {0};
    char path[700];
    bench_make(&b);
    bench_make(&usual);
    bench_train(&usual, &out);
    ck_ok(stm_catalog_put(b.store, b.plan, 0, 1, stm_engine_profile(), &e), &e);
    snprintf(path, sizeof path, "%s/job", b.dir.path);
    run_by_files(&b, path);
    for (unsigned i = 0; i < b.plan->n_nodes; i++)
        for (unsigned s = 0; s < 2; s++) {
            struct stm_measured x, y;
            struct stm_moment stop = {STM_AT_STOP, 0};
            ck_assert_int_eq(stm_view_rep(b.view, (int)i, s).status, STM_REP_DONE);
            ck_assert_int_eq(stm_view_at(b.view, (int)i, s, stop, &x), STM_FACT_KNOWN);
            ck_assert_int_eq(stm_view_at(usual.view, (int)i, s, stop, &y), STM_FACT_KNOWN);
            ck_assert(stm_id_eq(&x.state, &y.state));
        }
    ck_sound(b.store);
    bench_remove(&b);
    bench_remove(&usual);
}
END_TEST

START_TEST(refused)
{
    struct bench b;
    struct stm_err e = {0};
    struct stm_arena a = {0};
    struct stm_job job;
    char path[700];
    bench_make(&b);
    snprintf(path, sizeof path, "%s/job", b.dir.path);
    ck_ok(stm_task_job(b.view, &b.view->tasks[0], &a, &job, &e), &e);
    write_job(path, &job); /* its plan is not in the store */
    ck_assert_int_eq(run_elsewhere(b.path, path), -STM_E_DAMAGED);
    ck_ok(stm_catalog_put(b.store, b.plan, 0, 1, stm_engine_profile(), &e), &e);
    job.node = 1000;
    write_job(path, &job);
    ck_assert_int_eq(run_elsewhere(b.path, path), -STM_E_FORMAT);
    job.node = 0;
    job.origin.profile = "portable/1";
    write_job(path, &job);
    ck_assert_int_eq(run_elsewhere(b.path, path), -STM_E_PROFILE);
    stm_arena_release(&a);
    bench_remove(&b);
}
END_TEST

/* While one works, another is told so, whoever asks; then it is free. */
START_TEST(one_at_a_time)
{
    struct bench b;
    struct stm_err e = {0};
    struct stm_arena a = {0};
    struct stm_job job;
    struct stm_reservation mine;
    char path[700];
    bench_make(&b);
    snprintf(path, sizeof path, "%s/job", b.dir.path);
    ck_ok(stm_catalog_put(b.store, b.plan, 0, 1, stm_engine_profile(), &e), &e);
    ck_ok(stm_task_job(b.view, &b.view->tasks[0], &a, &job, &e), &e);
    write_job(path, &job);
    struct stm_id id = stm_job_id(&job);
    ck_ok(stm_reserve(&mine, b.store, &id, &e), &e);
    ck_assert_int_eq(run_elsewhere(b.path, path), -STM_E_CONFLICT);
    stm_unreserve(&mine);
    ck_assert_int_eq(run_elsewhere(b.path, path), 0);
    stm_arena_release(&a);
    bench_remove(&b);
}
END_TEST

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc == 4 && !strcmp(argv[1], "--carry-out")) return carry_out(argv[2], argv[3]);
    Suite *s = suite_create("run/job");
    TCase *t = tcase_create("job");
    tcase_add_loop_test(t, written_and_read, 0, 50);
    tcase_add_test(t, another_process);
    tcase_add_test(t, refused);
    tcase_add_test(t, one_at_a_time);
    tcase_set_timeout(t, 120);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
