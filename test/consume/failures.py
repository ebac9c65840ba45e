#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq-consume: a command that fails gives its message back."""
import os
import signal
import subprocess
import sys

from consume import (QUEUE, children, command_line, consumer, counters,
                     each_shell, end, handler, lines, loaded, once, openers,
                     receive, send, until)
from module import put
from tap import check, run


def by_status(shell):
    """With -1 the command's status is that of kmsgq-consume."""
    loaded()
    send("first")
    send("second")
    for want, text in ((3, "exit 3"), (137, "kill -KILL $$"),
                       (1, "cat > $here/all; false")):
        with handler(text) as (command, _):
            done = once(shell, command)
        check(done.returncode == want, f"{text}: {done}")
    counters(queued=2, held=0, dropped=0, returned=3)
    check(receive() == b"first", "another message has come first")


def no_such_command(shell):
    """No message is taken for it; later, the message comes back."""
    loaded()
    send("message")
    done = once(shell, "/no/such/command")
    check(done.returncode == 125 and "/no/such/command" in done.stderr, done)
    counters(queued=1, dequeued=0)
    with handler("") as (command, _):
        os.chmod(command, 0o644)
        done = once(shell, command)
        check(done.returncode in (125, 126), done)
    counters(queued=1, held=0, dropped=0)


def until_it_succeeds(shell):
    """The same message again, and each failure is reported."""
    loaded()
    text = """cat >> $here/log; echo >> $here/log
        [ $(wc -l < $here/log) -ge 3 ]"""
    with handler(text) as (command, here), \
            consumer(shell, "-d", "0.1", QUEUE, command) as process:
        send("first")
        send("second")
        until(lambda: len(lines(f"{here}/log")) == 4)
        status, _, errors = end(process)
        came = lines(f"{here}/log")
    check(came == ["first"] * 3 + ["second"], came)
    check(status == 0 and errors.count("has failed, status 1") == 2, errors)
    counters(queued=0, held=0, dropped=0, returned=2)


def pause(shell):
    """Before the next message is taken; with the message in the queue."""
    loaded()
    with handler("echo x >> $here/log; exit 1") as (command, here), \
            consumer(shell, "-d", "100000", QUEUE, command) as process:
        send("message")
        send("message")
        until(lambda: "sleep" in children(process.pid))
        counters(queued=2, held=0, returned=1)
        check(not openers(), openers())
        check(len(lines(f"{here}/log")) == 1, "not one run of the command")
        status, _, _ = end(process)
    check(status == 0, status)


def dead_queue(shell):
    """After max_deliveries runs of the command, not more."""
    loaded()
    put("queue", "dead")
    put("queue", "jobs,max_deliveries=3,dead=dead")
    jobs, dead = "/proc/msg_queues/jobs", "/proc/msg_queues/dead"
    text = "x=$(cat); echo \"$x\" >> $here/log; test \"$x\" != poison"
    with handler(text) as (command, here), \
            consumer(shell, "-d", "0.1", jobs, command) as process:
        send("poison", jobs)
        until(lambda: len(lines(f"{here}/log")) >= 3)
        send("next", jobs)
        until(lambda: len(lines(f"{here}/log")) >= 4)
        end(process)
        came = lines(f"{here}/log")
    check(came == ["poison"] * 3 + ["next"], came)
    check(receive(dead) == b"poison", "the message is not in the dead queue")
    check(receive(jobs) is None, "a message is left")


def no_room(shell):
    """For the temporary file: the reason, and the message is back."""
    loaded(msg_max_size=1 << 20)
    send(b"x" * (1 << 20))
    with handler("mount -t tmpfs -o size=64k tmpfs $here/small"
                 " && exec env TMPDIR=$here/small \"$@\"") as (command, here):
        os.mkdir(f"{here}/small")
        done = subprocess.run(
            ["unshare", "--mount", command,
             *command_line(shell, "-1", QUEUE, "true")],
            check=False, capture_output=True, text=True)
    check(done.returncode == 125 and "No space left" in done.stderr, done)
    counters(queued=1, held=0, dropped=0, returned=1)


def killed(shell):
    """The command is killed from outside."""
    loaded()
    with handler("echo $$ > $here/pid; exec sleep 100000") as (command, here), \
            consumer(shell, "-1", QUEUE, command) as process:
        send("message")
        until(lambda: lines(f"{here}/pid"))
        counters(queued=0, held=1)
        os.kill(int(lines(f"{here}/pid")[0]), signal.SIGKILL)
        process.communicate()
        check(process.returncode == 137, process.returncode)
    counters(queued=1, held=0, dropped=0)


TESTS = [
    ("-1: the message is back, and the status is the command's", by_status),
    ("no such command", no_such_command),
    ("the same message again until the command succeeds", until_it_succeeds),
    ("-d: the pause after a failure, the message in the queue", pause),
    ("a message that always fails goes to the dead queue", dead_queue),
    ("no room for the temporary file", no_room),
    ("the command is killed", killed),
]

if __name__ == "__main__":
    sys.exit(run(each_shell(TESTS)))
