#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq-consume: killed at any moment, alone or with its command. Each message
was handled, or is back."""
import contextlib
import os
import random
import signal
import sys
import time

from consume import (QUEUE, SHELLS, children, consumer, counters, each_shell,
                     handler, lines, loaded, openers, send, until)
from module import stat
from tap import check, run

MESSAGES = 30           # of a subtest
KILLS = 12


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


def during_the_command(shell):
    """The message is back at once, while the command goes on."""
    loaded()
    with handler("echo $$ > $here/pid; exec sleep 100000") as (command, here), \
            consumer(shell, QUEUE, command) as process:
        send("message")
        until(lambda: lines(f"{here}/pid"))
        counters(queued=0, held=1)
        who = openers()
        check([pid for pid, _ in who] == [process.pid],
              f"open in {who}, not in {process.pid} alone")
        process.kill()
        process.wait()
        counters(queued=1, held=0, dropped=0, returned=1)
        os.kill(int(lines(f"{here}/pid")[0]), 0)


def while_it_waits(shell):
    """Nobody is left who would take the next message."""
    loaded(read_wait="Y")
    with consumer(shell, QUEUE, "true") as process:
        until(lambda: stat("waiting_readers") == 1)
        process.kill()
        process.wait()
        if shell == "busybox":
            # Its setpriv does not know of the parent's death: what is left
            # takes a message and gives it back.
            send("message")
            until(lambda: stat("returned") == 1)
        else:
            until(lambda: not openers())
            send("message")
            check(deliveries() == 0, f"{deliveries()} deliveries")
    until(lambda: not openers())
    counters(queued=1, held=0, dropped=0)


def reader_killed(shell):
    """The dd of a kmsgq-consume that waits: it goes on."""
    loaded(read_wait="Y")
    with handler("cat >> $here/log; echo >> $here/log") as (command, here), \
            consumer(shell, "-d", "0.1", QUEUE, command) as process:
        for number in range(3):
            until(lambda: stat("waiting_readers") == 1)
            reader, = children(process.pid).values()
            os.kill(reader, signal.SIGKILL)
            send(f"{number}")
            until(lambda: len(lines(f"{here}/log")) == number + 1)
        came = lines(f"{here}/log")
    check(came == ["0", "1", "2"], came)


def at_random(shell):
    """Kills at random moments, of it, of the command, or of both."""
    loaded(read_wait="Y")
    chance = random.Random(list(SHELLS).index(shell))
    text = "read -r number; echo $number >> $here/log"
    wanted = {str(number) for number in range(MESSAGES)}
    with handler(text) as (command, here):
        for number in range(MESSAGES):
            send(f"{number}\n")
        for kill in range(KILLS):
            with consumer(shell, "-d", "0", QUEUE, command) as process:
                # Some as early as in the start, some after a few messages.
                last = len(lines(f"{here}/log"))
                if chance.random() < 0.8:
                    until(lambda: len(lines(f"{here}/log")) > last or
                          not stat("queued"))
                time.sleep(chance.random() * 0.3)
                victim = chance.choice(("it", "command", "both"))
                if victim == "it":
                    process.kill()
                    time.sleep(chance.random() * 0.3)
                elif victim == "command":
                    for pid in children(process.pid).values():
                        # It may have ended by itself.
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
                    time.sleep(chance.random() * 0.3)
                else:
                    os.killpg(process.pid, signal.SIGKILL)
            del kill
        until(lambda: not openers())
        with consumer(shell, "-d", "0", QUEUE, command) as process:
            until(lambda: stat("waiting_readers") == 1 and not stat("queued"))
        came = lines(f"{here}/log")
    check(set(came) == wanted, f"missing: {sorted(wanted - set(came), key=int)}")
    counters(queued=0, held=0, dropped=0)
    repeats = len(came) - MESSAGES
    check(repeats <= stat("returned"),
          f"{repeats} repeats, {stat('returned')} messages returned")
    first = [int(came[at]) for at in range(len(came))
             if came[at] not in came[:at]]
    check(first == sorted(first), f"out of order: {came}")
    return f"{shell}: {stat('returned')} returned, {repeats} handled again"


TESTS = [
    ("while the command runs: the message is back", during_the_command),
    ("while it waits: nobody takes the next message", while_it_waits),
    ("the program that waits is killed: it goes on", reader_killed),
    (f"{KILLS} kills at random moments", at_random),
]

if __name__ == "__main__":
    sys.exit(run(each_shell(TESTS)))
