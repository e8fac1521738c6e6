/* What a struct stm_settings holds. */
#ifndef STEMMA_ENGINE_SETTINGS_H
#define STEMMA_ENGINE_SETTINGS_H

#include "base/buf.h"
#include "engine/tables.h"
#include "stemma/engine.h"

enum { STM_HOLDS_MAX = 8, STM_FREEZES_MAX = 8, STM_HOLD_VALUES_MAX = 8 };

/* The three things with arguments of their own. */
enum stm_part { STM_PART_MODEL, STM_PART_OPTIMIZER, STM_PART_TASK, STM_PARTS };

struct stm_hold {
    char quantity[160]; /* canonical, without blanks: "norm(weights)", "share(E,W1,W2)" */
    unsigned type;      /* place in stm_holds */
    enum stm_hold_op op;
    char group[STM_HOLD_VALUES_MAX][24];
    size_t n_groups;
    double v[STM_HOLD_VALUES_MAX];
    size_t n;
};

/* Values are numbers; a symbol is what stm_param_symbol says; NaN is not set. */
struct stm_settings {
    int part[STM_PARTS]; /* place in its table, -1: not set */
    double arg[STM_PARTS][STM_ARGS_MAX];
    double knob[STM_KNOBS]; /* those with an alias live in arg[] */
    struct stm_hold hold[STM_HOLDS_MAX];
    size_t n_holds;
    char freeze[STM_FREEZES_MAX][24]; /* sorted */
    size_t n_freezes;
    struct stm_buf text;
};

/* The signature of the chosen task, model or optimizer; NULL when it is not set. */
const struct stm_sig *stm_settings_part(const struct stm_settings *s, enum stm_part part);
/* The value that stands for symbol i: its place, or a number below 0 where numbers are allowed too.
 */
double stm_param_symbol(const struct stm_param *p, int i);
/* Its default as a value; NaN when it has none. */
double stm_param_default(const struct stm_param *p);

/* What does not go together, for messages that name a place: keys, held quantities, groups. */
enum { STM_BLAME_MAX = 3 };
struct stm_blame {
    char key[STM_BLAME_MAX][160];
};
/* Up to STM_BLAME_MAX of them, ended by NULL; `b` may be NULL. */
void stm_blame_put(struct stm_blame *b, ...) __attribute__((sentinel));

/* STM_E_INVALID naming what is still not set, or what contradicts itself. */
int stm_settings_complete(const struct stm_settings *s, struct stm_blame *blame,
                          struct stm_err *err);

#endif
