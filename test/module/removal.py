#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A queue is removed and created again under its name, on and on: the old one's
last reference in sysfs may go long after the new one is there. On the debug
kernel (CONFIG_DEBUG_KOBJECT_RELEASE) it goes seconds later. As root, where
modprobe finds the module."""
import os
import sys
import time

from module import DIR, SYS, loaded, unload
from queues import check_gone, make, names, remove, send, show, take
from tap import check, run

NAME = "again"
TIMES = 50


def cycle(number):
    """One life of the queue, with settings of its own."""
    make(f"{NAME},msg_max_size={number + 1}")
    check(show(NAME, "msg_max_size") == str(number + 1),
          f"time {number}: the settings are those of another one")
    check(show(NAME, "enqueued") == "0", f"time {number}: old counters")
    send(NAME, b"x")
    check(take(NAME) == b"x", f"time {number}: not what was written")
    remove(NAME)
    check_gone(NAME)


def test_again_while_open():
    """Files of its directory stay open in each of its lives, of which every other
    one has settings and messages."""
    loaded()
    held = []
    for number in range(TIMES):
        make(NAME)
        held += [os.open(f"{SYS}/queues/{NAME}/queued", os.O_RDONLY),
                 os.open(f"{SYS}/queues/{NAME}", os.O_RDONLY)]
        check(os.read(held[-2], 10) == b"0\n", f"time {number}: not empty")
        remove(NAME)
        cycle(number)
    for fd in held:
        os.close(fd)
    unload()


def test_does_not_wait():
    """A removal takes no longer than what a creation takes, times 10: it does not
    wait for the last reference."""
    loaded()
    took = {make: 0, remove: 0}
    for _ in range(10):
        for step in make, remove:
            begin = time.monotonic()
            step(NAME)
            took[step] += time.monotonic() - begin
    check(took[remove] < 10 * took[make],
          f"10 creations take {took[make]:.2f} s, the removals "
          f"{took[remove]:.2f} s")
    unload()
    return f"creations {took[make]:.2f} s, removals {took[remove]:.2f} s"


def test_unload_waits():
    """rmmod at once after many removals, and with queues that are left."""
    loaded()
    for number in range(10):
        make(f"q{number}")
        make(f"r{number}")
        send(f"r{number}", b"x")
        remove(f"q{number}")
    unload()
    check(not os.path.exists(SYS) and not os.path.exists(DIR), "it is there")
    loaded()
    check(names() == ["msg_queue"] and not os.listdir(DIR), names())


def test_load_fails_late():
    """A load that fails after queues were made leaves nothing behind."""
    unload()
    for _ in range(5):
        check(os.system("modprobe kmsg_queue queue=a queue=b procfs_name=self "
                        "2>/dev/null"), "it loads")
        check(not os.path.exists(SYS), f"there is {SYS}")
    loaded()


def main():
    """All subtests."""
    return run([
        (f"removed and created {TIMES} times, files of its directory stay open",
         test_again_while_open),
        ("a removal does not wait for the last reference", test_does_not_wait),
        ("unloading after many removals", test_unload_waits),
        ("loads that fail when queues are made", test_load_fails_late),
    ])


sys.exit(main())
