#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The module's parameters: what modinfo says, what can be written to, and
names in /proc that are in use. settings.py has their values. As root where
modprobe finds the module."""
import errno
import os
import re
import stat
import subprocess
import sys

from module import SYS, get, load, loaded, put, unload
from queues import WRITABLE
from tap import check, run


def test_descriptions():
    """modinfo says what users have to know."""
    wanted = {
        "msg_max_size": ("bytes", r"1\.\.1048576", "default 8192"),
        "procfs_name": (r"1\.\.255 bytes", "default msg_queue"),
        "procfs_file_mode": ("octal", "0666", "default 0666"),
        "procfs_uid": ("user ID", r"0\.\.4294967294", "default 0"),
        "procfs_gid": ("group ID", r"0\.\.4294967294", "default 0"),
        "queue_max_bytes": ("bytes", "msg_max_size", "default 33554432"),
        "read_wait": ("Y or N", "default N"),
        "read_eof": ("Y or N", "default Y"),
        "read_ack": ("Y or N", "default N"),
        "containers": ("Y or N", "default N"),
        "queue": ("NAME", "KEY=VALUE", "-NAME"),
    }
    text = subprocess.run(["modinfo", "-F", "parm", "kmsg_queue"], check=True,
                          capture_output=True, text=True).stdout
    lines = dict(line.split(":", 1) for line in text.splitlines())
    check(sorted(lines) == sorted(wanted), text)
    for name, patterns in wanted.items():
        for pattern in patterns:
            check(re.search(pattern, lines[name]),
                  f"{name}: no {pattern!r} in {lines[name]!r}")


def test_permissions_of_parameters():
    """What can't be changed live can't be written to, even by root."""
    loaded()
    for name in os.listdir(f"{SYS}/parameters"):
        mode = stat.S_IMODE(os.stat(f"{SYS}/parameters/{name}").st_mode)
        wanted = 0o644 if name in WRITABLE else \
            0o200 if name == "queue" else 0o444
        check(mode == wanted, f"{name} {mode:o}")
        if wanted == 0o444:
            check(put(name, get(name)) == errno.EACCES, f"{name}: no EACCES")


def test_name_in_use():
    """A name that is taken stays whose it is."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        before = file.readline()
    unload()
    check(load("procfs_name=cpuinfo") and load("procfs_name=self"), "it loads")
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        check(file.readline() == before, "/proc/cpuinfo is another one")
    check(os.readlink("/proc/self").isdigit(), os.readlink("/proc/self"))


TESTS = [
    ("modinfo has unit, range and default", test_descriptions),
    ("what can be written to in /sys/module", test_permissions_of_parameters),
    ("names in use stay as they are", test_name_in_use),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
