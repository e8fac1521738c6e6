#define _GNU_SOURCE /* pipe2, environ */
#include "bench_peer.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

bool bench_peer_start(struct bench_peer *p, char *const argv[])
{
    int in[2], out[2];
    char line[200];
    posix_spawn_file_actions_t actions;
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) bench_die("pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    if (posix_spawn(&p->pid, argv[0], &actions, NULL, argv, environ)) bench_die(argv[0]);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    p->to = fdopen(in[1], "w");
    p->from = fdopen(out[0], "r");
    if (!p->to || !p->from) bench_die("fdopen");
    if (fgets(line, sizeof line, p->from) && sscanf(line, "ready %159[^\n]", p->what) == 1)
        return true;
    bench_peer_stop(p);
    return false;
}

void bench_peer_ask(struct bench_peer *p, int steps)
{
    fprintf(p->to, "%d\n", steps);
    if (fflush(p->to)) bench_die(p->what);
}

double bench_peer_answer(struct bench_peer *p)
{
    char line[64];
    if (!fgets(line, sizeof line, p->from)) {
        fprintf(stderr, "bench: the process `%s` ended\n", p->what);
        exit(1);
    }
    return atof(line);
}

double bench_peer_steps(struct bench_peer *p, int steps)
{
    bench_peer_ask(p, steps);
    return bench_peer_answer(p);
}

void bench_peer_stop(struct bench_peer *p)
{
    fclose(p->to);
    fclose(p->from);
    waitpid(p->pid, NULL, 0);
}
