/* One untouched run of protocols/rescaling.stemma at p = 97, from an initial state and a split that
 * may come from elsewhere.
 *
 * usage: grok_steps SEED INIT SPLIT
 *
 * INIT is a file with E, W1 and W2 as float32, SPLIT one with the permutation of the pairs as
 * uint32, both as in the state's tensors; "-" stands for the seed's own stream. Prints the steps
 * at which the events `memorized` and `grok` of protocols/common/modadd.stemma are first seen, 0
 * for one that was not by step 30 000, and norm(weights) at step 800.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stemma/engine.h"

enum { GRID = 25, FORK = 800, BOUND = 30000 };

static const char settings_text[] = "task = modular_add\ntask.p = 97\ntask.train = 0.4\n"
                                    "model = embed_mlp\nmodel.embed = 128\nmodel.hidden = 256\n"
                                    "optimizer = adamw\nlr = 0.001\nweight_decay = 1\n";

static void die(const char *what, const char *why)
{
    fprintf(stderr, "grok_steps: %s: %s\n", what, why);
    exit(1);
}

static void check(int rc, const struct stm_err *err)
{
    if (rc) die("the engine", err->msg);
}

/* Fills the named tensors of the state, one after the other, from all of a file. */
static void fill(const struct stm_state *s, const char *const *names, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) die(path, "cannot be opened");
    for (; *names; names++) {
        const struct stm_tensor *x = stm_state_find(s, *names);
        /* The state is a copy that this program owns. */
        if (fread((void *)(uintptr_t)x->data, 1, x->bytes, f) != x->bytes)
            die(path, "is shorter than its tensors");
    }
    if (fgetc(f) != EOF) die(path, "is longer than its tensors");
    fclose(f);
}

static void replace(struct stm_trainer *t, const char *init, const char *split)
{
    static const char *const weights[] = {"param.E", "param.W1", "param.W2", NULL};
    static const char *const order[] = {"data.order", NULL};
    struct stm_err err = {0};
    struct stm_state view, copy;
    stm_trainer_view(t, &view);
    check(stm_state_copy(&copy, &view, &err), &err);
    if (strcmp(init, "-") != 0) fill(&copy, weights, init);
    if (strcmp(split, "-") != 0) fill(&copy, order, split);
    check(stm_trainer_load(t, &copy, &err), &err);
    stm_state_release(&copy);
}

static void train(struct stm_trainer *t)
{
    enum { TRAIN, TEST, NORM, METRICS };
    static const char *const text[METRICS] = {"acc(train)", "acc(test)", "norm(weights)"};
    struct stm_metric metric[METRICS];
    const struct stm_metric *list[METRICS];
    struct stm_err err = {0};
    double value[METRICS], norm = 0;
    int memorized = 0, grok = 0;
    for (int i = 0; i < METRICS; i++) {
        check(stm_metric_parse(&metric[i], text[i], &err), &err);
        list[i] = &metric[i];
    }
    for (int step = 1; step <= BOUND && !(grok && step > FORK); step++) {
        stm_trainer_step(t, false);
        if (step % GRID) continue;
        stm_trainer_measure(t, list, METRICS, value);
        if (!memorized && value[TRAIN] >= 0.99) memorized = step;
        if (!grok && value[TEST] >= 0.90) grok = step;
        if (step == FORK) norm = value[NORM];
    }
    printf("%d %d %.6f\n", memorized, grok, norm);
}

int main(int argc, char **argv)
{
    struct stm_err err = {0};
    struct stm_settings *s;
    struct stm_trainer *t;
    if (argc != 4) {
        fputs("usage: grok_steps SEED INIT SPLIT\n", stderr);
        return 2;
    }
    check(stm_engine_open(NULL, NULL, &err), &err);
    check(stm_settings_parse(&s, settings_text, &err), &err);
    check(stm_trainer_new(&t, s, &err), &err);
    stm_trainer_init(t, strtoull(argv[1], NULL, 10));
    replace(t, argv[2], argv[3]);
    train(t);
    stm_trainer_free(t);
    stm_settings_free(s);
    return 0;
}
