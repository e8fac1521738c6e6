/* The kernels at the avx512 width. */
#ifdef STM_X86_WIDTHS
#define STM_WIDTH_NAME "avx512"
#define STM_WIDTH      stm_width_avx512
#include "engine/kernels/kernels_width.h"
#else
typedef int stm_no_avx512_here;
#endif
