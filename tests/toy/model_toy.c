/* A model that is not in the tree: this file, and one line for the compiler (CMakeLists.txt). It
 * has 40 tensors with dotted names, stacks of matrices and groups of its own, as a transformer has.
 *
 *   h = embed.a[a] + embed.b[b]
 *   in each of 12 blocks: g = h + (h A0) (h A1) element by element, then h = g + g W + c,
 *     with A0 and A1 the two matrices of attn.w [2][d][d], W mlp.w [d][d], c mlp.b [d]
 *   logits = h head.w + head.b
 *
 * Arithmetic is in float64 whatever the parameters are, which are read and written one at a time:
 * it is meant to be short. Sums run in ascending order. */
#include <string.h>

#include "engine/kernels/kernels.h"
#include "engine/lists.h"

enum { BLOCKS = 12 };
enum { EMBED_A, EMBED_B, FIRST_BLOCK, HEAD_W = FIRST_BLOCK + 3 * BLOCKS, HEAD_B };
enum { ATTN_W, MLP_W, MLP_B }; /* of a block */
/* Work arrays of float64, [BLOCKS][tile][d] all but DH and the last row of H. */
enum {
    H,
    G,
    U,
    V,
    DH,
    WORK
}; /* before a block, between its halves, h A0, h A1, gradients of one h */

static size_t of_block(size_t b, size_t tensor) { return FIRST_BLOCK + 3 * b + tensor; }

static const struct stm_param params[] = {{.name = "width",
                                           .kind = STM_K_INT,
                                           .min = 1,
                                           .max = 64,
                                           .doc = "d, numbers between the blocks"}};

#define BLOCK(i)                                                                                   \
    {"blocks." #i ".attn.w", false}, {"blocks." #i ".mlp.w", false}, { "blocks." #i ".mlp.b", true }

static const struct stm_tensor_sig tensors[] = {
    {"embed.a", false}, {"embed.b", false}, BLOCK(0),          BLOCK(1),        BLOCK(2), BLOCK(3),
    BLOCK(4),           BLOCK(5),           BLOCK(6),          BLOCK(7),        BLOCK(8), BLOCK(9),
    BLOCK(10),          BLOCK(11),          {"head.w", false}, {"head.b", true}};

static const struct stm_group groups[] = {{"attn", "*.attn.w"}, {"blocks.0", "blocks.0.*"}};

static size_t width_of(const struct stm_net *net) { return (size_t)net->arg[0]; }

static void shape(const double *arg, const struct stm_task_shape *task, struct stm_tensor_spec *out)
{
    const uint32_t d = (uint32_t)arg[0];
    out[EMBED_A] = out[EMBED_B] = stm_weight(task->tokens, d, d, 1);
    for (size_t b = 0; b < BLOCKS; b++) {
        out[of_block(b, ATTN_W)] = (struct stm_tensor_spec){
            .ndim = 3, .shape = {2, d, d}, .fan_in = d, .decay = true, .init = 0.25};
        out[of_block(b, MLP_W)] = stm_weight(d, d, d, 0.125);
        out[of_block(b, MLP_B)] = stm_bias(d);
    }
    out[HEAD_W] = stm_weight(d, task->classes, d, 1);
    out[HEAD_B] = stm_bias(task->classes);
}

/* ---- numbers of either precision ---- */

static double get(const void *x, size_t i, bool wide)
{
    return wide ? ((const double *)x)[i] : (double)((const float *)x)[i];
}

static void put(void *x, size_t i, bool wide, double v)
{
    if (wide)
        ((double *)x)[i] = v;
    else
        ((float *)x)[i] = (float)v;
}

static void add(void *x, size_t i, bool wide, double v) { put(x, i, wide, get(x, i, wide) + v); }

/* y[n] += x[m] W, W the elements of w from `at` on, in rows of n. */
static void times(const double *x, size_t m, const void *w, size_t at, size_t n, bool wide,
                  double *y)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) y[j] += x[i] * get(w, at + i * n + j, wide);
}

/* From dy: dx += W dy, and dW += x dy. */
static void times_back(const double *x, size_t m, const void *w, void *dw, size_t at, size_t n,
                       bool wide, const double *dy, double *dx)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            dx[i] += get(w, at + i * n + j, wide) * dy[j];
            add(dw, at + i * n + j, wide, x[i] * dy[j]);
        }
}

/* ---- passes ---- */

static void carve(struct stm_net *net, struct stm_carve *c)
{
    const size_t row = STM_TILE * width_of(net) * sizeof(double);
    for (size_t i = 0; i < DH; i++) net->work[i] = stm_carve_take(c, (BLOCKS + 1) * row);
    net->work[DH] = stm_carve_take(c, 4 * width_of(net) * sizeof(double));
}

/* Row t of a work array at block b. */
static double *row(const struct stm_net *net, int work, size_t b, size_t t)
{
    return (double *)net->work[work] + (b * STM_TILE + t) * width_of(net);
}

static void begin(struct stm_net *net, bool grad, bool wide)
{
    for (size_t k = 0; grad && k < net->n_tensors; k++)
        memset(net->grad[k], 0, net->spec[k].n * (wide ? sizeof(double) : sizeof(float)));
}

static void forward_block(struct stm_net *net, size_t b, size_t t, bool wide)
{
    const size_t d = width_of(net);
    const double *h = row(net, H, b, t);
    double *g = row(net, G, b, t), *u = row(net, U, b, t), *v = row(net, V, b, t),
           *out = row(net, H, b + 1, t);
    memset(u, 0, d * sizeof *u);
    memset(v, 0, d * sizeof *v);
    times(h, d, net->param[of_block(b, ATTN_W)], 0, d, wide, u);
    times(h, d, net->param[of_block(b, ATTN_W)], d * d, d, wide, v);
    for (size_t i = 0; i < d; i++) {
        g[i] = h[i] + u[i] * v[i];
        out[i] = g[i] + get(net->param[of_block(b, MLP_B)], i, wide);
    }
    times(g, d, net->param[of_block(b, MLP_W)], 0, d, wide, out);
}

static void forward(struct stm_net *net, const uint32_t *pairs, size_t T, double scale,
                    void *logits, bool wide)
{
    const size_t d = width_of(net), C = net->task.classes, p = net->task.tokens;
    for (size_t t = 0; t < T; t++) {
        double *h = row(net, H, 0, t);
        for (size_t i = 0; i < d; i++)
            h[i] = get(net->param[EMBED_A], pairs[t] / p * d + i, wide) +
                   get(net->param[EMBED_B], pairs[t] % p * d + i, wide);
        for (size_t b = 0; b < BLOCKS; b++) forward_block(net, b, t, wide);
        h = row(net, H, BLOCKS, t);
        for (size_t c = 0; c < C; c++) {
            double sum = get(net->param[HEAD_B], c, wide);
            for (size_t i = 0; i < d; i++) sum += h[i] * get(net->param[HEAD_W], i * C + c, wide);
            put(logits, c * T + t, wide, sum * scale);
        }
    }
}

/* From the gradient dh[d] of what the block gives to that of what it reads, in place. */
static void backward_block(struct stm_net *net, size_t b, size_t t, bool wide, double *dh)
{
    const size_t d = width_of(net), attn = of_block(b, ATTN_W), mlp = of_block(b, MLP_W);
    const double *h = row(net, H, b, t), *g = row(net, G, b, t), *u = row(net, U, b, t),
                 *v = row(net, V, b, t);
    double *dg = dh + d, *du = dh + 2 * d, *dv = dh + 3 * d;
    memcpy(dg, dh, d * sizeof *dg);
    for (size_t i = 0; i < d; i++) add(net->grad[of_block(b, MLP_B)], i, wide, dh[i]);
    times_back(g, d, net->param[mlp], net->grad[mlp], 0, d, wide, dh, dg);
    for (size_t i = 0; i < d; i++) {
        du[i] = dg[i] * v[i];
        dv[i] = dg[i] * u[i];
    }
    memcpy(dh, dg, d * sizeof *dh);
    times_back(h, d, net->param[attn], net->grad[attn], 0, d, wide, du, dh);
    times_back(h, d, net->param[attn], net->grad[attn], d * d, d, wide, dv, dh);
}

static void backward(struct stm_net *net, const uint32_t *pairs, size_t T, const void *dlogits,
                     bool wide)
{
    const size_t d = width_of(net), C = net->task.classes, p = net->task.tokens;
    double *dh = net->work[DH];
    for (size_t t = 0; t < T; t++) {
        const double *h = row(net, H, BLOCKS, t);
        memset(dh, 0, d * sizeof *dh);
        for (size_t c = 0; c < C; c++) {
            const double dl = get(dlogits, c * T + t, wide);
            add(net->grad[HEAD_B], c, wide, dl);
            for (size_t i = 0; i < d; i++) {
                dh[i] += dl * get(net->param[HEAD_W], i * C + c, wide);
                add(net->grad[HEAD_W], i * C + c, wide, h[i] * dl);
            }
        }
        for (size_t b = BLOCKS; b-- > 0;) backward_block(net, b, t, wide, dh);
        for (size_t i = 0; i < d; i++) {
            add(net->grad[EMBED_A], pairs[t] / p * d + i, wide, dh[i]);
            add(net->grad[EMBED_B], pairs[t] % p * d + i, wide, dh[i]);
        }
    }
}

static void end(struct stm_net *net) { (void)net; } /* the gradients are complete */

#define OPS(S, wide)                                                                               \
    static void begin_##S(struct stm_net *net, bool grad) { begin(net, grad, wide); }              \
    static void forward_##S(struct stm_net *net, const uint32_t *pairs, size_t T, double scale,    \
                            void *logits, bool grad)                                               \
    {                                                                                              \
        (void)grad; /* what backward needs is kept in any case */                                  \
        forward(net, pairs, T, scale, logits, wide);                                               \
    }                                                                                              \
    static void backward_##S(struct stm_net *net, const uint32_t *pairs, size_t T,                 \
                             const void *dlogits)                                                  \
    {                                                                                              \
        backward(net, pairs, T, dlogits, wide);                                                    \
    }

OPS(f32, false)
OPS(f64, true)

const struct stm_model_type stm_model_toy = {
    .sig = {.sig = {.name = "toy",
                    STM_PARAMS(params),
                    .doc = "12 blocks of products, for tests",
                    .inputs = STM_IN_PAIR},
            STM_TENSORS(tensors),
            STM_GROUPS(groups)},
    .n_work = WORK,
    .shape = shape,
    .ops = {{carve, begin_f32, forward_f32, backward_f32, end},
            {carve, begin_f64, forward_f64, backward_f64, end}},
};
