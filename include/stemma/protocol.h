/* The protocol language: from text to a checked plan.
 *
 * The language is described in docs/language.md. This room knows no engine and no store: which
 * tasks, models, knobs and metrics exist comes in as a `struct stm_vocab`. A plan is a finite tree
 * of runs, forks and arms with every name resolved, every sweep expanded and every constant folded;
 * the run room walks it, the report room evaluates its claims.
 *
 * Life cycle: stm_protocol_check makes a plan (or none) and always a list of diagnostics; both are
 * freed by their _free. Ownership: everything inside a plan belongs to the plan's arena and lives
 * until stm_plan_free. Threads: none; a plan is constant once made.
 */
#ifndef STEMMA_PROTOCOL_H
#define STEMMA_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stemma/buf.h"
#include "stemma/err.h"
#include "stemma/vocab.h"

/* A place in a source file; lines and columns start at 1, columns count bytes. */
struct stm_span {
    unsigned file;           /* index into stm_plan.files / stm_diags.files */
    unsigned line, col, len; /* line 0: the file as a whole */
};

/* ---- expressions ---- */

enum stm_expr_kind {
    STM_X_NUM,   /* num (also a folded constant) */
    STM_X_STR,   /* name is the text */
    STM_X_NAME,  /* name; `ref` says what it is */
    STM_X_LIST,  /* [a, b] */
    STM_X_TUPLE, /* (a, b) */
    STM_X_CALL,  /* name(kids), keys[i] the name of a named argument or NULL; `ref` */
    STM_X_FIELD, /* kids[0] . name; with two kids kids[0] . kids[1], a call: up.norm(E) */
    STM_X_INDEX, /* kids[0] [ keys[i] = kids[i + 1] ] */
    STM_X_NEG,   /* - kids[0] */
    STM_X_NOT,   /* not kids[0] */
    STM_X_ADD,   /* kids[0] + kids[1], and so on */
    STM_X_SUB,
    STM_X_MUL,
    STM_X_DIV,
    STM_X_COMPARE, /* kids[0] ops[0] kids[1] ops[1] kids[2] ...: all must hold */
    STM_X_IN,      /* kids[0] in kids[1] (a list of two: closed interval) */
    STM_X_AND,
    STM_X_OR,
    STM_X_AT,      /* kids[0] @ kids[1]; kids[1] is NAME stop/start/fork/EVENT, CALL nearest(T), or
                      ADD(NAME fork, NUM), written `@ + N steps` */
    STM_X_AT_STEP, /* kids[0] @ step kids[1] */
    STM_X_ON       /* kids[0] on kids[1] (measured on another model or set) */
};

enum stm_cmp { STM_LT, STM_LE, STM_GT, STM_GE, STM_EQ, STM_NE };

/* What a NAME, CALL or FIELD stands for. `index` counts in the array named here. */
enum stm_ref_kind {
    STM_R_NONE,      /* an argument word that only its function understands (a set, a field) */
    STM_R_PARAM,     /* plan->params; folded, so seen only in source order */
    STM_R_LET,       /* plan->lets: a macro, evaluated in the context of the arm that reads it */
    STM_R_EVENT,     /* plan->events: a time per seed */
    STM_R_METRIC,    /* plan->metrics: a user metric */
    STM_R_CAPTURE,   /* plan->captures: a number per seed */
    STM_R_CALIBRATE, /* plan->calibrates: one number */
    STM_R_BIND,      /* a sweep variable: looked up in the node's and its ancestors' binds */
    STM_R_FAMILY,    /* plan->families: an arm or run by name, all its sweep instances */
    STM_R_FORK,      /* plan->forks: arms(post) */
    STM_R_CLAIM,     /* plan->claims: value, value.lo, value.hi, fit.r2 */
    STM_R_FUNCTION,  /* a function of the language: median, count, log, nearest, bootstrap, ... */
    STM_R_ENGINE,    /* a metric of the vocabulary: acc, norm, logit_scale */
    STM_R_WORD       /* seeds, seed, arm, fork, stop, start, step, ... */
};

struct stm_expr {
    enum stm_expr_kind kind;
    struct stm_span span;
    const char *name; /* see the kinds; NULL where there is none */
    double num;       /* STM_X_NUM */
    enum stm_ref_kind ref;
    int index;
    unsigned n; /* kids */
    struct stm_expr **kids;
    const char **keys;       /* STM_X_CALL: n entries; STM_X_INDEX: n - 1 entries; else NULL */
    const enum stm_cmp *ops; /* STM_X_COMPARE: n - 1 entries */
    const char *text;        /* canonical text of an STM_R_ENGINE call ("acc(test)"), else NULL */
};

/* ---- times, actions ---- */

enum stm_time_kind {
    STM_T_START, /* where the enclosing fork (or run) begins */
    STM_T_STEP,  /* global step `value` */
    STM_T_PLUS,  /* `value` steps after the enclosing fork */
    STM_T_EACH,  /* each seed at its own time of `event` */
    STM_T_ALL,   /* all seeds where the last one has it */
    STM_T_ANY    /* all seeds where the first one has it */
};

struct stm_time {
    enum stm_time_kind kind;
    struct stm_expr *value; /* STEP, PLUS: the number; events: `after step`, or NULL */
    int event;              /* plan->events, or -1 */
    struct stm_span span;
};

enum stm_verb { STM_V_SET, STM_V_HOLD, STM_V_ONCE, STM_V_FREEZE, STM_V_RELEASE };
enum stm_assign_op { STM_OP_SET, STM_OP_LE, STM_OP_MUL, STM_OP_ADD };

/* Targets are canonical text: a knob for `set` ("lr", "lr.E", "precision.loss", "stream.batch"), a
 * quantity for `hold` ("norm(weights)", "norm(rows(E))", "share(E,W1,W2)", "logit_scale"), a group,
 * "norm(E)" or "moments" for `once`, a group for `freeze`, a quantity or group for `release`.
 *
 * Values, by kind:
 *
 * - NAME with STM_R_NONE: a word, as f64, mse, full.
 * - CALL with STM_R_NONE: a word with arguments, of `set` only. name is "ema"; one kid for each
 *   argument in the vocabulary's order, defaults filled in, keys[i] its name; a kid is a NUM or a
 *   word. To the engine it is TARGET = name, then TARGET.name.key = kid: grad = ema,
 *   grad.ema.beta = 0.98, grad.ema.lambda = 2.
 * - TUPLE: the values of a share, one NUM for each group of the target.
 * - all else: a number, constant, captured or calibrated. */
struct stm_action {
    enum stm_verb verb;
    const char *target;
    enum stm_assign_op op;
    struct stm_expr *value; /* NULL for freeze and release */
    bool round_nearest;
    const struct stm_time *from, *until; /* NULL: from the fork on, to the end */
    struct stm_span span;
};

struct stm_require {
    enum { STM_Q_ALL, STM_Q_NO, STM_Q_ANY } quantifier;
    struct stm_expr *expr; /* an event or a comparison of metrics */
    struct stm_span span;
};

struct stm_stop {
    const struct stm_time *alternatives; /* whichever comes first */
    unsigned n;
    struct stm_span span;
};

/* ---- the tree ---- */

struct stm_bind { /* one sweep variable of one instance */
    const char *name;
    bool is_num;
    double num;
    const char *sym;  /* when not a number */
    const char *text; /* as printed in labels: "1.15", "W1" */
};

struct stm_assign {  /* one resolved setting, as the engine's settings take it */
    const char *key; /* "task", "task.p", "model.act", "lr", "lr.E", "grad.ema.beta" */
    bool is_num;
    double num;
    const char *sym;
    bool at_default; /* what it would be if the file did not say */
};

struct stm_capture {
    const char *name;
    struct stm_expr *expr;
    int fork, node; /* its owner: one of them is -1 */
};

struct stm_calibrate {
    const char *name;
    struct stm_expr *expr;
    int fork;
    int need; /* seeds; -1: all */
};

struct stm_let {
    const char *name;
    struct stm_expr *expr;
    int fork; /* -1: top level */
};

/* A run, or one instance of an arm (sweeps are expanded). */
struct stm_node {
    const char *name;  /* "up" */
    const char *label; /* "up[tau=1.3]" */
    const char *path;  /* "clamp/init/up[tau=1.3]": the address without protocol and seed */
    int family;        /* plan->families */
    int fork;          /* the fork it leaves, -1 for a run */
    int run;           /* the node of the run it belongs to */
    bool off;          /* declared `off`: shown, never executed */
    const struct stm_bind *binds; /* its own sweep variables (not the ancestors') */
    unsigned n_binds;
    const struct stm_assign *base; /* runs only: task, model and train settings */
    unsigned n_base;
    const struct stm_action *actions; /* in file order, sweep targets resolved */
    unsigned n_actions;
    const struct stm_require *requires;
    unsigned n_requires;
    const struct stm_stop *stop; /* its own or inherited; NULL: only bounded by its forks */
    const int *forks;            /* plan->forks that leave this node, in file order */
    unsigned n_forks;
    struct stm_span span;
};

struct stm_fork {
    const char *name;
    const char *path;             /* "clamp/init" */
    int node;                     /* the node it leaves */
    const struct stm_bind *binds; /* of a sweep in the fork's header */
    unsigned n_binds;
    struct stm_time at;
    const struct stm_require *requires;
    unsigned n_requires;
    int need;         /* seeds that must reach it; 0: none asked for, -1: all */
    const int *nodes; /* its arms, in file order, swept instances in a row */
    unsigned n_nodes;
    struct stm_span span;
};

/* All instances of one declared arm (or run). */
struct stm_family {
    const char *name;
    const int *nodes;
    unsigned n_nodes;
};

/* ---- claims ---- */

enum stm_claim_kind { STM_C_CONTRAST, STM_C_ESTIMATE, STM_C_FIT };

/* `n` of bootstrap(seeds, n = ...). */
enum { STM_RESAMPLES_MIN = 100, STM_RESAMPLES_MAX = 1000000 };

struct stm_claim {
    enum stm_claim_kind kind;
    const char *name;
    /* contrast: a op b on stat */
    struct stm_expr *a, *b;
    char op;               /* '/' or '-' */
    struct stm_expr *expr; /* contrast: the statistic; estimate: the expression; fit: ols(...) */
    struct stm_expr *ci;   /* bootstrap(seeds, n = 4000, ...), or NULL */
    struct stm_expr *const *over; /* fit */
    unsigned n_over;
    const char
        *isolates; /* contrast: the one difference: "hold norm(weights): N0 * 1.15  vs  N0" */
    struct stm_span span;
};

struct stm_expect {
    const char *every; /* "arm", "seed", a sweep variable, or NULL */
    struct stm_expr *expr;
    const char *text; /* canonical: "every arm: count(grok) == count(seeds)" */
    struct stm_span span;
};

struct stm_column { /* one assignment of a table or figure: rows = ..., cols = [...] */
    const char *key;
    struct stm_expr *value;
    struct stm_expr *over, *by;
};

struct stm_display {
    bool figure; /* else a table */
    const char *name;
    const struct stm_column *columns;
    unsigned n_columns;
};

/* ---- the plan ---- */

struct stm_named_expr { /* an event, a user metric, a logged value */
    const char *name;   /* NULL for a logged expression */
    struct stm_expr *expr;
    const char *text; /* canonical text of the expression */
};

struct stm_param_value {
    const char *name, *text; /* as printed: "97" */
    bool overridden;         /* by -D */
    bool is_num;
    double num;
};

struct stm_source_file {
    const char *path, *text;
};

struct stm_plan {
    const char *title; /* the `protocol` line, or the file's name without its ending */
    const char *name;  /* short name for addresses: the file's base name, "rescaling" */
    const struct stm_source_file *files; /* [0] is the file that was checked, then imports */
    unsigned n_files;
    const struct stm_param_value *params;
    unsigned n_params;
    int seed_lo, seed_hi; /* the file's `seeds` line */
    unsigned every;       /* steps between measured steps; 0: no `every` */
    unsigned log_every;   /* 0: no log */
    const struct stm_named_expr *events;
    unsigned n_events;
    const struct stm_named_expr *metrics;
    unsigned n_metrics;
    const struct stm_named_expr *logs;
    unsigned n_logs;
    const struct stm_node *nodes; /* parents before children, file order */
    unsigned n_nodes;
    const struct stm_fork *forks;
    unsigned n_forks;
    const struct stm_family *families;
    unsigned n_families;
    const struct stm_capture *captures;
    unsigned n_captures;
    const struct stm_calibrate *calibrates;
    unsigned n_calibrates;
    const struct stm_let *lets;
    unsigned n_lets;
    const struct stm_claim *claims;
    unsigned n_claims;
    const struct stm_expect *expects;
    unsigned n_expects;
    const struct stm_display *displays;
    unsigned n_displays;
    const char *canonical; /* the plan as one self-contained file of the language: imports inlined,
                              params at their values, no comments; checks to the same two hashes */
    char compute_hash[33]; /* what is trained; names, comments, tables, expectations do not touch it
                            */
    char claim_hash[33];   /* contrasts, estimates, fits, expectations */
    void *arena;
};

/* ---- diagnostics ---- */

struct stm_note {
    bool has_span;
    struct stm_span span;
    const char *text;
};

struct stm_diag {
    char code[8];    /* "E0406", or "W0001" for a warning */
    const char *msg; /* stands alone */
    struct stm_span span;
    const char *label; /* beside the caret, or NULL */
    const struct stm_note *notes;
    unsigned n_notes;
    const char *help; /* one line, or NULL */
};

struct stm_diags {
    const struct stm_diag *d; /* errors and warnings in source order */
    unsigned n, errors;
    const struct stm_source_file *files;
    unsigned n_files;
    void *arena;
};

void stm_diags_free(struct stm_diags *d); /* NULL is fine */
/* As in docs/language.md: code, place, source line, caret, notes, help. `color`: ANSI colours;
 * `width`: columns to cut source lines to, 0 for no limit. */
void stm_diag_print(const struct stm_diags *all, const struct stm_diag *d, bool color,
                    unsigned width, struct stm_buf *out);
/* One JSON object, no newline at the end. */
void stm_diag_json(const struct stm_diags *all, const struct stm_diag *d, struct stm_buf *out);
/* The long text behind a code, or NULL. */
const char *stm_diag_explain(const char *code);
/* Every registered code, NULL-terminated. */
const char *const *stm_diag_codes(void);

/* Appends what there is to say about a word of the vocabulary or the language, or a code, in lines
 * of up to 80 columns; false when it is none. */
bool stm_word_explain(const struct stm_vocab *v, const char *word, struct stm_buf *out);

/* ---- checking ---- */

struct stm_override { /* -D name=value */
    const char *name, *value;
};

/* Parts of the language that the caller can run. What is not in the set parses and is reported as
 * E0900 "... is not in this version". */
enum stm_feature {
    STM_F_SWEEP = 1 << 0,      /* sweeps of arms and forks */
    STM_F_NESTED = 1 << 1,     /* a fork inside an arm */
    STM_F_EVENT_FORK = 1 << 2, /* a fork at an event */
    STM_F_WINDOW = 1 << 3,     /* from / until */
    STM_F_CALIBRATE = 1 << 4,
    STM_F_ONCE = 1 << 5,
    STM_F_FREEZE = 1 << 6, /* freeze and release */
    STM_F_USER_METRIC = 1 << 7,
    STM_F_SAMPLING = 1 << 8, /* metric @ time in claims */
    STM_F_ESTIMATE = 1 << 9,
    STM_F_FIT = 1 << 10,
    STM_F_IDENTICAL = 1 << 11,
    STM_F_STOP_ALL = 1 << 12,  /* stop at all / any */
    STM_F_MULTI_RUN = 1 << 13, /* several `run` blocks in a file */
    STM_F_ALL = 0x7fffffff
};

struct stm_check_options {
    const struct stm_vocab *vocab;
    unsigned features; /* of enum stm_feature */
    const struct stm_override *overrides;
    unsigned n_overrides;
    /* Reads an imported file; NULL: the file system, relative to the importing file. */
    int (*read)(void *ctx, const char *path, struct stm_buf *out, struct stm_err *err);
    void *ctx;
};

/* Checks `text` (of the file `path`, which names it in messages). *plan is NULL when there are
 * errors; *diags is always made. Returns 0 when checking took place, even if it found errors;
 * STM_E_NOMEM otherwise. Input has no influence on stack depth beyond a fixed limit. */
int stm_protocol_check(struct stm_plan **plan, struct stm_diags **diags, const char *path,
                       const char *text, size_t n, const struct stm_check_options *options,
                       struct stm_err *err);
void stm_plan_free(struct stm_plan *p); /* NULL is fine */

/* The canonical layout of a file, comments kept. STM_E_INVALID with diagnostics when it does not
 * parse. */
int stm_protocol_format(struct stm_buf *out, struct stm_diags **diags, const char *path,
                        const char *text, size_t n, struct stm_err *err);

/* An expression as canonical text. */
void stm_expr_print(const struct stm_expr *e, struct stm_buf *out);

#endif
