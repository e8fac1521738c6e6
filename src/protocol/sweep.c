/* Sweeps: lists of values, and the instances that they make. */
#include "protocol/check.h"

static bool sweep_value(struct check *k, const struct word *name, const struct stm_expr *e,
                        struct stm_bind *out)
{
    const char *word = pr_free_word(k, e);
    struct stm_expr *v = word ? pr_word_expr(k, e->span, word) : pr_resolve_as(k, e, USE_CONST);
    if (!v) return false;
    out->name = name->text;
    if (v->kind == STM_X_NUM) {
        out->is_num = true;
        out->num = v->num;
    } else if (v->kind == STM_X_NAME) {
        out->sym = v->name;
    } else {
        pr_diag(k->c, "E0301", e->span, "a swept value is a number or a word, not `%s`",
                pr_expr_text(k->c, v));
        return false;
    }
    out->text = pr_expr_text(k->c, v);
    return true;
}

static bool sweep_row(struct check *k, const struct ast_bind *b, const struct stm_expr *e,
                      struct stm_bind *row)
{
    if (!b->tuple) return sweep_value(k, &b->names[0], e, row);
    if (e->kind != STM_X_TUPLE || e->n != b->n_names) {
        pr_diag(k->c, "E0301", e->span, "expected (%u values), one for each name of the sweep",
                b->n_names);
        return false;
    }
    bool ok = true;
    for (unsigned i = 0; i < e->n; i++) ok &= sweep_value(k, &b->names[i], e->kids[i], &row[i]);
    return ok;
}

static bool bind_names(struct check *k, const struct ast_stmt *s, const struct ast_bind *b,
                       const struct axis *axis)
{
    for (unsigned i = 0; i < b->n_names; i++) {
        struct word name = b->names[i];
        struct symbol *sym = pr_symbol(k, name.text);
        if (pr_bind(k, name.text)) {
            pr_diag(k->c, "E0202", name.span, "`%s` is swept already, further out", name.text);
            return false;
        }
        if (!sym || sym->kind != STM_R_BIND) sym = pr_define(k, s, name, STM_R_BIND, 0);
        if (!sym) return false;
        sym->type.base = axis->rows[i].is_num ? TY_NUM : TY_SYM;
    }
    return true;
}

static bool axis_of(struct check *k, const struct ast_stmt *s, const struct ast_bind *b,
                    struct axis *out)
{
    if (b->values->kind != STM_X_LIST || b->values->n == 0) {
        struct stm_diag *d =
            pr_diag(k->c, "E0301", b->values->span, "a sweep goes over a list of values");
        pr_help(k->c, d, "write `sweep %s in [1, 2, 3]`", b->names[0].text);
        return false;
    }
    *out = (struct axis){.ast = b, .n_rows = b->values->n};
    out->rows = pr_alloc(k->c, (size_t)out->n_rows * b->n_names * sizeof *out->rows);
    for (unsigned i = 0; i < out->n_rows; i++)
        if (!sweep_row(k, b, b->values->kids[i], out->rows + (size_t)i * b->n_names)) return false;
    return bind_names(k, s, b, out);
}

/* After an error: so that later uses of the variables say nothing. */
static void bad_names(struct check *k, const struct ast_stmt *s)
{
    for (unsigned i = 0; i < s->n_sweep; i++)
        for (unsigned j = 0; j < s->sweep[i].n_names; j++) {
            struct word name = s->sweep[i].names[j];
            if (pr_symbol(k, name.text)) continue;
            struct symbol *sym = pr_define(k, s, name, STM_R_BIND, 0);
            if (sym) sym->bad = true;
        }
}

bool pr_sweep_begin(struct check *k, const struct ast_stmt *s, struct sweep *out)
{
    bool ok = true;
    *out = (struct sweep){.n_axes = s->n_sweep};
    if (s->n_sweep) pr_feature(k, STM_F_SWEEP, s->sweep_span, "`sweep` is", &ok);
    if (!ok) bad_names(k, s);
    if (!ok || !s->n_sweep) return ok;
    out->axes = pr_alloc(k->c, s->n_sweep * sizeof *out->axes);
    out->at = pr_alloc(k->c, s->n_sweep * sizeof *out->at);
    for (unsigned i = 0; i < s->n_sweep; i++) {
        if (!axis_of(k, s, &s->sweep[i], &out->axes[i])) {
            bad_names(k, s);
            return false;
        }
        out->n_binds += s->sweep[i].n_names;
    }
    return true;
}

struct stm_bind *pr_sweep_binds(struct check *k, const struct sweep *w)
{
    struct stm_bind *binds = pr_alloc(k->c, w->n_binds * sizeof *binds);
    unsigned n = 0;
    for (unsigned i = 0; i < w->n_axes; i++) {
        const struct axis *a = &w->axes[i];
        const struct stm_bind *row = a->rows + (size_t)w->at[i] * a->ast->n_names;
        for (unsigned j = 0; j < a->ast->n_names; j++) binds[n++] = row[j];
    }
    return binds;
}

/* The last axis turns fastest. */
bool pr_sweep_next(struct sweep *w)
{
    for (unsigned i = w->n_axes; i-- > 0;) {
        if (++w->at[i] < w->axes[i].n_rows) return true;
        w->at[i] = 0;
    }
    return false;
}

void pr_push_binds(struct check *k, const struct stm_bind *binds, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        *(struct scope_bind *)pr_push(k->c, &k->binds, sizeof(struct scope_bind)) =
            (struct scope_bind){binds[i].name, &binds[i]};
}

const char *pr_label_of(struct check *k, const char *name, const struct stm_bind *b, unsigned n)
{
    if (!n) return name;
    size_t mark = k->c->scratch.n;
    stm_buf_printf(&k->c->scratch, "%s[", name);
    for (unsigned i = 0; i < n; i++)
        stm_buf_printf(&k->c->scratch, "%s%s=%s", i ? "," : "", b[i].name, b[i].text);
    stm_buf_printf(&k->c->scratch, "]");
    return pr_scratch_take(k->c, mark);
}
