/* stemma: experiments on training dynamics as trees of runs. */
#include <signal.h>
#include <string.h>

#include "cli/cli.h"

const struct command commands[] = {
    {"check", "FILE...", "parse and type-check protocol files", "jD", 1, -1, cmd_check},
    {"fmt", "FILE...", "rewrite files in the canonical layout", "c", 1, -1, cmd_fmt},
    {"plan", "FILE", "the tree that would run, and its cost; runs nothing", "sjdDSp", 1, 1,
     cmd_plan},
    {"run", "FILE", "train what is missing; then tables and expectations", "sjDSpJAy", 1, 1,
     cmd_run},
    {"tree", "[FILE]", "the tree of runs in the store", "sjDSp", 0, 1, cmd_tree},
    {"status", "[FILE]", "the tree, and how far each seed of each arm is", "sjDSp", 0, 1,
     cmd_status},
    {"show", "ADDR", "settings, events, metrics, origin of an arm or state", "sijp", 1, 1,
     cmd_show},
    {"replay", "ADDR", "re-execute and compare with the trail", "sjvap", 1, 1, cmd_replay},
    {"diff", "ADDR ADDR", "same state or not, tensor by tensor", "sjp", 2, 2, cmd_diff},
    {"origin", "FILE", "the state that each arm started from: one, or not", "sjDSp", 1, 1,
     cmd_origin},
    {"register", "FILE", "store the expectations before there are data", "sDSp", 1, 1,
     cmd_register},
    {"report", "FILE", "results from what is in the store; trains nothing", "sjDSpCN", 1, 1,
     cmd_report},
    {"explain", "WORD", "a code such as E0406, or a word of a protocol", "", 1, 1, cmd_explain},
    {"store", "fsck|stats|ls", "the store", "sjq", 1, 1, cmd_store},
    {NULL, NULL, NULL, NULL, 0, 0, NULL}};

/* What the one line of a command leaves open. */
static const struct {
    const char *name, *text;
} more[] = {
    {"check", "FILE may be `-`, standard input; messages call it `stdin`. With --json each\n"
              "  diagnostic is a line; every other command prints one document, which has the\n"
              "  warnings, and the errors, in it.\n"},
    {"fmt", "Each file is rewritten whole or not at all; a link stays a link, a mode stays.\n"
            "  Of `-`, standard input, the canonical layout is printed.\n"},
    {"plan", "FILE may be `-`, standard input; the protocol is then named `stdin`.\n"},
    {"run", "FILE may be `-`, standard input; the protocol is then named `stdin`.\n"
            "  Steps that the store has are not executed again.\n"},
    {"tree", "Without FILE, the tree of every protocol that has been run in the store.\n"},
    {"status", "For each seed: whether it is done, partial, pending, waiting, cancelled or\n"
               "  diverged, the last step that the store knows, the events with their times;\n"
               "  for one that cannot run, why. Without FILE, of every protocol in the store.\n"},
    {"store", "  fsck   reads everything and lists all damage\n"
              "  stats  how many objects there are, and what they take\n"
              "  ls     every object and every ref\n"},
};

static int help_on(const struct command *c)
{
    printf("usage: stemma %s [options] %s\n\n  %s\n", c->name, c->args, c->summary);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (!strcmp(more[i].name, c->name))
            printf("\n%s%s", more[i].text[0] == ' ' ? "" : "  ", more[i].text);
    if (*c->flags) printf("\n");
    options_help(c, stdout);
    return EXIT_YES;
}

static int help(FILE *to)
{
    fprintf(to,
            "stemma %s: experiments on training dynamics as trees of runs\n\n"
            "usage: stemma COMMAND [options] ...\n\n",
            STEMMA_VERSION);
    for (const struct command *c = commands; c->name; c++)
        fprintf(to, "  %-8s %-14s %s\n", c->name, c->args, c->summary);
    fprintf(to, "\n`stemma help COMMAND` says more about one, with its options.\n");
    return to == stdout ? EXIT_YES : EXIT_USAGE;
}

static const struct command *find(const char *name)
{
    for (const struct command *c = commands; c->name; c++)
        if (!strcmp(c->name, name)) return c;
    return NULL;
}

static int no_command(const char *name)
{
    fprintf(stderr, "stemma: no command `%s`\nhelp: `stemma --help` lists them\n", name);
    return EXIT_USAGE;
}

/* `stemma help`, `stemma help COMMAND`, `stemma --help`. */
static int help_command(int argc, char **argv)
{
    if (argc < 3 || argv[2][0] == '-') return help(stdout);
    const struct command *c = find(argv[2]);
    return c ? help_on(c) : no_command(argv[2]);
}

static int run_command(const struct command *c, int argc, char **argv)
{
    struct stm_buf line = {0};
    command_line(argc, argv, &line);
    struct options o = {.line = stm_buf_text(&line)};
    int code = options_read(c, argc, argv, &o);
    if (!code) code = c->run(&o);
    stm_buf_release(&line);
    return code;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) return help(stderr);
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
        return help_command(argc, argv);
    if (!strcmp(argv[1], "--version")) {
        printf("stemma %s\n", STEMMA_VERSION);
        return EXIT_YES;
    }
    const struct command *c = find(argv[1]);
    if (!c) return no_command(argv[1]);
    for (int i = 2; i < argc && strcmp(argv[i], "--"); i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) return help_on(c);
    return run_command(c, argc, argv);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error, reported by put_out */
    int code = dispatch(argc, argv);
    struct stm_buf rest = {0}; /* what was printed without put_out is written, or that it was not */
    if (code == EXIT_YES || code == EXIT_NO) {
        int written = put_out(&rest);
        if (written) code = written;
    }
    return code;
}
