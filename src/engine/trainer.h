/* What a struct stm_trainer holds: lists in an arena, and one aligned block behind every array of
 * numbers. */
#ifndef STEMMA_ENGINE_TRAINER_H
#define STEMMA_ENGINE_TRAINER_H

#include "engine/settings.h"
#include "engine/tables.h"
#include "stemma/engine.h"

/* For tests: trainers made while it is set take the general functions of their model. */
extern bool stm_trainer_plain;

/* Lists have an element for each tensor of the model where they say nothing else. */
struct stm_trainer {
    struct stm_settings set;
    const struct stm_model_type *model;
    const struct stm_model_ops *ops;
    const struct stm_loss_type *loss;
    const struct stm_optimizer_type *optimizer;
    const struct stm_grad_type *transform; /* NULL: the gradient as it is */
    const struct stm_logits_type *logits;  /* NULL: the loss sees them as they are */
    enum stm_precision prec, loss_prec;
    size_t real;     /* bytes of an element */
    size_t per_tile; /* pairs of a tile: a multiple of 16, up to STM_TILE */
    struct stm_net net;
    struct stm_slot *slot; /* as the optimizer sees them */
    void **buffer;         /* of the transform of the gradient */
    void **before;         /* parameters before a tracked update */
    double *lr;
    bool *frozen, *weights;   /* sets */
    bool *asked;              /* the set of the metric or edit at hand */
    const bool *const **held; /* [set.n_holds] the sets of the groups of each hold */
    double *square;           /* [most groups of a hold] squared norms of them */
    /* The setting's, or where a hold has moved it; then it is part of the state. */
    double temperature;
    bool temperature_held;
    double *arg;     /* of the optimizer, with the learning rate of the tensor at hand */
    unsigned lr_arg; /* its place there */
    double *scalar;  /* [optimizer->n_scalars] */
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

    bool tracked;             /* what follows is of the last update */
    double *delta2, *before2; /* squared norms */
    double *along;            /* inner product of the update with what was before */
    double check;             /* finite if and only if the last loss was */
    struct stm_arena arena;
    void *block;
    struct stm_state state; /* what stm_trainer_view shows: names, and where the data is */
};

#endif
