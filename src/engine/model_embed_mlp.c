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
enum { E, W1, B1, W2, B2 };
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
    AT_B,
    WORK
};

static const char *const biases[] = {"off", "on", NULL};
static const char *const inits[] = {"normal_fan_in", NULL};

#define INIT_OF(tensor)                                                                            \
    {                                                                                              \
        .name = "init_" tensor, .kind = STM_K_NUM, .min = 0, .max = 1e6, .def = "1",               \
        .quiet = true, .doc = "factor on the initial " tensor                                      \
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
              .quiet = true,
              .doc = "whether there are b1 and b2"},
    [INIT_E] = INIT_OF("E"),
    [INIT_W1] = INIT_OF("W1"),
    [INIT_W2] = INIT_OF("W2"),
};

static const struct stm_tensor_sig tensors[] = {[E] = {"E", false},
                                                [W1] = {"W1", false},
                                                [B1] = {"b1", true},
                                                [W2] = {"W2", false},
                                                [B2] = {"b2", true}};

static void shape(const double *arg, const struct stm_task_shape *task, struct stm_tensor_spec *out)
{
    uint32_t p = task->tokens, C = task->classes, d = (uint32_t)arg[EMBED],
             H = (uint32_t)arg[HIDDEN];
    out[E] = stm_weight(p, d, d, arg[INIT_E]);
    out[W1] = stm_weight(2 * d, H, 2 * d, arg[INIT_W1]);
    out[W2] = stm_weight(H, C, H, arg[INIT_W2]);
    if (arg[BIAS] == 0) return;
    out[B1] = stm_bias(H);
    out[B2] = stm_bias(C);
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
            STM_TENSORS(tensors)},
    .n_work = WORK,
    .shape = shape,
    .ops = {{carve_f32, begin_f32, forward_f32, backward_f32, end_f32},
            {carve_f64, begin_f64, forward_f64, backward_f64, end_f64}},
    .panels = {{panels_carve_f32, panels_begin_f32, panels_forward_f32, panels_backward_f32,
                panels_end_f32},
               {panels_carve_f64, panels_begin_f64, panels_forward_f64, panels_backward_f64,
                panels_end_f64}},
    .panels_tile = {STM_TILE, 96},
};
