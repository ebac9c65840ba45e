#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writers and readers at once: the history of their calls is a FIFO's.

As root where the module is loaded, with the program fifo_load beside it.
"""
import itertools
import os
import subprocess
import sys

import fifo_checker

SYS = "/sys/module/kmsg_queue"
HERE = os.path.dirname(os.path.abspath(__file__))
WORKERS = 4
MESSAGES = 1000         # of each writer

# queue_max_bytes: the least there can be, so that it is nearly always full;
# and so much that it is never full.
QUEUES = {"a small queue": 1, "a large queue": 32 << 20}


def set_param(name, value):
    """Sets a live parameter, gives whether that was allowed."""
    try:
        with open(f"{SYS}/parameters/{name}", "w", encoding="ascii") as file:
            file.write(str(value))
        return True
    except OSError:
        return False


def limit_queue(size):
    """The queue holds this many bytes, or the least that is allowed."""
    set_param("queue_max_bytes", 32 << 20)
    set_param("msg_max_size", 256)
    while not set_param("queue_max_bytes", size):
        size += 8


def history(who, how):
    """Runs the load, gives the history's lines."""
    load = subprocess.run(
        [f"{HERE}/fifo_load", who, how, str(WORKERS), str(MESSAGES)],
        check=False, capture_output=True, text=True, timeout=120)
    if load.returncode:
        raise RuntimeError(f"fifo_load: {load.stderr.strip()}")
    return load.stdout.splitlines()


def reason_against(who, how, queue):
    """Gives what is wrong with one run, and what it consisted of."""
    limit_queue(QUEUES[queue])
    set_param("read_wait", "Y" if how == "wait" else "N")
    try:
        lines = history(who, how)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return str(error), ""
    kinds = [line[0] for line in lines]
    counts = ", ".join(f"{kinds.count(kind)} {name}" for kind, name in
                       zip("wre", ("writes", "reads", "empty reads")))
    if kinds.count("w") != WORKERS * (MESSAGES + 1):
        return "not all was written", counts
    wrong = fifo_checker.check(lines)
    return "; ".join(f"{what}: {where}" for what, where in wrong[:3]), counts


def main():
    """Prints TAP."""
    print("TAP version 13")
    if not os.path.exists(SYS) or os.geteuid():
        print("1..0 # SKIP needs root, and kmsg_queue loaded")
        return 4
    runs = list(itertools.product(("procs", "threads"),
                                  ("nonblock", "plain", "wait"), QUEUES))
    print(f"1..{len(runs)}")
    failed = False
    for number, (who, how, queue) in enumerate(runs, 1):
        reason, counts = reason_against(who, how, queue)
        print(f"{'not ok' if reason else 'ok'} {number} - {who}, {how} "
              f"readers, {queue}" + (f": {reason}" if reason else ""))
        print(f"# {counts}", flush=True)
        failed = failed or bool(reason)
    return failed


if __name__ == "__main__":
    sys.exit(main())
