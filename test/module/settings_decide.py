#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The settings decide who may open a queue's file: chmod(2) and chown(2), which
procfs allows even to a container's root, can only restrict access. As root,
where modprobe finds the module."""
import contextlib
import ctypes
import errno
import itertools
import os
import subprocess
import sys

from module import QUEUE, loaded
from queues import make, path
from tap import Skip, check, run

READ, WRITE, BOTH = (flags | os.O_NONBLOCK for flags in
                     (os.O_RDONLY, os.O_WRONLY, os.O_RDWR))
WAYS = {READ: 4, WRITE: 2, BOTH: 6}

# The file's owner and group, and users: uid, gid, other groups.
UID, GID = 1001, 500
USERS = {
    "the owner": (UID, 1001, []),
    "the owner, of the group": (UID, 1001, [GID]),
    "a member by its own group": (1002, GID, []),
    "a member by another group": (1002, 1002, [7, GID]),
    "another user": (1003, 1003, [7]),
}

LIBC = ctypes.CDLL(None, use_errno=True)
CONTAINER = ["unshare", "--mount", "--pid", "--fork", "--mount-proc"]

CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


def capabilities(*those):
    """Gives this process these and no others, also in effect."""
    class Header(ctypes.Structure):
        """struct __user_cap_header_struct"""
        _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]

    class Data(ctypes.Structure):
        """struct __user_cap_data_struct"""
        _fields_ = [("effective", ctypes.c_uint32),
                    ("permitted", ctypes.c_uint32),
                    ("inheritable", ctypes.c_uint32)]

    header = Header(0x20080522, 0)
    bits = sum(1 << cap for cap in those)
    data = (Data * 2)(Data(bits, bits, 0), Data(0, 0, 0))
    if LIBC.capset(ctypes.byref(header), ctypes.byref(data)):
        raise OSError(ctypes.get_errno(), "capset")


def become(user, caps=()):
    """Makes this process that of a user, with these capabilities alone."""
    uid, gid, groups = user
    pr_set_keepcaps = 8
    LIBC.prctl(pr_set_keepcaps, 1, 0, 0, 0)
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    capabilities(*caps)


def refusal(prepare, name, flags):
    """The errno of an open by a process that prepares itself so, or 0."""
    pid = os.fork()
    if not pid:
        result = 255
        try:
            prepare()
            os.close(os.open(name, flags))
            result = 0
        except OSError as error:
            result = error.errno
        finally:
            os._exit(result)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def expect(wanted, prepare, flags, what, name=QUEUE):
    """Opening gives this errno."""
    got = refusal(prepare, name, flags)
    check(got == wanted, f"{what}, flags {flags:o}: {os.strerror(got)}, not "
          f"{os.strerror(wanted)}")


def allowed(mode, user, want):
    """As in acl_permission_check(): the first class that fits decides."""
    uid, gid, groups = user
    if uid == UID:
        mode >>= 6
    elif GID in (gid, *groups):
        mode >>= 3
    return mode & want == want


def owned(mode):
    """Loads the module with a file of this owner and mode."""
    loaded(f"procfs_file_mode={mode:04o}", f"procfs_uid={UID}",
           f"procfs_gid={GID}")


def classes(mode, widen):
    """Each user, in each way, as the settings say, whatever the inode says."""
    owned(mode)
    if widen:
        os.chmod(QUEUE, 0o666)
    for (who, user), (flags, want) in itertools.product(USERS.items(),
                                                         WAYS.items()):
        expect(0 if allowed(mode, user, want) else errno.EACCES,
               lambda u=user: become(u), flags, f"mode {mode:04o}, {who}")


def test_classes():
    """Modes in which another class would say something else."""
    for mode in (0o666, 0o660, 0o600, 0o640, 0o622, 0o064, 0o066, 0o606, 0o060,
                 0o006, 0o642, 0o426, 0o264, 0o222):
        classes(mode, False)


def test_widened():
    """The same with chmod 0666 by the host's root."""
    for mode in 0o600, 0o066, 0o606, 0o060, 0o006, 0o642, 0o426, 0o264:
        classes(mode, True)


def test_chown():
    """chown gives nobody a right: neither the new owner nor a new group."""
    owned(0o660)
    uid, gid, _ = USERS["another user"]
    os.chown(QUEUE, uid, gid)
    os.chmod(QUEUE, 0o666)
    for flags in WAYS:
        expect(errno.EACCES, lambda: become(USERS["another user"]), flags,
               "the new owner")
        expect(0, lambda: become(USERS["the owner"]), flags, "the owner")
        expect(0, lambda: become(USERS["a member by another group"]), flags,
               "a member")


@contextlib.contextmanager
def second_proc():
    """A second instance of procfs in the same pid namespace; QUEUE in it."""
    where = "/tmp/second-proc"
    os.makedirs(where, exist_ok=True)
    subprocess.run(["mount", "-t", "proc", "proc", where], check=True)
    try:
        yield where + QUEUE[len("/proc"):]
    finally:
        subprocess.run(["umount", where], check=True)


def forget_inodes():
    """Makes procfs read the mode again where nobody has the file open."""
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3")


def test_container_root():
    """A container's root, with the host's user namespace, may chmod and chown
    the file, and lets nobody in: by no instance of procfs, old or new."""
    loaded("procfs_file_mode=0600")
    user = USERS["another user"]
    os.stat(QUEUE)
    subprocess.run([*CONTAINER, "sh", "-c", f"chmod 0666 {QUEUE} && "
                    f"chown {user[0]}:{user[1]} {QUEUE}"], check=True)
    for round_ in "the inode that is cached", "a new inode":
        for flags in WAYS:
            expect(errno.EACCES, lambda: become(user), flags, round_)
            expect(0, lambda: None, flags, f"{round_}: root")
        forget_inodes()
    with second_proc() as name:
        os.stat(name)
        for flags in WAYS:
            expect(errno.EACCES, lambda: become(user), flags,
                   "a second instance", name)


def test_container_root_of_additional():
    """The same for an additional queue."""
    loaded()
    make("mine,mode=0600")
    name = path("mine")
    subprocess.run([*CONTAINER, "chmod", "0666", name], check=True)
    forget_inodes()
    for flags in WAYS:
        expect(errno.EACCES, lambda: become(USERS["another user"]), flags,
               "another user", name)
        expect(0, lambda: None, flags, "root", name)


def test_restrict():
    """chmod by the host's root restricts the file."""
    loaded()
    user = USERS["another user"]
    os.chmod(QUEUE, 0o600)
    for flags in WAYS:
        expect(errno.EACCES, lambda: become(user), flags, "another user")
    os.chmod(QUEUE, 0o644)
    for flags in WAYS:
        expect(0 if flags == READ else errno.EACCES, lambda: become(user),
               flags, "another user, 0644")
    os.chmod(QUEUE, 0o666)
    for flags in WAYS:
        expect(0, lambda: become(user), flags, "another user, 0666 again")


def test_only_the_owner_changes_the_mode():
    """Another user's chmod is refused, and opens nothing."""
    owned(0o600)
    user = USERS["another user"]
    done = subprocess.run(["setpriv", f"--reuid={user[0]}", f"--regid={user[1]}",
                           "--clear-groups", "chmod", "0666", QUEUE],
                          check=False, capture_output=True, text=True)
    check(done.returncode, "chmod by another user is let through")
    expect(errno.EACCES, lambda: become(user), READ, "another user")


def test_capabilities():
    """CAP_DAC_OVERRIDE opens in each way, CAP_DAC_READ_SEARCH for reading
    alone; root without them is a user like others."""
    owned(0o600)
    os.chmod(QUEUE, 0o666)
    every = [cap for cap in range(32)
             if cap not in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH)]
    for who, user in ("another user", USERS["another user"]), \
            ("root", (0, 0, [])):
        for flags in WAYS:
            expect(0, lambda u=user: become(u, [CAP_DAC_OVERRIDE]), flags,
                   f"{who} with CAP_DAC_OVERRIDE")
            expect(0 if flags == READ else errno.EACCES,
                   lambda u=user: become(u, [CAP_DAC_READ_SEARCH]), flags,
                   f"{who} with CAP_DAC_READ_SEARCH")
            expect(errno.EACCES, lambda u=user: become(u, every), flags,
                   f"{who} with all others")


def test_user_namespace():
    """Capabilities in a user namespace count for nothing."""
    owned(0o600)
    os.chmod(QUEUE, 0o666)
    done = subprocess.run(
        ["setpriv", "--reuid=1003", "--regid=1003", "--clear-groups",
         "unshare", "--user", "--map-root-user", "sh", "-c",
         f"cat {QUEUE}; : > {QUEUE}"], check=False, capture_output=True,
        text=True)
    if "unshare failed" in done.stderr:
        raise Skip("this kernel has no user namespaces")
    check(done.returncode and done.stderr.count("ermission denied") == 2, done)


def test_fsuid():
    """The uid for file systems counts, as for any file (a file server's)."""
    owned(0o600)
    os.chmod(QUEUE, 0o666)
    for flags in WAYS:
        expect(0, lambda: LIBC.setfsuid(UID), flags, "fsuid of the owner")
        expect(errno.EACCES, lambda: LIBC.setfsuid(1003), flags,
               "fsuid of another")


def test_root_by_default():
    """Root opens what its class may not, as with any file."""
    loaded("procfs_file_mode=0006")
    for flags in WAYS:
        expect(0, lambda: None, flags, "root")


def main():
    """All subtests."""
    return run([
        ("the first class that fits decides", test_classes),
        ("after chmod 0666 the first class that fits still decides", test_widened),
        ("chown gives nobody a right", test_chown),
        ("a container's root lets nobody in by chmod and chown",
         test_container_root),
        ("a container's root lets nobody in to an additional queue",
         test_container_root_of_additional),
        ("chmod by root restricts", test_restrict),
        ("only its owner changes the mode", test_only_the_owner_changes_the_mode),
        ("CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, and root without them",
         test_capabilities),
        ("capabilities in a user namespace count for nothing",
         test_user_namespace),
        ("the fsuid counts", test_fsuid),
        ("root opens what the mode refuses to its class", test_root_by_default),
    ])


sys.exit(main())
