/* The state of a trainer: seeing it, taking one over, editing it. */
#ifndef STEMMA_ENGINE_TRAINER_STATE_H
#define STEMMA_ENGINE_TRAINER_STATE_H

#include "engine/trainer.h"

/* Fills t->state, once the arrays are there. STM_E_NOMEM. */
int stm_trainer_show(struct stm_trainer *t, struct stm_err *err);
/* The target of a one-shot edit: a group, in the vocabulary's memory, whose norm or whose elements
 * are meant; NULL: the moments. STM_E_INVALID. */
int stm_trainer_edit_target(const struct stm_trainer *t, const char *target, const char **group,
                            bool *norm, struct stm_err *err);

#endif
