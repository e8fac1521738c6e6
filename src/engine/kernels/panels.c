#include "engine/kernels/panels.h"

#include <string.h>

#include "engine/kernels/kernels.h"

#define STM_REAL_BITS 32
#include "engine/real.h"

#include "engine/kernels/panels_impl.h"
#undef STM_REAL_BITS
#define STM_REAL_BITS 64
#include "engine/real.h"

#include "engine/kernels/panels_impl.h"
