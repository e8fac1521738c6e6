/* A program of a user of libstemma: checks a protocol and prints its first complaint. */
#include <stdio.h>
#include <string.h>

#include "stemma/report.h"

int main(void)
{
    const char *text = "lang 1\nrun trunk = mlp on add with base {}\n";
    struct stm_check_options options = {.vocab = stm_engine_vocab(), .features = STM_F_ALL};
    struct stm_plan *plan;
    struct stm_diags *diags;
    struct stm_err err = {0};
    struct stm_buf out = {0};
    if (stm_protocol_check(&plan, &diags, "user.stemma", text, strlen(text), &options, &err))
        return 1;
    if (!plan) stm_diag_print(diags, &diags->d[0], false, 80, &out);
    fputs(stm_buf_text(&out), stdout);
    int complained = strstr(stm_buf_text(&out), "user.stemma:2:") != NULL;
    stm_buf_release(&out);
    stm_diags_free(diags);
    stm_plan_free(plan);
    return complained ? 0 : 1;
}
