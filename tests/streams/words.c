/* Raw words of the streams on stdout, without end, for a battery that reads a pipe.
 *
 * usage: words stream SEED   one stream of one seed
 *        words streams SEED  init, split, batch and perturb of one seed, word by word in turn
 *        words seeds SEED    the first block of init of SEED, SEED + 1, ...
 *        words steps SEED    the first block of batch of step 0, 1, ...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/random.h"

enum { BLOCK = 4, WORDS = 4096 };

static void block(uint64_t seed, enum stm_stream stream, uint32_t sub, uint32_t *x)
{
    struct stm_rand r = stm_rand_at(seed, stream, sub);
    for (int i = 0; i < BLOCK; i++) x[i] = stm_rand_u32(&r);
}

/* The next WORDS words. */
static void fill(int kind, struct stm_rand r[4], uint64_t *at, uint32_t *x)
{
    for (int i = 0; i < WORDS; i += BLOCK, ++*at) switch (kind) {
        case 0:
            for (int k = 0; k < BLOCK; k++) x[i + k] = stm_rand_u32(&r[0]);
            break;
        case 1:
            for (int k = 0; k < BLOCK; k++) x[i + k] = stm_rand_u32(&r[k]);
            break;
        case 2: block(r[0].seed + *at, STM_STREAM_INIT, 0, x + i); break;
        default: block(r[0].seed, STM_STREAM_BATCH, (uint32_t)*at, x + i); break;
        }
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"stream", "streams", "seeds", "steps"};
    static uint32_t x[WORDS];
    int kind = 0;
    uint64_t at = 0;
    while (argc == 3 && kind < 4 && strcmp(argv[1], kinds[kind]) != 0) kind++;
    if (argc != 3 || kind == 4) {
        fputs("usage: words stream|streams|seeds|steps SEED\n", stderr);
        return 2;
    }
    uint64_t seed = strtoull(argv[2], NULL, 10);
    struct stm_rand r[4] = {
        stm_rand_at(seed, STM_STREAM_INIT, 0), stm_rand_at(seed, STM_STREAM_SPLIT, 0),
        stm_rand_at(seed, STM_STREAM_BATCH, 0), stm_rand_at(seed, STM_STREAM_PERTURB, 0)};
    do fill(kind, r, &at, x);
    while (fwrite(x, sizeof x, 1, stdout) == 1);
    return 0;
}
