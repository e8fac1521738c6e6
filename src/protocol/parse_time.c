/* Times: start, step 800, + 200 steps, each EVENT after step N. */
#include "protocol/parse.h"

static const struct {
    const char *word;
    int kind;
} quantifiers[] = {{"each", STM_T_EACH}, {"all", STM_T_ALL}, {"any", STM_T_ANY}};

static bool event_time(struct parser *p, struct ast_time *t)
{
    if (!pr_want_name(p, &t->event, "an event")) return false;
    if (!pr_take_word(p, "after")) return true;
    return pr_want_word(p, "step") && (t->value = pr_parse_sum(p));
}

static bool time_after_word(struct parser *p, struct ast_time *t)
{
    t->kind = AST_T_BARE;
    for (size_t i = 0; i < sizeof quantifiers / sizeof *quantifiers; i++)
        if (pr_take_word(p, quantifiers[i].word)) t->kind = quantifiers[i].kind;
    if (t->kind != AST_T_BARE) return event_time(p, t);
    if (pr_take_word(p, "start")) return t->kind = STM_T_START, true;
    bool step = pr_take_word(p, "step");
    if (step || pr_take_word(p, "epoch")) {
        t->kind = step ? STM_T_STEP : AST_T_EPOCH;
        return (t->value = pr_parse_sum(p)) != NULL;
    }
    return event_time(p, t);
}

bool pr_parse_time(struct parser *p, struct ast_time *t)
{
    struct stm_span at = p->tok.span;
    bool ok;
    p->operators = 0;
    if (pr_take(p, TK_PLUS)) {
        t->kind = STM_T_PLUS;
        ok = (t->value = pr_parse_sum(p)) && pr_want_word(p, "steps");
    } else if (p->tok.kind == TK_ID) {
        ok = time_after_word(p, t);
    } else {
        struct stm_diag *d = pr_unexpected(p, "a time");
        pr_help(p->c, d,
                "times are `start`, `step 800`, `+ 200 steps`, `each EVENT`, `all EVENT`, "
                "`any EVENT`");
        ok = false;
    }
    t->span = pr_span_join(at, p->prev);
    return ok;
}
