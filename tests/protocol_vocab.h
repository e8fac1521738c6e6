/* A vocabulary for tests of the protocol room: the engine's words, and the wider ones that
 * tests/golden/protocols needs. */
#ifndef STEMMA_TESTS_PROTOCOL_VOCAB_H
#define STEMMA_TESTS_PROTOCOL_VOCAB_H

#include <math.h>

#include "stemma/vocab.h"

static const char *const tv_act[] = {"gelu", "relu", "tanh", NULL};
static const char *const tv_init[] = {"normal_fan_in", "uniform", NULL};
static const char *const tv_order[] = {"step_then_decay", "decay_then_step", NULL};
static const char *const tv_loss[] = {"cross_entropy", "stablemax", "mse", NULL};
static const char *const tv_full[] = {"full", NULL};
static const char *const tv_precision[] = {"f32", "f64", NULL};
static const char *const tv_fields[] = {"p_correct", "margin", "loss", NULL};

static const struct stm_param tv_task[] = {
    {"p", STM_K_INT, 2, 1000, false, false, NULL, NULL, "the modulus"},
    {"train", STM_K_NUM, 0, 1, true, true, NULL, NULL, "the share of pairs that is trained on"},
};
static const struct stm_param tv_model[] = {
    {"embed", STM_K_INT, 1, 4096, false, false, NULL, "128", "width of the embedding"},
    {"hidden", STM_K_INT, 1, 4096, false, false, NULL, "256", "width of the hidden layer"},
    {"act", STM_K_SYM, 0, 0, false, false, tv_act, "gelu", "activation"},
    {"init", STM_K_SYM, 0, 0, false, false, tv_init, "normal_fan_in", "initial weights"},
};
static const struct stm_param tv_adamw[] = {
    {"lr", STM_K_NUM, 0, 10, true, false, NULL, NULL, "learning rate"},
    {"beta1", STM_K_NUM, 0, 1, false, true, NULL, "0.9", "first moment"},
    {"beta2", STM_K_NUM, 0, 1, false, true, NULL, "0.999", "second moment"},
    {"eps", STM_K_NUM, 0, 1, true, false, NULL, "1e-8", "added to the root"},
    {"decay", STM_K_NUM, 0, 100, false, false, NULL, "0", "weight decay"},
    {"order", STM_K_SYM, 0, 0, false, false, tv_order, "step_then_decay", "of step and decay"},
};
static const struct stm_param tv_knobs[] = {
    {"lr", STM_K_NUM, 0, 10, true, false, NULL, NULL, "learning rate"},
    {"weight_decay", STM_K_NUM, 0, 100, false, false, NULL, NULL, "weight decay"},
    {"loss", STM_K_SYM, 0, 0, false, false, tv_loss, "cross_entropy", "loss"},
    {"batch", STM_K_INT, 1, 1e6, false, false, tv_full, "full", "pairs a step"},
    {"precision", STM_K_SYM, 0, 0, false, false, tv_precision, "f32", "of everything"},
    {"precision.loss", STM_K_SYM, 0, 0, false, false, tv_precision, NULL, "of the loss"},
    {"temperature", STM_K_NUM, 0, 1e6, true, false, NULL, "1", "divides the logits"},
    {"output_scale", STM_K_NUM, 0, 1e6, true, false, NULL, "1", "multiplies the logits"},
};
static const struct stm_group tv_groups[] = {
    {"E", false, false}, {"W1", false, false},     {"W2", false, false},   {"b1", true, false},
    {"b2", true, false}, {"weights", false, true}, {"biases", true, true}, {"all", false, true},
};
static const struct stm_metric_sig tv_metrics[] = {
    {"acc", STM_A_SET, "accuracy"},
    {"loss", STM_A_SET, "mean loss"},
    {"norm", STM_A_GROUP, "l2 norm"},
    {"logit_scale", STM_A_NONE, "root mean square of the logits"},
    {"eff_lr", STM_A_GROUP, "relative update"},
    {"frac", STM_A_SET_COND, "share of examples"},
    {"share", STM_A_GROUP, "share of the squared norm"},
    {"margin", STM_A_SET, "mean margin"},
};
static const struct stm_hold_sig tv_holds[] = {
    {"norm", STM_A_GROUP, true, "l2 norm"},
    {"share", STM_A_GROUP, false, "shares of the squared norm"},
    {"logit_scale", STM_A_NONE, false, "by the temperature"},
};
static const struct stm_sig tv_tasks[] = {{"modular_add", tv_task, 2, "a + b mod p"}};
static const struct stm_model_sig tv_models[] = {
    {{"embed_mlp", tv_model, 4, "an embedding and one hidden layer"}, tv_groups, 8}};
static const struct stm_sig tv_optimizers[] = {{"adamw", tv_adamw, 6, "adam, decoupled decay"}};

static const struct stm_vocab test_vocab = {
    tv_tasks, 1, tv_models, 1, tv_optimizers, 1, tv_knobs, 8, tv_metrics, 8, tv_holds, 3, tv_fields,
};

#endif
