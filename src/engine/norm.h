/* Norms of sets of tensors, and what gives them another: sums and changes in a stated order. */
#ifndef STEMMA_ENGINE_NORM_H
#define STEMMA_ENGINE_NORM_H

#include "engine/trainer.h"

/* Squared norm of the parameters of the set, NULL: of all: float64, tensors in order. */
double stm_trainer_squares(const struct stm_trainer *t, const bool *set);
/* Multiplies those of the set by one factor, rounded to their type. */
void stm_trainer_scale(struct stm_trainer *t, const bool *set, double factor);
/* Of x[n] in the trainer's precision, as it sums within a tensor: x . x, (x - y) . (x - y) and
 * (x - y) . y. */
double stm_norm_squares(const struct stm_trainer *t, const void *x, size_t n);
double stm_norm_squares_diff(const struct stm_trainer *t, const void *x, const void *y, size_t n);
double stm_norm_along(const struct stm_trainer *t, const void *x, const void *y, size_t n);
/* x[n] *= factor, rounded. */
void stm_norm_scale(const struct stm_trainer *t, void *x, size_t n, double factor);

#endif
