#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq consume: ended by a signal, at once or after the commands that run."""
import os
import signal
import sys

from module import stat
from tap import check, run
from tool import (QUEUE, children, consumer, counters, each_jobs, end, handler,
                  lines, loaded, openers, receive, running, send, touch, until,
                  waits)

UNTIL = "until [ -e $here/go ]; do sleep 0.1; done"


def waiting():
    """For a message, by each of the three signals."""
    for wait in "YN":
        loaded(read_wait=wait)
        for sig, options, want in ((signal.SIGTERM, (), 0),
                                   (signal.SIGINT, (), 0),
                                   (signal.SIGHUP, (), 0),
                                   (signal.SIGTERM, ("-1",), 1)):
            with consumer(*options, QUEUE, "true") as process:
                until(lambda: waits(process))
                status, _, errors = end(process, sig)
            check(status == want and not errors, f"{sig}: {status} {errors}")
            check(not openers(), openers())
        send("message")
        counters(queued=1, dequeued=0)


def pausing():
    """After a failure."""
    loaded()
    with consumer("-d", "100000", QUEUE, "false") as process:
        send("message")
        until(lambda: stat("returned") == 1 and waits(process))
        status, _, errors = end(process)
    check(status == 0 and errors.count("\n") == 1, (status, errors))
    counters(queued=1, held=0, returned=1)


def during_the_command(jobs):
    """They come to their end, and their messages are confirmed. No other is
    taken."""
    loaded()
    number = int(jobs)
    with handler(f"echo $$ >> $here/begun; {UNTIL}; cat >> $here/done") as \
            (command, here), consumer("-j", jobs, QUEUE, command) as process:
        for message in range(number + 1):
            send(f"{message}\n")
        until(lambda: len(lines(f"{here}/begun")) == number)
        process.send_signal(signal.SIGTERM)
        # The process has the signal once none is pending.
        until(lambda: not pending(process.pid))
        counters(queued=1, held=number)
        touch(f"{here}/go")
        process.communicate()
        check(process.returncode == 0, process.returncode)
        came = sorted(lines(f"{here}/done"))
        check(came == [str(n) for n in range(number)], came)
    counters(held=0, dropped=0, returned=0)
    check(receive() == f"{number}\n".encode(), "not the next message")


def pending(pid):
    """Is a signal pending for the process."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return any(int(line.split()[1], 16) for line in file
                   if line.startswith(("SigPnd", "ShdPnd")))


def failing_command():
    """A command that fails after the signal: no pause, the message returned."""
    loaded()
    with handler(f"echo $$ > $here/begun; {UNTIL}; exit 1") as (command, here), \
            consumer("-d", "100000", QUEUE, command) as process:
        send("message")
        until(lambda: lines(f"{here}/begun"))
        process.send_signal(signal.SIGTERM)
        until(lambda: not pending(process.pid))
        touch(f"{here}/go")
        process.communicate()
        check(process.returncode == 0, process.returncode)
    counters(queued=1, held=0, dropped=0, returned=1)


def whole_group():
    """A terminal's ^C: the command dies of it, and the message returned."""
    loaded()
    with handler("echo x > $here/begun; exec sleep 100000") as (command, here), \
            consumer(QUEUE, command) as process:
        send("message")
        until(lambda: lines(f"{here}/begun") and
              all(name_of(pid) == "sleep" for pid in children(process.pid)))
        os.killpg(process.pid, signal.SIGINT)
        process.communicate()
        check(process.returncode == 0, process.returncode)
    counters(queued=1, held=0, dropped=0, returned=1)


def name_of(pid):
    """A process's program."""
    with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
        return file.read().strip()


def ignored():
    """nohup: a signal that the caller ignored does not end it."""
    loaded()
    with handler("cat >> $here/log") as (command, here):
        with_nohup = {"preexec_fn":
                      lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
        with running("consume", QUEUE, command, **with_nohup) as process:
            until(lambda: waits(process))
            process.send_signal(signal.SIGHUP)
            send("message\n")
            until(lambda: lines(f"{here}/log"))
            check(end(process)[0] == 0, "not ended by SIGTERM")


TESTS = [
    ("while it waits for a message: at once", waiting),
    ("in the pause after a failure: at once", pausing),
    ("the command fails then: no pause", failing_command),
    ("the whole process group", whole_group),
    ("an ignored signal is ignored", ignored),
    *each_jobs([("while commands run: after them", during_the_command)]),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
