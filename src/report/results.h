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

/* A claim as a statistic of the seeds that are selected, while it is computed. */
struct rep_work {
    bool *reads;      /* [n_nodes] the arms that it reads */
    int a, b;         /* contrast */
    const int *nodes; /* fit: its cells */
    unsigned n_nodes;
    double *room;      /* fit: regressors and y of every cell */
    unsigned long gen; /* the selection that `value`, `fit` and `left_out` are of; 0: none */
    struct stm_cell value;
    struct stm_ols fit;
    unsigned left_out; /* cells without their number, because it is censored */
};

struct rep_compute {
    const struct stm_data *d;
    struct rep_results *r;
    struct stm_ev ev;
    unsigned *base, *sel;  /* [n_seeds] the seeds that entered the claim; the resample */
    struct rep_work *work; /* [n_claims]; NULL outside of stm_results_compute */
    bool computing;        /* a claim: those that it reads are computed of the same seeds */
};

enum { REP_RESAMPLES = 4000, REP_MIN_SEEDS = 3, REP_MAX_RESAMPLES = STM_RESAMPLES_MAX };
enum { REP_WHY = STM_REASON };

/* claims.c: fills r->pub.claims[i]. Only memory can fail. */
void rep_claim(struct rep_compute *c, unsigned i);
/* A field of a claim, for expressions that read it. */
struct stm_cell rep_claim_field(void *ctx, struct stm_ev *ev, int claim_index, const char *field);
/* An expression that has to be one number, read in an arm (-1: in none). */
struct stm_cell rep_number(struct stm_ev *ev, const struct stm_expr *e, int node);
/* fit.c: the cells of a fit; false with the reason in *why. */
bool rep_fit_prepare(struct rep_compute *c, const struct stm_claim *claim, struct rep_work *w,
                     struct stm_cell *why);
/* Least squares over the seeds that are selected: R2, or why there is none. */
struct stm_cell rep_fit(struct rep_compute *c, const struct stm_claim *claim, struct rep_work *w);
/* A part of a fit; false when it has no such part. */
bool rep_fit_part(const struct stm_ols *f, const char *part, double *out);
/* expect.c: fills r->pub.expects[i]. */
void rep_expect(struct rep_compute *c, unsigned i);

/* ---- what is read (reads.c) ---- */

/* Marks the arms that an expression reads in `scope`: reads[n_nodes]. */
void rep_reads(struct rep_compute *c, const struct stm_expr *e, const struct stm_scope *scope,
               bool *reads);
/* Whether as many seeds came to the forks of these arms as the forks need; else `why` says it. */
bool rep_has_need(const struct stm_data *d, const bool *reads, char why[REP_WHY]);
/* The same of what an expression reads. */
bool rep_may_read(struct rep_compute *c, const struct stm_expr *e, const struct stm_scope *scope,
                  char why[REP_WHY]);

/* calibrate.c: the number; false with the reason why there is none. */
bool rep_calibrate(const struct stm_data *d, unsigned i, double *value, char why[REP_WHY]);

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
/* The same with "> " before a lower bound; words as they are; yes and no; "not measured yet" of
 * what nobody looked at; "-" without a value, whose reason stands elsewhere. */
void rep_put_cell(struct stm_buf *b, const struct stm_cell *c);
/* The shortest decimal that reads back as v; null where it is not finite. */
void rep_put_json_number(struct stm_buf *b, double v);
/* A number, or {"greater_than": v}. */
void rep_put_json_bound(struct stm_buf *b, double v, bool censored);
void rep_put_json_string(struct stm_buf *b, const char *s);
/* An expression as canonical text in the arena; NULL when out of memory. */
const char *rep_expr_text(struct stm_arena *mem, const struct stm_expr *e);
/* What a claim says: "raised / same on median(delay)". */
const char *rep_claim_text(struct stm_arena *mem, const struct stm_claim *claim);
const char *rep_outcome_name(enum stm_outcome outcome); /* "holds", "FAILS", "not evaluable" */

#endif
