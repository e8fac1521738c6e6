/* What a struct stm_trainer holds: one aligned block behind every array. */
#ifndef STEMMA_ENGINE_TRAINER_H
#define STEMMA_ENGINE_TRAINER_H

#include "engine/settings.h"
#include "engine/tables.h"
#include "stemma/engine.h"

/* For tests: trainers made while it is set take the general functions of their model. */
extern bool stm_trainer_plain;

struct stm_trainer {
    struct stm_settings set;
    const struct stm_model_type *model;
    const struct stm_model_ops *ops;
    const struct stm_loss_type *loss;
    const struct stm_optimizer_type *optimizer;
    const struct stm_grad_type *transform; /* NULL: the gradient as it is */
    const struct stm_logits_type *logits;  /* NULL: the loss sees them as they are */
    enum stm_precision prec, loss_prec;
    size_t real;              /* bytes of an element */
    size_t per_tile;          /* pairs of a tile: a multiple of 16, up to STM_TILE */
    uint32_t frozen, weights; /* masks of tensors */
    struct stm_net net;
    void *moment[STM_MOMENTS_MAX][STM_TENSORS_MAX];
    void *buffer[STM_TENSORS_MAX]; /* of the transform of the gradient */
    double lr[STM_TENSORS_MAX];
    /* The setting's, or where a hold has moved it; then it is part of the state. */
    double temperature;
    bool temperature_held;
    unsigned lr_arg;               /* place of lr in the optimizer's arguments */
    void *before[STM_TENSORS_MAX]; /* parameters before a tracked update */
    double scalar[STM_SCALARS_MAX];
    uint64_t step, seed;

    uint32_t *order; /* [pairs] the permutation: the state's data.order */
    /* [pairs] training pairs, those that data.train leaves out, test pairs; each part ascending */
    uint32_t *pairs;
    uint32_t *label;           /* [pairs] of those */
    uint32_t train, test_from; /* how many are trained on; where the test pairs begin */
    uint32_t batch;            /* pairs an update sees */
    uint32_t *batch_pairs;     /* [batch] of the present step; NULL: all that are trained on */
    uint32_t *batch_label;     /* [batch] */
    unsigned char *drawn;      /* [train] marks of a draw */
    void *net_logits;     /* [C][tile] of the network; tile.logits when the precisions are one */
    struct stm_tile tile; /* what the loss works on */
    double *field[STM_FIELDS]; /* [pairs] in the order of `pairs` */
    double *normal;            /* [largest tensor] numbers drawn at init */

    bool tracked; /* what follows is of the last update */
    double delta2[STM_TENSORS_MAX], before2[STM_TENSORS_MAX]; /* squared norms */
    double along[STM_TENSORS_MAX]; /* inner product of the update with what was before */
    double check;                  /* finite if and only if the last loss was */
    void *block;
    struct stm_state state; /* what stm_trainer_view shows: names, and where the data is */
};

/* Squared norm of the group's tensors: float64, tensors in order. */
double stm_trainer_squares(const struct stm_trainer *t, uint32_t mask);
/* Multiplies the group's tensors by one factor, rounded to their type. */
void stm_trainer_scale(struct stm_trainer *t, uint32_t mask, double factor);
/* Whether a trainer can be made of t->set, which is all that is set so far: the settings are
 * complete, the model takes the task's examples, there are as many as an update sees, and every
 * group that is named is there. Fills what follows from that: the sizes of the sets and the shapes
 * of the tensors. Needs no open engine. STM_E_INVALID. */
int stm_trainer_fit(struct stm_trainer *t, struct stm_blame *blame, struct stm_err *err);
/* The target of a one-shot edit: the mask of its tensors, 0 for the moments. STM_E_INVALID. */
int stm_trainer_edit_target(const struct stm_trainer *t, const char *target, uint32_t *mask,
                            bool *norm, struct stm_err *err);
/* STM_E_INVALID: the arguments of the model leave out every tensor of `group`. */
int stm_trainer_present(const struct stm_trainer *t, const char *group, struct stm_err *err);
/* Fills t->state, once the arrays are there. STM_E_NOMEM. */
int stm_trainer_show(struct stm_trainer *t, struct stm_err *err);
/* Sorts and labels the pairs of t->order. */
void stm_trainer_split(struct stm_trainer *t);

#endif
