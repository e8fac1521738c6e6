#include <string.h>

#include "cli/cli.h"

static const struct {
    const char *name, *text;
} topics[] = {
    {"step",
     "State n is what update n left, after the holds. A step number is global: it counts from\n"
     "the beginning of the run, through every fork. `set ... from step N` first affects update\n"
     "N + 1; `hold ... from step N` acts on the result of update N. A measured step is one of the\n"
     "`every` or `log` grid: global step mod N = 0.\n"},
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

int cmd_explain(const struct options *o)
{
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        if (!strcmp(o->args[0], topics[i].name)) {
            fputs(topics[i].text, stdout);
            return EXIT_YES;
        }
    const char *text = stm_diag_explain(o->args[0]);
    if (text) {
        printf("%s%s", text, *text && text[strlen(text) - 1] == '\n' ? "" : "\n");
        return EXIT_YES;
    }
    fprintf(stderr,
            "stemma: nothing is known about `%s`\nhelp: give a code such as E0406, or step, exit, "
            "profile; the codes are:",
            o->args[0]);
    for (const char *const *c = stm_diag_codes(); *c; c++) fprintf(stderr, " %s", *c);
    fprintf(stderr, "\n");
    return EXIT_USAGE;
}
