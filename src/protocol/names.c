#include <string.h>

#include "protocol/check.h"
#include "protocol/words.h"

static const struct {
    int kind;
    const char *name;
} kind_names[] = {
    {STM_R_PARAM, "param"},
    {STM_R_LET, "let"},
    {STM_R_EVENT, "event"},
    {STM_R_METRIC, "metric"},
    {STM_R_CAPTURE, "capture"},
    {STM_R_CALIBRATE, "calibrated value"},
    {STM_R_BIND, "sweep variable"},
    {STM_R_FAMILY, "arm"},
    {STM_R_FORK, "fork"},
    {STM_R_CLAIM, "claim"},
    {SYM_TASK, "task"},
    {SYM_MODEL, "model"},
    {SYM_TRAIN, "train block"},
    {SYM_DISPLAY, "table or figure"},
};

const char *pr_kind_name(int kind)
{
    for (size_t i = 0; i < sizeof kind_names / sizeof *kind_names; i++)
        if (kind_names[i].kind == kind) return kind_names[i].name;
    return "name";
}

const char *pr_article(const char *word)
{
    return word[0] && strchr("aeiou", word[0]) ? "an" : "a";
}

struct symbol *pr_symbol(struct check *k, const char *name)
{
    int i = pr_map_get(&k->defined, name);
    return i < 0 ? NULL : (struct symbol *)k->syms.p + i;
}

/* Words with a meaning in expressions, which a name may not take over. */
static bool is_word(const struct check *k, const char *name)
{
    static const char *const words[] = {"seeds", "seed",  "arm",  "fork", "stop", "start", "step",
                                        "in",    "on",    "and",  "or",   "not",  "from",  "until",
                                        "round", "over",  "by",   "ci",   "at",   "after", "need",
                                        "sweep", "chain", "each", "all",  "any",  "epoch", "every"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(name, words[i]) == 0) return true;
    return pr_function(name) || pr_metric(k->voc, name);
}

struct symbol *pr_define(struct check *k, const struct ast_stmt *s, struct word name, int kind,
                         int index)
{
    struct symbol *old = pr_symbol(k, name.text);
    if (old && old->stmt == s && old->kind == kind) {
        old->index = index;
        return old;
    }
    if (old) {
        struct stm_diag *d = pr_diag(k->c, "E0202", name.span, "`%s` is defined twice", name.text);
        pr_note_at(k->c, d, old->span, "first defined here, as %s %s",
                   pr_article(pr_kind_name(old->kind)), pr_kind_name(old->kind));
        return NULL;
    }
    if (is_word(k, name.text)) {
        struct stm_diag *d =
            pr_diag(k->c, "E0202", name.span,
                    "`%s` has a meaning in the language and cannot be a name", name.text);
        pr_label(k->c, d, "choose another name");
        return NULL;
    }
    struct symbol *sym = pr_push(k->c, &k->syms, sizeof *sym);
    *sym = (struct symbol){.name = name.text,
                           .kind = kind,
                           .index = index,
                           .first = index,
                           .span = name.span,
                           .stmt = s};
    pr_map_put(k->c, &k->defined, name.text, (int)k->syms.n - 1);
    return sym;
}

static void declare(struct check *k, struct word name)
{
    if (!name.text || pr_map_get(&k->declared, name.text) >= 0) return;
    struct symbol *sym = pr_push(k->c, &k->later, sizeof *sym);
    *sym = (struct symbol){.name = name.text, .span = name.span};
    pr_map_put(k->c, &k->declared, name.text, (int)k->later.n - 1);
}

static void declare_stmts(struct check *k, struct ast_stmt *const *stmts, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const struct ast_stmt *s = stmts[i];
        if (s->kind == S_ASSIGN || s->kind == S_PROTOCOL || s->kind == S_IMPORT ||
            s->kind == S_TABLE || s->kind == S_FIGURE)
            continue;
        declare(k, s->name);
        for (unsigned b = 0; b < s->n_sweep; b++)
            for (unsigned v = 0; v < s->sweep[b].n_names; v++) declare(k, s->sweep[b].names[v]);
        if (s->block) declare_stmts(k, s->block->stmts, s->block->n);
    }
}

void pr_declare_all(struct check *k, const struct vec *stmts)
{
    declare_stmts(k, stmts->p, stmts->n);
}

static bool suggest(struct check *k, struct stm_diag *d, const char *name)
{
    struct near n = {.name = name};
    const struct symbol *best = NULL;
    for (unsigned i = 0; i < k->syms.n; i++) {
        const struct symbol *sym = (struct symbol *)k->syms.p + i;
        const char *before = n.best;
        pr_near(&n, sym->name);
        if (n.best != before) best = sym;
    }
    const char *named = n.best;
    for (size_t i = 0; i < k->voc->n_metrics; i++) pr_near(&n, k->voc->metrics[i]->name);
    pr_near_functions(&n);
    if (!n.best) return false;
    if (n.best == named && best)
        pr_help(k->c, d, "there is %s %s with a similar name: `%s`",
                pr_article(pr_kind_name(best->kind)), pr_kind_name(best->kind), n.best);
    else
        pr_help(k->c, d, "there is something with a similar name: `%s`", n.best);
    return true;
}

/* The names of the file that could stand here. */
static void list_names(struct check *k, struct stm_diag *d, const char *what)
{
    const size_t mark = k->c->scratch.n;
    unsigned n = 0;
    for (unsigned i = 0; i < k->syms.n; i++) {
        const struct symbol *sym = (struct symbol *)k->syms.p + i;
        if (strcmp(pr_kind_name(sym->kind), what) != 0 || n++ >= 12) continue;
        stm_buf_printf(&k->c->scratch, "%s%s", n > 1 ? ", " : "", sym->name);
    }
    if (n > 12) stm_buf_printf(&k->c->scratch, " and %u more", n - 12);
    const char *list = pr_scratch_take(k->c, mark);
    if (n) pr_note(k->c, d, "%ss of the file: %s", what, list);
}

static void list_known(struct check *k, struct stm_diag *d, const char *what)
{
    bool value = !strcmp(what, "value"), call = !strcmp(what, "function or metric");
    if (value || call) pr_note_list(k->c, d, k->voc, PR_METRICS);
    if (call) pr_note_list(k->c, d, k->voc, PR_FUNCTIONS);
    list_names(k, d, what);
    if (value && k->use == USE_CLAIM) list_names(k, d, "arm");
    if (value) list_names(k, d, k->use == USE_ACTION ? "capture" : "event");
}

static bool precedes(struct stm_span a, struct stm_span b)
{
    if (a.file != b.file) return true; /* imports stand before what uses them */
    return a.line != b.line ? a.line < b.line : a.col < b.col;
}

void pr_unknown(struct check *k, struct stm_span at, const char *name, const char *what)
{
    int later = pr_map_get(&k->declared, name);
    struct stm_diag *d;
    if (later >= 0 && !pr_symbol(k, name)) {
        const struct symbol *sym = (struct symbol *)k->later.p + later;
        /* a definition further up that was refused: that error says it all */
        if (k->c->errors && precedes(sym->span, at)) return;
        d = pr_diag(k->c, "E0202", at, "`%s` is used before it is defined", name);
        pr_note_at(k->c, d, sym->span, "defined here");
        return;
    }
    d = pr_diag(k->c, "E0201", at, "there is no %s `%s`", what, name);
    pr_label(k->c, d, "not known here");
    if (d == &k->c->nowhere) return;
    if (!suggest(k, d, name)) list_known(k, d, what);
}

const struct stm_bind *pr_bind(const struct check *k, const char *name)
{
    for (unsigned i = k->binds.n; i-- > 0;) {
        const struct scope_bind *b = (struct scope_bind *)k->binds.p + i;
        if (strcmp(b->name, name) == 0) return b->bind;
    }
    return NULL;
}
