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

RUN_TESTS("engine kernels", every_kernel_f32, every_kernel_f64, widths_end_with_plain_c,
          training_does_not_see_the_width)
