/* The kernels at the avx2 width. */
#ifdef STM_X86_WIDTHS
#define STM_WIDTH_NAME "avx2"
#define STM_WIDTH      stm_width_avx2
#include "engine/kernels/kernels_width.h"
#else
typedef int stm_no_avx2_here;
#endif
