#include <string.h>

#include "base/file.h"
#include "cli/cli.h"

/* Nothing is said to be rewritten before it is. */
static int rewrite(const char *path, const struct stm_buf *text)
{
    struct stm_err err = {0};
    int rc = stm_file_replace(path, text, &err);
    if (!rc) {
        printf("%s: rewritten\n", path);
        return EXIT_YES;
    }
    return fail(&err, rc == STM_E_NOSPACE    ? "free some space; the file is as it was"
                      : rc == STM_E_READONLY ? "the file is as it was; chmod u+w lets it be written"
                                             : "`stemma fmt - <FILE` prints the canonical layout");
}

static int refuse(const struct stm_diags *d)
{
    struct stm_buf b = {0};
    for (unsigned i = 0; i < d->n; i++) stm_diag_print(d, &d->d[i], false, 0, &b);
    fputs(stm_buf_text(&b), stderr);
    stm_buf_release(&b);
    return EXIT_NO;
}

/* Of standard input, `-`, the canonical layout is printed. */
static int format_one(const struct options *o, const char *arg)
{
    struct stm_buf in = {0}, out = {0};
    struct stm_diags *diags = NULL;
    struct stm_err err = {0};
    const char *name = input_name(arg);
    int code = EXIT_YES, rc = input_read(arg, &in, &err);
    if (!rc) rc = stm_protocol_format(&out, &diags, name, (const char *)in.p, in.n, &err);
    bool same = in.n == out.n && (!in.n || !memcmp(in.p, out.p, in.n));
    if (rc == STM_E_INVALID && diags) {
        code = refuse(diags);
    } else if (rc) {
        code = fail(&err, NULL);
    } else if (o->check) {
        if (!same) printf("%s: would change\n", name);
        code = same ? EXIT_YES : EXIT_NO;
    } else if (name != arg) {
        code = put_out(&out);
    } else if (!same) {
        code = rewrite(arg, &out);
    }
    stm_diags_free(diags);
    stm_buf_release(&in);
    stm_buf_release(&out);
    return code;
}

int cmd_fmt(const struct options *o)
{
    int worst = EXIT_YES;
    for (int i = 0; i < o->n_args; i++) {
        int code = format_one(o, o->args[i]);
        if (code > worst) worst = code;
    }
    return worst;
}
