/* The promise of the portable profile: the same bits everywhere. State ids and measured values of
 * the runs in engine_ids_cases.h, under every kernel set that this processor has, against those
 * written down in tests/golden/ids/ for this version of the profile. It needs nothing but the rooms
 * up to the engine and libc, so that it runs wherever a compiler does (scripts/idmatrix).
 *
 * usage: test_engine_ids [--few] [--ids] [--print] [--profile NAME] [--golden DIR] [--tensors RUN]
 *   --few       under an emulator: the first steps of the smaller runs, under the kernel set that
 *               the engine chooses
 *   --ids       without the comparison of the two paths through embed_mlp
 *   --print     writes the lines of the golden file
 *   --profile   openblas: compares where there are ids for this library, processor and compiler
 *   --golden    where the golden files are
 *   --tensors   only the run of this name: a line `STEP TENSOR ID` for each tensor
 * STEMMA_KERNELS in the environment confines it to one kernel set. Exit 1: something differs. */
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/kernels/kernels.h"
#include "engine/kernels/products.h"
#include "engine/trainer.h"
#include "engine_ids_cases.h"
#include "stemma/engine.h"

#ifndef STM_SOURCE_DIR
#define STM_SOURCE_DIR "."
#endif

enum { CASES = sizeof ids_cases / sizeof *ids_cases };
enum { FEW = 3 };   /* steps */
enum { TOLD = 10 }; /* differences */
enum { LINES_MAX = 2 * CASES + 64, NAME = 64 };

/* What a golden file has of one run after so many steps. */
struct line {
    char name[NAME];
    int step;
    char state[STM_ID_TEXT], measured[STM_ID_TEXT];
    bool used;
};

static struct line golden[LINES_MAX];
static size_t n_golden;
static char golden_path[400];
static const char *program;
static int failures;
static bool few, ids_only, print; /* options */
static bool moved;                /* a recorded id differs */

static void die(const char *what, const char *why)
{
    fprintf(stderr, "test_engine_ids: %s: %s\n", what, why);
    exit(2);
}

/* Counts a difference; the first ones are told. */
static void differs(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (failures++ < TOLD) {
        vfprintf(stderr, format, args);
        fputc('\n', stderr);
    }
    va_end(args);
}

/* ---- the golden file ---- */

/* "portable/1" is DIR/portable-1.txt. */
static void read_golden(const char *dir)
{
    char name[200], text[256];
    snprintf(name, sizeof name, "%s", stm_engine_profile());
    for (char *c = name; *c; c++)
        if (*c == '/' || *c == ' ') *c = '-';
    snprintf(golden_path, sizeof golden_path, "%s/%s.txt", dir, name);
    FILE *f = fopen(golden_path, "r");
    while (f && fgets(text, sizeof text, f)) {
        struct line *l = &golden[n_golden];
        if (*text == '#' || *text == '\n') continue;
        if (n_golden == LINES_MAX) die(golden_path, "more lines than there can be");
        if (sscanf(text, "%63s %d %32s %32s", l->name, &l->step, l->state, l->measured) != 4)
            die(golden_path, "a line is not NAME STEP STATE-ID MEASURED-ID");
        n_golden++;
    }
    if (f) fclose(f);
}

static struct line *find_golden(const char *name, int step)
{
    for (size_t i = 0; i < n_golden; i++)
        if (golden[i].step == step && strcmp(golden[i].name, name) == 0) return &golden[i];
    return NULL;
}

static void compare(const struct line *got)
{
    struct line *want = find_golden(got->name, got->step);
    if (!want) {
        differs("%s after %d steps: no id in %s", got->name, got->step, golden_path);
        return;
    }
    want->used = true;
    const bool same_state = strcmp(want->state, got->state) == 0;
    if (same_state && strcmp(want->measured, got->measured) == 0) return;
    differs("%s after %d steps, kernels %s: %s %s, not %s", got->name, got->step,
            stm_engine_kernels(), same_state ? "measured values" : "state",
            same_state ? got->measured : got->state, same_state ? want->measured : want->state);
    moved = true;
}

/* ---- one run ---- */

static bool is_big(const struct ids_case *c) { return strncmp(c->name, "p59/", 4) == 0; }

static int steps_of(const struct ids_case *c)
{
    return is_big(c) ? 10 : strncmp(c->name, "wide/", 5) == 0 ? 50 : 300;
}

static struct stm_trainer *new_trainer(const char *name, const char *text)
{
    struct stm_settings *s = NULL;
    struct stm_trainer *t = NULL;
    struct stm_err err = {0};
    if (stm_settings_parse(&s, text, &err) || stm_trainer_new(&t, s, &err)) die(name, err.msg);
    stm_settings_free(s);
    stm_trainer_init(t, 3);
    return t;
}

static const char *const metrics[] = {
    "acc(train)",    "acc(test)",   "loss(all)",  "loss(test)",
    "margin(train)", "logit_scale", "norm(all)",  "frac(test, p_correct >= 0.2)",
    "share(W2)",     "norm(W1)",    "eff_lr(W1)", "cos(weights)"};
enum { METRICS = sizeof metrics / sizeof *metrics };

/* The id of the bytes of all measured values; every NaN is the same one. */
static struct stm_id measured_id(struct stm_trainer *t)
{
    struct stm_metric m[METRICS];
    const struct stm_metric *list[METRICS];
    struct stm_err err = {0};
    double v[METRICS];
    for (size_t i = 0; i < METRICS; i++) {
        if (stm_metric_parse(&m[i], metrics[i], &err)) die(metrics[i], err.msg);
        list[i] = &m[i];
    }
    stm_trainer_measure(t, list, METRICS, v);
    for (size_t i = 0; i < METRICS; i++)
        if (isnan(v[i])) v[i] = -1e300;
    return stm_id_of(v, sizeof v);
}

static void record(struct stm_trainer *t, const char *name, struct line *out)
{
    struct stm_state state;
    struct stm_id id;
    struct stm_err err = {0};
    stm_trainer_view(t, &state);
    if (stm_state_ids(&state, &id, NULL, &err)) die(name, err.msg);
    if (stm_trainer_diverged(t)) die(name, "diverged; a case must not");
    snprintf(out->name, NAME, "%s", name);
    out->step = (int)stm_trainer_at(t);
    stm_id_text(&id, out->state);
    id = measured_id(t);
    stm_id_text(&id, out->measured);
}

/* Up to `steps`; the last one is tracked, and so is one in seven, which moves no bit. */
static void train(struct stm_trainer *t, int steps)
{
    for (int i = (int)stm_trainer_at(t); i < steps; i++)
        stm_trainer_step(t, i % 7 == 0 || i + 1 == steps);
}

static void run_case(const struct ids_case *c)
{
    const bool slow = stm_p_f32()->panel < 16; /* one element at a time, fma a call */
    const int steps[] = {FEW, steps_of(c)};
    if (few && is_big(c)) return;
    struct stm_trainer *t = new_trainer(c->name, c->settings);
    for (int i = 0; i < (few || (is_big(c) && slow) ? 1 : 2); i++) {
        struct line got;
        train(t, steps[i]);
        record(t, c->name, &got);
        if (print)
            printf("%s %d %s %s\n", got.name, got.step, got.state, got.measured);
        else
            compare(&got);
    }
    stm_trainer_free(t);
}

/* ---- the tensors of one run, to see where another program differs ---- */

static void print_tensors(struct stm_trainer *t, const char *name)
{
    struct stm_state state;
    struct stm_id id, tensor[64];
    char hex[STM_ID_TEXT];
    struct stm_err err = {0};
    stm_trainer_view(t, &state);
    if (state.n > sizeof tensor / sizeof *tensor)
        die(name, "has more tensors than there is room for");
    if (stm_state_ids(&state, &id, tensor, &err)) die(name, err.msg);
    for (size_t i = 0; i < state.n; i++)
        printf("%d %s %s\n", (int)stm_trainer_at(t), state.t[i].name, stm_id_text(&tensor[i], hex));
}

static void run_for_tensors(const char *name)
{
    size_t c = 0;
    while (c < CASES && strcmp(ids_cases[c].name, name) != 0) c++;
    if (c == CASES) die(name, "no such run");
    struct stm_trainer *t = new_trainer(name, ids_cases[c].settings);
    train(t, FEW);
    print_tensors(t, name);
    train(t, steps_of(&ids_cases[c]));
    print_tensors(t, name);
    stm_trainer_free(t);
}

/* ---- panels against the general functions ---- */

static void compare_paths(const char *name, const char *text)
{
    struct line got[2];
    for (int plain = 0; plain < 2; plain++) {
        stm_trainer_plain = plain;
        struct stm_trainer *t = new_trainer(name, text);
        train(t, FEW);
        record(t, name, &got[plain]);
        stm_trainer_free(t);
    }
    stm_trainer_plain = false;
    if (strcmp(got[0].state, got[1].state) == 0 && strcmp(got[0].measured, got[1].measured) == 0)
        return;
    differs("%s, kernels %s: the panels and the general functions differ", name,
            stm_engine_kernels());
}

static void compare_awkward(void)
{
    const char *const precisions[] = {"f32", "f64"};
    for (size_t i = 0; i < sizeof awkward / sizeof *awkward; i++)
        for (int k = 0; k < 4; k++) {
            const struct awkward *a = &awkward[i];
            char name[NAME], text[400], batch[24] = "full";
            if (a->batch) snprintf(batch, sizeof batch, "%d", a->batch);
            snprintf(text, sizeof text,
                     "task = modular_add\ntask.p = %d\ntask.train = 0.7\nmodel = embed_mlp\n"
                     "model.embed = %d\nmodel.hidden = %d\nmodel.bias = %s\nmodel.act = %s\n"
                     "optimizer = adamw\nlr = 0.01\nbatch = %s\nprecision = %s\n",
                     a->p, a->d, a->H, k / 2 ? "off" : "on", stm_act_names[(i + (size_t)k) % 4],
                     batch, precisions[k % 2]);
            snprintf(name, sizeof name, "p %d, d %d, H %d, batch %s, %s, variant %d", a->p, a->d,
                     a->H, batch, precisions[k % 2], k);
            compare_paths(name, text);
        }
}

/* ---- what the cases cover ---- */

static struct stm_settings *parsed[CASES];

static void missing(const char *kind, const char *name, const char *word)
{
    differs("no case has %s %s%s%s: add one to engine_ids_cases.h", kind, name, *word ? " = " : "",
            word);
}

/* `value` of a case; NaN where it has no such parameter. Part -1 is the knobs. */
static double value_of(size_t c, int part, int type, size_t i)
{
    if (part < 0) return parsed[c]->knob[i];
    return parsed[c]->part[part] == type ? parsed[c]->arg[part][i] : NAN;
}

/* Some case has each symbol of a parameter, and some case a number that is not its default. */
static void cover_param(int part, int type, size_t i, const char *of, const struct stm_param *p)
{
    char name[80];
    snprintf(name, sizeof name, "%s%s%s", of, *of ? "." : "", p->name);
    for (int s = 0; p->syms && p->syms[s]; s++) {
        bool found = false;
        for (size_t c = 0; c < CASES; c++)
            found |= value_of(c, part, type, i) == stm_param_symbol(p, s);
        if (!found) missing("the word", name, p->syms[s]);
    }
    bool number = p->kind == STM_K_SYM;
    for (size_t c = 0; c < CASES; c++) {
        double v = value_of(c, part, type, i);
        number |= !isnan(v) && v != stm_param_default(p) && !(p->syms && v < 0);
    }
    if (!number) missing("a value of its own for", name, "");
}

static void cover_group_knob(int knob, const char *name)
{
    for (size_t c = 0; c < CASES; c++)
        for (size_t i = 0; i < parsed[c]->n_group_knobs; i++)
            if (parsed[c]->group_knob[i].knob == knob) return;
    missing("a value for", name, "");
}

static void cover_part(int part, int type, const char *kind, const struct stm_sig *sig)
{
    bool found = false;
    for (size_t c = 0; c < CASES; c++) found |= parsed[c]->part[part] == type;
    if (!found) missing(kind, sig->name, "");
    for (size_t i = 0; found && i < sig->n_params; i++)
        cover_param(part, type, i, sig->name, &sig->params[i]);
}

static bool has_hold(size_t type, enum stm_hold_op op)
{
    for (size_t c = 0; c < CASES; c++)
        for (size_t h = 0; h < parsed[c]->n_holds; h++)
            if (parsed[c]->hold[h].type == type && parsed[c]->hold[h].op == op) return true;
    return false;
}

static void cover_metric(const char *name)
{
    const size_t n = strlen(name);
    for (size_t i = 0; i < METRICS; i++)
        if (strncmp(metrics[i], name, n) == 0 && (metrics[i][n] == '(' || !metrics[i][n])) return;
    missing("metric", name, "");
}

static void cover_vocabulary(void)
{
    const struct stm_vocab *v = stm_engine_vocab();
    struct stm_err err = {0};
    for (size_t c = 0; c < CASES; c++)
        if (stm_settings_parse(&parsed[c], ids_cases[c].settings, &err))
            die(ids_cases[c].name, err.msg);
    for (size_t i = 0; i < v->n_tasks; i++) cover_part(STM_PART_TASK, (int)i, "task", v->tasks[i]);
    for (size_t i = 0; i < v->n_models; i++)
        cover_part(STM_PART_MODEL, (int)i, "model", &v->models[i]->sig);
    for (size_t i = 0; i < v->n_optimizers; i++)
        cover_part(STM_PART_OPTIMIZER, (int)i, "optimizer", v->optimizers[i]);
    for (size_t i = 0; i < v->n_knobs; i++)
        if (stm_knob_prefix(&v->knobs[i]))
            cover_group_knob((int)i, v->knobs[i].name);
        else if (!stm_knob_alias[i])
            cover_param(-1, 0, i, "", &v->knobs[i]);
    for (size_t i = 0; i < v->n_holds; i++) {
        if (!has_hold(i, STM_HOLD_EQ)) missing("hold", v->holds[i]->name, v->holds[i]->doc);
        if (v->holds[i]->upper_bound && !has_hold(i, STM_HOLD_LE))
            missing("hold <=", v->holds[i]->name, v->holds[i]->doc);
    }
    for (size_t i = 0; i < v->n_metrics; i++) cover_metric(v->metrics[i]->name);
    for (size_t c = 0; c < CASES; c++) stm_settings_free(parsed[c]);
}

/* ---- all of it ---- */

static void run_set(size_t set)
{
    stm_kernels_choose(set);
    for (size_t c = 0; c < CASES; c++) run_case(&ids_cases[c]);
    if (print) return;
    for (size_t c = 0; c < CASES && !ids_only; c++)
        if (strstr(ids_cases[c].settings, "model = embed_mlp") && !is_big(&ids_cases[c]))
            compare_paths(ids_cases[c].name, ids_cases[c].settings);
    if (!ids_only) compare_awkward();
    printf("%s: kernels %s: %d runs%s, %d differences\n", stm_engine_profile(),
           stm_engine_kernels(), (int)CASES, few ? " (few steps)" : "", failures);
    fflush(stdout);
}

static void check_lines_used(void)
{
    for (size_t i = 0; i < n_golden; i++) {
        if (golden[i].used || golden[i].step != FEW ||
            is_big(&(struct ids_case){golden[i].name, ""}))
            continue;
        differs("%s has ids of `%s`, which is no case", golden_path, golden[i].name);
    }
}

static void advise(bool portable)
{
    if (moved)
        fprintf(stderr,
                "The bits of %s moved. If they should: raise %s_VERSION in src/engine/profile.c, "
                "build, and commit new ids:\n"
                "  %s --print%s >tests/golden/ids/NEW-VERSION.txt\n",
                stm_engine_profile(), portable ? "PORTABLE" : "OPENBLAS", program,
                portable ? "" : " --profile openblas");
    else
        fprintf(stderr,
                "Ids of a new version of the profile, or of new cases, are written by\n"
                "  %s --print%s >%s\n",
                program, portable ? "" : " --profile openblas", golden_path);
}

static const char *profile = "portable", *golden_dir = STM_SOURCE_DIR "/tests/golden/ids";
static const char *tensors_of; /* a run, or NULL */

static void read_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--few") == 0)
            few = true;
        else if (strcmp(argv[i], "--ids") == 0)
            ids_only = true;
        else if (strcmp(argv[i], "--print") == 0)
            print = true;
        else if (strcmp(argv[i], "--profile") == 0 && i + 1 < argc)
            profile = argv[++i];
        else if (strcmp(argv[i], "--golden") == 0 && i + 1 < argc)
            golden_dir = argv[++i];
        else if (strcmp(argv[i], "--tensors") == 0 && i + 1 < argc)
            tensors_of = argv[++i];
        else
            die(argv[i], "unknown option");
    }
}

static void run_sets(bool portable)
{
    const char *forced = getenv("STEMMA_KERNELS");
    const bool one = few || print || !portable || (forced && *forced);
    if (one)
        run_set((size_t)(stm_width_chosen() - stm_widths()));
    else
        for (size_t i = 0; stm_widths()[i].f32; i++) run_set(i);
}

int main(int argc, char **argv)
{
    struct stm_err err = {0};
    program = argv[0];
    read_options(argc, argv);
    const bool portable = strcmp(profile, "portable") == 0;
    if (stm_engine_open(profile, NULL, &err)) die(profile, err.msg);
    if (tensors_of) {
        run_for_tensors(tensors_of);
        return 0;
    }
    read_golden(golden_dir);
    cover_vocabulary();
    if (print) {
        printf("# Ids of the runs of tests/engine_ids_cases.h under the profile %s:\n"
               "# name, steps, id of the state, id of the measured values.\n",
               stm_engine_profile());
        run_sets(portable);
        return failures ? 1 : 0;
    }
    if (n_golden) {
        printf("%s: kernels %s chosen\n", stm_engine_profile(), stm_engine_kernels());
        run_sets(portable);
        check_lines_used();
    } else if (portable) {
        differs("there are no ids for %s (%s)", stm_engine_profile(), golden_path);
    } else {
        printf("no ids for %s\n", stm_engine_profile());
    }
    if (failures) advise(portable);
    return failures ? 1 : 0;
}
