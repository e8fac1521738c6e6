#include <math.h>

#include "protocol/check.h"

static bool event_of(struct check *k, const struct ast_time *t, struct stm_time *out)
{
    const struct symbol *sym = pr_symbol(k, t->event.text);
    if (!sym) {
        pr_unknown(k, t->event.span, t->event.text, "event");
        return false;
    }
    if (sym->bad) return false;
    if (sym->kind != STM_R_EVENT) {
        pr_diag(k->c, "E0301", t->event.span, "`%s` is %s %s, not an event", t->event.text,
                pr_article(pr_kind_name(sym->kind)), pr_kind_name(sym->kind));
        return false;
    }
    out->event = sym->index;
    return true;
}

static bool bare(struct check *k, const struct ast_time *t, bool stop)
{
    const struct symbol *sym = pr_symbol(k, t->event.text);
    if (!sym && !stop) {
        pr_unknown(k, t->event.span, t->event.text, "event");
        return false;
    }
    struct stm_diag *d =
        pr_diag(k->c, "E0401", t->span, "`%s` does not say for which seeds", t->event.text);
    pr_label(k->c, d, "each seed has its own time");
    pr_help(k->c, d,
            "write `each %s` (each seed at its own step) or `all %s` (all where the last "
            "seed has it)",
            t->event.text, t->event.text);
    return false;
}

static bool whole_steps(struct check *k, const struct stm_expr *e, struct stm_expr **out)
{
    double x;
    if (!pr_const_number(k, e, "a step", &x)) return false;
    if (x >= 0 && x == floor(x) && x <= 1e15) {
        *out = pr_number_expr(k, e->span, x);
        return true;
    }
    struct stm_diag *d = pr_diag(k->c, "E0301", e->span, "a step is a whole number, not %s",
                                 pr_number_text(k->c, x));
    pr_label(k->c, d, "expected 0, 1, 2, ...");
    return false;
}

bool pr_time(struct check *k, const struct ast_time *t, bool stop, struct stm_time *out)
{
    *out = (struct stm_time){.event = -1, .span = t->span};
    if (t->kind == AST_T_BARE) return bare(k, t, stop);
    if (t->kind == AST_T_EPOCH) {
        pr_diag(k->c, "E0900", t->span, "`epoch` is not in this version");
        return false;
    }
    out->kind = (enum stm_time_kind)t->kind;
    bool ok = !t->event.text || event_of(k, t, out);
    if (ok && stop && (out->kind == STM_T_ALL || out->kind == STM_T_ANY))
        pr_feature(k, STM_F_STOP_ALL, t->span, "`stop at all` and `stop at any` are", &ok);
    if (ok && stop && out->kind == STM_T_START) {
        pr_diag(k->c, "E0407", t->span, "a stop at the start leaves nothing to train");
        ok = false;
    }
    if (t->value && !whole_steps(k, t->value, &out->value)) ok = false;
    return ok;
}

double pr_time_step(const struct stm_time *t, double base)
{
    if (t->kind == STM_T_STEP) return t->value->num;
    if (t->kind == STM_T_START) return base;
    if (t->kind == STM_T_PLUS && base >= 0) return base + t->value->num;
    return -1;
}

double pr_time_least(const struct stm_time *t, double base)
{
    double step = t->event < 0 ? pr_time_step(t, base) : t->value ? t->value->num : 0;
    return step > base ? step : base;
}

double pr_fork_least(const struct check *k, int fork)
{
    if (fork < 0) return 0;
    const struct stm_fork *f = pr_fork(k, fork);
    return pr_time_least(&f->at, pr_fork_least(k, pr_node(k, f->node)->fork));
}

double pr_fork_step(const struct check *k, int fork)
{
    if (fork < 0) return 0;
    const struct stm_fork *f = pr_fork(k, fork);
    return pr_time_step(&f->at, pr_fork_step(k, pr_node(k, f->node)->fork));
}

void pr_put_time(struct stm_buf *b, const struct stm_time *t, const struct check *k)
{
    static const char *const words[] = {"start", "step ", "+ ", "each ", "all ", "any "};
    stm_buf_printf(b, "%s", words[t->kind]);
    if (t->event >= 0) {
        stm_buf_printf(b, "%s", ((struct stm_named_expr *)k->events.p)[t->event].name);
        if (t->value) stm_buf_printf(b, " after step ");
    }
    if (t->value) stm_buf_number(b, t->value->num);
    if (t->kind == STM_T_PLUS) stm_buf_printf(b, " steps");
}
