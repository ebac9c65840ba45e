#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Processes outside the initial pid namespace open a queue only where its
"containers" says so, whoever they are and whichever /proc they see; what they
are given open they may use. As root, where modprobe finds the module."""
import errno
import os
import socket
import subprocess
import sys

from module import QUEUE, SYS, loaded, put
from tap import check, run

SETTING = f"{SYS}/queues/msg_queue/containers"

# Root of the host, a user, and who they are in a container that they make.
ROOT = []
USER = ["setpriv", "--reuid=1003", "--regid=1003", "--clear-groups"]
# A container with a pid namespace; with the host's /proc, or its own.
HOST_PROC = ["unshare", "--pid", "--fork"]
OWN_PROC = ["unshare", "--mount", "--pid", "--fork", "--mount-proc"]
AS_ROOT = ["--user", "--map-root-user"]

CONTAINERS = {
    "root's, with the host's /proc": ROOT + HOST_PROC,
    "root's, with its own /proc": ROOT + OWN_PROC,
    "root's, with a user namespace": ROOT + OWN_PROC + AS_ROOT,
    "a user's, with the host's /proc": USER + HOST_PROC + AS_ROOT,
    "a user's, with its own /proc": USER + OWN_PROC + AS_ROOT,
}

# Prints the errno of an open, 0 if there is none.
TRY = f"""
import os, sys
try:
    os.close(os.open("{QUEUE}", int(sys.argv[1]) | os.O_NONBLOCK))
except OSError as error:
    print(error.errno)
else:
    print(0)
"""


def open_in(command, flags):
    """What an open says where the command runs: an errno, 0 if there is none.
    """
    done = subprocess.run([*command, sys.executable, "-c", TRY, str(flags)],
                          check=False, capture_output=True, text=True)
    check(not done.returncode, f"{command}: {done.stderr}")
    return int(done.stdout)


def each_open(wanted, command, what):
    """Opening in each way gives this errno."""
    for flags in os.O_RDONLY, os.O_WRONLY, os.O_RDWR:
        got = open_in(command, flags)
        check(got == wanted, f"{what}, flags {flags}: "
              f"{os.strerror(got)}, not {os.strerror(wanted)}")


def set_live(value):
    """Sets "containers" of the loaded module."""
    with open(SETTING, "w", encoding="ascii") as file:
        file.write(value)


def test_default():
    """They get EACCES, and the host's processes do not."""
    loaded()
    for what, command in CONTAINERS.items():
        each_open(errno.EACCES, command, what)
    each_open(0, ROOT, "the host's root")
    each_open(0, USER, "a user")


def test_other_namespaces():
    """Namespaces without one of pids make no container."""
    loaded()
    kinds = [["--mount"], ["--uts"], AS_ROOT, ["--mount"] + AS_ROOT]
    # The debug kernel has no network namespaces.
    if os.path.exists("/proc/self/ns/net"):
        kinds.append(["--net"])
    for kind in kinds:
        each_open(0, ["unshare", *kind], f"unshare {' '.join(kind)}")


def test_allowed():
    """With containers=Y they use the queue as others do."""
    loaded("containers=Y")
    for what, command in CONTAINERS.items():
        each_open(0, command, what)
        with open(QUEUE, "wb", buffering=0) as file:
            file.write(b"from the host\n")
        done = subprocess.run(
            [*command, "sh", "-c", f"cat {QUEUE}; echo from inside > {QUEUE}"],
            check=False, capture_output=True, text=True)
        check(done.stdout == "from the host\n", f"{what}: {done}")
        with open(QUEUE, "rb", buffering=0) as file:
            got = file.read(100)
        check(got == b"from inside\n", f"{what}: {got}")


def test_mode_counts_too():
    """With containers=Y the file's mode decides as for the host's."""
    loaded("containers=Y", "procfs_file_mode=0600")
    for what, command in CONTAINERS.items():
        # Root of a user namespace is nobody to a file of the host's root,
        # unless it is the host's root that it is.
        allowed = what.startswith("root's")
        each_open(0 if allowed else errno.EACCES, command, what)


def test_live():
    """The setting counts for opens after the change."""
    loaded()
    command = CONTAINERS["root's, with its own /proc"]
    each_open(errno.EACCES, command, "N")
    set_live("Y")
    each_open(0, command, "Y")
    set_live("N")
    each_open(errno.EACCES, command, "N again")
    check(not put("containers", "1"), "the parameter is not live")
    each_open(0, command, "the parameter")


def test_passed_in():
    """A descriptor from outside works in a container."""
    loaded()
    ours, theirs = socket.socketpair()
    use = ("import os, socket; "
           f"link = socket.socket(fileno={theirs.fileno()}); "
           "fd = socket.recv_fds(link, 1, 1)[1][0]; "
           "os.write(fd, b'from inside'); "
           "print(os.read(fd, 100).decode())")
    fd = os.open(QUEUE, os.O_RDWR | os.O_NONBLOCK)
    os.write(fd, b"from the host")
    socket.send_fds(ours, [b"x"], [fd])
    done = subprocess.run([*OWN_PROC, sys.executable, "-c", use],
                          check=False, capture_output=True, text=True,
                          pass_fds=[theirs.fileno()])
    check(done.stdout == "from the host\n", f"{done}")
    check(os.read(fd, 100) == b"from inside", "its message is not there")
    os.close(fd)


def test_changes_nothing():
    """A container's root of its own changes no parameter, and no mode."""
    loaded("containers=Y")
    for command in (f"chmod 666 {QUEUE}",
                    f"echo 1 > {SYS}/parameters/msg_max_size",
                    f"echo 1 > {SYS}/queues/msg_queue/msg_max_size"):
        done = subprocess.run(
            [*CONTAINERS["a user's, with its own /proc"], "sh", "-c", command],
            check=False, capture_output=True, text=True)
        check(done.returncode and
              ("ermission denied" in done.stderr or
               "not permitted" in done.stderr), f"{command}: {done}")


def main():
    """All subtests."""
    return run([
        ("by default opening is refused in every container", test_default),
        ("namespaces without pids make no container", test_other_namespaces),
        ("containers=Y: every container uses the queue", test_allowed),
        ("containers=Y: the mode decides", test_mode_counts_too),
        ("containers can be changed at run time, for later opens", test_live),
        ("a descriptor passed in works", test_passed_in),
        ("a container's root changes no setting", test_changes_nothing),
    ])


sys.exit(main())
