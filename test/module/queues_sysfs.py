#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The directory of each queue in sysfs: which files it has, and which of them can
be written. settings.py has the values; that settings and counters are those of
one queue alone is predicted by the fuzzer, on four queues with different ones. As
root where modprobe finds the module."""
import errno
import os
import sys

from module import SYS, loaded
from queues import (COUNTERS, FIRST, FIXED, WRITABLE, names, settings, show,
                    store)
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
    """Root's writes are refused, and change nothing, also after a chmod."""
    load_three()
    for queue in ALL:
        before = settings(queue)
        for name in FIXED + COUNTERS:
            check(store(queue, name, "0") == errno.EACCES, f"{queue}/{name}")
            os.chmod(f"{SYS}/queues/{queue}/{name}", 0o644)
            for value in "0", "5", "x":
                error = store(queue, name, value)
                check(error == errno.EIO,
                      f"{queue}/{name}, chmod 644, {value}: error {error}")
        check(settings(queue) == before, settings(queue))


TESTS = [
    ("a file for each setting and counter", test_files),
    ("the values of the entry are shown", test_shown),
    ("read-only files stay so, even after a chmod", test_read_only),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
