#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq consume: killed at any moment, alone or with its commands. Each message
was handled, or has been returned."""
import contextlib
import os
import random
import signal
import sys
import time

from module import stat
from tap import check, run
from tool import (QUEUE, children, consumer, counters, each_jobs, handler, lines,
                  loaded, openers, send, until, waits)

MESSAGES = 60           # of a subtest
KILLS = 15


def deliveries():
    """How often the queue's head has been delivered, before now."""
    fd = os.open(QUEUE, os.O_RDONLY)
    try:
        os.read(fd, 1)
        with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as file:
            found = [line for line in file if "kmsgq-deliveries" in line]
        return int(found[0].split()[1]) - 1
    finally:
        os.close(fd)


def gone(pid):
    """A process has ended."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().split(")")[1].split()[0] == "Z"
    return True


def during_the_command():
    """The message returns at once, and the command gets SIGTERM."""
    loaded()
    text = """trap 'echo term > $here/term; exit' TERM
        echo $$ > $here/pid; while :; do sleep 0.1; done"""
    with handler(text) as (command, here), consumer(QUEUE, command) as process:
        send("message")
        until(lambda: lines(f"{here}/pid"))
        counters(queued=0, held=1)
        check(openers() == [process.pid],
              f"open in {openers()}, not in {process.pid} alone")
        process.kill()
        process.wait()
        counters(queued=1, held=0, dropped=0, returned=1)
        until(lambda: lines(f"{here}/term"))
        until(lambda: gone(lines(f"{here}/pid")[0]))


def while_it_waits():
    """Nobody is left who would take the next message."""
    loaded()
    with consumer(QUEUE, "true") as process:
        until(lambda: waits(process))
        process.kill()
        process.wait()
        check(not openers(), openers())
        send("message")
        check(deliveries() == 0, f"{deliveries()} deliveries")
    counters(queued=1, held=0, dropped=0)


def idle_holds_nothing():
    """What it polls never holds a message: one that comes stays in the queue
    while its commands run."""
    loaded()
    with handler("echo x >> $here/begun; exec sleep 100000") as (command, here), \
            consumer(QUEUE, command) as process:
        send("first")
        until(lambda: lines(f"{here}/begun"))
        send("second")
        for fd in os.listdir(f"/proc/{process.pid}/fd"):
            with open(f"/proc/{process.pid}/fdinfo/{fd}", encoding="ascii") as file:
                held = [line for line in file if "kmsgq-held" in line]
            if held and held[0].split()[1] != "0":
                check(held[0].split()[1] == "5", held)
        counters(queued=1, held=1)


def at_random(jobs):
    """Kills at random moments, of it, of a command, or of all."""
    loaded()
    chance = random.Random(int(jobs))
    text = "read -r number; echo $number >> $here/log"
    wanted = {str(number) for number in range(MESSAGES)}
    words = "-j", jobs, "-d", "0", QUEUE
    with handler(text) as (command, here):
        for number in range(MESSAGES):
            send(f"{number}\n")
        for _ in range(KILLS):
            with consumer(*words, command) as process:
                # Some as early as in the start, some after a few messages.
                last = len(lines(f"{here}/log"))
                if chance.random() < 0.8:
                    until(lambda: len(lines(f"{here}/log")) > last or
                          not stat("queued"))
                time.sleep(chance.random() * 0.2)
                victim = chance.choice(("it", "command", "all"))
                if victim == "it":
                    process.kill()
                    time.sleep(chance.random() * 0.2)
                elif victim == "command":
                    for pid in children(process.pid):
                        # It may have ended by itself.
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
                    time.sleep(chance.random() * 0.2)
                else:
                    os.killpg(process.pid, signal.SIGKILL)
        until(lambda: not openers())
        with consumer(*words, command) as process:
            until(lambda: waits(process) and not stat("queued"))
        came = lines(f"{here}/log")
    check(set(came) == wanted, f"missing: {sorted(wanted - set(came), key=int)}")
    counters(queued=0, held=0, dropped=0)
    repeats = len(came) - MESSAGES
    check(repeats <= stat("returned"),
          f"{repeats} repeats, {stat('returned')} messages returned")
    first = [int(came[at]) for at in range(len(came))
             if came[at] not in came[:at]]
    check(jobs != "1" or first == sorted(first), f"out of order: {came}")
    return f"-j {jobs}: {stat('returned')} returned, {repeats} handled again"


TESTS = [
    ("while the command runs: the message returns", during_the_command),
    ("while it waits: nobody takes the next message", while_it_waits),
    ("the idle file holds nothing", idle_holds_nothing),
    *each_jobs([(f"{KILLS} kills at random moments", at_random)]),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
