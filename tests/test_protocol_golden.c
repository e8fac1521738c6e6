/* Golden diagnostics: every file tests/golden/diag/CODE_what.stemma has its exact output beside it,
 * and every code of the program has a file. STEMMA_GOLDEN_UPDATE=1 writes the outputs anew. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "protocol_vocab.h"
#include "stemma/protocol.h"

#define DIR_PATH STM_SOURCE_DIR "/tests/golden/diag"

static int read_golden(void *ctx, const char *path, struct stm_buf *out, struct stm_err *err)
{
    char full[1024];
    (void)ctx;
    snprintf(full, sizeof full, "%s/%s", DIR_PATH, path);
    int code = stm_file_read(full, out, err);
    if (code && err) snprintf(err->msg, sizeof err->msg, "%s: not found", path);
    return code;
}

static void diagnose(const char *name, unsigned width, struct stm_buf *out)
{
    struct stm_check_options o = {.vocab = &test_vocab, .features = STM_F_ALL, .read = read_golden};
    struct stm_buf text = {0};
    struct stm_err err = {0};
    struct stm_plan *plan;
    struct stm_diags *diags;
    ck_assert_int_eq(read_golden(NULL, name, &text, &err), 0);
    ck_assert_int_eq(stm_protocol_check(&plan, &diags, name, stm_buf_text(&text), text.n, &o, &err),
                     0);
    for (unsigned i = 0; i < diags->n; i++) {
        if (i) stm_buf_u8(out, '\n');
        stm_diag_print(diags, &diags->d[i], false, width, out);
    }
    ck_assert_msg(diags->n > 0, "%s has no diagnostics", name);
    char code[6] = {0};
    memcpy(code, name, 5);
    bool found = false;
    for (unsigned i = 0; i < diags->n; i++) found |= strcmp(diags->d[i].code, code) == 0;
    ck_assert_msg(found, "%s does not produce its code", name);
    stm_plan_free(plan);
    stm_diags_free(diags);
    stm_buf_release(&text);
}

static void compare(const char *name, struct stm_buf *got)
{
    char path[1024];
    struct stm_buf want = {0};
    snprintf(path, sizeof path, "%s/%.*s.expected", DIR_PATH, (int)(strlen(name) - 7), name);
    if (getenv("STEMMA_GOLDEN_UPDATE")) {
        FILE *f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        fwrite(got->p, 1, got->n, f);
        fclose(f);
    }
    ck_assert_int_eq(stm_file_read(path, &want, NULL), 0);
    ck_assert_str_eq(stm_buf_text(got), stm_buf_text(&want));
    stm_buf_release(&want);
}

START_TEST(outputs)
{
    DIR *d = opendir(DIR_PATH);
    ck_assert_ptr_nonnull(d);
    unsigned files = 0;
    for (struct dirent *e; (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (n < 8 || strcmp(e->d_name + n - 7, ".stemma") != 0) continue;
        struct stm_buf got = {0};
        diagnose(e->d_name, 0, &got);
        compare(e->d_name, &got);
        stm_buf_release(&got);
        files++;
    }
    closedir(d);
    ck_assert_uint_ge(files, 30);
}
END_TEST

/* Runs of spaces and newlines as one space. */
static void collapse(char *s)
{
    char *to = s;
    for (; *s; s++)
        if (*s != ' ' && *s != '\n')
            *to++ = *s;
        else if (s[1] != ' ' && s[1] != '\n')
            *to++ = ' ';
    *to = '\0';
}

START_TEST(on_a_terminal)
{
    enum { WIDTH = 60 };
    static const char name[] = "E0103_similar.stemma";
    struct stm_buf wide = {0}, narrow = {0};
    diagnose(name, 0, &wide);
    diagnose(name, WIDTH, &narrow);
    stm_buf_u8(&wide, '\0');
    stm_buf_u8(&narrow, '\0');
    ck_assert(strstr((char *)narrow.p, "\n           ") != NULL); /* under the words of the help */
    for (const char *line = (char *)narrow.p; *line;) {
        size_t n = strcspn(line, "\n");
        ck_assert_msg(n <= WIDTH, "%zu columns: %.*s", n, (int)n, line);
        line += n + (line[n] == '\n');
    }
    collapse((char *)wide.p);
    collapse((char *)narrow.p);
    ck_assert_str_eq((char *)wide.p, (char *)narrow.p);
    stm_buf_release(&wide);
    stm_buf_release(&narrow);
}
END_TEST

static bool has_file(const char *code)
{
    DIR *d = opendir(DIR_PATH);
    bool found = false;
    for (struct dirent *e; d && (e = readdir(d));)
        found |= strncmp(e->d_name, code, 5) == 0 && strstr(e->d_name, ".stemma");
    closedir(d);
    return found;
}

START_TEST(one_to_one)
{
    const char *const *codes = stm_diag_codes();
    for (unsigned i = 0; codes[i]; i++) {
        ck_assert_msg(has_file(codes[i]), "no golden file for %s", codes[i]);
        ck_assert_ptr_nonnull(stm_diag_explain(codes[i]));
    }
    DIR *d = opendir(DIR_PATH);
    for (struct dirent *e; d && (e = readdir(d));) {
        char code[6] = {0};
        if (e->d_name[0] == '.') continue;
        memcpy(code, e->d_name, 5);
        ck_assert_msg(stm_diag_explain(code) != NULL, "%s: no such code", e->d_name);
    }
    closedir(d);
    ck_assert_ptr_null(stm_diag_explain("E9999"));
}
END_TEST

START_TEST(json)
{
    static const char text[] = "lang 1\nparam a = \"\t$";
    struct stm_check_options o = {.vocab = &test_vocab, .features = STM_F_ALL};
    struct stm_plan *plan;
    struct stm_diags *diags;
    struct stm_buf out = {0};
    stm_protocol_check(&plan, &diags, "a\"b.stemma", text, sizeof text - 1, &o, NULL);
    ck_assert_uint_eq(diags->n, 1);
    stm_diag_json(diags, &diags->d[0], &out);
    ck_assert_str_eq(stm_buf_text(&out),
                     "{\"code\":\"E0003\",\"severity\":\"error\",\"message\":\"a string that does "
                     "not end\",\"file\":\"a\\\"b.stemma\",\"line\":2,\"column\":11,\"length\":3,"
                     "\"notes\":[],\"help\":\"strings end with `\\\"` on the line on which they "
                     "begin\"}");
    stm_buf_release(&out);
    stm_diags_free(diags);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("protocol golden");
    TCase *t = tcase_create("diagnostics");
    tcase_add_test(t, outputs);
    tcase_add_test(t, on_a_terminal);
    tcase_add_test(t, one_to_one);
    tcase_add_test(t, json);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
