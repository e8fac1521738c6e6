/* Whether a trainer could be made of what is in force: the `judge` of the vocabulary. */
#ifndef STEMMA_ENGINE_JUDGE_H
#define STEMMA_ENGINE_JUDGE_H

#include "stemma/vocab.h"

/* See struct stm_vocab. The rules are those of the settings and of stm_trainer_fit. */
int stm_judge(const struct stm_in_force *list, size_t n, struct stm_fault *out);

#endif
