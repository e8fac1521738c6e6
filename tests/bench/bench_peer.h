/* Processes that take training steps when they are asked to, so that several of them can be timed
 * in turn: stemma under a profile and kernel set, stemma of another revision, PyTorch.
 *
 * A peer prints "ready WHAT" once its trainer stands. Then it reads numbers of steps, one a line,
 * takes them, and answers each with the seconds that one step took. It ends when its stdin does.
 */
#ifndef STEMMA_TESTS_BENCH_PEER_H
#define STEMMA_TESTS_BENCH_PEER_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct bench_peer {
    pid_t pid;
    FILE *to, *from;
    char what[160]; /* what it said to be */
};

/* Starts argv[0] and waits until it is ready. False when it ended instead; it has said why. */
bool bench_peer_start(struct bench_peer *p, char *const argv[]);
/* Seconds a step, of `steps` in a row. */
double bench_peer_steps(struct bench_peer *p, int steps);
/* The same in two halves, for peers that run at the same time. */
void bench_peer_ask(struct bench_peer *p, int steps);
double bench_peer_answer(struct bench_peer *p);
void bench_peer_stop(struct bench_peer *p);

#endif
