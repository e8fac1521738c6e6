/* What the files of this room share: results in the making, cells of tables, numbers as text. */
#ifndef STEMMA_REPORT_RESULTS_H
#define STEMMA_REPORT_RESULTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "run/eval.h"
#include "stemma/report.h"

/* The results and what their public part does not show. */
struct rep_results {
    struct stm_results pub; /* first: a struct stm_results is one of these */
    struct stm_ols *fits;   /* plan->n_claims; only fits are filled */
    unsigned *left_out;     /* fits: cells left out because they are censored */
    struct stm_arena mem;
};

struct rep_compute {
    const struct stm_data *d;
    struct rep_results *r;
    struct stm_ev ev;
    unsigned *sel; /* [n_seeds] the resample */
};

enum { REP_RESAMPLES = 4000, REP_MIN_SEEDS = 3, REP_MAX_RESAMPLES = STM_RESAMPLES_MAX };

/* claims.c: fills r->pub.claims[i]. Only memory can fail. */
void rep_claim(struct rep_compute *c, unsigned i);
/* A field of a claim, for expressions that read it. */
struct stm_cell rep_claim_field(void *ctx, struct stm_ev *ev, int claim_index, const char *field);
/* expect.c: fills r->pub.expects[i]. */
void rep_expect(struct rep_compute *c, unsigned i);

/* ---- tables (table.c) ---- */

struct rep_cell {
    struct stm_cell c; /* one value; its texts are in the table's memory */
    bool spread;       /* a value per seed: `c` is the smallest, `high` the largest */
    struct stm_cell high;
};

struct rep_table {
    const char *name;
    unsigned n_rows, n_cols;
    const int *nodes;       /* [n_rows] */
    const char **heads;     /* [n_cols] canonical text */
    struct rep_cell *cells; /* [n_rows][n_cols] */
    const char *why;        /* the table could not be made; else NULL */
    struct stm_arena mem;
};

int rep_table_make(struct rep_table *t, const struct stm_data *d, const struct stm_results *r,
                   const struct stm_display *display, struct stm_err *err);
void rep_table_release(struct rep_table *t);

/* ---- text (format.c) ---- */

/* A number for humans: whole numbers, halves and what 4 digits say exactly as they are, else 3
 * decimals (fewer for large numbers, %.4g for very small and very large ones). */
void rep_put_number(struct stm_buf *b, double v);
/* The same with "> " before a lower bound; words as they are; yes and no; "-" without a value. */
void rep_put_cell(struct stm_buf *b, const struct stm_cell *c);
/* The shortest decimal that reads back as v; null where it is not finite. */
void rep_put_json_number(struct stm_buf *b, double v);
void rep_put_json_string(struct stm_buf *b, const char *s);
/* An expression as canonical text in the arena; NULL when out of memory. */
const char *rep_expr_text(struct stm_arena *mem, const struct stm_expr *e);
/* What a claim says: "raised / same on median(delay)". */
const char *rep_claim_text(struct stm_arena *mem, const struct stm_claim *claim);
const char *rep_outcome_name(enum stm_outcome outcome); /* "holds", "FAILS", "not evaluable" */

#endif
