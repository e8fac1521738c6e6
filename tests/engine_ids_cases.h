/* The runs of test_engine_ids.c: a name and settings each. Every word of the engine's vocabulary is
 * in one of them, every number off its default; the test says what is missing. A new loss, hold or
 * model is a line here and its ids in tests/golden/ids/. */
#ifndef STEMMA_TESTS_ENGINE_IDS_CASES_H
#define STEMMA_TESTS_ENGINE_IDS_CASES_H

#define TASK   "task = modular_add\ntask.p = 7\ntask.train = 0.5\n"
#define TASK23 "task = modular_sub\ntask.p = 23\ntask.train = 0.5\n" /* two tiles; C > 16 lanes */
#define POINTS                                                                                     \
    "task = sparse_parity\ntask.bits = 37\ntask.relevant = 3\ntask.samples = 300\ntask.train = "   \
    "0.7\n"
#define EMBED  "model = embed_mlp\nmodel.embed = 5\nmodel.hidden = 6\n"
#define WIDE   "model = embed_mlp\nmodel.embed = 19\nmodel.hidden = 67\n"
#define MLP(L) "model = mlp\nmodel.layers = " #L "\nmodel.hidden = 5\n"
#define ADAMW  "optimizer = adamw\nlr = 0.01\nweight_decay = 0.5\n"
#define SGD    "optimizer = sgd\nlr = 0.1\nweight_decay = 0.01\n"
#define PAPER                                                                                      \
    "task = modular_add\ntask.p = 59\ntask.train = 0.4\nmodel = embed_mlp\nmodel.embed = 128\n"    \
    "model.hidden = 256\noptimizer = adamw\nlr = 0.001\nweight_decay = 1\n"

/* Every loss in every mix of precisions. */
#define LOSS_IN(name, loss, model, precision, of_loss)                                             \
    {                                                                                              \
        name "/" loss "/" precision "-" of_loss, TASK model ADAMW                                  \
            "loss = " loss "\nprecision = " precision "\nprecision.loss = " of_loss "\n"           \
    }
#define LOSS(name, loss, model)                                                                    \
    LOSS_IN(name, loss, model, "f32", "f32"), LOSS_IN(name, loss, model, "f32", "f64"),            \
        LOSS_IN(name, loss, model, "f64", "f32"), LOSS_IN(name, loss, model, "f64", "f64")
#define LOSSES(name, model)                                                                        \
    LOSS(name, "cross_entropy", model), LOSS(name, "mse", model), LOSS(name, "stablemax", model)

/* Each activation, with and without biases. */
#define ACT(name, model, act)                                                                      \
    {name "/" act, TASK model ADAMW "model.act = " act "\n"},                                      \
    {                                                                                              \
        name "/" act "/no-bias", TASK model ADAMW "model.bias = off\nmodel.act = " act "\n"        \
    }
#define ACTS(name, model)                                                                          \
    ACT(name, model, "gelu"), ACT(name, model, "relu"), ACT(name, model, "square"),                \
        ACT(name, model, "tanh")

/* A setting in both precisions. */
#define BOTH(name, text)                                                                           \
    {name "/f32", text}, { name "/f64", text "precision = f64\n" }

static const struct ids_case {
    const char *name, *settings;
} ids_cases[] = {
    {"p59/plain", PAPER},
    {"p59/f64", PAPER "precision = f64\n"},
    {"p59/held", PAPER "hold norm(weights) = 45\n"},
    {"p59/batch", PAPER "batch = 500\nloss = stablemax\n"},

    LOSSES("embed", EMBED),
    LOSSES("mlp1", MLP(1)),
    LOSSES("mlp3", MLP(3)),

    ACTS("embed", EMBED),
    ACTS("mlp1", MLP(1)),
    ACTS("mlp2", MLP(2)),
    ACTS("mlp3", MLP(3)),

    /* sizes that no vector or panel divides, more classes than lanes, two tiles */
    BOTH("wide/gelu", TASK23 WIDE ADAMW),
    BOTH("wide/tanh", TASK23 WIDE ADAMW "model.act = tanh\n"),
    BOTH("wide/batch", TASK23 WIDE ADAMW "batch = 37\nloss = stablemax\n"),
    BOTH("wide/mlp2", TASK23 "model = mlp\nmodel.layers = 2\nmodel.hidden = 35\n" ADAMW),

    BOTH("task/sub", "task = modular_sub\ntask.p = 6\ntask.train = 0.6\n" EMBED ADAMW),
    BOTH("task/mul", "task = modular_mul\ntask.p = 8\ntask.train = 0.3\n" MLP(1) ADAMW),
    BOTH("task/div", "task = modular_div\ntask.p = 7\ntask.train = 0.5\n" EMBED ADAMW),

    BOTH("task/parity", POINTS MLP(1) SGD "batch = 33\nmodel.act = relu\n"),
    BOTH("wide/parity", POINTS MLP(2) ADAMW),

    BOTH("init/embed",
         TASK EMBED ADAMW "model.init_E = 2\nmodel.init_W1 = 0.5\nmodel.init_W2 = 1.5\n"),
    BOTH("init/mlp",
         TASK MLP(3) ADAMW "model.init_in = 2\nmodel.init_hidden = 0.5\nmodel.init_out = 1.5\n"),

    BOTH("adamw/decay-first", TASK EMBED ADAMW "optimizer.order = decay_then_step\n"),
    BOTH("adamw/numbers",
         TASK EMBED ADAMW "optimizer.beta1 = 0.8\noptimizer.beta2 = 0.98\noptimizer.eps = 1e-6\n"),
    BOTH("sgd/momentum", TASK EMBED SGD "optimizer.momentum = 0.9\n"),
    BOTH("sgd/decay-first", TASK MLP(2) SGD "optimizer.order = decay_then_step\n"),
    BOTH("sgd/coupled", TASK EMBED SGD "optimizer.order = coupled\noptimizer.momentum = 0.5\n"),

    BOTH("batch/7", TASK EMBED ADAMW "batch = 7\nstream.batch = 2\ndata.train = 0.8\n"),
    BOTH("batch/1", TASK MLP(2) ADAMW "batch = 1\nloss = mse\n"),
    BOTH("scale", TASK EMBED ADAMW "temperature = 1.3\noutput_scale = 0.8\n"),
    BOTH("rates/embed",
         TASK EMBED ADAMW "lr.E = 0.02\nlr.W1 = 0.005\nlr.b2 = 0.1\nlr.weights = 0.015\n"),
    {"rates/mlp", TASK MLP(5) ADAMW "lr.W1 = 0.011\nlr.W2 = 0.012\nlr.W3 = 0.013\n"
                                    "lr.W4 = 0.014\nlr.W5 = 0.015\nlr.W6 = 0.016\n"
                                    "lr.b1 = 0.001\nlr.b2 = 0.002\nlr.b3 = 0.003\n"
                                    "lr.b4 = 0.004\nlr.b5 = 0.005\nlr.b6 = 0.006\n"
                                    "lr.weights = 0.02\nlr.biases = 0.03\n"},
    {"freeze", TASK EMBED ADAMW "freeze W1\nfreeze b1\n"},

    BOTH("logits/clip", TASK EMBED ADAMW "logits = clip\nlogits.clip.c = 1.5\n"),
    BOTH("logits/normalize", TASK MLP(1) ADAMW "logits = normalize\nlogits.normalize.c = 4\n"),
    {"logits/clip/f32-f64",
     TASK MLP(2) ADAMW "logits = clip\nlogits.clip.c = 3\nprecision.loss = f64\nloss = mse\n"},
    {"logits/normalize/f32-f64",
     TASK EMBED ADAMW "logits = normalize\nlogits.normalize.c = 9\nprecision.loss = f64\n"},

    BOTH("grad/ema", TASK EMBED ADAMW "grad = ema\ngrad.ema.beta = 0.9\ngrad.ema.lambda = 2\n"),
    BOTH("grad/perp", TASK MLP(2) SGD "grad = perp\noptimizer.momentum = 0.9\n"),

    BOTH("hold/norm", TASK EMBED ADAMW "hold norm(weights) = 4.25\n"),
    BOTH("hold/norm-le", TASK MLP(3) ADAMW "hold norm(W2) <= 1.5\nhold norm(W1) = 3\n"),
    BOTH("hold/rows", TASK EMBED ADAMW "hold norm(rows(E)) = 1\n"),
    BOTH("hold/rows-le", TASK MLP(1) ADAMW "hold norm(rows(W1)) <= 0.5\n"),
    BOTH("hold/share", TASK EMBED ADAMW "hold share(E,W1,W2) = (0.2, 0.5, 0.3)\n"),
    BOTH("hold/logit_scale", TASK EMBED ADAMW "hold logit_scale = 3\nhold norm(W2) = 2\n"),
};

/* Sizes at which the panels of embed_mlp must give the bits of its general functions: around the
 * panels (64, 32, 16, 8, 4, 2 units), the blocks of six rows, the lanes and the tiles. */
static const struct awkward {
    int p, d, H, batch; /* batch 0: full */
} awkward[] = {
    {2, 1, 1, 0},    {3, 2, 3, 1},    {5, 3, 15, 2},   {7, 5, 16, 15},    {7, 7, 17, 17},
    {13, 1, 31, 33}, {13, 9, 63, 7},  {13, 65, 64, 6}, {19, 33, 65, 13},  {11, 63, 129, 0},
    {19, 31, 33, 0}, {25, 66, 7, 79}, {11, 3, 127, 0}, {23, 129, 5, 193},
};

#endif
