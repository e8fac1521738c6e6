/* Training states: named tensors and scalars, their canonical bytes, identity and difference.
 *
 * A state is everything needed to take the next step and nothing else: no time, host, path or
 * name of an arm. Two states are the same if and only if their ids are the same. The id is the id
 * of the manifest object: the tensors sorted by name, each with dtype, shape and the ids of its
 * chunks, small values inline.
 *
 * Life cycle: start with all zeros, add tensors, or get a state from a store or a trainer. There is
 * no limit to how many tensors a state has, how long their names are and how large they are.
 *
 * Ownership: stm_state_release frees what a state owns. One that was got or copied owns
 * everything; one that was made with stm_state_add owns names and shapes and borrows the data; a
 * view of a trainer owns nothing, and may be released like any other. Threads: none.
 */
#ifndef STEMMA_STATE_H
#define STEMMA_STATE_H

#include "stemma/store.h"

enum stm_dtype {
    STM_F32 = 1,
    STM_F64 = 2,
    STM_U32 = 3,
    STM_U64 = 4,
    STM_F16 = 5,  /* IEEE 754 binary16 */
    STM_BF16 = 6, /* the upper half of an f32 */
    STM_I64 = 7
};
size_t stm_dtype_size(enum stm_dtype d);      /* bytes an element; 0: no such type */
const char *stm_dtype_name(enum stm_dtype d); /* "f32" */

enum { STM_DIMS_MAX = 255 };

struct stm_tensor {
    const char *name; /* "param.W1", "adam.m.blocks.0.attn.w_q", "step"; unique in a state */
    enum stm_dtype dtype;
    unsigned ndim;         /* 0 for a scalar; up to STM_DIMS_MAX */
    const uint32_t *shape; /* [ndim] */
    const void *data;      /* row-major, host byte order, aligned for its type; scalars too */
    size_t bytes;          /* product of shape * element size */
};

struct stm_state {
    const struct stm_tensor *t; /* [n], sorted by name, bytewise */
    size_t n;
    struct stm_state_memory *owned; /* NULL: a view */
};

/* Adds a tensor in its place. Name and shape are copied, `data` is borrowed. STM_E_NOMEM. Asserts
 * that the name is new. */
int stm_state_add(struct stm_state *s, const char *name, enum stm_dtype dtype, unsigned ndim,
                  const uint32_t *shape, const void *data, struct stm_err *err);
const struct stm_tensor *stm_state_find(const struct stm_state *s, const char *name); /* or NULL */
void stm_state_release(struct stm_state *s);
/* A copy that owns its data. STM_E_NOMEM. */
int stm_state_copy(struct stm_state *out, const struct stm_state *s, struct stm_err *err);
/* The value of scalar "step". */
uint64_t stm_state_step(const struct stm_state *s);

/* The ids of a state without storing it; tensor_ids[s->n] may be NULL. */
int stm_state_ids(const struct stm_state *s, struct stm_id *state_id, struct stm_id *tensor_ids,
                  struct stm_err *err);

/* Adds all objects of the state to a transaction; `id` gets the state id. */
int stm_state_put(struct stm_txn *t, const struct stm_state *s, struct stm_id *id,
                  struct stm_err *err);
/* Reads a state back, every chunk verified. STM_E_NOTFOUND, STM_E_DAMAGED. */
int stm_state_get(struct stm_store *st, const struct stm_id *id, struct stm_state *out,
                  struct stm_err *err);

/* How two tensors of one name differ. */
struct stm_tensor_diff {
    const char *name; /* of `a` or `b`, which must outlive it */
    enum stm_dtype dtype;
    bool only_a, only_b, shape_differs; /* then the numbers below are 0 */
    uint64_t elements, differ;          /* by bits: -0 and +0 differ, equal NaNs do not */
    double max_abs;                     /* largest |a - b|; NaN when a NaN is involved */
    double max_ulp;                     /* largest distance in units in the last place; of whole
                                           numbers |a - b| */
    double rel_norm;                    /* ||a - b|| / ||a||; infinite when only a is 0 */
    double cosine;                      /* of a and b as vectors; NaN when one is 0 */
};
/* Compares a with b, tensor by tensor, in the order of sorted names. Returns the number of entries
 * written to `out`, which has room for a->n + b->n. */
size_t stm_state_diff(const struct stm_state *a, const struct stm_state *b,
                      struct stm_tensor_diff *out);

#endif
