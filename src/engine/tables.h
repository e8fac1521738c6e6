/* What a task, model, loss, optimizer, hold and metric is to the engine.
 *
 * Each kind is a struct: what the language needs to know of it (`sig`), and functions. A new one is
 * one file and one line in lists.h, from which tables.c makes what the trainer looks up, and the
 * vocabulary.
 *
 * A set of tensors is an array of bool, one for each tensor of the model.
 *
 * Functions that work on the numbers of a state come twice, [0] for float and [1] for double; their
 * `void *` arrays are of that type.
 */
#ifndef STEMMA_ENGINE_TABLES_H
#define STEMMA_ENGINE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/carve.h"
#include "stemma/err.h"
#include "stemma/vocab.h"

enum stm_precision { STM_PREC_F32, STM_PREC_F64, STM_PRECISIONS };

/* The arguments of a signature. */
#define STM_PARAMS(array) .params = (array), .n_params = sizeof(array) / sizeof *(array)
/* The tensors of a model's, and its groups. */
#define STM_TENSORS(array) .tensors = (array), .n_tensors = sizeof(array) / sizeof *(array)
#define STM_GROUPS(array)  .groups = (array), .n_groups = sizeof(array) / sizeof *(array)

struct stm_trainer;
struct stm_metric;

/* ---- tasks ---- */

/* Examples are pairs (a, b) of tokens, numbered a * tokens + b, or points, each a row of numbers.
 * `pairs` stands for either. */
struct stm_task_shape {
    uint32_t tokens, classes, pairs, train; /* how many pairs of the permutation are trained on */
    uint32_t inputs;                        /* numbers of a point; 0: pairs */
};
struct stm_task_type {
    struct stm_sig sig;
    void (*shape)(const double *arg, struct stm_task_shape *out);
    uint32_t (*label)(const double *arg, uint32_t pair);
    /* The pair of place i, ascending; NULL: pair i. */
    uint32_t (*pair)(const double *arg, uint32_t i);
    /* Of tasks of points: row[inputs] of one. Overwrites. */
    void (*input)(const double *arg, uint32_t point, double *row);
    /* STM_E_INVALID: arguments that do not go together, *at the place of one; NULL: all of them do.
     */
    int (*check)(const double *arg, unsigned *at, struct stm_err *err);
};

/* ---- models ---- */

enum { STM_SPEC_DIMS = 8 }; /* no limit of states: a model with more dimensions raises it */

/* A tensor of the model under its arguments. */
struct stm_tensor_spec {
    unsigned ndim; /* 0: these arguments leave it out */
    uint32_t shape[STM_SPEC_DIMS];
    uint32_t fan_in; /* 0: starts at zero */
    bool decay;      /* weight decay acts on it */
    double init;     /* factor on N(0, 1) / sqrt(fan in) */
    /* What follows from that and the signature; the trainer fills it in. */
    const char *name; /* "W1"; in the state "param.W1" */
    size_t n;         /* elements */
};

/* A matrix [rows][cols] that decays, and a vector that starts at zero and does not. */
static inline struct stm_tensor_spec stm_weight(uint32_t rows, uint32_t cols, uint32_t fan_in,
                                                double init)
{
    return (struct stm_tensor_spec){
        .ndim = 2, .shape = {rows, cols}, .fan_in = fan_in, .decay = true, .init = init};
}

static inline struct stm_tensor_spec stm_bias(uint32_t n)
{
    return (struct stm_tensor_spec){.ndim = 1, .shape = {n}};
}

/* A model bound to memory. */
struct stm_net {
    struct stm_task_shape task;
    const struct stm_task_type *task_type;
    const double *task_arg, *arg; /* the task's arguments, the model's */
    size_t n_tensors;
    struct stm_tensor_spec *spec; /* [n_tensors] */
    void **param, **grad;         /* [n_tensors] */
    void **work;                  /* [n_work] the model's own */
};

/* A pass: begin, then for each tile forward (and backward), then end when there are gradients. */
struct stm_model_ops {
    void (*carve)(struct stm_net *net, struct stm_carve *c); /* for tiles of STM_TILE */
    /* What does not depend on the pairs; with `grad`, clears what the tiles accumulate. */
    void (*begin)(struct stm_net *net, bool grad);
    /* logits[classes][T] = network(pairs[T]) * scale; overwrites. With `grad` keeps what backward
     * needs. */
    void (*forward)(struct stm_net *net, const uint32_t *pairs, size_t T, double scale,
                    void *logits, bool grad);
    /* From dlogits[classes][T], the derivative by the unscaled logits; accumulates in pair order.
     */
    void (*backward)(struct stm_net *net, const uint32_t *pairs, size_t T, const void *dlogits);
    void (*end)(struct stm_net *net); /* completes grad[] */
};
struct stm_model_type {
    struct stm_model_sig sig;
    unsigned n_work; /* arrays of its own, at the most */
    /* out[sig.n_tensors], all zeros before */
    void (*shape)(const double *arg, const struct stm_task_shape *task,
                  struct stm_tensor_spec *out);
    struct stm_model_ops ops[STM_PRECISIONS];
    /* The same bits faster, where the products are stemma's own; and the pairs of a tile there, a
     * multiple of 16 up to STM_TILE, chosen so that the arrays fit the second cache. */
    struct stm_model_ops panels[STM_PRECISIONS];
    size_t panels_tile[STM_PRECISIONS];
};

/* ---- losses ---- */

/* T pairs of one forward pass, pairs as the fast index. `exp` [C][T] is exp(logits - top), `sum`
 * its column sums. */
struct stm_tile {
    size_t C, T;
    const uint32_t *label;
    void *logits, *exp, *top, *sum;
    void *seen, *length; /* of a transform of the logits */
};
struct stm_loss_type {
    /* Overwrites logits with factor * d(loss of the pair)/dlogits; the caller's factor holds the
     * 1/n of the mean and the scale of the logits. Uses top and sum, not exp. Returns a number that
     * is finite if and only if the losses are. */
    double (*grad[STM_PRECISIONS])(struct stm_tile *tile, double factor);
    /* loss[T] of each pair; logits, exp, top and sum of the tile are filled. */
    void (*value[STM_PRECISIONS])(const struct stm_tile *tile, double *loss);
    /* p[T], the probability that the loss gives to the label; NULL: that of the soft-max. */
    void (*p_correct[STM_PRECISIONS])(const struct stm_tile *tile, double *p);
};

/* What the loss sees of the logits, after output scale and temperature. */
struct stm_logits_type {
    int arg; /* the knob with its argument c */
    /* logits <- transform(logits), in place. */
    void (*apply[STM_PRECISIONS])(struct stm_tile *tile, double c);
    /* From the derivative by the transformed logits that by the logits, in place; `seen` [C][T] are
     * the transformed ones, and length[T] is what apply left there. */
    void (*back[STM_PRECISIONS])(struct stm_tile *tile, double c);
};

/* ---- gradient transforms ---- */

enum { STM_GRAD_ARGS_MAX = 2 };
/* Acts on the gradient of each tensor before the optimizer sees it. */
struct stm_grad_type {
    unsigned n_args;
    int arg[STM_GRAD_ARGS_MAX]; /* knobs */
    const char *buffer;         /* "grad.ema": prefix of its tensors in the state, which start at 0;
                                   NULL: none */
    void (*apply[STM_PRECISIONS])(const double *arg, const void *param, void *grad, void *buffer,
                                  size_t n);
};

/* ---- optimizers ---- */

/* One tensor under the optimizer. */
struct stm_slot {
    void *param, *grad;
    void **moment; /* [n_moments] */
    size_t n;
    bool decay;
};
struct stm_optimizer_type {
    struct stm_sig sig;
    unsigned n_moments, n_scalars;
    const char *const *moments; /* "adam.m": prefixes of tensor names in the state */
    const char *const *scalars; /* names of float64 scalars in the state */
    double scalar_start;
    /* Once a step, before the tensors. The `arg` of update has the learning rate of its tensor. */
    void (*begin)(const double *arg, double *scalar);
    void (*update[STM_PRECISIONS])(const double *arg, const double *scalar,
                                   const struct stm_slot *slot);
};

/* ---- holds and metrics ---- */

struct stm_hold;
struct stm_hold_type {
    struct stm_hold_sig sig;
    /* Enforces it on the trainer's parameters; set[i] are the tensors of its group i. */
    void (*apply)(struct stm_trainer *t, const struct stm_hold *h, const bool *const *set);
    bool last;        /* acts after the others, whose result it reads */
    bool temperature; /* what it moves is the temperature, which is then part of the state */
};

/* Per-pair quantities of a forward pass. */
enum stm_field {
    STM_FIELD_P_CORRECT, /* probability of the label, computed in the precision of the loss */
    STM_FIELD_MARGIN,    /* correct logit minus the largest other */
    STM_FIELD_CORRECT,   /* 1 when the first largest logit is the label's, else 0 */
    STM_FIELD_LOSS,
    STM_FIELD_NORM, /* L2 norm of the logits */
    STM_FIELDS,
    STM_FIELDS_NAMED = STM_FIELD_CORRECT /* how many a protocol can name; tables.c has the names */
};
enum stm_set { STM_SET_TRAIN, STM_SET_TEST, STM_SET_ALL, STM_SETS };

struct stm_metric_type {
    struct stm_metric_sig sig;
    int field; /* the per-pair field it is the mean of over its set, or -1 */
    int set;   /* the set when the language does not name one, or -1 */
    bool reads_update;
    /* The value of a group when it is not the mean of a field (field < 0). */
    double (*value)(const struct stm_trainer *t, const bool *set);
};

/* ---- the tables: in step with the arrays of stm_engine_vocab(); the first five end with NULL ----
 */

extern const struct stm_task_type *const stm_tasks[];
extern const struct stm_model_type *const stm_models[];
extern const struct stm_optimizer_type *const stm_optimizers[];
extern const struct stm_hold_type *const stm_holds[];
extern const struct stm_metric_type *const stm_metrics[];
extern const struct stm_loss_type *const stm_losses[];
extern const struct stm_logits_type *const stm_logits_types[];
extern const struct stm_grad_type *const stm_grad_types[];

/* Places in stm_knobs. */
enum stm_knob {
    STM_KNOB_BATCH,
    STM_KNOB_DATA_TRAIN,
    STM_KNOB_GRAD,
    STM_KNOB_GRAD_EMA_BETA,
    STM_KNOB_GRAD_EMA_LAMBDA,
    STM_KNOB_LOGITS,
    STM_KNOB_LOGITS_CLIP,
    STM_KNOB_LOGITS_NORMALIZE,
    STM_KNOB_LOSS,
    STM_KNOB_LR,
    STM_KNOB_LR_GROUP,
    STM_KNOB_OUTPUT_SCALE,
    STM_KNOB_PRECISION,
    STM_KNOB_PRECISION_LOSS,
    STM_KNOB_STREAM_BATCH,
    STM_KNOB_TEMPERATURE,
    STM_KNOB_WEIGHT_DECAY,
    STM_KNOBS
};
extern const struct stm_param stm_knobs[STM_KNOBS];
/* The optimizer's argument that a knob stands for, or NULL. */
extern const char *const stm_knob_alias[STM_KNOBS];
/* The knob whose word `knob` is an argument of, and the word's place: "logits.clip.c" is argument c
 * of `logits = clip(c)`. -1 when it is not an argument. */
int stm_knob_owner(int knob, int *word);
extern const char *const stm_set_names[], *const stm_field_names[]; /* NULL-terminated */

/* The group called name[0..n) of model `model` (a place in the table); with a negative `model`, of
 * the first model that has it. In the vocabulary's own memory; NULL: there is none. */
const char *stm_group_name(int model, const char *name, size_t n);

#endif
