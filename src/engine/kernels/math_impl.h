/* The functions of the engine that a libm would have: exp, GeLU with its slope, tanh, of a vector.
 * Included by kernels_width.h once a precision, after simd.h.
 *
 * No branches, tables or calls. A multiply-add is fused where V_FMA says so and nowhere else, and
 * selections are by comparison: every kernel set gives the same bits. No intermediate value is
 * subnormal unless x is: a factor 2^n is made with an exponent that is too small by a bias, the
 * polynomial before it is too large by the same, and the factor becomes an exact 0 before a product
 * could leave the normal numbers.
 *
 * The coefficients are minimax fits (Remez, weighted as said), rounded one after the other from the
 * lowest power, the others fitted anew each time. Errors are in tests/test_engine_math.c.
 */
#if STM_REAL_BITS == 32
#define SHIFT      23         /* bits of a fraction */
#define ROUND      0x1.8p+23f /* adding and subtracting it rounds to an integer */
#define LOG2E      0x1.715476p+0f
#define LN2_HI     0x1.62e43p-1f
#define LN2_LO     (-0x1.05c61p-29f)
#define EXP_BIAS   126
#define EXP_MIN    (-87.5f) /* 2^n is 0 here, and so it is below -125.5 ln 2 */
#define EXP_MAX    88.9f    /* the product has overflown here */
#define GAUSS_BIAS 30
#define GAUSS_MAX  6.449f /* 2^n is 0 here, and so it is beyond 6.395 */

/* 2 exp(r), |r| <= ln(2)/2: degree 6, relative error 3.2e-9. */
V_INLINE VEC R(exp_poly)(VEC r)
{
    VEC p = V_ALL(0x1.6ac86cp-9f);
    p = V_FMA(p, r, V_ALL(0x1.123dfp-6f));
    p = V_FMA(p, r, V_ALL(0x1.555858p-4f));
    p = V_FMA(p, r, V_ALL(0x1.55548cp-2f));
    p = V_FMA(p, r, V_ALL(0x1.fffffcp-1f));
    p = V_FMA(p, r, V_ALL(0x1.0p+1f));
    p = V_FMA(p, r, V_ALL(0x1.0p+1f));
    return p;
}

/* 2^97 2^r / sqrt(2 pi), |r| <= 1/2: degree 5, relative error 7.6e-8, about a mean of -4.4e-8
 * that the Mills ratio makes good. */
V_INLINE VEC R(gauss_poly)(VEC r)
{
    VEC p = V_ALL(0x1.15b06cp+86f);
    p = V_FMA(p, r, V_ALL(0x1.f9ef4p+88f));
    p = V_FMA(p, r, V_ALL(0x1.6acf52p+91f));
    p = V_FMA(p, r, V_ALL(0x1.8889a4p+93f));
    p = V_FMA(p, r, V_ALL(0x1.1b2988p+95f));
    p = V_FMA(p, r, V_ALL(0x1.988454p+95f));
    return p;
}

/* Q(t) / phi(t), s = t^2, 0 <= t <= 6.395: degree 11, weight phi(t); it adds 4.4e-8 to the error of
 * Q, and beyond t = 5 a fifth of Q. Powers above the first run as two chains, for their latency. */
V_INLINE VEC R(mills)(VEC t, VEC s)
{
    VEC even = V_ALL(0x1.91dbcp-17f);
    even = V_FMA(even, s, V_ALL(0x1.29853p-10f));
    even = V_FMA(even, s, V_ALL(0x1.5c0124p-6f));
    even = V_FMA(even, s, V_ALL(0x1.3bf796p-3f));
    even = V_FMA(even, s, V_ALL(0x1.40c802p-1f));
    VEC odd = V_ALL(-0x1.c022e2p-22f);
    odd = V_FMA(odd, s, V_ALL(-0x1.3dfb3p-13f));
    odd = V_FMA(odd, s, V_ALL(-0x1.772406p-8f));
    odd = V_FMA(odd, s, V_ALL(-0x1.ff47d6p-5f));
    odd = V_FMA(odd, s, V_ALL(-0x1.548792p-2f));
    VEC p = V_FMA(odd, t, even);
    p = V_FMA(p, t, V_ALL(-0x1.fffefp-1f));
    p = V_FMA(p, t, V_ALL(0x1.40d932p+0f));
    return p;
}

/* (tanh(x) / x - 1) / x^2 of z = x^2. */
V_INLINE VEC R(tanh_near)(VEC z)
{
    VEC p = V_ALL(-5.70498872745e-3f);
    p = V_FMA(p, z, V_ALL(2.06390887954e-2f));
    p = V_FMA(p, z, V_ALL(-5.37397155531e-2f));
    p = V_FMA(p, z, V_ALL(1.33314422036e-1f));
    p = V_FMA(p, z, V_ALL(-3.33332819422e-1f));
    return p;
}
#else
#define SHIFT      52
#define ROUND      0x1.8p+52
#define LOG2E      0x1.71547652b82fep+0
#define LN2_HI     0x1.62e42fefa39efp-1
#define LN2_LO     0x1.abc9e3b39803fp-56
#define EXP_BIAS   1022
#define EXP_MIN    (-708.5) /* -1021.5 ln 2 */
#define EXP_MAX    709.9
#define GAUSS_BIAS 56
#define GAUSS_MAX  8.811 /* 8.772 */

/* 2 exp(r), |r| <= ln(2)/2: degree 11, relative error 1.6e-17. */
V_INLINE VEC R(exp_poly)(VEC r)
{
    VEC p = V_ALL(0x1.b2bd649408d1p-25);
    p = V_FMA(p, r, V_ALL(0x1.28b53efc0d859p-21));
    p = V_FMA(p, r, V_ALL(0x1.71dd1392aacc9p-18));
    p = V_FMA(p, r, V_ALL(0x1.a01993cc4061ap-15));
    p = V_FMA(p, r, V_ALL(0x1.a01a01671f96ep-12));
    p = V_FMA(p, r, V_ALL(0x1.6c16c18569e76p-9));
    p = V_FMA(p, r, V_ALL(0x1.1111111145ee1p-6));
    p = V_FMA(p, r, V_ALL(0x1.555555555087p-4));
    p = V_FMA(p, r, V_ALL(0x1.55555555553a7p-2));
    p = V_FMA(p, r, V_ALL(0x1.0000000000009p+0));
    p = V_FMA(p, r, V_ALL(0x1.0p+1));
    p = V_FMA(p, r, V_ALL(0x1.0p+1));
    return p;
}

/* 2^967 2^r / sqrt(2 pi), |r| <= 1/2: degree 11, relative error 3e-17. */
V_INLINE VEC R(gauss_poly)(VEC r)
{
    VEC p = V_ALL(0x1.6388377ad2cfbp+934);
    p = V_FMA(p, r, V_ALL(0x1.83ca1087598d1p+938));
    p = V_FMA(p, r, V_ALL(0x1.5ce26c5a9806p+942));
    p = V_FMA(p, r, V_ALL(0x1.1b0c8ced90fcp+946));
    p = V_FMA(p, r, V_ALL(0x1.985ac7132fe97p+949));
    p = V_FMA(p, r, V_ALL(0x1.01beb806d3e49p+953));
    p = V_FMA(p, r, V_ALL(0x1.16e2b4adaf869p+956));
    p = V_FMA(p, r, V_ALL(0x1.f6eefc21a9522p+958));
    p = V_FMA(p, r, V_ALL(0x1.6aca3425f7db1p+961));
    p = V_FMA(p, r, V_ALL(0x1.888bdd65b4664p+963));
    p = V_FMA(p, r, V_ALL(0x1.1b298eb9c6d7p+965));
    p = V_FMA(p, r, V_ALL(0x1.9884533d43651p+965));
    return p;
}

/* Q(t) / phi(t), s = t^2, 0 <= t <= 8.772: degree 26, weight phi(t); it adds 5.4e-17 to the error
 * of Q, and beyond t = 8 a fifth of Q. Powers above the third run as two chains, for their latency.
 */
V_INLINE VEC R(mills)(VEC t, VEC s)
{
    VEC even = V_ALL(0x1.259a097a23b72p-62);
    even = V_FMA(even, s, V_ALL(0x1.d198db68da734p-51));
    even = V_FMA(even, s, V_ALL(0x1.86f353f3618c9p-42));
    even = V_FMA(even, s, V_ALL(0x1.a2a920a2b77fep-35));
    even = V_FMA(even, s, V_ALL(0x1.8683a8c510da1p-29));
    even = V_FMA(even, s, V_ALL(0x1.82d98c2ea5c9bp-24));
    even = V_FMA(even, s, V_ALL(0x1.e5675d806ad6bp-20));
    even = V_FMA(even, s, V_ALL(0x1.c38df5d3d2bbap-16));
    even = V_FMA(even, s, V_ALL(0x1.55f443fefa974p-12));
    even = V_FMA(even, s, V_ALL(0x1.abc8c1b098dfp-9));
    even = V_FMA(even, s, V_ALL(0x1.abcc3406c68c5p-6));
    even = V_FMA(even, s, V_ALL(0x1.40d931f02477ep-3));
    VEC odd = V_ALL(-0x1.7c79f229034cap-56);
    odd = V_FMA(odd, s, V_ALL(-0x1.668aca5ac3bb1p-46));
    odd = V_FMA(odd, s, V_ALL(-0x1.4227db756b034p-38));
    odd = V_FMA(odd, s, V_ALL(-0x1.ba9f3169ec416p-32));
    odd = V_FMA(odd, s, V_ALL(-0x1.262c4d469c4d4p-26));
    odd = V_FMA(odd, s, V_ALL(-0x1.c5e5d3ef30f19p-22));
    odd = V_FMA(odd, s, V_ALL(-0x1.e234e15ab771ap-18));
    odd = V_FMA(odd, s, V_ALL(-0x1.9233297b93bb6p-14));
    odd = V_FMA(odd, s, V_ALL(-0x1.1559e9a498868p-10));
    odd = V_FMA(odd, s, V_ALL(-0x1.381323139ad8dp-7));
    odd = V_FMA(odd, s, V_ALL(-0x1.1111104250f1dp-4));
    VEC p = V_FMA(odd, t, even);
    p = V_FMA(p, t, V_ALL(-0x1.55555554a6158p-2));
    p = V_FMA(p, t, V_ALL(0x1.40d931ff5e56dp-1));
    p = V_FMA(p, t, V_ALL(-0x1.ffffffffffed9p-1));
    p = V_FMA(p, t, V_ALL(0x1.40d931ff62705p+0));
    return p;
}

V_INLINE VEC R(tanh_near)(VEC z)
{
    VEC p = V_ALL(-9.64399179425052238628e-1);
    p = V_FMA(p, z, V_ALL(-9.92877231001918586564e1));
    p = V_FMA(p, z, V_ALL(-1.61468768441708447952e3));
    VEC q = z + V_ALL(1.12811678491632931402e2);
    q = V_FMA(q, z, V_ALL(2.23548839060100448583e3));
    q = V_FMA(q, z, V_ALL(4.84406305325125486048e3));
    return p / q;
}
#endif

/* 2^n over the factor that the polynomials have too much, of t = n + bias + ROUND: the low bits of
 * t become an exponent. */
V_INLINE VEC R(power)(VEC t) { return V_SHIFT_UP(t, SHIFT); }

/* exp(x), below 1 ulp; 1 at 0, and never above 1 for x <= 0. 0 below -86.99 (-708.05), so that no
 * result is subnormal; infinite where it overflows. NaN stays NaN. */
V_INLINE VEC R(exp)(VEC x)
{
    const VEC shift = V_ALL(ROUND + EXP_BIAS), low = V_MAX(V_ALL(EXP_MIN), x);
    const VEC t = V_FMA(low, V_ALL(LOG2E), shift);
    const VEC n = t - shift;
    const VEC r = V_FNMA(n, V_ALL(LN2_LO), V_FNMA(n, V_ALL(LN2_HI), low));
    const VEC y = R(exp_poly)(r) * R(power)(t);
    return V_IF_LESS(V_ALL(EXP_MAX), x, V_ALL((REAL)INFINITY), y);
}

/* Q(t) = 1 - Phi(t), the upper tail of the normal distribution, and *phi, its density, for t >= 0:
 * both are 0 beyond GAUSS_MAX and right before it. *bounded is t, GAUSS_MAX at most. */
V_INLINE VEC R(normal_tail)(VEC t, VEC *phi, VEC *bounded)
{
    const VEC shift = V_ALL(ROUND + GAUSS_BIAS), rate = V_ALL(-LOG2E / 2);
    t = V_MIN(V_ALL(GAUSS_MAX), t);
    const VEC s = t * t;
    const VEC k = V_FMA(s, rate, shift);
    const VEC n = k - shift;
    const VEC r = V_FMA(s, rate, -n);
    *phi = R(gauss_poly)(r) * R(power)(k);
    *bounded = t;
    return *phi * R(mills)(t, s);
}

/* x Phi(x) = max(x, 0) - |x| Q(|x|). It goes to x for large x and is 0 below -6.4 (-8.8), where x
 * Phi(x) is above -6e-10 (-8e-18); infinities: themselves and 0. NaN stays NaN. */
V_INLINE VEC R(gelu)(VEC x)
{
    VEC phi, t, q = R(normal_tail)(V_ABS(x), &phi, &t);
    return V_FNMA(t, q, V_MAX(V_ALL(0), x));
}

/* The same bits, and *slope = Phi(x) + x phi(x): 1/2 at 0, exactly 1 and 0 for large |x|. */
V_INLINE VEC R(gelu_grad)(VEC x, VEC *slope)
{
    VEC phi, t, q = R(normal_tail)(V_ABS(x), &phi, &t);
    const VEC below = V_FNMA(t, phi, q); /* the slope at -|x| */
    *slope = V_IF_LESS(x, V_ALL(0), below, V_ALL(1) - below);
    return V_FNMA(t, q, V_MAX(V_ALL(0), x));
}

/* tanh(x): near 0 the minimax approximation of Moshier's Cephes, x + x z P(z) (/ Q(z)), z = x^2;
 * beyond 0.625 it is 1 - 2 / (exp(2 |x|) + 1). NaN stays NaN. */
V_INLINE VEC R(tanh)(VEC x)
{
    const VEC t = V_ABS(x), z = x * x, one = V_ALL(1);
    const VEC beyond = one - V_ALL(2) / (R(exp)(t + t) + one);
    const VEC large = V_IF_LESS(x, V_ALL(0), -beyond, beyond);
    const VEC small = V_FMA(x * z, R(tanh_near)(z), x);
    return V_IF_LESS(t, V_ALL((REAL)0.625), small, large);
}

#undef SHIFT
#undef ROUND
#undef LOG2E
#undef LN2_HI
#undef LN2_LO
#undef EXP_BIAS
#undef EXP_MIN
#undef EXP_MAX
#undef GAUSS_BIAS
#undef GAUSS_MAX
