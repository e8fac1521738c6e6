/* The plan as one self-contained file: what was parsed, printed again in one layout, imports in
 * their places and params at their values. Reading it back gives the same plan. */
#include <string.h>

#include "protocol/check.h"

struct writer {
    struct ctx *c;
    struct stm_buf *b;
    const struct stm_plan *plan;
    unsigned next_param;
    int depth;
};

static void put_stmt(struct writer *w, const struct ast_stmt *s);

static void put(struct writer *w, const char *s) { stm_buf_put(w->b, s, strlen(s)); }
static void put_expr(struct writer *w, const struct stm_expr *e) { stm_expr_print(e, w->b); }

static void put_exprs(struct writer *w, struct stm_expr *const *list, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (i) put(w, ", ");
        put_expr(w, list[i]);
    }
}

static void put_block(struct writer *w, const struct ast_block *b)
{
    put(w, b->n ? " {\n" : " {}");
    if (!b->n) return;
    w->depth++;
    for (unsigned i = 0; i < b->n; i++) {
        for (int d = 0; d < w->depth; d++) put(w, "  ");
        put_stmt(w, b->stmts[i]);
        put(w, "\n");
    }
    w->depth--;
    for (int d = 0; d < w->depth; d++) put(w, "  ");
    put(w, "}");
}

static void put_time(struct writer *w, const struct ast_time *t)
{
    static const char *const words[] = {"start", "step ", "+ ", "each ", "all ", "any "};
    put(w, words[t->kind]);
    if (t->event.text) put(w, t->event.text);
    if (t->event.text && t->value) put(w, " after step ");
    if (t->value) put_expr(w, t->value);
    if (t->kind == STM_T_PLUS) put(w, " steps");
}

static void w_protocol(struct writer *w, const struct ast_stmt *s)
{
    stm_buf_printf(w->b, "protocol \"%s\"", s->name.text);
}

static void w_param(struct writer *w, const struct ast_stmt *s)
{
    stm_buf_printf(w->b, "param %s = %s", s->name.text, w->plan->params[w->next_param++].text);
}

static void w_define(struct writer *w, const struct ast_stmt *s)
{
    stm_buf_printf(w->b, "%s %s", pr_stmt_word(s->kind), s->name.text);
    if (s->expr) {
        put(w, " = ");
        put_expr(w, s->expr);
    }
    if (s->kind == S_FIT && s->n_over) {
        put(w, " over ");
        put_exprs(w, s->over, s->n_over);
    }
    if (s->has_need && s->lo < 0) put(w, " need all seeds");
    if (s->has_need && s->lo >= 0) stm_buf_printf(w->b, " need %.0f seeds", s->lo);
    if (s->ci) {
        put(w, " ci ");
        put_expr(w, s->ci);
    }
    if (s->block) put_block(w, s->block);
}

static void w_seeds(struct writer *w, const struct ast_stmt *s)
{
    stm_buf_printf(w->b, "seeds %.0f..%.0f", s->lo, s->hi);
}

static void w_every(struct writer *w, const struct ast_stmt *s)
{
    stm_buf_printf(w->b, "every %.0f steps", s->lo);
    put_block(w, s->block);
}

static void w_log(struct writer *w, const struct ast_stmt *s)
{
    stm_buf_printf(w->b, "log every %.0f steps { ", s->lo);
    put_exprs(w, s->list, s->n_list);
    put(w, " }");
}

static void w_run(struct writer *w, const struct ast_stmt *s)
{
    stm_buf_printf(w->b, "run %s = %s on %s with %s", s->name.text, s->words[1].text,
                   s->words[0].text, s->words[2].text);
    put_block(w, s->block);
}

static void put_sweep(struct writer *w, const struct ast_stmt *s)
{
    for (unsigned i = 0; i < s->n_sweep; i++) {
        const struct ast_bind *b = &s->sweep[i];
        put(w, i ? ", " : " sweep ");
        if (b->tuple) put(w, "(");
        for (unsigned j = 0; j < b->n_names; j++)
            stm_buf_printf(w->b, "%s%s", j ? ", " : "", b->names[j].text);
        put(w, b->tuple ? ") in " : " in ");
        put_expr(w, b->values);
    }
}

static void w_fork(struct writer *w, const struct ast_stmt *s)
{
    stm_buf_printf(w->b, "fork %s", s->name.text);
    put_sweep(w, s);
    put(w, " at ");
    put_time(w, s->times);
    put_block(w, s->block);
}

static void w_arm(struct writer *w, const struct ast_stmt *s)
{
    stm_buf_printf(w->b, "%sarm %s", s->off ? "off " : "", s->name.text);
    put_sweep(w, s);
    put_block(w, s->block);
}

static void w_contrast(struct writer *w, const struct ast_stmt *s)
{
    stm_buf_printf(w->b, "contrast %s = ", s->name.text);
    put_expr(w, s->a);
    stm_buf_printf(w->b, " %c ", s->op);
    put_expr(w, s->b);
    put(w, " on ");
    put_expr(w, s->expr);
    if (s->ci) {
        put(w, " ci ");
        put_expr(w, s->ci);
    }
}

static void w_expect(struct writer *w, const struct ast_stmt *s)
{
    put(w, "expect ");
    if (s->quantifier.text) stm_buf_printf(w->b, "every %s: ", s->quantifier.text);
    put_expr(w, s->expr);
}

static void w_action(struct writer *w, const struct ast_stmt *s)
{
    stm_buf_printf(w->b, "%s ", pr_stmt_word(s->kind));
    put_expr(w, s->target);
    if (s->op) stm_buf_printf(w->b, " %s%s ", s->op == '=' ? "" : (char[]){s->op, 0}, "=");
    if (s->expr) put_expr(w, s->expr);
    if (s->round.text) stm_buf_printf(w->b, " round %s", s->round.text);
    if (s->from) {
        put(w, " from ");
        put_time(w, s->from);
    }
    if (s->until) {
        put(w, " until ");
        put_time(w, s->until);
    }
}

static void w_stop(struct writer *w, const struct ast_stmt *s)
{
    put(w, "stop at ");
    for (unsigned i = 0; i < s->n_times; i++) {
        if (i) put(w, " or ");
        put_time(w, &s->times[i]);
    }
}

static void w_require(struct writer *w, const struct ast_stmt *s)
{
    stm_buf_printf(w->b, "require %s ", s->quantifier.text);
    put_expr(w, s->expr);
}

static void w_need(struct writer *w, const struct ast_stmt *s)
{
    if (s->lo < 0)
        put(w, "need all seeds");
    else
        stm_buf_printf(w->b, "need %.0f seeds", s->lo);
}

static void w_assign(struct writer *w, const struct ast_stmt *s)
{
    stm_buf_printf(w->b, "%s = ", s->name.text);
    put_expr(w, s->expr);
    if (s->n_over) {
        put(w, " over ");
        put_expr(w, s->over[0]);
    }
    if (s->n_by) {
        put(w, " by ");
        put_expr(w, s->by[0]);
    }
}

static void (*const writers[S_KINDS])(struct writer *, const struct ast_stmt *) = {
    [S_PROTOCOL] = w_protocol, [S_PARAM] = w_param,      [S_LET] = w_define,
    [S_TASK] = w_define,       [S_MODEL] = w_define,     [S_TRAIN] = w_define,
    [S_SEEDS] = w_seeds,       [S_EVERY] = w_every,      [S_LOG] = w_log,
    [S_EVENT] = w_define,      [S_METRIC] = w_define,    [S_RUN] = w_run,
    [S_FORK] = w_fork,         [S_ARM] = w_arm,          [S_CONTRAST] = w_contrast,
    [S_ESTIMATE] = w_define,   [S_FIT] = w_define,       [S_EXPECT] = w_expect,
    [S_TABLE] = w_define,      [S_FIGURE] = w_define,    [S_SET] = w_action,
    [S_HOLD] = w_action,       [S_ONCE] = w_action,      [S_FREEZE] = w_action,
    [S_RELEASE] = w_action,    [S_STOP] = w_stop,        [S_REQUIRE] = w_require,
    [S_CAPTURE] = w_define,    [S_CALIBRATE] = w_define, [S_NEED] = w_need,
    [S_ASSIGN] = w_assign,
};

static void put_stmt(struct writer *w, const struct ast_stmt *s) { writers[s->kind](w, s); }

void pr_canonical(struct ctx *c, const struct vec *stmts, struct stm_plan *p)
{
    size_t mark = c->scratch.n;
    struct writer w = {.c = c, .b = &c->scratch, .plan = p};
    put(&w, "lang 1\n");
    for (unsigned i = 0; i < stmts->n; i++) {
        const struct ast_stmt *s = ((struct ast_stmt *const *)stmts->p)[i];
        if (s->kind == S_PROTOCOL && s->span.file != 0) continue;
        put_stmt(&w, s);
        put(&w, "\n");
    }
    p->canonical = pr_scratch_take(c, mark);
}
