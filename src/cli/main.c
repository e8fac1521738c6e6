/* stemma: experiments on training dynamics as trees of runs. */
#include <signal.h>
#include <string.h>

#include "cli/cli.h"

const struct command commands[] = {
    {"check", "FILE...", "parse and type-check protocol files", "jD", 1, -1, cmd_check},
    {"fmt", "FILE...", "rewrite files in the canonical layout", "c", 1, -1, cmd_fmt},
    {"plan", "FILE", "the tree that would run, and what it costs; runs nothing", "sjdDSp", 1, 1,
     cmd_plan},
    {"run", "FILE", "train what is missing; then tables, contrasts, expectations", "sjDSpJAy", 1, 1,
     cmd_run},
    {"tree", "[FILE]", "the tree of runs in the store", "sjDSp", 0, 1, cmd_tree},
    {"status", "[FILE]", "the same with a line a seed", "sjDSp", 0, 1, cmd_status},
    {"show", "ADDR", "settings, events, metrics and provenance of an arm or state", "sijp", 1, 1,
     cmd_show},
    {"replay", "ADDR", "re-execute and compare with the trail", "sjvap", 1, 1, cmd_replay},
    {"diff", "ADDR ADDR", "same state or not, tensor by tensor", "sjp", 2, 2, cmd_diff},
    {"origin", "FILE", "the state that each arm started from, and that they are one", "sjDSp", 1, 1,
     cmd_origin},
    {"register", "FILE", "store the expectations before there are data", "sDSp", 1, 1,
     cmd_register},
    {"report", "FILE", "results from what is in the store; trains nothing", "sjDSpCN", 1, 1,
     cmd_report},
    {"explain", "WORD", "a code such as E0406, a word of a protocol, or step, exit, profile", "", 1,
     1, cmd_explain},
    {"store", "fsck|stats|ls", "the store", "sjq", 1, 1, cmd_store},
    {NULL, NULL, NULL, NULL, 0, 0, NULL}};

static int help(FILE *to)
{
    fprintf(to,
            "stemma %s: experiments on training dynamics as trees of runs\n\n"
            "usage: stemma COMMAND [options] ...\n\n",
            STEMMA_VERSION);
    for (const struct command *c = commands; c->name; c++)
        fprintf(to, "  %-8s %-14s %s\n", c->name, c->args, c->summary);
    fprintf(to, "\n`stemma COMMAND --help` lists the options of a command.\n");
    return to == stdout ? EXIT_YES : EXIT_USAGE;
}

static const struct command *find(const char *name)
{
    for (const struct command *c = commands; c->name; c++)
        if (!strcmp(c->name, name)) return c;
    return NULL;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error, reported by put_out */
    if (argc < 2) return help(stderr);
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
        return help(stdout);
    if (!strcmp(argv[1], "--version")) {
        printf("stemma %s\n", STEMMA_VERSION);
        return EXIT_YES;
    }
    const struct command *c = find(argv[1]);
    if (!c) {
        fprintf(stderr, "stemma: no command `%s`\nhelp: `stemma --help` lists them\n", argv[1]);
        return EXIT_USAGE;
    }
    for (int i = 2; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            printf("usage: stemma %s [options] %s\n\n  %s\n\n", c->name, c->args, c->summary);
            options_help(c, stdout);
            return EXIT_YES;
        }
    struct stm_buf line = {0};
    command_line(argc, argv, &line);
    struct options o = {.line = stm_buf_text(&line)};
    int code = options_read(c, argc, argv, &o);
    if (!code) code = c->run(&o);
    stm_buf_release(&line);
    return code;
}
