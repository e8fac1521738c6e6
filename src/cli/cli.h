/* What the commands share: options, exit codes, loading a protocol, opening the store. */
#ifndef STEMMA_CLI_CLI_H
#define STEMMA_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "stemma/report.h"

/* Exit codes (docs: `stemma explain exit`). */
enum {
    EXIT_YES = 0,
    EXIT_NO = 1, /* differs, not bit-exact, an expectation failed, errors found */
    EXIT_USAGE = 2,
    EXIT_BROKEN = 3,  /* I/O, no space, engine */
    EXIT_CANNOT = 4,  /* other numerics profile */
    EXIT_DAMAGED = 5, /* the store holds damaged data */
    EXIT_INTERRUPTED = 130
};

enum { OVERRIDES_MAX = 64 };

/* Every option of every command; a command says which ones it takes. */
struct options {
    const char *store, *profile, *output;
    bool json, yes, verify, id, check, csv, ndjson, dot, quick, from_anchor;
    bool has_seeds;
    int seed_lo, seed_hi;
    unsigned jobs;
    uint64_t anchors;
    struct stm_override overrides[OVERRIDES_MAX];
    unsigned n_overrides;
    const char *line; /* the command as it was given, for `sh` */
    char **args;      /* what is not an option */
    int n_args;
};

struct command {
    const char *name;
    const char *args;       /* "FILE..." */
    const char *summary;    /* one line */
    const char *flags;      /* short names of the options it takes, see options.c */
    int min_args, max_args; /* max -1: any */
    int (*run)(const struct options *o);
};
extern const struct command commands[]; /* ends with a NULL name */

/* The command line as text that a shell reads the same way. */
void command_line(int argc, char **argv, struct stm_buf *out);
/* Reads argv[2..]; 0, or an exit code after a message. */
int options_read(const struct command *c, int argc, char **argv, struct options *o);
void options_help(const struct command *c, FILE *to); /* the options a command takes */

/* "stemma: " + message on stderr, a help line when `help` is not NULL; the exit code for the error.
 */
int fail(const struct stm_err *err, const char *help);
int exit_code(int stm_code);
/* Writes to stdout; EXIT_YES, or EXIT_BROKEN after a message when it cannot be written. */
int put_out(struct stm_buf *b);

/* A line of output; where it is wider than 80 columns, cut after a comma or colon, with the rest
 * indented by `indent`. */
void wrapped_print(struct stm_buf *out, unsigned indent, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Ends the line that begins at out->p[start]; where it is wider than the terminal it is cut at
 * spaces, and what follows stands behind `below` and `hang` spaces. */
void line_end(struct stm_buf *out, size_t start, const char *below, unsigned hang);
bool stdout_color(void);
unsigned stdout_width(void); /* columns of the terminal; 80 when there is none */

/* input.c: protocol files. `-` is standard input, a file named `stdin` here; an open descriptor, as
 * <(command) makes one, is `fd63`. Their imports are looked for in the current directory. */
const char *input_name(const char *arg);
int input_read(const char *arg, struct stm_buf *text, struct stm_err *err);
/* Checks a protocol file and prints its diagnostics. NULL and *code when it has errors. Under
 * --json stdout is one document: warnings go to `warnings` as the elements of an array, errors make
 * the document. Without `warnings` each diagnostic is a line, which is what `check` prints. */
struct stm_plan *load_plan(const struct options *o, const char *path, struct stm_buf *warnings,
                           int *code);
/* Puts the key "warnings" at the end of the JSON object that `out` ends with. */
void warnings_json(const struct stm_buf *warnings, struct stm_buf *out);
/* The seeds in effect. */
void seeds_in_effect(const struct options *o, const struct stm_plan *plan,
                     struct stm_view_options *v);

/* What a command needs of the store. */
enum store_need {
    STORE_EXISTS,  /* it must be there */
    STORE_CREATED, /* made when it is not */
    STORE_OR_NONE  /* NULL without a message when it is not there */
};
/* Opens the store of --store, $STEMMA_STORE, the nearest checkpoints/, or ./checkpoints. */
struct stm_store *open_store(const struct options *o, enum store_need need, int *code);

/* A plan, a store and a view, released together. */
struct session {
    struct stm_store *store;
    struct stm_plan *plan;
    struct stm_catalog *catalog;
    struct stm_view *view;
    struct stm_view_options vo;
    struct stm_buf warnings; /* of the file, for warnings_json */
};
/* From a protocol file under this machine's profile. 0 or an exit code. */
int session_file(struct session *s, const struct options *o, const char *path,
                 enum store_need need);
/* From the plans in the store: the one in which the address (may be NULL: the only plan) is found.
 */
int session_address(struct session *s, const struct options *o, const char *address,
                    struct stm_address *found);
/* The n-th plan of the catalog. */
int session_entry(struct session *s, const struct options *o, size_t n);
void session_close(struct session *s);
/* Says on stderr that the store holds another file of this plan's name. */
void warn_of_twins(const struct session *s);

/* tree.c: the tree of a plan with what the store knows; `detail` adds a line a seed. */
void tree_print(const struct stm_view *v, const struct stm_plan *p, bool detail,
                struct stm_buf *out);
void tree_json(const struct stm_view *v, const struct stm_plan *p, struct stm_buf *out);
/* The declared tree as a Graphviz digraph. */
void tree_dot(const struct stm_plan *p, struct stm_buf *out);
void time_print(const struct stm_plan *p, const struct stm_time *t, struct stm_buf *out);
void number_print(uint64_t n, struct stm_buf *out); /* 712,800 */
static inline void json_text(const char *s, struct stm_buf *out) { stm_json_string(out, s); }

/* cmd_run.c: evaluates every claim and table, so that the view plans to measure what they read. */
int plan_reads(struct session *s, struct stm_err *err);

/* show_json.c */
void show_replicate_json(const struct session *s, int node, unsigned seed, struct stm_buf *out);
void show_state_json(const struct session *s, const struct stm_address *a,
                     const struct stm_measured *m, struct stm_buf *out);
void show_stored_json(const struct stm_id *id, const struct stm_state *state, struct stm_buf *out);

/* progress.c */
struct progress;
struct progress *progress_new(const struct stm_view *v, const struct stm_plan *p);
void progress_step(void *progress, const struct stm_progress *p, bool done);
void progress_notice(void *progress, const char *text);
void progress_free(struct progress *p);

/* origin.c: prints the proof; false in *one when some arm did not start from its fork's state, or
 * none has started. */
int origin_print(const struct session *s, bool json, struct stm_buf *out, bool *one);

int cmd_check(const struct options *o);
int cmd_fmt(const struct options *o);
int cmd_plan(const struct options *o);
int cmd_run(const struct options *o);
int cmd_tree(const struct options *o);
int cmd_status(const struct options *o);
int cmd_show(const struct options *o);
int cmd_replay(const struct options *o);
int cmd_diff(const struct options *o);
int cmd_origin(const struct options *o);
int cmd_register(const struct options *o);
int cmd_report(const struct options *o);
int cmd_explain(const struct options *o);
int cmd_store(const struct options *o);

#endif
