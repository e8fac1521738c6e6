/* An MLP of up to five hidden layers of H units, on the one-hot pair or on a point x.
 *
 *   W1 [2p][H], b1 [H], W2 .. WL [H][H], b2 .. bL [H], W(L+1) [H][C], b(L+1) [C]
 *   h1 = act(W1[a] + W1[p + b] + b1), or act(x W1 + b1) with W1 [inputs][H];
 *   h(l+1) = act(h(l) W(l+1) + b(l+1)), logits = h(L) W(L+1) + b(L+1)
 */
#include "engine/lists.h"

#include <string.h>

#include "engine/kernels/kernels.h"
#include "engine/kernels/panels.h"
#include "engine/kernels/products.h"

enum { LAYERS, HIDDEN, ACT, INIT, BIAS, INIT_IN, INIT_HIDDEN, INIT_OUT }; /* arguments */
enum { LAYERS_MAX = 5, TENSORS = 2 * (LAYERS_MAX + 1) };
/* Work arrays; C classes, `tile` pairs. */
enum {
    ACTS,                      /* [tile][H] a hidden layer: its activations */
    SLOPE = ACTS + LAYERS_MAX, /* [tile][H] a hidden layer: derivative of the activation */
    U = SLOPE + LAYERS_MAX,    /* [p][H] W1[0:p] + b1 */
    OUTT,                      /* [C][H] the last W transposed */
    DOUTT,                     /* [C][H] its gradient, transposed */
    DH,                        /* [tile][H] gradient of activations; values before activation */
    DX,                        /* [tile][H] gradient before the activation */
    X,                         /* [tile][inputs] points */
    ROW,                       /* [inputs] one of them, float64 */
    LANES16,                   /* [C][16] gradient of the last bias, in lanes */
    NONE, /* [C + H] zeros in the place of biases, then [H] where their gradients would go */
    WORK
};
/* Those of the panels, [n][H] in panels of [n][panel]; L layers. */
enum {
    P_ACTS,    /* [L][tile][H] activations, all but the last in rows */
    P_SLOPE,   /* [L][tile][H] their derivatives */
    P_SUMS,    /* [tile][H] values before the activation; sums of hidden_grad */
    P_DX,      /* [tile][H] gradient of those values */
    P_TURNED,  /* [H][tile] the last activations that were computed, or DX, transposed */
    P_U,       /* [p][H] W1[0:p] + b1 */
    P_V,       /* [p][H] W1[p:2p] */
    P_DU,      /* [p][H] gradients of U and V */
    P_DV,      /* [p][H] */
    P_W,       /* [inputs][H], then [L - 1][H][H]: W of the layers that are products */
    P_WT,      /* [L - 1][H][H] W2 .. WL transposed */
    P_OUTT,    /* [C][H] the last W transposed */
    P_DOUTT,   /* [C][H] its gradient, transposed */
    P_BIAS,    /* [L][H] */
    P_DBIAS,   /* [L][H] gradients of the biases of products */
    P_LANES16, /* [C][16] gradient of the last bias, in lanes */
    P_X,       /* [tile][inputs] points */
    P_ROW,     /* [inputs] one of them, float64 */
    P_AT,      /* lists of rows, [tile] each: */
    P_WORK
};
enum { MOST_WORK = (int)P_WORK > (int)WORK ? (int)P_WORK : (int)WORK };
enum { AT_A, AT_B, SELF, NOUGHT }; /* a, b of the pairs; 0, 1, 2, ..; 0, 0, 0, .. */

/* Places of layer l's tensors; layer 0 reads the pair or point, layer L gives the logits. */
static unsigned weight(unsigned l) { return 2 * l; }
static unsigned bias(unsigned l) { return 2 * l + 1; }

static const char *const switches[] = {"off", "on", NULL};
static const char *const inits[] = {"normal_fan_in", NULL};

#define INIT_OF(part, what)                                                                        \
    {                                                                                              \
        .name = "init_" part, .kind = STM_K_NUM, .min = 0, .max = 1e6, .def = "1",                 \
        .doc = "factor on the initial " what                                                       \
    }

static const struct stm_param params[] = {
    [LAYERS] = {.name = "layers",
                .kind = STM_K_INT,
                .min = 1,
                .max = LAYERS_MAX,
                .doc = "L, hidden layers"},
    [HIDDEN] =
        {.name = "hidden", .kind = STM_K_INT, .min = 1, .max = 8192, .doc = "H, units of each"},
    [ACT] = {.name = "act",
             .kind = STM_K_SYM,
             .syms = stm_act_names,
             .def = "gelu",
             .doc = "activation; gelu is the exact one, x * Phi(x); square is x * x"},
    [INIT] = {.name = "init",
              .kind = STM_K_SYM,
              .syms = inits,
              .def = "normal_fan_in",
              .doc = "matrices N(0, 1) / sqrt(fan in), that of W1 is 2p, or the numbers of a "
                     "point; biases 0"},
    [BIAS] = {.name = "bias",
              .kind = STM_K_SYM,
              .syms = switches,
              .def = "on",
              .doc = "whether the layers have biases"},
    [INIT_IN] = INIT_OF("in", "W1"),
    [INIT_HIDDEN] = INIT_OF("hidden", "W2 .. WL"),
    [INIT_OUT] = INIT_OF("out", "last W"),
};

static const struct stm_tensor_sig tensors[TENSORS] = {
    {"W1", false}, {"b1", true}, {"W2", false}, {"b2", true}, {"W3", false}, {"b3", true},
    {"W4", false}, {"b4", true}, {"W5", false}, {"b5", true}, {"W6", false}, {"b6", true}};

/* Layers beyond the last one have no tensors. */
static void shape(const double *arg, const struct stm_task_shape *task, struct stm_tensor_spec *out)
{
    const unsigned L = (unsigned)arg[LAYERS];
    const uint32_t H = (uint32_t)arg[HIDDEN];
    for (unsigned l = 0; l <= L; l++) {
        uint32_t in = l > 0          ? H
                      : task->inputs ? task->inputs
                                     : 2 * task->tokens,
                 wide = l == L ? task->classes : H;
        double init = arg[l == 0 ? INIT_IN : l == L ? INIT_OUT : INIT_HIDDEN];
        out[weight(l)] = stm_weight(in, wide, in, init);
        if (arg[BIAS] != 0) out[bias(l)] = stm_bias(wide);
    }
}

#define STM_REAL_BITS 32
#include "engine/real.h"

#include "engine/model_mlp_impl.h"

#include "engine/model_mlp_panels_impl.h"
#undef STM_REAL_BITS
#define STM_REAL_BITS 64
#include "engine/real.h"

#include "engine/model_mlp_impl.h"

#include "engine/model_mlp_panels_impl.h"

const struct stm_model_type stm_model_mlp = {
    .sig = {.sig = {.name = "mlp",
                    STM_PARAMS(params),
                    .doc = "one-hot a and b, or a point; up to five hidden layers",
                    .inputs = STM_IN_PAIR | STM_IN_VECTOR},
            STM_TENSORS(tensors)},
    .n_work = MOST_WORK,
    .shape = shape,
    .ops = {{carve_f32, begin_f32, forward_f32, backward_f32, end_f32},
            {carve_f64, begin_f64, forward_f64, backward_f64, end_f64}},
    .panels = {{panels_carve_f32, panels_begin_f32, panels_forward_f32, panels_backward_f32,
                panels_end_f32},
               {panels_carve_f64, panels_begin_f64, panels_forward_f64, panels_backward_f64,
                panels_end_f64}},
    .panels_tile = {STM_TILE, 160},
};
