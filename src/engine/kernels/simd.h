/* The vector of one kernel set. No include guard: it follows real.h and defines for REAL
 *
 *   VEC, LANES                          the type and how many REAL it holds
 *   V_LOAD(p), V_STORE(p, v)            LANES elements, any alignment
 *   V_LOAD_N(p, n), V_STORE_N(p, v, n)  the first n <= LANES of them; the other lanes are 0
 *
 *   V_ALL(x)                            x in every lane; + - * / are C's operators
 *   V_FMA(a, b, c), V_FNMA(a, b, c)     c + a * b and c - a * b, rounded once
 *   V_ABS(x)
 *   V_MIN(a, b), V_MAX(a, b)            a < b ? a : b and a > b ? a : b: b where one is NaN
 *   V_IF_LESS(a, b, x, y)               a < b ? x : y
 *   V_SHIFT_UP(x, n)                    the bits of each lane, as an integer, n places up
 *
 *   V_GROUP                             lanes that a shuffle reaches: all, or half of them
 *   V_LOW(a, b), V_HIGH(a, b)           a0 b0 a1 b1 ... of the lower and of the upper half of each
 *                                       group; only where LANES > 1
 *   V_FIRST(a, b), V_LAST(a, b)         the first groups of a and b, the last; where there are two
 *
 *   BLOCK_VECS                          vectors in a row of a block of a product
 *                                       (products_impl.h): with 6 rows, what the registers hold
 *
 * A lane is an element of a result, never a part of a sum, so the width moves no bit.
 */
#undef VEC
#undef LANES
#undef V_INLINE
#undef V_LOAD
#undef V_STORE
#undef V_LOAD_N
#undef V_STORE_N
#undef V_ALL
#undef V_FMA
#undef V_FNMA
#undef V_ABS
#undef V_MIN
#undef V_MAX
#undef V_IF_LESS
#undef V_SHIFT_UP
#undef BLOCK_VECS
#undef V_LOW
#undef V_HIGH
#undef V_FIRST
#undef V_LAST
#undef V_GROUP

#define V_INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__)
#include <immintrin.h>
#define BLOCK_VECS 4
#if STM_REAL_BITS == 32
#define VEC                   __m512
#define LANES                 16
#define V_LOAD(p)             _mm512_loadu_ps(p)
#define V_STORE(p, v)         _mm512_storeu_ps(p, v)
#define V_LOAD_N(p, n)        _mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), p)
#define V_STORE_N(p, v, n)    _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1), v)
#define V_ALL(x)              _mm512_set1_ps(x)
#define V_FMA(a, b, c)        _mm512_fmadd_ps(a, b, c)
#define V_FNMA(a, b, c)       _mm512_fnmadd_ps(a, b, c)
#define V_ABS(x)              _mm512_abs_ps(x)
#define V_MIN(a, b)           _mm512_min_ps(a, b)
#define V_MAX(a, b)           _mm512_max_ps(a, b)
#define V_IF_LESS(a, b, x, y) _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x)
#define V_SHIFT_UP(x, n)      _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(x), n))
#else
#define VEC                   __m512d
#define LANES                 8
#define V_LOAD(p)             _mm512_loadu_pd(p)
#define V_STORE(p, v)         _mm512_storeu_pd(p, v)
#define V_LOAD_N(p, n)        _mm512_maskz_loadu_pd((__mmask8)((1u << (n)) - 1), p)
#define V_STORE_N(p, v, n)    _mm512_mask_storeu_pd(p, (__mmask8)((1u << (n)) - 1), v)
#define V_ALL(x)              _mm512_set1_pd(x)
#define V_FMA(a, b, c)        _mm512_fmadd_pd(a, b, c)
#define V_FNMA(a, b, c)       _mm512_fnmadd_pd(a, b, c)
#define V_ABS(x)              _mm512_abs_pd(x)
#define V_MIN(a, b)           _mm512_min_pd(a, b)
#define V_MAX(a, b)           _mm512_max_pd(a, b)
#define V_IF_LESS(a, b, x, y) _mm512_mask_blend_pd(_mm512_cmp_pd_mask(a, b, _CMP_LT_OQ), y, x)
#define V_SHIFT_UP(x, n)      _mm512_castsi512_pd(_mm512_slli_epi64(_mm512_castpd_si512(x), n))
#endif

#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define BLOCK_VECS 2
#if STM_REAL_BITS == 32
#define VEC           __m256
#define V_GROUP       4
#define LANES         8
#define V_LOAD(p)     _mm256_loadu_ps(p)
#define V_STORE(p, v) _mm256_storeu_ps(p, v)
#define V_MASK_32(n)                                                                               \
    _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
#define V_LOAD_N(p, n)        _mm256_maskload_ps(p, V_MASK_32(n))
#define V_STORE_N(p, v, n)    _mm256_maskstore_ps(p, V_MASK_32(n), v)
#define V_ALL(x)              _mm256_set1_ps(x)
#define V_FMA(a, b, c)        _mm256_fmadd_ps(a, b, c)
#define V_FNMA(a, b, c)       _mm256_fnmadd_ps(a, b, c)
#define V_ABS(x)              _mm256_andnot_ps(_mm256_set1_ps(-0.0), x)
#define V_MIN(a, b)           _mm256_min_ps(a, b)
#define V_MAX(a, b)           _mm256_max_ps(a, b)
#define V_IF_LESS(a, b, x, y) _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ))
#define V_SHIFT_UP(x, n)      _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(x), n))
#else
#define VEC           __m256d
#define V_GROUP       2
#define LANES         4
#define V_LOAD(p)     _mm256_loadu_pd(p)
#define V_STORE(p, v) _mm256_storeu_pd(p, v)
#define V_MASK_64(n)                                                                               \
    _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)(n)), _mm256_setr_epi64x(0, 1, 2, 3))
#define V_LOAD_N(p, n)        _mm256_maskload_pd(p, V_MASK_64(n))
#define V_STORE_N(p, v, n)    _mm256_maskstore_pd(p, V_MASK_64(n), v)
#define V_ALL(x)              _mm256_set1_pd(x)
#define V_FMA(a, b, c)        _mm256_fmadd_pd(a, b, c)
#define V_FNMA(a, b, c)       _mm256_fnmadd_pd(a, b, c)
#define V_ABS(x)              _mm256_andnot_pd(_mm256_set1_pd(-0.0), x)
#define V_MIN(a, b)           _mm256_min_pd(a, b)
#define V_MAX(a, b)           _mm256_max_pd(a, b)
#define V_IF_LESS(a, b, x, y) _mm256_blendv_pd(y, x, _mm256_cmp_pd(a, b, _CMP_LT_OQ))
#define V_SHIFT_UP(x, n)      _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(x), n))
#endif

#elif defined(__aarch64__)
#include <arm_neon.h>
#define BLOCK_VECS 4
#if STM_REAL_BITS == 32
#define VEC                   float32x4_t
#define LANES                 4
#define V_LOAD(p)             vld1q_f32(p)
#define V_STORE(p, v)         vst1q_f32(p, v)
#define V_ALL(x)              vdupq_n_f32(x)
#define V_FMA(a, b, c)        vfmaq_f32(c, a, b)
#define V_FNMA(a, b, c)       vfmsq_f32(c, a, b)
#define V_ABS(x)              vabsq_f32(x)
#define V_IF_LESS(a, b, x, y) vbslq_f32(vcltq_f32(a, b), x, y)
#define V_SHIFT_UP(x, n)      vreinterpretq_f32_s32(vshlq_n_s32(vreinterpretq_s32_f32(x), n))
#else
#define VEC                   float64x2_t
#define LANES                 2
#define V_LOAD(p)             vld1q_f64(p)
#define V_STORE(p, v)         vst1q_f64(p, v)
#define V_ALL(x)              vdupq_n_f64(x)
#define V_FMA(a, b, c)        vfmaq_f64(c, a, b)
#define V_FNMA(a, b, c)       vfmsq_f64(c, a, b)
#define V_ABS(x)              vabsq_f64(x)
#define V_IF_LESS(a, b, x, y) vbslq_f64(vcltq_f64(a, b), x, y)
#define V_SHIFT_UP(x, n)      vreinterpretq_f64_s64(vshlq_n_s64(vreinterpretq_s64_f64(x), n))
#endif
#define V_MIN(a, b)        V_IF_LESS(a, b, a, b)
#define V_MAX(a, b)        V_IF_LESS(b, a, a, b)
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
#if STM_REAL_BITS == 32
#define V_FMA(a, b, c)  fmaf(a, b, c)
#define V_FNMA(a, b, c) fmaf(-(a), b, c)
#define V_ABS(x)        fabsf(x)
#else
#define V_FMA(a, b, c)  fma(a, b, c)
#define V_FNMA(a, b, c) fma(-(a), b, c)
#define V_ABS(x)        fabs(x)
#endif
#define V_MIN(a, b)           ((a) < (b) ? (a) : (b))
#define V_MAX(a, b)           ((a) > (b) ? (a) : (b))
#define V_IF_LESS(a, b, x, y) ((a) < (b) ? (x) : (y))
#define V_SHIFT_UP(x, n)      R(v_shift_up)(x, n)
static inline REAL R(v_shift_up)(REAL x, int n)
{
    UREAL bits;
    memcpy(&bits, &x, sizeof x);
    bits <<= n;
    memcpy(&x, &bits, sizeof x);
    return x;
}
#endif

#ifndef V_GROUP
#define V_GROUP LANES
#endif
#if LANES == 16
#define V_LOW(a, b)                                                                                \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define V_HIGH(a, b)                                                                               \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif LANES == 8 && V_GROUP == 8
#define V_LOW(a, b)  __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define V_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif LANES == 8
#define V_LOW(a, b)   __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define V_HIGH(a, b)  __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define V_FIRST(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define V_LAST(a, b)  __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#elif LANES == 4 && V_GROUP == 4
#define V_LOW(a, b)  __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define V_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#elif LANES == 4
#define V_LOW(a, b)   __builtin_shufflevector(a, b, 0, 4, 2, 6)
#define V_HIGH(a, b)  __builtin_shufflevector(a, b, 1, 5, 3, 7)
#define V_FIRST(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define V_LAST(a, b)  __builtin_shufflevector(a, b, 2, 3, 6, 7)
#elif LANES == 2
#define V_LOW(a, b)  __builtin_shufflevector(a, b, 0, 2)
#define V_HIGH(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif
