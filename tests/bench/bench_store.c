/* How fast the store takes and gives back 1 MiB chunks of float32 weights.
 *
 * put: transactions of 16 different chunks with their commit (pack, checks, fsyncs); get: each
 * chunk read, decoded, hashed and compared. A copy of the same chunks by memcpy is timed between
 * them, so that the figures can be read as shares of the machine's memory rate.
 */
#define _XOPEN_SOURCE 700 /* nftw, mkdtemp */
#include <ftw.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "engine/random.h"
#include "stemma/store.h"

enum { CHUNKS = 16, ELEMENTS = STM_CHUNK_MAX / 4, REPEATS = 7 };

struct times {
    double put[REPEATS], get[REPEATS], copy[REPEATS];
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

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

static double rate(double *seconds) /* median MB/s */
{
    return 1e-6 * CHUNKS * STM_CHUNK_MAX / bench_median(seconds, REPEATS);
}

int main(void)
{
    char dir[200];
    const char *tmp = getenv("TMPDIR");
    struct stm_err err = {0};
    struct stm_store *s;
    struct stm_id id[CHUNKS];
    struct times t;
    float *x = malloc((size_t)2 * CHUNKS * STM_CHUNK_MAX);
    double *normal = malloc(ELEMENTS * sizeof *normal);
    snprintf(dir, sizeof dir, "%s/stemma-bench-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!x || !normal || !mkdtemp(dir)) {
        perror(dir);
        return 1;
    }
    bench_check(stm_store_open(&s, dir, STM_STORE_CREATE, &err), &err);
    for (int r = 0; r < REPEATS; r++) {
        fill(x, normal, (uint64_t)r);
        copy(x + CHUNKS * ELEMENTS, x); /* maps the pages */
        t.copy[r] = copy(x + CHUNKS * ELEMENTS, x);
        t.put[r] = put(s, x, id);
        t.get[r] = get(s, x, id);
    }
    struct stm_store_stats stats;
    bench_check(stm_store_stats(s, &stats, &err), &err);
    printf(
        "1 MiB f32 chunks: put %.0f MB/s, get %.0f MB/s, memcpy %.0f MB/s; stored at %.3f of the "
        "size\n",
        rate(t.put), rate(t.get), rate(t.copy),
        (double)stats.stored_bytes / (double)stats.raw_bytes);
    stm_store_close(s);
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(normal);
    free(x);
    return 0;
}
