/* libFuzzer: lexer, parser, checker, canonical text and formatter on any bytes. What is accepted
 * must survive a round trip through its canonical text and through fmt. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol_vocab.h"
#include "stemma/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* No file system: the one import there is defines an event. */
static int read_import(void *ctx, const char *path, struct stm_buf *out, struct stm_err *err)
{
    (void)ctx, (void)path, (void)err;
    stm_buf_printf(out, "lang 1\nevery 25 steps { event grok = acc(test) >= 0.9 }\n"
                        "task add = modular_add(p = 7, train = 0.4)\nmodel mlp = embed_mlp()\n"
                        "train base { optimizer = adamw(lr = 1e-3) }\n");
    return 0;
}

static struct stm_plan *check(const char *text, size_t n, struct stm_buf *printed)
{
    struct stm_check_options o = {.vocab = &test_vocab, .features = STM_F_ALL, .read = read_import};
    struct stm_plan *plan;
    struct stm_diags *diags;
    if (stm_protocol_check(&plan, &diags, "fuzz", text, n, &o, NULL)) return NULL;
    for (unsigned i = 0; i < diags->n; i++) {
        stm_diag_print(diags, &diags->d[i], false, 80, printed);
        stm_diag_json(diags, &diags->d[i], printed);
    }
    stm_diags_free(diags);
    return plan;
}

static void same(const struct stm_plan *a, const char *text, size_t n, struct stm_buf *printed)
{
    struct stm_plan *b = check(text, n, printed);
    if (!b || strcmp(a->compute_hash, b->compute_hash) || strcmp(a->claim_hash, b->claim_hash))
        abort();
    stm_plan_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct stm_buf printed = {0}, laid_out = {0};
    struct stm_diags *diags;
    struct stm_plan *plan = check((const char *)data, n, &printed);
    int code = stm_protocol_format(&laid_out, &diags, "fuzz", (const char *)data, n, NULL);
    stm_diags_free(diags);
    if (plan) {
        if (code) abort();
        same(plan, plan->canonical, strlen(plan->canonical), &printed);
        same(plan, stm_buf_text(&laid_out), laid_out.n, &printed);
    }
    stm_plan_free(plan);
    stm_buf_release(&printed);
    stm_buf_release(&laid_out);
    return 0;
}
