#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq save and restore: all messages come back, once, in order."""
import itertools
import os
import pty
import random
import re
import resource
import signal
import subprocess
import sys

import queues
from module import QUEUE, stat, unload
from saved import numbered
from tap import check, run
from tool import (LARGEST, STATE, command_line, counters, fails, kmsgq, loaded,
                  running, send, state, succeeds, take_all, until)


def any_bytes():
    """Sizes from 1 byte to 1 MiB."""
    loaded(msg_max_size=LARGEST)
    messages = [b"\0", b"\n", b"\xff" * 3]
    messages += [random.Random(size).randbytes(size)
                 for size in (15, 16, 512, 8191, 8192, 65537, LARGEST)]
    with state() as here:
        for message in messages:
            send(message)
        check(succeeds("save", here) == f"msg_queue: {len(messages)} messages"
                                        " saved\n", "another number")
        counters(queued=0, held=0, returned=0, dropped=0)
        check(succeeds("restore", here) ==
              f"msg_queue: {len(messages)} messages restored\n", "number")
        check(not os.listdir(here), os.listdir(here))
    check(take_all() == messages, "not these messages, in order")


def all_settings():
    """1000 messages with each; the settings stay as they are."""
    for eof, wait, ack in itertools.product("YN", repeat=3):
        loaded(read_eof=eof, read_wait=wait, read_ack=ack)
        before = queues.settings("msg_queue")
        with state() as here:
            messages = numbered(0, 1000)
            succeeds("save", here)
            check(queues.settings("msg_queue") == before, "settings changed")
            counters(queued=0, held=0, returned=0, dropped=0)
            succeeds("restore", here)
            check(queues.settings("msg_queue") == before, "settings changed")
        check(take_all() == messages, f"{eof}{wait}{ack}: not these messages")


def many():
    """100,000 messages."""
    loaded(queue_max_bytes=128 << 20)
    with state() as here:
        messages = numbered(0, 100000)
        succeeds("save", here)
        counters(queued=0)
        succeeds("restore", here)
    check(take_all() == messages, "not these messages, in order")


def several_queues():
    """Each in its file; the file's mode; no directory before."""
    loaded("a", "b")
    subprocess.run(["rm", "-rf", STATE], check=True)
    sent = {name: numbered(number * 100, 5, queues.path(name))
            for number, name in enumerate(("a", "b"))}
    output = succeeds("save")
    check(output == "a: 5 messages saved\nb: 5 messages saved\n", output)
    check(os.stat(STATE).st_mode & 0o7777 == 0o700, "the directory's mode")
    for name in "a", "b":
        check(os.stat(f"{STATE}/{name}").st_mode & 0o7777 == 0o600, "the mode")
    succeeds("restore")
    check(not os.listdir(STATE), os.listdir(STATE))
    for name, messages in sent.items():
        check(take_all(queues.path(name)) == messages, f"messages of {name}")


def few_descriptors():
    """20 queues, with 16 file descriptors."""
    names = [f"q{number}" for number in range(20)]
    loaded(*names)
    with state() as here:
        for name in names:
            send(name, queues.path(name))
        for verb in "save", "restore":
            succeeds(verb, here, preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_NOFILE, (16, 16)))
    for name in names:
        check(take_all(queues.path(name)) == [name.encode()], f"message of {name}")


def rest():
    """What is in a file already comes first, also after the module was loaded
    again."""
    loaded("a,msg_max_size=5", "b")
    with state() as here:
        messages = numbered(0, 10)
        succeeds("save", here)
        messages += numbered(10, 10)
        succeeds("save", here)
        loaded()
        messages += numbered(20, 10)
        succeeds("save", here)
        # Some fit, the rest stays.
        loaded(msg_max_size=2000, queue_max_bytes=4000)
        done = fails(1, "queue msg_queue is full", "restore", here)
        left = int(re.search(r"(\d+) messages stay in", done.stderr)[1])
        check(0 < left < 30 and stat("queued") == 30 - left,
              f"{left} left, {stat('queued')} queued")
        first = take_all()
        for _ in range(2):
            succeeds("save", here)
        loaded()
        messages += numbered(30, 5)
        succeeds("save", here)
        succeeds("restore", here)
        check(first + take_all() == messages, "not these messages, in order")


def does_not_fit():
    """A queue that is missing without a module, too small, or full."""
    loaded("a")
    with state() as here:
        messages = [b"short", b"x" * 100, b"end"]
        for message in messages:
            send(message, queues.path("a"))
        succeeds("save", here)
        loaded("a,msg_max_size=50")
        done = fails(1, "100 bytes: queue a has msg_max_size=50", "restore", here)
        check("2 messages stay in" in done.stderr, done.stderr)
        check(take_all(queues.path("a")) == [b"short"], "not the first one")
        unload()
        fails(1, "modprobe kmsg_queue", "restore", here)
        check(os.listdir(here) == ["a"], "the file is gone")
        loaded("a")
        succeeds("restore", here)
        check(take_all(queues.path("a")) == messages[1:], "not the others")


def missing_queue():
    """It is created with its settings, its dead queue first; a queue without
    messages is not created."""
    loaded()
    for words in ("z-dead,mode=0600,uid=7", "jobs,mode=0640,gid=33,read_eof=N,"
                  "msg_max_size=99,max_deliveries=4,dead=z-dead", "unused"):
        queues.make(words)
    before = {name: queues.settings(name) for name in ("jobs", "z-dead")}
    with state() as here:
        sent = numbered(0, 3, queues.path("jobs"))
        succeeds("save", here)
        loaded(read_ack="N")
        succeeds("restore", here)
        check(queues.names() == ["jobs", "msg_queue", "z-dead"], queues.names())
        after = {name: queues.settings(name) for name in before}
        check(before == after, f"{after}, not {before}")
        check(not os.listdir(here), os.listdir(here))
        check(take_all(queues.path("jobs")) == sent, "not these messages")


def held():
    """Messages that a reader holds are reported, and stay."""
    loaded()
    with state() as here:
        numbered(0, 3)
        fd = os.open(QUEUE, os.O_RDONLY)
        os.read(fd, 100)
        done = kmsgq("save", here)
        check(done.returncode == 0 and "1 messages that readers hold"
              in done.stderr, done)
        os.close(fd)
        counters(queued=1, held=0)


def at_once():
    """Two saves; and a restore."""
    loaded()
    with state() as here:
        messages = numbered(0, 3000)
        with running("save", here) as one, running("save", here) as two, \
                running("save", here) as three:
            for process in one, two, three:
                _, errors = process.communicate()
                check(process.returncode == 0 and not errors, errors)
        counters(queued=0)
        with running("restore", here) as one, running("restore", here) as two:
            for process in one, two:
                _, errors = process.communicate()
                check(process.returncode == 0 and not errors, errors)
    check(take_all() == messages, "not these messages, in order")


def signals():
    """SIGTERM and SIGINT end them between two messages."""
    loaded(read_ack="N")
    for sig in signal.SIGTERM, signal.SIGINT:
        with state() as here:
            messages = numbered(0, 3000)
            for verb in "save", "restore":
                with running(verb, here) as process:
                    until(lambda: 0 < stat("queued") < 3000)
                    process.send_signal(sig)
                    _, errors = process.communicate()
                check(process.returncode == 1 and "signal" in errors,
                      (process.returncode, errors))
                check(queues.show("msg_queue", "read_ack") == "N", "read_ack")
                counters(held=0, returned=0)
                if verb == "save":
                    succeeds("save", here)
            succeeds("restore", here)
            check(take_all() == messages, f"{sig}: not these messages, in order")
            loaded(read_ack="N")


def progress():
    """On a terminal, for more than 10,000 messages; else none."""
    loaded()
    for count, wanted in (11000, True), (9000, False):
        numbered(0, count)
        with state() as here:
            for verb in "save", "restore":
                ours, theirs = pty.openpty()
                subprocess.run(command_line(verb, here), check=True,
                               stdout=subprocess.DEVNULL, stderr=theirs)
                os.write(theirs, b"END")
                found = b""
                while not found.endswith(b"END"):
                    found += os.read(ours, 4096)
                check((b"11000 of 11000" in found) == wanted, found)
                os.close(ours)
                os.close(theirs)
            take_all()


TESTS = [
    ("any bytes, up to 1 MiB", any_bytes),
    ("1000 messages with each read_eof, read_wait and read_ack", all_settings),
    ("100,000 messages", many),
    ("several queues, in a new directory", several_queues),
    ("more queues than file descriptors", few_descriptors),
    ("a rest in the file stays first", rest),
    ("what does not fit stays", does_not_fit),
    ("a missing queue is created", missing_queue),
    ("held messages", held),
    ("two saves and two restores at once", at_once),
    ("a signal", signals),
    ("progress on a terminal", progress),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
