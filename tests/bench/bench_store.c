/* How fast the store takes and gives back what a run gives it.
 *
 * chunk: 1 MiB chunks of float32 weights in transactions of 16. put: with their commit (pack,
 * checks, fsyncs); get: each chunk read, decoded, hashed and compared. The reference is a memcpy of
 * the same chunks in the same turn.
 * state: a training state of the paper's size. id: hashing it, as at every measured step; save: a
 * transaction with one state; restore: reading and verifying it; diff: against the state a step
 * later, all tensors.
 *
 * usage: bench_store [--quick]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "engine/random.h"
#include "stemma/engine.h"
#include "stemma/store.h"

enum { CHUNKS = 16, ELEMENTS = STM_CHUNK_MAX / 4 };

static int repeats = 25;

/* ---- chunks ---- */

/* N(0, 1) / 16, as a weight matrix begins. */
static void fill(float *x, double *normal, uint64_t seed)
{
    for (uint32_t c = 0; c < CHUNKS; c++) {
        stm_rand_normals(seed, STM_STREAM_INIT, c, normal, ELEMENTS);
        for (size_t i = 0; i < ELEMENTS; i++) x[c * ELEMENTS + i] = (float)(normal[i] / 16);
    }
}

static double put(struct stm_store *s, const float *x, struct stm_id *id)
{
    struct stm_err err = {0};
    struct stm_txn *t;
    double start = bench_now();
    bench_check(stm_txn_begin(&t, s, &err), &err);
    for (size_t c = 0; c < CHUNKS; c++)
        bench_check(stm_txn_put(t, STM_OBJ_CHUNK, x + c * ELEMENTS, STM_CHUNK_MAX, 4, NULL, 0,
                                &id[c], &err),
                    &err);
    bench_check(stm_txn_commit(t, &err), &err);
    return bench_now() - start;
}

static double get(struct stm_store *s, const float *x, const struct stm_id *id)
{
    struct stm_err err = {0};
    double start = bench_now();
    for (size_t c = 0; c < CHUNKS; c++) {
        struct stm_object o;
        bench_check(stm_store_get(s, &id[c], &o, &err), &err);
        if (memcmp(o.data, x + c * ELEMENTS, STM_CHUNK_MAX)) abort();
        stm_object_release(&o);
    }
    return bench_now() - start;
}

static double copy(float *to, const float *from)
{
    double start = bench_now();
    memcpy(to, from, (size_t)CHUNKS * STM_CHUNK_MAX);
    return bench_now() - start;
}

/* Megabytes a second, against `base` of the same bytes unless it is NULL. Sorts both. */
static void print_rate(const char *name, double bytes, double *seconds, double *base)
{
    const size_t n = (size_t)repeats;
    struct bench_figure f = {"store", name, NULL, NAN, "MB/s", NAN, {NAN, NAN, NAN}, NULL};
    if (base) {
        f.ratio = bench_ratio_of(base, seconds, n);
        f.reference = 1e-6 * bytes / bench_median(base, n);
    }
    f.value = 1e-6 * bytes / bench_median(seconds, n);
    bench_print(&f);
}

static void chunks(struct stm_store *s)
{
    double puts[BENCH_REPEATS_MAX], gets[BENCH_REPEATS_MAX], copies[BENCH_REPEATS_MAX];
    double bytes = (double)CHUNKS * STM_CHUNK_MAX;
    struct stm_err err = {0};
    struct stm_id id[CHUNKS];
    struct stm_store_stats stats;
    const int all = repeats;
    float *x = malloc((size_t)2 * CHUNKS * STM_CHUNK_MAX);
    double *normal = malloc(ELEMENTS * sizeof *normal);
    if (!x || !normal) bench_die("malloc");
    if (repeats > 7) repeats = 7;
    for (int r = 0; r < repeats; r++) {
        fill(x, normal, (uint64_t)r);
        copy(x + CHUNKS * ELEMENTS, x); /* maps the pages */
        copies[r] = copy(x + CHUNKS * ELEMENTS, x);
        puts[r] = put(s, x, id);
        gets[r] = get(s, x, id);
    }
    double base[BENCH_REPEATS_MAX];
    memcpy(base, copies, sizeof base);
    print_rate("chunk put", bytes, puts, base);
    print_rate("chunk get", bytes, gets, copies);
    bench_check(stm_store_stats(s, &stats, &err), &err);
    struct bench_figure f = {"store",
                             "chunk stored size / raw size",
                             NULL,
                             (double)stats.stored_bytes / (double)stats.raw_bytes,
                             "-",
                             NAN,
                             {NAN, NAN, NAN},
                             NULL};
    bench_print(&f);
    free(normal);
    free(x);
    repeats = all;
}

/* ---- states ---- */

struct state_times {
    double id[BENCH_REPEATS_MAX], save[BENCH_REPEATS_MAX], restore[BENCH_REPEATS_MAX],
        diff[BENCH_REPEATS_MAX];
};

/* One state through all of it; `before` is the state a step earlier, and is replaced. */
static void turn(struct stm_store *s, const struct stm_trainer *trainer, struct stm_state *before,
                 struct state_times *times, int r)
{
    struct stm_err err = {0};
    struct stm_state now, back;
    struct stm_id id, stored;
    struct stm_txn *t;
    struct stm_tensor_diff diffs[64];
    stm_trainer_view(trainer, &now);
    if (2 * now.n > sizeof diffs / sizeof *diffs) abort();
    double start = bench_now();
    bench_check(stm_state_ids(&now, &id, NULL, &err), &err);
    times->id[r] = bench_now() - start;

    start = bench_now();
    bench_check(stm_txn_begin(&t, s, &err), &err);
    bench_check(stm_state_put(t, &now, &stored, &err), &err);
    bench_check(stm_txn_commit(t, &err), &err);
    times->save[r] = bench_now() - start;

    start = bench_now();
    bench_check(stm_state_get(s, &stored, &back, &err), &err);
    times->restore[r] = bench_now() - start;

    start = bench_now();
    size_t n = stm_state_diff(before, &back, diffs);
    times->diff[r] = bench_now() - start;
    if (!n || !stm_id_eq(&id, &stored)) abort();
    stm_state_release(before);
    *before = back;
}

static void print_time(const char *what, double bytes, double *seconds)
{
    char name[64];
    struct bench_figure f = {"store", name, NULL, 0, "ms", NAN, {NAN, NAN, NAN}, NULL};
    snprintf(name, sizeof name, "state p=59 %s", what);
    f.value = 1e3 * bench_median(seconds, (size_t)repeats);
    bench_print(&f);
    print_rate(name, bytes, seconds, NULL);
}

static void states(struct stm_store *s)
{
    static struct state_times times;
    struct stm_err err = {0};
    struct stm_settings *settings;
    struct stm_trainer *trainer;
    struct stm_state view, before;
    double bytes = 0;
    bench_check(stm_engine_open(NULL, NULL, &err), &err);
    bench_check(stm_settings_parse(&settings, bench_paper, &err), &err);
    bench_check(stm_trainer_new(&trainer, settings, &err), &err);
    stm_trainer_init(trainer, 0);
    stm_trainer_view(trainer, &view);
    for (size_t i = 0; i < view.n; i++) bytes += (double)view.t[i].bytes;
    bench_check(stm_state_copy(&before, &view, &err), &err);
    for (int r = 0; r < repeats; r++) {
        stm_trainer_step(trainer, false);
        turn(s, trainer, &before, &times, r);
    }
    print_time("id", bytes, times.id);
    print_time("save", bytes, times.save);
    print_time("restore", bytes, times.restore);
    print_time("diff", bytes, times.diff);
    stm_state_release(&before);
    stm_trainer_free(trainer);
    stm_settings_free(settings);
}

int main(int argc, char **argv)
{
    char dir[200];
    struct stm_err err = {0};
    struct stm_store *s;
    if (argc == 2 && strcmp(argv[1], "--quick") == 0) {
        repeats = 2;
    } else if (argc > 1) {
        fputs("usage: bench_store [--quick]\n", stderr);
        return 2;
    }
    bench_dir_make(dir);
    bench_check(stm_store_open(&s, dir, STM_STORE_CREATE, &err), &err);
    chunks(s);
    states(s);
    stm_store_close(s);
    bench_dir_remove(dir);
    return 0;
}
