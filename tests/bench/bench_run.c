/* What a run costs beyond its training: store, trail, scheduler, worker processes.
 *
 * A is a trainer alone: the steps and evaluations of one arm at p = 59, on the grids of the
 * rescaling protocol. B is the same as a whole run: a fresh store, a plan, stm_run_execute with one
 * worker. They alternate, A B A B; the ratio is taken in each pair, and the median of the pairs is
 * the figure. Both must end in the same state.
 *
 * usage: bench_run [STEPS [PAIRS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "stemma/run.h"

#define LIMIT "<=1.05"

enum { EVERY = 25, LOG_EVERY = 200, N_LOGS = 5, PAIRS_MAX = 50 };

static const char *const logs[N_LOGS] = {"acc(train)", "acc(test)", "norm(weights)", "logit_scale",
                                         "eff_lr(weights)"};

static const char protocol[] =
    "lang 1\n"
    "param steps = 3000\n"
    "task add = modular_add(p = 59, train = 0.40)\n"
    "model mlp = embed_mlp(embed = 128, hidden = 256)\n"
    "train base {\n"
    "  loss = cross_entropy\n"
    "  optimizer = adamw(lr = 1e-3, decay = 1.0)\n"
    "  batch = full\n"
    "}\n"
    "seeds 0..0\n"
    "every 25 steps {\n"
    "  event memorized = acc(train) >= 0.99\n"
    "  event grok      = acc(test) >= 0.90\n"
    "}\n"
    "log every 200 steps { acc(train), acc(test), norm(weights), logit_scale, eff_lr(weights) }\n"
    "run trunk = mlp on add with base { stop at step steps }\n";

/* ---- A ---- */

static void direct(uint64_t steps, struct stm_id *end)
{
    struct stm_err err = {0};
    struct stm_settings *s;
    struct stm_trainer *t;
    struct stm_metric metric[N_LOGS];
    const struct stm_metric *m[N_LOGS];
    double values[N_LOGS];
    struct stm_state state;
    bench_check(stm_settings_parse(&s, bench_paper, &err), &err);
    bench_check(stm_trainer_new(&t, s, &err), &err);
    for (int i = 0; i < N_LOGS; i++) {
        bench_check(stm_metric_parse(&metric[i], logs[i], &err), &err);
        m[i] = &metric[i];
    }
    stm_trainer_init(t, 0);
    stm_trainer_measure(t, m, N_LOGS, values);
    for (uint64_t n = 1; n <= steps; n++) {
        bool log = n % LOG_EVERY == 0 || n == steps;
        stm_trainer_step(t, log);
        if (log)
            stm_trainer_measure(t, m, N_LOGS, values);
        else if (n % EVERY == 0)
            stm_trainer_measure(t, m, 2, values);
    }
    stm_trainer_view(t, &state);
    bench_check(stm_state_ids(&state, end, NULL, &err), &err);
    stm_trainer_free(t);
    stm_settings_free(s);
}

/* ---- B ---- */

static void whole(const struct stm_plan *plan, const char *dir, uint64_t steps, struct stm_id *end)
{
    struct stm_err err = {0};
    struct stm_store *store;
    struct stm_view *view;
    struct stm_view_options vo = {.profile = stm_engine_profile()};
    struct stm_run_options ro = {.jobs = 1};
    struct stm_run_outcome outcome;
    struct stm_measured last;
    bench_check(stm_store_open(&store, dir, STM_STORE_CREATE, &err), &err);
    bench_check(stm_view_new(&view, plan, store, &vo, &err), &err);
    bench_check(stm_run_execute(view, &ro, &outcome, &err), &err);
    if (outcome.steps != steps ||
        stm_view_at(view, 0, 0, STM_STEP(steps), &last) != STM_FACT_KNOWN) {
        fprintf(stderr, "bench_run: %llu steps were run\n", (unsigned long long)outcome.steps);
        exit(1);
    }
    *end = last.state;
    stm_view_free(view);
    stm_store_close(store);
}

/* ---- pairs ---- */

struct cost {
    double wall, cpu;
};

static struct cost since(struct cost start)
{
    return (struct cost){bench_now() - start.wall, bench_cpu() - start.cpu};
}

static void pair(const struct stm_plan *plan, uint64_t steps, struct cost *a, struct cost *b)
{
    char dir[200];
    struct stm_id a_end, b_end;
    bench_dir_make(dir);
    struct cost start = {bench_now(), bench_cpu()};
    direct(steps, &a_end);
    *a = since(start);
    start = (struct cost){bench_now(), bench_cpu()};
    whole(plan, dir, steps, &b_end);
    *b = since(start);
    bench_dir_remove(dir);
    if (!stm_id_eq(&a_end, &b_end)) {
        fprintf(stderr, "bench_run: the two ways end in different states\n");
        exit(1);
    }
}

static void print(const char *name, double *run, double *alone, size_t n, const char *limit)
{
    struct bench_figure f = {"run", name, NULL, 0, "s", 0, bench_ratio_of(run, alone, n), limit};
    f.value = bench_median(run, n);
    f.reference = bench_median(alone, n);
    bench_print(&f);
}

int main(int argc, char **argv)
{
    const char *text = argc > 1 ? argv[1] : "3000";
    uint64_t steps = strtoull(text, NULL, 10);
    int pairs = argc > 2 ? atoi(argv[2]) : 5;
    double alone[2][PAIRS_MAX], run[2][PAIRS_MAX]; /* wall, processor */
    char name[64];
    struct stm_err err = {0};
    struct stm_plan *plan;
    struct stm_diags *diags;
    struct stm_override define = {"steps", text};
    struct stm_check_options options = {
        .vocab = stm_engine_vocab(), .features = STM_F_ALL, .overrides = &define, .n_overrides = 1};
    if (steps < 1 || pairs < 1 || pairs > PAIRS_MAX) {
        fprintf(stderr, "usage: bench_run [STEPS [PAIRS]], at most %d pairs\n", PAIRS_MAX);
        return 2;
    }
    bench_check(stm_engine_open(NULL, NULL, &err), &err);
    bench_check(stm_protocol_check(&plan, &diags, "bench.stemma", protocol, strlen(protocol),
                                   &options, &err),
                &err);
    if (!plan) {
        fprintf(stderr, "bench_run: the protocol does not check: %s\n", diags->d[0].msg);
        return 1;
    }
    stm_diags_free(diags);
    for (int i = 0; i < pairs; i++) {
        struct cost a, b;
        pair(plan, steps, &a, &b);
        alone[0][i] = a.wall, alone[1][i] = a.cpu;
        run[0][i] = b.wall, run[1][i] = b.cpu;
    }
    snprintf(name, sizeof name, "%s steps, wall time", text);
    print(name, run[0], alone[0], (size_t)pairs, LIMIT);
    snprintf(name, sizeof name, "%s steps, processor time", text);
    print(name, run[1], alone[1], (size_t)pairs, NULL);
    stm_plan_free(plan);
    return 0;
}
