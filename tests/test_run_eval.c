/* The evaluator, on facts in memory. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "fake_plan.h"

static struct fake f;
static struct stm_ev ev;

static void setup(void)
{
    fake_init(&f, FAKE_SEEDS);
    ck_assert_int_eq(stm_ev_init(&ev, &f.d, NULL), 0);
}

static void teardown(void)
{
    stm_ev_release(&ev);
    fake_release(&f);
}

static struct stm_cell one(const struct stm_expr *e, int node)
{
    struct stm_scope scope = STM_SCOPE(node);
    struct stm_value v = stm_ev_eval(&ev, e, &scope);
    ck_assert_int_eq(v.kind, STM_VAL_ONE);
    return v.one;
}

static void is(const struct stm_expr *e, int node, double want)
{
    struct stm_cell c = one(e, node);
    ck_assert_msg(c.state == STM_CELL_OK, "%s", c.why ? c.why : "absent");
    ck_assert(!c.censored);
    ck_assert_double_eq_tol(c.v, want, 1e-9);
}

static void is_bad(const struct stm_expr *e, int node, enum stm_cell_state state, const char *part)
{
    struct stm_cell c = one(e, node);
    ck_assert_int_eq(c.state, state);
    ck_assert_msg(strstr(c.why, part) != NULL, "\"%s\" does not say \"%s\"", c.why, part);
}

static struct stm_expr *stat(const char *name, struct stm_expr *of)
{
    return x_call(&f, name, of, NULL);
}

static struct stm_expr *delay(void) { return x_let(&f, LET_DELAY); }

START_TEST(statistics_of_times)
{
    is(stat("median", delay()), SAME, 1250);
    is(stat("mean", delay()), SAME, 1250);
    is(stat("min", delay()), SAME, 1000);
    is(stat("max", delay()), SAME, 1500);
    is(stat("iqr", delay()), SAME, 250);
    is(x_call(&f, "quantile", delay(), x_num(&f, 0.1)), SAME, 1050);
    is(stat("count", x_grok(&f)), SAME, 6);
    is(stat("count", x_seeds(&f)), SAME, 6);
    is(stat("frac", x_grok(&f)), NEVER, 1.0 / 3);
    is(stat("count", x_grok(&f)), NEVER, 2);
    is(stat("log", stat("median", delay())), SAME, log(1250));
}
END_TEST

START_TEST(censored_times)
{
    struct stm_cell c = one(stat("median", delay()), NEVER);
    ck_assert(c.state == STM_CELL_OK && c.censored);
    ck_assert_double_eq(c.v, 59200); /* the step of the bound, after the fork */
    is_bad(stat("mean", delay()), NEVER, STM_CELL_INVALID, "censored");
    is(stat("median", stat("only", delay())), NEVER, 45000);
    is(stat("mean", x_call(&f, "restricted", delay(), x_num(&f, 45000))), NEVER,
       (40000 + 5 * 45000) / 6.0);
    is_bad(stat("mean", x_call(&f, "restricted", delay(), x_num(&f, 60000))), NEVER,
           STM_CELL_INVALID, "before the limit");
    /* twice a censored time is censored; what is subtracted must be known */
    c = one(x_op(&f, STM_X_MUL, stat("median", delay()), x_num(&f, 2)), NEVER);
    ck_assert(c.censored && c.v == 118400);
    is_bad(x_op(&f, STM_X_SUB, x_num(&f, 1), stat("median", delay())), NEVER, STM_CELL_INVALID,
           "from below");
}
END_TEST

START_TEST(comparisons)
{
    static const struct {
        enum stm_cmp op;
        bool holds[3]; /* of 1, 2 and 3 against 2 */
    } table[] = {{STM_LT, {1, 0, 0}}, {STM_LE, {1, 1, 0}}, {STM_GT, {0, 0, 1}},
                 {STM_GE, {0, 1, 1}}, {STM_EQ, {0, 1, 0}}, {STM_NE, {1, 0, 1}}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (int k = 0; k < 3; k++)
            is(x_cmp(&f, table[i].op, x_num(&f, 1 + k), x_num(&f, 2)), NEVER, table[i].holds[k]);
}
END_TEST

START_TEST(comparisons_with_a_bound)
{
    struct stm_expr *t = stat("median", delay());
    is(x_cmp(&f, STM_GT, t, x_num(&f, 59200)), NEVER, 1);
    is(x_cmp(&f, STM_LE, t, x_num(&f, 100)), NEVER, 0);
    is(x_cmp(&f, STM_EQ, t, x_num(&f, 100)), NEVER, 0);
    is_bad(x_cmp(&f, STM_GT, t, x_num(&f, 59201)), NEVER, STM_CELL_INVALID, "not decided");
    is_bad(x_cmp(&f, STM_LT, t, t), NEVER, STM_CELL_INVALID, "not decided");
    struct stm_expr *no = x_cmp(&f, STM_LT, x_num(&f, 2), x_num(&f, 1));
    struct stm_expr *open = x_cmp(&f, STM_GT, t, x_num(&f, 59201));
    is(x_op(&f, STM_X_AND, open, no), NEVER, 0); /* settled by the side that is known */
    is(x_op(&f, STM_X_OR, open, x_op(&f, STM_X_NOT, no, NULL)), NEVER, 1);
    is_bad(x_op(&f, STM_X_OR, open, no), NEVER, STM_CELL_INVALID, "not decided");
}
END_TEST

START_TEST(arms_and_sweeps)
{
    is(x_of(&f, x_family(&f, "raised"), x_let(&f, LET_T)), -1, 3750);
    is(x_let(&f, LET_TOP), -1, 4250);
    is(x_let(&f, LET_TOP), SAME, 4250); /* whoever reads it */
    struct stm_scope scope = STM_SCOPE(UP1);
    struct stm_expr *up_t = x_of(&f, x_family(&f, "up"), x_let(&f, LET_T));
    struct stm_value v = stm_ev_eval(&ev, up_t, &scope);
    ck_assert_int_eq(v.kind, STM_VAL_CURVE);
    ck_assert_uint_eq(v.n, 3); /* the whole sweep, in declared order, though read inside it */
    ck_assert_double_eq(v.cells[0].v, 4250);
    ck_assert_double_eq(v.cells[2].v, 2250);
    ck_assert_int_eq(v.nodes[1], UP1);
    is(x_ref(&f, STM_R_BIND, "tau", -1), UP1, 1.3);
    is_bad(x_ref(&f, STM_R_BIND, "tau", -1), SAME, STM_CELL_INVALID, "tau");
    is_bad(x_of(&f, x_tau(&f, "up", 9), x_let(&f, LET_T)), -1, STM_CELL_INVALID, "no instance");
    is_bad(x_metric(&f), SAME, STM_CELL_INVALID, "sample it");
}
END_TEST

START_TEST(sampling)
{
    struct stm_expr *stop = x_ref(&f, STM_R_WORD, "stop", -1);
    struct stm_expr *at_stop = x_op(&f, STM_X_AT, x_metric(&f), stop);
    is(stat("min", at_stop), SAME, 24 + 1800e-6);
    /* read off another arm: at the stop of that arm */
    struct stm_expr *member = x_of(&f, x_family(&f, "raised"), x_metric(&f));
    is(stat("min", x_op(&f, STM_X_AT, member, stop)), SAME, 40 + 3800e-6);
    is(stat("mean", x_op(&f, STM_X_AT_STEP, x_metric(&f), x_num(&f, 1000))), UP0, 30 + 1e-3);
    /* median(grok) of `same` is 2050: steps 2000 and 2200; seeds 0 and 1 stop before 2000 */
    is(x_let(&f, LET_L), SAME, 24 + (1800 + 1800 + 4 * 2000) / 6.0 * 1e-6);
    struct stm_expr *at = x_call(&f, "nearest", x_num(&f, 1100), NULL);
    is(stat("mean", x_op(&f, STM_X_AT, x_metric(&f), at)), SAME, 24 + 1000e-6); /* tie: earlier */
    struct stm_expr *at_grok = x_op(&f, STM_X_AT, x_metric(&f), x_grok(&f));
    is_bad(stat("median", at_grok), NEVER, STM_CELL_INVALID, "never, seed 2");
    is(stat("count", stat("only", at_grok)), NEVER, 2);
    is(stat("median", stat("max", x_metric(&f))), SAME, 24 + (2000 + 2000) / 2 * 1e-6);
    is(stat("max", stat("min", x_metric(&f))), SAME, 24 + 800e-6); /* from the fork on */
}
END_TEST

START_TEST(curves)
{
    struct stm_expr *up = x_family(&f, "up"), *same = x_family(&f, "same");
    struct stm_expr *t = x_of(&f, up, x_let(&f, LET_T)), *l = x_of(&f, up, x_let(&f, LET_L));
    struct stm_expr *e = x_call(&f, "interp", t, l);
    e->n = 3;
    e->keys[1] = "along";
    e->keys[2] = "at";
    e->kids[2] = x_num(&f, 25);
    struct stm_cell c = one(e, -1);
    ck_assert_msg(c.state == STM_CELL_OK, "%s", c.why);
    ck_assert_double_eq_tol(c.v, 3250 - 0.0038 * 200, 0.5); /* L of up[tau=1.3] is 25.004 */
    e->kids[2] = x_of(&f, same, x_let(&f, LET_L));
    ck_assert_double_eq_tol(one(e, -1).v, 2250 + 1000 * 4.0 / 5, 1);
    e->kids[2] = x_num(&f, 31);
    is_bad(e, -1, STM_CELL_INVALID, "outside");

    struct stm_expr *m = x_call(&f, "monotone", t, x_ref(&f, STM_R_BIND, "tau", -1));
    m->n = 3;
    m->keys[1] = "along";
    m->kids[2] = x_ref(&f, STM_R_NONE, "down", -1);
    is(m, -1, 1);
    m->kids[2] = x_ref(&f, STM_R_NONE, "up", -1);
    is(m, -1, 0);
    m->kids[1] = l; /* up along L, which falls with tau */
    is(m, -1, 1);

    struct stm_expr *xs = x_new(&f, STM_X_LIST, NULL, 1, l, NULL);
    is(x_call(&f, "ols", l, xs), -1, 1);
}
END_TEST

START_TEST(identity)
{
    struct stm_expr *same = x_family(&f, "same");
    struct stm_scope scope = STM_SCOPE(-1);
    struct stm_value v =
        stm_ev_eval(&ev, x_call(&f, "identical", same, x_family(&f, "raised")), &scope);
    ck_assert_int_eq(v.kind, STM_VAL_SEEDS);
    for (unsigned s = 0; s < 6; s++) ck_assert(v.cells[s].truth && (v.cells[s].v != 0) == (s != 3));
    is(stat("count", x_call(&f, "identical", same, x_family(&f, "free"))), -1, 6);
}
END_TEST

START_TEST(missing_and_absent)
{
    f.missing_node = SAME;
    f.missing_seed = 4;
    is_bad(stat("median", delay()), SAME, STM_CELL_UNKNOWN, "`grok` of same, seed 4");
    is(stat("median", delay()), RAISED, 3750);
    f.absent_node = RAISED;
    f.absent_seed = 5;
    stm_ev_release(&ev);
    ck_assert_int_eq(stm_ev_init(&ev, &f.d, NULL), 0);
    is(stat("median", delay()), RAISED, 3600); /* of five */
    is(stat("count", x_grok(&f)), RAISED, 5);
    is(stat("frac", x_grok(&f)), RAISED, 1);
}
END_TEST

/* Three-valued logic, with no value as a fourth: every pair, both ways round. */
START_TEST(logic_of_what_has_no_value)
{
    enum { YES, NO, NEVER_KNOWN, NOT_YET };
    const struct stm_cell c[] = {[YES] = stm_cell_truth(true),
                                 [NO] = stm_cell_truth(false),
                                 [NEVER_KNOWN] = stm_cell_bad(&ev, STM_CELL_INVALID, "0 / 0"),
                                 [NOT_YET] = stm_cell_bad(&ev, STM_CELL_UNKNOWN, "not measured")};
    static const int or [4][4] = {{YES, YES, YES, YES},
                                  {YES, NO, NEVER_KNOWN, NOT_YET},
                                  {YES, NEVER_KNOWN, NEVER_KNOWN, NOT_YET},
                                  {YES, NOT_YET, NOT_YET, NOT_YET}};
    static const int and[4][4] = {{YES, NO, NEVER_KNOWN, NOT_YET},
                                  {NO, NO, NO, NO},
                                  {NEVER_KNOWN, NO, NEVER_KNOWN, NOT_YET},
                                  {NOT_YET, NO, NOT_YET, NOT_YET}};
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++) {
            struct stm_cell x = stm_cell_or(c[a], c[b]), y = stm_cell_and(c[a], c[b]);
            ck_assert_int_eq(x.state, c[or[a][b]].state);
            ck_assert_int_eq(y.state, c[and[a][b]].state);
            if (x.state == STM_CELL_OK) ck_assert_double_eq(x.v, c[or[a][b]].v);
            if (y.state == STM_CELL_OK) ck_assert_double_eq(y.v, c[and[a][b]].v);
        }
}
END_TEST

START_TEST(resampling)
{
    static const unsigned first[] = {0, 0, 0}, last[] = {5, 5, 5};
    struct stm_expr *t = x_let(&f, LET_T), *l = x_let(&f, LET_L);
    static const char *const fixed[] = {"L"};
    double full = one(l, SAME).v;
    stm_ev_select(&ev, first, 3);
    is(t, SAME, 1000);
    ck_assert_double_eq_tol(one(l, SAME).v, 24 + 1800e-6, 1e-12);
    stm_ev_select(&ev, last, 3);
    is(t, SAME, 1500);
    ck_assert_double_eq_tol(one(l, SAME).v, 24 + 2200e-6, 1e-12);
    is(x_let(&f, LET_TOP), SAME, 4500);
    ev.fixed = (const char **)fixed;
    ev.n_fixed = 1;
    ck_assert_double_eq(one(l, SAME).v, full);
    is(t, SAME, 1500);
    stm_ev_select(&ev, first, 3);
    ck_assert_double_eq(one(l, SAME).v, full);
    is(t, SAME, 1000);
    unsigned long reads = f.metric_reads;
    for (int i = 0; i < 1000; i++) {
        stm_ev_select(&ev, i % 2 ? first : last, 3);
        is(l, SAME, full);
    }
    ck_assert_uint_eq(f.metric_reads, reads); /* facts are read once */
}
END_TEST

START_TEST(fixed_for_one_claim_only)
{
    static const unsigned last[] = {5, 5, 5};
    static const char *const fixed[] = {"L"};
    struct stm_expr *l = x_let(&f, LET_L), *u = x_let(&f, LET_TOP);
    f.lets[LET_TOP].expr = x_op(&f, STM_X_ADD, l, x_num(&f, 1));
    double full = one(l, SAME).v;
    ev.fixed = (const char **)fixed;
    ev.n_fixed = 1;
    stm_ev_select(&ev, last, 3);
    is(u, SAME, full + 1);
    stm_ev_select(&ev, last, 3);
    is(u, SAME, full + 1);
    ev.n_fixed = 0;
    is(u, RAISED, 41 + 5200e-6);
    stm_ev_base(&ev, NULL, 0);
    stm_ev_select(&ev, last, 3);
    is(u, SAME, 25 + 2200e-6); /* not what the claim before held */
}
END_TEST

START_TEST(one_seed)
{
    struct stm_err err;
    double v;
    bool yes;
    struct stm_expr *n0 = x_ref(&f, STM_R_CAPTURE, "N0", 0);
    struct stm_expr *target = x_op(&f, STM_X_MUL, n0, x_num(&f, 2));
    ck_assert_int_eq(stm_eval_seed(&f.d, target, RAISED, 3, STM_STEP(800), &v, &err), 0);
    ck_assert_double_eq(v, 106);
    ck_assert_int_eq(stm_eval_seed(&f.d, x_metric(&f), SAME, 1, STM_STEP(1000), &v, &err), 0);
    ck_assert_double_eq_tol(v, 24.001, 1e-12);
    ck_assert_int_eq(stm_eval_seed(&f.d, x_metric(&f), SAME, 1, STM_NOWHERE, &v, &err),
                     STM_E_INVALID);
    ck_assert_int_eq(stm_eval_seed(&f.d, x_grok(&f), SAME, 1, STM_STEP(800), &v, &err), 0);
    ck_assert_double_eq(v, 1900);
    ck_assert_int_eq(stm_eval_seed(&f.d, x_grok(&f), NEVER, 5, STM_STEP(800), &v, &err),
                     STM_E_INVALID);
    struct stm_expr *zero = x_op(&f, STM_X_DIV, x_num(&f, 0), x_num(&f, 0));
    ck_assert_int_eq(stm_eval_seed(&f.d, zero, 0, 0, STM_NOWHERE, &v, &err), STM_E_INVALID);
    f.missing_node = RAISED;
    f.missing_seed = 3;
    ck_assert_int_eq(stm_eval_seed(&f.d, target, RAISED, 3, STM_STEP(800), &v, &err),
                     STM_E_NOTFOUND);
    ck_assert_str_eq(err.msg, "`N0` of raised, seed 3 is not known yet");
    /* requirements: an event that has come by then, or a comparison */
    struct stm_expr *memorized = x_ref(&f, STM_R_EVENT, "memorized", 1);
    ck_assert_int_eq(stm_eval_require(&f.d, memorized, 0, 2, STM_STEP(800), &yes, &err), 0);
    ck_assert(yes);
    ck_assert_int_eq(stm_eval_require(&f.d, memorized, 0, 2, STM_STEP(199), &yes, &err), 0);
    ck_assert(!yes);
    ck_assert_int_eq(stm_eval_require(&f.d, x_grok(&f), 0, 2, STM_STEP(800), &yes, &err), 0);
    ck_assert(!yes);
}
END_TEST

START_TEST(across_seeds)
{
    struct stm_err err;
    double v;
    struct stm_expr *stop = x_ref(&f, STM_R_WORD, "stop", -1);
    struct stm_expr *member = x_of(&f, x_family(&f, "same"), x_metric(&f));
    struct stm_expr *wc = stat("median", x_op(&f, STM_X_AT, member, stop));
    ck_assert_int_eq(stm_eval_across(&f.d, wc, 0, -1, &v, &err), 0);
    ck_assert_double_eq_tol(v, 24 + 2050e-6, 1e-12);
    /* seeds that hit their bound have a norm at `stop`, but do not count */
    member = x_of(&f, x_family(&f, "never"), x_metric(&f));
    wc = stat("median", x_op(&f, STM_X_AT, member, stop));
    ck_assert_int_eq(stm_eval_across(&f.d, wc, 0, -1, &v, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "not evaluable: 2 of the 6 seeds needed");
    ck_assert_int_eq(stm_eval_across(&f.d, wc, 0, 2, &v, &err), 0);
    f.missing_node = NEVER;
    f.missing_seed = 0;
    ck_assert_int_eq(stm_eval_across(&f.d, wc, 0, 2, &v, &err), STM_E_NOTFOUND);
    ck_assert_int_eq(stm_eval_across(&f.d, x_num(&f, 800), 0, 0, &v, &err), 0);
    ck_assert_double_eq(v, 800);
    ck_assert_int_eq(stm_eval_across(&f.d, delay(), SAME, 0, &v, &err), STM_E_INVALID);
}
END_TEST

START_TEST(deep_and_wide)
{
    struct stm_expr *e = x_num(&f, 1), *sum = x_let(&f, LET_T);
    for (int i = 0; i < 100000; i++) e = x_op(&f, STM_X_NEG, e, NULL);
    is_bad(e, SAME, STM_CELL_INVALID, "in each other");
    /* a tower of lets that each read the one before twice takes linear time */
    static struct stm_let tower[64];
    f.plan.lets = tower;
    f.plan.n_lets = 64;
    memcpy(tower, f.lets, sizeof f.lets);
    for (int i = 4; i < 64; i++) {
        tower[i] = (struct stm_let){"tower", x_op(&f, STM_X_ADD, sum, sum), -1};
        sum = x_ref(&f, STM_R_LET, "tower", i);
    }
    is(sum, SAME, ldexp(1250, 60));
}
END_TEST

START_TEST(traces_need_every_row)
{
    struct stm_expr *least = stat("min", stat("min", x_metric(&f)));
    f.unmeasured = 1200; /* the rest of the curve does not tell where its minimum is */
    is_bad(least, SAME, STM_CELL_UNKNOWN, "not known at step 1200");
    f.unmeasured = 600; /* before the fork */
    is(stat("min", stat("max", x_metric(&f))), SAME, 24 + 1800e-6);
    f.unmeasured = NAN;
    f.plan.log_every = 0;
    is_bad(stat("max", stat("max", x_metric(&f))), RAISED, STM_CELL_INVALID, "no `log every`");
}
END_TEST

START_TEST(larger_of_a_bound)
{
    /* more than 59200 against 60000: the larger one is more than 59200, 60000 would be too much */
    struct stm_expr *t = stat("median", delay());
    struct stm_cell c = one(x_call(&f, "max", t, x_num(&f, 60000)), NEVER);
    ck_assert(c.state == STM_CELL_OK && c.censored);
    ck_assert_double_eq(c.v, 59200);
    c = one(x_call(&f, "max", x_num(&f, 50000), t), NEVER);
    ck_assert(c.censored && c.v == 59200);
    is(x_call(&f, "min", x_num(&f, 50000), t), NEVER, 50000);
    is_bad(x_call(&f, "min", t, x_num(&f, 60000)), NEVER, STM_CELL_INVALID, "not decided");
}
END_TEST

START_TEST(arguments_that_are_bounds)
{
    struct stm_expr *t = x_of(&f, x_family(&f, "never"), x_let(&f, LET_T));
    is_bad(stat("mean", x_call(&f, "restricted", delay(), t)), SAME, STM_CELL_INVALID, "limit");
    struct stm_expr *share = x_op(&f, STM_X_DIV, t, x_num(&f, 1e6));
    is_bad(x_call(&f, "quantile", delay(), share), SAME, STM_CELL_INVALID, "share");
}
END_TEST

/* A point that is left out on each side, not the same one, does not make two curves of one length.
 */
START_TEST(curves_with_holes)
{
    struct stm_expr *hole = stat("only", x_of(&f, x_family(&f, "never"), x_let(&f, LET_T)));
    struct stm_expr *y = x_new(&f, STM_X_LIST, NULL, 3, x_num(&f, 10), hole);
    struct stm_expr *x = x_new(&f, STM_X_LIST, NULL, 3, hole, x_num(&f, 2));
    y->kids[2] = x_num(&f, 30);
    x->kids[2] = x_num(&f, 3);
    struct stm_expr *interp = x_call(&f, "interp", y, x);
    interp->n = 3;
    interp->keys[1] = "along";
    interp->keys[2] = "at";
    interp->kids[2] = x_num(&f, 2.5);
    is_bad(interp, -1, STM_CELL_INVALID, "not there");
}
END_TEST

START_TEST(seeds_are_counted_whoever_is_selected)
{
    const unsigned two[] = {1, 4};
    stm_ev_base(&ev, two, 2);
    is(stat("count", x_grok(&f)), SAME, 2);
    is(stat("count", x_seeds(&f)), SAME, 6);
}
END_TEST

/* For no seed: which arms are read, without a fact. */
START_TEST(arms_that_are_read)
{
    bool reads[FAKE_NODES] = {false};
    struct stm_scope scope = STM_SCOPE(SAME);
    struct stm_expr *trace = stat("min", stat("max", x_of(&f, x_family(&f, "free"), x_metric(&f))));
    struct stm_expr *same =
        x_call(&f, "identical", x_family(&f, "raised"), x_family(&f, "lowered"));
    struct stm_expr *sum = x_op(&f, STM_X_ADD, stat("median", delay()), x_let(&f, LET_TOP));
    ev.reads = reads;
    ev.hi = 0;
    stm_ev_eval(&ev, sum, &scope);
    for (int i = 0; i < FAKE_NODES; i++) ck_assert_int_eq(reads[i], i == SAME || i == UP0);
    stm_ev_eval(&ev, trace, &scope);
    stm_ev_eval(&ev, same, &scope);
    for (int i = 0; i < FAKE_NODES; i++)
        ck_assert_int_eq(reads[i],
                         i == SAME || i == UP0 || i == FREE || i == RAISED || i == LOWERED);
    ck_assert_uint_eq(f.metric_reads, 0);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    struct stm_expr *e = x_op(&f, STM_X_ADD, x_let(&f, LET_TOP), x_let(&f, LET_L));
    struct stm_err err;
    double v;
    int rc = STM_E_NOMEM;
    unsigned long n = 0;
    while (rc == STM_E_NOMEM && n < 10000) {
        stm_mem_fail_after(++n);
        rc = stm_eval_across(&f.d, e, SAME, 0, &v, &err);
        stm_mem_fail_after(0);
        if (rc) ck_assert_int_eq(rc, STM_E_NOMEM);
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_uint_gt(n, 3);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {statistics_of_times,
                                  censored_times,
                                  comparisons,
                                  comparisons_with_a_bound,
                                  arms_and_sweeps,
                                  sampling,
                                  curves,
                                  identity,
                                  missing_and_absent,
                                  logic_of_what_has_no_value,
                                  resampling,
                                  fixed_for_one_claim_only,
                                  one_seed,
                                  across_seeds,
                                  deep_and_wide,
                                  traces_need_every_row,
                                  larger_of_a_bound,
                                  arguments_that_are_bounds,
                                  curves_with_holes,
                                  seeds_are_counted_whoever_is_selected,
                                  arms_that_are_read,
                                  every_allocation_may_fail};
    Suite *s = suite_create("eval");
    TCase *t = tcase_create("eval");
    tcase_add_checked_fixture(t, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
