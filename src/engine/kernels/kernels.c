#include "engine/kernels/kernels.h"

/* Each is exported by its kernels_<width>.c. */
extern const struct stm_width stm_width_c;
#ifdef STM_X86_WIDTHS
extern const struct stm_width stm_width_avx2, stm_width_avx512;
#endif

const char *const stm_act_names[STM_ACTS + 1] = {"gelu", "relu", "square", "tanh", NULL};

enum { MAX_WIDTHS = 4 };

static struct stm_width available[MAX_WIDTHS];
static const struct stm_width *chosen;

const struct stm_width *stm_widths(void)
{
    if (available[0].f32) return available;
    size_t n = 0;
#ifdef STM_X86_WIDTHS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("fma"))
        available[n++] = stm_width_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        available[n++] = stm_width_avx2;
#endif
    available[n] = stm_width_c;
    return available;
}

const struct stm_width *stm_width_chosen(void)
{
    if (!chosen) chosen = stm_widths();
    return chosen;
}

const struct stm_kernels_f32 *stm_k_f32(void) { return stm_width_chosen()->f32; }
const struct stm_kernels_f64 *stm_k_f64(void) { return stm_width_chosen()->f64; }

void stm_kernels_choose(size_t i) { chosen = stm_widths() + i; }
