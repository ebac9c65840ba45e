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

from module import (SYS, KernelLog, check_complaint, check_not_loaded, get,
                    load, loaded, put, unload)
from queues import (FIRST, WRITABLE, check_gone, command, make, names, path,
                    remove, send, settings, show, store, take)
from tap import check, run

ULONG_MAX = 2 ** (8 * struct.calcsize("P")) - 1

BOOL = ["Y", "N", ("1", "Y"), ("0", "N"), ("y", "Y"), ("n", "N"), ("on", "Y"),
        ("off", "N")]
NO_BOOL = ["", "2", "maybe", "-1", "=Y"]
NO_NUMBER = ["", "abc", "12abc", "1.5", "-1", "1e3", "0x", "--1", "=1", "1,2",
             "9" * 30, "1" * 1000]
ID = ["0", "1000", "65534", "4294967294", ("0x10", "16")]
NO_ID = NO_NUMBER + ["4294967295", "4294967296"]


class Setting:
    """A setting: its default and another value; valid values, as given and
    as shown where that differs; invalid ones. @param is its module parameter,
    @key its key in an entry, @file its name in sysfs; "" if it has none."""

    def __init__(self, names_, default, other, good, bad):
        self.param, self.key, self.file = names_
        self.default, self.other = default, other
        self.good = [value if isinstance(value, tuple) else (value, value)
                     for value in good]
        self.bad = bad
        self.name = self.key or self.param

    def entry(self, value):
        """An entry of the queue x with it; two keys need each other."""
        line, newline, _ = value.partition("\n")
        with_it = {"max_deliveries": ",dead=other", "dead": ",max_deliveries=3"}
        return f"x,{self.key}={line}{with_it.get(self.key, '')}{newline}"


SETTINGS = [
    Setting(("procfs_name", "", ""), "msg_queue", "other_name",
            ["m", "12a", "...", ".hidden", "queue-1.0", "-", "ü",
             ('"two words"', "two words"), "n" * 255],
            ["", ".", "..", "/", "a/b", "/queue", "queue/", "0", "1", "4711",
             "4294967296", "n" * 256, "n" * 1000, "self", "thread-self",
             "cpuinfo", "sys", "mounts", "net", "fs", "msg_queues"]),
    Setting(("procfs_file_mode", "mode", "mode"), "0666", "0640",
            ["0666", "0660", ("660", "0660"), ("600", "0600"), ("4", "0004"),
             ("00222", "0222"), "0400"],
            ["", "0", "000", "777", "0777", "1666", "4600", "667", "111", "1",
             "888", "rw", "-1", "-660", "0x1b6", "0o660", "66666666666",
             "6" * 1000]),
    Setting(("procfs_uid", "uid", "uid"), "0", "1001", ID, NO_ID),
    Setting(("procfs_gid", "gid", "gid"), "0", "2001", ID, NO_ID),
    Setting(("msg_max_size",) * 3, "8192", "77",
            ["1", "2", "1024", "1048576", ("0x400", "1024"), ("010", "8")],
            NO_NUMBER + ["0", "1048577", "4294967296", "4294967297",
                         "18446744073709551617"]),
    Setting(("queue_max_bytes",) * 3, "33554432", "88888",
            ["16384", "33554432", str(ULONG_MAX)],
            NO_NUMBER + ["0", "1", "1023", "1024", str(ULONG_MAX + 1)]),
    Setting(("read_wait",) * 3, "N", "Y", BOOL, NO_BOOL),
    Setting(("read_eof",) * 3, "Y", "N", BOOL, NO_BOOL),
    Setting(("read_ack",) * 3, "N", "Y", BOOL, NO_BOOL),
    Setting(("containers",) * 3, "N", "Y", BOOL, NO_BOOL),
    Setting(("", "max_deliveries", "max_deliveries"), "0", "",
            ["1", "2", "1000"], NO_NUMBER + ["0", "1001", "4294967297"]),
    Setting(("", "dead", "dead_queue"), "", "", ["other", "msg_queue"],
            ["", "nosuch", "x", "..", "a/b", "-other", "n" * 64, "n" * 500]),
]


# ---- the ways to set a setting: each gives whether the value is accepted ----

def at_load(what, argument):
    """Loads with this argument, and with one more queue."""
    unload()
    complaint = load(argument, "queue=other")
    if complaint:
        check_not_loaded(complaint, what)
    return not complaint


def at_run_time(what, error):
    """The result of a write to sysfs."""
    check(error in (0, errno.EINVAL), f"{what}: {os.strerror(error)}")
    return not error


def as_parameter_at_load(setting, value):
    """As a parameter of modprobe."""
    return at_load(f"{value:.40}", f"{setting.param}={value}")


def as_parameter(setting, value):
    """In /sys/module/kmsg_queue/parameters."""
    return at_run_time(f"{value:.40}", put(setting.param, value))


def as_key_at_load(setting, value):
    """In an entry of a parameter of modprobe."""
    return at_load(f"{value:.40}", f"queue={setting.entry(value)}")


def as_key(setting, value):
    """In an entry that is written at run time, of a new queue."""
    if "x" in names():
        remove("x")
        check_gone("x")
    before = names()
    valid = at_run_time(f"{value:.40}", command(setting.entry(value)))
    check(names() == sorted(before + ["x"] * valid), names())
    return valid


def in_sysfs(queue, setting, value):
    """In the directory of the queue in sysfs."""
    return at_run_time(f"{value:.40}", store(queue, setting.file, value))


class Way:
    """A way to set settings of a queue, of those that it @has. @few: some
    values are enough."""

    def __init__(self, title, queue, set_, has, few=False):
        self.title, self.queue, self.set, self.has = title, queue, set_, has
        self.few = few
        self.loads = "load" in title
        self.entry = queue != FIRST

    def begin(self):
        """Has what the way needs."""
        if not self.loads:
            loaded("queue=other")
            if "sysfs" in self.title:
                make("x")

    def shown(self, setting):
        """The value, which every file that shows it has."""
        found = set()
        if setting.param and not self.entry:
            found.add(get(setting.param))
        if setting.file:
            found.add(show(self.queue, setting.file))
        check(len(found) == 1, f"{setting.name} is {found}")
        return found.pop()

    def complaint(self, setting):
        """What a line in the log says of the setting."""
        return f"queue: entry 'x', key {setting.key}" if self.entry else \
            setting.param

    def invalid(self, setting):
        """The values to be refused."""
        bad = [value for value in setting.bad
               if not (self.entry and "," in value)]
        # A write of no bytes does not reach the module.
        if not self.loads and "queue=" not in self.title:
            bad = [value or "\n" for value in bad]
        return [bad[1], bad[-2]] if self.few else bad

    def valid(self, setting):
        """The values to be accepted, as given and as shown."""
        return setting.good[-1:] if self.few else setting.good


WAYS = [
    Way("parameter at load", FIRST, as_parameter_at_load,
        lambda setting: setting.param),
    Way("parameter at run time", FIRST, as_parameter,
        lambda setting: setting.param in WRITABLE),
    # A load takes long, and the same code reads an entry at run time.
    Way("key of queue= at load", "x", as_key_at_load,
        lambda setting: setting.key, few=True),
    Way("key of queue= at run time", "x", as_key,
        lambda setting: setting.key),
    Way("sysfs, queue msg_queue", FIRST, functools.partial(in_sysfs, FIRST),
        lambda setting: setting.file in WRITABLE),
    Way("sysfs, additional queue", "x", functools.partial(in_sysfs, "x"),
        lambda setting: setting.file in WRITABLE),
]


def others(queue):
    """The settings of all queues but this one."""
    return {name: settings(name) for name in names() if name != queue}


def check_used(queue, setting, value):
    """The file has this value, and messages go in and come out."""
    status = os.stat(path(queue))
    used = {"mode": f"{stat.S_IMODE(status.st_mode):04o}",
            "uid": str(status.st_uid), "gid": str(status.st_gid)}
    check(used.get(setting.key, value) == value, f"{value}: {status}")
    send(queue, b"x")
    check(take(queue) == b"x", "not what was written")


def test_valid(way, setting):
    """The value is shown and used; other queues keep theirs."""
    way.begin()
    for given, read_back in way.valid(setting):
        for text in [given] if way.loads else [given, given + "\n"]:
            kept = None if way.loads else others(way.queue)
            check(way.set(setting, text), f"{text!r} is refused")
            check(way.shown(setting) == read_back,
                  f"{text!r} is shown as {way.shown(setting)}")
            check_used(way.queue, setting, read_back)
            check(way.loads or others(way.queue) == kept, "others change")


def test_invalid(way, setting):
    """One line in the log says why; nothing is created and nothing changes."""
    way.begin()
    if way.loads:
        unload()
    for value in way.invalid(setting):
        kept = None if way.loads else {name: settings(name)
                                       for name in names()}
        log = KernelLog()
        check(not way.set(setting, value), f"{value:.40}: it is accepted")
        check_complaint(log.lines(), way.complaint(setting), value.strip())
        check(way.loads or not way.set(setting, value + "\n"),
              f"{value:.40} and a newline: it is accepted")
        check(way.loads or kept == {name: settings(name) for name in names()},
              f"{value:.40}: a setting changes")


# ---- what settings have to do with each other ----

def test_defaults():
    """Nothing is given: both queues are alike."""
    for at_once in True, False:
        loaded(*["queue=x"] * at_once)
        if not at_once:
            make("x")
        for setting in SETTINGS:
            if setting.param:
                check(get(setting.param) == setting.default, setting.param)
            for queue in (FIRST, "x") if setting.file else ():
                check(show(queue, setting.file) == setting.default,
                      f"{queue}/{setting.file}")
        for queue in FIRST, "x":
            status = os.stat(path(queue))
            check((stat.S_IMODE(status.st_mode), status.st_uid,
                   status.st_gid, status.st_size) == (0o666, 0, 0, 0), status)
            send(queue, b"message")
            check(take(queue) == b"message", "not what was written")
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
    check((show("x", "msg_max_size"), show("x", "mode")) == ("5", "0600"),
          settings("x"))
    check((show("y", "msg_max_size"), show("y", "mode")) == ("77", "0640"),
          settings("y"))
    check(not put("msg_max_size", "99"), "it cannot be changed at run time")
    make("z")
    check(show("z", "msg_max_size") == "99", settings("z"))
    check(show("y", "msg_max_size") == "77", "y has changed with it")


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
    check(command("y,mode=0,mode=0600") == errno.EINVAL, "it is accepted")
    check_complaint(log.lines(), "queue: entry 'y', key mode", "0")
    unload()
    check_not_loaded(load("msg_max_size=0", "msg_max_size=1"), "0, then 1")


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


def accepts(way, size, limit, turn):
    """Whether the pair is accepted, in this order."""
    pair = [f"msg_max_size={size}", f"queue_max_bytes={limit}"][::turn]
    if way.loads:
        return at_load(pair, f"queue=x,{','.join(pair)}") if way.entry else \
            not load_pair(pair)
    if "queue=" in way.title:
        if "x" in names():
            remove("x")
        return at_run_time(pair, command(f"x,{','.join(pair)}"))
    # What is set first has to fit the other as it is.
    for name, value in ("queue_max_bytes", ULONG_MAX), ("msg_max_size", size):
        check(not store(way.queue, name, str(value)), f"{name}={value}")
    return at_run_time(pair, put("queue_max_bytes", str(limit)) if
                       "parameter" in way.title else
                       store(way.queue, "queue_max_bytes", str(limit)))


def load_pair(pair):
    """Loads with these parameters; gives modprobe's complaint."""
    unload()
    complaint = load(*pair)
    if complaint:
        check_not_loaded(complaint, pair)
    return complaint


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
    """queue_max_bytes has space for one message of msg_max_size, not less."""
    limits = {size: least(size) for size in (1, 1024, 4097, 1048576)}
    way.begin()
    setting = next(each for each in SETTINGS if each.key == "queue_max_bytes")
    for size, limit in limits.items():
        for turn in 1, -1:
            check(accepts(way, size, limit, turn), f"{limit} for {size}")
            send(way.queue, b"x" * size)
            check(take(way.queue) == b"x" * size, "not what was written")
            if way.loads:
                unload()
            log = KernelLog()
            check(not accepts(way, size, limit - 1, turn),
                  f"{limit - 1} for {size}")
            check_complaint(log.lines(), way.complaint(setting),
                            str(limit - 1))


def test_pair():
    """The two limits have to fit each other wherever each comes from; the
    complaint names queue_max_bytes."""
    def refused(call, which, value):
        log = KernelLog()
        check(call() == errno.EINVAL, f"{which}: it is accepted")
        check_complaint(log.lines(), which, value)

    entry = "queue: entry '{}', key queue_max_bytes"
    loaded("queue_max_bytes=100000", "queue=other")
    refused(lambda: command("x,msg_max_size=100000"), entry.format("x"),
            "100000")
    refused(lambda: command("x,queue_max_bytes=1024"), entry.format("x"),
            "1024")
    for queue, which in ((FIRST, "queue_max_bytes"),
                         ("other", entry.format("other"))):
        # 5000 bytes cannot hold a message of the default size.
        check(not store(queue, "msg_max_size", "77"), queue)
        check(not store(queue, "queue_max_bytes", "5000"), queue)
        kept = settings(queue)
        refused(functools.partial(store, queue, "msg_max_size", "5000"),
                which, "5000")
        check(settings(queue) == kept, settings(queue))
        send(queue, b"x" * 77)
        check(take(queue) == b"x" * 77, "not what was written")
    unload()
    log = KernelLog()
    check_not_loaded(load("queue=x", "queue=y,msg_max_size=100000",
                          "queue_max_bytes=100000"), "too little space")
    check_complaint(log.lines(), entry.format("y"), "100000")


TESTS = [("defaults", test_defaults),
         ("a key that is not given has the parameter's value, in any order",
          test_inherited)]
for each_way in WAYS:
    for one in filter(each_way.has, SETTINGS):
        TESTS += [(f"{one.name}, {each_way.title}: {kind} values",
                   functools.partial(test, each_way, one))
                  for kind, test in (("valid", test_valid),
                                     ("invalid", test_invalid))]
TESTS += [(f"queue_max_bytes, {each_way.title}: space for exactly one message",
           functools.partial(test_one_message, each_way)) for each_way in WAYS]
TESTS += [
    ("queue_max_bytes and msg_max_size fit each other", test_pair),
    ("a parameter or key given twice", test_twice),
    ("a parameter's name without a value", test_name_alone),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
