#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The words that describe a further queue: each key's default, bounds and
garbage, the names, and how a bad entry is refused, at load and live.

As root where modprobe finds the module; it is loaded and unloaded many times.
"""
import errno
import functools
import os
import re
import struct
import sys

from module import (QUEUE, SYS, KernelLog, get, load, loaded, put,
                    unload)
from queues import (DIR, check_gone, command, make, names, path,
                    remove, send, settings, show, store, take)
from tap import check, run

ULONG_MAX = 2 ** (8 * struct.calcsize("P")) - 1

DEFAULTS = {
    "mode": "0666", "uid": "0", "gid": "0", "msg_max_size": "8192",
    "queue_max_bytes": "33554432", "read_wait": "N", "read_eof": "Y",
    "read_ack": "N", "containers": "N", "max_deliveries": "0",
    "dead_queue": "",
}

# The keys that are parameters of the module too, and the parameters.
INHERITED = {
    "mode": ("procfs_file_mode", "0640"), "uid": ("procfs_uid", "1001"),
    "gid": ("procfs_gid", "2001"), "msg_max_size": ("msg_max_size", "77"),
    "queue_max_bytes": ("queue_max_bytes", "88888"),
    "read_wait": ("read_wait", "Y"), "read_eof": ("read_eof", "N"),
    "read_ack": ("read_ack", "Y"), "containers": ("containers", "Y"),
}

BOOL = ["Y", "N", ("1", "Y"), ("0", "N"), ("y", "Y"), ("on", "Y"),
        ("off", "N")]
ID = ["0", "1000", "65534", "4294967294", ("0x10", "16")]

# As given, and as they read back where that differs.
GOOD = {
    "mode": ["0666", ("660", "0660"), ("4", "0004"), ("00222", "0222"),
             "0400"],
    "uid": ID,
    "gid": ID,
    "msg_max_size": ["1", "1024", "1048576", ("0x400", "1024"), ("010", "8")],
    "queue_max_bytes": ["4096", "33554432", str(ULONG_MAX)],
    "read_wait": BOOL,
    "read_eof": BOOL,
    "read_ack": BOOL,
    "containers": BOOL,
    "max_deliveries": ["1", "2", "1000"],
    "dead": ["other", "msg_queue"],
}

NO_NUMBER = ["", "abc", "12abc", "1.5", "-1", "1e3", "0x", "--1", "=1",
             "9" * 30, "1" * 500]
NO_BOOL = ["", "2", "maybe", "-1", "=Y"]
NO_ID = NO_NUMBER + ["4294967295", "4294967296"]

BAD = {
    "mode": ["", "0", "000", "777", "0777", "1666", "4600", "667", "111", "1",
             "888", "rw", "-1", "0x1b6", "0o660", "66666666666", "6" * 500],
    "uid": NO_ID,
    "gid": NO_ID,
    "msg_max_size": NO_NUMBER + ["0", "1048577", "4294967296", "4294967297",
                                 "18446744073709551617"],
    "queue_max_bytes": NO_NUMBER + ["0", "1", "1023", "1024",
                                    str(ULONG_MAX + 1)],
    "read_wait": NO_BOOL,
    "read_eof": NO_BOOL,
    "read_ack": NO_BOOL,
    "containers": NO_BOOL,
    "max_deliveries": NO_NUMBER + ["0", "1001", "4294967297"],
    "dead": ["", "nosuch", "x", "..", "a/b", "-other", "n" * 64, "n" * 500],
}

# Each of these two is nothing without the other.
COMPANION = {"max_deliveries": "dead=other", "dead": "max_deliveries=3"}

# What a key may be has no other names, spaces or capitals.
NO_KEYS = ["", "=", "=1", "foo", "foo=1", "MODE=0600", " mode=0600",
           "mode =0600", "mod=0600", "modes=0600", "procfs_file_mode=0600",
           "name=y", "queue=y", "dead_queue=other", "queued=0", "y" * 60]

GOOD_NAMES = ["a", "Z", "7", "0", "4711", "1.2", "A-b_c.d", "a..", "a-",
              "msg_queues", "queue", "self", "n" * 63]
BAD_NAMES = ["", ".", "..", ".a", "_a", "a/b", "/a", "../a", "a b", "a\tb",
             "a=b", "a*", "a:b", "a%s", "a'b", "ü", "n" * 64, "n" * 500]


def both(value):
    """A value as given, and as it reads back."""
    return value if isinstance(value, tuple) else (value, value)


def words(key, value):
    """An entry of the queue x with this key, and what that needs beside."""
    return ",".join(["x", f"{key}={value}"] +
                    ([COMPANION[key]] if key in COMPANION else []))


def file_of(key):
    """The file in sysfs that shows a key's value."""
    return "dead_queue" if key == "dead" else key


def check_complaint(lines, entry, key, value):
    """One line, that names the entry, the key, the value and what is
    allowed."""
    check(len(lines) == 1, f"{entry},{key}={value:.40}: in the log: {lines}")
    check(re.fullmatch(
        rf"parameter queue: entry '{re.escape(entry)}', key {re.escape(key)}: "
        rf"'{re.escape(value[:40])}.* is not allowed, it must be .{{5,}}",
        lines[0]), lines[0])


def check_name_complaint(lines, name):
    """One line, that names the parameter, the name and what is allowed."""
    check(len(lines) == 1, f"{name:.40}: in the log: {lines}")
    check(re.match(r"parameter queue: '", lines[0]) and
          re.search(r"' is not allowed, it must be .{5,}", lines[0]), lines[0])
    check(not name.isascii() or "\t" in name or name[:40] in lines[0],
          lines[0])


def check_not_loaded(complaint, what):
    """The load was refused, and nothing is left of it."""
    check("Invalid argument" in complaint, f"{what}: "
          f"{complaint or 'it loads'}")
    for left in SYS, QUEUE, DIR:
        check(not os.path.lexists(left), f"{what}: there is {left}")


def refused_live(text):
    """Makes nothing of these words; gives the lines in the log."""
    before = names()
    log = KernelLog()
    error = command(text)
    check(error == errno.EINVAL, f"{text:.60}: {os.strerror(error)}")
    check(names() == before, f"{text:.60}: there is {names()}")
    check(sorted(["msg_queue"] + os.listdir(DIR)) == before,
          f"{text:.60}: there is {os.listdir(DIR)}")
    return log.lines()


def test_defaults():
    """A name alone makes a queue like the first one."""
    for at_load in True, False:
        loaded(*["queue=x"] * at_load)
        if not at_load:
            make("x")
        found = settings("x")
        check(found == DEFAULTS, found)
        check(settings("msg_queue") == DEFAULTS, settings("msg_queue"))
        status = os.stat(path("x"))
        check((status.st_mode & 0o7777, status.st_uid, status.st_gid) ==
              (0o666, 0, 0), status)
        check(status.st_size == 0, status)
        send("x", b"message")
        check(take("x") == b"message", "not what was written")


def test_inherited():
    """Keys that are not given have the parameters' values, wherever these
    stand; and live, those of the moment."""
    parameters = [f"{name}={value}" for name, value in INHERITED.values()]
    given = {key: value for key, (_, value) in INHERITED.items()}
    for arguments in (["queue=x"] + parameters, parameters + ["queue=x"],
                      parameters[:4] + ["queue=x"] + parameters[4:]):
        loaded(*arguments)
        check(settings("x") == {**DEFAULTS, **given}, settings("x"))
    loaded("queue=x,msg_max_size=5,mode=0600", "msg_max_size=77",
           "procfs_file_mode=640", "queue=y")
    check((show("x", "msg_max_size"), show("x", "mode")) == ("5", "0600"),
          settings("x"))
    check((show("y", "msg_max_size"), show("y", "mode")) == ("77", "0640"),
          settings("y"))
    check(not put("msg_max_size", "99"), "no live change")
    make("z")
    check(show("z", "msg_max_size") == "99", settings("z"))
    check(show("y", "msg_max_size") == "77", "y has changed with it")


def test_good(key):
    """The queue is made, and shows the value; others keep theirs."""
    loaded("queue=other")
    before = settings("other")
    for given, read_back in map(both, GOOD[key]):
        make(words(key, given))
        check(show("x", file_of(key)) == read_back,
              f"{given} reads back as {show('x', file_of(key))}")
        status = os.stat(path("x"))
        used = {"mode": f"{status.st_mode & 0o7777:04o}",
                "uid": str(status.st_uid), "gid": str(status.st_gid)}
        check(used.get(key, read_back) == read_back, f"{given}: {status}")
        remove("x")
        check_gone("x")
        make(words(key, given) + "\n")
        remove("x")
    check(settings("other") == before, settings("other"))
    given, read_back = both(GOOD[key][-1])
    loaded("queue=" + words(key, given), "queue=other")
    check(show("x", file_of(key)) == read_back, settings("x"))


def test_bad(key):
    """No queue is made, and one line says why."""
    loaded("queue=other")
    for value in BAD[key]:
        check_complaint(refused_live(words(key, value)), "x", key, value)
        refused_live(words(key, value) + "\n")
    unload()
    # Some at load, where the words take the same way.
    for value, order in (BAD[key][1], 1), (BAD[key][-2], -1):
        log = KernelLog()
        entries = [f"queue={words(key, value)}", "queue=other"][::order]
        check_not_loaded(load(*entries), f"{key}={value:.40}")
        check_complaint(log.lines(), "x", key, value)


def test_no_keys():
    """What is no key is refused."""
    loaded("queue=other")
    for entry in NO_KEYS:
        key, _, value = entry.partition("=")
        check_complaint(refused_live(f"x,{entry}"), "x", key, value)
        check_complaint(refused_live(f"x,mode=0600,{entry}"), "x", key, value)
    for entry in "x,", "x,,mode=0600":
        check_complaint(refused_live(entry), "x", "", "")
    for key in GOOD:
        lines = refused_live(f"x,{key}")
        check_complaint(lines, "x", key, "")
    unload()
    for entry in "foo=1", "", "mode":
        log = KernelLog()
        check_not_loaded(load(f"queue=x,{entry}"), entry)
        check_complaint(log.lines(), "x", entry.split("=")[0],
                        entry.partition("=")[2])


def test_key_twice():
    """The last value of a key counts; a bad one before it is refused."""
    loaded()
    make("x,msg_max_size=5,mode=0600,msg_max_size=6")
    check(show("x", "msg_max_size") == "6", settings("x"))
    remove("x")
    check_complaint(refused_live("x,mode=0,mode=0600"), "x", "mode", "0")


def test_room_for_one():
    """queue_max_bytes has to hold one message of msg_max_size, wherever each
    of them comes from."""
    loaded("queue_max_bytes=100000")
    check_complaint(refused_live("x,msg_max_size=100000"), "x",
                    "queue_max_bytes", "100000")
    check_complaint(refused_live("x,queue_max_bytes=1024"), "x",
                    "queue_max_bytes", "1024")
    low, high = 0, 100000           # refused, allowed
    while high - low > 1:
        middle = (low + high) // 2
        if command(f"x,queue_max_bytes={middle}"):
            low = middle
        else:
            high = middle
            remove("x")
    for entry in (f"x,queue_max_bytes={high},msg_max_size=1024",
                  f"x,msg_max_size=1024,queue_max_bytes={high}"):
        make(entry)
        send("x", b"x" * 1024)
        check(take("x") == b"x" * 1024, "not what was written")
        remove("x")
    unload()
    log = KernelLog()
    check_not_loaded(load("queue=x", "queue=y,msg_max_size=100000",
                          "queue_max_bytes=100000"), "too little room")
    check_complaint(log.lines(), "y", "queue_max_bytes", "100000")


def test_dead():
    """max_deliveries and dead: both or neither, and a dead queue that is
    there and has none itself."""
    loaded("queue=b", "queue=a,max_deliveries=2,dead=b")
    check((show("a", "max_deliveries"), show("a", "dead_queue")) == ("2", "b"),
          settings("a"))
    lines = refused_live("x,max_deliveries=3")
    check_complaint(lines, "x", "dead", "")
    lines = refused_live("x,dead=b")
    check_complaint(lines, "x", "max_deliveries", "")
    check_complaint(refused_live("x,max_deliveries=3,dead=a"), "x", "dead",
                    "a")
    unload()
    # At load the dead queue may come later; its own dead queue may not.
    loaded("queue=a,dead=b,max_deliveries=1000", "queue=b,mode=0600")
    check(show("a", "dead_queue") == "b", settings("a"))
    unload()
    chain = ["queue=a,max_deliveries=1,dead=b",
             "queue=b,max_deliveries=1,dead=c", "queue=c"]
    for order in 1, -1:
        log = KernelLog()
        check_not_loaded(load(*chain[::order]), "a dead queue's dead queue")
        check_complaint(log.lines(), "a", "dead", "b")
    for entries, key, value in (
            (["queue=a,max_deliveries=1,dead=a"], "dead", "a"),
            (["queue=a,max_deliveries=1"], "dead", ""),
            (["queue=b", "queue=a,dead=b"], "max_deliveries", ""),
            (["queue=a,max_deliveries=1,dead=b", "queue=c"], "dead", "b")):
        log = KernelLog()
        check_not_loaded(load(*entries), entries)
        check_complaint(log.lines(), "a", key, value)


def test_good_names():
    """Each makes a queue of this name, and nothing else."""
    loaded()
    for name in GOOD_NAMES:
        make(name)
        check(names() == sorted(["msg_queue", name]), names())
        check(os.listdir(DIR) == [name], os.listdir(DIR))
        send(name, b"x")
        check(take(name) == b"x", f"{name}: not what was written")
        remove(name)
        check_gone(name)
    loaded(*[f"queue={name}" for name in GOOD_NAMES])
    check(sorted(os.listdir(DIR)) == sorted(GOOD_NAMES), os.listdir(DIR))


def test_bad_names():
    """No such queue is made, and one line says why."""
    loaded()
    for name in BAD_NAMES:
        # No bytes at all: the kernel does not even ask. Spaces at the ends
        # belong to the line, not to the name.
        for entry in ([name + "\n"] if not name else [name]) + [
                f"{name},mode=0600", f"{name},foo=1"]:
            check_name_complaint(refused_live(entry), name)
    unload()
    for name in "", "-a", ".", "a/b", "ü", "n" * 64:
        log = KernelLog()
        check_not_loaded(load(f"queue={name}"), name)
        check_name_complaint(log.lines(), name)


def test_reserved():
    """msg_queue is the first queue, and msg_queues the directory."""
    loaded()
    check(command("msg_queue,mode=0600") == errno.EEXIST, "live msg_queue")
    check(refused_live("-msg_queue"), "it is refused silently")
    unload()
    log = KernelLog()
    check_not_loaded(load("queue=msg_queue"), "queue=msg_queue")
    check_name_complaint(log.lines(), "msg_queue")
    log = KernelLog()
    complaint = load("procfs_name=msg_queues")
    check("Invalid argument" in complaint or "invalid parameters" in complaint,
          f"procfs_name=msg_queues: {complaint or 'it loads'}")
    lines = log.lines()
    check(len(lines) == 1 and lines[0].startswith(
        "parameter procfs_name: 'msg_queues' is not allowed, it must be "),
          lines)
    check(not os.path.exists(SYS) and not os.path.exists(DIR),
          "something is left")
    # A further queue may have the first one's name in /proc, and the first
    # one any queue's.
    loaded("procfs_name=jobs", "queue=jobs,msg_max_size=5")
    check(names() == ["jobs", "msg_queue"], names())
    check(not os.path.exists(QUEUE), f"there is {QUEUE}")
    with open("/proc/jobs", "wb", buffering=0) as file:
        file.write(b"longer than five")
    check((show("msg_queue", "queued"), show("jobs", "queued")) == ("1", "0"),
          "it went into the other one")


def test_twice():
    """Two queues of one name: refused at load, whatever modprobe makes of
    EEXIST; live there is one already."""
    unload()
    log = KernelLog()
    check_not_loaded(load("queue=x,mode=0600", "queue=y", "queue=x"),
                     "a queue given twice")
    check_name_complaint(log.lines(), "x")
    loaded("queue=x,mode=0600")
    log = KernelLog()
    check(command("x,mode=0666") == errno.EEXIST, "live")
    check(show("x", "mode") == "0600", settings("x"))
    check(not log.lines(), "EEXIST is logged")


def test_long_line():
    """As long as sysfs takes it; and what a bad one writes to the log ends."""
    loaded()
    keys = ",".join(["x"] + ["msg_max_size=1000"] * 225 + ["msg_max_size=7"])
    check(4000 < len(keys) < 4095, len(keys))
    make(keys)
    check(show("x", "msg_max_size") == "7", settings("x"))
    remove("x")
    for entry in ("n" * 4000, "x,mode=" + "7" * 4000, "x," + "k" * 4000,
                  "x," + "k" * 4000 + "=7", "x,foo=" + "\1" * 1000):
        lines = refused_live(entry)
        check(len(lines) == 1 and re.search("it must be .{5,}", lines[0]) and
              len(lines[0]) < 900, f"{entry:.20}: {lines}")


def test_all_or_none():
    """One bad entry among many refuses the load."""
    unload()
    good = [f"queue=q{number}" for number in range(30)]
    for place in 0, 15, 30:
        log = KernelLog()
        entries = good[:place] + ["queue=bad,gid=x"] + good[place:]
        check_not_loaded(load(*entries), f"bad at {place}")
        check_complaint(log.lines(), "bad", "gid", "x")
    loaded(*good)
    check(len(os.listdir(DIR)) == 30, os.listdir(DIR))


def test_bad_parameter_beside():
    """A bad parameter refuses a load with good queues as well."""
    unload()
    for parameter in "msg_max_size=0", "queue_max_bytes=1":
        for order in 1, -1:
            log = KernelLog()
            complaint = load(*["queue=x", parameter][::order])
            check("Invalid argument" in complaint or
                  "invalid parameters" in complaint,
                  f"{parameter}: {complaint or 'it loads'}")
            check(len(log.lines()) == 1, parameter)
            check(not os.path.exists(SYS) and not os.path.exists(DIR),
                  f"{parameter}: something is left")


def test_not_shown():
    """The parameter is written only, and kept nowhere."""
    loaded("queue=x")
    mode = os.stat(f"{SYS}/parameters/queue").st_mode & 0o7777
    check(mode == 0o200, f"{mode:o}")
    try:
        get("queue")
    except OSError as error:
        check(error.errno in (errno.EACCES, errno.EIO), error)
    else:
        check(False, "it can be read")


def test_first_is_not_live():
    """What a further queue has as a key and the first as a parameter at load
    only stays so."""
    loaded("queue=x")
    for queue in "x", "msg_queue":
        for name in "mode", "uid", "gid", "max_deliveries", "dead_queue":
            check(store(queue, name, "0") == errno.EACCES, f"{queue}/{name}")


TESTS = [("a name alone has the defaults", test_defaults),
         ("keys not given are the parameters', in any order", test_inherited)]
for each in GOOD:
    TESTS.append((f"{each}: good values", functools.partial(test_good, each)))
    TESTS.append((f"{each}: bad values", functools.partial(test_bad, each)))
TESTS += [
    ("what is no key is refused", test_no_keys),
    ("a key given twice", test_key_twice),
    ("room for one message", test_room_for_one),
    ("max_deliveries and dead", test_dead),
    ("good names", test_good_names),
    ("bad names", test_bad_names),
    ("msg_queue and msg_queues are reserved", test_reserved),
    ("a queue given twice", test_twice),
    ("a long line", test_long_line),
    ("a bad entry among good ones: all or none", test_all_or_none),
    ("a bad parameter beside good queues", test_bad_parameter_beside),
    ("the parameter cannot be read", test_not_shown),
    ("mode, owner and dead queue are for good", test_first_is_not_live),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
