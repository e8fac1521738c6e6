/* A vocabulary for tests of the protocol room: the engine's words, and the wider ones that
 * tests/golden/protocols needs. */
#ifndef STEMMA_TESTS_PROTOCOL_VOCAB_H
#define STEMMA_TESTS_PROTOCOL_VOCAB_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "stemma/err.h"
#include "stemma/vocab.h"

static const char *const tv_act[] = {"gelu", "relu", "tanh", NULL};
static const char *const tv_init[] = {"normal_fan_in", "uniform", NULL};
static const char *const tv_order[] = {"step_then_decay", "decay_then_step", NULL};
static const char *const tv_loss[] = {"cross_entropy", "stablemax", "mse", NULL};
static const char *const tv_full[] = {"full", NULL};
static const char *const tv_precision[] = {"f32", "f64", NULL};
static const char *const tv_fields[] = {"p_correct", "margin", "loss", NULL};

/* name, kind, least, most, without the least, without the most, words, default, what it is */
#define PARAM(n, k, lo, hi, olo, ohi, s, d, text)                                                  \
    {                                                                                              \
        .name = n, .kind = STM_K_##k, .min = lo, .max = hi, .open_min = olo, .open_max = ohi,      \
        .syms = s, .def = d, .doc = text                                                           \
    }

static const struct stm_param tv_task[] = {
    PARAM("p", INT, 2, 1000, false, false, NULL, NULL, "the modulus"),
    PARAM("train", NUM, 0, 1, true, true, NULL, NULL, "the share of pairs that is trained on"),
};
static const struct stm_param tv_parity[] = {
    PARAM("bits", INT, 1, 1024, false, false, NULL, NULL, "numbers of a point"),
    PARAM("train", NUM, 0, 1, true, true, NULL, NULL, "the share of points that is trained on"),
};
static const struct stm_param tv_mlp[] = {
    PARAM("hidden", INT, 1, 4096, false, false, NULL, "256", "width of the hidden layer"),
};
static const struct stm_param tv_model[] = {
    PARAM("embed", INT, 1, 4096, false, false, NULL, "128", "width of the embedding"),
    PARAM("hidden", INT, 1, 4096, false, false, NULL, "256", "width of the hidden layer"),
    PARAM("act", SYM, 0, 0, false, false, tv_act, "gelu", "activation"),
    PARAM("init", SYM, 0, 0, false, false, tv_init, "normal_fan_in", "initial weights"),
};
static const struct stm_param tv_adamw[] = {
    PARAM("lr", NUM, 0, 10, true, false, NULL, NULL, "learning rate"),
    PARAM("beta1", NUM, 0, 1, false, true, NULL, "0.9", "first moment"),
    PARAM("beta2", NUM, 0, 1, false, true, NULL, "0.999", "second moment"),
    PARAM("eps", NUM, 0, 1, true, false, NULL, "1e-8", "added to the root"),
    PARAM("decay", NUM, 0, 100, false, false, NULL, "0", "weight decay"),
    PARAM("order", SYM, 0, 0, false, false, tv_order, "step_then_decay", "of step and decay"),
};
static const char *const tv_grads[] = {"none", "ema", "perp", NULL};
static const char *const tv_logits[] = {"plain", "clip", "normalize", NULL};

static const struct stm_param tv_knobs[] = {
    PARAM("lr", NUM, 0, 10, true, false, NULL, NULL, "learning rate"),
    PARAM("weight_decay", NUM, 0, 100, false, false, NULL, NULL, "weight decay"),
    PARAM("loss", SYM, 0, 0, false, false, tv_loss, "cross_entropy", "loss"),
    PARAM("batch", INT, 1, 1e6, false, false, tv_full, "full", "pairs a step"),
    PARAM("precision", SYM, 0, 0, false, false, tv_precision, "f32", "of everything"),
    PARAM("precision.loss", SYM, 0, 0, false, false, tv_precision, NULL, "of the loss"),
    PARAM("temperature", NUM, 0, 1e6, true, false, NULL, "1", "divides the logits"),
    PARAM("output_scale", NUM, 0, 1e6, true, false, NULL, "1", "multiplies the logits"),
    PARAM("lr.GROUP", NUM, 0, 10, true, false, NULL, NULL, "learning rate of the group"),
    PARAM("optimizer.beta2", NUM, 0, 1, false, true, NULL, NULL, "second moment"),
    PARAM("optimizer.momentum", NUM, 0, 1, false, true, NULL, NULL, "of sgd"),
    PARAM("stream.batch", INT, 0, 1e6, false, false, NULL, "0", "which batches"),
    PARAM("data.train", NUM, 0, 1, true, false, NULL, NULL, "fraction of the training pairs"),
    PARAM("grad", SYM, 0, 0, false, false, tv_grads, "none", "what becomes of the gradient"),
    PARAM("grad.ema.beta", NUM, 0, 1, false, true, NULL, "0.98", "decay"),
    PARAM("grad.ema.lambda", NUM, 0, 1e3, false, false, NULL, NULL, "weight of the mean"),
    PARAM("logits", SYM, 0, 0, false, false, tv_logits, "plain", "what becomes of the logits"),
    PARAM("logits.clip.c", NUM, 0, 1e6, true, false, NULL, NULL, "largest value"),
    PARAM("logits.normalize.c", NUM, 0, 1e6, true, false, NULL, NULL, "norm"),
};
static const struct stm_tensor_sig tv_tensors[] = {
    {"E", false}, {"W1", false}, {"b1", true}, {"W2", false}, {"b2", true}};
#define METRIC(...)                                                                                \
    &(const struct stm_metric_sig) { __VA_ARGS__ }
#define HOLD(...)                                                                                  \
    &(const struct stm_hold_sig) { __VA_ARGS__ }
#define SIG(...)                                                                                   \
    &(const struct stm_sig) { __VA_ARGS__ }
#define MODEL(...)                                                                                 \
    &(const struct stm_model_sig) { __VA_ARGS__ }

static const struct stm_metric_sig *const tv_metrics[] = {
    METRIC("acc", STM_A_SET, "accuracy"),
    METRIC("loss", STM_A_SET, "mean loss"),
    METRIC("norm", STM_A_GROUP, "l2 norm"),
    METRIC("logit_scale", STM_A_NONE, "root mean square of the logits"),
    METRIC("eff_lr", STM_A_GROUP, "relative update"),
    METRIC("frac", STM_A_SET_COND, "share of examples"),
    METRIC("share", STM_A_GROUP, "share of the squared norm"),
    METRIC("margin", STM_A_SET, "mean margin"),
};
static const struct stm_hold_sig *const tv_holds[] = {
    HOLD("norm", STM_A_GROUP, true, "l2 norm"),
    HOLD("norm", STM_A_ROWS, true, "l2 norm of each row"),
    HOLD("share", STM_A_GROUPS, false, "shares of the squared norm"),
    HOLD("logit_scale", STM_A_NONE, false, "by the temperature"),
};
static const struct stm_sig *const tv_tasks[] = {
    SIG("modular_add", tv_task, 2, "a + b mod p", STM_IN_PAIR),
    SIG("sparse_parity", tv_parity, 2, "of the first bits", STM_IN_VECTOR),
};
static const struct stm_model_sig *const tv_models[] = {
    MODEL({"embed_mlp", tv_model, 4, "an embedding and one hidden layer", STM_IN_PAIR}, tv_tensors,
          5, NULL, 0),
    MODEL({"mlp", tv_mlp, 1, "one hidden layer", STM_IN_PAIR | STM_IN_VECTOR}, tv_tensors + 1, 4,
          NULL, 0),
};
static const struct stm_sig *const tv_optimizers[] = {
    SIG("adamw", tv_adamw, 6, "adam, decoupled decay", 0),
};

/* A batch is of 100 examples at most, less where data.train leaves some out; a held logit_scale
 * needs plain logits. */
static inline int tv_judge(const struct stm_in_force *list, size_t n, struct stm_fault *out)
{
    double keep = 1, batch = 0;
    bool held = false, plain = true;
    out->at = n;
    for (size_t i = 0; i < n; i++) {
        const struct stm_in_force *f = &list[i];
        bool fraction = strcmp(f->key, "data.train") == 0, of = strcmp(f->key, "batch") == 0;
        bool logits = strcmp(f->key, "logits") == 0, scale = strcmp(f->key, "logit_scale") == 0;
        if (fraction && !isnan(f->num[0])) keep = f->num[0];
        if (of) batch = f->sym ? 0 : f->num[0];
        if (logits) plain = strcmp(f->sym, "plain") == 0;
        if (scale) held = true;
        if ((fraction || of) && batch > 100 * keep) out->at = i;
        if ((scale || logits) && held && !plain) out->at = i;
    }
    if (batch > 100 * keep)
        snprintf(out->msg, sizeof out->msg, "batch = %g is more than the %g training pairs", batch,
                 100 * keep);
    else if (held && !plain)
        snprintf(out->msg, sizeof out->msg, "hold logit_scale needs logits = plain");
    else
        return 0;
    return STM_E_INVALID;
}

static const struct stm_vocab test_vocab = {
    tv_tasks,   2, tv_models, 2, tv_optimizers, 1,        tv_knobs, 19,
    tv_metrics, 8, tv_holds,  4, tv_fields,     tv_judge,
};

#endif
