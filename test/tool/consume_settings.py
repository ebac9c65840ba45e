#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq consume: which queues it serves, and what it says of others."""
import os
import sys
import tempfile

from module import put, unload
from tap import check, run
from tool import (QUEUE, consumer, counters, fails, kmsgq, loaded, once, receive,
                  send, until, waits)


def without_ack():
    """A warning; a message that the command fails with is lost."""
    loaded(read_ack="N")
    for command in ("true", "false"):
        send("message")
        done = once(command)
        check(done.returncode == (command == "false"), done)
        check("read_ack=N" in done.stderr, done.stderr)
        counters(queued=0, held=0, returned=0)


def changed_ack():
    """read_ack=Y that is set later counts for the next message."""
    loaded(read_ack="N")
    with consumer("-1", QUEUE, "false") as process:
        until(lambda: waits(process))
        put("read_ack", "Y")
        send("message")
        process.communicate()
    counters(queued=1, held=0, returned=1)


def names():
    """Queues under every name that a path may give them."""
    loaded(procfs_name="odd-name", read_ack="N")
    for queue in "jobs,read_ack=Y", "odd.msg_queue,read_ack=Y,read_eof=N":
        check(not put("queue", queue), f"no queue {queue}")
    with tempfile.TemporaryDirectory() as here:
        os.symlink("/proc/msg_queues/jobs", f"{here}/-link")
        old = os.getcwd()
        os.chdir(here)
        try:
            for path in ("jobs", "./-link", f"{here}/-link",
                         "/proc/msg_queues/../msg_queues/jobs"):
                send("message", "/proc/msg_queues/jobs")
                done = once("cat", queue=path)
                check(done.stdout == "message" and not done.stderr, done)
        finally:
            os.chdir(old)
    for word in "msg_queue", "/proc/odd-name":
        send("message", "/proc/odd-name")
        done = once("cat", queue=word)
        check(done.stdout == "message" and "read_ack=N" in done.stderr, done)
    send("message", "/proc/msg_queues/odd.msg_queue")
    done = once("cat", queue="odd.msg_queue")
    check(done.stdout == "message" and not done.stderr, done)


def no_queue():
    """Files that are no queue of ours."""
    loaded()
    for path in ("/etc/passwd", "/proc/msg_queues/none", "/proc", "/dev/null",
                 "none", "..", ".", "", "-", "*"):
        fails(1, f"{path}: not a queue", "consume", "-1", "--", path, "true")
    send("message")
    check(receive() == b"message", "a message has been taken")
    unload()
    fails(1, "modprobe kmsg_queue", "consume", "-1", QUEUE, "true")


def bad_words():
    """The usage, with the reason."""
    loaded()
    for words, reason in (((), "no QUEUE"), ((QUEUE,), "no COMMAND"),
                          (("-x", QUEUE, "true"), "-x"),
                          (("-d",), "-d"), (("-d", "x", QUEUE, "true"), "'x'"),
                          (("-d", "1.2.3", QUEUE, "true"), "'1.2.3'"),
                          (("-d", "", QUEUE, "true"), "''"),
                          (("-d", "-1", QUEUE, "true"), "'-1'"),
                          (("-d", "nan", QUEUE, "true"), "'nan'"),
                          (("-d", "inf", QUEUE, "true"), "'inf'"),
                          (("-j", "0", QUEUE, "true"), "1..1000"),
                          (("-j", "1.5", QUEUE, "true"), "'1.5'"),
                          (("-j", "1001", QUEUE, "true"), "'1001'")):
        done = fails(2, reason, "consume", *words)
        check("usage: kmsgq consume [-1] [-j JOBS]" in done.stderr, done.stderr)
        check(not done.stdout, done.stdout)
    done = kmsgq("consume", "--help")
    check(done.returncode == 0 and "usage:" in done.stdout, done)


TESTS = [
    ("read_ack=N: a warning", without_ack),
    ("read_ack=Y while it waits", changed_ack),
    ("a queue by every name", names),
    ("what is no queue", no_queue),
    ("bad arguments", bad_words),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
