/* stemma_oracle [--seeds LO..HI] [-D NAME=VALUE] FILE: all that the file says happens, as JSON.
 * stemma_oracle --words: the words of the engine, one a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

struct arguments {
    const char *file;
    bool has_seeds;
    int lo, hi;
    struct stm_override overrides[32];
    unsigned n_overrides;
};

static const char *usage = "usage: stemma_oracle [--seeds LO..HI] [-D NAME=VALUE] FILE";

static void read_arguments(struct arguments *a, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (!strcmp(argv[i], "--seeds") && more) {
            a->has_seeds = sscanf(argv[++i], "%d..%d", &a->lo, &a->hi) == 2 && a->lo <= a->hi;
            if (!a->has_seeds) oracle_die("--seeds takes LO..HI");
        } else if (!strcmp(argv[i], "-D") && more && a->n_overrides < 32) {
            char *name = argv[++i], *eq = strchr(name, '=');
            if (!eq) oracle_die("-D takes NAME=VALUE");
            *eq = 0;
            a->overrides[a->n_overrides++] = (struct stm_override){name, eq + 1};
        } else if (argv[i][0] != '-' && !a->file) {
            a->file = argv[i];
        } else {
            oracle_die("%s", usage);
        }
    }
    if (!a->file) oracle_die("%s", usage);
}

/* ---- words ---- */

static void params(const struct stm_param *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const bool argument = strchr(p[i].name, '.') && strchr(strchr(p[i].name, '.') + 1, '.');
        if (!argument && !stm_knob_prefix(&p[i])) puts(p[i].name);
        for (size_t k = 0; p[i].syms && p[i].syms[k]; k++) puts(p[i].syms[k]);
    }
}

/* Each group, and the settings that it has for itself. */
static void groups(const struct stm_vocab *v, const struct stm_model_sig *m)
{
    const char *group;
    for (size_t g = 0; (group = stm_group_at(m, g)); g++) {
        puts(group);
        for (size_t i = 0; i < v->n_knobs; i++) {
            int n = (int)stm_knob_prefix(&v->knobs[i]);
            if (n) printf("%.*s%s\n", n, v->knobs[i].name, group);
        }
    }
}

static void print_words(void)
{
    const struct stm_vocab *v = stm_engine_vocab();
    for (size_t i = 0; i < v->n_tasks; i++)
        puts(v->tasks[i]->name), params(v->tasks[i]->params, v->tasks[i]->n_params);
    for (size_t i = 0; i < v->n_optimizers; i++)
        puts(v->optimizers[i]->name), params(v->optimizers[i]->params, v->optimizers[i]->n_params);
    for (size_t i = 0; i < v->n_models; i++) {
        puts(v->models[i]->sig.name);
        params(v->models[i]->sig.params, v->models[i]->sig.n_params);
        groups(v, v->models[i]);
    }
    params(v->knobs, v->n_knobs);
    for (size_t i = 0; i < v->n_metrics; i++) puts(v->metrics[i]->name);
    for (size_t i = 0; i < v->n_holds; i++) puts(v->holds[i]->name);
    for (size_t i = 0; v->fields[i]; i++) puts(v->fields[i]);
}

static char *read_file(const char *path, size_t *n)
{
    enum { MAX = 4 << 20 };
    FILE *f = fopen(path, "rb");
    char *text = oracle_alloc(MAX);
    if (!f) oracle_die("cannot read %s", path);
    *n = fread(text, 1, MAX, f);
    fclose(f);
    return text;
}

static struct stm_plan *check(const struct arguments *a)
{
    struct stm_check_options options = {.vocab = stm_engine_vocab(),
                                        .features = STM_F_ALL,
                                        .overrides = a->overrides,
                                        .n_overrides = a->n_overrides};
    struct stm_plan *plan;
    struct stm_diags *diags;
    struct stm_err err;
    size_t n;
    char *text = read_file(a->file, &n);
    if (stm_protocol_check(&plan, &diags, a->file, text, n, &options, &err))
        oracle_die("%s", err.msg);
    if (!plan) {
        struct stm_buf b = {0};
        for (unsigned i = 0; i < diags->n; i++) stm_diag_print(diags, &diags->d[i], false, 0, &b);
        fprintf(stderr, "%s", stm_buf_text(&b));
        exit(1);
    }
    stm_diags_free(diags);
    return plan;
}

static void make_world(struct world *w, const struct stm_plan *plan, const struct arguments *a)
{
    int lo = a->has_seeds ? a->lo : plan->seed_lo, hi = a->has_seeds ? a->hi : plan->seed_hi;
    w->plan = plan;
    w->n_seeds = (unsigned)(hi - lo + 1);
    int *seeds = oracle_alloc(w->n_seeds * sizeof *seeds);
    for (unsigned i = 0; i < w->n_seeds; i++) seeds[i] = lo + (int)i;
    w->seeds = seeds;
    w->reps = oracle_alloc((size_t)plan->n_nodes * w->n_seeds * sizeof *w->reps);
    w->forks = oracle_alloc((size_t)plan->n_forks * w->n_seeds * sizeof *w->forks);
    w->done = oracle_alloc(plan->n_nodes * sizeof *w->done);
    w->calibrations = oracle_alloc(plan->n_calibrates * sizeof *w->calibrations);
    for (unsigned i = 0; i < plan->n_nodes * w->n_seeds; i++) {
        struct rep *r = &w->reps[i];
        *r = (struct rep){.node = (int)(i / w->n_seeds), .seed = i % w->n_seeds};
        r->event = oracle_alloc(plan->n_events * sizeof *r->event);
        for (unsigned e = 0; e < plan->n_events; e++) r->event[e] = NEVER;
        r->diverged = NEVER;
    }
    world_collect_metrics(w);
}

int main(int argc, char **argv)
{
    struct arguments a = {0};
    struct world w = {0};
    struct results r = {0};
    struct stm_buf out = {0};
    struct stm_err err;
    if (argc == 2 && !strcmp(argv[1], "--words")) {
        print_words();
        return 0;
    }
    read_arguments(&a, argc, argv);
    if (stm_engine_open(NULL, NULL, &err)) oracle_die("%s", err.msg);
    struct stm_plan *plan = check(&a);
    make_world(&w, plan, &a);
    world_play(&w);
    results_compute(&w, &r);
    world_json(&w, &r, &out);
    fputs(stm_buf_text(&out), stdout);
    stm_buf_release(&out);
    stm_plan_free(plan);
    oracle_release(0);
    return fflush(stdout) ? 2 : 0;
}
