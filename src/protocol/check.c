/* stm_protocol_check: the statements of a file, one after the other. */
#include <ctype.h>
#include <string.h>

#include "base/fail.h"
#include "base/mem.h"
#include "protocol/check.h"
#include "protocol/number.h"

/* ---- params ---- */

static const struct stm_override *override_of(struct check *k, const char *name)
{
    const struct stm_check_options *o = k->c->options;
    const struct stm_override *found = NULL;
    for (unsigned i = 0; i < o->n_overrides; i++)
        if (strcmp(o->overrides[i].name, name) == 0) found = &o->overrides[i];
    return found;
}

static bool is_word(const char *s)
{
    if (!isalpha((unsigned char)*s) && *s != '_') return false;
    while (isalnum((unsigned char)*s) || *s == '_') s++;
    return !*s;
}

static struct stm_expr *override_value(struct check *k, const struct ast_stmt *s,
                                       const struct stm_override *o)
{
    double x;
    const char *digits = o->value + (o->value[0] == '-');
    enum pr_number fault = pr_number_read(k->c, digits, strlen(digits), &x);
    if (!fault) return pr_number_expr(k, s->name.span, *o->value == '-' ? -x : x);
    if (is_word(o->value))
        return pr_word_expr(k, s->name.span, pr_strndup(k->c, o->value, strlen(o->value)));
    struct stm_diag *d = pr_diag(k->c, "E0301", s->name.span, "`-D %s=%s` is %s", o->name, o->value,
                                 fault == PR_NUMBER_RANGE ? "outside of the domain of numbers"
                                                          : "not a number or a word");
    pr_label(k->c, d, "overridden on the command line");
    if (fault == PR_NUMBER_RANGE) pr_note(k->c, d, "numbers are " PR_NUMBER_DOMAIN);
    if (fault == PR_NUMBER_POINT)
        pr_help(k->c, d, "write %s%s", *o->value == '-' ? "-" : "",
                pr_number_completed(k->c, digits, strlen(digits)));
    return NULL;
}

static void check_param(struct check *k, const struct ast_stmt *s)
{
    const struct stm_override *o = override_of(k, s->name.text);
    const struct stm_expr *e = s->expr;
    bool word =
        e->kind == STM_X_NAME && !pr_symbol(k, e->name) && pr_map_get(&k->declared, e->name) < 0;
    struct stm_expr *v = word ? pr_word_expr(k, e->span, e->name) : pr_resolve_as(k, e, USE_CONST);
    if (v && v->kind != STM_X_NUM && v->kind != STM_X_NAME) {
        pr_diag(k->c, "E0301", e->span, "a param is a number or a word");
        v = NULL;
    }
    if (v && o) {
        struct stm_expr *given = override_value(k, s, o);
        if (given && given->kind != v->kind) {
            pr_diag(k->c, "E0301", s->name.span, "`-D %s=%s`: the param is a %s", o->name, o->value,
                    v->kind == STM_X_NUM ? "number" : "word");
            given = NULL;
        }
        v = given;
    }
    struct symbol *sym = pr_define(k, s, s->name, STM_R_PARAM, (int)k->params.n);
    if (sym) {
        sym->bad = !v;
        sym->value = v;
    }
    if (!v) return;
    struct stm_param_value *p = pr_push(k->c, &k->params, sizeof *p);
    *p = (struct stm_param_value){.name = s->name.text, .overridden = o != NULL};
    p->is_num = v->kind == STM_X_NUM;
    p->num = v->num;
    p->text = pr_expr_text(k->c, v);
}

static const char *list_params(struct check *k)
{
    size_t mark = k->c->scratch.n;
    for (unsigned i = 0; i < k->params.n; i++)
        stm_buf_printf(&k->c->scratch, "%s`%s`", i ? ", " : "",
                       ((struct stm_param_value *)k->params.p)[i].name);
    return pr_scratch_take(k->c, mark);
}

/* No place in the file is at fault: the span is the whole of it. */
static void unknown_overrides(struct check *k)
{
    const struct stm_check_options *o = k->c->options;
    for (unsigned i = 0; i < o->n_overrides; i++) {
        const struct symbol *sym = pr_symbol(k, o->overrides[i].name);
        if (sym && sym->kind == STM_R_PARAM) continue;
        struct near near = {.name = o->overrides[i].name};
        for (unsigned j = 0; j < k->params.n; j++)
            pr_near(&near, ((struct stm_param_value *)k->params.p)[j].name);
        struct stm_span at = {.file = 0, .line = 0, .col = i};
        struct stm_diag *d = pr_diag(k->c, "E0201", at, "`-D %s=%s`: there is no param `%s`",
                                     near.name, o->overrides[i].value, near.name);
        if (near.best)
            pr_help(k->c, d, "there is a param with a similar name: `%s`", near.best);
        else if (k->params.n)
            pr_help(k->c, d, "the params of the file: %s", list_params(k));
        else
            pr_help(k->c, d, "the file has none: `param %s = ...` makes one", near.name);
    }
}

/* ---- single lines ---- */

static void check_protocol(struct check *k, const struct ast_stmt *s)
{
    if (s->span.file != 0) return; /* the title of an import is not ours */
    if (k->plan->title)
        pr_diag(k->c, "E0202", s->span, "`protocol` is given twice");
    else
        k->plan->title = s->name.text;
}

static void once_only(struct check *k, const struct ast_stmt *s, bool *had)
{
    if (*had) pr_diag(k->c, "E0202", s->span, "`%s` is given twice", pr_stmt_word(s->kind));
    *had = true;
}

static void check_seeds(struct check *k, const struct ast_stmt *s)
{
    once_only(k, s, &k->has_seeds);
    k->seeds_span = s->span;
    if (s->lo > s->hi) {
        struct stm_diag *d = pr_diag(k->c, "E0503", s->span, "the seeds are reversed");
        pr_help(k->c, d, "write `seeds %.0f..%.0f`", s->hi, s->lo);
        return;
    }
    if (s->hi >= PR_MAX_SEED) {
        pr_diag(k->c, "E0106", s->span, "a seed is at most %d", PR_MAX_SEED - 1);
        return;
    }
    k->plan->seed_lo = (int)s->lo;
    k->plan->seed_hi = (int)s->hi;
}

static bool interval_steps(struct check *k, const struct ast_stmt *s, unsigned *out)
{
    if (s->lo >= 1 && s->lo <= 1e9) return *out = (unsigned)s->lo, true;
    pr_diag(k->c, "E0301", s->span, "an interval of steps is from 1 to 1000000000");
    return false;
}

static void check_measure(struct check *k, const struct ast_stmt *s)
{
    bool event = s->kind == S_EVENT, ok = true;
    if (!event) pr_feature(k, STM_F_USER_METRIC, s->span, "a `metric` of one's own is", &ok);
    k->use = USE_MEASURE;
    struct stm_expr *e = ok ? pr_resolve(k, s->expr) : NULL;
    struct ty t = e ? pr_type(k, e) : pr_bad();
    bool name = e && e->ref == STM_R_EVENT;
    if (e && t.base != TY_BAD && event && (!t.truth || name)) {
        struct stm_diag *d = pr_diag(k->c, "E0301", s->expr->span, "an event is a yes or no");
        pr_help(k->c, d, "write a comparison: `acc(test) >= 0.9`");
        t = pr_bad();
    } else if (e && t.base != TY_BAD && !event && (t.base != TY_CURVE || t.truth)) {
        pr_diag(k->c, "E0301", s->expr->span, "a metric is a number that is measured");
        t = pr_bad();
    }
    struct vec *list = event ? &k->events : &k->metrics;
    struct stm_named_expr *n = pr_push(k->c, list, sizeof *n);
    *n = (struct stm_named_expr){s->name.text, e, e ? pr_expr_text(k->c, e) : NULL};
    struct symbol *sym =
        pr_define(k, s, s->name, event ? STM_R_EVENT : STM_R_METRIC, (int)list->n - 1);
    if (sym) sym->bad = t.base == TY_BAD;
}

static void check_every(struct check *k, const struct ast_stmt *s)
{
    unsigned every;
    if (interval_steps(k, s, &every)) {
        if (k->plan->every && k->plan->every != every) {
            struct stm_diag *d =
                pr_diag(k->c, "E0202", s->span, "events are measured every %u steps already",
                        k->plan->every);
            pr_help(k->c, d, "all `every` blocks of a protocol share one interval");
        } else {
            k->plan->every = every;
        }
    }
    for (unsigned i = 0; i < s->block->n; i++) check_measure(k, s->block->stmts[i]);
}

static void check_log(struct check *k, const struct ast_stmt *s)
{
    once_only(k, s, &k->has_log);
    interval_steps(k, s, &k->plan->log_every);
    k->use = USE_MEASURE;
    for (unsigned i = 0; i < s->n_list; i++) {
        struct stm_expr *e = pr_resolve(k, s->list[i]);
        if (!e) continue;
        struct ty t = pr_type(k, e);
        if (t.base == TY_BAD) continue;
        if (t.base != TY_CURVE || t.truth || e->ref == STM_R_EVENT) {
            pr_diag(k->c, "E0301", s->list[i]->span, "only what is measured can be logged");
            continue;
        }
        struct stm_named_expr *n = pr_push(k->c, &k->logs, sizeof *n);
        *n = (struct stm_named_expr){NULL, e, pr_expr_text(k->c, e)};
    }
}

static void check_let(struct check *k, const struct ast_stmt *s) { pr_let(k, s, -1); }

static void (*const checkers[S_KINDS])(struct check *, const struct ast_stmt *) = {
    [S_PROTOCOL] = check_protocol, [S_PARAM] = check_param,       [S_LET] = check_let,
    [S_TASK] = pr_check_setup,     [S_MODEL] = pr_check_setup,    [S_TRAIN] = pr_check_setup,
    [S_SEEDS] = check_seeds,       [S_EVERY] = check_every,       [S_LOG] = check_log,
    [S_RUN] = pr_check_run,        [S_CONTRAST] = pr_check_claim, [S_ESTIMATE] = pr_check_claim,
    [S_FIT] = pr_check_claim,      [S_EXPECT] = pr_check_expect,  [S_TABLE] = pr_check_display,
    [S_FIGURE] = pr_check_display,
};

/* ---- the plan ---- */

/* "dir/rescaling.stemma" -> "rescaling" */
static const char *base_name(struct ctx *c, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return pr_strndup(c, name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
}

static void fill_plan(struct check *k)
{
    struct stm_plan *p = k->plan;
    for (unsigned i = 0; i < k->families.n; i++) {
        const struct vec *nodes = (struct vec *)k->family_nodes.p + i;
        ((struct stm_family *)k->families.p)[i].nodes = nodes->p;
        ((struct stm_family *)k->families.p)[i].n_nodes = nodes->n;
    }
    p->params = k->params.p, p->n_params = k->params.n;
    p->events = k->events.p, p->n_events = k->events.n;
    p->metrics = k->metrics.p, p->n_metrics = k->metrics.n;
    p->logs = k->logs.p, p->n_logs = k->logs.n;
    p->nodes = k->nodes.p, p->n_nodes = k->nodes.n;
    p->forks = k->forks.p, p->n_forks = k->forks.n;
    p->families = k->families.p, p->n_families = k->families.n;
    p->captures = k->captures.p, p->n_captures = k->captures.n;
    p->calibrates = k->calibrates.p, p->n_calibrates = k->calibrates.n;
    p->lets = k->lets.p, p->n_lets = k->lets.n;
    p->claims = k->claims.p, p->n_claims = k->claims.n;
    p->expects = k->expects.p, p->n_expects = k->expects.n;
    p->displays = k->displays.p, p->n_displays = k->displays.n;
}

static void copy_files(struct ctx *c, struct stm_plan *p)
{
    struct stm_source_file *files = pr_alloc(c, c->files.n * sizeof *files);
    const struct stm_source_file *from = c->files.p;
    for (unsigned i = 0; i < c->files.n; i++)
        files[i] = (struct stm_source_file){pr_strndup(c, from[i].path, strlen(from[i].path)),
                                            pr_strndup(c, from[i].text, strlen(from[i].text))};
    p->files = files;
    p->n_files = c->files.n;
}

static void check_all(struct ctx *c, struct stm_plan *plan, const char *path, const char *text,
                      size_t n)
{
    struct vec stmts = {0};
    pr_load(c, path, text, n, &stmts);
    if (c->errors) return; /* what a broken line meant is not guessed at */
    struct check *k = pr_alloc(c, sizeof *k);
    *k = (struct check){.c = c, .voc = c->options->vocab, .plan = plan, .node = -1, .fork = -1};
    pr_declare_all(k, &stmts);
    for (unsigned i = 0; i < stmts.n; i++) {
        const struct ast_stmt *s = ((struct ast_stmt **)stmts.p)[i];
        k->node = k->fork = -1;
        checkers[s->kind](k, s);
    }
    unknown_overrides(k);
    if (c->errors) return;
    fill_plan(k);
    plan->name = base_name(c, path);
    if (!plan->title) plan->title = plan->name;
    copy_files(c, plan);
    pr_canonical(c, &stmts, plan);
    pr_hashes(c, plan);
}

void stm_plan_free(struct stm_plan *p)
{
    if (!p) return;
    struct stm_arena *a = p->arena;
    stm_arena_release(a);
    stm_free(a);
    stm_free(p);
}

/* Two shells with their arenas, or nothing. */
static bool make_shells(struct stm_plan **plan, struct stm_diags **diags)
{
    *plan = stm_calloc(1, sizeof **plan);
    *diags = stm_calloc(1, sizeof **diags);
    struct stm_arena *a = stm_calloc(1, sizeof *a), *b = stm_calloc(1, sizeof *b);
    if (*plan && *diags && a && b) {
        (*plan)->arena = a;
        (*diags)->arena = b;
        return true;
    }
    stm_free(*plan);
    stm_free(*diags);
    stm_free(a);
    stm_free(b);
    return false;
}

int pr_guard(struct ctx *c, struct stm_diags *diags, void (*body)(struct ctx *, void *), void *arg)
{
    c->diag_arena = diags->arena;
    if (setjmp(c->nomem)) {
        stm_buf_release(&c->scratch);
        return STM_E_NOMEM;
    }
    body(c, arg);
    pr_diags_finish(c, diags);
    stm_buf_release(&c->scratch);
    return 0;
}

struct job {
    struct stm_plan *plan;
    const char *path, *text;
    size_t n;
};

static void check_body(struct ctx *c, void *arg)
{
    const struct job *j = arg;
    check_all(c, j->plan, j->path, j->text, j->n);
}

int stm_protocol_check(struct stm_plan **plan, struct stm_diags **diags, const char *path,
                       const char *text, size_t n, const struct stm_check_options *options,
                       struct stm_err *err)
{
    struct stm_plan *p;
    struct stm_diags *d;
    *plan = NULL;
    *diags = NULL;
    struct ctx *c = stm_calloc(1, sizeof *c);
    if (!c || !make_shells(&p, &d)) {
        stm_free(c);
        return stm_fail(err, STM_E_NOMEM, "check %s: out of memory", path);
    }
    c->plan_arena = p->arena;
    c->options = options;
    struct job job = {p, path, text, n};
    int code = pr_guard(c, d, check_body, &job);
    stm_free(c);
    if (code) {
        stm_plan_free(p);
        stm_diags_free(d);
        return stm_fail(err, code, "check %s: out of memory", path);
    }
    *diags = d;
    if (d->errors)
        stm_plan_free(p);
    else
        *plan = p;
    return 0;
}
