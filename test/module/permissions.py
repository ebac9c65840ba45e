#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Mode, owner and group of the file decide who may use the queue. As root,
where modprobe finds the module."""
import errno
import functools
import os
import subprocess
import sys

from module import QUEUE, SYS, loaded, open_as
from tap import check, run

# user id, group id, other groups
OWNER = 1001, 1001, []
MEMBER = 1002, 1002, [400, 500]
OTHER = 1003, 1003, [400]


def test_mode(mode, owner, group, others):
    """Who may read ("r") and write ("w") with this mode."""
    loaded(f"procfs_file_mode={mode}", "procfs_uid=1001", "procfs_gid=500")
    users = {"the owner": (owner, OWNER), "another": (others, OTHER),
             "a user of the group": (group, (1002, 500, [])),
             "a user with it as one more group": (group, MEMBER),
             "root": ("rw", (0, 0, []))}
    for name, (may, who) in users.items():
        for flags, needs in ((os.O_RDONLY, "r"), (os.O_WRONLY, "w"),
                             (os.O_RDWR, "rw")):
            wanted = 0 if set(needs) <= set(may) else errno.EACCES
            got = open_as(who, QUEUE, flags)
            check(got == wanted, f"{name} opens for {needs}: "
                  f"{os.strerror(got)}, not {os.strerror(wanted)}")


def test_mode_is_kept():
    """Who is not the file's owner can't change that."""
    loaded("procfs_file_mode=0600", "procfs_uid=1001")
    done = subprocess.run(["setpriv", "--reuid=1002", "--regid=1002",
                           "--clear-groups", "chmod", "0666", QUEUE],
                          check=False, capture_output=True, text=True)
    check(done.returncode, "chmod by another user is let through")
    check(open_as(OTHER, QUEUE, os.O_RDONLY) == errno.EACCES, "the file is open")


def test_parameters():
    """Users may look at parameters and counters, and change nothing."""
    loaded()
    for directory in "parameters", "queues/msg_queue":
        for name in os.listdir(f"{SYS}/{directory}"):
            path = f"{SYS}/{directory}/{name}"
            # What is written to it is done, and not kept.
            check(open_as(OTHER, path, os.O_RDONLY) ==
                  (errno.EACCES if name == "queue" else 0), f"{path}: read")
            check(open_as(OTHER, path, os.O_WRONLY) == errno.EACCES,
                  f"{path}: not refused")


TESTS = [(f"mode {mode}: who may open the file",
          functools.partial(test_mode, mode, *rights))
         for mode, *rights in (
             ("0666", "rw", "rw", "rw"), ("0660", "rw", "rw", ""),
             ("0600", "rw", "", ""), ("0640", "rw", "r", ""),
             ("0622", "rw", "w", "w"), ("0006", "", "", "rw"),
             ("0060", "", "rw", ""), ("0064", "", "rw", "r"))]
TESTS += [
    ("only its owner changes the mode", test_mode_is_kept),
    ("users change no parameter", test_parameters),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
