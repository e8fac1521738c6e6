#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"

int exit_code(int code)
{
    switch (code) {
    case 0: return EXIT_YES;
    case STM_E_MISMATCH: return EXIT_NO;
    case STM_E_USAGE:
    case STM_E_NOTFOUND:
    case STM_E_INVALID:
    case STM_E_FORMAT: return EXIT_USAGE;
    case STM_E_PROFILE: return EXIT_CANNOT;
    case STM_E_DAMAGED:
    case STM_E_COLLISION: return EXIT_DAMAGED;
    case STM_E_INTERRUPTED: return EXIT_INTERRUPTED;
    default: return EXIT_BROKEN;
    }
}

/* What to do about an error that carries no advice of its own. */
static const char *advice(int code)
{
    switch (code) {
    case STM_E_NOSPACE: return "free some space and give the same command again; nothing is lost";
    case STM_E_READONLY: return "make the store writable, or name another one with --store";
    case STM_E_DAMAGED: return "`stemma store fsck` lists all damage";
    default: return NULL;
    }
}

int fail(const struct stm_err *err, const char *help)
{
    fprintf(stderr, "stemma: %s\n", err->msg[0] ? err->msg : stm_code_name(err->code));
    if (!help) help = advice(err->code);
    if (help) fprintf(stderr, "help: %s\n", help);
    return exit_code(err->code);
}

void seeds_in_effect(const struct options *o, const struct stm_plan *plan,
                     struct stm_view_options *v)
{
    v->seed_lo = o->has_seeds ? o->seed_lo : plan->seed_lo;
    v->seed_hi = o->has_seeds ? o->seed_hi : plan->seed_hi;
}

static bool is_directory(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* The nearest checkpoints/ upwards from here; "checkpoints" when there is none. */
static void nearest_store(char *path, size_t n)
{
    char cwd[4000];
    snprintf(path, n, "checkpoints");
    if (!getcwd(cwd, sizeof cwd)) return;
    for (;;) {
        char candidate[4096];
        snprintf(candidate, sizeof candidate, "%s/checkpoints", strcmp(cwd, "/") ? cwd : "");
        if (is_directory(candidate)) {
            snprintf(path, n, "%s", candidate);
            return;
        }
        char *slash = strrchr(cwd, '/');
        if (!slash || slash == cwd) return;
        *slash = 0;
    }
}

/* Says what stands in the way of a store at `dir`, where that is plain to see. */
static bool in_the_way(const char *dir, struct stm_err *err)
{
    struct stat st;
    if (!stat(dir, &st)) {
        if (S_ISDIR(st.st_mode)) return false;
        snprintf(err->msg, sizeof err->msg, "%.120s is %s, not a directory", dir,
                 S_ISREG(st.st_mode) ? "a file" : "a device or a pipe");
        return true;
    }
    if (lstat(dir, &st) || !S_ISLNK(st.st_mode)) return false;
    snprintf(err->msg, sizeof err->msg, "%.120s is a symbolic link to nowhere", dir);
    return true;
}

/* What to do about a store that is not there. `stemma run` makes one directory, so that a misspelt
 * path is not followed; it is not told to run `stemma run`. */
static const char *store_help(const char *dir, enum store_need need, char *help, size_t n)
{
    if (need != STORE_CREATED) return "`stemma run FILE` makes the store";
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/') len--;
    while (len > 1 && dir[len - 1] != '/') len--;
    while (len > 1 && dir[len - 1] == '/') len--;
    snprintf(help, n, "the directory above it is not there: mkdir -p %.*s", (int)len, dir);
    return help;
}

struct stm_store *open_store(const struct options *o, enum store_need need, int *code)
{
    char path[4096], help[4200];
    const char *env = getenv("STEMMA_STORE"), *dir = o->store ? o->store : env && *env ? env : NULL;
    struct stm_store *s = NULL;
    struct stm_err err = {0};
    if (!dir) {
        nearest_store(path, sizeof path);
        dir = path;
    }
    int rc = stm_store_open(&s, dir, need == STORE_CREATED ? STM_STORE_CREATE : 0, &err);
    *code = EXIT_YES;
    if (!rc) return s;
    if ((rc == STM_E_NOTFOUND || rc == STM_E_FORMAT) && in_the_way(dir, &err))
        *code = fail(&err, "name a directory with --store or $STEMMA_STORE");
    else if (rc == STM_E_NOTFOUND && need != STORE_OR_NONE)
        *code = fail(&err, store_help(dir, need, help, sizeof help));
    else if (rc != STM_E_NOTFOUND)
        *code = fail(&err, NULL);
    return NULL;
}

void session_close(struct session *s)
{
    stm_view_free(s->view);
    stm_plan_free(s->plan);
    stm_catalog_free(s->catalog);
    stm_store_close(s->store);
    stm_buf_release(&s->warnings);
    *s = (struct session){0};
}

int session_file(struct session *s, const struct options *o, const char *path, enum store_need need)
{
    struct stm_err err = {0};
    int code;
    *s = (struct session){0};
    s->plan = load_plan(o, path, &s->warnings, &code);
    if (!s->plan) {
        session_close(s);
        return code;
    }
    if (!s->plan->n_nodes) {
        fprintf(stderr,
                "stemma: %s has no run, only definitions\n"
                "help: `run x = MODEL on TASK with TRAIN { ... }` declares one\n",
                path);
        session_close(s);
        return EXIT_USAGE;
    }
    if (stm_engine_open(o->profile, NULL, &err)) code = fail(&err, NULL);
    if (!code) s->store = open_store(o, need, &code);
    if (!code) {
        seeds_in_effect(o, s->plan, &s->vo);
        s->vo.profile = stm_engine_profile();
        if (stm_view_new(&s->view, s->plan, s->store, &s->vo, &err)) code = fail(&err, NULL);
    }
    if (code) session_close(s);
    return code;
}

/* Replaces the session's plan and view by those of a catalog entry. */
static int use_entry(struct session *s, const struct options *o, const struct stm_catalog_entry *e,
                     struct stm_err *err)
{
    struct stm_diags *diags = NULL;
    struct stm_check_options check = {.vocab = stm_engine_vocab(), .features = STM_F_ALL};
    char path[300];
    stm_view_free(s->view);
    stm_plan_free(s->plan);
    s->view = NULL;
    s->plan = NULL;
    snprintf(path, sizeof path, "%s.stemma", e->name);
    int rc =
        stm_protocol_check(&s->plan, &diags, path, e->canonical, strlen(e->canonical), &check, err);
    stm_diags_free(diags);
    if (rc) return rc;
    if (!s->plan) {
        err->code = STM_E_DAMAGED;
        snprintf(err->msg, sizeof err->msg, "the stored plan `%s` cannot be read", e->name);
        return err->code;
    }
    s->vo = (struct stm_view_options){.seed_lo = o->has_seeds ? o->seed_lo : e->seed_lo,
                                      .seed_hi = o->has_seeds ? o->seed_hi : e->seed_hi,
                                      .profile = e->profile};
    return stm_view_new(&s->view, s->plan, s->store, &s->vo, err);
}

static int open_catalog(struct session *s, const struct options *o)
{
    struct stm_err err = {0};
    int code = EXIT_YES;
    if (!s->store) s->store = open_store(o, STORE_EXISTS, &code);
    if (code) return code;
    if (!s->catalog && stm_catalog_read(&s->catalog, s->store, &err)) return fail(&err, NULL);
    if (s->catalog->n) return EXIT_YES;
    fprintf(stderr, "stemma: the store %s holds no runs yet\nhelp: `stemma run FILE` makes some\n",
            stm_store_dir(s->store));
    return EXIT_USAGE;
}

int session_entry(struct session *s, const struct options *o, size_t n)
{
    struct stm_err err = {0};
    int code = open_catalog(s, o);
    if (!code && use_entry(s, o, &s->catalog->e[n], &err)) code = fail(&err, NULL);
    return code;
}

/* An address with a protocol before it: "rescaling[p=97]:trunk/post/raised#7". */
struct protocol_part {
    const char *name, *binds, *rest; /* name and binds are not terminated; binds may be empty */
    size_t name_n, binds_n;
};

static struct protocol_part split_protocol(const char *address)
{
    struct protocol_part p = {.rest = address};
    const char *colon = strchr(address, ':');
    if (!colon) return p;
    p.name = address;
    p.name_n = strcspn(address, "[:");
    p.rest = colon + 1;
    const char *end = memchr(address, ']', (size_t)(colon - address));
    if (address[p.name_n] != '[' || !end) return p;
    p.binds = address + p.name_n + 1;
    p.binds_n = (size_t)(end - p.binds);
    return p;
}

/* Whether every "p=97" of the address is so in the plan, by -D or by default. */
static bool params_match(const struct protocol_part *part, const struct stm_plan *plan)
{
    for (size_t at = 0; at < part->binds_n;) {
        const char *bind = part->binds + at;
        size_t n = 0;
        while (at + n < part->binds_n && bind[n] != ',') n++;
        bool found = false;
        for (unsigned i = 0; i < plan->n_params; i++) {
            char want[160];
            int k =
                snprintf(want, sizeof want, "%s=%s", plan->params[i].name, plan->params[i].text);
            found = found || (k == (int)n && !strncmp(want, bind, n));
        }
        if (!found) return false;
        at += n + 1;
    }
    return true;
}

/* The entries in which an address is found. */
struct hits {
    size_t *at, n;      /* indices into the catalog */
    bool named;         /* some entry has the protocol's name */
    struct stm_err err; /* why it is not found, from the entry that says most */
    int err_rank;       /* 1: no such arm, 2: the arm is there, 3: the entry cannot be read */
};

static void add_miss(struct hits *h, const struct stm_err *err, int rank)
{
    if (rank <= h->err_rank) return;
    h->err = *err;
    h->err_rank = rank;
}

/* By its name, or by 8 and more digits of its compute hash, which tell two of one name apart. */
static bool is_named(const struct stm_catalog_entry *e, const struct protocol_part *part)
{
    if (strlen(e->name) == part->name_n && !strncmp(e->name, part->name, part->name_n)) return true;
    return part->name_n >= 8 && part->name_n <= strlen(e->compute_hash) &&
           !strncmp(e->compute_hash, part->name, part->name_n);
}

static void find_hits(struct session *s, const struct options *o, const struct protocol_part *part,
                      struct hits *h)
{
    for (size_t i = 0; i < s->catalog->n; i++) {
        const struct stm_catalog_entry *e = &s->catalog->e[i];
        struct stm_err err = {0};
        struct stm_address a;
        if (part->name && !is_named(e, part)) continue;
        h->named = true;
        int rc = use_entry(s, o, e, &err);
        if (!rc && !params_match(part, s->plan)) continue;
        if (rc)
            add_miss(h, &err, 3);
        else if (stm_address_find(s->view, part->rest, &a, &err))
            add_miss(h, &err, a.node < 0 ? 1 : 2);
        else
            h->at[h->n++] = i;
    }
}

static bool one_design(const struct stm_catalog *c, const struct hits *h)
{
    const struct stm_catalog_entry *first = &c->e[h->at[0]];
    for (size_t i = 1; i < h->n; i++) {
        const struct stm_catalog_entry *e = &c->e[h->at[i]];
        if (strcmp(e->name, first->name) || strcmp(e->params, first->params) ||
            strcmp(e->compute_hash, first->compute_hash))
            return false;
    }
    return true;
}

/* Keeps the hits that `keep` likes, if there are any. */
static void narrow(struct hits *h, const struct stm_catalog *c,
                   bool (*keep)(const struct stm_catalog_entry *e))
{
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++) n += keep(&c->e[h->at[i]]);
    if (!n) return;
    n = 0;
    for (size_t i = 0; i < h->n; i++)
        if (keep(&c->e[h->at[i]])) h->at[n++] = h->at[i];
    h->n = n;
}

static bool has_no_overrides(const struct stm_catalog_entry *e) { return !*e->params; }
static bool has_own_profile(const struct stm_catalog_entry *e)
{
    return !strcmp(e->profile, stm_engine_profile());
}

static int not_found(const struct hits *h, const char *address)
{
    bool file =
        h->err_rank && strlen(address) > 7 && !strcmp(address + strlen(address) - 7, ".stemma");
    if (h->err_rank)
        return fail(&h->err, file ? "an arm is asked for here: `stemma tree FILE` lists them"
                             : h->err_rank == 1 ? "`stemma tree` lists all arms"
                                                : NULL);
    fprintf(stderr,
            "stemma: no protocol in the store is named by `%s`\nhelp: `stemma tree` lists them\n",
            address);
    return EXIT_USAGE;
}

/* Two files of one name. */
static bool is_twin(const struct stm_catalog_entry *a, const struct stm_catalog_entry *b)
{
    return !strcmp(a->name, b->name) && !strcmp(a->params, b->params) &&
           strcmp(a->compute_hash, b->compute_hash);
}

static int ambiguous(const struct hits *h, const struct stm_catalog *c, const char *address,
                     const char *rest)
{
    if (one_design(c, h)) {
        fprintf(stderr,
                "stemma: `%s` was recorded under several profiles, none of them this machine's\n"
                "help: one of them is %s\n",
                address, c->e[h->at[0]].profile);
        return EXIT_USAGE;
    }
    bool twins = false;
    for (size_t i = 1; i < h->n; i++) twins = twins || is_twin(&c->e[h->at[0]], &c->e[h->at[i]]);
    fprintf(stderr, "stemma: `%s` is ambiguous: it is in ", address);
    for (size_t i = 0; i < h->n; i++) {
        const struct stm_catalog_entry *e = &c->e[h->at[i]];
        fprintf(stderr, "%s%s%s%s%s", i ? ", " : "", e->name, *e->params ? "[" : "", e->params,
                *e->params ? "]" : "");
        if (twins) fprintf(stderr, " (%.12s, \"%s\")", e->compute_hash, e->title);
    }
    if (twins)
        fprintf(stderr, "\nhelp: write its hash before it, as in %.12s:%s\n",
                c->e[h->at[0]].compute_hash, rest);
    else
        fprintf(stderr, "\nhelp: write one of them and a colon before it\n");
    return EXIT_USAGE;
}

/* Was the entry run with the -D that the plan has? */
static bool same_params(const struct stm_catalog_entry *e, const struct stm_plan *p)
{
    struct stm_buf text = {0};
    for (unsigned i = 0; i < p->n_params; i++)
        if (p->params[i].overridden)
            stm_buf_printf(&text, "%s%s=%s", text.n ? " " : "", p->params[i].name,
                           p->params[i].text);
    bool same = !strcmp(stm_buf_text(&text), e->params);
    stm_buf_release(&text);
    return same;
}

void warn_of_twins(const struct session *s)
{
    struct stm_catalog *c = NULL;
    if (stm_catalog_read(&c, s->store, NULL)) return; /* what needs the catalog says why */
    for (size_t i = 0; i < c->n; i++) {
        const struct stm_catalog_entry *e = &c->e[i];
        if (strcmp(e->name, s->plan->name) || strcmp(e->profile, s->vo.profile) ||
            !strcmp(e->compute_hash, s->plan->compute_hash) || !same_params(e, s->plan))
            continue;
        fprintf(stderr,
                "stemma: the store holds another protocol of the name `%s`, \"%s\"\n"
                "help: an address in this one begins with %.12s: where it is in both\n",
                e->name, e->title, s->plan->compute_hash);
        break;
    }
    stm_catalog_free(c);
}

int session_address(struct session *s, const struct options *o, const char *address,
                    struct stm_address *found)
{
    struct protocol_part part = split_protocol(address);
    struct hits h = {0};
    struct stm_err err = {0};
    int code = open_catalog(s, o);
    if (code) return code;
    h.at = stm_calloc(s->catalog->n, sizeof *h.at);
    if (!h.at) {
        fprintf(stderr, "stemma: finding `%s`: out of memory\n", address);
        return EXIT_BROKEN;
    }
    find_hits(s, o, &part, &h);
    /* A protocol's bare name means the one without overrides; of one design under several profiles
     * the one that this machine computes under is meant. */
    if (h.n > 1 && part.name && !part.binds) narrow(&h, s->catalog, has_no_overrides);
    if (h.n > 1 && one_design(s->catalog, &h) && !stm_engine_open(o->profile, NULL, NULL))
        narrow(&h, s->catalog, has_own_profile);
    if (h.n == 0)
        code = not_found(&h, address);
    else if (h.n > 1)
        code = ambiguous(&h, s->catalog, address, part.rest);
    else if (use_entry(s, o, &s->catalog->e[h.at[0]], &err) ||
             stm_address_find(s->view, part.rest, found, &err))
        code = fail(&err, NULL);
    stm_free(h.at);
    return code;
}
