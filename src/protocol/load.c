/* Imports: a file's statements in the place of its `import` line, each file once. */
#include <string.h>

#include "base/file.h"
#include "protocol/ast.h"

struct loader {
    struct ctx *c;
    struct map once;                    /* path -> file */
    unsigned stack[PR_MAX_IMPORTS + 1]; /* files being read */
    struct stm_span from[PR_MAX_IMPORTS + 1];
    unsigned depth;
};

/* `path` relative to the directory of `from`, without `.` and `x/..` parts. */
static const char *join(struct ctx *c, const char *from, const char *path)
{
    const char *slash = strrchr(from, '/');
    char *out = path[0] == '/' || !slash ? pr_printf(c, "%s", path)
                                         : pr_printf(c, "%.*s/%s", (int)(slash - from), from, path);
    size_t w = out[0] == '/', r = w, root = w;
    while (out[r]) {
        size_t n = strcspn(out + r, "/"), next = r + n + (out[r + n] == '/');
        size_t last = w;
        while (last > root && last > 1 && out[last - 2] != '/') last--;
        bool dot = n == 0 || (n == 1 && out[r] == '.');
        bool up = n == 2 && out[r] == '.' && out[r + 1] == '.' && w > root &&
                  !(w >= 3 && !memcmp(out + w - 3, "../", 3));
        if (up) {
            w = last > root ? last - 1 : root;
            while (w > root && out[w - 1] != '/') w--;
        } else if (!dot) {
            memmove(out + w, out + r, next - r);
            w += next - r;
        }
        r = next;
    }
    out[w] = 0;
    return out;
}

static void load_file(struct loader *l, const char *path, const char *text, size_t n,
                      struct vec *out);

static int read_text(struct ctx *c, const char *path, struct stm_err *err)
{
    const struct stm_check_options *o = c->options;
    return o && o->read ? o->read(o->ctx, path, &c->scratch, err)
                        : stm_file_read(path, &c->scratch, err);
}

static bool in_cycle(struct loader *l, int file, struct stm_span at)
{
    for (unsigned i = 0; i < l->depth; i++) {
        if (l->stack[i] != (unsigned)file) continue;
        struct stm_diag *d = pr_diag(l->c, "E0108", at,
                                     "an import cycle: this file is imported "
                                     "by itself");
        for (unsigned j = i + 1; j < l->depth; j++) pr_note_at(l->c, d, l->from[j], "through here");
        return true;
    }
    return false;
}

static void import(struct loader *l, const struct ast_stmt *s, const char *from, struct vec *out)
{
    struct ctx *c = l->c;
    struct stm_span at = s->name.span;
    if (!s->name.text[0]) {
        pr_diag(c, "E0108", at, "an import without a file name");
        return;
    }
    const char *path = join(c, from, s->name.text);
    int known = pr_map_get(&l->once, path);
    if (known >= 0) {
        in_cycle(l, known, at);
        return;
    }
    if (l->depth > PR_MAX_IMPORTS - 1) {
        pr_diag(c, "E0106", at, "imports more than %d files deep", PR_MAX_IMPORTS);
        return;
    }
    struct stm_err err = {0};
    size_t mark = c->scratch.n;
    int code = read_text(c, path, &err);
    if (code == STM_E_NOMEM || c->scratch.failed) pr_nomem(c);
    if (code) {
        c->scratch.n = mark;
        struct stm_diag *d = pr_diag(c, "E0108", at, "cannot read the import `%s`", path);
        if (err.msg[0]) pr_note(c, d, "%s", err.msg);
        pr_help(c, d, "imports are relative to the file that imports them");
        return;
    }
    size_t n = c->scratch.n - mark;
    const char *text = pr_scratch_take(c, mark);
    l->from[l->depth] = at;
    load_file(l, path, text, n, out);
}

static void load_file(struct loader *l, const char *path, const char *text, size_t n,
                      struct vec *out)
{
    struct ctx *c = l->c;
    unsigned file = c->files.n;
    struct stm_source_file *f = pr_push(c, &c->files, sizeof *f);
    f->path = stm_arena_strndup(c->diag_arena, path, strlen(path));
    f->text = stm_arena_strndup(c->diag_arena, text, n > PR_MAX_BYTES ? 0 : n);
    if (!f->path || !f->text) pr_nomem(c);
    text = f->text;
    pr_map_put(c, &l->once, f->path, (int)file);
    if (n > PR_MAX_BYTES) {
        pr_diag(c, "E0106", (struct stm_span){file, 1, 1, 0}, "a file of more than %d MiB",
                PR_MAX_BYTES >> 20);
        return;
    }
    l->stack[l->depth++] = file;
    struct vec stmts = {0};
    pr_parse_file(c, file, text, n, &stmts);
    for (unsigned i = 0; i < stmts.n; i++) {
        struct ast_stmt *s = ((struct ast_stmt **)stmts.p)[i];
        if (s->kind == S_IMPORT)
            import(l, s, path, out);
        else
            *(struct ast_stmt **)pr_push(c, out, sizeof s) = s;
    }
    l->depth--;
}

void pr_load(struct ctx *c, const char *path, const char *text, size_t n, struct vec *out)
{
    struct loader l = {.c = c};
    load_file(&l, join(c, "", path), text, n, out);
}
