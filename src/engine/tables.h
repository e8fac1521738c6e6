/* What a task, model, loss, optimizer, hold and metric is to the engine.
 *
 * Each kind is a struct: what the language needs to know of it (`sig`), and functions. A new one is
 * one file and one line in lists.h, from which tables.c makes what the trainer looks up, and the
 * vocabulary.
 *
 * Functions that work on the numbers of a state come twice, [0] for float and [1] for double; their
 * `void *` arrays are of that type.
 */
#ifndef STEMMA_ENGINE_TABLES_H
#define STEMMA_ENGINE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stemma/err.h"
#include "stemma/vocab.h"

enum { STM_ARGS_MAX = 8, STM_TENSORS_MAX = 16, STM_MOMENTS_MAX = 2, STM_SCALARS_MAX = 2 };
enum stm_precision { STM_PREC_F32, STM_PREC_F64, STM_PRECISIONS };

/* The arguments of a signature. */
#define STM_PARAMS(array) .params = (array), .n_params = sizeof(array) / sizeof *(array)

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

struct stm_tensor_spec {
    const char *name; /* "W1"; in the state "param.W1" */
    unsigned ndim;
    uint32_t shape[2];
    size_t n;        /* elements; 0: these arguments leave it out */
    uint32_t fan_in; /* 0: starts at zero */
    bool decay;      /* weight decay acts on it */
    double init;     /* factor on N(0, 1) / sqrt(fan in) */
};

/* Memory cut from one block: with base NULL it only counts. */
struct stm_carve {
    char *base;
    size_t used;
};
/* `bytes` of it, 64-byte aligned; NULL while counting. */
void *stm_carve_take(struct stm_carve *c, size_t bytes);

/* A model bound to memory. */
struct stm_net {
    struct stm_task_shape task;
    const struct stm_task_type *task_type;
    const double *task_arg, *arg; /* the task's arguments, the model's */
    unsigned n_tensors;
    struct stm_tensor_spec spec[STM_TENSORS_MAX];
    void *param[STM_TENSORS_MAX], *grad[STM_TENSORS_MAX];
    void *work[20]; /* the model's own */
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
    unsigned n_tensors;
    uint32_t quiet_args; /* bit i: argument i is left out of the canonical text at its default */
    const uint32_t *group_masks; /* one a group of the signature; bit k is tensor k */
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
    void *param, *grad, *moment[STM_MOMENTS_MAX];
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
    /* Enforces it on the trainer's parameters; mask[i] are the tensors of its group i. */
    void (*apply)(struct stm_trainer *t, const struct stm_hold *h, const uint32_t *mask);
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
    /* The value when it is not the mean of a field (field < 0). */
    double (*value)(const struct stm_trainer *t, const struct stm_metric *m, uint32_t mask);
};

/* ---- the tables: in step with the arrays of stm_engine_vocab() ---- */

extern const struct stm_task_type *const stm_tasks[];
extern const struct stm_model_type *const stm_models[];
extern const struct stm_loss_type *const stm_losses[];
extern const struct stm_logits_type *const stm_logits_types[];
extern const struct stm_grad_type *const stm_grad_types[];
extern const struct stm_optimizer_type *const stm_optimizers[];
extern const struct stm_hold_type *const stm_holds[];
extern const struct stm_metric_type *const stm_metrics[];

/* Places in the vocabulary's knobs. */
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
    STM_KNOB_LR_E,
    STM_KNOB_LR_W1,
    STM_KNOB_LR_W2,
    STM_KNOB_LR_W3,
    STM_KNOB_LR_W4,
    STM_KNOB_LR_W5,
    STM_KNOB_LR_W6,
    STM_KNOB_LR_B1,
    STM_KNOB_LR_B2,
    STM_KNOB_LR_B3,
    STM_KNOB_LR_B4,
    STM_KNOB_LR_B5,
    STM_KNOB_LR_B6,
    STM_KNOB_LR_BIASES,
    STM_KNOB_LR_WEIGHTS,
    STM_KNOB_OUTPUT_SCALE,
    STM_KNOB_PRECISION,
    STM_KNOB_PRECISION_LOSS,
    STM_KNOB_STREAM_BATCH,
    STM_KNOB_TEMPERATURE,
    STM_KNOB_WEIGHT_DECAY,
    STM_KNOBS
};
/* The optimizer's argument that a knob stands for, or NULL. */
extern const char *const stm_knob_alias[STM_KNOBS];
/* The group whose learning rate a knob is ("W1" of lr.W1), or NULL. */
const char *stm_knob_lr_group(int knob);
/* Left out of the canonical text at its default, because texts were stored before it came. */
extern const bool stm_knob_quiet[STM_KNOBS];
/* The knob whose word `knob` is an argument of, and the word's place: "logits.clip.c" is argument c
 * of `logits = clip(c)`. -1 when it is not an argument. */
int stm_knob_owner(int knob, int *word);
extern const char *const stm_set_names[]; /* NULL-terminated */

/* The group's tensors in model `model` (a place in the table), 0 when it has no such group; with a
 * negative `model`, in the first model that has it. `sig` (may be NULL) gets its signature. */
uint32_t stm_group_mask(int model, const char *group, const struct stm_group **sig);

#endif
