/* A trajectory: what is known about training from one state under constant settings.
 *
 * Its key is the id of (start state id, settings text, profile); nothing else is in it, so equal
 * prefixes of different arms, files and stores are one trajectory. The trail is the list of
 * measured steps: state id, id of every tensor, metric values. States themselves are stored at a
 * few steps only (anchors). In the store a trail is a chain of records behind the ref
 * "seg-<key>", each ending with an anchor, so what a killed process lost is what came after it.
 *
 * Record payload, little-endian: magic, previous record, key, start id and step, profile,
 * settings, last step, divergence step, column names, tensor names, entries (see trail.c).
 */
#ifndef STEMMA_RUN_TRAIL_H
#define STEMMA_RUN_TRAIL_H

#include "base/arena.h"
#include "run/range.h"
#include "stemma/engine.h"
#include "stemma/store.h"

struct stm_trail_value {
    unsigned column; /* stm_trail.columns */
    double v;
};

struct stm_trail_entry {
    uint64_t step;
    struct stm_id state;
    bool stored;            /* an anchor */
    struct stm_id *tensors; /* [n_tensors] */
    struct stm_trail_value *values;
    unsigned n_values;
};

struct stm_trail {
    struct stm_id key;
    bool exists;         /* a record is in the store */
    struct stm_id head;  /* the newest record */
    struct stm_id start; /* state id */
    uint64_t start_step;
    uint64_t last;     /* the largest step that was executed */
    uint64_t diverged; /* step at which training diverged, or STM_NEVER */
    char *profile, *settings;
    const char **columns; /* canonical metric texts */
    unsigned n_columns, cap_columns;
    const char **tensor_names;
    unsigned n_tensors;
    struct stm_trail_entry *entries; /* ascending steps */
    size_t n_entries, cap_entries;
    struct stm_arena arena;
};

/* The key of a trajectory. */
struct stm_id stm_trail_key(const struct stm_id *start, const char *settings, const char *profile);

/* Loads the trail of `key`; exists is false when the store has none. STM_E_DAMAGED. */
int stm_trail_load(struct stm_trail *t, struct stm_store *s, const struct stm_id *key,
                   struct stm_err *err);
/* A new, empty one. */
int stm_trail_new(struct stm_trail *t, const struct stm_id *start, uint64_t start_step,
                  const char *settings, const char *profile, struct stm_err *err);
void stm_trail_release(struct stm_trail *t);

const struct stm_trail_entry *stm_trail_at(const struct stm_trail *t, uint64_t step); /* or NULL */
/* The last anchor at or before `step`, or NULL. */
const struct stm_trail_entry *stm_trail_anchor(const struct stm_trail *t, uint64_t step);
/* Reads the state of an anchor. STM_E_DAMAGED when the store has lost it. */
int stm_trail_state(const struct stm_trail_entry *e, struct stm_store *s, struct stm_state *out,
                    struct stm_err *err);
/* False when not measured. */
bool stm_trail_metric(const struct stm_trail *t, const struct stm_trail_entry *e, const char *text,
                      double *out);

/* Adds an entry or merges values into the one of that step. STM_E_MISMATCH when the step has
 * another state id. The entry's tensors and values are copied; value columns index t->columns. */
int stm_trail_add(struct stm_trail *t, const struct stm_trail_entry *e, struct stm_err *err);
/* Adds everything that `from` has; its head, last step and divergence are taken over too. */
int stm_trail_merge(struct stm_trail *t, const struct stm_trail *from, struct stm_err *err);
/* The index of a column, added when new; -1 when memory is out. */
int stm_trail_column(struct stm_trail *t, const char *text);
int stm_trail_set_tensors(struct stm_trail *t, const struct stm_state *s, struct stm_err *err);

/* Writes a record with entries[0..n) of `fresh` (a trail of the same key that holds only what is
 * new) in one transaction with the state `anchor` (NULL: none), and moves the ref from
 * `*head` (no id: the ref must be new) to it; *head becomes the new record. STM_E_CONFLICT when
 * another process was first. */
int stm_trail_commit(const struct stm_trail *fresh, struct stm_store *s,
                     const struct stm_state *anchor, struct stm_id *head, struct stm_err *err);

#endif
