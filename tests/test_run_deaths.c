/* Workers that die, refuse or do nothing: which arm is given up, that the others go on, that
 * nothing spins. The real scheduler with real processes; what a worker does is decided by `act`. */
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS */
#include "run_help.h"

#include "base/fail.h"
#include "run/worker.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>

int __real_stm_work_do(const struct stm_work *w, struct stm_work_done *done, struct stm_err *err);
int __wrap_stm_work_do(const struct stm_work *w, struct stm_work_done *done, struct stm_err *err);
pid_t __real_fork(void);
pid_t __wrap_fork(void);

/* NULL: as it is. */
static int (*act)(const struct stm_work *w, struct stm_work_done *done, struct stm_err *err);

int __wrap_stm_work_do(const struct stm_work *w, struct stm_work_done *done, struct stm_err *err)
{
    return (act ? act : __real_stm_work_do)(w, done, err);
}

static unsigned refuse; /* so many forks fail with `refuse_with` */
static int refuse_with;

pid_t __wrap_fork(void)
{
    if (!refuse) return __real_fork();
    refuse--;
    errno = refuse_with;
    return -1;
}

static const char sick[] = "trunk/post/held[tau=0.9]";
static int sick_node, how; /* the arm that `act` hurts, and by which signal or code */

static bool is_sick(const struct stm_work *w)
{
    return w->job->node == sick_node && w->job->seed == 0;
}

static void die(int sig)
{
    signal(sig, SIG_DFL);
    raise(sig);
}

static unsigned notices;
static char noticed[512];

static void on_notice(void *ctx, const char *text)
{
    (void)ctx;
    notices++;
    snprintf(noticed, sizeof noticed, "%s", text);
}

static int train(struct bench *b, unsigned jobs, uint64_t anchors, struct stm_run_outcome *out,
                 struct stm_err *e)
{
    struct stm_run_options o = {.jobs = jobs, .anchor_every = anchors, .notice = on_notice};
    *e = (struct stm_err){0};
    notices = 0;
    return stm_run_execute(b->view, &o, out, e);
}

static void make(struct bench *b)
{
    bench_make(b);
    act = NULL;
    refuse = 0;
    sick_node = bench_node(b, sick);
}

/* Every replicate is done but the first seed of `node`, which was given up; -1: none was. */
static void expect_all_but(struct bench *b, int node, struct stm_given_up *g)
{
    for (unsigned i = 0; i < b->plan->n_nodes; i++)
        for (unsigned s = 0; s < 2; s++) {
            bool given_up = stm_view_given_up(b->view, (int)i, s, g), want = (int)i == node && !s;
            ck_assert_msg(given_up == want, "%s#%u", b->plan->nodes[i].path, s);
            ck_assert_int_eq(stm_view_rep(b->view, (int)i, s).status == STM_REP_DONE, !want);
        }
    if (node >= 0) ck_assert(stm_view_given_up(b->view, node, 0, g));
}

/* What is left is trained by the next command, as if nothing had been. */
static void expect_rest(struct bench *b)
{
    struct stm_run_outcome out;
    struct stm_given_up g;
    struct stm_err e;
    act = NULL;
    bench_view(b);
    ck_ok(train(b, 2, 15, &out, &e), &e);
    expect_all_but(b, -1, &g);
    ck_sound(b->store);
}

static int kill_sick(const struct stm_work *w, struct stm_work_done *done, struct stm_err *err)
{
    if (is_sick(w)) die(how);
    return __real_stm_work_do(w, done, err);
}

START_TEST(one_arm_dies)
{
    static const struct {
        int sig;
        const char *says;
    } cases[] = {{SIGKILL, "of SIGKILL: likely the memory was not enough (it had "},
                 {SIGSEGV, "of SIGSEGV: likely a fault of stemma or of the machine"},
                 {SIGXCPU, "of SIGXCPU: the limit of processor time"},
                 {SIGUSR2, "of signal 12"}};
    struct bench b;
    struct stm_run_outcome out;
    struct stm_given_up g;
    struct stm_err e;
    make(&b);
    how = cases[_i / 2].sig;
    act = kill_sick;
    ck_ok(train(&b, 1 + _i % 2, 15, &out, &e), &e);
    expect_all_but(&b, sick_node, &g);
    ck_assert_int_eq(g.code, STM_E_ENGINE);
    ck_assert_uint_eq(g.step, 20);
    ck_assert_ptr_nonnull(strstr(g.why, "5 workers in a row died with nothing new"));
    ck_assert_msg(strstr(g.why, cases[_i / 2].says) != NULL, "%s", g.why);
    ck_assert_ptr_nonnull(g.help);
    if (_i % 2 == 0) ck_assert_uint_eq(out.restarts, 5);
    ck_assert_uint_ge(notices, 1);
    ck_assert_ptr_nonnull(strstr(noticed, "trunk/post/held[tau=0.9]#0"));
    /* The view remembers: the same command does not try again. */
    bench_train(&b, &out);
    ck_assert_uint_eq(out.stretches, 0);
    expect_rest(&b);
    bench_remove(&b);
}
END_TEST

START_TEST(what_needs_it_waits)
{
    struct bench b;
    struct stm_run_outcome out;
    struct stm_given_up g;
    struct stm_err e;
    make(&b);
    sick_node = bench_node(&b, "trunk");
    how = SIGBUS;
    act = kill_sick;
    ck_ok(train(&b, 2, 15, &out, &e), &e);
    ck_assert(stm_view_given_up(b.view, sick_node, 0, &g));
    for (unsigned i = 0; i < b.plan->n_nodes; i++) {
        ck_assert_int_ne(stm_view_rep(b.view, (int)i, 0).status, STM_REP_DONE);
        ck_assert_int_eq(stm_view_rep(b.view, (int)i, 1).status, STM_REP_DONE);
    }
    expect_rest(&b);
    bench_remove(&b);
}
END_TEST

/* The step that the job begins at: that of an anchor, or the first one. */
static uint64_t begins(const struct stm_work *w)
{
    const struct stm_origin *o = &w->job->origin;
    struct stm_trail trail = {0};
    const struct stm_trail_entry *a = NULL;
    if (w->job->start_known) {
        struct stm_id key = stm_trail_key(&w->job->start, o->settings, o->profile);
        ck_assert_int_eq(stm_trail_load(&trail, w->store, &key, NULL), 0);
        a = stm_trail_anchor(&trail, w->job->resume);
    }
    uint64_t step = a ? a->step : o->step;
    stm_trail_release(&trail);
    return step;
}

/* Lives for ten steps, then is killed: what it stored before is kept. */
static int short_life(const struct stm_work *w, struct stm_work_done *done, struct stm_err *err)
{
    uint64_t from = begins(w), life = from + 10, anchor = life - life % w->job->anchor_every;
    struct stm_job job = *w->job;
    struct stm_work part = *w;
    if (job.until <= life) return __real_stm_work_do(w, done, err);
    if (anchor > from) { /* what it would have stored */
        job.until = anchor;
        part.job = &job;
        int rc = __real_stm_work_do(&part, done, err);
        if (rc) return rc;
    }
    w->progress(w->ctx, life);
    die(SIGKILL);
    return 0;
}

/* Nobody lives until an anchor as the run spaces them: they store earlier, and the run ends. */
START_TEST(short_lives_get_there)
{
    struct bench b;
    struct stm_run_outcome out;
    struct stm_given_up g;
    struct stm_err e;
    make(&b);
    act = short_life;
    ck_ok(train(&b, 1 + _i, 100000, &out, &e), &e);
    expect_all_but(&b, -1, &g);
    ck_assert_uint_gt(out.restarts, 10);
    ck_assert_uint_ge(notices, 1);
    ck_assert_uint_le(notices, b.plan->n_nodes + 1); /* once an arm, and once of the width */
    if (!_i) ck_assert_ptr_nonnull(strstr(noticed, "die again and again (the last one of SIGKILL"));
    expect_rest(&b);
    bench_remove(&b);
}
END_TEST

static int say_of_sick(const struct stm_work *w, struct stm_work_done *done, struct stm_err *err)
{
    if (!is_sick(w)) return __real_stm_work_do(w, done, err);
    return how ? stm_fail(err, how, "what the worker says") : 0;
}

START_TEST(one_arm_is_refused)
{
    static const int codes[] = {STM_E_MISMATCH, STM_E_INVALID, STM_E_ENGINE};
    struct bench b;
    struct stm_run_outcome out;
    struct stm_given_up g;
    struct stm_err e;
    make(&b);
    how = codes[_i];
    act = say_of_sick;
    ck_ok(train(&b, 2, 15, &out, &e), &e);
    expect_all_but(&b, sick_node, &g);
    ck_assert_int_eq(g.code, how);
    ck_assert_str_eq(g.why, "what the worker says");
    ck_assert_uint_eq(out.restarts, 0);
    expect_rest(&b);
    bench_remove(&b);
}
END_TEST

START_TEST(what_concerns_all_ends_the_run)
{
    static const int codes[] = {STM_E_NOSPACE, STM_E_READONLY, STM_E_DAMAGED, STM_E_IO};
    struct bench b;
    struct stm_run_outcome out;
    struct stm_given_up g;
    struct stm_err e;
    make(&b);
    how = codes[_i];
    act = say_of_sick;
    ck_assert_int_eq(train(&b, 2, 15, &out, &e), how);
    ck_assert_str_eq(e.msg, "what the worker says");
    ck_assert(!stm_view_given_up(b.view, sick_node, 0, &g));
    expect_rest(&b);
    bench_remove(&b);
}
END_TEST

/* Workers that come to nothing, with or without a reason, are not started for ever. */
START_TEST(nothing_new_is_no_loop)
{
    static const int codes[] = {0, STM_E_CONFLICT, STM_E_INTERRUPTED, STM_E_NOMEM};
    struct bench b;
    struct stm_run_outcome out;
    struct stm_given_up g;
    struct stm_err e;
    make(&b);
    how = codes[_i];
    act = say_of_sick;
    ck_ok(train(&b, 1, 15, &out, &e), &e);
    expect_all_but(&b, sick_node, &g);
    ck_assert_uint_eq(out.restarts, 5);
    ck_assert_msg(strncmp(g.why, "5 workers in a row ", 19) == 0, "%s", g.why);
    expect_rest(&b);
    bench_remove(&b);
}
END_TEST

static _Atomic int *at_once; /* workers that run, in all processes */

/* There is memory for two. */
static int crowded(const struct stm_work *w, struct stm_work_done *done, struct stm_err *err)
{
    if (++*at_once > 2) {
        --*at_once;
        die(SIGKILL);
    }
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    int rc = __real_stm_work_do(w, done, err);
    --*at_once;
    return rc;
}

START_TEST(memory_for_two)
{
    struct bench b;
    struct stm_run_outcome out;
    struct stm_given_up g;
    struct stm_err e;
    make(&b);
    at_once =
        mmap(NULL, sizeof *at_once, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(at_once != MAP_FAILED);
    act = crowded;
    ck_ok(train(&b, 8, 15, &out, &e), &e);
    expect_all_but(&b, -1, &g);
    ck_assert_uint_ge(out.restarts, 1);
    ck_assert_ptr_nonnull(strstr(noticed, "likely for want of memory"));
    munmap((void *)at_once, sizeof *at_once);
    bench_remove(&b);
}
END_TEST

START_TEST(forks_are_tried_again)
{
    struct bench b;
    struct stm_run_outcome out;
    struct stm_given_up g;
    struct stm_err e;
    make(&b);
    refuse = 3;
    refuse_with = EAGAIN;
    ck_ok(train(&b, 2, 15, &out, &e), &e);
    expect_all_but(&b, -1, &g);
    ck_assert_uint_eq(refuse, 0);
    bench_remove(&b);
}
END_TEST

START_TEST(forks_fail)
{
    struct bench b;
    struct stm_run_outcome out;
    struct stm_err e;
    make(&b);
    refuse = 1000;
    refuse_with = _i ? EPERM : EAGAIN;
    ck_assert_int_ne(train(&b, 2, 15, &out, &e), 0);
    ck_assert_ptr_nonnull(strstr(e.msg, "starting a worker: "));
    ck_assert_uint_eq(1000 - refuse, _i ? 1 : 26);
    refuse = 0;
    expect_rest(&b);
    bench_remove(&b);
}
END_TEST

/* Who starts the command ignores SIGCHLD: how a worker died is known all the same. */
START_TEST(sigchld_is_ignored)
{
    struct bench b;
    struct stm_run_outcome out;
    struct stm_given_up g;
    struct stm_err e;
    make(&b);
    how = SIGSEGV;
    act = kill_sick;
    void (*old)(int) = signal(SIGCHLD, SIG_IGN);
    ck_ok(train(&b, 2, 15, &out, &e), &e);
    ck_assert(signal(SIGCHLD, old) == SIG_IGN);
    expect_all_but(&b, sick_node, &g);
    ck_assert_ptr_nonnull(strstr(g.why, "SIGSEGV"));
    bench_remove(&b);
}
END_TEST

/* A trail that says another state for a step that is to come. */
static void forge(struct bench *b, int node, uint64_t step)
{
    struct stm_err e = {0};
    const struct stm_piece *p = &stm_view_replicate(b->view, node, 0)->pieces[0];
    struct stm_trail known = {0}, fresh = {0};
    ck_ok(stm_trail_load(&known, b->store, &p->key, &e), &e);
    ck_ok(stm_trail_new(&fresh, &p->start, p->from, p->settings, stm_engine_profile(), &e), &e);
    struct stm_trail_entry entry = known.entries[known.n_entries - 1];
    ck_ok(stm_trail_merge(&fresh, &known, &e), &e); /* for the names of the tensors */
    entry.step = step;
    entry.stored = false;
    entry.n_values = 0;
    ck_ok(stm_trail_add(&fresh, &entry, &e), &e);
    ck_ok(stm_trail_commit(&fresh, b->store, NULL, &known.head, &e), &e);
    stm_trail_release(&known);
    stm_trail_release(&fresh);
}

static int until_40(const struct stm_work *w, struct stm_work_done *done, struct stm_err *err)
{
    struct stm_job job = *w->job;
    struct stm_work part = *w;
    if (job.until > 40) job.until = 40;
    part.job = &job;
    return __real_stm_work_do(&part, done, err);
}

/* No fake worker here: one trail is forged, the worker finds it out, the other arms go on. */
START_TEST(forged_trail)
{
    struct bench b;
    struct stm_run_outcome out;
    struct stm_given_up g;
    struct stm_err e;
    make(&b);
    act = until_40; /* then nothing new: that run gives up all arms at step 40 */
    ck_ok(train(&b, 1, 15, &out, &e), &e);
    act = NULL;
    bench_view(&b);
    forge(&b, sick_node, 50);
    bench_view(&b);
    ck_ok(train(&b, 2, 15, &out, &e), &e);
    expect_all_but(&b, sick_node, &g);
    ck_assert_int_eq(g.code, STM_E_MISMATCH);
    ck_assert_ptr_nonnull(strstr(g.why, "another state at step 50"));
    bench_remove(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("run/deaths");
    TCase *t = tcase_create("deaths");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, one_arm_dies, 0, 8);
    tcase_add_test(t, what_needs_it_waits);
    tcase_add_loop_test(t, short_lives_get_there, 0, 2);
    tcase_add_loop_test(t, one_arm_is_refused, 0, 3);
    tcase_add_loop_test(t, what_concerns_all_ends_the_run, 0, 4);
    tcase_add_loop_test(t, nothing_new_is_no_loop, 0, 4);
    tcase_add_test(t, memory_for_two);
    tcase_add_test(t, forks_are_tried_again);
    tcase_add_loop_test(t, forks_fail, 0, 2);
    tcase_add_test(t, sigchld_is_ignored);
    tcase_add_test(t, forged_trail);
    suite_add_tcase(s, t);
    return run_suite(s);
}
