#include <string.h>

#include "cli/cli.h"
#include "stemma/engine.h"

static const struct {
    const char *name, *text;
} topics[] = {
    {"step", "State n is what update n left, after the holds. A step number is global: it\n"
             "counts from the beginning of the run, through every fork. `set ... from step N`\n"
             "first affects update N + 1; `hold ... from step N` acts on the result of update\n"
             "N. A measured step is one of the `every` or `log` grid: global step mod N = 0.\n"},
    {"exit", "0    yes, done, same\n"
             "1    no: differs, not bit-exact, an expectation failed, errors found by check\n"
             "2    wrong usage\n"
             "3    failure: I/O, no space, engine\n"
             "4    cannot judge: other numerics profile\n"
             "5    the store holds damaged data\n"
             "130  interrupted; everything so far is saved\n"},
    {"profile", "A profile is what decides the bits besides state and settings.\n"
                "Profile `portable`, the default, is a version and nothing else: every processor,\n"
                "compiler and kernel set gives the same bits. STEMMA_KERNELS (avx512, avx2, c)\n"
                "forces a kernel set.\n"
                "Profile `openblas` is made of its own version, the BLAS library's version, the\n"
                "core type whose kernels it uses, and the compiler. STEMMA_BLAS_CORE forces a\n"
                "core type.\n"
                "Results under two profiles are never compared bit by bit: `replay` answers with\n"
                "exit code 4, it cannot judge.\n"}};

/* Each line of the text within the terminal's width. */
static int print(const char *text)
{
    struct stm_buf out = {0};
    while (*text) {
        size_t n = strcspn(text, "\n"), start = out.n;
        stm_buf_put(&out, text, n);
        line_end(&out, start, "", 0);
        text += n + (text[n] == '\n');
    }
    return put_out(&out);
}

static int nothing_known(const char *word)
{
    struct stm_buf out = {0};
    stm_buf_printf(&out, "stemma: nothing is known about `%s`\n", word);
    size_t start = out.n;
    stm_buf_printf(&out, "help: give a word of a protocol; tasks, models, optimizers, losses, "
                         "settings, metrics, quantities, groups, functions, verbs, statements for "
                         "lists; step, exit, profile; or a code:");
    for (const char *const *c = stm_diag_codes(); *c; c++) stm_buf_printf(&out, " %s", *c);
    line_end(&out, start, "", 6);
    fputs(stm_buf_text(&out), stderr);
    stm_buf_release(&out);
    return EXIT_USAGE;
}

int cmd_explain(const struct options *o)
{
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        if (!strcmp(o->args[0], topics[i].name)) return print(topics[i].text);
    /* What the vocabulary and the language say of a word or a code. */
    struct stm_buf text = {0};
    bool known = stm_word_explain(stm_engine_vocab(), o->args[0], &text);
    int code = known ? print(stm_buf_text(&text)) : nothing_known(o->args[0]);
    stm_buf_release(&text);
    return code;
}
