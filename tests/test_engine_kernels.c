#include <math.h>

#include "engine/kernels/kernels.h"
#include "engine_fixture.h"

enum { ROOM = 4096, SWEEP = 4096 };

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

/* Of every 1021st of all float32 numbers, and NaN. */
START_TEST(widths_agree_on_all_of_float32)
{
    enum { STRIDE = 1021 };
    static float u[SWEEP];
    for (uint64_t at = 0; at < 1ull << 32;) {
        for (size_t i = 0; i < SWEEP; i++, at += STRIDE) {
            uint32_t bits = (uint32_t)(at < 1ull << 32 ? at : 0);
            memcpy(&u[i], &bits, sizeof bits);
        }
        check_widths_f32(u);
    }
}
END_TEST

/* Every sign and exponent of float64 with 64 fractions, some of them all zeros or ones; and the
 * neighbours of where math_impl.h selects. */
START_TEST(widths_agree_on_all_binades_of_float64)
{
    static const double bounds[] = {0,     0.625, 8.772,  8.811,    708.05, 708.5,
                                    709.9, 710,   745.14, INFINITY, NAN};
    enum { BOUNDS = sizeof bounds / sizeof *bounds };
    static double u[SWEEP];
    struct stm_rand r = stm_rand_at(1, STM_STREAM_PERTURB, 64);
    for (uint64_t head = 0; head < 1 << 18;) {
        for (size_t i = 0; i < SWEEP; i++, head++) {
            uint64_t any =
                (uint64_t)stm_rand_below(&r, 1u << 23) << 23 | stm_rand_below(&r, 1u << 23);
            uint64_t ones = (1ull << 46) - 1, low = head % 3 == 0 ? 0 : head % 3 == 1 ? ones : any;
            uint64_t bits = head << 46 | low;
            memcpy(&u[i], &bits, sizeof bits);
        }
        check_widths_f64(u);
    }
    for (size_t i = 0; i < SWEEP; i++) {
        double x = bounds[i / 6 % BOUNDS];
        if (i % 3) x = nextafter(x, i % 3 == 1 ? -INFINITY : INFINITY);
        u[i] = i / 3 % 2 ? -x : x;
    }
    check_widths_f64(u);
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
          widths_agree_on_all_binades_of_float64, widths_end_with_plain_c,
          training_does_not_see_the_width)
