/* The activations and their derivatives of a vector; included by kernels_width.h after math_impl.h,
 * which has gelu and tanh. */

V_INLINE VEC R(relu)(VEC x) { return V_MAX(V_ALL(0), x); }
V_INLINE VEC R(relu_grad)(VEC x, VEC *slope)
{
    const VEC f = R(relu)(x);
    *slope = V_IF_LESS(V_ALL(0), f, V_ALL(1), V_ALL(0));
    return f;
}

V_INLINE VEC R(square)(VEC x) { return x * x; }
V_INLINE VEC R(square_grad)(VEC x, VEC *slope)
{
    *slope = x + x;
    return x * x;
}

V_INLINE VEC R(tanh_grad)(VEC x, VEC *slope)
{
    const VEC f = R(tanh)(x);
    *slope = V_ALL(1) - f * f;
    return f;
}
