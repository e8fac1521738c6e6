/* A plan and its measured facts in memory, for at most six seeds.
 *
 *   trunk 0 ── post @ 800 ── free 1, same 2, raised 3, lowered 4,
 *                            up[tau = 1.0] 5, up[tau = 1.3] 6, up[tau = 1.7] 7, never 8
 *
 * Event 0 is grok, 1 memorized. grok - fork of `same` is 1000 + 100 s, of `raised` 3 times, of
 * `lowered` half of it; `free` 500 + 10 s; `up` (4000, 3000, 2000) + 100 s. In `never` the seeds
 * from 2 on are censored at 60000. Metric "L" is 30, 25, 20 for `up`, 24 for `same`, + step * 1e-6.
 */
#ifndef STEMMA_TESTS_FAKE_PLAN_H
#define STEMMA_TESTS_FAKE_PLAN_H

#include <string.h>

#include "base/arena.h"
#include "run/eval.h"

enum { FREE = 1, SAME = 2, RAISED = 3, LOWERED = 4, UP0 = 5, UP1 = 6, UP2 = 7, NEVER = 8 };
enum { FAKE_NODES = 9, FAKE_SEEDS = 6 };

struct fake {
    struct stm_data d;
    struct stm_plan plan;
    struct stm_node nodes[FAKE_NODES];
    struct stm_fork fork;
    struct stm_bind tau[3];
    struct stm_let lets[4];
    struct stm_named_expr events[2];
    struct stm_capture capture;
    struct stm_calibrate calibrate;
    struct stm_family families[7];
    int seeds[FAKE_SEEDS];
    int missing_node, missing_seed; /* one replicate that has not been run, -1: none */
    int absent_node, absent_seed;   /* one that does not come to its fork */
    unsigned absent_seeds;          /* others of that node: a bit each */
    double unmeasured;              /* a step at which nobody measured a metric, NAN: none */
    unsigned long metric_reads;
    struct stm_arena arena;
};

static double fake_delay(int node, unsigned seed)
{
    static const double base[] = {0, 500, 1000, 3000, 500, 4000, 3000, 2000, 40000};
    static const double slope[] = {0, 10, 100, 300, 50, 100, 100, 100, 10000};
    return base[node] + slope[node] * seed;
}

static bool fake_known(const struct fake *f, int node, unsigned seed)
{
    return !(node == f->missing_node && (int)seed == f->missing_seed);
}

static bool fake_exists(void *ctx, int node, unsigned seed)
{
    const struct fake *f = ctx;
    bool absent = (int)seed == f->absent_seed || (f->absent_seeds >> seed & 1);
    return !(node == f->absent_node && absent);
}

static bool fake_fork_step(void *ctx, int node, unsigned seed, double *step)
{
    *step = node == 0 ? 0 : 800;
    return fake_known(ctx, node, seed) && fake_exists(ctx, node, seed);
}

static bool fake_event(void *ctx, int node, unsigned seed, int event, double *step, bool *censored)
{
    *censored = event == 0 && (node == 0 || (node == NEVER && seed >= 2));
    *step = event == 1 ? 200 : node == 0 ? 800 : *censored ? 60000 : 800 + fake_delay(node, seed);
    return fake_known(ctx, node, seed);
}

static bool fake_stop_step(void *ctx, int node, unsigned seed, double *step)
{
    bool censored;
    return fake_event(ctx, node, seed, 0, step, &censored);
}

static enum stm_fact fake_metric(void *ctx, int node, unsigned seed, const char *text,
                                 struct stm_moment at, double *out)
{
    static const double level[] = {0, 10, 24, 40, 8, 30, 25, 20, 50};
    struct fake *f = ctx;
    f->metric_reads++;
    *out = level[node] + at.step * 1e-6;
    bool known = strcmp(text, "L") == 0 && at.step != f->unmeasured && fake_known(f, node, seed);
    return known ? STM_FACT_KNOWN : STM_FACT_UNKNOWN;
}

static bool fake_log_step(void *ctx, int node, unsigned seed, unsigned i, double *step)
{
    double stop;
    *step = 200.0 * i;
    return fake_stop_step(ctx, node, seed, &stop) && *step <= stop;
}

static enum stm_fact fake_capture(void *ctx, int capture, int node, unsigned seed, double *out)
{
    (void)capture;
    *out = 50 + seed;
    return fake_known(ctx, node, seed) ? STM_FACT_KNOWN : STM_FACT_UNKNOWN;
}

static enum stm_fact fake_calibrate(void *ctx, int calibrate, int node, double *out)
{
    (void)ctx, (void)calibrate, (void)node;
    *out = 54.5;
    return STM_FACT_KNOWN;
}

/* Everything is identical to `same` but raised, seed 3. */
static bool fake_identical(void *ctx, int a, int b, unsigned seed, struct stm_comparison *out)
{
    bool same = !((a == RAISED || b == RAISED) && seed == 3);
    *out = (struct stm_comparison){.same = same, .compared = 10, .step = 900, .tensors = "param.E"};
    return fake_known(ctx, a, seed) && fake_known(ctx, b, seed);
}

/* ---- expressions ---- */

static struct stm_expr *x_new(struct fake *f, enum stm_expr_kind kind, const char *name, unsigned n,
                              struct stm_expr *a, struct stm_expr *b)
{
    struct stm_expr *e = stm_arena_alloc(&f->arena, sizeof *e);
    e->kind = kind;
    e->name = name;
    e->index = -1;
    e->n = n;
    e->kids = stm_arena_alloc(&f->arena, 4 * sizeof *e->kids);
    e->keys = stm_arena_alloc(&f->arena, 4 * sizeof *e->keys);
    e->kids[0] = a;
    e->kids[1] = b;
    return e;
}

static struct stm_expr *x_num(struct fake *f, double v)
{
    struct stm_expr *e = x_new(f, STM_X_NUM, NULL, 0, NULL, NULL);
    e->num = v;
    return e;
}

static struct stm_expr *x_ref(struct fake *f, enum stm_ref_kind ref, const char *name, int index)
{
    struct stm_expr *e = x_new(f, STM_X_NAME, name, 0, NULL, NULL);
    e->ref = ref;
    e->index = index;
    return e;
}

static struct stm_expr *x_op(struct fake *f, enum stm_expr_kind kind, struct stm_expr *a,
                             struct stm_expr *b)
{
    return x_new(f, kind, NULL, b ? 2 : 1, a, b);
}

static struct stm_expr *x_call(struct fake *f, const char *name, struct stm_expr *a,
                               struct stm_expr *b)
{
    struct stm_expr *e = x_new(f, STM_X_CALL, name, b ? 2 : 1, a, b);
    e->ref = STM_R_FUNCTION;
    return e;
}

/* arm.name; what `name` stands for is taken from `member`. */
static struct stm_expr *x_of(struct fake *f, struct stm_expr *arm, struct stm_expr *member)
{
    struct stm_expr *e = x_new(f, STM_X_FIELD, member->name, 1, arm, NULL);
    e->ref = member->ref;
    e->index = member->index;
    e->text = member->text;
    return e;
}

static struct stm_expr *x_cmp(struct fake *f, enum stm_cmp op, struct stm_expr *a,
                              struct stm_expr *b)
{
    enum stm_cmp *ops = stm_arena_alloc(&f->arena, 3 * sizeof *ops);
    struct stm_expr *e = x_new(f, STM_X_COMPARE, NULL, 2, a, b);
    ops[0] = op;
    e->ops = ops;
    return e;
}

static struct stm_expr *x_family(struct fake *f, const char *name)
{
    for (int i = 0; i < 7; i++)
        if (strcmp(f->families[i].name, name) == 0) return x_ref(f, STM_R_FAMILY, name, i);
    return NULL;
}

static struct stm_expr *x_tau(struct fake *f, const char *name, double tau)
{
    struct stm_expr *e = x_new(f, STM_X_INDEX, NULL, 2, x_family(f, name), x_num(f, tau));
    e->keys[0] = "tau";
    return e;
}

static struct stm_expr *x_grok(struct fake *f) { return x_ref(f, STM_R_EVENT, "grok", 0); }
static struct stm_expr *x_seeds(struct fake *f) { return x_ref(f, STM_R_WORD, "seeds", -1); }
static struct stm_expr *x_let(struct fake *f, int i)
{
    return x_ref(f, STM_R_LET, f->lets[i].name, i);
}

static struct stm_expr *x_metric(struct fake *f)
{
    struct stm_expr *e = x_new(f, STM_X_CALL, "L", 0, NULL, NULL);
    e->ref = STM_R_ENGINE;
    e->text = "L";
    return e;
}

enum { LET_DELAY, LET_T, LET_L, LET_TOP };

/* let delay = grok - fork; let T = median(delay); let L = mean(L @ nearest(median(grok)));
 * let top = up[tau = 1.0].T */
static void fake_lets(struct fake *f)
{
    static const char *const names[] = {"delay", "T", "L", "top"};
    struct stm_expr *fork = x_ref(f, STM_R_WORD, "fork", -1);
    struct stm_expr *near = x_call(f, "nearest", x_call(f, "median", x_grok(f), NULL), NULL);
    struct stm_expr *of[4] = {x_op(f, STM_X_SUB, x_grok(f), fork), NULL, NULL, NULL};
    for (int i = 0; i < 4; i++) f->lets[i] = (struct stm_let){names[i], NULL, -1};
    of[LET_T] = x_call(f, "median", x_let(f, LET_DELAY), NULL);
    of[LET_L] = x_call(f, "mean", x_op(f, STM_X_AT, x_metric(f), near), NULL);
    of[LET_TOP] = x_of(f, x_tau(f, "up", 1.0), x_let(f, LET_T));
    for (int i = 0; i < 4; i++) f->lets[i].expr = of[i];
}

static void fake_tree(struct fake *f)
{
    static const int nodes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    static const char *const labels[] = {"trunk",       "free",        "same",
                                         "raised",      "lowered",     "up[tau=1.0]",
                                         "up[tau=1.3]", "up[tau=1.7]", "never"};
    static const char *const families[] = {"trunk",   "free", "same", "raised",
                                           "lowered", "up",   "never"};
    static const double taus[] = {1.0, 1.3, 1.7};
    static const char *const texts[] = {"1.0", "1.3", "1.7"};
    static const struct stm_time either[] = {{.kind = STM_T_EACH, .event = 0},
                                             {.kind = STM_T_STEP, .event = -1}};
    static const struct stm_stop stop = {either, 2, {0}};
    static const int fork_index = 0;
    for (int i = 0; i < 3; i++) f->tau[i] = (struct stm_bind){"tau", true, taus[i], NULL, texts[i]};
    for (int i = 0; i < FAKE_NODES; i++) {
        int family = i < UP0 ? i : i == NEVER ? 6 : 5;
        f->nodes[i] = (struct stm_node){.name = families[family],
                                        .label = labels[i],
                                        .path = labels[i],
                                        .family = family,
                                        .fork = i ? 0 : -1,
                                        .stop = &stop};
        if (i >= UP0 && i <= UP2) {
            f->nodes[i].binds = &f->tau[i - UP0];
            f->nodes[i].n_binds = 1;
        }
    }
    f->nodes[0].forks = &fork_index;
    f->nodes[0].n_forks = 1;
    for (int i = 0; i < 7; i++)
        f->families[i] =
            (struct stm_family){families[i], nodes + (i < 6 ? i : NEVER), i == 5 ? 3 : 1};
    f->fork = (struct stm_fork){
        .name = "post", .path = "trunk/post", .node = 0, .nodes = nodes + 1, .n_nodes = 8};
}

static void fake_init(struct fake *f, unsigned n_seeds)
{
    memset(f, 0, sizeof *f);
    f->missing_node = f->absent_node = -1;
    f->unmeasured = NAN;
    for (int i = 0; i < FAKE_SEEDS; i++) f->seeds[i] = i;
    fake_tree(f);
    f->events[0] = (struct stm_named_expr){"grok", NULL, "acc(test) >= 0.9"};
    f->events[1] = (struct stm_named_expr){"memorized", NULL, "acc(train) >= 0.99"};
    f->capture = (struct stm_capture){"N0", NULL, 0, -1};
    f->calibrate = (struct stm_calibrate){"wc", x_num(f, 54.5), 0, -1};
    f->plan = (struct stm_plan){.title = "Fake",
                                .name = "fake",
                                .seed_hi = 5,
                                .log_every = 200,
                                .nodes = f->nodes,
                                .n_nodes = FAKE_NODES,
                                .forks = &f->fork,
                                .n_forks = 1,
                                .families = f->families,
                                .n_families = 7,
                                .events = f->events,
                                .n_events = 2,
                                .captures = &f->capture,
                                .n_captures = 1,
                                .calibrates = &f->calibrate,
                                .n_calibrates = 1,
                                .lets = f->lets,
                                .n_lets = 4};
    fake_lets(f);
    f->d = (struct stm_data){f,
                             &f->plan,
                             n_seeds,
                             f->seeds,
                             fake_exists,
                             fake_fork_step,
                             fake_stop_step,
                             fake_event,
                             fake_metric,
                             fake_log_step,
                             fake_capture,
                             fake_calibrate,
                             fake_identical};
}

static void fake_release(struct fake *f) { stm_arena_release(&f->arena); }

#endif
