/* Replay: a trail with one false entry, validly hashed, is found, and the step and tensor are
 * named. Where STEMMA names the built command, it is driven on the same store. */
#include "run_help.h"

/* Writes the trail of the last piece of a replicate anew, as one record, with one entry changed:
 * the state id and that of `tensor`, or the value of `metric`; with neither it says that the state
 * is stored, which it is not. */
static void falsify(struct bench *b, int node, unsigned seed, uint64_t step, const char *tensor,
                    const char *metric)
{
    struct stm_err e = {0};
    struct stm_trail fresh;
    struct stm_id none = {0};
    char ref[64], path[800];
    struct stm_place place;
    ck_assert_int_eq(stm_view_place(b->view, node, seed, STM_STEP(step), &place), STM_FACT_KNOWN);
    const struct stm_trail *t = place.piece->trail;
    unsigned which = t->n_tensors;
    ck_ok(stm_trail_new(&fresh, &t->start, t->start_step, t->settings, t->profile, &e), &e);
    fresh.tensor_names = t->tensor_names;
    fresh.n_tensors = t->n_tensors;
    fresh.last = t->last;
    for (unsigned i = 0; i < t->n_columns; i++)
        ck_assert_int_eq(stm_trail_column(&fresh, t->columns[i]), (int)i);
    for (unsigned i = 0; i < t->n_tensors; i++)
        if (tensor && !strcmp(t->tensor_names[i], tensor)) which = i;
    ck_assert_msg(!tensor || which < t->n_tensors, "no tensor %s", tensor);
    for (size_t i = 0; i < t->n_entries; i++) ck_ok(stm_trail_add(&fresh, &t->entries[i], &e), &e);
    struct stm_trail_entry *at = (struct stm_trail_entry *)stm_trail_at(&fresh, step);
    ck_assert_ptr_nonnull(at);
    ck_assert(!at->stored);
    if (tensor) {
        at->tensors[which] = stm_id_of("another tensor", 14);
        at->state = stm_id_of("another state", 13);
    }
    at->stored = !tensor && !metric;
    unsigned changed = 0;
    for (unsigned i = 0; metric && i < at->n_values; i++)
        if (!strcmp(fresh.columns[at->values[i].column], metric))
            at->values[i].v += 0.25, changed++;
    ck_assert_uint_eq(changed, metric != NULL);
    memcpy(ref, "seg-", 4);
    stm_id_text(&t->key, ref + 4);
    snprintf(path, sizeof path, "%s/refs/%s", b->path, ref);
    ck_assert_int_eq(unlink(path), 0);
    ck_ok(stm_trail_commit(&fresh, b->store, NULL, &none, &e), &e);
    stm_trail_release(&fresh);
    ck_sound(b->store);
}

/* The command on the same store: its exit code; what it prints goes to `out`. */
static int command(const struct bench *b, const char *words, char *out, size_t cap)
{
    char line[1600];
    snprintf(line, sizeof line, "'%s' %s --store '%s' 2>&1", getenv("STEMMA"), words, b->path);
    FILE *p = popen(line, "r");
    ck_assert_ptr_nonnull(p);
    out[fread(out, 1, cap - 1, p)] = 0;
    int status = pclose(p);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int replay(struct bench *b, const char *path, bool verify, struct stm_replay_report *r,
                  struct stm_err *e)
{
    return stm_replay(b->view, bench_node(b, path), 0, true, verify, UINT64_MAX, NULL, NULL, r, e);
}

START_TEST(a_true_trail)
{
    struct bench b;
    struct stm_run_outcome outcome;
    struct stm_replay_report r;
    struct stm_err e = {0};
    bench_make(&b);
    ck_assert_int_eq(replay(&b, "trunk/post/free", true, &r, &e), STM_E_NOTFOUND);
    bench_train(&b, &outcome);
    for (unsigned i = 0; i < b.plan->n_nodes; i++) {
        const char *path = b.plan->nodes[i].path;
        ck_ok(replay(&b, path, true, &r, &e), &e);
        ck_assert(!r.differs);
        ck_assert_uint_eq(r.steps, i ? 60 : 20);
        ck_assert_uint_ge(r.compared, i ? 13 : 5);
        ck_assert_uint_ge(r.anchors, 2);
    }
    bench_remove(&b);
}
END_TEST

START_TEST(one_false_entry)
{
    struct bench b;
    struct stm_run_outcome outcome;
    struct stm_replay_report r;
    struct stm_err e = {0};
    char out[2000];
    bench_make(&b);
    bench_train(&b, &outcome);
    ck_ok(stm_catalog_put(b.store, b.plan, 0, 1, stm_engine_profile(), &e), &e);
    falsify(&b, bench_node(&b, "trunk/post/held[tau=1.3]"), 0, 35, "param.W1", NULL);
    bench_view(&b);
    ck_assert_int_eq(replay(&b, "trunk/post/held[tau=1.3]", false, &r, &e), STM_E_MISMATCH);
    ck_assert(r.differs);
    ck_assert_uint_eq(r.step, 35);
    ck_assert_str_eq(r.tensors, "param.W1");
    struct stm_id expected = stm_id_of("another state", 13);
    ck_assert(stm_id_eq(&r.expected, &expected));
    ck_assert(!stm_id_eq(&r.found, &expected));
    ck_assert_msg(strstr(e.msg, "step 35") && strstr(e.msg, "param.W1"), "%s", e.msg);
    /* The others, and the same arm up to the step before, are untouched by it. */
    ck_ok(replay(&b, "trunk/post/held[tau=0.9]", true, &r, &e), &e);
    int held = bench_node(&b, "trunk/post/held[tau=1.3]");
    ck_ok(stm_replay(b.view, held, 0, true, true, 30, NULL, NULL, &r, &e), &e);
    if (getenv("STEMMA")) {
        ck_assert_int_eq(command(&b, "replay 'held[tau=1.3]#0' --verify", out, sizeof out), 1);
        ck_assert_msg(strstr(out, "NOT bit-exact: first difference at step 35, in param.W1"), "%s",
                      out);
        ck_assert_int_eq(command(&b, "replay 'held[tau=0.9]#0' --verify", out, sizeof out), 0);
        ck_assert_int_eq(command(&b, "replay 'held[tau=1.3]#0@30'", out, sizeof out), 0);
        ck_assert_int_eq(command(&b, "diff 'held[tau=1.3]#0@36' 'free#0@36'", out, sizeof out), 1);
        ck_assert_msg(strstr(out, "step 35"), "%s", out);
    }
    bench_remove(&b);
}
END_TEST

/* Every id stays right; a recorded number does not. */
START_TEST(one_false_metric)
{
    struct bench b;
    struct stm_run_outcome outcome;
    struct stm_replay_report r;
    struct stm_err e = {0};
    char out[2000];
    bench_make(&b);
    bench_train(&b, &outcome);
    ck_ok(stm_catalog_put(b.store, b.plan, 0, 1, stm_engine_profile(), &e), &e);
    ck_ok(replay(&b, "trunk/post/free", true, &r, &e), &e);
    ck_assert_uint_ge(r.metrics, 10);
    falsify(&b, bench_node(&b, "trunk/post/free"), 0, 50, NULL, "norm(weights)");
    bench_view(&b);
    ck_assert_int_eq(replay(&b, "trunk/post/free", false, &r, &e), STM_E_MISMATCH);
    ck_assert(r.differs);
    ck_assert_uint_eq(r.step, 50);
    ck_assert_str_eq(r.metric, "norm(weights)");
    ck_assert_double_eq(r.recorded, r.measured + 0.25);
    ck_assert_msg(strstr(e.msg, "step 50") && strstr(e.msg, "norm(weights)"), "%s", e.msg);
    if (getenv("STEMMA")) {
        ck_assert_int_eq(command(&b, "replay 'free#0'", out, sizeof out), 1);
        ck_assert_msg(strstr(out, "first difference at step 50, in norm(weights)"), "%s", out);
        ck_assert_int_eq(command(&b, "replay 'free#0@40'", out, sizeof out), 0);
        ck_assert_int_eq(command(&b, "replay 'free#1'", out, sizeof out), 0);
    }
    bench_remove(&b);
}
END_TEST

/* A record of 200 more metrics, all 0, at a step of the last piece. */
static void measure_more(struct bench *b, int node, uint64_t step, int from)
{
    struct stm_err e = {0};
    struct stm_trail fresh;
    struct stm_place place;
    struct stm_trail_value values[200];
    char text[80];
    ck_assert_int_eq(stm_view_place(b->view, node, 0, STM_STEP(step), &place), STM_FACT_KNOWN);
    const struct stm_trail *t = place.piece->trail;
    struct stm_trail_entry entry = *stm_trail_at(t, step);
    ck_ok(stm_trail_new(&fresh, &t->start, t->start_step, t->settings, t->profile, &e), &e);
    fresh.tensor_names = t->tensor_names;
    fresh.n_tensors = t->n_tensors;
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "frac(train, margin > %d)", 1000 + from + i);
        values[i] = (struct stm_trail_value){(unsigned)stm_trail_column(&fresh, text), 0};
    }
    entry.values = values;
    entry.n_values = 200;
    ck_ok(stm_trail_add(&fresh, &entry, &e), &e);
    struct stm_id head = t->head;
    ck_ok(stm_trail_commit(&fresh, b->store, NULL, &head, &e), &e);
    stm_trail_release(&fresh);
}

/* Files that share a trajectory have each measured 200 metrics: all are compared. */
START_TEST(more_metrics_than_one_file_has)
{
    struct bench b;
    struct stm_run_outcome outcome;
    struct stm_replay_report r;
    struct stm_err e = {0};
    bench_make(&b);
    bench_train(&b, &outcome);
    ck_ok(replay(&b, "trunk/post/free", true, &r, &e), &e);
    uint64_t before = r.metrics;
    for (int i = 0; i < 3; i++) {
        measure_more(&b, bench_node(&b, "trunk/post/free"), 50, 200 * i);
        bench_view(&b);
    }
    ck_ok(replay(&b, "trunk/post/free", true, &r, &e), &e);
    ck_assert_uint_eq(r.metrics, before + 600);
    bench_remove(&b);
}
END_TEST

/* Everything agrees, but a state that the store should have is not there. */
START_TEST(one_lost_state)
{
    struct bench b;
    struct stm_run_outcome outcome;
    struct stm_replay_report r;
    struct stm_err e = {0};
    bench_make(&b);
    bench_train(&b, &outcome);
    falsify(&b, bench_node(&b, "trunk/post/free"), 0, 50, NULL, NULL);
    bench_view(&b);
    ck_ok(replay(&b, "trunk/post/free", false, &r, &e), &e);
    ck_assert_int_eq(replay(&b, "trunk/post/free", true, &r, &e), STM_E_DAMAGED);
    ck_assert(!r.differs);
    ck_assert_msg(strstr(e.msg, "has lost state") && strstr(e.msg, "step 50"), "%s", e.msg);
    bench_remove(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("run/replay");
    TCase *t = tcase_create("replay");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, a_true_trail);
    tcase_add_test(t, one_false_entry);
    tcase_add_test(t, one_false_metric);
    tcase_add_test(t, more_metrics_than_one_file_has);
    tcase_add_test(t, one_lost_state);
    suite_add_tcase(s, t);
    return run_suite(s);
}
