/* The MLP of the paper: a shared embedding of a and b, concatenated, one hidden layer.
 *
 *   E [p][d], W1 [2d][H], b1 [H], W2 [H][p], b2 [p]
 *   logits(a, b) = act(E[a] W1[0:d] + E[b] W1[d:2d] + b1) W2 + b2
 *
 * The first layer is linear before the activation, so U = E W1[0:d] and V = E W1[d:2d] are computed
 * once a pass for all p tokens, and its backward pass first sums the n pair gradients into dU and
 * dV: 6 n H p + 12 p d H operations a step instead of 6 n H (p + 2d).
 */
#include "engine/lists.h"

#include <string.h>

#include "engine/kernels/kernels.h"
#include "engine/kernels/panels.h"

enum { EMBED, HIDDEN, ACT, INIT, BIAS, INIT_E, INIT_W1, INIT_W2 }; /* arguments */
enum { E, W1, B1, W2, B2, TENSORS };
/* Work arrays, those from SLOPE on for the backward pass; C = p classes. */
enum {
    U,       /* [p][H] E W1[0:d] + b1 */
    V,       /* [p][H] E W1[d:2d] */
    W2T,     /* [C][H] W2 transposed */
    ACTS,    /* [tile][H] hidden activations */
    SLOPE,   /* [tile][H] derivative of the activation */
    DH,      /* [tile][H] gradient of the activations; of the panels: [tile][panel] */
    DU,      /* [p][H] gradients of U and V */
    DV,      /* [p][H] */
    DW2T,    /* [C][H] gradient of W2, transposed */
    LANES16, /* [C][16] gradient of b2, in lanes */
    /* of the panels */
    ACTST,     /* [H][tile] activations transposed, in panels of pairs */
    BIAS_ROW,  /* [H] b1 */
    W1_PANELS, /* a panel of one half of W1, or of its transpose */
    AT_A,      /* [tile] a and b of the pairs */
    AT_B
};

static const char *const biases[] = {"off", "on", NULL};
static const char *const inits[] = {"normal_fan_in", NULL};

#define INIT_OF(tensor)                                                                            \
    {                                                                                              \
        .name = "init_" tensor, .kind = STM_K_NUM, .min = 0, .max = 1e6, .def = "1",               \
        .doc = "factor on the initial " tensor                                                     \
    }

static const struct stm_param params[] = {
    [EMBED] = {.name = "embed",
               .kind = STM_K_INT,
               .min = 1,
               .max = 4096,
               .doc = "d, columns of the embedding"},
    [HIDDEN] =
        {.name = "hidden", .kind = STM_K_INT, .min = 1, .max = 8192, .doc = "H, hidden units"},
    [ACT] = {.name = "act",
             .kind = STM_K_SYM,
             .syms = stm_act_names,
             .def = "gelu",
             .doc = "activation; gelu is the exact one, x * Phi(x); square is x * x"},
    [INIT] = {.name = "init",
              .kind = STM_K_SYM,
              .syms = inits,
              .def = "normal_fan_in",
              .doc = "matrices N(0, 1) / sqrt(fan in), biases 0"},
    [BIAS] = {.name = "bias",
              .kind = STM_K_SYM,
              .syms = biases,
              .def = "on",
              .doc = "whether there are b1 and b2"},
    [INIT_E] = INIT_OF("E"),
    [INIT_W1] = INIT_OF("W1"),
    [INIT_W2] = INIT_OF("W2"),
};

static const struct stm_group groups[] = {
    {.name = "E"},
    {.name = "W1"},
    {.name = "W2"},
    {.name = "b1", .bias = true},
    {.name = "b2", .bias = true},
    {.name = "weights", .composite = true},
    {.name = "biases", .bias = true, .composite = true},
    {.name = "all", .composite = true},
};
static const uint32_t group_masks[] = {
    1u << E,
    1u << W1,
    1u << W2,
    1u << B1,
    1u << B2,
    1u << E | 1u << W1 | 1u << W2,
    1u << B1 | 1u << B2,
    (1u << TENSORS) - 1,
};

static void shape(const double *arg, const struct stm_task_shape *task, struct stm_tensor_spec *out)
{
    uint32_t p = task->tokens, C = task->classes, d = (uint32_t)arg[EMBED],
             H = (uint32_t)arg[HIDDEN], on = arg[BIAS] != 0;
    out[E] = (struct stm_tensor_spec){"E", 2, {p, d}, (size_t)p * d, d, true, arg[INIT_E]};
    out[W1] =
        (struct stm_tensor_spec){"W1", 2, {2 * d, H}, (size_t)2 * d * H, 2 * d, true, arg[INIT_W1]};
    out[B1] = (struct stm_tensor_spec){"b1", 1, {H, 0}, on ? H : 0, 0, false, 1};
    out[W2] = (struct stm_tensor_spec){"W2", 2, {H, C}, (size_t)H * C, H, true, arg[INIT_W2]};
    out[B2] = (struct stm_tensor_spec){"b2", 1, {C, 0}, on ? C : 0, 0, false, 1};
}

#define STM_REAL_BITS 32
#include "engine/real.h"

#include "engine/model_embed_mlp_impl.h"

#include "engine/model_embed_mlp_panels_impl.h"
#undef STM_REAL_BITS
#define STM_REAL_BITS 64
#include "engine/real.h"

#include "engine/model_embed_mlp_impl.h"

#include "engine/model_embed_mlp_panels_impl.h"

const struct stm_model_type stm_model_embed_mlp = {
    .sig = {.sig = {.name = "embed_mlp",
                    STM_PARAMS(params),
                    .doc = "shared embedding of a and b, concatenated, one hidden layer",
                    .inputs = STM_IN_PAIR},
            .groups = groups,
            .n_groups = sizeof groups / sizeof *groups},
    .n_tensors = TENSORS,
    .quiet_args = 1u << BIAS | 1u << INIT_E | 1u << INIT_W1 | 1u << INIT_W2,
    .group_masks = group_masks,
    .shape = shape,
    .ops = {{carve_f32, begin_f32, forward_f32, backward_f32, end_f32},
            {carve_f64, begin_f64, forward_f64, backward_f64, end_f64}},
    .panels = {{panels_carve_f32, panels_begin_f32, panels_forward_f32, panels_backward_f32,
                panels_end_f32},
               {panels_carve_f64, panels_begin_f64, panels_forward_f64, panels_backward_f64,
                panels_end_f64}},
    .panels_tile = {STM_TILE, 96},
};
