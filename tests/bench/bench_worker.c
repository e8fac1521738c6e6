/* Takes steps on request, see bench_peer.h. It knows the public engine alone, so that it can be
 * linked with another revision of the library.
 *
 * usage: bench_worker PROFILE CORE SETTINGS, "-" for the default; settings as canonical text
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "stemma/engine.h"

enum { WARM_UP = 3 };

static const char *word(const char *arg) { return strcmp(arg, "-") != 0 ? arg : NULL; }

static double steps(struct stm_trainer *t, long n)
{
    double start = bench_now();
    for (long i = 0; i < n; i++) stm_trainer_step(t, false);
    return (bench_now() - start) / (double)n;
}

int main(int argc, char **argv)
{
    struct stm_err err = {0};
    struct stm_settings *s;
    struct stm_trainer *t;
    char line[32];
    if (argc != 4) {
        fputs("usage: bench_worker PROFILE CORE SETTINGS\n", stderr);
        return 2;
    }
    bench_check(stm_engine_open(word(argv[1]), word(argv[2]), &err), &err);
    bench_check(stm_settings_parse(&s, argv[3], &err), &err);
    bench_check(stm_trainer_new(&t, s, &err), &err);
    stm_trainer_init(t, 0);
    steps(t, WARM_UP);
    printf("ready %s\n", stm_engine_profile());
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        long n = atol(line);
        steps(t, 1); /* the caches are another's */
        printf("%.9g\n", steps(t, n > 0 ? n : 1));
        fflush(stdout);
    }
    stm_trainer_free(t);
    stm_settings_free(s);
    return 0;
}
