#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* One letter an option; `-D` is the only one that is also typed that way. */
static const struct spec {
    char letter;
    const char *name;
    const char *arg; /* NULL: a switch */
    const char *text;
} specs[] = {
    {'s', "store", "DIR", "the store; else $STEMMA_STORE, else checkpoints/"},
    {'j', "json", NULL, "one JSON document, or NDJSON"},
    {'D', "define", "NAME=VALUE", "override a `param`; also -D NAME=VALUE; repeatable"},
    {'S', "seeds", "LO..HI", "the seeds in effect, both included"},
    {'p', "profile", "NAME", "numerics profile: portable (the default) or openblas"},
    {'J', "jobs", "N", "worker processes (one a processor)"},
    {'A', "anchors", "N", "steps between stored states (4000)"},
    {'y', "yes", NULL, "confirm a plan of more than 10 000 replicates"},
    {'v', "verify", NULL, "also read and verify every stored state on the way"},
    {'a', "from-anchor", NULL, "start at the nearest stored state, not at the seed"},
    {'i', "id", NULL, "the state id alone"},
    {'c', "check", NULL, "only say which files would change"},
    {'C', "csv", NULL, "one line a replicate: arm, seed, stop, events, captures"},
    {'N', "ndjson", NULL, "the same, one JSON object a line"},
    {'d', "dot", NULL, "the tree as a Graphviz digraph"},
    {'q', "quick", NULL, "do not decode the objects"},
};
enum { N_SPECS = sizeof specs / sizeof *specs };

static int wrong(const char *format, const char *what, const char *help)
{
    fprintf(stderr, "stemma: ");
    fprintf(stderr, "%s: `%s`", format, what);
    fprintf(stderr, "\nhelp: %s\n", help);
    return EXIT_USAGE;
}

static bool parse_count(const char *text, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno || n < 1 || n > max) return false;
    *out = n;
    return true;
}

static int parse_seeds(const char *text, struct options *o)
{
    char *end;
    long lo = strtol(text, &end, 10), hi = lo;
    if (end != text && end[0] == '.' && end[1] == '.') {
        const char *second = end + 2;
        hi = strtol(second, &end, 10);
        if (end == second) end = (char *)text;
    }
    if (end == text || *end || lo < 0 || hi < lo || hi > 1000000)
        return wrong("--seeds is no range", text, "write --seeds 0..11, both included");
    o->has_seeds = true;
    o->seed_lo = (int)lo;
    o->seed_hi = (int)hi;
    return 0;
}

static int parse_define(char *text, struct options *o)
{
    char *eq = strchr(text, '=');
    if (!eq || eq == text || !eq[1]) return wrong("-D is no assignment", text, "write -D p=97");
    if (o->n_overrides == OVERRIDES_MAX) return wrong("too many -D", text, "at most 64");
    *eq = 0;
    o->overrides[o->n_overrides++] = (struct stm_override){text, eq + 1};
    return 0;
}

static int take(char letter, char *arg, struct options *o)
{
    uint64_t n = 0;
    switch (letter) {
    case 's': o->store = arg; return 0;
    case 'p': o->profile = arg; return 0;
    case 'j': o->json = true; return 0;
    case 'y': o->yes = true; return 0;
    case 'v': o->verify = true; return 0;
    case 'a': o->from_anchor = true; return 0;
    case 'i': o->id = true; return 0;
    case 'c': o->check = true; return 0;
    case 'C': o->csv = true; return 0;
    case 'N': o->ndjson = true; return 0;
    case 'q': o->quick = true; return 0;
    case 'd': o->dot = true; return 0;
    case 'D': return parse_define(arg, o);
    case 'S': return parse_seeds(arg, o);
    case 'J':
        if (!parse_count(arg, 256, &n)) return wrong("--jobs is no number", arg, "write 1 to 256");
        o->jobs = (unsigned)n;
        return 0;
    case 'A':
        if (!parse_count(arg, UINT64_C(1) << 40, &n))
            return wrong("--anchors is no number of steps", arg, "write a whole number, 1 or more");
        o->anchors = n;
        return 0;
    default: return EXIT_USAGE;
    }
}

void command_line(int argc, char **argv, struct stm_buf *out)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789_-+=./:,@%";
    stm_buf_printf(out, "stemma");
    for (int i = 1; i < argc; i++) {
        if (*argv[i] && !argv[i][strspn(argv[i], plain)]) {
            stm_buf_printf(out, " %s", argv[i]);
            continue;
        }
        stm_buf_printf(out, " '");
        for (const char *p = argv[i]; *p; p++) {
            if (*p == '\'')
                stm_buf_printf(out, "'\\''");
            else
                stm_buf_u8(out, (uint8_t)*p);
        }
        stm_buf_printf(out, "'");
    }
}

void options_help(const struct command *c, FILE *to)
{
    for (size_t i = 0; i < N_SPECS; i++)
        if (strchr(c->flags, specs[i].letter)) {
            char left[40];
            snprintf(left, sizeof left, "--%s %s", specs[i].name, specs[i].arg ? specs[i].arg : "");
            fprintf(to, "  %-22s %s\n", left, specs[i].text);
        }
}

/* Each asks for another form of the same output. */
static int check_pairs(const struct command *c, const bool *seen)
{
    static const char groups[][4] = {"jCN", "jd", "ji"};
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        const char *names[4];
        unsigned n = 0;
        for (size_t i = 0; i < N_SPECS; i++)
            if (strchr(groups[g], specs[i].letter) && seen[(unsigned char)specs[i].letter])
                names[n++] = specs[i].name;
        if (n < 2) continue;
        fprintf(stderr,
                "stemma: --%s and --%s are two forms of one output\n"
                "help: give `stemma %s` one of them\n",
                names[0], names[1], c->name);
        return EXIT_USAGE;
    }
    return 0;
}

static int check_args(const struct command *c, const struct options *o)
{
    if (o->n_args >= c->min_args && (c->max_args < 0 || o->n_args <= c->max_args)) return 0;
    fprintf(stderr, "stemma: %s takes %s, here %s %d argument%s\nhelp: stemma %s %s\n", c->name,
            c->args, o->n_args == 1 ? "is" : "are", o->n_args, o->n_args == 1 ? "" : "s", c->name,
            c->args);
    return EXIT_USAGE;
}

int options_read(const struct command *c, int argc, char **argv, struct options *o)
{
    struct option longs[N_SPECS + 1] = {{0}};
    size_t n = 0;
    bool seen[128] = {false};
    bool define = strchr(c->flags, 'D') != NULL;
    for (size_t i = 0; i < N_SPECS; i++)
        if (strchr(c->flags, specs[i].letter))
            longs[n++] =
                (struct option){specs[i].name, specs[i].arg ? required_argument : no_argument, NULL,
                                specs[i].letter};
    opterr = 0;
    optind = 2;
    for (int k; (k = getopt_long(argc, argv, define ? ":D:" : ":", longs, NULL)) != -1;) {
        char help[80], letter[3] = {'-', (char)optopt, 0};
        snprintf(help, sizeof help, "`stemma %s --help` lists the options", c->name);
        if (k == ':') return wrong("this option needs a value", argv[optind - 1], help);
        /* Of `-xy` getopt names the letter; of a long option with a value it cannot take, its own.
         */
        bool bare = argv[optind - 1][0] != '-' || argv[optind - 1][1] != '-';
        if (k == '?')
            return wrong("unknown option", bare && optopt ? letter : argv[optind - 1], help);
        seen[k & 127] = true;
        int code = take((char)k, optarg, o);
        if (code) return code;
    }
    o->args = argv + optind;
    o->n_args = argc - optind;
    int code = check_args(c, o);
    return code ? code : check_pairs(c, seen);
}
