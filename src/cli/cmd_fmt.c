#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"

/* Writes beside the file and renames, so that a full disk leaves the old text. */
static int replace(const char *path, struct stm_buf *text)
{
    char tmp[4096];
    if (snprintf(tmp, sizeof tmp, "%s.stemma-fmt", path) >= (int)sizeof tmp) return -1;
    FILE *f = fopen(tmp, "w");
    if (!f) return -1;
    bool ok = fwrite(text->p, 1, text->n, f) == text->n;
    ok = !fflush(f) && !fsync(fileno(f)) && ok;
    ok = !fclose(f) && ok;
    if (ok && !rename(tmp, path)) return 0;
    unlink(tmp);
    return -1;
}

static int format_one(const struct options *o, const char *path)
{
    struct stm_buf in = {0}, out = {0};
    struct stm_diags *diags = NULL;
    struct stm_err err = {0};
    int code = EXIT_YES, rc = stm_file_read(path, &in, &err);
    if (!rc) rc = stm_protocol_format(&out, &diags, path, (const char *)in.p, in.n, &err);
    if (rc == STM_E_INVALID && diags) {
        struct stm_buf b = {0};
        for (unsigned i = 0; i < diags->n; i++) stm_diag_print(diags, &diags->d[i], false, 0, &b);
        fputs(stm_buf_text(&b), stderr);
        stm_buf_release(&b);
        code = EXIT_NO;
    } else if (rc) {
        code = fail(&err, NULL);
    } else if (in.n != out.n || memcmp(in.p, out.p, in.n)) {
        printf("%s: %s\n", path, o->check ? "would change" : "rewritten");
        if (o->check)
            code = EXIT_NO;
        else if (replace(path, &out)) {
            fprintf(stderr, "stemma: writing %s failed; it is as it was\n", path);
            code = EXIT_BROKEN;
        }
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
