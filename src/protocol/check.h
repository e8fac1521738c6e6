/* The checker: from statements to a plan. One pass in file order, because file order is dependency
 * order; arms are expanded into instances as they are met. */
#ifndef STEMMA_PROTOCOL_CHECK_H
#define STEMMA_PROTOCOL_CHECK_H

#include "protocol/ast.h"
#include "protocol/near.h"

/* ---- types ---- */

enum ty_base {
    TY_BAD, /* an error was reported */
    TY_NUM,
    TY_ACROSS, /* one number made of all seeds */
    TY_SEED,   /* a number per seed */
    TY_TIME,   /* a number per seed, perhaps censored */
    TY_CURVE,  /* a value at each measured step */
    TY_SYM,    /* a word: gelu, E */
    TY_ARMS,   /* an arm or a list of arms */
    TY_SEEDS,  /* the set of seeds */
    TY_CLAIM,  /* a contrast or estimate: a number with an interval */
    TY_FIT
};

struct ty {
    enum ty_base base;
    bool truth; /* a yes or no of that base */
    bool open;  /* means something only inside an arm */
    bool cells; /* one value for each instance of a sweep */
};

/* ---- names ---- */

enum { SYM_TASK = 100, SYM_MODEL, SYM_TRAIN, SYM_DISPLAY }; /* beside enum stm_ref_kind */

struct symbol {
    const char *name;
    int kind;  /* enum stm_ref_kind or above */
    int index; /* in the plan's array of that kind; of the current instance */
    int first; /* of the first instance: what claims mean */
    struct stm_span span;
    const struct ast_stmt *stmt;
    bool bad;               /* its definition had an error; uses are silent */
    bool open;              /* its block is being read */
    struct stm_expr *value; /* a param or constant let: its folded value */
    struct ty type;         /* let, metric */
};

/* ---- the state of a check ---- */

enum use {
    USE_CONST,   /* a number or word known now */
    USE_MEASURE, /* events, metrics, logs, captures, requirements: of the state at hand */
    USE_ACTION,  /* values of interventions */
    USE_CALIBRATE,
    USE_CLAIM /* lets, contrasts, estimates, expectations, tables, figures */
};

struct scope_bind {
    const char *name;
    const struct stm_bind *bind;
};

struct check {
    struct ctx *c;
    const struct stm_vocab *voc;
    struct stm_plan *plan;
    struct vec syms; /* struct symbol */
    struct map defined, declared, display_names;
    struct vec later; /* struct symbol, only name and span: every name of the file */
    struct vec params, events, metrics, logs, captures, calibrates, lets, claims, expects, displays;
    struct vec nodes, forks, families; /* their own arrays are filled while the tree grows */
    struct vec broken;                 /* bool, one a node: an action of it was refused */
    struct vec family_nodes;           /* struct vec of int, one a family */
    struct vec binds;                  /* struct scope_bind: sweep variables in force */
    const struct stm_model_sig *model; /* of the run at hand, or the only one; NULL: any */
    enum use use;
    int node, fork;    /* being read, or -1 */
    const char *every; /* of `expect every` */
    bool display;      /* tables and figures: bare function names mean something */
    bool has_seeds, has_log;
    struct stm_span seeds_span;
};

/* names.c */
struct symbol *pr_symbol(struct check *k, const char *name); /* or NULL */
/* Reports a second definition, shadowing, or a word of the language; NULL then. Defining again
 * from the same statement (another instance) gives the symbol of before. */
struct symbol *pr_define(struct check *k, const struct ast_stmt *s, struct word name, int kind,
                         int index);
void pr_declare_all(struct check *k, const struct vec *stmts);
/* E0201 or E0202 for a name that is not there; `what` as in "there is no WHAT `name`". */
void pr_unknown(struct check *k, struct stm_span at, const char *name, const char *what);
const struct stm_bind *pr_bind(const struct check *k, const char *name);
const char *pr_kind_name(int kind);
const char *pr_article(const char *word); /* "a" or "an" */

/* functions.c */
struct function {
    const char *name;
    unsigned min_args, max_args; /* positional */
    const char *keys[4];         /* named arguments */
    struct ty (*type)(struct check *k, const struct stm_expr *e);
    double (*fold)(double); /* of one number; NULL */
};
const struct function *pr_function(const char *name);
const struct function *pr_function_at(size_t i); /* NULL behind the last */
void pr_near_functions(struct near *n);

/* resolve.c, resolve_call.c, resolve_arm.c. NULL after a reported error. */
struct stm_expr *pr_resolve(struct check *k, const struct stm_expr *e);
struct stm_expr *pr_resolve_name(struct check *k, const struct stm_expr *e);
struct stm_expr *pr_resolve_call(struct check *k, const struct stm_expr *e);
struct stm_expr *pr_resolve_index(struct check *k, const struct stm_expr *e);
struct stm_expr *pr_resolve_field(struct check *k, const struct stm_expr *e);
/* A node of the same kind whose operands are resolved. */
struct stm_expr *pr_resolve_kids(struct check *k, const struct stm_expr *e);
/* The node with room for other operands. */
struct stm_expr *pr_copy(struct check *k, const struct stm_expr *e);
struct stm_expr *pr_reference(struct check *k, const struct stm_expr *e, enum stm_ref_kind ref,
                              int index);
/* Whether something measured can be read here; reports E0303 or E0402. */
bool pr_may_measure(struct check *k, const struct stm_expr *e);
/* "in an intervention" */
const char *pr_use_name(const struct check *k);
struct stm_expr *pr_resolve_as(struct check *k, const struct stm_expr *e, enum use use);
/* How many instances of an arm `up` or `up[tau = 1]` (resolved) means; the first in *one. */
unsigned pr_instances(struct check *k, const struct stm_expr *e, int *one);
/* One instance by all its sweep variables, as it is written: up[tau = 1.3, w = 2]. */
const char *pr_instance_text(struct check *k, int node);
/* A number known now; false after a reported error. `what`: "a step". */
bool pr_const_number(struct check *k, const struct stm_expr *e, const char *what, double *out);
struct stm_expr *pr_number_expr(struct check *k, struct stm_span at, double x);
struct stm_expr *pr_word_expr(struct check *k, struct stm_span at, const char *word);
void pr_feature(struct check *k, unsigned feature, struct stm_span at, const char *what, bool *ok);
const struct stm_metric_sig *pr_metric(const struct stm_vocab *v, const char *name);

/* types.c */
struct ty pr_type(struct check *k, const struct stm_expr *e);
/* Of a resolved claim: one number (or yes/no); reports what is wrong. `where`: "an estimate". */
bool pr_want_one(struct check *k, const struct stm_expr *e, const char *where, bool truth);
struct ty pr_bad(void);

/* check_setup.c */
bool pr_base_settings(struct check *k, const struct ast_stmt *run, struct stm_node *node);
void pr_check_setup(struct check *k, const struct ast_stmt *s);

/* values.c */
/* The setting `name`; one of a group as a knob of that name. NULL: there is none. */
const struct stm_param *pr_knob(const struct check *k, const char *name);
/* "a number above 0, or full" */
void pr_put_domain(struct stm_buf *b, const struct stm_param *p);
/* Whether `name` is one of the words that `p` can be: an arm called f64 does not hide f64. */
bool pr_is_value(const struct stm_param *p, const char *name);
/* Whether it is a word of `p` that takes arguments: clip. */
bool pr_takes_arguments(struct check *k, const struct stm_param *p, const char *word);
/* Whether a knob is the argument of a word: logits.clip.c. */
bool pr_is_argument(const struct stm_vocab *v, const struct stm_param *p);
/* Whether `e` is written as a word (f64) or a word with arguments (clip(10)) rather than as a
 * number; *out is then the value, or NULL after a reported error. */
bool pr_is_word_value(struct check *k, const struct stm_param *p, const struct stm_expr *e,
                      struct stm_expr **out);
/* A value known now; NULL after a reported error. */
struct stm_expr *pr_value(struct check *k, const struct stm_param *p, const struct stm_expr *e);
struct stm_expr *pr_default_expr(struct check *k, const struct stm_param *p, struct stm_span at);
/* Whether `e` (resolved) is a value of `p`; reports E0301. */
bool pr_fits(struct check *k, const struct stm_param *p, const struct stm_expr *e);
/* The values of all arguments of `sig`, in its order; NULL after a reported error. `first_plain`:
 * the first one may stand without its name. */
struct stm_expr **pr_arguments(struct check *k, const struct stm_sig *sig,
                               const struct stm_expr *call, bool first_plain);
/* Appends `key` and, for a word with arguments, `key.WORD.ARG` to settings (struct stm_assign). */
void pr_put_assigns(struct check *k, struct vec *out, const char *key, const struct stm_param *p,
                    const struct stm_expr *v);

/* groups.c */
/* Whether a model of the file (or any, when none is at hand) has the group; reports E0302. */
bool pr_group(struct check *k, const char *name, struct stm_span at);
/* Of a group that is there. */
bool pr_group_is_bias(const struct check *k, const char *name);
bool pr_groups_overlap(const struct check *k, const char *a, const char *b);
/* Whether any model of the vocabulary has it. */
bool pr_is_group(const struct stm_vocab *v, const char *name);
/* A name with dots, as groups may have: "blocks.0.attn"; NULL: `e` is another expression. */
const char *pr_dotted(struct check *k, const struct stm_expr *e);
/* Such a name that is not one of the file, nor a part of one: a word as a value. */
const char *pr_free_word(struct check *k, const struct stm_expr *e);
/* The knob of groups that `name` is one of: lr.GROUP of lr.E, and E; NULL: it is none. */
const struct stm_param *pr_group_knob(const struct check *k, const char *name, const char **group);
/* Every setting, as something that a misspelt one may be. */
void pr_near_knobs(struct check *k, struct near *near);

/* times.c */
bool pr_time(struct check *k, const struct ast_time *t, bool stop, struct stm_time *out);
/* The global step of a time when it is known now (`base` is the fork's), else -1. */
double pr_time_step(const struct stm_time *t, double base);
double pr_fork_step(const struct check *k, int fork);
/* No less than this, whenever its event comes; `base` is the least that the fork can be at. */
double pr_time_least(const struct stm_time *t, double base);
double pr_fork_least(const struct check *k, int fork);
void pr_put_time(struct stm_buf *b, const struct stm_time *t, const struct check *k);

/* actions.c */
bool pr_action(struct check *k, const struct ast_stmt *s, struct stm_action *out);
void pr_check_node_actions(struct check *k, int node);

/* sweep.c */

/* One `x in [...]` or `(x, y) in [(...), ...]`: rows of n_names values. */
struct axis {
    const struct ast_bind *ast;
    struct stm_bind *rows;
    unsigned n_rows;
};

struct sweep {
    struct axis *axes;
    unsigned n_axes, n_binds;
    unsigned *at; /* odometer */
};

/* The sweep of an arm or fork, at its first instance; false after a reported error. */
bool pr_sweep_begin(struct check *k, const struct ast_stmt *s, struct sweep *out);
/* The variables of the instance at hand, w->n_binds of them. */
struct stm_bind *pr_sweep_binds(struct check *k, const struct sweep *w);
/* To the next instance; the last axis turns fastest. */
bool pr_sweep_next(struct sweep *w);
void pr_push_binds(struct check *k, const struct stm_bind *binds, unsigned n);
/* "up[tau=1.3]" */
const char *pr_label_of(struct check *k, const char *name, const struct stm_bind *b, unsigned n);

/* expand.c */
void pr_check_run(struct check *k, const struct ast_stmt *s);
struct stm_node *pr_node(const struct check *k, int i);
/* Whether an action of the arm was refused, so that nothing more can be said about it. */
bool pr_broken(const struct check *k, int node);
struct stm_fork *pr_fork(const struct check *k, int i);
void pr_capture(struct check *k, const struct ast_stmt *s, int fork, int node);
void pr_let(struct check *k, const struct ast_stmt *s, int fork);

/* effective.c */
struct effect {
    const char *key;   /* "hold norm(weights)" */
    const char *value; /* "N0 * 1.15 from step 500" */
};
/* What is in force in an arm after its fork, in a canonical order; settings that change nothing
 * are left out. */
void pr_effects(struct check *k, int node, struct vec *out);
/* A setting of the run that `node` belongs to, or NULL. */
const struct stm_assign *pr_base(const struct check *k, int node, const char *key);
/* What a setting is before any arm touches it, as text; NULL when it has no value of its own. */
const char *pr_default_value(struct check *k, int node, const char *key);
void pr_put_stop(struct check *k, struct stm_buf *b, const struct stm_stop *s);
void pr_check_twins(struct check *k, int fork);

/* bounds.c */
void pr_check_bounds(struct check *k, int run);

/* judge.c */
/* Shows everything that comes to be in force in the run and its arms to the vocabulary's judge. */
void pr_judge_run(struct check *k, const struct ast_stmt *run, int node);

/* contrast.c */
void pr_check_contrast(struct check *k, const struct stm_claim *claim, const char **isolates);

/* claims.c */
void pr_check_claim(struct check *k, const struct ast_stmt *s);
void pr_check_expect(struct check *k, const struct ast_stmt *s);
void pr_check_display(struct check *k, const struct ast_stmt *s);

/* canonical.c and hash.c */
void pr_canonical(struct ctx *c, const struct vec *stmts, struct stm_plan *p);
void pr_hashes(struct ctx *c, struct stm_plan *p);

#endif
