/* Contrasts, estimates, fits, expectations, tables and figures. */
#include <math.h>
#include <string.h>

#include "protocol/check.h"

static struct stm_expr *claim_expr(struct check *k, const struct stm_expr *e)
{
    k->use = USE_CLAIM;
    return pr_resolve(k, e);
}

static bool bootstrap_arg(struct check *k, struct stm_expr *r, unsigned i)
{
    const char *key = r->keys[i];
    const struct stm_expr *e = r->kids[i];
    if (!key) {
        if (e->ref == STM_R_WORD && strcmp(e->name, "seeds") == 0) return true;
        pr_diag(k->c, "E0301", e->span, "the bootstrap is over `seeds`");
        return false;
    }
    if (strcmp(key, "n") == 0) {
        if (e->kind == STM_X_NUM && e->num >= STM_RESAMPLES_MIN && e->num <= STM_RESAMPLES_MAX &&
            e->num == floor(e->num))
            return true;
        pr_diag(k->c, "E0301", e->span, "`n` is a whole number from %d to %d", STM_RESAMPLES_MIN,
                STM_RESAMPLES_MAX);
        return false;
    }
    struct ty t = pr_type(k, e);
    if (t.base == TY_ACROSS || t.base == TY_NUM) return true;
    if (t.base != TY_BAD) pr_diag(k->c, "E0303", e->span, "`hold_fixed` takes one number an arm");
    return false;
}

static struct stm_expr *interval(struct check *k, const struct stm_expr *e, bool *ok)
{
    if (!e) return NULL;
    if (e->kind != STM_X_CALL || strcmp(e->name, "bootstrap") != 0) {
        struct stm_diag *d = pr_diag(k->c, "E0301", e->span, "`ci` takes `bootstrap(seeds, ...)`");
        pr_help(k->c, d, "write `ci bootstrap(seeds, n = 4000)`");
        *ok = false;
        return NULL;
    }
    struct stm_expr *r = claim_expr(k, e);
    for (unsigned i = 0; r && i < r->n; i++)
        if (!bootstrap_arg(k, r, i)) r = NULL;
    if (!r) *ok = false;
    if (r && k->has_seeds && k->plan->seed_hi - k->plan->seed_lo + 1 < 3) {
        struct stm_diag *d =
            pr_diag(k->c, "E0502", e->span, "a bootstrap over %d seeds says nothing",
                    k->plan->seed_hi - k->plan->seed_lo + 1);
        pr_note_at(k->c, d, k->seeds_span, "the seeds of this file");
        pr_help(k->c, d, "use 3 seeds or more, or leave out `ci`");
        *ok = false;
    }
    return r;
}

static bool arm_operand(struct check *k, const struct stm_expr *e, struct stm_expr **out)
{
    if (e->kind != STM_X_NAME && e->kind != STM_X_INDEX) {
        struct stm_diag *d = pr_diag(k->c, "E0301", e->span, "a contrast is between two arms");
        pr_help(k->c, d, "write `contrast x = arm / arm on median(...)`, or use `estimate`");
        return false;
    }
    if (!(*out = claim_expr(k, e))) return false;
    if (pr_type(k, *out).base == TY_ARMS && (*out)->ref != STM_R_FORK) return true;
    pr_diag(k->c, "E0301", e->span, "`%s` is not an arm", pr_expr_text(k->c, *out));
    return false;
}

static bool contrast(struct check *k, const struct ast_stmt *s, struct stm_claim *c)
{
    bool ok = arm_operand(k, s->a, &c->a);
    ok &= arm_operand(k, s->b, &c->b);
    c->op = s->op;
    c->expr = claim_expr(k, s->expr);
    if (!c->expr || !pr_want_one(k, c->expr, "the statistic of a contrast", false)) return false;
    if (!pr_type(k, c->expr).open) {
        struct stm_diag *d =
            pr_diag(k->c, "E0303", s->expr->span, "the statistic does not depend on the arm");
        pr_help(k->c, d, "it is evaluated in both arms: `median(delay)`, not `median(arm.delay)`");
        return false;
    }
    if (ok) pr_check_contrast(k, c, &c->isolates);
    return ok && c->isolates;
}

static bool closed(struct check *k, const struct stm_expr *e, const char *where)
{
    if (!pr_type(k, e).open) return true;
    struct stm_diag *d = pr_diag(k->c, "E0303", e->span, "%s does not say of which arm", where);
    pr_help(k->c, d, "name the arm: `arm.value`");
    return false;
}

static bool estimate(struct check *k, const struct ast_stmt *s, struct stm_claim *c)
{
    bool ok = true;
    pr_feature(k, STM_F_ESTIMATE, s->span, "`estimate` is", &ok);
    c->expr = ok ? claim_expr(k, s->expr) : NULL;
    return c->expr && pr_want_one(k, c->expr, "an estimate", false) &&
           closed(k, c->expr, "an estimate");
}

static bool fit(struct check *k, const struct ast_stmt *s, struct stm_claim *c)
{
    bool ok = true;
    pr_feature(k, STM_F_FIT, s->span, "`fit` is", &ok);
    c->expr = ok ? claim_expr(k, s->expr) : NULL;
    if (!c->expr) return false;
    struct ty t = pr_type(k, c->expr);
    if (t.base == TY_BAD) return false;
    if (t.base != TY_FIT) {
        pr_diag(k->c, "E0301", s->expr->span, "a fit is `ols(y, [x, ...])`");
        return false;
    }
    struct vec over = {0};
    for (unsigned i = 0; i < s->n_over; i++) {
        struct stm_expr *e = claim_expr(k, s->over[i]);
        if (!e) return false;
        if (pr_type(k, e).base != TY_ARMS) {
            pr_diag(k->c, "E0301", s->over[i]->span, "a fit goes over arms: `over [a, b]`");
            return false;
        }
        *(struct stm_expr **)pr_push(k->c, &over, sizeof e) = e;
    }
    c->over = over.p;
    c->n_over = over.n;
    return true;
}

void pr_check_claim(struct check *k, const struct ast_stmt *s)
{
    static const enum stm_claim_kind kinds[] = {
        [S_CONTRAST] = STM_C_CONTRAST, [S_ESTIMATE] = STM_C_ESTIMATE, [S_FIT] = STM_C_FIT};
    struct stm_claim c = {.kind = kinds[s->kind], .name = s->name.text, .span = s->name.span};
    bool ok = s->kind == S_CONTRAST   ? contrast(k, s, &c)
              : s->kind == S_ESTIMATE ? estimate(k, s, &c)
                                      : fit(k, s, &c);
    c.ci = interval(k, s->ci, &ok);
    struct symbol *sym = pr_define(k, s, s->name, STM_R_CLAIM, (int)k->claims.n);
    if (sym) sym->bad = !ok;
    *(struct stm_claim *)pr_push(k->c, &k->claims, sizeof c) = c;
}

/* ---- expectations ---- */

static bool expect_every(struct check *k, const struct ast_stmt *s, struct stm_expect *x)
{
    if (!s->quantifier.text) return true;
    x->every = s->quantifier.text;
    if (!strcmp(x->every, "arm") || !strcmp(x->every, "seed")) return true;
    const struct symbol *sym = pr_symbol(k, x->every);
    if (sym && sym->kind == STM_R_BIND) return true;
    if (sym)
        pr_diag(k->c, "E0301", s->quantifier.span,
                "`every` goes over arm, seed or a sweep "
                "variable, not the %s `%s`",
                pr_kind_name(sym->kind), x->every);
    else
        pr_unknown(k, s->quantifier.span, x->every, "sweep variable");
    return false;
}

/* every seed: a comparison per seed is what is asked for. */
static bool expect_type(struct check *k, const struct stm_expect *x)
{
    struct ty t = pr_type(k, x->expr);
    if (t.base == TY_BAD) return false;
    bool seed = x->every && strcmp(x->every, "seed") == 0;
    bool arm = x->every && strcmp(x->every, "arm") == 0;
    if (seed && t.truth && t.base == TY_SEED && !t.cells)
        return closed(k, x->expr, "this comparison");
    if (!pr_want_one(k, x->expr, "an expectation", true)) return false;
    return arm || closed(k, x->expr, "an expectation");
}

void pr_check_expect(struct check *k, const struct ast_stmt *s)
{
    struct stm_expect x = {.span = s->span};
    if (!expect_every(k, s, &x)) return;
    k->every = x.every;
    x.expr = claim_expr(k, s->expr);
    bool ok = x.expr && expect_type(k, &x);
    k->every = NULL;
    if (!ok) return;
    const char *text = pr_expr_text(k->c, x.expr);
    x.text = x.every ? pr_printf(k->c, "every %s: %s", x.every, text) : text;
    *(struct stm_expect *)pr_push(k->c, &k->expects, sizeof x) = x;
}

/* ---- tables and figures ---- */

static bool display_key(struct check *k, const struct ast_stmt *s, bool figure)
{
    static const char *const table_keys[] = {"rows", "cols", NULL};
    static const char *const figure_keys[] = {"line",  "point", "band", "mark",  "x", "y",
                                              "vline", "hline", "tree", "color", NULL};
    struct near near = {.name = s->name.text};
    for (const char *const *key = figure ? figure_keys : table_keys; *key; key++) {
        if (strcmp(*key, s->name.text) == 0) return true;
        pr_near(&near, *key);
    }
    struct stm_diag *d = pr_diag(k->c, "E0201", s->name.span, "a %s has no key `%s`",
                                 figure ? "figure" : "table", s->name.text);
    if (near.best)
        pr_help(k->c, d, "there is a key with a similar name: `%s`", near.best);
    else
        pr_help(k->c, d,
                figure ? "keys are line, point, band, mark, x, y, vline, hline, tree, color"
                       : "keys are rows, cols");
    return false;
}

/* Axes take the word of a scale, everything else an expression. */
static struct stm_expr *display_value(struct check *k, const struct ast_stmt *s)
{
    bool axis = !strcmp(s->name.text, "x") || !strcmp(s->name.text, "y");
    if (!axis) return claim_expr(k, s->expr);
    if (s->expr->kind == STM_X_NAME &&
        (!strcmp(s->expr->name, "log") || !strcmp(s->expr->name, "linear")))
        return pr_word_expr(k, s->expr->span, s->expr->name);
    pr_diag(k->c, "E0301", s->expr->span, "an axis is `log` or `linear`");
    return NULL;
}

static bool rows_are_arms(struct check *k, const struct ast_stmt *s, const struct stm_expr *e)
{
    bool rows = !strcmp(s->name.text, "rows") || !strcmp(s->name.text, "tree");
    bool cols = !strcmp(s->name.text, "cols");
    struct ty t = rows || cols ? pr_type(k, e) : (struct ty){.base = TY_NUM};
    if (t.base == TY_BAD) return false;
    if (rows && t.base != TY_ARMS) {
        pr_diag(k->c, "E0301", s->expr->span, "`%s` takes arms: `arms(FORK)` or `[a, b]`",
                s->name.text);
        return false;
    }
    if (!cols) return true;
    if (e->kind != STM_X_LIST) {
        pr_diag(k->c, "E0301", s->expr->span, "`cols` takes a list: [median(delay), ...]");
        return false;
    }
    for (unsigned i = 0; i < e->n; i++) {
        struct ty c = pr_type(k, e->kids[i]);
        if (c.base != TY_CURVE) continue;
        struct stm_diag *d =
            pr_diag(k->c, "E0304", e->kids[i]->span, "a column is a number, and this is a curve");
        pr_help(k->c, d, "sample it: median(metric @ stop)");
        return false;
    }
    return true;
}

/* The one `over` or `by` of a column. */
static struct stm_expr *clause(struct check *k, struct stm_expr **list, unsigned n, bool *ok)
{
    if (n > 1) {
        pr_diag(k->c, "E0202", list[1]->span, "given twice in this line");
        *ok = false;
    }
    struct stm_expr *e = n ? claim_expr(k, list[0]) : NULL;
    if (n && !e) *ok = false;
    return e;
}

static void display_column(struct check *k, const struct ast_stmt *a, bool figure,
                           struct vec *columns)
{
    for (unsigned i = 0; i < columns->n; i++)
        if (!strcmp(((struct stm_column *)columns->p)[i].key, a->name.text) && !figure) {
            pr_diag(k->c, "E0202", a->name.span, "`%s` is given twice", a->name.text);
            return;
        }
    if (!display_key(k, a, figure)) return;
    bool ok = true;
    struct stm_column col = {.key = a->name.text, .value = display_value(k, a)};
    if (!col.value || !rows_are_arms(k, a, col.value)) return;
    col.over = clause(k, a->over, a->n_over, &ok);
    col.by = clause(k, a->by, a->n_by, &ok);
    if (ok) *(struct stm_column *)pr_push(k->c, columns, sizeof col) = col;
}

void pr_check_display(struct check *k, const struct ast_stmt *s)
{
    struct stm_display d = {.figure = s->kind == S_FIGURE, .name = s->name.text};
    const char *key = pr_printf(k->c, "%s %s", d.figure ? "figure" : "table", d.name);
    if (pr_map_get(&k->display_names, key) >= 0)
        pr_diag(k->c, "E0202", s->name.span, "%s `%s` is defined twice",
                d.figure ? "figure" : "table", d.name);
    pr_map_put(k->c, &k->display_names, key, 1);
    if (s->block->n > PR_MAX_STATEMENTS) {
        pr_diag(k->c, "E0106", s->span, "more than %d lines in one table", PR_MAX_STATEMENTS);
        return;
    }
    struct vec columns = {0};
    k->display = true;
    for (unsigned i = 0; i < s->block->n; i++)
        display_column(k, s->block->stmts[i], d.figure, &columns);
    k->display = false;
    d.columns = columns.p;
    d.n_columns = columns.n;
    *(struct stm_display *)pr_push(k->c, &k->displays, sizeof d) = d;
}
