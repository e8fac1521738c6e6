/* The words that a protocol may use for tasks, models, knobs, holds and metrics.
 *
 * Data, a few questions about it, and one function: the engine fills one `struct stm_vocab` from
 * its tables (stm_engine_vocab), the checker of the language reads it. So a new model, loss,
 * optimizer, hold or metric is known to `stemma check` as soon as it has its line in the engine's
 * table, and what the engine would refuse is refused by `check`, by the same code. Everything here
 * is static and constant; pointers are borrowed for the life of the process.
 */
#ifndef STEMMA_VOCAB_H
#define STEMMA_VOCAB_H

#include <stdbool.h>
#include <stddef.h>

enum stm_kind {
    STM_K_INT,  /* a whole number */
    STM_K_NUM,  /* a real number */
    STM_K_BOOL, /* on / off */
    STM_K_SYM   /* one of `syms` */
};

/* One named, typed value: an argument of a task, model or optimizer, or a knob.
 *
 * Names of knobs may be dotted.
 *   PART of a knob: `precision.loss`. Without a default it follows the whole until it is set.
 *   GROUP: `lr.GROUP` stands for a part for each group of the model: lr.E, lr.blocks.0.attn.
 *   ARGUMENT of a word: `logits.clip.c` is the c of `logits = clip(10)`, because `clip` is one of
 *     the words of `logits`. It is given with its word only, by name or, the first one in the
 *     table, without; an argument without a default must be given. Settings are then
 *     logits = clip, logits.clip.c = 10. `grad = ema(beta = 0.98, lambda = 2)` has two such knobs.
 *   `optimizer.X` is the optimizer's argument X, where the optimizer at hand has it. */
struct stm_param {
    const char *name;
    enum stm_kind kind;
    double min, max;         /* closed range of a number; ignored for symbols */
    bool open_min, open_max; /* the bound itself is excluded */
    const char *const
        *syms;       /* NULL-terminated names; a number knob may have them too (batch = full) */
    const char *def; /* default as it would be written; NULL: must be given */
    bool quiet;      /* at its default no line of settings, which were stored before it came */
    const char *doc; /* one line, lower case, with the unit */
};

/* What a task's examples are. */
enum stm_input {
    STM_IN_PAIR = 1,  /* two tokens */
    STM_IN_VECTOR = 2 /* a row of numbers */
};

/* A constructor with named arguments: modular_add(p = 59, train = 0.40). */
struct stm_sig {
    const char *name;
    const struct stm_param *params;
    size_t n_params;
    const char *doc;
    unsigned inputs; /* of enum stm_input: what a task gives, all that a model takes; else 0 */
};

/* A parameter tensor of a model. Names are words with dots between them; words have letters, digits
 * and _, and the first begins with a letter. */
struct stm_tensor_sig {
    const char *name; /* "W1", "blocks.0.attn.w_q" */
    bool bias;        /* of no weight: the norm of biases alone cannot be held */
};

/* A set of them with a name of its own. */
struct stm_group {
    const char *name;    /* "attn", "blocks.0" */
    const char *tensors; /* names with blanks between them, in which * stands for any letters:
                            "blocks.*.attn.*" */
};

/* A model's groups are its tensors, each by its name, what it names itself, and three of every
 * model: `weights`, the tensors that are no biases, `biases`, and `all`. None is empty. */
struct stm_model_sig {
    struct stm_sig sig;
    const struct stm_tensor_sig *tensors;
    size_t n_tensors;
    const struct stm_group *groups;
    size_t n_groups;
};

/* The i-th group as they are listed: weights, biases, the model's own, the three; NULL behind the
 * last. */
const char *stm_group_at(const struct stm_model_sig *m, size_t i);
/* The group called name[0..n), in the vocabulary's own memory; NULL: the model has none. */
const char *stm_group_find(const struct stm_model_sig *m, const char *name, size_t n);
/* Of groups that the model has: whether one has the tensor, has nothing but biases, has no tensor
 * that the other has not, has one in common with the other. */
bool stm_group_has(const struct stm_model_sig *m, const char *group, size_t tensor);
bool stm_group_is_bias(const struct stm_model_sig *m, const char *group);
bool stm_group_within(const struct stm_model_sig *m, const char *a, const char *b);
bool stm_groups_overlap(const struct stm_model_sig *m, const char *a, const char *b);
/* Of a knob of groups, lr.GROUP, how many letters stand before the group; 0: it is another knob. */
size_t stm_knob_prefix(const struct stm_param *knob);

/* What may stand between the parentheses of a metric or hold: acc(SET), norm(GROUP). */
enum stm_arg_kind {
    STM_A_NONE,
    STM_A_SET,      /* train, test, all */
    STM_A_GROUP,    /* a group of the model */
    STM_A_SET_COND, /* a set and a comparison of a per-example field: frac(train, p_correct >= 1.0)
                     */
    STM_A_GROUPS,   /* holds only: two or more groups without a common tensor; the value is a tuple
                     * of as many numbers from 0 to 1 that add up to 1:
                     * share(E, W1, W2) = (0.2, 0.5, 0.3) */
    STM_A_ROWS      /* holds only: each row of a group's matrices, norm(rows(E)); a line of its own
                     * beside the one of norm(E) */
};

struct stm_metric_sig {
    const char *name;
    enum stm_arg_kind arg;
    const char *doc;
};

/* A quantity that `hold` can enforce. */
struct stm_hold_sig {
    const char *name;      /* norm */
    enum stm_arg_kind arg; /* what it takes */
    bool upper_bound;      /* `hold q <= v` is possible too */
    const char *doc;
};

/* ---- what is in force together ---- */

enum stm_force {
    STM_FORCE_SET,     /* a setting: "task", "task.p", "lr", "grad.ema.beta" */
    STM_FORCE_HOLD,    /* hold KEY = v */
    STM_FORCE_HOLD_LE, /* hold KEY <= v */
    STM_FORCE_FREEZE,  /* freeze KEY */
    STM_FORCE_ONCE     /* once KEY, whatever the value */
};

/* One setting, hold or edit. Settings come before what depends on them: "task" before "task.p". */
struct stm_in_force {
    enum stm_force kind;
    const char *key;
    const char *sym;   /* a word; NULL: `num` */
    const double *num; /* [n] numbers; NaN: known only when it runs, and taken as valid */
    size_t n;          /* 1; of a share as many as it has groups; of a freeze or edit 0 */
};

struct stm_fault {
    char msg[256]; /* stands alone; no place, no code */
    size_t at;     /* what in the list is at fault, of several things the last; its length: none */
};

struct stm_vocab {
    const struct stm_sig *const *tasks;
    size_t n_tasks;
    const struct stm_model_sig *const *models;
    size_t n_models;
    const struct stm_sig *const *optimizers;
    size_t n_optimizers;
    const struct stm_param *knobs; /* keys of a train block and targets of `set`; "lr" is one */
    size_t n_knobs;
    const struct stm_metric_sig *const *metrics;
    size_t n_metrics;
    const struct stm_hold_sig *const *holds;
    size_t n_holds;
    const char *const *fields; /* per-example fields for conditions, NULL-terminated */
    /* Whether a step could be taken with this in force: 0; STM_E_INVALID and *out; STM_E_NOMEM. It
     * allocates little and trains nothing. NULL: whatever is in its range can. */
    int (*judge)(const struct stm_in_force *list, size_t n, struct stm_fault *out);
};

#endif
