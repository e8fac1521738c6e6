/* Protocol files as the command line names them, and what is to be said about them. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"

static bool is_stdin(const char *arg) { return !strcmp(arg, "-"); }

const char *input_name(const char *arg)
{
    static const char *const descriptors[] = {"/dev/fd/", "/proc/self/fd/"};
    static char name[32];
    if (is_stdin(arg) || !strcmp(arg, "/dev/stdin")) return "stdin";
    for (size_t i = 0; i < sizeof descriptors / sizeof *descriptors; i++) {
        size_t n = strlen(descriptors[i]);
        if (strncmp(arg, descriptors[i], n)) continue;
        snprintf(name, sizeof name, "fd%s", arg + n);
        return name;
    }
    return arg;
}

int input_read(const char *arg, struct stm_buf *text, struct stm_err *err)
{
    return is_stdin(arg) ? stm_file_read_fd(STDIN_FILENO, "standard input", text, err)
                         : stm_file_read(arg, text, err);
}

static void print_text(const struct stm_diags *d)
{
    struct stm_buf b = {0};
    bool live = isatty(STDERR_FILENO);
    for (unsigned i = 0; i < d->n; i++) {
        if (i) stm_buf_printf(&b, "\n");
        stm_diag_print(d, &d->d[i], live && stdout_color(), live ? stdout_width() : 0, &b);
    }
    fputs(stm_buf_text(&b), stderr);
    stm_buf_release(&b);
}

/* A line each, as `check --json` has it. */
static int print_lines(const struct stm_diags *d)
{
    struct stm_buf b = {0};
    for (unsigned i = 0; i < d->n; i++) {
        stm_diag_json(d, &d->d[i], &b);
        stm_buf_printf(&b, "\n");
    }
    return put_out(&b);
}

static bool is_warning(const struct stm_diag *d) { return d->code[0] == 'W'; }

static void put_array(const struct stm_diags *d, bool warnings, struct stm_buf *out)
{
    for (unsigned i = 0; i < d->n; i++) {
        if (is_warning(&d->d[i]) != warnings) continue;
        if (out->n && out->p[out->n - 1] != '[') stm_buf_printf(out, ",");
        stm_diag_json(d, &d->d[i], out);
    }
}

/* The document of a command whose file has errors. */
static int print_errors(const struct stm_diags *d, const struct stm_buf *warnings)
{
    struct stm_buf b = {0};
    stm_buf_printf(&b, "{\"errors\":[");
    put_array(d, false, &b);
    stm_buf_printf(&b, "]}\n");
    warnings_json(warnings, &b);
    return put_out(&b);
}

void warnings_json(const struct stm_buf *warnings, struct stm_buf *out)
{
    while (out->n && out->p[out->n - 1] == '\n') out->n--;
    if (!out->n || out->p[out->n - 1] != '}') return;
    out->n--;
    stm_buf_printf(out, ",\"warnings\":[");
    stm_buf_put(out, warnings->p, warnings->n);
    stm_buf_printf(out, "]}\n");
}

static int print_diags(const struct options *o, const struct stm_diags *d, bool failed,
                       struct stm_buf *warnings)
{
    if (!d) return EXIT_YES;
    if (!o->json) {
        print_text(d);
        return EXIT_YES;
    }
    if (!warnings) return print_lines(d);
    put_array(d, true, warnings);
    return failed ? print_errors(d, warnings) : EXIT_YES;
}

/* The directory that relative paths start at is what a missing file is mostly about. */
static int no_file(const struct stm_err *err)
{
    char help[4200], cwd[4096];
    if (err->code == STM_E_READONLY) return fail(err, "this user may not read it");
    if (err->code != STM_E_NOTFOUND || !getcwd(cwd, sizeof cwd)) return fail(err, NULL);
    snprintf(help, sizeof help, "a relative path starts at the current directory, %s", cwd);
    return fail(err, help);
}

struct stm_plan *load_plan(const struct options *o, const char *path, struct stm_buf *warnings,
                           int *code)
{
    struct stm_buf text = {0};
    struct stm_err err = {0};
    struct stm_plan *plan = NULL;
    struct stm_diags *diags = NULL;
    /* What this version runs; the rest of the language is checked and refused with E0900. */
    struct stm_check_options check = {.vocab = stm_engine_vocab(),
                                      .features = STM_F_ALL,
                                      .overrides = o->overrides,
                                      .n_overrides = o->n_overrides};
    *code = EXIT_YES;
    if (input_read(path, &text, &err)) {
        *code = no_file(&err);
    } else if (stm_protocol_check(&plan, &diags, input_name(path), (const char *)text.p, text.n,
                                  &check, &err)) {
        *code = fail(&err, NULL);
    } else {
        *code = print_diags(o, diags, !plan, warnings);
        if (!plan && !*code) *code = EXIT_NO;
    }
    stm_diags_free(diags);
    stm_buf_release(&text);
    return plan;
}
