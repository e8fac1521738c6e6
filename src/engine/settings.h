/* What a struct stm_settings holds. */
#ifndef STEMMA_ENGINE_SETTINGS_H
#define STEMMA_ENGINE_SETTINGS_H

#include "base/arena.h"
#include "base/buf.h"
#include "engine/tables.h"
#include "stemma/engine.h"

/* The three things with arguments of their own. */
enum stm_part { STM_PART_MODEL, STM_PART_OPTIMIZER, STM_PART_TASK, STM_PARTS };
extern const char *const stm_part_names[STM_PARTS];

/* Names of groups are the vocabulary's own strings. */

/* A knob of one group: lr.E. */
struct stm_group_knob {
    int knob; /* place of lr.GROUP in the vocabulary's knobs */
    const char *group;
    double value;
};

struct stm_hold {
    const char *quantity; /* canonical, without blanks: "norm(weights)", "share(E,W1,W2)" */
    unsigned type;        /* place in stm_holds */
    enum stm_hold_op op;
    const char **group; /* [n_groups] */
    size_t n_groups;
    double *v; /* [n] */
    size_t n;
};

/* Values are numbers; a symbol is what stm_param_symbol says; NaN is not set. */
struct stm_settings {
    int part[STM_PARTS];    /* place in its table, -1: not set */
    double *arg[STM_PARTS]; /* one for each of its parameters */
    double knob[STM_KNOBS]; /* those with an alias live in arg[], those of groups below */
    struct stm_group_knob *group_knob;
    size_t n_group_knobs;
    struct stm_hold *hold;
    size_t n_holds;
    const char **freeze; /* sorted */
    size_t n_freezes;
    struct stm_arena arena; /* behind all of that */
    struct stm_buf text;
};

/* Every knob at its default; there is nothing to free yet. */
void stm_settings_begin(struct stm_settings *s);
/* `out`, of which nothing is read, becomes a copy. STM_E_NOMEM; end it in any case. */
int stm_settings_clone(struct stm_settings *out, const struct stm_settings *s, struct stm_err *err);
void stm_settings_end(struct stm_settings *s);

/* The signature of the chosen task, model or optimizer; NULL when it is not set. */
const struct stm_sig *stm_settings_part(const struct stm_settings *s, enum stm_part part);
/* The value that stands for symbol i: its place, or a number below 0 where numbers are allowed too.
 */
double stm_param_symbol(const struct stm_param *p, int i);
/* Its default as a value; NaN when it has none. */
double stm_param_default(const struct stm_param *p);
/* The knob or argument behind a key, a knob of groups behind "lr.E"; NULL: there is none. */
const struct stm_param *stm_settings_param(struct stm_settings *s, const char *key);
/* The group called name[0..n) of the chosen model, or of any while none is chosen; NULL. */
const char *stm_settings_group(const struct stm_settings *s, const char *name, size_t n);
/* A list of n elements of `size` bytes with room for one more, in the settings' memory; NULL when
 * that is out. Lists grow by this alone: their room is a power of two, and n up to it. */
void *stm_settings_grow(struct stm_settings *s, void *list, size_t n, size_t size);

#endif
