#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every parameter: default, limits, what is refused and how, live changes.

As root where modprobe finds the module; it is loaded and unloaded many times.
A kernel with panic_on_warn shows that no value trips a WARN in it.
"""
import errno
import functools
import os
import re
import stat
import struct
import subprocess
import sys

from module import QUEUE, SYS, KernelLog, get, load, loaded, put, unload
from tap import check, run

ULONG_MAX = 2 ** (8 * struct.calcsize("P")) - 1

DEFAULTS = {
    "msg_max_size": "8192",
    "procfs_name": "msg_queue",
    "procfs_file_mode": "0666",
    "procfs_uid": "0",
    "procfs_gid": "0",
    "queue_max_bytes": "33554432",
    "read_wait": "N",
    "read_eof": "Y",
    "read_ack": "N",
    "containers": "N",
}

BOOLS = ("read_wait", "read_eof", "read_ack", "containers")

LIVE = ("msg_max_size", "queue_max_bytes") + BOOLS

# As given, and as they read back where that differs.
GOOD = {
    "msg_max_size": ["1", "2", "1024", "1048576", ("0x400", "1024"),
                     ("010", "8")],
    "procfs_name": ["m", "12a", "...", ".hidden", "queue-1.0", "-", "ü",
                    ('"two words"', "two words"), "n" * 255],
    "procfs_file_mode": ["0666", "0660", ("660", "0660"), ("600", "0600"),
                         ("4", "0004"), ("00222", "0222"), "0400"],
    "procfs_uid": ["0", "1000", "65534", "4294967294"],
    "procfs_gid": ["0", "1000", "65534", "4294967294"],
    "queue_max_bytes": ["4096", "33554432", str(ULONG_MAX)],
}
GOOD |= {name: ["Y", "N", ("1", "Y"), ("0", "N"), ("y", "Y"), ("on", "Y"),
                ("off", "N")] for name in BOOLS}

NO_NUMBER = ["", "abc", "12abc", "1.5", "-1", "1e3", "0x", "--1", "1,2",
             "9" * 30, "1" * 1000]

BAD = {
    "msg_max_size": NO_NUMBER + ["0", "1048577", "4294967296", "4294967297",
                                 "18446744073709551617"],
    "procfs_name": ["", ".", "..", "/", "a/b", "/queue", "queue/", "0", "1",
                    "4711", "4294967296", "n" * 256, "n" * 1000, "self",
                    "thread-self", "cpuinfo", "sys", "mounts", "net", "fs"],
    "procfs_file_mode": ["", "0", "000", "777", "0777", "1666", "4600", "667",
                         "111", "1", "888", "rw", "-1", "-660", "0x1b6",
                         "0o660", "66666666666", "6" * 1000],
    "procfs_uid": NO_NUMBER + ["4294967295", "4294967296"],
    "procfs_gid": NO_NUMBER + ["4294967295", "4294967296"],
    "queue_max_bytes": NO_NUMBER + ["0", "1", "1023", "1024",
                                    str(ULONG_MAX + 1)],
}
BAD |= {name: ["", "2", "maybe", "-1"] for name in BOOLS}


def both(value):
    """A value as given, and as it reads back."""
    return value if isinstance(value, tuple) else (value, value)


def taints():
    """The kernel's state, but for modules from outside and unsigned ones."""
    with open("/proc/sys/kernel/tainted", encoding="ascii") as file:
        return int(file.read()) & ~(1 << 12 | 1 << 13)


def queue():
    """The file's path."""
    return f"/proc/{get('procfs_name')}"


def works():
    """A message goes in and comes out."""
    with open(queue(), "wb", buffering=0) as file:
        check(file.write(b"x") == 1, "nothing written")
    with open(queue(), "rb", buffering=0) as file:
        check(file.read(10) == b"x", "not what was written")


def check_complaint(lines, name, value):
    """One line, that names the parameter, the value and what is allowed."""
    check(len(lines) == 1, f"{name}={value:.40}: in the log: {lines}")
    check(re.search(rf"parameter {name}: '?{re.escape(value[:40])}.* is not "
                    r"allowed, it must .{5,}", lines[0]), lines[0])


def test_defaults():
    """All parameters at once, and the file that comes of them."""
    loaded()
    check(sorted(os.listdir(f"{SYS}/parameters")) ==
          sorted([*DEFAULTS, "queue"]),
          os.listdir(f"{SYS}/parameters"))
    for name, value in DEFAULTS.items():
        check(get(name) == value, f"{name}={get(name)}")
    status = os.stat(QUEUE)
    check(stat.S_IMODE(status.st_mode) == 0o666 and
          (status.st_uid, status.st_gid) == (0, 0), status)
    works()


def test_descriptions():
    """modinfo says what users have to know."""
    wanted = {
        "msg_max_size": ("bytes", r"1\.\.1048576", "default 8192"),
        "procfs_name": (r"1\.\.255 bytes", "default msg_queue"),
        "procfs_file_mode": ("octal", "0666", "default 0666"),
        "procfs_uid": ("user id", r"0\.\.4294967294", "default 0"),
        "procfs_gid": ("group id", r"0\.\.4294967294", "default 0"),
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


def test_good(name):
    """The module loads, and the value reads back as it is used."""
    for given, read_back in map(both, GOOD[name]):
        loaded(f"{name}={given}")
        check(get(name) == read_back, f"{given} reads back as {get(name)}")
        status = os.stat(queue())
        used = {"procfs_file_mode": f"{stat.S_IMODE(status.st_mode):04o}",
                "procfs_uid": str(status.st_uid),
                "procfs_gid": str(status.st_gid)}
        check(used.get(name, read_back) == read_back, f"{given}: {status}")
        if get("read_wait") == "N":
            works()


def test_bad(name):
    """The module does not load, and says why."""
    unload()
    for value in BAD[name]:
        log = KernelLog()
        complaint = load(f"{name}={value}")
        check("Invalid argument" in complaint or
              "invalid parameters" in complaint,
              f"{value:.40}: {complaint or 'it loads'}")
        check(not os.path.exists(SYS), f"{value:.40}: it is loaded")
        check_complaint(log.lines(), name, value)
    loaded()
    works()


def test_live(name):
    """A live change takes effect, or is refused and leaves all as it was."""
    loaded()
    for given, read_back in map(both, GOOD[name]):
        check(not put(name, given), f"{given} is refused")
        check(get(name) == read_back, f"{given} reads back as {get(name)}")
        check(not put(name, given + "\n"), f"{given} and newline is refused")
    before = get(name)
    for value in BAD[name]:
        if not value:
            continue            # no bytes: the kernel does not even ask
        log = KernelLog()
        check(put(name, value) == errno.EINVAL, f"{value:.40}: no EINVAL")
        check_complaint(log.lines(), name, value)
        check(put(name, value + "\n") == errno.EINVAL, f"{value:.40} newline")
        check(get(name) == before, f"{value:.40} makes it {get(name)}")
    check(put(name, "\n") == errno.EINVAL, "a newline only: no EINVAL")


def test_permissions_of_parameters():
    """What can't be changed live can't be written to, even by root."""
    loaded()
    for name in DEFAULTS:
        mode = stat.S_IMODE(os.stat(f"{SYS}/parameters/{name}").st_mode)
        check(mode == (0o644 if name in LIVE else 0o444), f"{name} {mode:o}")
        if name not in LIVE:
            check(put(name, get(name)) == errno.EACCES, f"{name}: no EACCES")


def test_room_for_one():
    """queue_max_bytes: enough for one message of msg_max_size, not less."""
    for size in ("1", "1024", "4097", "1048576"):
        loaded(f"msg_max_size={size}", "queue_max_bytes=33554432")
        low, high = 0, 33554432     # refused, allowed
        while high - low > 1:
            middle = (low + high) // 2
            if put("queue_max_bytes", str(middle)):
                low = middle
            else:
                high = middle
        check(high > int(size), f"{high} bytes for a message of {size}")
        for order in (1, -1):
            loaded(*[f"queue_max_bytes={high}", f"msg_max_size={size}"]
                   [::order])
            fd = os.open(queue(), os.O_WRONLY | os.O_NONBLOCK)
            try:
                written = os.write(fd, b"x" * int(size))
            finally:
                os.close(fd)
            check(written == int(size), f"{written} of {size}")
            unload()
            log = KernelLog()
            complaint = load(*[f"queue_max_bytes={low}",
                               f"msg_max_size={size}"][::order])
            check("Invalid argument" in complaint, f"{low} for {size}: "
                  f"{complaint or 'it loads'}")
            check_complaint(log.lines(), "queue_max_bytes", str(low))


def test_without_value():
    """A parameter's name alone: Y for those of Y and N, nothing for others."""
    for name in BOOLS:
        loaded(name)
        check(get(name) == "Y", f"{name}={get(name)}")
    unload()
    for name in DEFAULTS:
        if name not in BOOLS:
            check(load(name), f"{name} alone: it loads")
            check(not os.path.exists(SYS), f"{name} alone: it is loaded")


def test_given_twice():
    """The last one counts, as where files in modprobe.d differ."""
    loaded("msg_max_size=1", "procfs_name=first", "msg_max_size=77",
           "procfs_name=last")
    check(get("msg_max_size") == "77" and queue() == "/proc/last", queue())
    check(not os.path.exists("/proc/first"), "there are two files")
    unload()
    check("Invalid argument" in load("msg_max_size=0", "msg_max_size=1"),
          "a bad value that another one follows is taken")


def test_name_in_use():
    """A name that is taken stays whose it is."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        before = file.readline()
    unload()
    check(load("procfs_name=cpuinfo") and load("procfs_name=self"), "it loads")
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        check(file.readline() == before, "/proc/cpuinfo is another one")
    check(os.readlink("/proc/self").isdigit(), os.readlink("/proc/self"))


def test_load_line():
    """One line names the file and its limits."""
    unload()
    log = KernelLog()
    check(not load("procfs_name=lines", "procfs_file_mode=600",
                   "msg_max_size=77", "queue_max_bytes=88888"), "no load")
    lines = log.lines()
    check(len(lines) == 1 and lines[0].startswith("loaded: /proc/lines, "),
          lines)
    for part in ("0600", "77", "88888"):
        check(part in lines[0], f"no {part} in {lines[0]!r}")


def leave(count, size):
    """Unloads with @count messages of @size bytes left; gives the log."""
    loaded()
    with open(queue(), "wb", buffering=0) as file:
        for _ in range(count):
            file.write(b"x" * size)
    log = KernelLog()
    unload()
    return log.lines()


def test_unload_lines():
    """At most 1000 messages one by one, the rest in one line."""
    begin, end = "entering cleanup()", "cleanup() finished"
    one = "removed message of size 10"
    check(leave(0, 10) == [begin, end], "empty")
    check(leave(3, 10) == [begin] + 3 * [one] + [end], "3 messages")
    check(leave(1000, 10) == [begin] + 1000 * [one] + [end], "1000 messages")
    lines = leave(1500, 10)
    check(lines[:1001] == [begin] + 1000 * [one] and len(lines) == 1003 and
          lines[-1] == end, lines[-3:])
    check(re.search(r"\b500\b.*\b5000\b", lines[1001]), lines[1001])


def open_as(uid, gid, groups, flags):
    """The errno of an open by such a user."""
    pid = os.fork()
    if not pid:
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        try:
            os.open(QUEUE, flags)
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_access(mode, owner, group, others):
    """Who may read ("r") and write ("w") with this mode."""
    loaded(f"procfs_file_mode={mode}", "procfs_uid=1001", "procfs_gid=2001")
    users = {
        "the owner": (owner, 1001, 3000, []),
        "the group": (group, 1002, 2001, []),
        "one more of the group": (group, 1002, 3000, [4000, 2001]),
        "another": (others, 1002, 3000, [4000]),
        "root": ("rw", 0, 0, []),
    }
    for who, (may, uid, gid, groups) in users.items():
        for flags, needs in ((os.O_RDONLY, "r"), (os.O_WRONLY, "w"),
                             (os.O_RDWR, "rw")):
            expected = 0 if set(needs) <= set(may) else errno.EACCES
            found = open_as(uid, gid, groups, flags)
            check(found == expected, f"{who} opens for {needs}: {found}")


def test_no_warning():
    """None of all this has made the kernel complain."""
    check(taints() == TAINTS, f"tainted: {taints():#x}")


TAINTS = taints()
TESTS = [("defaults", test_defaults),
         ("modinfo has unit, range and default", test_descriptions)]
for parameter in DEFAULTS:
    TESTS.append((f"{parameter}: good values at load",
                  functools.partial(test_good, parameter)))
    TESTS.append((f"{parameter}: bad values at load",
                  functools.partial(test_bad, parameter)))
for parameter in LIVE:
    TESTS.append((f"{parameter}: live changes",
                  functools.partial(test_live, parameter)))
TESTS += [
    ("what can be written to in /sys/module", test_permissions_of_parameters),
    ("queue_max_bytes: exactly one message", test_room_for_one),
    ("a name without a value", test_without_value),
    ("a parameter given twice", test_given_twice),
    ("names in use stay as they are", test_name_in_use),
    ("one line in the log at load", test_load_line),
    ("lines in the log at unload", test_unload_lines),
]
for rights in (("0666", "rw", "rw", "rw"), ("0660", "rw", "rw", ""),
               ("0600", "rw", "", ""), ("0640", "rw", "r", ""),
               ("0622", "rw", "w", "w"), ("0006", "", "", "rw"),
               ("0060", "", "rw", "")):
    TESTS.append((f"mode {rights[0]}: who may open the file",
                  functools.partial(test_access, *rights)))
TESTS.append(("the kernel never warned", test_no_warning))

if __name__ == "__main__":
    sys.exit(run(TESTS))
