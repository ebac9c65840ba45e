#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What users cannot change: the mode of the file, and the module's parameters
and counters. settings_decide.py has who may open the file. As root, where
modprobe finds the module."""
import errno
import os
import subprocess
import sys

from module import QUEUE, SYS, loaded, open_as
from tap import check, run

# user id, group id, other groups
OTHER = 1003, 1003, []


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


TESTS = [
    ("only its owner changes the mode", test_mode_is_kept),
    ("users change no parameter", test_parameters),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
