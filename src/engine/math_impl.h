/* The functions of the engine that a libm would have: exp, GeLU with its slope, tanh. Included by
 * kernels_width.h once a precision, before kernels_impl.h. Scalar source without branches, tables
 * or libm calls, so that compilers vectorize a loop over it, and every width gives the same bits.
 */
#if STM_REAL_BITS == 32
#define EXP_MIN      (-87.3f) /* below: 0, so that no result is subnormal */
#define EXP_MAX      88.7f
#define LOG2E        0x1.715476p+0f
#define LN2_HI       0x1.62e4p-1f /* 15 bits: times an exponent it is exact */
#define LN2_LO       0x1.7f7d1cp-20f
#define ROUND        0x1.8p+23f /* adding and subtracting it rounds to an integer */
#define EXP_SHIFT    23
#define MILLS_K      2.5f
#define HALF         0.5f
#define ONE          1.0f
#define INV_SQRT_2PI 0x1.988454p-2f

/* exp(r) for |r| <= ln(2)/2: the Taylor polynomial of degree 7, error 5e-9. */
static inline REAL R(exp_poly)(REAL r)
{
    REAL p = 0x1.a01a02p-13f;
    p = p * r + 0x1.6c16c2p-10f;
    p = p * r + 0x1.111112p-7f;
    p = p * r + 0x1.555556p-5f;
    p = p * r + 0x1.555556p-3f;
    p = p * r + 0x1.000000p-1f;
    p = p * r + 0x1.000000p+0f;
    p = p * r + 0x1.000000p+0f;
    return p;
}

/* (t + K) * Mills ratio of t in [0, 13.5], with u = (t - K) / (t + K): Chebyshev interpolation of
 * degree 7; what it adds to the error of the normal distribution function is below 5e-8. */
static inline REAL R(mills_poly)(REAL u)
{
    REAL p = 0x1.d29f64p-10f;
    p = p * u + 0x1.73b80ap-8f;
    p = p * u - 0x1.17d476p-8f;
    p = p * u - 0x1.4f2d10p-5f;
    p = p * u + 0x1.7c9626p-6f;
    p = p * u + 0x1.52c5a4p-2f;
    p = p * u - 0x1.164cd6p+0f;
    p = p * u + 0x1.c57598p+0f;
    return p;
}

static inline REAL R(tanh_near)(REAL z)
{
    REAL p = -5.70498872745e-3f;
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    return p;
}
#else
#define EXP_MIN      (-708.0)
#define EXP_MAX      709.7
#define LOG2E        0x1.71547652b82fep+0
#define LN2_HI       0x1.62e42feep-1
#define LN2_LO       0x1.a39ef35793c76p-33
#define ROUND        0x1.8p+52
#define EXP_SHIFT    52
#define MILLS_K      5.0
#define HALF         0.5
#define ONE          1.0
#define INV_SQRT_2PI 0x1.9884533d43651p-2

/* exp(r) for |r| <= ln(2)/2: the Taylor polynomial of degree 13, error 4e-18. */
static inline REAL R(exp_poly)(REAL r)
{
    REAL p = 0x1.6124613a86d09p-33;
    p = p * r + 0x1.1eed8eff8d898p-29;
    p = p * r + 0x1.ae64567f544e4p-26;
    p = p * r + 0x1.27e4fb7789f5cp-22;
    p = p * r + 0x1.71de3a556c734p-19;
    p = p * r + 0x1.a01a01a01a01ap-16;
    p = p * r + 0x1.a01a01a01a01ap-13;
    p = p * r + 0x1.6c16c16c16c17p-10;
    p = p * r + 0x1.1111111111111p-7;
    p = p * r + 0x1.5555555555555p-5;
    p = p * r + 0x1.5555555555555p-3;
    p = p * r + 0x1.0p-1;
    p = p * r + 0x1.0p+0;
    p = p * r + 0x1.0p+0;
    return p;
}

/* (t + K) * Mills ratio of t in [0, 38.6], with u = (t - K) / (t + K): Chebyshev interpolation of
 * degree 20; what it adds to the error of the normal distribution function is below 1e-16. */
static inline REAL R(mills_poly)(REAL u)
{
    REAL p = 0x1.8d4a33d3f55f7p-28;
    p = p * u - 0x1.4381b62b637acp-26;
    p = p * u - 0x1.139be6c4da953p-23;
    p = p * u + 0x1.eb8dd1557e4f1p-24;
    p = p * u + 0x1.1775f6a9a99a9p-20;
    p = p * u - 0x1.cf601b784e11cp-21;
    p = p * u - 0x1.cfd067fae103dp-18;
    p = p * u + 0x1.4f5e07684f75dp-17;
    p = p * u + 0x1.5ea768a920c75p-15;
    p = p * u - 0x1.059b79f22a3e0p-13;
    p = p * u - 0x1.381e554afd98ep-13;
    p = p * u + 0x1.660d66440bcdfp-10;
    p = p * u - 0x1.06239b1093bf1p-9;
    p = p * u - 0x1.ebbc33ac5c08bp-8;
    p = p * u + 0x1.ab031a0b70188p-5;
    p = p * u - 0x1.62d360c5655b3p-3;
    p = p * u + 0x1.a7927af8e638dp-2;
    p = p * u - 0x1.9262efbe14b62p-1;
    p = p * u + 0x1.3dd60739e7a4fp+0;
    p = p * u - 0x1.aaf94e206d6b0p+0;
    p = p * u + 0x1.ed96b8318f6c4p+0;
    return p;
}

static inline REAL R(tanh_near)(REAL z)
{
    REAL p = -9.64399179425052238628e-1;
    p = p * z - 9.92877231001918586564e1;
    p = p * z - 1.61468768441708447952e3;
    REAL q = z + 1.12811678491632931402e2;
    q = q * z + 2.23548839060100448583e3;
    q = q * z + 4.84406305325125486048e3;
    return p / q;
}
#endif

/* exp(x): 2^n * exp(r), n the rounded x / ln 2. NaN stays NaN. */
static inline REAL R(exp1)(REAL x)
{
    REAL t = x * LOG2E + ROUND;
    REAL n = t - ROUND;
    REAL r = (x - n * LN2_HI) - n * LN2_LO;
    REAL p = R(exp_poly)(r);
    UREAL pb, tb;
    memcpy(&pb, &p, sizeof p);
    memcpy(&tb, &t, sizeof t);
    pb += tb << EXP_SHIFT;
    REAL y;
    memcpy(&y, &pb, sizeof y);
    y = x < EXP_MIN ? 0 : y;
    y = x > EXP_MAX ? (REAL)INFINITY : y;
    return x == x ? y : x;
}

/* Phi(x), the normal distribution function, and *density = phi(x). Both tails keep their relative
 * precision: Q(t) = phi(t) * Mills(t) for t = |x|, and 1 - Q on the other side. */
static inline REAL R(normal_cdf)(REAL x, REAL *density)
{
    REAL t = x < 0 ? -x : x;
    REAL phi = R(exp1)(-(HALF * (x * x))) * INV_SQRT_2PI;
    REAL inv = ONE / (t + MILLS_K);
    REAL u = (t - MILLS_K) * inv;
    REAL q = phi * (inv * R(mills_poly)(u));
    *density = phi;
    return x > 0 ? ONE - q : q;
}

/* x Phi(x), and *slope its derivative Phi(x) + x phi(x). */
static inline REAL R(gelu_grad1)(REAL x, REAL *slope)
{
    REAL phi, cdf = R(normal_cdf)(x, &phi);
    *slope = cdf + x * phi;
    return x * cdf;
}

/* The value alone, with the same bits. */
static inline REAL R(gelu1)(REAL x)
{
    REAL phi;
    return x * R(normal_cdf)(x, &phi);
}

/* tanh(x): near 0 the minimax approximation of Moshier's Cephes, x + x z P(z) (/ Q(z)), z = x^2;
 * beyond 0.625 it is 1 - 2 / (exp(2 |x|) + 1). NaN stays NaN. */
static inline REAL R(tanh1)(REAL x)
{
    REAL t = x < 0 ? -x : x, z = x * x;
    REAL large = ONE - 2 / (R(exp1)(t + t) + ONE);
    REAL small = x + x * (z * R(tanh_near)(z));
    large = x < 0 ? -large : large;
    return t < (REAL)0.625 ? small : large;
}

#undef EXP_MIN
#undef EXP_MAX
#undef LOG2E
#undef LN2_HI
#undef LN2_LO
#undef ROUND
#undef EXP_SHIFT
#undef MILLS_K
#undef HALF
#undef ONE
#undef INV_SQRT_2PI
