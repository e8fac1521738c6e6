/* libFuzzer: the reader of canonical plans, as the store gives them back. No imports, every
 * feature; what is accepted prints itself again, byte for byte, from its own canonical text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol_vocab.h"
#include "stemma/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int no_imports(void *ctx, const char *path, struct stm_buf *out, struct stm_err *err)
{
    (void)ctx, (void)path, (void)out, (void)err;
    return STM_E_NOTFOUND;
}

static struct stm_plan *check(const char *text, size_t n)
{
    struct stm_check_options o = {.vocab = &test_vocab, .features = STM_F_ALL, .read = no_imports};
    struct stm_plan *plan = NULL;
    struct stm_diags *diags;
    if (stm_protocol_check(&plan, &diags, "stored.stemma", text, n, &o, NULL)) return NULL;
    stm_diags_free(diags);
    return plan;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct stm_plan *a = check((const char *)data, n);
    if (!a) return 0;
    struct stm_plan *b = check(a->canonical, strlen(a->canonical));
    if (!b || strcmp(a->canonical, b->canonical) || strcmp(a->compute_hash, b->compute_hash) ||
        strcmp(a->claim_hash, b->claim_hash))
        abort();
    stm_plan_free(a);
    stm_plan_free(b);
    return 0;
}
