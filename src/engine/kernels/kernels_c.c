/* The kernels in plain C, for any processor. */
#define STM_WIDTH_NAME "c"
#define STM_WIDTH      stm_width_c
#include "engine/kernels/kernels_width.h"
