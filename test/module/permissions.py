#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Mode, owner and group of the file decide who may use the queue. As root,
where modprobe finds the module."""
import errno
import os
import subprocess
import sys

from module import QUEUE, SYS, loaded
from tap import check, run

READ, WRITE = os.O_RDONLY | os.O_NONBLOCK, os.O_WRONLY | os.O_NONBLOCK

# user id, group id, other groups
OWNER = 1001, 1001, []
MEMBER = 1002, 1002, [500]
OTHER = 1003, 1003, []


def refusal(who, path, flags):
    """The errno of an open by that user, 0 if there is none."""
    pid = os.fork()
    if not pid:
        user, group, groups = who
        os.setgroups(groups)
        os.setgid(group)
        os.setuid(user)
        try:
            os.open(path, flags)
        except OSError as error:
            os._exit(error.errno)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_mode(parameters, readers, writers):
    """Those may read and write, and no others."""
    loaded(*parameters)
    for who in OWNER, MEMBER, OTHER:
        for flags, allowed in (READ, readers), (WRITE, writers):
            wanted = 0 if who in allowed else errno.EACCES
            got = refusal(who, QUEUE, flags)
            check(got == wanted, f"uid {who[0]}, flags {flags:o}: "
                  f"{os.strerror(got)}, not {os.strerror(wanted)}")


def test_mode_is_kept():
    """Who is not the file's owner can't change that."""
    loaded("procfs_file_mode=0600", "procfs_uid=1001")
    done = subprocess.run(["setpriv", "--reuid=1002", "--regid=1002",
                           "--clear-groups", "chmod", "0666", QUEUE],
                          check=False, capture_output=True, text=True)
    check(done.returncode, "chmod by another user is let through")
    check(refusal(OTHER, QUEUE, READ) == errno.EACCES, "the file is open")


def test_parameters():
    """Users may look at parameters and counters, and change nothing."""
    loaded()
    for directory in "parameters", "queues/msg_queue":
        for name in os.listdir(f"{SYS}/{directory}"):
            path = f"{SYS}/{directory}/{name}"
            # What is written to it is done, and not kept.
            check(refusal(OTHER, path, os.O_RDONLY) ==
                  (errno.EACCES if name == "queue" else 0), f"{path}: read")
            check(refusal(OTHER, path, os.O_WRONLY) == errno.EACCES,
                  f"{path}: not refused")


def main():
    """All subtests."""
    everybody = OWNER, MEMBER, OTHER
    owned = "procfs_uid=1001", "procfs_gid=500"
    return run([
        (f"mode {mode}: {what}", lambda mode=mode, readers=readers,
         writers=writers: test_mode([f"procfs_file_mode={mode}", *owned],
                                    readers, writers))
        for mode, what, readers, writers in (
            ("0666", "everybody", everybody, everybody),
            ("0600", "its owner alone", [OWNER], [OWNER]),
            ("0660", "its owner and group", [OWNER, MEMBER], [OWNER, MEMBER]),
            ("0622", "all write, its owner reads", [OWNER], everybody),
            ("0064", "its group, and others who read", [MEMBER, OTHER],
             [MEMBER]))
    ] + [
        ("only its owner changes the mode", test_mode_is_kept),
        ("users change no parameter", test_parameters),
    ])


sys.exit(main())
