/* The tree of a file, as parsed: statements; expressions are `struct stm_expr` without refs. */
#ifndef STEMMA_PROTOCOL_AST_H
#define STEMMA_PROTOCOL_AST_H

#include "protocol/ctx.h"

enum stmt_kind {
    S_PROTOCOL,
    S_IMPORT,
    S_PARAM,
    S_LET,
    S_TASK,
    S_MODEL,
    S_TRAIN,
    S_SEEDS,
    S_EVERY,
    S_LOG,
    S_EVENT,
    S_METRIC,
    S_RUN,
    S_FORK,
    S_ARM,
    S_CONTRAST,
    S_ESTIMATE,
    S_FIT,
    S_EXPECT,
    S_TABLE,
    S_FIGURE,
    S_SET,
    S_HOLD,
    S_ONCE,
    S_FREEZE,
    S_RELEASE,
    S_STOP,
    S_REQUIRE,
    S_CAPTURE,
    S_CALIBRATE,
    S_NEED,
    S_ASSIGN,
    S_KINDS
};

/* Where a statement may stand. */
enum block_kind { B_FILE, B_RUN, B_FORK, B_ARM, B_EVERY, B_TRAIN, B_DISPLAY, B_KINDS };

struct word {
    const char *text;
    struct stm_span span;
};

/* A time before its event is looked up. */
enum { AST_T_BARE = 100, AST_T_EPOCH = 101 }; /* beside enum stm_time_kind */
struct ast_time {
    int kind;
    struct stm_expr *value;
    struct word event;
    struct stm_span span;
};

struct ast_bind {
    struct word *names;
    unsigned n_names;
    bool tuple;
    struct stm_expr *values;
};

struct ast_block {
    struct ast_stmt **stmts;
    unsigned n;
    struct stm_span open, close;
};

struct ast_stmt {
    enum stmt_kind kind;
    struct stm_span span; /* its keyword */
    struct word name;
    bool off;
    struct stm_expr *expr;   /* the value, condition, target's new value */
    struct stm_expr *target; /* set, hold, once, freeze, release */
    struct stm_expr *a, *b;  /* contrast */
    struct stm_expr *ci;     /* contrast, estimate */
    struct stm_expr **over;  /* fit (one), columns */
    unsigned n_over;
    struct stm_expr **by;
    unsigned n_by;
    struct stm_expr **list; /* log */
    unsigned n_list;
    char op;                /* contrast: '/' or '-'; action: '=', '<', '*', '+' */
    struct word quantifier; /* require: all no any; expect every X */
    struct word round;      /* action: nearest */
    struct word words[3];   /* run: task, model, train */
    double lo, hi;          /* seeds, every, log, need (-1: all) */
    bool has_need;          /* calibrate */
    struct ast_time *times; /* stop; fork at */
    unsigned n_times;
    struct ast_time *from, *until;
    struct ast_bind *sweep;
    unsigned n_sweep;
    struct stm_span sweep_span;
    bool chain;
    struct ast_block *block;
};

struct parser;
/* Appends the statements of file `file` to `out` (struct ast_stmt *). `main_file`: whether it is
 * the one that was asked for. */
void pr_parse_file(struct ctx *c, unsigned file, const char *text, size_t n, struct vec *out);
/* Words for messages: "arm", "hold". */
const char *pr_stmt_word(enum stmt_kind kind);

/* align.c: appends `text`, one statement a line, with its columns aligned. */
void pr_align(struct ctx *c, const char *text, struct stm_buf *out);

/* load.c: parses `path` and, in their place, its imports. */
void pr_load(struct ctx *c, const char *path, const char *text, size_t n, struct vec *out);

#endif
