/* The engine: deterministic training. It does no I/O and keeps no hidden state.
 *
 * Same state + same settings + same numerics profile => same bits. Everything that decides the
 * next state is in the state (tensors, step, seed, permutation of the pairs) or in the settings.
 *
 * One step (docs/numerics.md): forward (x output scale, / temperature), loss, backward, gradient
 * transform, optimizer update, holds in file order, step counter.
 *
 * Life cycle: stm_engine_open once a process, then stm_trainer_new, then _init or _load, then any
 * number of _step, _measure, _view. Threads: one trainer, one thread. Memory: all of it is taken
 * in stm_trainer_new; nothing is allocated in a step.
 */
#ifndef STEMMA_ENGINE_H
#define STEMMA_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "stemma/err.h"
#include "stemma/state.h"
#include "stemma/vocab.h"

/* ---- the profile ---- */

/* Prepares the numerics, once a process; a second call with the same words does nothing.
 *
 * `profile` is "portable" (the default, NULL) or "openblas". Portable: stemma's own kernels, the
 * same bits on every processor; the widest set that this one runs is taken, STEMMA_KERNELS in the
 * environment (avx512, avx2, c) forces one and moves no bit. Openblas: products of matrices by that
 * library, loaded with one thread; `blas_core` is NULL (the best one for this processor) or one of
 * its core types, and STEMMA_BLAS_CORE stands for NULL.
 * STM_E_USAGE: no such profile or kernel set, or another profile is open. STM_E_ENGINE: no library,
 * unknown core, or a library that did not take the core. */
int stm_engine_open(const char *profile, const char *blas_core, struct stm_err *err);
/* What decides the bits, as one line: "portable/2", or "openblas/4 0.3.21-serial SkylakeX
 * gcc-12.2.0" (the version of stemma's own numerics, library, core type, compiler). Static storage.
 * Asserts that the engine is open. */
const char *stm_engine_profile(void);
/* The kernel set in use: "avx512", "avx2", "c". It decides no bit. */
const char *stm_engine_kernels(void);
/* The words of the language that the engine provides. Needs no open engine. */
const struct stm_vocab *stm_engine_vocab(void);

/* ---- settings ---- */

/* What is in effect for one step, as text pairs. Two settings are the same if and only if their
 * canonical texts are the same. */
struct stm_settings;

int stm_settings_new(struct stm_settings **out,
                     struct stm_err *err); /* every knob at its default */
int stm_settings_copy(struct stm_settings **out, const struct stm_settings *s, struct stm_err *err);
void stm_settings_free(struct stm_settings *s); /* NULL is fine */

/* Keys: "task" "model" "optimizer" take the name of a table line; "task.p", "model.embed",
 * "optimizer.beta1" its arguments; "lr" and "weight_decay" are the optimizer's lr and decay; the
 * other knobs of the vocabulary by name. STM_E_INVALID: unknown key, value outside its range; the
 * message says what is allowed. */
int stm_settings_num(struct stm_settings *s, const char *key, double value, struct stm_err *err);
int stm_settings_sym(struct stm_settings *s, const char *key, const char *value,
                     struct stm_err *err);

enum stm_hold_op { STM_HOLD_EQ, STM_HOLD_LE };
/* `quantity` as in the language: "norm(weights)" or "norm(rows(E))" above 0, "share(E, W1, W2)"
 * with as many values, which add up to 1, "logit_scale" above 0. A hold of the same quantity is
 * replaced in place. Holds act in their order, logit_scale after all others; it moves the
 * temperature, which is part of the state as long as the hold is in force. */
int stm_settings_hold(struct stm_settings *s, const char *quantity, enum stm_hold_op op,
                      const double *v, size_t n, struct stm_err *err);
int stm_settings_freeze(struct stm_settings *s, const char *group, struct stm_err *err);
/* Ends a hold or freeze; `target` is a quantity or a group. STM_E_NOTFOUND: none in force. */
int stm_settings_release(struct stm_settings *s, const char *target, struct stm_err *err);

/* The canonical text: one "key = value" a line, sorted, then the holds in order; numbers with 17
 * significant digits or fewer that read back to the same double. Terminated, owned by `s`, valid
 * until the next change. NULL when memory is out. */
const char *stm_settings_text(struct stm_settings *s);
/* From such a text. */
int stm_settings_parse(struct stm_settings **out, const char *text, struct stm_err *err);

/* ---- training ---- */

struct stm_trainer;

/* A trainer for these settings. Takes a copy of them. */
int stm_trainer_new(struct stm_trainer **out, const struct stm_settings *s, struct stm_err *err);
void stm_trainer_free(struct stm_trainer *t); /* NULL is fine */

/* The fresh state of `seed` at step 0: parameters from stream `init`, pairs from stream `split`. */
void stm_trainer_init(struct stm_trainer *t, uint64_t seed);
/* Takes over a copy of a state. One of the other precision is converted: exactly to f64, rounded to
 * nearest to f32 (the language asks for `round nearest` there). What the settings add to the state
 * ("grad.ema.W1", "temperature") and `s` has not starts as in a fresh state; what `s` has of these
 * and the settings do not need is left out. STM_E_INVALID names the tensor that is missing or
 * misshaped. */
int stm_trainer_load(struct stm_trainer *t, const struct stm_state *s, struct stm_err *err);
/* The present state, borrowed: valid until the next call on `t`. */
void stm_trainer_view(const struct stm_trainer *t, struct stm_state *out);
uint64_t stm_trainer_at(const struct stm_trainer *t); /* the present step */

/* Applies every hold in force once, in order: the edit at a fork. `but`: the quantities of those
 * that are left out, with blanks between them; NULL: none. */
void stm_trainer_apply_holds(struct stm_trainer *t, const char *but);

enum stm_edit_op { STM_EDIT_SET, STM_EDIT_MUL, STM_EDIT_ADD };
/* A one-shot edit: target is a group, "norm(GROUP)" or "moments". STM_E_INVALID. */
int stm_trainer_edit(struct stm_trainer *t, const char *target, enum stm_edit_op op, double value,
                     struct stm_err *err);

/* One update. `track` keeps what eff_lr and cos need (the weights before the update); it moves no
 * bit. */
void stm_trainer_step(struct stm_trainer *t, bool track);
/* True once a parameter or the last loss is NaN or infinite. */
bool stm_trainer_diverged(const struct stm_trainer *t);
/* Gives every NaN of the state the same bits. Which of them an operation makes is the processor's
 * choice; a diverged trainer has the same state everywhere only after this. */
void stm_trainer_one_nan(struct stm_trainer *t);

/* ---- metrics ---- */

struct stm_metric {
    unsigned index;    /* line in the engine's table */
    int set;           /* enum of sets, or -1 */
    const char *group; /* in the vocabulary's memory, or NULL */
    int field, op;     /* condition, or -1 */
    double bound;
};
/* Reads a metric as written in the language: "acc(test)", "frac(train, p_correct >= 1)",
 * "norm(blocks.0.attn)". STM_E_INVALID. */
int stm_metric_parse(struct stm_metric *out, const char *text, struct stm_err *err);
/* True when the metric reads the last update (eff_lr, cos): the step before must be taken with
 * `track`.
 */
bool stm_metric_reads_update(const struct stm_metric *m);
/* The values of several metrics on the present state: what they share (a forward pass) is done
 * once. out[i] is NaN where a metric cannot be evaluated (eff_lr of an untracked step). */
void stm_trainer_measure(struct stm_trainer *t, const struct stm_metric *const *m, size_t n,
                         double *out);

#endif
