#include <math.h>

#include "engine/kernels.h"
#include "engine_fixture.h"

enum { ROOM = 4096 };

#define STM_REAL_BITS 32
#include "engine/real.h"
#define KERNELS f32

#include "engine_kernels_check.h"
#undef KERNELS
#undef STM_REAL_BITS
#define STM_REAL_BITS 64
#include "engine/real.h"
#define KERNELS f64

#include "engine_kernels_check.h"

START_TEST(every_kernel_f32) { check_all_f32(); }
END_TEST

START_TEST(every_kernel_f64) { check_all_f64(); }
END_TEST

/* exp, and every activation with its slope, of every 1021st of all float32 numbers (and NaN): any
 * two kernel sets give the same bits. Which NaN it is may differ. */
enum { SWEEP = 4096, STRIDE = 1021 };

static void sweep_outputs(const struct stm_kernels_f32 *k, const float *u, float *out)
{
    static float v[SWEEP];
    for (size_t i = 0; i < SWEEP; i++) v[i] = -0.0f; /* u + v is u, its sign too */
    k->exp(u, out, SWEEP);
    for (int act = 0; act < STM_ACTS; act++)
        k->act_grad[act](u, v, out + (1 + 2 * act) * SWEEP, out + (2 + 2 * act) * SWEEP, SWEEP);
}

START_TEST(widths_agree_on_all_of_float32)
{
    enum { OUT = (1 + 2 * STM_ACTS) * SWEEP };
    static float u[SWEEP], first[OUT], other[OUT];
    for (uint64_t at = 0; at < 1ull << 32;) {
        for (size_t i = 0; i < SWEEP; i++, at += STRIDE) {
            uint32_t bits = (uint32_t)(at < 1ull << 32 ? at : 0);
            memcpy(&u[i], &bits, sizeof bits);
        }
        sweep_outputs(stm_widths()->f32, u, first);
        for (const struct stm_width *w = stm_widths() + 1; w->f32; w++) {
            sweep_outputs(w->f32, u, other);
            if (memcmp(first, other, sizeof first) == 0) continue;
            for (size_t i = 0; i < OUT; i++)
                ck_assert_msg((isnan(first[i]) && isnan(other[i])) ||
                                  memcmp(&first[i], &other[i], sizeof *first) == 0,
                              "%s: output %zu of %a: %a, %a", w->name, i / SWEEP, u[i % SWEEP],
                              first[i], other[i]);
        }
    }
}
END_TEST

START_TEST(widths_end_with_plain_c)
{
    const struct stm_width *w = stm_widths();
    while (w[1].f32) w++;
    ck_assert_str_eq(w->name, "c");
    for (w = stm_widths(); w->f32; w++) printf("width %s\n", w->name);
}
END_TEST

/* A whole training run gives the same state at every width: all else is the BLAS core's. */
START_TEST(training_does_not_see_the_width)
{
    open_engine();
    for (int prec = 0; prec < 2; prec++) {
        struct stm_trainer *first = NULL;
        const char *more =
            prec ? "precision = f64\nhold norm(weights) = 4\n" : "hold norm(weights) = 4\n";
        for (size_t i = 0; stm_widths()[i].f32; i++) {
            stm_kernels_choose(i);
            struct stm_trainer *t = trainer_of(TINY, more, 5);
            for (int k = 0; k < 30; k++) stm_trainer_step(t, false);
            if (first) {
                assert_same_state(first, t);
                stm_trainer_free(t);
            } else {
                first = t;
            }
        }
        stm_trainer_free(first);
    }
}
END_TEST

RUN_TESTS("engine kernels", every_kernel_f32, every_kernel_f64, widths_agree_on_all_of_float32,
          widths_end_with_plain_c, training_does_not_see_the_width)
