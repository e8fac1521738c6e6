/* One kernel set: both precisions of math_impl.h, kernels_impl.h and products_impl.h. The including
 * file sets STM_WIDTH_NAME and STM_WIDTH (the name of the exported struct stm_width);
 * CMakeLists.txt gives it its flags. */
#include <math.h>
#include <string.h>

#include "engine/kernels/kernels.h"
#include "engine/kernels/products.h"

#define STM_REAL_BITS 32
#include "engine/real.h"
#define SQRT(x) sqrtf(x)
#include "engine/kernels/simd.h"

#include "engine/kernels/math_impl.h"

#include "engine/kernels/activation_impl.h"

#include "engine/kernels/kernels_impl.h"

#include "engine/kernels/products_impl.h"
#undef SQRT
#undef STM_REAL_BITS
#define STM_REAL_BITS 64
#include "engine/real.h"
#define SQRT(x) sqrt(x)
#include "engine/kernels/simd.h"

#include "engine/kernels/math_impl.h"

#include "engine/kernels/activation_impl.h"

#include "engine/kernels/kernels_impl.h"

#include "engine/kernels/products_impl.h"

extern const struct stm_width STM_WIDTH;
const struct stm_width STM_WIDTH = {STM_WIDTH_NAME, &table_f32, &table_f64, &products_f32,
                                    &products_f64};
