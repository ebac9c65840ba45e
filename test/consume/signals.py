#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq-consume: ended by a signal, at once or after the command that runs."""
import os
import signal
import sys

from consume import (QUEUE, children, consumer, counters, each_shell, end,
                     handler, lines, loaded, openers, receive, send, until)
from module import stat
from tap import check, run


def waiting(shell):
    """For a message, by each of the three signals."""
    loaded(read_wait="Y")
    for sig, options, want in ((signal.SIGTERM, (), 0), (signal.SIGINT, (), 0),
                               (signal.SIGHUP, (), 0),
                               (signal.SIGTERM, ("-1",), 143)):
        with consumer(shell, *options, QUEUE, "true") as process:
            until(lambda: stat("waiting_readers") == 1)
            status, _, errors = end(process, sig)
        check(status == want and not errors, f"{sig}: {status} {errors}")
        until(lambda: not openers())
    send("message")
    counters(queued=1, dequeued=0)


def between_looks(shell):
    """At a queue that is empty."""
    loaded()
    with consumer(shell, "-d", "100000", QUEUE, "true") as process:
        until(lambda: "sleep" in children(process.pid))
        check(not openers(), openers())
        status, _, errors = end(process)
    check((status, errors) == (0, ""), (status, errors))


def during_the_command(shell):
    """It comes to its end, and its message is confirmed. No other is taken."""
    loaded()
    text = """echo $$ > $here/begun
        until [ -e $here/go ]; do sleep 0.1; done; cat > $here/done"""
    with handler(text) as (command, here), \
            consumer(shell, QUEUE, command) as process:
        send("first")
        send("second")
        until(lambda: lines(f"{here}/begun"))
        process.send_signal(signal.SIGTERM)
        # The shell has the signal once none is pending.
        until(lambda: not pending(process.pid))
        counters(queued=1, held=1)
        with open(f"{here}/go", "w", encoding="utf-8"):
            pass
        process.communicate()
        check(process.returncode == 0, process.returncode)
        check(lines(f"{here}/done") == ["first"], lines(f"{here}/done"))
    counters(held=0, dropped=0, returned=0)
    check(receive() == b"second", "not the second message")


def pending(pid):
    """Is a signal pending for the process."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return any(int(line.split()[1], 16) for line in file
                   if line.startswith(("SigPnd", "ShdPnd")))


def failing_command(shell):
    """A command that fails after the signal: no pause, the message is back."""
    loaded()
    text = """echo $$ > $here/begun
        until [ -e $here/go ]; do sleep 0.1; done; exit 1"""
    with handler(text) as (command, here), \
            consumer(shell, "-d", "100000", QUEUE, command) as process:
        send("message")
        until(lambda: lines(f"{here}/begun"))
        process.send_signal(signal.SIGTERM)
        until(lambda: not pending(process.pid))
        with open(f"{here}/go", "w", encoding="utf-8"):
            pass
        process.communicate()
        check(process.returncode == 0, process.returncode)
    counters(queued=1, held=0, dropped=0, returned=1)


def whole_group(shell):
    """A terminal's ^C: the command dies of it, and the message is back."""
    loaded()
    with handler("echo x > $here/begun; exec sleep 100000") as (command, here), \
            consumer(shell, QUEUE, command) as process:
        send("message")
        until(lambda: lines(f"{here}/begun"))
        until(lambda: "sleep" in children(process.pid))
        os.killpg(process.pid, signal.SIGINT)
        process.communicate()
        check(process.returncode == 0, process.returncode)
    counters(queued=1, held=0, dropped=0, returned=1)


TESTS = [
    ("while it waits for a message: at once", waiting),
    ("between two looks at an empty queue: at once", between_looks),
    ("while the command runs: after it", during_the_command),
    ("the command fails then: no pause", failing_command),
    ("the whole process group", whole_group),
]

if __name__ == "__main__":
    sys.exit(run(each_shell(TESTS)))
