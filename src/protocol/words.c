/* Lists of what there is, and what `stemma explain WORD` says: from the vocabulary, and from the
 * tables of the language. */
#include "protocol/words.h"

#include <stdio.h>
#include <string.h>

#include "protocol/check.h"

enum { WIDTH = 80 };

struct word_doc {
    const char *name, *usage, *doc;
};

static const struct word_doc verbs[] = {
    {"set", "set KEY = value [from T] [until T]", "a setting of this run or arm, from here on"},
    {"hold", "hold QUANTITY = value, hold QUANTITY <= value", "enforced after every update"},
    {"once", "once TARGET = value, *= value, += value [from T]",
     "one edit of the state where the arm or window begins: a group, norm(GROUP), moments = 0"},
    {"freeze", "freeze GROUP [from T] [until T]", "the group keeps its bits"},
    {"release", "release QUANTITY, release GROUP", "ends an inherited hold or freeze"},
};

static const struct word_doc statements[] = {
    {"protocol", "protocol \"title\"", "what reports are headed with"},
    {"import", "import \"file\"", "the statements of another file, in its place"},
    {"param", "param x = value", "a number or a word that -D x=value replaces"},
    {"let", "let x = expression", "a name for an expression, read in the arm at hand"},
    {"task", "task NAME = TASK(argument = value, ...)", "what is learned"},
    {"model", "model NAME = MODEL(argument = value, ...)", "what learns it"},
    {"train", "train NAME { optimizer = OPTIMIZER(...); KEY = value }",
     "how: the optimizer, and settings that are not at their default"},
    {"seeds", "seeds 0..11", "both included; --seeds takes others"},
    {"every", "every 25 steps { event ...; metric ... }", "what is measured, on which grid"},
    {"event", "event NAME = CONDITION", "a yes or no of what is measured, latched when it comes"},
    {"log", "log every 200 steps { metric, ... }", "what is kept as a curve"},
    {"run", "run NAME = MODEL on TASK with TRAIN { ... }", "a trunk"},
    {"fork", "fork NAME at TIME { ... }", "one state per seed, at which its arms begin"},
    {"arm", "[off] arm NAME [sweep x in [...]] { ... }",
     "what is done differently from the fork on"},
    {"sweep", "arm NAME sweep x in [1, 2] { ... }", "one arm (or fork) for each value"},
    {"stop", "stop at TIME or TIME ...", "whichever comes first; inherited"},
    {"require", "require all|no|any EVENT or CONDITION", "tested at the fork; if not, no arms"},
    {"need", "need N seeds, need all seeds", "how many must reach the fork"},
    {"capture", "capture NAME = METRIC", "a number per seed, measured at the fork"},
    {"calibrate", "calibrate NAME = STATISTIC need N seeds",
     "one number, of an arm that is complete"},
    {"contrast", "contrast NAME = a / b on STATISTIC [ci bootstrap(seeds, n = N)]",
     "a statistic of two arms of one fork that differ in one intervention"},
    {"estimate", "estimate NAME = STATISTIC [ci ...]", "any number, of any arms"},
    {"fit", "fit NAME = ols(y, [x, ...]) over ARMS", "least squares, one point an arm"},
    {"expect", "expect [every arm|seed|x:] CONDITION", "a yes or no that a result is held to"},
    {"table", "table NAME { rows = ARMS; cols = [...] }", "numbers of arms in a report"},
    {"figure", "figure NAME { line = METRIC over step by arm; ... }", "what a report draws"},
    {"from", "from TIME until TIME", "a window of an intervention, half-open"},
    {"each", "each EVENT [after step N]", "a time: each seed at its own step of the event"},
    {"all", "all EVENT [after step N]", "a time: every seed where the last one has it"},
    {"any", "any EVENT [after step N]", "a time: every seed where the first one has it"},
};

/* Those of functions.c. */
static const struct word_doc functions[] = {
    {"median", "median(x)", "quantile 0.5 over seeds; times that have not come sort last"},
    {"mean", "mean(x)", "over seeds; of times after only(T) or restricted(T, N)"},
    {"std", "std(x)", "the standard deviation over seeds, with n - 1"},
    {"iqr", "iqr(x)", "quantile 0.75 - quantile 0.25 over seeds"},
    {"quantile", "quantile(x, q)", "type 7, over seeds"},
    {"count", "count(x), count(seeds)",
     "how many seeds have a time, or answer yes; how many there are"},
    {"frac", "frac(x)", "count over the number of seeds that came there"},
    {"min", "min(x), min(a, b, ...)",
     "the least over seeds, or of a metric over the logged steps; of numbers"},
    {"max", "max(x), max(a, b, ...)",
     "the largest over seeds, or of a metric over the logged steps; of numbers"},
    {"log", "log(x)", "the natural logarithm, seed by seed"},
    {"exp", "exp(x)", "seed by seed"},
    {"sqrt", "sqrt(x)", "seed by seed"},
    {"abs", "abs(x)", "seed by seed"},
    {"fraction", "fraction(x)", "x, a constant above 0 and up to 1"},
    {"only", "only(T)", "the seeds that have a time"},
    {"restricted", "restricted(T, N)", "min(T, N)"},
    {"interp", "interp(y, along = x, at = v)", "y at x = v, linear between the arms of a sweep"},
    {"monotone", "monotone(y, along = x, up), down",
     "whether y never goes the other way along a sweep"},
    {"identical", "identical(a, b)",
     "whether two arms have the same states at every measured step"},
    {"arms", "arms(f)", "in tables: the arms of a fork or run"},
    {"ols", "ols(y, [x, ...])", "in a fit: least squares with an intercept, one point an arm"},
    {"bootstrap", "ci bootstrap(seeds, n = 4000, hold_fixed = x)",
     "an interval, from resampled seeds"},
    {"nearest", "m @ nearest(T)", "at the logged step nearest to T"},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- lists ---- */

/* Begins the next item of a list that begins at `mark`. */
static struct stm_buf *item(struct stm_buf *b, size_t mark)
{
    if (b->n > mark) stm_buf_printf(b, ", ");
    return b;
}

static const char *shape_of(enum stm_arg_kind arg)
{
    static const char *const shapes[] = {
        "", "(SET)", "(GROUP)", "(SET, CONDITION)", "(GROUP, GROUP, ...)", "(rows(GROUP))"};
    return shapes[arg];
}

static void put_settings(struct stm_buf *b, const struct stm_vocab *v)
{
    for (size_t i = 0, mark = b->n; i < v->n_knobs; i++)
        if (!pr_is_argument(v, &v->knobs[i])) stm_buf_printf(item(b, mark), "%s", v->knobs[i].name);
}

static void put_groups(struct stm_buf *b, const struct stm_vocab *v)
{
    for (size_t m = 0; m < v->n_models; m++) {
        stm_buf_printf(b, "%s%s has ", m ? "; " : "", v->models[m]->sig.name);
        size_t mark = b->n;
        const char *group;
        for (size_t g = 0; (group = stm_group_at(v->models[m], g)); g++)
            stm_buf_printf(item(b, mark), "%s", group);
    }
}

static void put_losses(struct stm_buf *b, const struct stm_vocab *v)
{
    for (size_t i = 0, mark = b->n; i < v->n_knobs; i++)
        for (size_t w = 0; !strcmp(v->knobs[i].name, "loss") && v->knobs[i].syms[w]; w++)
            stm_buf_printf(item(b, mark), "%s", v->knobs[i].syms[w]);
}

static void put_docs(struct stm_buf *b, const struct word_doc *docs, size_t n)
{
    for (size_t i = 0, mark = b->n; i < n; i++) stm_buf_printf(item(b, mark), "%s", docs[i].name);
}

static void put_functions(struct stm_buf *b)
{
    const struct function *f;
    for (size_t i = 0, mark = b->n; (f = pr_function_at(i)); i++)
        stm_buf_printf(item(b, mark), "%s", f->name);
}

static const struct {
    const char *one, *many;
} kinds[] = {
    [PR_TASKS] = {"task", "tasks"},
    [PR_MODELS] = {"model", "models"},
    [PR_OPTIMIZERS] = {"optimizer", "optimizers"},
    [PR_LOSSES] = {"loss", "losses"},
    [PR_SETTINGS] = {"setting", "settings"},
    [PR_METRICS] = {"metric", "metrics"},
    [PR_HOLDS] = {"quantity", "quantities"},
    [PR_GROUPS] = {"group", "groups"},
    [PR_FUNCTIONS] = {"function", "functions"},
    [PR_VERBS] = {"verb", "verbs"},
    [PR_STATEMENTS] = {"statement", "statements"},
};

void pr_put_list(struct stm_buf *b, const struct stm_vocab *v, enum pr_list list)
{
    size_t mark = b->n, n = list == PR_TASKS ? v->n_tasks : v->n_optimizers;
    switch (list) {
    case PR_TASKS:
    case PR_OPTIMIZERS:
        for (size_t i = 0; i < n; i++)
            stm_buf_printf(item(b, mark), "%s",
                           list == PR_TASKS ? v->tasks[i]->name : v->optimizers[i]->name);
        break;
    case PR_MODELS:
        for (size_t i = 0; i < v->n_models; i++)
            stm_buf_printf(item(b, mark), "%s", v->models[i]->sig.name);
        break;
    case PR_METRICS:
        for (size_t i = 0; i < v->n_metrics; i++)
            stm_buf_printf(item(b, mark), "%s%s", v->metrics[i]->name,
                           shape_of(v->metrics[i]->arg));
        break;
    case PR_HOLDS:
        for (size_t i = 0; i < v->n_holds; i++)
            stm_buf_printf(item(b, mark), "%s%s", v->holds[i]->name, shape_of(v->holds[i]->arg));
        break;
    case PR_LOSSES: put_losses(b, v); break;
    case PR_SETTINGS: put_settings(b, v); break;
    case PR_GROUPS: put_groups(b, v); break;
    case PR_FUNCTIONS: put_functions(b); break;
    case PR_VERBS: put_docs(b, verbs, COUNT(verbs)); break;
    case PR_STATEMENTS: put_docs(b, statements, COUNT(statements)); break;
    }
}

void pr_note_list(struct ctx *c, struct stm_diag *d, const struct stm_vocab *v, enum pr_list list)
{
    size_t mark = c->scratch.n;
    pr_put_list(&c->scratch, v, list);
    const char *text = pr_scratch_take(c, mark);
    if (*text) pr_note(c, d, "%s: %s", kinds[list].many, text);
}

/* ---- explanations ---- */

/* One line of what is said, with the words of `text` from column `indent` on. */
static void say(struct stm_buf *out, const char *head, unsigned indent, const char *text)
{
    stm_buf_printf(out, "%-*s", (int)indent, head);
    pr_put_words(out, text, indent, WIDTH);
    stm_buf_u8(out, '\n');
}

static void say_param(struct stm_buf *out, const struct stm_param *p, const char *name,
                      unsigned indent)
{
    struct stm_buf b = {0};
    char head[64];
    snprintf(head, sizeof head, "  %s", name);
    stm_buf_printf(&b, "%s: ", p->doc);
    pr_put_domain(&b, p);
    if (p->def) stm_buf_printf(&b, "; %s if not given", p->def);
    say(out, head, indent, stm_buf_text(&b));
    stm_buf_release(&b);
}

static void say_sig(struct stm_buf *out, const struct stm_sig *s, const char *what)
{
    size_t widest = 0;
    stm_buf_printf(out, "%s: %s %s\n", s->name, pr_article(what), what);
    say(out, "", 2, s->doc);
    for (size_t i = 0; i < s->n_params; i++)
        if (strlen(s->params[i].name) > widest) widest = strlen(s->params[i].name);
    for (size_t i = 0; i < s->n_params; i++)
        say_param(out, &s->params[i], s->params[i].name, (unsigned)widest + 4);
}

static void say_knob(struct stm_buf *out, const struct stm_vocab *v, const struct stm_param *p,
                     const char *name)
{
    size_t n = strlen(p->name);
    stm_buf_printf(out, "%s: a setting, of a train block or with `set`\n", name);
    say_param(out, p, "", 2);
    for (size_t i = 0; i < v->n_knobs; i++) {
        const struct stm_param *a = &v->knobs[i];
        if (strncmp(a->name, p->name, n) == 0 && a->name[n] == '.')
            say_param(out, a, a->name, (unsigned)strlen(a->name) + 4);
    }
}

static void say_knobs(struct stm_buf *out, const struct stm_vocab *v, const char *word)
{
    for (size_t i = 0; i < v->n_knobs; i++) {
        const struct stm_param *p = &v->knobs[i];
        size_t n = stm_knob_prefix(p);
        bool of_group = n && strncmp(p->name, word, n) == 0 && pr_is_group(v, word + n);
        if (of_group || strcmp(p->name, word) == 0) say_knob(out, v, p, word);
    }
}

/* A word that a setting can be, as mse or clip. */
static void say_value(struct stm_buf *out, const struct stm_vocab *v, const char *word)
{
    for (size_t i = 0; i < v->n_knobs; i++) {
        const struct stm_param *p = &v->knobs[i];
        if (!pr_is_value(p, word)) continue;
        stm_buf_printf(out, "%s: a value of `%s`\n", word, p->name);
        char prefix[64];
        int n = snprintf(prefix, sizeof prefix, "%s.%s.", p->name, word);
        for (size_t j = 0; j < v->n_knobs; j++)
            if (strncmp(v->knobs[j].name, prefix, (size_t)n) == 0)
                say_param(out, &v->knobs[j], v->knobs[j].name + n,
                          (unsigned)strlen(v->knobs[j].name) - (unsigned)n + 4);
    }
}

static void say_quantities(struct stm_buf *out, const struct stm_vocab *v, const char *word)
{
    for (size_t i = 0; i < v->n_metrics; i++) {
        const struct stm_metric_sig *m = v->metrics[i];
        if (strcmp(m->name, word) != 0) continue;
        stm_buf_printf(out, "%s%s: a metric\n", word, shape_of(m->arg));
        say(out, "", 2, m->doc);
    }
    for (size_t i = 0; i < v->n_holds; i++) {
        const struct stm_hold_sig *h = v->holds[i];
        if (strcmp(h->name, word) != 0) continue;
        stm_buf_printf(out, "%s%s: can be held%s\n", word, shape_of(h->arg),
                       h->upper_bound ? ", = or <=" : "");
        say(out, "", 2, h->doc);
    }
}

static void say_group(struct stm_buf *out, const struct stm_vocab *v, const char *word)
{
    struct stm_buf models = {0};
    bool bias = false;
    for (size_t m = 0; m < v->n_models; m++) {
        if (!stm_group_find(v->models[m], word, strlen(word))) continue;
        bias = stm_group_is_bias(v->models[m], word);
        stm_buf_printf(item(&models, 0), "%s", v->models[m]->sig.name);
    }
    if (models.n)
        stm_buf_printf(out, "%s: a group of %sparameters, of %s\n", word, bias ? "bias " : "",
                       stm_buf_text(&models));
    stm_buf_release(&models);
}

static void say_docs(struct stm_buf *out, const struct word_doc *docs, size_t n, const char *word,
                     const char *what)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(docs[i].name, word) != 0) continue;
        stm_buf_printf(out, "%s: %s %s\n", word, pr_article(what), what);
        say(out, "", 2, docs[i].usage);
        say(out, "", 2, docs[i].doc);
    }
}

static void say_list(struct stm_buf *out, const struct stm_vocab *v, const char *word)
{
    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (strcmp(kinds[i].one, word) != 0 && strcmp(kinds[i].many, word) != 0) continue;
        struct stm_buf b = {0};
        stm_buf_printf(&b, "%s: ", kinds[i].many);
        pr_put_list(&b, v, (enum pr_list)i);
        say(out, "", 0, stm_buf_text(&b));
        stm_buf_release(&b);
    }
}

/* An argument of a task, model or optimizer, or one of the words that it can be. */
static void say_argument(struct stm_buf *out, const struct stm_sig *s, const char *word)
{
    for (size_t i = 0; i < s->n_params; i++) {
        if (pr_is_value(&s->params[i], word))
            stm_buf_printf(out, "%s: a value of `%s` of %s\n", word, s->params[i].name, s->name);
        if (strcmp(s->params[i].name, word) != 0) continue;
        stm_buf_printf(out, "%s: an argument of %s\n", word, s->name);
        say_param(out, &s->params[i], "", 2);
    }
}

static void say_sigs(struct stm_buf *out, const struct stm_vocab *v, const char *word)
{
    static const char *const what[] = {"task", "model", "optimizer"};
    const size_t n[] = {v->n_tasks, v->n_models, v->n_optimizers};
    for (int kind = 0; kind < 3; kind++)
        for (size_t i = 0; i < n[kind]; i++) {
            const struct stm_sig *s = kind == 0   ? v->tasks[i]
                                      : kind == 1 ? &v->models[i]->sig
                                                  : v->optimizers[i];
            if (strcmp(s->name, word) == 0) say_sig(out, s, what[kind]);
            say_argument(out, s, word);
        }
}

bool stm_word_explain(const struct stm_vocab *v, const char *word, struct stm_buf *out)
{
    const size_t before = out->n;
    const struct pr_code *code = pr_code_find(word);
    if (code) {
        stm_buf_printf(out, "%s: %s\n", word, code->title);
        say(out, "", 2, code->text);
    }
    say_docs(out, statements, COUNT(statements), word, "word of the language");
    say_docs(out, verbs, COUNT(verbs), word, "verb");
    say_sigs(out, v, word);
    say_knobs(out, v, word);
    say_value(out, v, word);
    say_quantities(out, v, word);
    say_group(out, v, word);
    say_docs(out, functions, COUNT(functions), word, "function");
    say_list(out, v, word);
    return out->n > before;
}
