/* Minibatches and a cut training set. */
#include "engine_fixture.h"

#define B8 "batch = 8\n"

/* Steps to `at` and copies the pairs of that update. */
static void batch_at(struct stm_trainer *t, uint64_t at, uint32_t pairs[8])
{
    while (stm_trainer_at(t) <= at) stm_trainer_step(t, false);
    memcpy(pairs, t->batch_pairs, 8 * sizeof *pairs);
}

START_TEST(distinct_sorted_training_pairs)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, B8, 5);
    uint32_t count[49] = {0}, b[8];
    for (uint64_t step = 0; step < 3000; step++) {
        batch_at(t, step, b);
        for (int i = 0; i < 8; i++) {
            ck_assert(i == 0 || b[i - 1] < b[i]);
            ck_assert_uint_eq(t->batch_label[i], (b[i] / 7 + b[i] % 7) % 7);
            count[b[i]]++;
        }
    }
    /* 24 training pairs: 1000 times each, standard deviation 26. */
    for (uint32_t i = 0; i < 49; i++) {
        uint32_t n = count[t->pairs[i]];
        ck_assert_msg(i < t->train ? n > 880 && n < 1120 : n == 0, "pair %u: %u", t->pairs[i], n);
    }
    stm_trainer_free(t);
}
END_TEST

/* The batch is a function of the seed, stream.batch and the step: not of how one got there. */
START_TEST(keyed_by_seed_stream_and_step)
{
    open_engine();
    struct stm_trainer *a = trainer_of(TINY, B8, 5), *b = trainer_of(TINY, B8 "lr = 0.5\n", 5),
                       *other = trainer_of(TINY, B8 "stream.batch = 1\n", 5),
                       *seed = trainer_of(TINY, B8, 6);
    uint32_t x[8], y[8], z[8];
    batch_at(a, 7, x);
    batch_at(b, 7, y);
    ck_assert_mem_eq(x, y, sizeof x);
    batch_at(other, 7, z);
    ck_assert_mem_ne(x, z, sizeof x);
    batch_at(seed, 7, y);
    ck_assert_mem_ne(x, y, sizeof x);
    batch_at(a, 8, z);
    ck_assert_mem_ne(x, z, sizeof x);
    stm_trainer_free(a), stm_trainer_free(b), stm_trainer_free(other), stm_trainer_free(seed);
}
END_TEST

START_TEST(the_whole_set_is_a_full_batch)
{
    open_engine();
    struct stm_trainer *a = trainer_of(TINY, "", 5), *b = trainer_of(TINY, "batch = 24\n", 5);
    for (int i = 0; i < 20; i++) stm_trainer_step(a, false), stm_trainer_step(b, false);
    assert_same_state(a, b);
    stm_trainer_free(a), stm_trainer_free(b);
}
END_TEST

/* The gradient is that of the mean loss over the batch: full training on those pairs alone. */
START_TEST(mean_over_the_batch)
{
    open_engine();
    struct stm_trainer *t = trainer_of(TINY, "precision = f64\nlr = 0\n" B8, 5);
    struct stm_trainer *full = trainer_of(TINY, "precision = f64\nlr = 0\ndata.train = 0.34\n", 5);
    ck_assert_uint_eq(full->train, 8);
    stm_trainer_step(t, false);
    memcpy(full->pairs, t->batch_pairs, 8 * sizeof(uint32_t));
    memcpy(full->label, t->batch_label, 8 * sizeof(uint32_t));
    stm_trainer_step(full, false);
    for (unsigned k = 0; k < t->net.n_tensors; k++)
        ck_assert_mem_eq(t->net.grad[k], full->net.grad[k], t->net.spec[k].n * sizeof(double));
    stm_trainer_free(t), stm_trainer_free(full);
}
END_TEST

START_TEST(a_cut_keeps_the_prefix_and_the_test_set)
{
    open_engine();
    struct stm_trainer *all = trainer_of(TINY, "", 5),
                       *cut = trainer_of(TINY, "data.train = 0.5\n", 5);
    ck_assert_uint_eq(all->train, 24);
    ck_assert_uint_eq(cut->train, 12);
    ck_assert_mem_eq(all->order, cut->order, 49 * sizeof(uint32_t));
    ck_assert_mem_eq(all->pairs + 24, cut->pairs + 24, 25 * sizeof(uint32_t));
    for (uint32_t i = 0; i < 12; i++) {
        bool found = false;
        for (uint32_t k = 0; k < 12; k++) found |= cut->pairs[k] == cut->order[i];
        ck_assert(found);
        ck_assert(i == 0 ||
                  (cut->pairs[i - 1] < cut->pairs[i] && cut->pairs[i + 11] < cut->pairs[i + 12]));
    }
    ck_assert_double_eq(measure(all, "loss(test)"), measure(cut, "loss(test)"));
    ck_assert_double_eq_tol(measure(all, "loss(all)"), measure(cut, "loss(all)"), 1e-6);
    ck_assert_double_ne(measure(all, "loss(train)"), measure(cut, "loss(train)"));
    stm_trainer_free(all), stm_trainer_free(cut);
}
END_TEST

START_TEST(sizes_are_checked)
{
    struct stm_trainer *t = NULL;
    struct stm_err err = {0};
    struct stm_settings *s = settings_of(TINY, "batch = 25\n");
    ck_assert_int_eq(stm_trainer_new(&t, s, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "batch = 25 is more than the 24 training pairs");
    stm_settings_free(s);
    s = settings_of(TINY, "data.train = 0.01\n");
    ck_assert_int_eq(stm_trainer_new(&t, s, &err), STM_E_INVALID);
    ck_assert_str_eq(err.msg, "the training fraction leaves no training pair of 49");
    stm_settings_free(s);
}
END_TEST

RUN_TESTS("engine batch", distinct_sorted_training_pairs, keyed_by_seed_stream_and_step,
          the_whole_set_is_a_full_batch, mean_over_the_batch,
          a_cut_keeps_the_prefix_and_the_test_set, sizes_are_checked)
