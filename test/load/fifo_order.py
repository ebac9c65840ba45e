#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writers and readers at once: the history of their calls is a FIFO's.

As root where the module is loaded, with the program fifo_load beside it.
"""
import functools
import itertools
import os
import subprocess
import sys

import fifo_checker
import tap
from module import QUEUE, put

HERE = os.path.dirname(os.path.abspath(__file__))
WORKERS = 4
MESSAGES = 1000         # of each writer

# queue_max_bytes: the least there can be, so that it is nearly always full;
# and so much that it is never full.
QUEUES = {"a small queue": 1, "a large queue": 32 << 20}


def limit_queue(size):
    """Limits the queue to this many bytes, or the least that is allowed."""
    put("queue_max_bytes", str(32 << 20))
    put("msg_max_size", "256")
    while put("queue_max_bytes", str(size)):
        size += 8


def drain():
    """Empties the queue after a failed run."""
    fd = os.open(QUEUE, os.O_RDONLY | os.O_NONBLOCK)
    try:
        while os.read(fd, 1 << 20):
            pass
    except BlockingIOError:
        os.close(fd)


def history(who, how):
    """Runs the load and returns the lines of the history."""
    drain()
    load = subprocess.run(
        [f"{HERE}/../lib/fifo_load", who, how, str(WORKERS), str(MESSAGES)],
        check=False, capture_output=True, text=True, timeout=120)
    if load.returncode:
        raise RuntimeError(f"fifo_load: {load.stderr.strip()}")
    return load.stdout.splitlines()


def is_fifo(who, how, queue):
    """One run; returns what it consisted of."""
    limit_queue(QUEUES[queue])
    put("read_wait", "Y" if how == "wait" else "N")
    lines = history(who, how)
    kinds = [line[0] for line in lines]
    counts = ", ".join(f"{kinds.count(kind)} {name}" for kind, name in
                       zip("wre", ("writes", "reads", "empty reads")))
    tap.check(kinds.count("w") == WORKERS * (MESSAGES + 1), counts)
    wrong = fifo_checker.check(lines)
    tap.check(not wrong,
              "; ".join(f"{what}: {where}" for what, where in wrong[:3]))
    return counts


TESTS = [(f"{who}, {how} readers, {queue}",
          functools.partial(is_fifo, who, how, queue))
         for who, how, queue in itertools.product(
             ("procs", "threads"), ("nonblock", "plain", "wait"), QUEUES)]

if __name__ == "__main__":
    sys.exit(tap.run(TESTS))
