#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq-consume: which queues it serves, and what it says of others."""
import os
import sys
import tempfile

from consume import (QUEUE, consumer, counters, each_shell, lines, handler,
                     loaded, once, receive, send, until)
from module import SYS, put, unload
from tap import check, run


def set_live(setting, value, queue="msg_queue"):
    """Changes a queue's setting."""
    with open(f"{SYS}/queues/{queue}/{setting}", "w", encoding="utf-8") as file:
        file.write(value)


def without_eof(shell):
    """Refused at the start, and when it is changed."""
    loaded(read_eof="N")
    send("message")
    done = once(shell, "true")
    check(done.returncode == 125 and "read_eof=N" in done.stderr, done)
    counters(queued=1, dequeued=0)
    set_live("read_eof", "Y")
    with handler("cat >> $here/log") as (command, here), \
            consumer(shell, "-d", "0.1", QUEUE, command) as process:
        until(lambda: lines(f"{here}/log"))
        until(lambda: not int(open(f"{SYS}/queues/msg_queue/held",
                                   encoding="ascii").read()))
        set_live("read_eof", "N")
        _, errors = process.communicate()
        check(process.returncode == 125 and "read_eof=N" in errors, errors)
    counters(queued=0, held=0, dropped=0)


def without_ack(shell):
    """A warning; a message that the command fails with is lost."""
    loaded(read_ack="N")
    for command in ("true", "false"):
        send("message")
        done = once(shell, command)
        check(done.returncode == (command == "false"), done)
        check("read_ack=N" in done.stderr, done.stderr)
        counters(queued=0, held=0, returned=0)


def names(shell):
    """Queues under every name that a path may give them."""
    loaded(procfs_name="odd-name", read_ack="N")
    for queue in "jobs,read_ack=Y", "odd.msg_queue,read_ack=Y,read_eof=N":
        check(not put("queue", queue), f"no queue {queue}")
    with tempfile.TemporaryDirectory() as here:
        os.symlink("/proc/msg_queues/jobs", f"{here}/-link")
        old = os.getcwd()
        os.chdir(here)
        try:
            for path in ("./-link", "/proc/msg_queues/../msg_queues/jobs",
                         f"{here}/-link"):
                send("message", path)
                done = once(shell, "cat", queue=path)
                check(done.stdout == "message" and not done.stderr, done)
        finally:
            os.chdir(old)
    send("message", "/proc/odd-name")
    done = once(shell, "cat", queue="/proc/odd-name")
    check(done.stdout == "message" and "read_ack=N" in done.stderr, done)
    done = once(shell, "cat", queue="/proc/msg_queues/odd.msg_queue")
    check("queue odd.msg_queue has read_eof=N" in done.stderr, done)


def no_queue(shell):
    """Files that are no queue of ours."""
    loaded()
    for path in ("/etc/passwd", "/proc/msg_queues/none", "/proc", "/dev/null"):
        done = once(shell, "true", queue=path)
        check(done.returncode == 125 and path in done.stderr, done)
    send("message")
    check(receive() == b"message", "a message has been taken")
    unload()
    done = once(shell, "true")
    check(done.returncode == 125 and QUEUE in done.stderr, done)


def bad_words(shell):
    """The usage, with the reason."""
    loaded()
    for words, reason in (((), "needed"), ((QUEUE,), "needed"),
                          (("-x", QUEUE, "true"), "no option -x"),
                          (("-d",), "-d needs"), (("-d", "x"), "'x'"),
                          (("-d", "1.2.3"), "'1.2.3'"), (("-d", ""), "''")):
        with consumer(shell, *words) as process:
            output, errors = process.communicate()
            check(process.returncode == 125 and reason in errors and not output
                  and "usage: kmsgq-consume [-1] [-d SECONDS] FILE" in errors,
                  f"{words}: {process.returncode} {output} {errors}")
    with consumer(shell, "--help") as process:
        output, errors = process.communicate()
        check(process.returncode == 0 and "usage:" in output, output)


TESTS = [
    ("read_eof=N is refused, with the reason", without_eof),
    ("read_ack=N: a warning", without_ack),
    ("a queue by every name", names),
    ("what is no queue", no_queue),
    ("bad arguments", bad_words),
]

if __name__ == "__main__":
    sys.exit(run(each_shell(TESTS)))
