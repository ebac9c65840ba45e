#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's hardening is in effect for messages: their memory is zeroed when
it is allocated (init_on_alloc), and copies to and from user memory are checked
(hardened usercopy)."""
import glob
import os
import platform
import sys

from module import QUEUE, loaded
from tap import Skip, check, run

SLABS = "/sys/kernel/slab/kmsgq_*"
TRACING = "/sys/kernel/tracing"
CALLS = 50


def first_line(path):
    """A file's first line."""
    with open(path, encoding="utf-8") as file:
        return file.readline().strip()


def test_no_constructor():
    """Objects of a cache that has a constructor are exempt from
    init_on_alloc."""
    loaded()
    if not os.path.exists("/sys/kernel/slab"):
        raise Skip("this kernel does not show its slab caches")
    slabs = glob.glob(SLABS)
    check(slabs, f"there is no {SLABS}")
    for slab in slabs:
        ctor = first_line(f"{slab}/ctor")
        check(not ctor, f"{slab} has the constructor {ctor}")


def test_header_is_no_users():
    """Only the content of a message may be copied to a user, not what is
    before it."""
    loaded()
    slabs = [slab for slab in glob.glob(SLABS)
             if os.path.exists(f"{slab}/usersize")]
    if not slabs:
        raise Skip("this kernel does not show what users may copy")
    for slab in slabs:
        size = int(first_line(f"{slab}/object_size"))
        users = int(first_line(f"{slab}/usersize"))
        check(0 < users < size,
              f"{slab}: {users} of {size} bytes may be copied")


def put(path, text):
    """Writes to a file of the tracing system."""
    # To truncate the list of probes would be to remove them.
    fd = os.open(f"{TRACING}/{path}", os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def transfer(fd, size):
    """Writes and reads so many bytes, by both ways that there are."""
    data = b"u" * size
    check(os.write(fd, data) == size, "write")
    check(os.read(fd, size) == data, "read")
    check(os.writev(fd, [data]) == size, "writev")
    check(os.readv(fd, [bytearray(size)]) == size, "readv")


def checked_copies(size):
    """How many copies of that size from and to the user were checked."""
    put("events/kprobes/kmsgq_copy/enable", "0")
    with open(f"{TRACING}/trace", "w", encoding="ascii"):
        pass
    put("events/kprobes/kmsgq_copy/filter",
        f"n == {size} && common_pid == {os.getpid()}")
    put("events/kprobes/kmsgq_copy/enable", "1")
    with open(QUEUE, "r+b", buffering=0,
              opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)
              ) as file:
        for _ in range(CALLS):
            transfer(file.fileno(), size)
    put("events/kprobes/kmsgq_copy/enable", "0")
    with open(f"{TRACING}/trace", encoding="utf-8") as file:
        lines = [line for line in file if "kmsgq_copy:" in line]
    return (sum("to_user=0" in line for line in lines),
            sum("to_user=1" in line for line in lines))


def test_copies_are_checked():
    """Each copy of a message goes through the kernel's check of the object
    that it is from, or to."""
    loaded("msg_max_size=4096")
    if platform.machine() != "x86_64":
        raise Skip("where the probe finds its arguments is known for x86_64")
    try:
        put("kprobe_events", "p:kmsgq_copy __check_object_size "
            "n=%si:u64 to_user=%dx:u8\n")
    except OSError as error:
        raise Skip(f"no probe of usercopy's check: {error.strerror}") from error
    try:
        for size in 777, 2000, 4000:
            written, read = checked_copies(size)
            check(written >= 2 * CALLS and read >= 2 * CALLS,
                  f"of {2 * CALLS} messages of {size} bytes each way, "
                  f"{written} were checked when written, {read} when read")
    finally:
        put("events/kprobes/kmsgq_copy/enable", "0")
        put("kprobe_events", "-:kmsgq_copy\n")


sys.exit(run([
    ("memory of messages has no constructor", test_no_constructor),
    ("a message's header cannot be copied to a user", test_header_is_no_users),
    ("each copy of a message is checked", test_copies_are_checked),
]))
