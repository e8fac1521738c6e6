/* The vector of one kernel set, for the products of matrices. No include guard: it follows real.h
 * and defines for REAL
 *   VEC, LANES     the type and how many REAL it holds
 *   V_LOAD(p), V_STORE(p, v)              LANES elements, any alignment
 *   V_LOAD_N(p, n), V_STORE_N(p, v, n)    the first n <= LANES of them; the other lanes are 0
 *   V_ALL(x), V_ADD(a, b), V_MUL(a, b)
 *   V_FMA(a, b, c)                        a * b + c, rounded once
 *   V_LOW(a, b), V_HIGH(a, b)             a0 b0 a1 b1 ... of the lower and of the upper halves;
 *                                         only where LANES > 1
 *   BLOCK_VECS     vectors in a row of a block of a product (products_impl.h): with 6 rows, what
 *                  the registers hold
 * A lane is an element of a result, never a part of a sum, so the width moves no bit.
 */
#undef VEC
#undef LANES
#undef V_LOAD
#undef V_STORE
#undef V_LOAD_N
#undef V_STORE_N
#undef V_ALL
#undef V_ADD
#undef V_MUL
#undef V_FMA
#undef BLOCK_VECS
#undef V_LOW
#undef V_HIGH

#if defined(__AVX512F__)
#include <immintrin.h>
#define BLOCK_VECS 4
#if STM_REAL_BITS == 32
#define VEC                __m512
#define LANES              16
#define V_LOAD(p)          _mm512_loadu_ps(p)
#define V_STORE(p, v)      _mm512_storeu_ps(p, v)
#define V_LOAD_N(p, n)     _mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), p)
#define V_STORE_N(p, v, n) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1), v)
#define V_ALL(x)           _mm512_set1_ps(x)
#define V_ADD(a, b)        _mm512_add_ps(a, b)
#define V_MUL(a, b)        _mm512_mul_ps(a, b)
#define V_FMA(a, b, c)     _mm512_fmadd_ps(a, b, c)
#else
#define VEC                __m512d
#define LANES              8
#define V_LOAD(p)          _mm512_loadu_pd(p)
#define V_STORE(p, v)      _mm512_storeu_pd(p, v)
#define V_LOAD_N(p, n)     _mm512_maskz_loadu_pd((__mmask8)((1u << (n)) - 1), p)
#define V_STORE_N(p, v, n) _mm512_mask_storeu_pd(p, (__mmask8)((1u << (n)) - 1), v)
#define V_ALL(x)           _mm512_set1_pd(x)
#define V_ADD(a, b)        _mm512_add_pd(a, b)
#define V_MUL(a, b)        _mm512_mul_pd(a, b)
#define V_FMA(a, b, c)     _mm512_fmadd_pd(a, b, c)
#endif

#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define BLOCK_VECS 2
#if STM_REAL_BITS == 32
#define VEC           __m256
#define LANES         8
#define V_LOAD(p)     _mm256_loadu_ps(p)
#define V_STORE(p, v) _mm256_storeu_ps(p, v)
#define V_MASK_32(n)                                                                               \
    _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
#define V_LOAD_N(p, n)     _mm256_maskload_ps(p, V_MASK_32(n))
#define V_STORE_N(p, v, n) _mm256_maskstore_ps(p, V_MASK_32(n), v)
#define V_ALL(x)           _mm256_set1_ps(x)
#define V_ADD(a, b)        _mm256_add_ps(a, b)
#define V_MUL(a, b)        _mm256_mul_ps(a, b)
#define V_FMA(a, b, c)     _mm256_fmadd_ps(a, b, c)
#else
#define VEC           __m256d
#define LANES         4
#define V_LOAD(p)     _mm256_loadu_pd(p)
#define V_STORE(p, v) _mm256_storeu_pd(p, v)
#define V_MASK_64(n)                                                                               \
    _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)(n)), _mm256_setr_epi64x(0, 1, 2, 3))
#define V_LOAD_N(p, n)     _mm256_maskload_pd(p, V_MASK_64(n))
#define V_STORE_N(p, v, n) _mm256_maskstore_pd(p, V_MASK_64(n), v)
#define V_ALL(x)           _mm256_set1_pd(x)
#define V_ADD(a, b)        _mm256_add_pd(a, b)
#define V_MUL(a, b)        _mm256_mul_pd(a, b)
#define V_FMA(a, b, c)     _mm256_fmadd_pd(a, b, c)
#endif

#elif defined(__aarch64__)
#include <arm_neon.h>
#define BLOCK_VECS 4
#if STM_REAL_BITS == 32
#define VEC            float32x4_t
#define LANES          4
#define V_LOAD(p)      vld1q_f32(p)
#define V_STORE(p, v)  vst1q_f32(p, v)
#define V_ALL(x)       vdupq_n_f32(x)
#define V_ADD(a, b)    vaddq_f32(a, b)
#define V_MUL(a, b)    vmulq_f32(a, b)
#define V_FMA(a, b, c) vfmaq_f32(c, a, b)
#else
#define VEC            float64x2_t
#define LANES          2
#define V_LOAD(p)      vld1q_f64(p)
#define V_STORE(p, v)  vst1q_f64(p, v)
#define V_ALL(x)       vdupq_n_f64(x)
#define V_ADD(a, b)    vaddq_f64(a, b)
#define V_MUL(a, b)    vmulq_f64(a, b)
#define V_FMA(a, b, c) vfmaq_f64(c, a, b)
#endif
#define V_LOAD_N(p, n)     R(v_load_n)(p, n)
#define V_STORE_N(p, v, n) R(v_store_n)(p, v, n)
static inline VEC R(v_load_n)(const REAL *p, size_t n)
{
    REAL x[LANES] = {0};
    for (size_t i = 0; i < n; i++) x[i] = p[i];
    return V_LOAD(x);
}
static inline void R(v_store_n)(REAL *p, VEC v, size_t n)
{
    REAL x[LANES];
    V_STORE(x, v);
    for (size_t i = 0; i < n; i++) p[i] = x[i];
}

#else /* plain C: one element */
#define BLOCK_VECS         4
#define VEC                REAL
#define LANES              1
#define V_LOAD(p)          (*(p))
#define V_STORE(p, v)      (void)(*(p) = (v))
#define V_LOAD_N(p, n)     ((n) ? *(p) : 0)
#define V_STORE_N(p, v, n) (void)((n) ? *(p) = (v) : 0)
#define V_ALL(x)           (x)
#define V_ADD(a, b)        ((a) + (b))
#define V_MUL(a, b)        ((a) * (b))
#if STM_REAL_BITS == 32
#define V_FMA(a, b, c) fmaf(a, b, c)
#else
#define V_FMA(a, b, c) fma(a, b, c)
#endif
#endif

#if LANES == 16
#define V_LOW(a, b)                                                                                \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define V_HIGH(a, b)                                                                               \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif LANES == 8
#define V_LOW(a, b)  __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define V_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif LANES == 4
#define V_LOW(a, b)  __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define V_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#elif LANES == 2
#define V_LOW(a, b)  __builtin_shufflevector(a, b, 0, 2)
#define V_HIGH(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif
