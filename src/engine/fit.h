/* Whether a trainer can be made of settings: they are complete, they go together, the model takes
 * the task's examples, there are as many as an update sees, and every group that is named is there.
 */
#ifndef STEMMA_ENGINE_FIT_H
#define STEMMA_ENGINE_FIT_H

#include "engine/trainer.h"

/* What is at fault, for messages that name a place: keys, held quantities, groups. */
enum { STM_BLAME_MAX = 3 };
struct stm_blame {
    struct {
        const char *whole; /* the key is its first n letters, then part: "lr.GROUP", 3 and "E" */
        size_t n;
        const char *part;
    } at[STM_BLAME_MAX];
    size_t n;
};
bool stm_blame_has(const struct stm_blame *b, const char *key);

/* Of t->set, which is all that is set so far. Fills what follows from that: the sizes of the sets
 * and the shapes of the tensors. Needs no open engine. STM_E_INVALID; `blame` may be NULL. */
int stm_trainer_fit(struct stm_trainer *t, struct stm_blame *blame, struct stm_err *err);
/* STM_E_INVALID: the arguments of the model leave out every tensor of `group`. */
int stm_trainer_present(const struct stm_trainer *t, const char *group, struct stm_err *err);
/* set[n_tensors] = which are in the group, which the model has. */
void stm_trainer_group(const struct stm_trainer *t, const char *group, bool *set);

#endif
