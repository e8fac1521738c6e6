/* Code that is written once for float and double. No include guard: set STM_REAL_BITS to 32 or 64,
 * include this file, then the `*_impl.h`; again for the other precision. It defines
 *   REAL      the type, UREAL an unsigned integer of its size
 *   R(name)   name_f32 or name_f64
 */
#undef REAL
#undef UREAL
#undef R
#if STM_REAL_BITS == 32
#define REAL    float
#define UREAL   uint32_t
#define R(name) name##_f32
#else
#define REAL    double
#define UREAL   uint64_t
#define R(name) name##_f64
#endif
