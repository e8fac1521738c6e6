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

/* What the vocabulary and the language say of a word or a code. */
static bool explain_word(const char *word)
{
    struct stm_buf b = {0};
    bool known = stm_word_explain(stm_engine_vocab(), word, &b);
    fputs(stm_buf_text(&b), stdout);
    stm_buf_release(&b);
    return known;
}

static void put_codes(void)
{
    const char *const *codes = stm_diag_codes();
    for (unsigned i = 0; codes[i]; i++)
        fprintf(stderr, "%s%s", i % 11 ? " " : i ? "\n  " : "  ", codes[i]);
    fprintf(stderr, "\n");
}

int cmd_explain(const struct options *o)
{
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        if (!strcmp(o->args[0], topics[i].name)) {
            fputs(topics[i].text, stdout);
            return EXIT_YES;
        }
    if (explain_word(o->args[0])) return EXIT_YES;
    fprintf(stderr,
            "stemma: nothing is known about `%s`\n"
            "help: give a word of a protocol; tasks, models, optimizers, losses, settings,\n"
            "  metrics, quantities, groups, functions, verbs, statements for lists; step,\n"
            "  exit, profile; or a code:\n",
            o->args[0]);
    put_codes();
    return EXIT_USAGE;
}
