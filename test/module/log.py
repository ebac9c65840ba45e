#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The kernel log: a line for each queue at load; at unload the messages that
are left, queue by queue in the order of their creation. As root where modprobe
finds the module."""
import errno
import os
import re
import subprocess
import sys

from module import KernelLog, loaded, unload
from queues import FIRST, make, opened, path, remove, send, take
from tap import check, run


BEGIN, END = "entering cleanup()", "cleanup() finished"


def removed(size, queue=FIRST):
    """The line for one message."""
    return f"removed message of size {size}" + (
        "" if queue == FIRST else f" from {queue}")


def unloaded():
    """Unloads; gives what stands between the first and the last line."""
    log = KernelLog()
    unload()
    lines = log.lines()
    check(lines[0] == BEGIN and lines[-1] == END, lines[:1] + lines[-1:])
    return lines[1:-1]


def test_load():
    """One line a queue, the default queue's first, with name, mode and
    limits."""
    unload()
    log = KernelLog()
    loaded("queue=jobs,mode=0660,msg_max_size=77,queue_max_bytes=88888",
           "queue=a,mode=0666", "msg_max_size=99", "procfs_name=lines",
           "procfs_file_mode=600")
    lines = log.lines()
    check(len(lines) == 3, lines)
    for line, parts in zip(lines, (
            ("/proc/lines,", "0600", "99", "33554432"),
            ("/proc/msg_queues/jobs,", "0660", "77", "88888"),
            ("/proc/msg_queues/a,", "0666", "99", "33554432"))):
        check(line.startswith("loaded: "), line)
        for part in parts:
            check(re.search(rf"(?<![\w/]){re.escape(part)}(?!\w)", line),
                  f"no {part} in {line!r}")


def test_unload():
    """The messages of each queue in their order, the queues in theirs,
    however they were created; and those of a removed queue nowhere."""
    loaded("queue=z", "queue=a")
    make("m")
    make("gone")
    send("gone", b"read")
    check(take("gone") == b"read", "not what was written")
    remove("gone")
    make("b")
    for size in 3, 1, 2:
        for queue in "b", FIRST, "m", "a", "z":
            send(queue, b"x" * size)
    wanted = [removed(size, queue) for queue in (FIRST, "z", "a", "m", "b")
              for size in (3, 1, 2)]
    lines = unloaded()
    check(lines == wanted, lines)


def test_unload_empty():
    """Nothing for queues that are empty."""
    loaded("queue=z", "queue=a")
    check(not unloaded(), "something is logged")
    loaded("queue=z", "queue=a")
    send("a", b"x" * 7)
    lines = unloaded()
    check(lines == [removed(7, "a")], lines)


def test_returned():
    """A message that came back is in its place, one that moved to the dead
    queue is there."""
    loaded("queue=x,read_ack=Y,max_deliveries=2,dead=d", "queue=d")
    for size in 1, 2, 3:
        send("x", b"x" * size)
    for size in 1, 1, 2:
        with opened("x", os.O_RDONLY) as fd:
            check(len(os.read(fd, 9)) == size, f"not the one of {size}")
    lines = unloaded()
    check(lines == [removed(2, "x"), removed(3, "x"), removed(1, "d")], lines)


def fill(queue, count, size):
    """So many messages."""
    with opened(queue, os.O_WRONLY) as fd:
        for _ in range(count):
            os.write(fd, b"x" * size)


def test_cap():
    """1000 lines for all queues together, and one for what is left."""
    for counts in (1000, 0, 0), (400, 300, 300), (0, 0, 1000):
        loaded("queue=x", "queue=y")
        for queue, count in zip((FIRST, "x", "y"), counts):
            fill(queue, count, 10)
        lines = unloaded()
        check(lines == [removed(10, queue)
                        for queue, count in zip((FIRST, "x", "y"), counts)
                        for _ in range(count)], f"{counts}: {len(lines)}")
    for counts in (900, 200, 50), (0, 1150, 0), (1000, 150, 0), (0, 0, 1150):
        loaded("queue=x", "queue=y")
        all_lines = []
        for size, (queue, count) in enumerate(zip((FIRST, "x", "y"), counts),
                                              10):
            fill(queue, count, size)
            all_lines += [(removed(size, queue), size)] * count
        lines = unloaded()
        check(lines[:1000] == [line for line, _ in all_lines[:1000]],
              f"{counts}: not these lines")
        rest = sum(size for _, size in all_lines[1000:])
        wanted = f"removed {len(all_lines) - 1000} more messages of {rest} bytes"
        check(len(lines) == 1001 and
              re.fullmatch(rf"{wanted} in (all|total)", lines[1000]),
              f"{counts}: {lines[1000:]}")


def everything():
    """All records of the kernel's log."""
    return subprocess.run(["dmesg"], check=True, capture_output=True,
                          text=True).stdout


def test_no_content():
    """What messages contain is never logged, whatever becomes of them."""
    loaded("queue=x,max_deliveries=1,dead=y,read_ack=Y", "queue=y",
           "msg_max_size=1024")
    for queue in FIRST, "x":
        for text in b"s3cr3t", b"s3cr3t\n", b"s3cr3t".ljust(1024, b"3"):
            send(queue, text)
        with opened(queue, os.O_RDWR) as fd:
            for failing in (lambda: os.write(fd, b"s3cr3t" * 1000),
                            lambda: os.read(fd, 3)):
                try:
                    check(not failing(), "it does not fail")
                except OSError as error:
                    check(error.errno == errno.EMSGSIZE, error)
        fd = os.open(path(queue), os.O_RDONLY)
        check(os.read(fd, 3) == b"s3c", "not the first message")
        os.close(fd)
    unload()
    check("s3cr3t" not in everything(), "it is in the log")


def test_no_line():
    """Reading and writing logs nothing: messages are not counted there."""
    loaded()
    log = KernelLog()
    for _ in range(100):
        with opened(FIRST, os.O_RDWR) as fd:
            for _ in range(100):
                check(os.write(fd, b"x") == 1, "nothing written")
                check(os.read(fd, 1) == b"x", "nothing read")
    lines = log.lines()
    check(not lines, lines)


TESTS = [
    ("a line for each queue at load", test_load),
    ("what is left at unload, in the order of the queues", test_unload),
    ("no line at unload for empty queues", test_unload_empty),
    ("what was returned, and what moved to a dead queue, at unload", test_returned),
    ("at most 1000 lines over all queues", test_cap),
    ("no message's contents in the kernel log", test_no_content),
    ("no line in the kernel log for 10,000 messages", test_no_line),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
