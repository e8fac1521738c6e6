/* The first state of a seed. */
#ifndef STEMMA_ENGINE_FIRST_H
#define STEMMA_ENGINE_FIRST_H

#include "engine/trainer.h"

/* Sorts and labels the pairs of t->order. */
void stm_trainer_split(struct stm_trainer *t);

#endif
