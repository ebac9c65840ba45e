#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The directory of each queue in sysfs: which files it has, which of them can
be written, and that settings and counters are those of this queue alone.
settings.py has the values. As root where modprobe finds the module."""
import errno
import os
import sys

from module import SYS, loaded
from queues import (COUNTERS, FIRST, FIXED, WRITABLE, names, opened, path,
                    send, settings, show, store, take)
from tap import check, run

ALL = (FIRST, "x", "y")


def load_three():
    """Three queues that have all the same settings."""
    loaded("queue=x", "queue=y", "msg_max_size=1024")


def test_files():
    """A file for each setting and each counter, readable for all, and
    writable for root where that is live."""
    load_three()
    check(names() == sorted(ALL), names())
    for queue in ALL:
        found = os.listdir(f"{SYS}/queues/{queue}")
        check(sorted(found) == sorted(WRITABLE + FIXED + COUNTERS), found)
        for name in found:
            mode = os.stat(f"{SYS}/queues/{queue}/{name}").st_mode & 0o7777
            check(mode == (0o644 if name in WRITABLE else 0o444),
                  f"{queue}/{name}: {mode:o}")
    check(not os.path.exists(f"{SYS}/stats"), "there is a directory stats")


def test_shown():
    """The values that the entry has given, in their one form."""
    loaded("queue=x,mode=640,uid=1001,gid=2001,msg_max_size=0x10,"
           "queue_max_bytes=5000,read_wait=1,read_eof=off,read_ack=on,"
           "containers=y,max_deliveries=9,dead=y", "queue=y")
    wanted = {"mode": "0640", "uid": "1001", "gid": "2001",
              "msg_max_size": "16", "queue_max_bytes": "5000",
              "read_wait": "Y", "read_eof": "N", "read_ack": "Y",
              "containers": "Y", "max_deliveries": "9", "dead_queue": "y"}
    check(settings("x") == wanted, settings("x"))
    check(settings("y") == settings(FIRST), settings("y"))
    for name in COUNTERS:
        check(show("x", name) == "0", f"{name}: {show('x', name)}")


def test_read_only():
    """Root's writes are refused, and change nothing."""
    load_three()
    for queue in ALL:
        before = settings(queue)
        for name in FIXED + COUNTERS:
            check(store(queue, name, "1") == errno.EACCES, f"{queue}/{name}")
        check(settings(queue) == before, settings(queue))


def longest(queue):
    """Whether it takes a message of 78 bytes."""
    try:
        send(queue, b"x" * 78)
    except OSError as error:
        check(error.errno == errno.EMSGSIZE, error)
        return False
    check(take(queue) == b"x" * 78, f"{queue}: not what was written")
    return True


def room(queue):
    """How many messages of 1000 bytes go in, up to 10."""
    with opened(queue, os.O_RDWR) as fd:
        for count in range(10):
            try:
                os.write(fd, b"x" * 1000)
            except BlockingIOError:
                break
        else:
            count = 10
        for _ in range(count):
            os.read(fd, 1000)
    return count


def end_of_file(queue):
    """Whether a plain reader's file ends after a message."""
    send(queue, b"one")
    send(queue, b"two")
    fd = os.open(path(queue), os.O_RDONLY)
    check(os.read(fd, 100) == b"one", f"{queue}: not the first")
    ended = os.read(fd, 100) == b""
    os.fsync(fd)
    os.close(fd)
    check((take(queue) is None) != ended, f"{queue}: what is left")
    return ended


def acknowledged(queue):
    """Whether a message that was read comes back."""
    send(queue, b"one")
    with opened(queue, os.O_RDONLY) as fd:
        check(os.read(fd, 100) == b"one", f"{queue}: not what was written")
    return take(queue) is not None


def test_in_effect():
    """Each setting of one queue has its effect there and nowhere else."""
    for changed in ALL:
        load_three()
        for name, value, effect, here, elsewhere in (
                ("msg_max_size", "77", longest, False, True),
                ("queue_max_bytes", "5000", room, 4, 10),
                ("read_eof", "N", end_of_file, False, True),
                ("read_ack", "Y", acknowledged, True, False)):
            was = show(changed, name)
            check(not store(changed, name, value), f"{changed}/{name}")
            for queue in ALL:
                got = effect(queue)
                want = here if queue == changed else elsewhere
                check(got == want, f"{changed}/{name}={value}, {queue}: {got}")
            check(not store(changed, name, was), f"{changed}/{name}")


def test_wait():
    """read_wait makes the readers of this queue wait, and no others."""
    load_three()
    for changed in ALL:
        check(not store(changed, "read_wait", "Y"), changed)
        pid = os.fork()
        if not pid:
            os._exit(os.read(os.open(path(changed), os.O_RDONLY), 9) != b"x")
        while show(changed, "waiting_readers") != "1":
            pass
        for queue in ALL:
            if queue != changed:
                fd = os.open(path(queue), os.O_RDONLY)
                check(os.read(fd, 9) == b"", f"{queue}: not empty")
                os.close(fd)
                check(show(queue, "waiting_readers") == "0", queue)
        send(changed, b"x")
        check(os.waitpid(pid, 0)[1] == 0, f"{changed}: not what was written")
        check(not store(changed, "read_wait", "N"), changed)


def test_counters():
    """Each queue counts its own messages."""
    load_three()
    for number, queue in enumerate(ALL, 1):
        for _ in range(number):
            send(queue, b"x" * number)
    for number, queue in enumerate(ALL, 1):
        found = {name: int(show(queue, name)) for name in COUNTERS}
        check((found["queued"], found["enqueued"], found["dequeued"]) ==
              (number, number, 0), f"{queue}: {found}")
        check(found["queued_bytes"] == found["high_water_bytes"] > 0, found)
        check(found["held"] == found["dropped"] == found["returned"] ==
              found["dead"] == 0, found)
    for number, queue in enumerate(ALL, 1):
        check(take(queue) == b"x" * number, f"{queue}: not what was written")
        found = {name: int(show(queue, name)) for name in COUNTERS}
        check((found["queued"], found["enqueued"], found["dequeued"]) ==
              (number - 1, number, 1), f"{queue}: {found}")


TESTS = [
    ("a file for each setting and counter", test_files),
    ("the values of the entry are shown", test_shown),
    ("what cannot be written", test_read_only),
    ("a setting has its effect on its queue only", test_in_effect),
    ("read_wait has its effect on its queue only", test_wait),
    ("each queue counts its own messages", test_counters),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
