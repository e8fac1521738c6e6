/* Contrasts, estimates, fits, expectations and their printed forms, on facts in memory. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fake_plan.h"
#include "stemma/report.h"

enum { RATIO, GAP, RECOVERY, COLLAPSE, LATE, OPEN_RATIO, N_CLAIMS };

static struct fake f;
static struct stm_claim claims[N_CLAIMS];
static struct stm_expect expects[16];
static struct stm_display display[3];
static struct stm_results *r;

static struct stm_expr *stat(const char *name, struct stm_expr *of)
{
    return x_call(&f, name, of, NULL);
}

static struct stm_expr *boot(const char *fixed)
{
    struct stm_expr *e = x_call(&f, "bootstrap", x_seeds(&f), x_num(&f, 4000));
    e->keys[1] = "n";
    if (fixed) {
        e->n = 3;
        e->keys[2] = "hold_fixed";
        e->kids[2] = x_ref(&f, STM_R_NONE, fixed, -1);
    }
    return e;
}

static struct stm_expr *of_let(struct stm_expr *arm, int let)
{
    return x_of(&f, arm, x_let(&f, let));
}

/* (T1 - T2) / (T1 - T0), T2 interpolated over the sweep at L = 24.5 */
static struct stm_expr *recovery(void)
{
    struct stm_expr *up = x_family(&f, "up"), *t1 = x_let(&f, LET_TOP);
    struct stm_expr *t2 = x_call(&f, "interp", of_let(up, LET_T), of_let(up, LET_L));
    t2->n = 3;
    t2->keys[1] = "along";
    t2->keys[2] = "at";
    t2->kids[2] = x_num(&f, 24.5);
    return x_op(&f, STM_X_DIV, x_op(&f, STM_X_SUB, t1, t2),
                x_op(&f, STM_X_SUB, t1, of_let(x_family(&f, "same"), LET_T)));
}

static void make_claims(void)
{
    static struct stm_expr *over[2];
    struct stm_expr *median = stat("median", x_let(&f, LET_DELAY));
    struct stm_expr *xs = x_new(&f, STM_X_LIST, NULL, 1, x_let(&f, LET_L), NULL);
    struct stm_expr *ols = x_call(&f, "ols", stat("log", x_let(&f, LET_T)), xs);
    over[0] = x_family(&f, "up");
    over[1] = x_family(&f, "same");
    struct stm_claim contrast = {.kind = STM_C_CONTRAST,
                                 .name = "value",
                                 .a = x_family(&f, "raised"),
                                 .b = x_family(&f, "same"),
                                 .op = '/',
                                 .expr = median,
                                 .ci = boot(NULL),
                                 .isolates = "hold norm(weights): N0 * 1.15  vs  N0"};
    claims[RATIO] = claims[GAP] = claims[LATE] = claims[OPEN_RATIO] = contrast;
    claims[GAP].name = "gap";
    claims[GAP].op = '-';
    claims[GAP].b = x_family(&f, "free");
    claims[LATE].name = "late";
    claims[LATE].a = x_family(&f, "never");
    claims[OPEN_RATIO].name = "open";
    claims[OPEN_RATIO].b = x_family(&f, "never");
    claims[RECOVERY] = (struct stm_claim){
        .kind = STM_C_ESTIMATE, .name = "recovery", .expr = recovery(), .ci = boot("L")};
    claims[COLLAPSE] = (struct stm_claim){
        .kind = STM_C_FIT, .name = "collapse", .expr = ols, .over = over, .n_over = 2};
    f.plan.claims = claims;
    f.plan.n_claims = N_CLAIMS;
}

static void setup_seeds(unsigned n)
{
    r = NULL;
    fake_init(&f, n);
    make_claims();
    f.plan.expects = expects;
    f.plan.n_expects = 0;
}

static void setup(void) { setup_seeds(FAKE_SEEDS); }

static void teardown(void)
{
    stm_results_free(r);
    fake_release(&f);
}

static void compute(void)
{
    struct stm_err err;
    stm_results_free(r);
    ck_assert_int_eq(stm_results_compute(&r, &f.d, &err), 0);
}

static struct stm_expr *claim(int i) { return x_ref(&f, STM_R_CLAIM, claims[i].name, i); }

static struct stm_expr *field(int i, const char *name)
{
    struct stm_expr *e = x_new(&f, STM_X_FIELD, name, 1, claim(i), NULL);
    e->ref = STM_R_CLAIM;
    return e;
}

static void expect(const char *every, struct stm_expr *e, const char *text)
{
    expects[f.plan.n_expects++] = (struct stm_expect){.every = every, .expr = e, .text = text};
}

#define NEAR(a, b, eps) ck_assert_double_eq_tol(a, b, (eps) + 1e-300)

START_TEST(contrast_of_a_known_ratio)
{
    compute();
    const struct stm_claim_result *c = &r->claims[RATIO];
    ck_assert(c->known && !c->censored && c->has_interval);
    NEAR(c->value, 3, 1e-12);
    /* Every seed of `raised` is 3 times that of `same`: paired, every resample says 3. An unpaired
     * bootstrap would not. */
    NEAR(c->lo, 3, 1e-12);
    NEAR(c->hi, 3, 1e-12);
    ck_assert_uint_eq(c->n_seeds, 6);
    ck_assert_str_eq(c->why, "");
    c = &r->claims[GAP];
    NEAR(c->value, 3750 - 525, 1e-9);
    /* 3000 - 500 + 290 * median of the resampled indices: 2.5 [0.5, 4.5] */
    NEAR(c->lo, 2500 + 290 * 0.5, 1e-9);
    NEAR(c->hi, 2500 + 290 * 4.5, 1e-9);
}
END_TEST

START_TEST(contrast_of_censored_medians)
{
    compute();
    const struct stm_claim_result *c = &r->claims[LATE];
    ck_assert(c->known && c->censored);
    NEAR(c->value, 59200 / 1250.0, 1e-9);
    /* No resample is known: its median is above 49600 (seeds 0 and 1 and those that are later than
     * 59200) or so, and `same` has at most 1450. */
    ck_assert(c->has_interval && c->lo_censored && c->hi_censored);
    ck_assert(c->lo > 49600 / 1500.0 && c->lo < c->value && c->value < c->hi);
    ck_assert_double_le(c->hi, 59200 / 1000.0);
    c = &r->claims[OPEN_RATIO]; /* 3750 / > 59200 has no lower bound */
    ck_assert(!c->known);
    ck_assert(strstr(c->why, "from below") != NULL);
}
END_TEST

START_TEST(estimate_with_a_fixed_curve)
{
    compute();
    const struct stm_claim_result *c = &r->claims[RECOVERY];
    ck_assert_msg(c->known && c->has_interval, "%s", c->why);
    /* T1 4250, T0 1250; L of up[1.3] is 25.004, of up[1.7] 20.003: T2 = 2250 + 1000 * 0.899 */
    NEAR(c->value, (4250 - 2250 - 1000 * (24.5 - 20.003) / 5.001) / 3000, 1e-4);
    /* T1, T2 and T0 move together by 100 steps a seed and L stays: the ratio does not move. */
    NEAR(c->lo, c->value, 1e-12);
    NEAR(c->hi, c->value, 1e-12);
    claims[RECOVERY].ci = boot(NULL); /* with L resampled it does */
    double value = c->value;
    compute();
    c = &r->claims[RECOVERY];
    NEAR(c->value, value, 0);
    ck_assert_double_gt(c->hi - c->lo, 1e-6);
}
END_TEST

START_TEST(fit_over_cells)
{
    compute();
    const struct stm_claim_result *c = &r->claims[COLLAPSE];
    ck_assert_msg(c->known, "%s", c->why);
    double x[4] = {30.005, 25.004, 20.003, 24.002}, y[4], sx = 0, sy = 0, xy = 0, xx = 0, yy = 0;
    double t[4] = {4250, 3250, 2250, 1250};
    for (int i = 0; i < 4; i++) sx += x[i] / 4, sy += (y[i] = log(t[i])) / 4;
    for (int i = 0; i < 4; i++) {
        xy += (x[i] - sx) * (y[i] - sy);
        xx += (x[i] - sx) * (x[i] - sx);
        yy += (y[i] - sy) * (y[i] - sy);
    }
    NEAR(c->value, xy * xy / (xx * yy), 1e-4); /* L is rounded above */
    ck_assert(!c->has_interval);
    static struct stm_expr *more[3];
    double before = c->value;
    more[0] = x_family(&f, "never"); /* its T is censored: left out, and said */
    more[1] = x_family(&f, "up");
    more[2] = x_family(&f, "same");
    claims[COLLAPSE].over = more;
    claims[COLLAPSE].n_over = 3;
    compute();
    ck_assert_msg(r->claims[COLLAPSE].known, "%s", r->claims[COLLAPSE].why);
    NEAR(r->claims[COLLAPSE].value, before, 0);
    struct stm_buf b = {0};
    ck_assert_int_eq(stm_results_print(r, &f.d, (struct stm_style){false, 0}, &b, NULL), 0);
    ck_assert(strstr(stm_buf_text(&b), "over [never, up, same]: R2 = ") != NULL);
    ck_assert(strstr(stm_buf_text(&b), "cells = 4 (1 censored, left out)") != NULL);
    stm_buf_release(&b);
}
END_TEST

START_TEST(intervals_are_pinned)
{
    /* The mean difference, 2000 + 200 s over six seeds, over 4000 resamples of the pinned stream.
     */
    claims[GAP].b = x_family(&f, "same");
    claims[GAP].expr = stat("mean", stat("only", x_let(&f, LET_DELAY)));
    compute();
    double first_lo = r->claims[GAP].lo, first_hi = r->claims[GAP].hi;
    NEAR(r->claims[GAP].value, 2500, 1e-9);
    NEAR(first_lo, 2233.333333333, 1e-6);
    NEAR(first_hi, 2800.000000000, 1e-6);
    compute();
    NEAR(r->claims[GAP].lo, first_lo, 0);
    NEAR(r->claims[GAP].hi, first_hi, 0);
}
END_TEST

START_TEST(few_seeds_have_no_interval)
{
    teardown();
    setup_seeds(2);
    expect(NULL, x_cmp(&f, STM_GT, field(RATIO, "lo"), x_num(&f, 1)), "value.lo > 1");
    expect(NULL, x_cmp(&f, STM_GT, claim(RATIO), x_num(&f, 1)), "value > 1");
    compute();
    ck_assert(r->claims[RATIO].known && !r->claims[RATIO].has_interval);
    ck_assert_str_eq(r->claims[RATIO].why, "needs at least 3 seeds");
    ck_assert_int_eq(r->expects[0].outcome, STM_NOT_EVALUABLE);
    ck_assert(strstr(r->expects[0].why, "needs at least 3 seeds") != NULL);
    ck_assert_int_eq(r->expects[1].outcome, STM_HOLDS);
    ck_assert_uint_eq(r->holds, 1);
    ck_assert_uint_eq(r->fails, 0);
    ck_assert_uint_eq(r->not_evaluable, 1);
}
END_TEST

START_TEST(contrast_pairs_seeds_of_both)
{
    f.absent_node = RAISED;
    f.absent_seed = 0;
    compute();
    ck_assert_uint_eq(r->claims[RATIO].n_seeds, 5);
    NEAR(r->claims[RATIO].value, 3, 1e-12); /* unpaired medians would be 3900 / 1250 */
    f.absent_node = -1;
    f.missing_node = SAME;
    f.missing_seed = 2;
    compute();
    ck_assert(!r->claims[RATIO].known);
    ck_assert_str_eq(r->claims[RATIO].why, "`grok` of same, seed 2 is not known yet");
}
END_TEST

/* ---- expectations ---- */

static struct stm_expr *delay_of(const char *arm) { return of_let(x_family(&f, arm), LET_DELAY); }

static struct stm_expr *between(const char *a, const char *b, const char *c)
{
    enum stm_cmp *ops = stm_arena_alloc(&f.arena, 2 * sizeof *ops);
    struct stm_expr *e = x_cmp(&f, STM_LT, delay_of(a), delay_of(b));
    ops[0] = ops[1] = STM_LT;
    e->ops = ops;
    e->kids[2] = delay_of(c);
    e->n = 3;
    return e;
}

START_TEST(expectations_of_one_number)
{
    struct stm_expr *range = x_new(&f, STM_X_LIST, NULL, 2, x_num(&f, 3.1), x_num(&f, 3.6));
    struct stm_expr *wide = x_new(&f, STM_X_LIST, NULL, 2, x_num(&f, 3), x_num(&f, 3.6));
    expect(NULL, x_op(&f, STM_X_IN, claim(RATIO), range), "value in [3.1, 3.6]");
    expect(NULL, x_op(&f, STM_X_IN, claim(RATIO), wide), "value in [3, 3.6]");
    expect(NULL, x_cmp(&f, STM_GT, field(COLLAPSE, "r2"), x_num(&f, 0.999)), "collapse.r2 > 0.999");
    expect(NULL, x_cmp(&f, STM_GT, claim(OPEN_RATIO), x_num(&f, 1)), "open > 1");
    expect(NULL, x_cmp(&f, STM_GT, claim(LATE), x_num(&f, 40)), "late > 40");
    expect(NULL, x_cmp(&f, STM_GT, claim(LATE), x_num(&f, 50)), "late > 50");
    compute();
    const enum stm_outcome want[] = {STM_FAILS,         STM_HOLDS, STM_FAILS,
                                     STM_NOT_EVALUABLE, STM_HOLDS, STM_NOT_EVALUABLE};
    for (int i = 0; i < 6; i++)
        ck_assert_msg(r->expects[i].outcome == want[i], "%s: %s", expects[i].text,
                      r->expects[i].why);
    ck_assert_str_eq(r->expects[0].why, "value = 3");
    ck_assert_str_eq(r->expects[4].why, "late = > 47.36");
    ck_assert_uint_eq(r->holds, 2);
    ck_assert_uint_eq(r->fails, 2);
    ck_assert_uint_eq(r->not_evaluable, 2);
}
END_TEST

START_TEST(expectations_of_all)
{
    struct stm_expr *all = x_cmp(&f, STM_EQ, stat("count", x_grok(&f)), stat("count", x_seeds(&f)));
    struct stm_expr *below = x_cmp(&f, STM_LT, stat("count", x_grok(&f)), x_num(&f, 7));
    struct stm_expr *tau = x_ref(&f, STM_R_BIND, "tau", -1), *up = x_tau(&f, "up", 0);
    up->kids[1] = tau;
    expect("arm", all, "every arm: count(grok) == count(seeds)");
    expect("arm", below, "every arm: count(grok) < 7");
    expect("seed", between("lowered", "same", "raised"), "every seed: lowered < same < raised");
    expect("seed", between("lowered", "raised", "same"), "every seed: lowered < raised < same");
    expect("seed", between("same", "raised", "never"), "every seed: same < raised < never");
    expect("seed", between("same", "never", "never"), "every seed: same < never < never");
    expect("tau", x_cmp(&f, STM_GT, of_let(up, LET_T), x_num(&f, 3000)), "every tau: up.T > 3000");
    expect(NULL, x_call(&f, "identical", x_family(&f, "same"), x_family(&f, "raised")),
           "identical(same, raised)");
    expect(NULL, x_call(&f, "identical", x_family(&f, "same"), x_family(&f, "free")),
           "identical(same, free)");
    compute();
    const enum stm_outcome want[] = {STM_FAILS, STM_HOLDS, STM_HOLDS, STM_FAILS, STM_HOLDS,
                                     STM_FAILS, STM_FAILS, STM_FAILS, STM_HOLDS};
    for (unsigned i = 0; i < f.plan.n_expects; i++)
        ck_assert_msg(r->expects[i].outcome == want[i], "%s: %s", expects[i].text,
                      r->expects[i].why);
    ck_assert_str_eq(r->expects[0].why, "1 of 8; first never: count(grok) = 2, count(seeds) = 6");
    ck_assert_str_eq(r->expects[1].why, "in all 8 cases (arm)");
    ck_assert_str_eq(r->expects[3].why, "6 of 6; first seed 0: lowered.delay = 500, "
                                        "raised.delay = 3000, same.delay = 1000");
    ck_assert_str_eq(r->expects[6].why, "1 of 3; first tau = 1.7: up[tau = tau].T = 2250");
    ck_assert_str_eq(r->expects[7].why,
                     "1 of 6; first seed 3: first differ at step 900, in param.E");
}
END_TEST

START_TEST(a_bound_may_leave_it_open)
{
    struct stm_expr *e = x_cmp(&f, STM_GT, delay_of("never"), x_num(&f, 59300));
    struct stm_expr *low = x_cmp(&f, STM_GT, delay_of("never"), x_num(&f, 39999));
    expect("seed", e, "every seed: never.delay > 59300");
    expect("seed", low, "every seed: never.delay > 39999");
    f.plan.n_claims = 0;
    compute();
    ck_assert_int_eq(r->expects[0].outcome, STM_FAILS); /* the two that grok are below */
    ck_assert_int_eq(r->expects[1].outcome, STM_HOLDS);
    f.absent_node = NEVER;
    f.absent_seed = 0;
    f.missing_node = NEVER;
    f.missing_seed = 1;
    compute();
    ck_assert_int_eq(r->expects[0].outcome, STM_NOT_EVALUABLE);
    ck_assert_str_eq(r->expects[0].why,
                     "5 of 5; first seed 1: `grok` of never, seed 1 is not known yet");
}
END_TEST

/* ---- printed forms ---- */

static void make_displays(void)
{
    static struct stm_column cols[3];
    struct stm_expr *rows =
        x_new(&f, STM_X_LIST, NULL, 3, x_family(&f, "same"), x_family(&f, "up"));
    rows->kids[2] = x_family(&f, "never");
    struct stm_expr *list = x_new(&f, STM_X_LIST, NULL, 4, stat("count", x_grok(&f)),
                                  stat("median", x_let(&f, LET_DELAY)));
    list->kids[2] = stat("iqr", stat("only", x_let(&f, LET_DELAY)));
    list->kids[3] = x_ref(&f, STM_R_BIND, "tau", -1);
    cols[0] = (struct stm_column){"rows", rows, NULL, NULL};
    cols[1] = (struct stm_column){"cols", list, NULL, NULL};
    display[0] = (struct stm_display){false, "arms", cols, 2};
    display[1] = (struct stm_display){true, "curves", NULL, 0};
    f.plan.displays = display;
    f.plan.n_displays = 2;
}

static void print(unsigned width, bool color, struct stm_buf *b)
{
    struct stm_err err;
    struct stm_style style = {color, width};
    ck_assert_int_eq(stm_results_print(r, &f.d, style, b, &err), 0);
}

static void has(struct stm_buf *b, const char *part)
{
    ck_assert_msg(strstr(stm_buf_text(b), part) != NULL, "no \"%s\" in\n%s", part, stm_buf_text(b));
}

/* What is wanted of the fits was computed by a plain program in Python: the pinned stream,
 * quantiles by sorting, least squares by its textbook formulas. */
static void is_interval(const struct stm_claim_result *c, double value, double lo, double hi)
{
    ck_assert_msg(c->known && c->has_interval, "%s: %s", c->claim->name, c->why);
    NEAR(c->value, value, 1e-8);
    NEAR(c->lo, lo, 1e-8);
    NEAR(c->hi, hi, 1e-8);
}

static struct stm_claim estimate(const char *name, struct stm_expr *e, const char *fixed)
{
    struct stm_expr *ci = boot(fixed);
    ci->kids[1] = x_num(&f, 500);
    return (struct stm_claim){.kind = STM_C_ESTIMATE, .name = name, .expr = e, .ci = ci};
}

START_TEST(each_resample_fits_again)
{
    static struct stm_claim c[7];
    struct stm_expr *xs = x_new(&f, STM_X_LIST, NULL, 1, stat("log", x_let(&f, LET_L)), NULL);
    c[0] = c[1] = claims[COLLAPSE];
    c[1].name = "other";
    c[1].expr = x_call(&f, "ols", stat("log", x_let(&f, LET_T)), xs);
    f.plan.claims = c;
    f.plan.n_claims = 7;
    claims[0].name = "collapse";
    claims[1].name = "other";
    c[2] = estimate("slope", field(0, "slope"), NULL);
    c[3] = estimate("intercept", field(0, "intercept"), NULL);
    c[4] = estimate("r2", claim(0), NULL);
    c[5] = estimate("daic", x_op(&f, STM_X_SUB, field(0, "aic"), field(1, "aic")), NULL);
    c[6] = estimate("held", field(0, "slope"), "T");
    compute();
    is_interval(&r->claims[2], 0.07629510493864611, 0.071181574394515, 0.08228665850898058);
    is_interval(&r->claims[3], 5.934101421925817, 5.691011042176168, 6.145486409061111);
    is_interval(&r->claims[4], 0.35102751212544225, 0.3346778475994584, 0.3646422845127747);
    is_interval(&r->claims[5], -0.2138837347432503, -0.22106804251385434, -0.20555064361617426);
    is_interval(&r->claims[6], 0.07629510493864611, 0.07629510493864611, 0.07629510493864611);
    ck_assert(!r->claims[0].has_interval);
    ck_assert_uint_eq(r->claims[0].n_seeds, 6);
}
END_TEST

START_TEST(a_fit_without_value_leaves_no_interval)
{
    static struct stm_claim c[2];
    static struct stm_expr *over[2];
    struct stm_expr *first = x_op(&f, STM_X_ADD, x_let(&f, LET_T), x_num(&f, -1250));
    struct stm_expr *xs = x_new(&f, STM_X_LIST, NULL, 1, stat("abs", first), NULL);
    over[0] = x_family(&f, "same");
    over[1] = x_family(&f, "up");
    /* |T - 1250| of `same` is the least one, 0; over resamples it may be 1250 - T, and log of its
     * difference to 1 has no value where that is below */
    c[0] = (struct stm_claim){.kind = STM_C_FIT, .name = "law", .over = over, .n_over = 2};
    c[0].expr = x_call(&f, "ols", stat("sqrt", first), xs);
    c[1] = estimate("slope", x_num(&f, 0), NULL);
    f.plan.claims = c;
    f.plan.n_claims = 2;
    claims[0].name = "law";
    c[1].expr = field(0, "slope");
    compute();
    ck_assert_msg(r->claims[1].known, "%s", r->claims[1].why);
    ck_assert(!r->claims[1].has_interval);
    ck_assert_msg(strstr(r->claims[1].why, "no interval: resample ") &&
                      strstr(r->claims[1].why, "`sqrt` of -"),
                  "%s", r->claims[1].why);
}
END_TEST

START_TEST(a_fit_through_all_points_has_no_aic)
{
    static struct stm_expr *over[2];
    over[0] = x_family(&f, "free");
    over[1] = x_family(&f, "same");
    claims[COLLAPSE].over = over;
    expect(NULL, x_cmp(&f, STM_LT, field(COLLAPSE, "aic"), x_num(&f, 0)), "collapse.aic < 0");
    compute();
    ck_assert(r->claims[COLLAPSE].known);
    ck_assert_int_eq(r->expects[0].outcome, STM_NOT_EVALUABLE);
    ck_assert_str_eq(r->expects[0].why, "`aic` of collapse is not a finite number");
    struct stm_buf b = {0};
    ck_assert_int_eq(stm_results_json(r, &f.d, &b, NULL), 0);
    has(&b, "\"aic\":null");
    stm_buf_release(&b);
}
END_TEST

START_TEST(a_claim_that_is_read_is_resampled)
{
    static struct stm_claim c[4];
    c[0] = claims[GAP];
    f.plan.claims = c;
    f.plan.n_claims = 4;
    claims[0].name = "gap";
    f.lets[LET_TOP].expr = claim(0); /* read by itself, and once more through a let */
    c[3] = estimate("sum", x_op(&f, STM_X_ADD, claim(0), x_let(&f, LET_TOP)), NULL);
    c[3].ci = c[0].ci;
    c[1] = estimate("twice", x_op(&f, STM_X_MUL, x_num(&f, 2), claim(0)), NULL);
    c[1].ci = c[0].ci;
    c[2] = estimate("width", x_op(&f, STM_X_SUB, field(0, "hi"), field(0, "lo")), NULL);
    compute();
    is_interval(&r->claims[0], 3225, 2500 + 290 * 0.5, 2500 + 290 * 4.5);
    is_interval(&r->claims[1], 6450, 5000 + 580 * 0.5, 5000 + 580 * 4.5);
    is_interval(&r->claims[3], 6450, 5000 + 580 * 0.5, 5000 + 580 * 4.5);
    NEAR(r->claims[2].value, 290 * 4, 1e-9);
    ck_assert(!r->claims[2].has_interval); /* a bootstrap of bootstraps is not made */
    ck_assert(strstr(r->claims[2].why, "is not resampled") != NULL);
}
END_TEST

/* `never` as the only arm of a fork of `free`, which some seeds do not reach. */
static void nest(int need)
{
    static struct stm_fork forks[2];
    static const int node = NEVER;
    forks[0] = f.fork;
    forks[0].n_nodes = 7;
    forks[1] = (struct stm_fork){.name = "inner", .path = "trunk/post/free/inner", .node = FREE};
    forks[1].nodes = &node;
    forks[1].n_nodes = 1;
    forks[1].need = need;
    f.plan.forks = forks;
    f.plan.n_forks = 2;
    f.nodes[NEVER].fork = 1;
    f.absent_node = NEVER;
    f.absent_seeds = 7; /* seeds 3, 4 and 5 come */
}

START_TEST(n_is_who_entered)
{
    static struct stm_claim c[3];
    nest(0);
    c[0] = claims[GAP]; /* raised - free */
    c[1] = estimate("count", stat("count", of_let(x_family(&f, "never"), LET_DELAY)), NULL);
    struct stm_expr *share =
        x_op(&f, STM_X_DIV, stat("count", of_let(x_family(&f, "free"), LET_DELAY)),
             stat("count", x_seeds(&f)));
    c[2] = estimate("sum", x_op(&f, STM_X_ADD, share, claim(1)), NULL);
    f.plan.claims = c;
    f.plan.n_claims = 3;
    claims[1].name = "count";
    compute();
    ck_assert_uint_eq(r->claims[0].n_seeds, 6);
    ck_assert_uint_eq(r->claims[1].n_seeds, 3);
    NEAR(r->claims[1].value, 0, 0);             /* they are censored */
    ck_assert_uint_eq(r->claims[2].n_seeds, 3); /* through the claim that it reads */
    NEAR(r->claims[2].value, 3 / 6.0, 0);
    is_interval(&r->claims[2], 0.5, 0.5, 0.5); /* every resample has three seeds that came */
    f.absent_seeds = 63;
    compute();
    ck_assert(!r->claims[1].known && !r->claims[1].unknown);
    ck_assert_str_eq(r->claims[1].why, "no seed takes part in every arm that it reads");
}
END_TEST

START_TEST(a_fork_needs_its_seeds)
{
    static struct stm_claim c[3];
    static const char *const why = "3 of 6 seeds came to the fork inner, 4 are needed";
    static struct stm_expr *over[3];
    struct stm_buf b = {0};
    nest(4);
    c[0] = claims[LATE];
    c[1] = estimate("est", stat("count", of_let(x_family(&f, "never"), LET_DELAY)), NULL);
    c[2] = claims[COLLAPSE];
    over[0] = x_family(&f, "never");
    over[1] = x_family(&f, "up");
    over[2] = x_family(&f, "same");
    c[2].over = over;
    c[2].n_over = 3;
    f.plan.claims = c;
    f.plan.n_claims = 3;
    make_displays();
    expect("arm", x_cmp(&f, STM_GE, stat("count", x_grok(&f)), x_num(&f, 0)), "every arm: count");
    expect("seed", between("same", "raised", "never"), "every seed: same < raised < never");
    expect("seed", between("lowered", "same", "raised"), "every seed: lowered < same < raised");
    compute();
    for (int i = 0; i < 3; i++) {
        ck_assert(!r->claims[i].known);
        ck_assert_str_eq(r->claims[i].why, why);
        ck_assert_uint_eq(r->claims[i].n_seeds, 3);
    }
    ck_assert_int_eq(r->expects[0].outcome, STM_NOT_EVALUABLE);
    ck_assert_str_eq(r->expects[0].why,
                     "1 of 8; first never: 3 of 6 seeds came to the fork inner, 4 are needed");
    ck_assert_int_eq(r->expects[1].outcome, STM_NOT_EVALUABLE);
    ck_assert_int_eq(r->expects[2].outcome, STM_HOLDS);
    print(0, false, &b);
    has(&b, "  never                  -              -                 -    -\n");
    has(&b, "  - never: 3 of 6 seeds came to the fork inner, 4 are needed\n");
    stm_buf_release(&b);
    f.absent_seeds = 3; /* four came */
    compute();
    ck_assert(r->claims[0].known && r->claims[1].known && r->claims[2].known);
    ck_assert_uint_eq(r->claims[0].n_seeds, 4);
    ck_assert_int_eq(r->expects[0].outcome, STM_HOLDS);
    nest(-1);
    f.absent_seeds = 3;
    compute();
    ck_assert_str_eq(r->claims[0].why, "4 of 6 seeds came to the fork inner, 6 are needed");
}
END_TEST

START_TEST(ends_that_are_bounds)
{
    expect(NULL, x_cmp(&f, STM_GT, field(LATE, "hi"), x_num(&f, 1e300)), "late.hi > 1e300");
    expect(NULL, x_cmp(&f, STM_GT, field(LATE, "lo"), x_num(&f, 40)), "late.lo > 40");
    expect(NULL, x_cmp(&f, STM_LT, field(LATE, "hi"), x_num(&f, 50)), "late.hi < 50");
    compute();
    ck_assert_int_eq(r->expects[0].outcome, STM_NOT_EVALUABLE);
    ck_assert_int_eq(r->expects[1].outcome, STM_HOLDS);
    ck_assert_str_eq(r->expects[1].why, "late.lo = > 40.828");
    ck_assert_int_eq(r->expects[2].outcome, STM_NOT_EVALUABLE);
    struct stm_buf b = {0};
    print(0, false, &b);
    has(&b, "= > 47.360  [> 40.828, > 49.333]  n = 6\n");
    stm_buf_release(&b);
}
END_TEST

START_TEST(what_is_not_measured_says_so)
{
    struct stm_buf b = {0};
    make_displays();
    f.missing_node = SAME;
    f.missing_seed = 2;
    compute();
    ck_assert(r->claims[RATIO].unknown);
    print(0, false, &b);
    has(&b, "on median(delay): not measured yet (`grok` of same, seed 2 is not known yet)\n");
    has(&b, "  same         not measured yet  not measured yet  not measured yet    -\n");
    has(&b, "  - same: `grok` of same, seed 2 is not known yet\n");
    stm_buf_clear(&b);
    ck_assert_int_eq(stm_results_json(r, &f.d, &b, NULL), 0);
    has(&b,
        "{\"value\":null,\"unknown\":true,\"why\":\"`grok` of same, seed 2 is not known yet\"}");
    has(&b, "\"value\":null,\"interval\":null,\"seeds\":6,\"unknown\":true,\"why\":\"`grok`");
    stm_buf_release(&b);
}
END_TEST

START_TEST(small_numbers_keep_digits)
{
    struct stm_buf b = {0};
    claims[RATIO] = estimate("tiny", x_op(&f, STM_X_DIV, x_num(&f, 1), x_num(&f, 81920)), NULL);
    claims[GAP].expr = x_op(&f, STM_X_NEG, x_num(&f, 0), NULL);
    claims[GAP].op = '/';
    claims[LATE] = estimate("none", claims[GAP].expr, NULL);
    compute();
    print(0, false, &b);
    has(&b, "-0 = 0.000  [0.000, 0.000]  n = 6\n");
    has(&b, "1 / 81920 = 1.221e-05  [1.221e-05, 1.221e-05]  n = 6\n");
    stm_buf_release(&b);
}
END_TEST

/* Seeds of one cell of which some are censored: the largest is not the largest known one. */
START_TEST(spread_of_bounds)
{
    struct stm_buf b = {0};
    make_displays();
    static struct stm_column cols[2];
    cols[0] = (struct stm_column){"rows", x_family(&f, "never"), NULL, NULL};
    cols[1] = (struct stm_column){
        "cols", x_op(&f, STM_X_MUL, x_let(&f, LET_DELAY), x_ref(&f, STM_R_WORD, "seeds", -1)), NULL,
        NULL};
    display[0].columns = cols;
    compute();
    /* 0, 50000, then > 2 * 59200 and on */
    print(0, false, &b);
    has(&b, "  never    0..> 296000\n");
    stm_buf_release(&b);
}
END_TEST

START_TEST(text_of_results)
{
    struct stm_buf b = {0};
    make_displays();
    expect(NULL, x_cmp(&f, STM_GT, claim(RATIO), x_num(&f, 4)), "value > 4");
    compute();
    print(80, false, &b);
    has(&b, "Fake\n6 seeds\n\ntable arms\n");
    has(&b, "  arm          count(grok)  median(delay)  iqr(only(delay))  tau\n");
    has(&b, "  same                   6           1250               250    -\n");
    has(&b, "  up[tau=1.3]            6           3250               250  1.3\n");
    has(&b, "  never                  2        > 59200              5000    -\n");
    has(&b, "  - same: `tau` has no value here\n");
    has(&b, "\ncalibrated\n  wc  54.5 = 54.5\n\ncontrasts");
    has(&b, "  value     raised / same on median(delay) = 3.000  [3.000, 3.000]  n = 6\n"
            "            isolates hold norm(weights): N0 * 1.15 vs N0\n");
    has(&b, "n median(delay): not evaluable (a censored time is\n              known from below "
            "only; here it");
    has(&b, "  FAILS          value > 4\n                   value = 3\n");
    has(&b, "\nexpectations: 0 hold, 1 fails, 0 not evaluable\n");
    ck_assert(strstr(stm_buf_text(&b), "\033") == NULL);
    ck_assert(strstr(stm_buf_text(&b), "curves") == NULL);
    for (const char *line = stm_buf_text(&b); *line;) {
        size_t n = strcspn(line, "\n");
        ck_assert_msg(n <= 80, "%zu columns: %.*s", n, (int)n, line);
        line += n + 1;
    }
    stm_buf_clear(&b);
    print(40, true, &b); /* two blocks, each with the arms */
    has(&b, "  arm          count(grok)\n");
    has(&b, "  arm          iqr(only(delay))  tau\n");
    has(&b, "\033[1;31mFAILS\033[0m");
    stm_buf_release(&b);
}
END_TEST

START_TEST(json_of_results)
{
    struct stm_buf b = {0};
    struct stm_err err;
    make_displays();
    f.plan.title = "a \"quoted\" \\ title\n\x01";
    expect(NULL, x_cmp(&f, STM_GT, claim(RATIO), x_num(&f, 4)), "value > 4");
    compute();
    ck_assert_int_eq(stm_results_json(r, &f.d, &b, &err), 0);
    has(&b, "{\"protocol\":\"fake\",\"title\":\"a \\\"quoted\\\" \\\\ title\\n\\u0001\"");
    has(&b, "\"params\":{},\"seeds\":[0,1,2,3,4,5]");
    has(&b, "\"columns\":[\"count(grok)\",\"median(delay)\",\"iqr(only(delay))\",\"tau\"]");
    has(&b,
        "{\"arm\":\"up[tau=1.3]\",\"path\":\"up[tau=1.3]\",\"off\":false,\"cells\":[{\"value\":6},"
        "{\"value\":3250},{\"value\":250},{\"value\":1.3}]}");
    has(&b, "{\"greater_than\":59200}");
    has(&b, "{\"value\":null,\"why\":\"`tau` has no value here\"}");
    has(&b, "\"figures\":[{\"name\":\"curves\",\"note\":\"not drawn in this version\"}]");
    has(&b, "{\"kind\":\"contrast\",\"name\":\"value\",\"text\":\"raised / same on median(delay)\","
            "\"isolates\":\"hold norm(weights): N0 * 1.15  vs  N0\",\"value\":3,\"interval\":[3,3],"
            "\"seeds\":6}");
    has(&b, "\"calibrated\":[{\"name\":\"wc\",\"text\":\"54.5\",\"fork\":\"trunk/"
            "post\",\"value\":54.5}],"
            "\"claims\":[");
    has(&b, "\"name\":\"late\"");
    has(&b, "\"greater_than\":47.36,\"interval\":[{\"greater_than\":");
    ck_assert(strstr(stm_buf_text(&b), "null]") == NULL);
    has(&b, "\"name\":\"open\"");
    has(&b, "{\"text\":\"value > 4\",\"outcome\":\"fails\",\"found\":\"value = 3\"}");
    has(&b, "\"summary\":{\"holds\":0,\"fails\":1,\"not_evaluable\":0}}\n");
    const char *out = getenv("STM_TEST_JSON"); /* for a look with another reader */
    FILE *file = out ? fopen(out, "wb") : NULL;
    if (file) {
        fwrite(b.p, 1, b.n, file);
        fclose(file);
    }
    stm_buf_release(&b);
}
END_TEST

START_TEST(replicates)
{
    struct stm_buf b = {0};
    struct stm_err err;
    f.nodes[UP0].path = "trunk/post/up[tau=1.0,\"x\"]";
    f.absent_node = SAME;
    f.absent_seed = 0;
    ck_assert_int_eq(stm_replicates_csv(&f.d, &b, &err), 0);
    has(&b, "arm,seed,fork,stop,grok,memorized,N0\ntrunk,0,0,800,,200,50\n");
    has(&b, "\nfree,5,800,1350,1350,200,55\nsame,1,800,1900,1900,200,51\n");
    has(&b, "\nnever,2,800,60000,,200,52\n");
    has(&b, "\n\"trunk/post/up[tau=1.0,\"\"x\"\"]\",0,800,4800,4800,200,50\n");
    stm_buf_clear(&b);
    ck_assert_int_eq(stm_replicates_ndjson(&f.d, &b, &err), 0);
    has(&b, "{\"arm\":\"never\",\"seed\":2,\"fork\":800,\"stop\":60000,\"events\":{\"grok\":"
            "{\"censored_at\":60000},\"memorized\":200},\"captures\":{\"N0\":52}}\n");
    has(&b, "{\"arm\":\"same\",\"seed\":1,\"fork\":800,\"stop\":1900,\"events\":{\"grok\":1900,");
    ck_assert(strstr(stm_buf_text(&b), "\"same\",\"seed\":0") == NULL);
    stm_buf_clear(&b);
    f.missing_node = NEVER;
    f.missing_seed = 2;
    ck_assert_int_eq(stm_replicates_csv(&f.d, &b, &err), 0);
    has(&b, "\nnever,2,NA,NA,NA,NA,\nnever,3,800,60000,,200,53\n");
    stm_buf_release(&b);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    struct stm_err err;
    struct stm_buf b = {0};
    int rc = STM_E_NOMEM;
    unsigned long n = 0, step = 1;
    make_displays();
    claims[RECOVERY].ci = NULL;
    for (int i = 0; i < N_CLAIMS; i++)
        if (claims[i].ci) claims[i].ci->kids[1] = x_num(&f, 20);
    expect("arm", x_cmp(&f, STM_GT, x_let(&f, LET_T), x_num(&f, 4)), "every arm: T > 4");
    while (rc == STM_E_NOMEM) {
        stm_mem_fail_after(n += step);
        stm_results_free(r);
        rc = stm_results_compute(&r, &f.d, &err);
        if (rc == 0) rc = stm_results_print(r, &f.d, (struct stm_style){false, 80}, &b, &err);
        stm_buf_release(&b);
        if (rc == 0) rc = stm_results_json(r, &f.d, &b, &err);
        stm_buf_release(&b);
        stm_mem_fail_after(0);
        if (rc) ck_assert_int_eq(rc, STM_E_NOMEM);
        ck_assert_uint_lt(n, 100000);
    }
    ck_assert_uint_gt(n, 100);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {contrast_of_a_known_ratio,
                                  contrast_of_censored_medians,
                                  estimate_with_a_fixed_curve,
                                  fit_over_cells,
                                  each_resample_fits_again,
                                  a_fit_without_value_leaves_no_interval,
                                  a_fit_through_all_points_has_no_aic,
                                  a_claim_that_is_read_is_resampled,
                                  n_is_who_entered,
                                  a_fork_needs_its_seeds,
                                  ends_that_are_bounds,
                                  what_is_not_measured_says_so,
                                  small_numbers_keep_digits,
                                  spread_of_bounds,
                                  intervals_are_pinned,
                                  few_seeds_have_no_interval,
                                  contrast_pairs_seeds_of_both,
                                  expectations_of_one_number,
                                  expectations_of_all,
                                  a_bound_may_leave_it_open,
                                  text_of_results,
                                  json_of_results,
                                  replicates,
                                  every_allocation_may_fail};
    Suite *s = suite_create("results");
    TCase *t = tcase_create("results");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
