#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A million messages are left when the module is unloaded: each is freed and
counted, and the kernel does not report a CPU that did nothing else for too long.
Needs some 700 MB on a kernel that checks all memory."""
import os
import subprocess
import sys
import time

import tap
from module import QUEUE, SYS, put, stat

COUNT = 1000000


def slab_caches():
    """The module's caches that exist."""
    with open("/proc/slabinfo", encoding="ascii") as file:
        return [line.split()[0] for line in file if line.startswith("kmsgq_")]


def unload_with_a_million():
    """Fills the queue, unloads, and reads the log."""
    tap.check(not put("queue_max_bytes", str(256 << 20)), "no such room")
    queue = os.open(QUEUE, os.O_WRONLY)
    for _ in range(COUNT):
        tap.check(os.write(queue, b"12345678") == 8, "a short write")
    os.close(queue)
    tap.check(stat("queued") == COUNT, "not all are queued")
    tap.check("kmsgq_32" in slab_caches(), "they are in no cache of ours")

    mark = f"million left {os.getpid()} {time.time()}"
    with open("/dev/kmsg", "w", encoding="ascii") as file:
        file.write(mark)
    begin = time.monotonic()
    subprocess.run(["rmmod", "kmsg_queue"], check=True)
    seconds = time.monotonic() - begin
    log = subprocess.run(["dmesg"], check=True, capture_output=True,
                         text=True).stdout.split(mark)[1]
    tap.check(log.count("kmsg_queue: removed message of size 8\n") == 1000,
              "not 1000 of them are logged")
    rest = f"removed {COUNT - 1000} more messages of {8 * (COUNT - 1000)} bytes"
    tap.check(rest in log, f"'{rest}' is not logged")
    tap.check("kmsg_queue: cleanup() finished\n" in log, "it did not finish")
    tap.check(not slab_caches(), f"left: {slab_caches()}")
    subprocess.run(["modprobe", "kmsg_queue"], check=True)
    return f"unloaded in {seconds:.1f} s"


if not os.path.isdir(SYS):
    print("1..0 # SKIP kmsg_queue is not loaded")
    sys.exit(77)
sys.exit(tap.run([("a million messages left", unload_with_a_million)]))
