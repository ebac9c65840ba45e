#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Each setting of a queue in each way to set it: as a module parameter and as
a key of "queue=", at load and at run time, and in sysfs. The default, valid
and invalid values, and what the kernel log says about these.

As root where modprobe finds the module; it is loaded and unloaded many times.
"""
import errno
import functools
import os
import stat
import struct
import sys
from functools import partial

from module import (SYS, KernelLog, check_complaint, check_not_loaded, get,
                    load, loaded, put, unload)
from queues import (FIRST, WRITABLE, command, make, names, path, remove, send,
                    settings, show, store, take)
from tap import check, run

ULONG_MAX = 2 ** (8 * struct.calcsize("P")) - 1

BOOL = ["Y", "N", ("1", "Y"), ("0", "N"), ("y", "Y"), ("n", "N"), ("on", "Y"),
        ("off", "N")]
NO_BOOL = ["", "2", "maybe", "-1", "=Y"]
NO_NUMBER = ["", "abc", "12abc", "1.5", "-1", "1e3", "0x", "--1", "=1", "1,2",
             "9" * 30, "1" * 1000]
ID = ["0", "1000", "65534", "4294967294", ("0x10", "16")]
NO_ID = NO_NUMBER + ["4294967295", "4294967296"]

# The parameter, the key and the file in sysfs, "" where there is none; the
# default and another value; valid values, as given and as shown where that
# differs; invalid ones.
SETTINGS = [
    ("procfs_name", "", "", "msg_queue", "",
     ["m", "12a", "...", ".hidden", "queue-1.0", "-", "ü",
      ('"two words"', "two words"), "n" * 255],
     ["", ".", "..", "/", "a/b", "/queue", "queue/", "0", "1", "4711",
      "4294967296", "n" * 256, "n" * 1000, "self", "thread-self", "cpuinfo",
      "sys", "mounts", "net", "fs", "msg_queues"]),
    ("procfs_file_mode", "mode", "mode", "0666", "0640",
     ["0666", "0660", ("660", "0660"), ("600", "0600"), ("4", "0004"),
      ("00222", "0222"), "0400"],
     ["", "0", "000", "777", "0777", "1666", "4600", "667", "111", "1", "888",
      "rw", "-1", "-660", "0x1b6", "0o660", "66666666666", "6" * 1000]),
    ("procfs_uid", "uid", "uid", "0", "1001", ID, NO_ID),
    ("procfs_gid", "gid", "gid", "0", "2001", ID, NO_ID),
    (*["msg_max_size"] * 3, "8192", "77",
     ["1", "2", "1024", "1048576", ("0x400", "1024"), ("010", "8")],
     NO_NUMBER + ["0", "1048577", "4294967296", "4294967297",
                  "18446744073709551617"]),
    (*["queue_max_bytes"] * 3, "33554432", "88888",
     ["16384", "33554432", str(ULONG_MAX)],
     NO_NUMBER + ["0", "1", "1023", "1024", str(ULONG_MAX + 1)]),
    (*["read_wait"] * 3, "N", "Y", BOOL, NO_BOOL),
    (*["read_eof"] * 3, "Y", "N", BOOL, NO_BOOL),
    (*["read_ack"] * 3, "N", "Y", BOOL, NO_BOOL),
    (*["containers"] * 3, "N", "Y", BOOL, NO_BOOL),
    ("", *["max_deliveries"] * 2, "0", "", ["1", "2", "1000"],
     NO_NUMBER + ["0", "1001", "4294967297"]),
    ("", "dead", "dead_queue", "", "", ["other", "msg_queue"],
     ["", "nosuch", "x", "..", "a/b", "-other", "n" * 64, "n" * 500]),
]


class Setting:
    """One of them."""

    def __init__(self, param, key, file, default, other, good, bad):
        self.param, self.key, self.file = param, key, file
        self.name = key or param
        self.default, self.other, self.bad = default, other, bad
        self.good = [value if isinstance(value, tuple) else (value, value)
                     for value in good]

    def spec(self, value):
        """The queue x with this setting; two keys need each other."""
        value, newline, _ = value.partition("\n")
        more = {"max_deliveries": ",dead=other", "dead": ",max_deliveries=3"}
        return f"x,{self.key}={value}{more.get(self.key, '')}{newline}"


def accepted(result, what=""):
    """Whether a load (its complaint) or a write (its errno) has succeeded; it
    fails with EINVAL, and leaves nothing."""
    if isinstance(result, str) and result:
        check_not_loaded(result, what)
    elif result:
        check(result == errno.EINVAL, f"{what}: {os.strerror(result)}")
    return not result


def load_with(*arguments):
    """Loads with these arguments, and one more queue."""
    unload()
    return load(*arguments, "queue=other")


def create(spec):
    """Creates the queue x at run time, or nothing."""
    if "x" in names():
        remove("x")
    before = names()
    error = command(spec)
    check(names() == sorted(before + ["x"] * (not error)), names())
    return error


# How a setting is set; the queue; the settings that can be; how two are set.
WAYS = {
    "parameter at load": (
        lambda s, v: load_with(f"{s.param}={v}"), FIRST, lambda s: s.param,
        load_with),
    "parameter at run time": (
        lambda s, v: put(s.param, v), FIRST, lambda s: s.param in WRITABLE,
        None),
    "key of queue= at load": (
        lambda s, v: load_with("queue=" + s.spec(v)), "x", lambda s: s.key,
        lambda *pair: load_with(f"queue=x,{','.join(pair)}")),
    "key of queue= at run time": (
        lambda s, v: create(s.spec(v)), "x", lambda s: s.key,
        lambda *pair: create(f"x,{','.join(pair)}")),
    "sysfs, queue msg_queue": (
        lambda s, v: store(FIRST, s.file, v), FIRST,
        lambda s: s.file in WRITABLE, None),
    "sysfs, additional queue": (
        lambda s, v: store("x", s.file, v), "x",
        lambda s: s.file in WRITABLE, None),
}


def at_load(way):
    """Whether it loads the module, and each time anew."""
    return "load" in way


def begin(way):
    """Has what the way needs."""
    if not at_load(way):
        loaded("queue=other")
        if way == "sysfs, additional queue":
            make("x")


def label(queue, setting):
    """What a line in the log calls the setting."""
    return setting.param if queue == FIRST else \
        f"queue: entry 'x', key {setting.key}"


def all_settings(but=""):
    """The settings of all queues, or of all others."""
    return {name: settings(name) for name in names() if name != but}


def check_used(queue, setting, value):
    """Each file that shows the setting has this value, so has the file in
    /proc, and messages go in and come out."""
    shown = {get(setting.param)} if setting.param and queue == FIRST else set()
    shown |= {show(queue, setting.file)} if setting.file else set()
    check(shown == {value}, f"it is {shown}, not {value}")
    status = os.stat(path(queue))
    used = {"mode": f"{stat.S_IMODE(status.st_mode):04o}",
            "uid": str(status.st_uid), "gid": str(status.st_gid)}
    check(used.get(setting.key, value) == value, f"{value}: {status}")
    send(queue, b"x")
    check(take(queue) == b"x", "not what was written")


def test_valid(way, setting):
    """The value is shown and used; other queues keep theirs."""
    set_to, queue, _, _ = WAYS[way]
    begin(way)
    # A load takes long, and the same code reads an entry at run time.
    for given, shown in setting.good[-1 if way == "key of queue= at load"
                                     else 0:]:
        for text in [given] if at_load(way) else [given, given + "\n"]:
            kept = None if at_load(way) else all_settings(but=queue)
            check(accepted(set_to(setting, text)), f"{text!r} is refused")
            check_used(queue, setting, shown)
            check(kept in (None, all_settings(but=queue)), "others change")


def test_invalid(way, setting):
    """One line in the log says why; nothing is created and nothing changes."""
    set_to, queue, _, _ = WAYS[way]
    begin(way)
    # No comma is in a key's value, and no empty write reaches the module.
    bad = [value for value in setting.bad if queue == FIRST or "," not in value]
    if way == "key of queue= at load":
        bad = [bad[1], bad[-2]]
    for value in bad:
        value = value if at_load(way) or "key" in way else value or "\n"
        kept = None if at_load(way) else all_settings()
        if at_load(way):
            unload()
        log = KernelLog()
        check(not accepted(set_to(setting, value), f"{value:.40}"),
              f"{value:.40} is accepted")
        check_complaint(log.lines(), label(queue, setting), value.strip())
        if kept:
            check(not accepted(set_to(setting, value + "\n"), f"{value:.40}"),
                  f"{value:.40} and a newline are accepted")
            check(kept == all_settings(), f"{value:.40}: a setting changes")


def test_defaults():
    """Nothing is given: both queues are alike."""
    for arguments in ["queue=x"], []:
        loaded(*arguments)
        if not arguments:
            make("x")
        for setting in SETTINGS:
            for queue in FIRST, "x":
                if setting.file or queue == FIRST:
                    check_used(queue, setting, setting.default)
            check(os.stat(path(queue)).st_size == 0, "it has a size")
    check(sorted(os.listdir(f"{SYS}/parameters")) ==
          sorted([each.param for each in SETTINGS if each.param] + ["queue"]),
          os.listdir(f"{SYS}/parameters"))


def test_inherited():
    """A key that is not given has the parameter's value: at load wherever the
    parameter stands, at run time the one of the moment."""
    both = [each for each in SETTINGS if each.param and each.key]
    given = {each.file: each.other for each in both}
    given |= {each.file: each.default for each in SETTINGS if not each.param}
    parameters = [f"{each.param}={each.other}" for each in both]
    for arguments in (["queue=x"] + parameters, parameters + ["queue=x"],
                      parameters[:4] + ["queue=x"] + parameters[4:]):
        loaded(*arguments)
        for queue in FIRST, "x":
            check(settings(queue) == given, f"{queue}: {settings(queue)}")
    loaded("queue=x,msg_max_size=5,mode=0600", "msg_max_size=77",
           "procfs_file_mode=640", "queue=y")
    check(not put("msg_max_size", "99"), "it cannot be changed at run time")
    make("z")
    found = [(show(queue, "msg_max_size"), show(queue, "mode"))
             for queue in "xyz"]
    check(found == [("5", "0600"), ("77", "0640"), ("99", "0640")], found)


def test_twice():
    """The last value counts, as where files in modprobe.d differ; an invalid
    one before it is refused."""
    loaded("msg_max_size=1", "procfs_name=first", "msg_max_size=78",
           "procfs_name=last")
    check(get("msg_max_size") == "78" and path(FIRST) == "/proc/last",
          path(FIRST))
    check(not os.path.exists("/proc/first"), "there are two files")
    make("x,msg_max_size=5,mode=0600,msg_max_size=6")
    check(show("x", "msg_max_size") == "6", settings("x"))
    log = KernelLog()
    check(not accepted(command("y,mode=0,mode=0600")), "it is accepted")
    check_complaint(log.lines(), "queue: entry 'y', key mode", "0")
    unload()
    check(not accepted(load("msg_max_size=0", "msg_max_size=1")), "it loads")


def test_name_alone():
    """A parameter's name alone: Y for those of Y and N, nothing for others."""
    for setting in SETTINGS:
        if setting.good[0][0] == "Y":
            loaded(setting.param)
            check(get(setting.param) == "Y", f"{setting.param} alone")
        elif setting.param:
            unload()
            check(load(setting.param), f"{setting.param} alone: it loads")
            check(not os.path.exists(SYS), f"{setting.param}: it is loaded")


@functools.lru_cache(None)
def least(size):
    """The smallest queue_max_bytes for this msg_max_size."""
    loaded(f"msg_max_size={size}")
    low, high = 0, 33554432     # refused, accepted
    while high - low > 1:
        middle = (low + high) // 2
        if put("queue_max_bytes", str(middle)):
            low = middle
        else:
            high = middle
    check(high > size, f"{high} bytes for a message of {size}")
    return high


def test_one_message(way):
    """queue_max_bytes has space for one message of msg_max_size, not less,
    whichever of the two is given first."""
    set_to, queue, _, set_both = WAYS[way]
    limits = {size: least(size) for size in (1, 1024, 4097, 1048576)}
    size_setting, setting = [each for each in SETTINGS if each.name in
                             ("msg_max_size", "queue_max_bytes")]

    def set_pair(size, limit, turn):
        if set_both:
            return set_both(*[f"msg_max_size={size}",
                              f"queue_max_bytes={limit}"][::turn])
        check(accepted(set_to(setting, str(ULONG_MAX))) and
              accepted(set_to(size_setting, str(size))), f"{size} is refused")
        return set_to(setting, str(limit))

    begin(way)
    for size, limit in limits.items():
        for turn in 1, -1:
            # The additional queue that comes with each load fits, too.
            check(accepted(set_pair(size, limit, turn), limit), f"{limit}")
            send(queue, b"x" * size)
            check(take(queue) == b"x" * size, "not what was written")
            if at_load(way):
                unload()
            log = KernelLog()
            check(not accepted(set_pair(size, limit - 1, turn), limit),
                  f"{limit - 1} for {size}: it is accepted")
            check_complaint(log.lines(), label(queue, setting), str(limit - 1))


def test_pair():
    """The two limits have to fit each other wherever each comes from; the
    complaint names queue_max_bytes."""
    def refused(result, log, queue, value):
        check(not accepted(result), f"{queue}: it is accepted")
        check_complaint(log.lines(), "queue_max_bytes" if queue == FIRST else
                        f"queue: entry '{queue}', key queue_max_bytes", value)

    loaded("queue_max_bytes=100000", "queue=other")
    for spec, value in (("x,msg_max_size=100000", "100000"),
                        ("x,queue_max_bytes=1024", "1024")):
        log = KernelLog()
        refused(command(spec), log, "x", value)
    for queue in FIRST, "other":
        check(not store(queue, "msg_max_size", "77"), queue)
        check(not store(queue, "queue_max_bytes", "5000"), queue)
        kept = settings(queue)
        log = KernelLog()
        refused(store(queue, "msg_max_size", "5000"), log, queue, "5000")
        check(settings(queue) == kept, settings(queue))
        send(queue, b"x" * 77)
        check(take(queue) == b"x" * 77, "not what was written")
    unload()
    log = KernelLog()
    refused(load("queue=x", "queue=y,msg_max_size=100000",
                 "queue_max_bytes=100000"), log, "y", "100000")


SETTINGS = [Setting(*each) for each in SETTINGS]
TESTS = [("defaults", test_defaults),
         ("a key that is not given has the parameter's value, in any order",
          test_inherited)]
for a_way, (_, _, has, _) in WAYS.items():
    for each in filter(has, SETTINGS):
        TESTS += [
            (f"{each.name}, {a_way}: valid values",
             partial(test_valid, a_way, each)),
            (f"{each.name}, {a_way}: invalid values",
             partial(test_invalid, a_way, each))]
    TESTS.append((f"queue_max_bytes, {a_way}: space for exactly one message",
                  partial(test_one_message, a_way)))
TESTS += [
    ("queue_max_bytes and msg_max_size fit each other", test_pair),
    ("a parameter or key given twice", test_twice),
    ("a parameter's name without a value", test_name_alone),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
