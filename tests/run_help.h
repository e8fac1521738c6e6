/* What the tests of the run room share: a tiny protocol, its plan, a store and a view of both. */
#ifndef STEMMA_TESTS_RUN_HELP_H
#define STEMMA_TESTS_RUN_HELP_H

#include "store_help.h"

#include "run/view.h"
#include "stemma/run.h"

static const char tiny_protocol[] =
    "lang 1\n"
    "protocol \"tiny\"\n"
    "param p = 7\n"
    "task add = modular_add(p = p, train = 0.50)\n"
    "model net = embed_mlp(embed = 4, hidden = 8, act = gelu, init = normal_fan_in)\n"
    "train base {\n"
    "  loss      = cross_entropy\n"
    "  optimizer = adamw(lr = 1e-2, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, decay = 1.0, order = "
    "step_then_decay)\n"
    "  batch     = full\n"
    "  precision = f32\n"
    "}\n"
    "seeds 0..1\n"
    "every 5 steps {\n"
    "  event learned = acc(train) >= 0.05\n"
    "}\n"
    "log every 10 steps { acc(train), norm(weights) }\n"
    "run trunk = net on add with base {\n"
    "  fork post at step 20 {\n"
    "    capture N0 = norm(weights)\n"
    "    stop at step 60\n"
    "    arm free {}\n"
    "    arm held sweep tau in [0.9, 1.3] { hold norm(weights) = N0 * tau }\n"
    "    arm late { set lr = 1e-3 from step 40 }\n"
    "  }\n"
    "}\n";

struct bench {
    struct tmpdir dir;
    char path[600];
    struct stm_plan *plan;
    struct stm_store *store;
    struct stm_view *view;
};

static inline struct stm_plan *tiny_plan(void)
{
    struct stm_plan *plan = NULL;
    struct stm_diags *diags = NULL;
    struct stm_err e = {0};
    struct stm_check_options o = {.vocab = stm_engine_vocab(), .features = STM_F_ALL};
    ck_ok(stm_protocol_check(&plan, &diags, "tiny.stemma", tiny_protocol, sizeof tiny_protocol - 1,
                             &o, &e),
          &e);
    ck_assert_ptr_nonnull(plan);
    stm_diags_free(diags);
    return plan;
}

static inline void bench_view(struct bench *b)
{
    struct stm_err e = {0};
    struct stm_view_options o = {.seed_lo = 0, .seed_hi = 1, .profile = stm_engine_profile()};
    stm_view_free(b->view);
    b->view = NULL;
    ck_ok(stm_view_new(&b->view, b->plan, b->store, &o, &e), &e);
}

static inline void bench_make(struct bench *b)
{
    struct stm_err e = {0};
    *b = (struct bench){0};
    tmpdir_make(&b->dir);
    snprintf(b->path, sizeof b->path, "%s/st", b->dir.path);
    ck_ok(stm_engine_open(NULL, NULL, &e), &e);
    b->plan = tiny_plan();
    ck_ok(stm_store_open(&b->store, b->path, STM_STORE_CREATE, &e), &e);
    bench_view(b);
}

static inline void bench_remove(struct bench *b)
{
    stm_view_free(b->view);
    stm_plan_free(b->plan);
    stm_store_close(b->store);
    tmpdir_remove(&b->dir);
}

static inline void bench_train(struct bench *b, struct stm_run_outcome *outcome)
{
    struct stm_err e = {0};
    struct stm_run_options o = {.jobs = 1, .anchor_every = 15};
    ck_ok(stm_run_execute(b->view, &o, outcome, &e), &e);
}

/* The index of the node with this path. */
static inline int bench_node(const struct bench *b, const char *path)
{
    for (unsigned i = 0; i < b->plan->n_nodes; i++)
        if (!strcmp(b->plan->nodes[i].path, path)) return (int)i;
    ck_abort_msg("no node %s", path);
    return -1;
}

#endif
