/* The kernels at the baseline width. */
#define STM_WIDTH_NAME "baseline"
#define STM_WIDTH      stm_width_baseline
#include "engine/kernels_width.h"
