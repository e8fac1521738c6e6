/* The activations and their derivatives in one precision; included by kernels_width.h after
 * math_impl.h, which has gelu and tanh. */

static inline REAL R(relu1)(REAL x) { return x < 0 ? 0 : x; }
static inline REAL R(relu_grad1)(REAL x, REAL *slope)
{
    REAL f = R(relu1)(x);
    *slope = f > 0 ? 1 : 0;
    return f;
}

static inline REAL R(square1)(REAL x) { return x * x; }
static inline REAL R(square_grad1)(REAL x, REAL *slope)
{
    *slope = x + x;
    return x * x;
}

static inline REAL R(tanh_grad1)(REAL x, REAL *slope)
{
    REAL f = R(tanh1)(x);
    *slope = 1 - f * f;
    return f;
}
