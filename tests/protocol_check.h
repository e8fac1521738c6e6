/* Checking texts and the example protocols in tests. */
#ifndef STEMMA_TESTS_PROTOCOL_CHECK_H
#define STEMMA_TESTS_PROTOCOL_CHECK_H

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "protocol_vocab.h"
#include "stemma/protocol.h"

#define EXAMPLES STM_SOURCE_DIR "/tests/golden/protocols/"

struct checked {
    struct stm_plan *plan;
    struct stm_diags *diags;
};

static inline void checked_free(struct checked *c)
{
    stm_plan_free(c->plan);
    stm_diags_free(c->diags);
}

static inline const char *first_message(const struct checked *c)
{
    return c->diags->n ? c->diags->d[0].msg : "no message";
}

static inline void read_example(const char *name, struct stm_buf *out)
{
    char path[1024];
    snprintf(path, sizeof path, EXAMPLES "%s.stemma", name);
    ck_assert_int_eq(stm_file_read(path, out, NULL), 0);
}

static inline struct checked check_as(const char *path, const char *text, size_t n,
                                      unsigned features, const struct stm_override *o, unsigned no)
{
    struct checked c;
    struct stm_check_options options = {
        .vocab = &test_vocab, .features = features, .overrides = o, .n_overrides = no};
    ck_assert_int_eq(stm_protocol_check(&c.plan, &c.diags, path, text, n, &options, NULL), 0);
    return c;
}

static inline struct checked check_example_with(const char *name, unsigned features,
                                                const struct stm_override *o, unsigned no)
{
    char path[1024];
    struct stm_buf text = {0};
    read_example(name, &text);
    snprintf(path, sizeof path, EXAMPLES "%s.stemma", name);
    struct checked c = check_as(path, stm_buf_text(&text), text.n, features, o, no);
    stm_buf_release(&text);
    return c;
}

static inline struct checked check_example(const char *name)
{
    return check_example_with(name, STM_F_ALL, NULL, 0);
}

/* As a file beside the examples, so that their imports are found. */
static inline struct checked check_text(const char *text, size_t n)
{
    return check_as(EXAMPLES "text.stemma", text, n, STM_F_ALL, NULL, 0);
}

static inline void replace_in_example(const char *name, const char *from, const char *to,
                                      struct stm_buf *out)
{
    struct stm_buf text = {0};
    read_example(name, &text);
    const char *s = stm_buf_text(&text), *at = strstr(s, from);
    ck_assert_msg(at != NULL, "`%s` is not in the example", from);
    stm_buf_put(out, s, (size_t)(at - s));
    stm_buf_printf(out, "%s%s", to, at + strlen(from));
    stm_buf_release(&text);
}

/* Every whole word `from` becomes `to`. */
static inline void rename_in_text(const char *s, const char *from, const char *to,
                                  struct stm_buf *out)
{
    while (*s) {
        size_t n = 0;
        while (isalnum((unsigned char)s[n]) || s[n] == '_') n++;
        if (n == strlen(from) && strncmp(s, from, n) == 0)
            stm_buf_printf(out, "%s", to);
        else
            stm_buf_put(out, s, n ? n : 1);
        s += n ? n : 1;
    }
}

#endif
