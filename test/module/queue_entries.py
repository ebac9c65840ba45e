#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The specification of an additional queue: names, keys, dead queues, and how
an invalid entry is refused, at load and at run time. settings.py has the
values of the keys.

As root where modprobe finds the module; it is loaded and unloaded many times.
"""
import errno
import os
import re
import sys

from module import (DIR, QUEUE, SYS, KernelLog, check_complaint,
                    check_not_loaded, get, load, loaded, unload)
from queues import (check_gone, command, make, names, remove, send, settings,
                    show, take)
from tap import check, run

KEYS = ("mode", "uid", "gid", "msg_max_size", "queue_max_bytes", "read_wait",
        "read_eof", "read_ack", "containers", "max_deliveries", "dead")

# Keys have these names only, without spaces or capitals.
NO_KEYS = ["", "=", "=1", "foo", "foo=1", "MODE=0600", " mode=0600",
           "mode =0600", "mod=0600", "modes=0600", "procfs_file_mode=0600",
           "name=y", "queue=y", "dead_queue=other", "queued=0", "y" * 60]

GOOD_NAMES = ["a", "Z", "7", "0", "4711", "1.2", "A-b_c.d", "a..", "a-",
              "queue", "self", "n" * 63]
BAD_NAMES = ["", ".", "..", ".a", "_a", "a/b", "/a", "../a", "a b", "a\tb",
             "a=b", "a*", "a:b", "a%s", "a'b", "ü", "n" * 64, "n" * 500,
             "msg_queues"]


def key(queue, name):
    """What the log calls a key."""
    return f"queue: entry '{queue}', key {name}"


def check_refused(entry, setting, value):
    """Creates nothing, and one line says why."""
    before = names()
    log = KernelLog()
    error = command(entry)
    check(error == errno.EINVAL, f"{entry:.60}: {os.strerror(error)}")
    check(names() == sorted(["msg_queue"] + os.listdir(DIR)) == before,
          f"{entry:.60}: {names()}, {os.listdir(DIR)}")
    check_complaint(log.lines(), setting, value)


def check_no_load(arguments, setting, value):
    """Does not load, and one line says why."""
    unload()
    log = KernelLog()
    check_not_loaded(load(*arguments), f"{arguments!r:.60}")
    check_complaint(log.lines(), setting, value)


def test_no_keys():
    """What is no key is refused."""
    loaded("queue=other")
    for entry in NO_KEYS:
        name, _, value = entry.partition("=")
        check_refused(f"x,{entry}", key("x", name), value)
        check_refused(f"x,mode=0600,{entry}", key("x", name), value)
    for entry in "x,", "x,,mode=0600":
        check_refused(entry, key("x", ""), "")
    for name in KEYS:
        check_refused(f"x,{name}", key("x", name), "")
    for entry in "foo=1", "", "mode":
        name, _, value = entry.partition("=")
        check_no_load([f"queue=x,{entry}"], key("x", name), value)


def test_dead():
    """max_deliveries and dead: both or neither, and a dead queue that is
    there and has none itself."""
    loaded("queue=b", "queue=a,max_deliveries=2,dead=b")
    check((show("a", "max_deliveries"), show("a", "dead_queue")) == ("2", "b"),
          settings("a"))
    check_refused("x,max_deliveries=3", key("x", "dead"), "")
    check_refused("x,dead=b", key("x", "max_deliveries"), "")
    check_refused("x,max_deliveries=3,dead=a", key("x", "dead"), "a")
    # At load the dead queue may come later; its own dead queue may not.
    loaded("queue=a,dead=b,max_deliveries=1000", "queue=b,mode=0600")
    check(show("a", "dead_queue") == "b", settings("a"))
    chain = ["queue=a,max_deliveries=1,dead=b",
             "queue=b,max_deliveries=1,dead=c", "queue=c"]
    for entries, name, value in (
            (chain, "dead", "b"), (chain[::-1], "dead", "b"),
            (["queue=a,max_deliveries=1,dead=a"], "dead", "a"),
            (["queue=a,max_deliveries=1"], "dead", ""),
            (["queue=b", "queue=a,dead=b"], "max_deliveries", ""),
            (["queue=a,max_deliveries=1,dead=b", "queue=c"], "dead", "b")):
        check_no_load(entries, key("a", name), value)


def test_good_names():
    """Each creates a queue of this name, and nothing else."""
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
    """No such queue is created, and one line says why."""
    loaded()
    for name in BAD_NAMES:
        # A write of no bytes does not reach the module. Spaces at the ends
        # belong to the line, not to the name.
        for entry in name or "\n", f"{name},mode=0600", f"{name},foo=1":
            check_refused(entry, "queue", name)
    for name in "", "-a", ".", "a/b", "ü", "n" * 64:
        check_no_load([f"queue={name}"], "queue", name)


def test_reserved():
    """msg_queue is the default queue, and msg_queues the directory."""
    loaded()
    check(command("msg_queue,mode=0600") == errno.EEXIST, "no EEXIST")
    check_refused("-msg_queue", "queue", "msg_queue")
    check_no_load(["queue=msg_queue"], "queue", "msg_queue")
    # An additional queue may have the default queue's name in /proc, and that
    # one any queue's.
    loaded("procfs_name=jobs", "queue=jobs,msg_max_size=5")
    check(names() == ["jobs", "msg_queue"], names())
    check(not os.path.exists(QUEUE), f"{QUEUE} exists")
    with open("/proc/jobs", "wb", buffering=0) as file:
        file.write(b"longer than five")
    check((show("msg_queue", "queued"), show("jobs", "queued")) == ("1", "0"),
          "it went into the other one")


def test_twice():
    """Two queues of one name: refused at load, whatever modprobe makes of
    EEXIST; at run time the queue exists."""
    check_no_load(["queue=x,mode=0600", "queue=y", "queue=x"], "queue", "x")
    loaded("queue=x,mode=0600")
    log = KernelLog()
    check(command("x,mode=0666") == errno.EEXIST, "no EEXIST")
    check(show("x", "mode") == "0600", settings("x"))
    check(not log.lines(), "EEXIST is logged")


def test_long_line():
    """As long as sysfs takes it; the line in the log for a bad one ends."""
    loaded()
    keys = ",".join(["x"] + ["msg_max_size=1000"] * 225 + ["msg_max_size=7"])
    check(4000 < len(keys) < 4095, len(keys))
    make(keys)
    check(show("x", "msg_max_size") == "7", settings("x"))
    remove("x")
    for entry in ("n" * 4000, "x,mode=" + "7" * 4000, "x," + "k" * 4000,
                  "x," + "k" * 4000 + "=7", "x,foo=" + "\1" * 1000):
        log = KernelLog()
        check(command(entry) == errno.EINVAL, f"{entry:.20}: no EINVAL")
        lines = log.lines()
        check(len(lines) == 1 and re.search("must be .{5,}", lines[0]) and
              len(lines[0]) < 900, f"{entry:.20}: {lines}")


def test_all_or_none():
    """One invalid entry among many refuses the load."""
    good = [f"queue=q{number}" for number in range(30)]
    for place in 0, 15, 30:
        check_no_load(good[:place] + ["queue=bad,gid=x"] + good[place:],
                      key("bad", "gid"), "x")
    loaded(*good)
    check(len(os.listdir(DIR)) == 30, os.listdir(DIR))


def test_bad_parameter_beside():
    """An invalid parameter refuses a load with valid queues as well."""
    for parameter, value in ("msg_max_size", "0"), ("queue_max_bytes", "1"):
        for order in 1, -1:
            check_no_load(["queue=x", f"{parameter}={value}"][::order],
                          parameter, value)


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


TESTS = [
    ("an unknown key is refused", test_no_keys),
    ("max_deliveries and dead", test_dead),
    ("valid names", test_good_names),
    ("invalid names", test_bad_names),
    ("msg_queue and msg_queues are reserved", test_reserved),
    ("a queue given twice", test_twice),
    ("a long line", test_long_line),
    ("an invalid entry among valid ones: all or none", test_all_or_none),
    ("an invalid parameter with valid queues", test_bad_parameter_beside),
    ("the parameter queue cannot be read", test_not_shown),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
