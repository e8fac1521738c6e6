"""Cases side by side: a process for each, so many at a time.

Nothing is shared but a pipe of each process, so that one can be ended whatever it does. (A process
of multiprocessing.Pool waits for a lock that its end never gives back: a signal that comes just
before the wait is not acted on, and all hangs.)
"""

import multiprocessing
import signal
import sys
from multiprocessing.connection import wait


def leave(*_):
    """Once: what is cleaned up on the way out is not interrupted."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)


def work(connection, function, job):
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection.send(function(job))


def start(function, job):
    """(pipe, process)"""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=work, args=(theirs, function, job), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def end(processes):
    """A signal that came as a process went to sleep is acted on at the next one."""
    while processes:
        for p in processes:
            p.terminate()
        for p in processes:
            p.join(0.1)
        processes = [p for p in processes if p.is_alive()]


def results(function, jobs, n):
    """Yields function(job) of all jobs, `n` at a time, as they come; closed early, it ends what runs."""
    jobs, running = iter(jobs), {}
    try:
        while True:
            while len(running) < n and (job := next(jobs, None)):
                pipe, process = start(function, job)
                running[pipe] = process
            if not running:
                return
            for pipe in wait(list(running)):
                try:
                    result = pipe.recv()
                except EOFError:
                    raise RuntimeError("a case ended without a result")
                running.pop(pipe).join()
                pipe.close()
                yield result
    finally:
        end(list(running.values()))
