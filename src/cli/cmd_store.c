#include <string.h>

#include "cli/cli.h"

struct found {
    struct stm_buf out;
    bool json;
    unsigned n;
};

static void found_line(void *ctx, const char *line)
{
    struct found *f = ctx;
    if (!f->json) {
        stm_buf_printf(&f->out, "%s\n", line);
        return;
    }
    stm_buf_printf(&f->out, "%s", f->n++ ? "," : "{\"found\":[");
    json_text(line, &f->out);
}

static int do_fsck(const struct options *o, struct stm_store *s)
{
    struct found f = {.json = o->json};
    struct stm_err err = {0};
    int rc = stm_store_fsck(s, o->quick ? STM_FSCK_QUICK : STM_FSCK_FULL, found_line, &f, &err);
    if (rc && rc != STM_E_DAMAGED) {
        stm_buf_release(&f.out);
        return fail(&err, NULL);
    }
    if (o->json) {
        stm_buf_printf(&f.out, "%s],\"store\":", f.n ? "" : "{\"found\":[");
        json_text(stm_store_dir(s), &f.out);
        stm_buf_printf(&f.out, ",\"sound\":%s}\n", rc ? "false" : "true");
    } else {
        stm_buf_printf(&f.out, "%s: %s\n", stm_store_dir(s), rc ? "DAMAGED" : "sound");
    }
    int written = put_out(&f.out);
    return rc ? EXIT_DAMAGED : written;
}

static int do_stats(const struct options *o, struct stm_store *s)
{
    struct stm_buf out = {0};
    struct stm_err err = {0};
    struct stm_store_stats t;
    if (stm_store_stats(s, &t, &err)) return fail(&err, NULL);
    const struct {
        const char *name;
        uint64_t n;
    } rows[] = {{"packs", t.packs},         {"objects", t.objects},          {"chunks", t.chunks},
                {"states", t.states},       {"records", t.records},          {"refs", t.refs},
                {"raw_bytes", t.raw_bytes}, {"stored_bytes", t.stored_bytes}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (o->json) {
            stm_buf_printf(&out, "%s\"%s\":%llu", i ? "," : "{", rows[i].name,
                           (unsigned long long)rows[i].n);
            continue;
        }
        stm_buf_printf(&out, "%-13s ", rows[i].name);
        number_print(rows[i].n, &out);
        stm_buf_printf(&out, "\n");
    }
    if (o->json) stm_buf_printf(&out, "}\n");
    return put_out(&out);
}

static const char *type_name(enum stm_object_type t)
{
    return t == STM_OBJ_CHUNK ? "chunk" : t == STM_OBJ_STATE ? "state" : "record";
}

struct list {
    struct stm_buf out;
    bool json;
};

static int list_object(void *ctx, const struct stm_id *id, enum stm_object_type type, uint64_t raw,
                       uint64_t stored, const char *pack)
{
    struct list *l = ctx;
    char hex[STM_ID_TEXT];
    stm_buf_printf(&l->out,
                   l->json ? "{\"id\":\"%s\",\"type\":\"%s\",\"raw_bytes\":%llu,"
                             "\"stored_bytes\":%llu,\"pack\":\"%s\"}\n"
                           : "%s %-6s %9llu %9llu %s\n",
                   stm_id_text(id, hex), type_name(type), (unsigned long long)raw,
                   (unsigned long long)stored, pack);
    return 0;
}

static int list_ref(void *ctx, const char *name, const struct stm_id *id)
{
    struct list *l = ctx;
    char hex[STM_ID_TEXT];
    stm_buf_printf(
        &l->out, l->json ? "{\"id\":\"%s\",\"type\":\"ref\",\"name\":\"%s\"}\n" : "%s ref    %s\n",
        stm_id_text(id, hex), name);
    return 0;
}

static int do_ls(const struct options *o, struct stm_store *s)
{
    struct list l = {.json = o->json};
    struct stm_err err = {0};
    int rc = stm_store_each(s, list_object, &l, &err);
    if (!rc) rc = stm_ref_each(s, "", list_ref, &l, &err);
    if (!rc) return put_out(&l.out);
    stm_buf_release(&l.out);
    return fail(&err, NULL);
}

int cmd_store(const struct options *o)
{
    static const struct {
        const char *name;
        int (*run)(const struct options *o, struct stm_store *s);
    } verbs[] = {{"fsck", do_fsck}, {"stats", do_stats}, {"ls", do_ls}};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(o->args[0], verbs[i].name)) continue;
        int code;
        if (o->quick && verbs[i].run != do_fsck) {
            fprintf(stderr,
                    "stemma: `store %s` has no --quick\nhelp: it makes `store fsck` shorter\n",
                    verbs[i].name);
            return EXIT_USAGE;
        }
        struct stm_store *s = open_store(o, STORE_EXISTS, &code);
        if (!code) code = verbs[i].run(o, s);
        stm_store_close(s);
        return code;
    }
    if (!strcmp(o->args[0], "gc"))
        fprintf(stderr,
                "stemma: `store gc` is not in this version\nhelp: fsck, stats and ls are\n");
    else
        fprintf(stderr, "stemma: no store command `%s`\nhelp: stemma store fsck|stats|ls\n",
                o->args[0]);
    return EXIT_USAGE;
}
