/* docs/language.md: every snippet is checked with the engine's words, as a whole file or in the
 * place of the page's own prelude that its heading names; what it says is an error is that error.
 * And the page leaves out no code, function or keyword. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "stemma/engine.h"
#include "stemma/protocol.h"

#define PAGE STM_SOURCE_DIR "/docs/language.md"

static struct stm_buf page, prelude, wrong;

static void read_page(void)
{
    ck_assert_int_eq(stm_file_read(PAGE, &page, NULL), 0);
    stm_buf_text(&page);
}

struct snippet {
    char place[20], code[8]; /* "" or prelude, arm, ...; "" or E0403 */
    unsigned line;
    const char *text;
    size_t n;
};

static unsigned line_of(const char *at)
{
    unsigned n = 1;
    for (const char *s = (const char *)page.p; s < at; s++) n += *s == '\n';
    return n;
}

/* The next block that begins with ```stemma, from *at on; false at the end of the page. */
static bool next_snippet(const char **at, struct snippet *s)
{
    const char *head = strstr(*at, "\n```stemma");
    if (!head) return false;
    head += 10;
    const char *body = strchr(head, '\n') + 1, *end = strstr(body, "\n```");
    char words[100] = {0};
    ck_assert_ptr_nonnull(end);
    snprintf(words, sizeof words, "%.*s", (int)(body - 1 - head), head);
    *s = (struct snippet){.line = line_of(body), .text = body, .n = (size_t)(end + 1 - body)};
    for (char *save = NULL, *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        if (strncmp(w, "error=", 6) == 0)
            snprintf(s->code, sizeof s->code, "%.7s", w + 6);
        else
            snprintf(s->place, sizeof s->place, "%.19s", w);
    }
    *at = end + 4;
    return true;
}

/* The file that a snippet stands in. */
static void whole_file(const struct snippet *s, struct stm_buf *out)
{
    char mark[40];
    if (!s->place[0]) {
        stm_buf_put(out, s->text, s->n);
        return;
    }
    const char *text = stm_buf_text(&prelude);
    snprintf(mark, sizeof mark, "# <- %s\n", s->place);
    const char *at = strcmp(s->place, "prelude") ? strstr(text, mark) : text + prelude.n;
    ck_assert_msg(at != NULL, "line %u: the prelude has no place `%s`", s->line, s->place);
    stm_buf_put(out, text, (size_t)(at - text));
    if (strcmp(s->place, "prelude") != 0) stm_buf_put(out, s->text, s->n);
    stm_buf_printf(out, "%s", at);
}

static void check_snippet(const struct snippet *s)
{
    struct stm_buf text = {0}, printed = {0};
    struct stm_plan *plan;
    struct stm_diags *diags;
    struct stm_check_options o = {.vocab = stm_engine_vocab(), .features = STM_F_ALL};
    whole_file(s, &text);
    ck_assert_int_eq(stm_protocol_check(&plan, &diags, STM_SOURCE_DIR "/protocols/page.stemma",
                                        stm_buf_text(&text), text.n, &o, NULL),
                     0);
    for (unsigned i = 0; i < diags->n; i++)
        stm_diag_print(diags, &diags->d[i], false, 100, &printed);
    bool right = (plan == NULL) == (s->code[0] != 0);
    for (unsigned i = 0; i < diags->n && s->code[0]; i++)
        right &= !strcmp(diags->d[i].code, s->code);
    if (!right)
        stm_buf_printf(&wrong, "%s:%u: %s\n%s\n", PAGE, s->line, s->code, stm_buf_text(&printed));
    stm_plan_free(plan);
    stm_diags_free(diags);
    stm_buf_release(&text);
    stm_buf_release(&printed);
}

START_TEST(snippets)
{
    struct snippet s;
    unsigned n = 0, errors = 0;
    read_page();
    const char *at = (const char *)page.p;
    ck_assert(next_snippet(&at, &s));
    ck_assert_str_eq(s.place, "prelude");
    stm_buf_put(&prelude, s.text, s.n);
    stm_buf_text(&prelude);
    for (at = (const char *)page.p; next_snippet(&at, &s); n++) {
        check_snippet(&s);
        errors += s.code[0] != 0;
    }
    ck_assert_msg(wrong.n == 0, "\n%s", stm_buf_text(&wrong));
    ck_assert_uint_ge(n, 40); /* a page that lost its snippets would pass */
    ck_assert_uint_ge(errors, 15);
}
END_TEST

START_TEST(every_code)
{
    read_page();
    const char *const *codes = stm_diag_codes();
    for (unsigned i = 0; codes[i]; i++) {
        char row[20];
        snprintf(row, sizeof row, "\n| %s |", codes[i]);
        ck_assert_msg(strstr((const char *)page.p, row) != NULL, "%s is not on the page", codes[i]);
    }
}
END_TEST

/* Names in the first column of a table in the sources: {"median", ... */
static void mentions(const char *file, const char *table, const char *form)
{
    char path[1024];
    struct stm_buf source = {0};
    snprintf(path, sizeof path, STM_SOURCE_DIR "/src/protocol/%s", file);
    ck_assert_int_eq(stm_file_read(path, &source, NULL), 0);
    const char *s = strstr(stm_buf_text(&source), table), *end = s ? strstr(s, "\n};") : NULL;
    ck_assert_msg(end != NULL, "%s has no %s", file, table);
    unsigned n = 0;
    for (; (s = strstr(s, "\n    {\"")) && s < end; n++) {
        char word[40], text[60];
        s += 7;
        snprintf(word, sizeof word, "%.*s", (int)strcspn(s, "\""), s);
        snprintf(text, sizeof text, form, word);
        ck_assert_msg(strstr((const char *)page.p, text) != NULL, "%s is not on the page", text);
    }
    ck_assert_uint_ge(n, 20);
    stm_buf_release(&source);
}

START_TEST(every_function_and_keyword)
{
    read_page();
    mentions("functions.c", "functions[] = {", "`%s(");
    mentions("parse.c", "keywords[] = {", "\"%s\"");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("the language page");
    TCase *t = tcase_create("page");
    tcase_add_test(t, snippets);
    tcase_add_test(t, every_code);
    tcase_add_test(t, every_function_and_keyword);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
