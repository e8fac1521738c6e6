/* Results of real protocol files, with made facts: what the language means, end to end. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol_vocab.h"
#include "run/eval.h"
#include "stemma/report.h"

/* Steps from the fork to grok, and what the metrics read, of the arms of a plan by label. */
struct arm {
    const char *label;
    double delay, slope; /* delay + slope * seed */
    double metric;
};

struct world {
    struct stm_plan *plan;
    struct stm_diags *diags;
    struct stm_data d;
    const struct arm *arms;
    size_t n_arms;
    double fork;
    int seeds[12];
};

static const struct arm *arm(const struct world *w, int node)
{
    for (size_t i = 0; i < w->n_arms; i++)
        if (strcmp(w->arms[i].label, stm_ev_node_name(w->plan, node)) == 0) return &w->arms[i];
    return NULL;
}

static bool exists(void *ctx, int node, unsigned seed)
{
    (void)ctx, (void)node, (void)seed;
    return true;
}

static bool fork_step(void *ctx, int node, unsigned seed, double *step)
{
    const struct world *w = ctx;
    (void)seed;
    *step = w->plan->nodes[node].fork < 0 ? 0 : w->fork;
    return true;
}

static bool event(void *ctx, int node, unsigned seed, int i, double *step, bool *censored)
{
    const struct world *w = ctx;
    const struct arm *a = arm(w, node);
    if (!a) return false;
    *censored = false;
    *step =
        strcmp(w->plan->events[i].name, "grok") == 0 ? w->fork + a->delay + a->slope * seed : 150;
    return true;
}

static bool stop_step(void *ctx, int node, unsigned seed, double *step)
{
    const struct world *w = ctx;
    const struct arm *a = arm(w, node);
    if (a) *step = w->fork + a->delay + a->slope * seed;
    return a != NULL;
}

static enum stm_fact metric(void *ctx, int node, unsigned seed, const char *text,
                            struct stm_moment at, double *out)
{
    const struct arm *a = arm(ctx, node);
    (void)seed, (void)at;
    if (a) *out = strcmp(text, "norm(weights)") == 0 ? 54.49 : a->metric;
    return a ? STM_FACT_KNOWN : STM_FACT_UNKNOWN;
}

static bool log_step(void *ctx, int node, unsigned seed, unsigned i, double *step)
{
    double stop;
    *step = 200.0 * i;
    return stop_step(ctx, node, seed, &stop) && *step <= stop;
}

static enum stm_fact capture(void *ctx, int i, int node, unsigned seed, double *out)
{
    (void)ctx, (void)i, (void)node;
    *out = 50 + seed;
    return STM_FACT_KNOWN;
}

static enum stm_fact calibrate(void *ctx, int i, int node, double *out)
{
    const struct world *w = ctx;
    const struct stm_calibrate *c = &w->plan->calibrates[i];
    (void)node;
    int rc = stm_eval_across(&w->d, c->expr, w->plan->forks[c->fork].node, c->need, out, NULL);
    return rc == 0 ? STM_FACT_KNOWN : rc == STM_E_NOTFOUND ? STM_FACT_UNKNOWN : STM_FACT_NONE;
}

static bool identical(void *ctx, int a, int b, unsigned seed, struct stm_comparison *out)
{
    (void)ctx, (void)a, (void)b, (void)seed;
    *out = (struct stm_comparison){.same = true, .compared = 1};
    return true;
}

static void check_world(struct world *w, const char *path, const char *text, size_t n)
{
    struct stm_check_options options = {.vocab = &test_vocab, .features = STM_F_ALL};
    ck_assert_int_eq(stm_protocol_check(&w->plan, &w->diags, path, text, n, &options, NULL), 0);
    ck_assert_msg(w->plan != NULL, "%s: %s", path, w->diags->n ? w->diags->d[0].msg : "");
    for (int i = 0; i < 12; i++) w->seeds[i] = i;
    w->d = (struct stm_data){w,     w->plan, 12,       w->seeds, exists,    fork_step, stop_step,
                             event, metric,  log_step, capture,  calibrate, identical};
}

static void open_world(struct world *w, const char *path, const struct arm *arms, size_t n,
                       double fork)
{
    struct stm_buf text = {0};
    FILE *file = fopen(path, "rb");
    char chunk[4096];
    size_t got;
    ck_assert_msg(file != NULL, "%s", path);
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0) stm_buf_put(&text, chunk, got);
    fclose(file);
    *w = (struct world){.arms = arms, .n_arms = n, .fork = fork};
    check_world(w, path, (const char *)text.p, text.n);
    stm_buf_release(&text);
}

static void close_world(struct world *w)
{
    stm_plan_free(w->plan);
    stm_diags_free(w->diags);
}

static void has(struct stm_buf *b, const char *part)
{
    ck_assert_msg(strstr(stm_buf_text(b), part) != NULL, "no \"%s\" in\n%s", part, stm_buf_text(b));
}

static void print(const struct world *w, struct stm_results **r, struct stm_buf *b)
{
    struct stm_err err;
    struct stm_style style = {false, 80};
    ck_assert_int_eq(stm_results_compute(r, &w->d, &err), 0);
    ck_assert_int_eq(stm_results_print(*r, &w->d, style, b, &err), 0);
}

/* The published medians of the same-state control at p = 59. */
START_TEST(rescaling)
{
    static const struct arm arms[] = {{"free", 4225, 10, 1},
                                      {"same", 7200, 20, 1},
                                      {"raised", 24162, 60, 1},
                                      {"lowered", 1525, 5, 1}};
    struct world w;
    struct stm_results *r;
    struct stm_buf b = {0};
    open_world(&w, STM_SOURCE_DIR "/protocols/rescaling.stemma", arms, 4, 800);
    print(&w, &r, &b);
    has(&b, "Rescaling-artifact control\n12 seeds\n");
    has(&b, "  arm      count(grok)  median(delay)  iqr(only(delay))  median(N0)\n");
    has(&b, "  raised            12          24492               330        55.5\n");
    has(&b, "  value      raised / same on median(delay) = 3.350  [3.3");
    has(&b, "isolates hold norm(weights)");
    has(&b, "  holds          every seed: lowered.delay < same.delay < raised.delay\n");
    has(&b, "expectations: 4 hold, 0 fail, 0 not evaluable\n");
    ck_assert_uint_eq(r->holds, 4);
    stm_buf_release(&b);
    stm_results_free(r);
    close_world(&w);
}
END_TEST

/* The published cells of temperature mediation at p = 59; the recovery follows by hand. */
START_TEST(mediation)
{
    static const struct arm arms[] = {
        {"control", 3675, 0, 23.87},     {"baseline", 3675, 0, 23.87},
        {"up[tau=1]", 12600, 0, 34.31},  {"up[tau=1.15]", 9100, 0, 29.46},
        {"up[tau=1.3]", 6825, 0, 26.50}, {"up[tau=1.5]", 4700, 0, 23.13},
        {"up[tau=1.7]", 3450, 0, 20.89}};
    const double t2 = 4700 + (23.87 - 23.13) / (26.50 - 23.13) * (6825 - 4700);
    struct world w;
    struct stm_results *r;
    struct stm_buf b = {0};
    open_world(&w, STM_SOURCE_DIR "/tests/golden/protocols/mediation.stemma", arms, 7, 0);
    print(&w, &r, &b);
    for (unsigned i = 0; i < w.plan->n_claims; i++) {
        const struct stm_claim_result *c = &r->claims[i];
        ck_assert_msg(c->known, "%s: %s", c->claim->name, c->why);
        if (strcmp(c->claim->name, "recovery") == 0) {
            ck_assert_double_eq_tol(c->value, (12600 - t2) / (12600 - 3675), 1e-9);
            ck_assert(c->has_interval);
        }
        if (strcmp(c->claim->name, "norm_up") == 0)
            ck_assert_double_eq_tol(c->value, 12600 / 3675.0, 1e-12);
    }
    has(&b, "  up[tau=1.15]  1.15");
    has(&b, "monotone(up.T, along = tau, down)\n");
    ck_assert_msg(r->holds == 4, "%s", stm_buf_text(&b));
    stm_buf_release(&b);
    stm_results_free(r);
    close_world(&w);
}
END_TEST

/* The nested forks, the sweep of two variables and `every g`. */
START_TEST(precision)
{
    static const struct arm arms[] = {{"hot", 24600, 100, 0.31},
                                      {"warm", 12000, 100, 0},
                                      {"stay", 24600, 100, 0.31},
                                      {"f64", 24600, 100, 0},
                                      {"loss64", 24600, 100, 0},
                                      {"stable", 10000, 100, 0},
                                      {"cooler", 10000, 100, 0},
                                      {"freed", 2000, 100, 0},
                                      {"kick", 5000, 100, 0},
                                      {"ablate[g=E,f=0.8]", 1000, 1, 0},
                                      {"ablate[g=E,f=1.25]", 2000, 1, 0},
                                      {"ablate[g=W1,f=0.8]", 1000, 1, 0},
                                      {"ablate[g=W1,f=1.25]", 2000, 1, 0},
                                      {"ablate[g=W2,f=0.8]", 1000, 1, 0}};
    struct world w;
    struct stm_results *r;
    struct stm_buf b = {0};
    open_world(&w, STM_SOURCE_DIR "/tests/golden/protocols/precision.stemma", arms, 14, 800);
    print(&w, &r, &b);
    ck_assert_uint_eq(w.plan->n_expects, 3);
    ck_assert_int_eq(r->expects[0].outcome, STM_HOLDS); /* identical */
    ck_assert_int_eq(r->expects[1].outcome, STM_FAILS); /* both arms grok in every seed */
    ck_assert_str_eq(r->expects[1].why, "artifact = 0");
    ck_assert_int_eq(r->expects[2].outcome, STM_HOLDS);
    ck_assert_str_eq(r->expects[2].why, "in all 3 cases (g)");
    has(&b, "table nested\n");
    has(&b, "  stay             12           1          25150\n");
    stm_buf_release(&b);
    stm_results_free(r);
    close_world(&w);
}
END_TEST

/* In a swept fork an arm reads its siblings of the same instance. */
static const char swept[] = "lang 1\n"
                            "import \"common/modadd.stemma\"\n"
                            "seeds 0..11\n"
                            "run trunk = mlp on add with base {\n"
                            "  fork post sweep s in [800, 1000] at step s {\n"
                            "    stop at each grok or step 60k\n"
                            "    arm same { set lr = 2e-3 }\n"
                            "    arm up sweep tau in [1.1, 1.3] { set temperature = tau }\n"
                            "  }\n"
                            "}\n"
                            "let T = median(grok - fork)\n"
                            "let ratio = T / same.T\n"
                            "expect every s: up[tau = 1.3, s = s].T > 3500\n"
                            "table all {\n"
                            "  rows = arms(post)\n"
                            "  cols = [s, T, ratio]\n"
                            "}\n";

START_TEST(swept_fork)
{
    struct world w = {.fork = 800};
    struct arm arms[8] = {{0}};
    struct stm_results *r;
    struct stm_buf b = {0};
    check_world(&w, STM_SOURCE_DIR "/tests/golden/protocols/swept.stemma", swept, sizeof swept - 1);
    ck_assert_uint_eq(w.plan->n_nodes, 7);
    for (unsigned i = 0; i < 7; i++)
        arms[i] = (struct arm){stm_ev_node_name(w.plan, (int)i), 1000.0 * i, 0, 1};
    w.arms = arms;
    w.n_arms = 7;
    print(&w, &r, &b);
    has(&b, "  trunk/post[s=800]/up[tau=1.3]    800  3000      3\n");
    has(&b, "  trunk/post[s=1000]/same         1000  4000      1\n");
    has(&b, "  trunk/post[s=1000]/up[tau=1.3]  1000  6000    1.5\n");
    ck_assert_int_eq(r->expects[0].outcome, STM_FAILS);
    ck_assert_str_eq(r->expects[0].why, "1 of 2; first s = 800: up[tau = 1.3, s = s].T = 3000");
    stm_buf_release(&b);
    stm_results_free(r);
    close_world(&w);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {rescaling, mediation, precision, swept_fork};
    Suite *s = suite_create("protocols");
    TCase *t = tcase_create("protocols");
    tcase_set_timeout(t, 60);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
