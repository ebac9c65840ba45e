#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Queues made and removed while the module is in use: what is there after it,
and what is refused with which errno. As root where modprobe finds the module.
"""
import errno
import os
import signal
import subprocess
import sys

from module import SYS, KernelLog, loaded, open_as, unload
from queues import (COUNTERS, DIR, FIRST, check_gone, command, make,
                    names, opened, path, remove, send, settings, show, store,
                    take)
from tap import check, run

# user id, group id, other groups
MEMBER = 1002, 2001, []
OTHER = 1003, 2002, []


def refused(words, wanted):
    """A command fails with this errno, and changes and logs nothing."""
    before = {name: settings(name) for name in names()}
    log = KernelLog()
    got = command(words)
    check(got == wanted, f"{words}: {os.strerror(got)}, not "
          f"{os.strerror(wanted)}")
    check(not log.lines(), f"{words}: it is logged")
    check({name: settings(name) for name in names()} == before, words)
    check(sorted([FIRST] + os.listdir(DIR)) == names(), os.listdir(DIR))


def counters(queue):
    """All counters of a queue."""
    return {name: int(show(queue, name)) for name in COUNTERS}


def test_made_and_removed():
    """A queue is there as soon as the write returns, and gone likewise; the
    next of its name is a new one."""
    loaded()
    check(names() == [FIRST] and not os.listdir(DIR), names())
    for mode in "0600", "0644", "0600":
        make(f"x,mode={mode},msg_max_size=100")
        check(names() == sorted([FIRST, "x"]), names())
        check(os.listdir(DIR) == ["x"], os.listdir(DIR))
        check(f"{os.stat(path('x')).st_mode & 0o7777:04o}" == mode, mode)
        check(not any(counters("x").values()), counters("x"))
        send("x", b"message")
        check(not store("x", "msg_max_size", "50"), "no live change")
        check(take("x") == b"message", "not what was written")
        remove("x")
        check_gone("x")
        refused("-x", errno.ENOENT)


def test_silent():
    """Making and removing logs nothing."""
    loaded()
    log = KernelLog()
    make("x")
    remove("x")
    check(not log.lines(), "something is logged")


def test_as_echo_does():
    """The shell's echo, with its newline, and a bad one's status."""
    loaded()
    for words, status in ("jobs,mode=0660,gid=33", 0), ("jobs", 1), \
            ("-jobs", 0), ("-jobs", 1), ("jobs,mode=999", 1):
        done = subprocess.run(
            ["sh", "-c", f"echo {words} > {SYS}/parameters/queue"],
            check=False, capture_output=True, text=True)
        check(bool(done.returncode) == bool(status), f"{words}: {done}")


def test_exists():
    """EEXIST: there is one, whatever the other words are."""
    loaded("queue=x,mode=0600,msg_max_size=5")
    send("x", b"stays")
    for words in "x", "x,mode=0600,msg_max_size=5", "x,mode=0666":
        refused(words, errno.EEXIST)
    make("y")
    refused("y\n", errno.EEXIST)
    check(take("x") == b"stays", "its message is gone")


def test_none():
    """ENOENT: there is none of this name."""
    loaded("queue=x")
    for name in "y", "X", "xx", "", "-x", "x,mode=0666", "n" * 64, "../x", ".":
        refused(f"-{name}", errno.ENOENT)


def gone(fd, otherwise):
    """What an O_PATH descriptor names cannot be opened any more."""
    try:
        os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
    except OSError as error:
        check(error.errno == errno.ENOENT, error)
    else:
        check(False, otherwise)


def test_open():
    """EBUSY: somebody has it open, in any way, and goes on using it."""
    loaded("queue=x")
    for flags in os.O_RDONLY, os.O_WRONLY, os.O_RDWR:
        for extra in 0, os.O_NONBLOCK:
            fd = os.open(path("x"), flags | extra)
            refused("-x", errno.EBUSY)
            copy = os.dup(fd)
            os.close(fd)
            refused("-x", errno.EBUSY)
            os.close(copy)
    # An open that has no access to the queue counts for nothing.
    fd = os.open(path("x"), os.O_PATH)
    remove("x")
    check_gone("x")
    gone(fd, "a removed queue's file can be opened")
    make("x")
    gone(fd, "the old file opens the new queue")
    os.close(fd)


def reader_waits():
    """A process that waits for a message of x."""
    pid = os.fork()
    if not pid:
        os.read(os.open(path("x"), os.O_RDONLY), 10)
        os._exit(0)
    while show("x", "waiting_readers") != "1":
        pass
    return pid


def test_open_elsewhere():
    """EBUSY as long as the last process lives that has it open, however it
    waits there."""
    loaded("queue=x,read_wait=Y")
    pid = reader_waits()
    refused("-x", errno.EBUSY)
    send("x", b"wake up")
    check(os.waitpid(pid, 0)[1] == 0, "the reader has failed")
    pid = reader_waits()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    remove("x")
    check_gone("x")


def test_failed_opens_count_for_nothing():
    """What is refused does not keep a queue."""
    loaded("queue=x,mode=0600")
    check(open_as(OTHER, path("x"), os.O_RDWR) == errno.EACCES, "no EACCES")
    done = subprocess.run(["unshare", "--pid", "--fork", "cat", path("x")],
                          check=False, capture_output=True, text=True)
    check("ermission denied" in done.stderr, done)
    check(done.returncode, done)
    remove("x")


def test_not_empty():
    """ENOTEMPTY until each message has been read, by whom ever."""
    loaded("queue=x")
    send("x", b"one")
    send("x", b"two")
    refused("-x", errno.ENOTEMPTY)
    check(take("x") == b"one", "not the first")
    refused("-x", errno.ENOTEMPTY)
    check(take("x") == b"two", "not the second")
    remove("x")
    check_gone("x")


def test_returned_is_not_empty():
    """EBUSY while a reader holds a message, ENOTEMPTY once it came back."""
    loaded("queue=x,read_ack=Y")
    send("x", b"again")
    for _ in range(3):
        with opened("x", os.O_RDONLY) as fd:
            check(os.read(fd, 100) == b"again", "not what was written")
            check(show("x", "held") == "1", show("x", "held"))
            refused("-x", errno.EBUSY)
        refused("-x", errno.ENOTEMPTY)
    check(take("x") == b"again", "it is lost")
    remove("x")


def test_dead_queue():
    """EBUSY: another's dead queue stays, while there is another."""
    loaded("queue=a,max_deliveries=1,dead=d", "queue=d")
    refused("-d", errno.EBUSY)
    make("b,max_deliveries=1,dead=d,read_ack=Y")
    remove("a")
    refused("-d", errno.EBUSY)
    # A refused one leaves no claim.
    check(command("b,max_deliveries=1,dead=d") == errno.EEXIST, "no EEXIST")
    check(command("c,max_deliveries=1,dead=d,mode=0") == errno.EINVAL,
          "no EINVAL")
    send("b", b"poison")
    with opened("b", os.O_RDONLY) as fd:
        os.read(fd, 100)
    check(show("d", "queued") == "1" and show("b", "dead") == "1",
          "it has not moved")
    remove("b")
    refused("-d", errno.ENOTEMPTY)
    check(take("d") == b"poison", "not what was written")
    remove("d")
    check(names() == [FIRST], names())


def test_dead_first():
    """The first queue may be a dead queue, and takes no part in removals."""
    loaded("queue=x,max_deliveries=1,dead=msg_queue,read_ack=Y")
    send("x", b"poison")
    with opened("x", os.O_RDONLY) as fd:
        os.read(fd, 100)
    check(take(FIRST) == b"poison", "it has not moved")
    remove("x")
    unload()


def test_two_groups():
    """Two queues for two groups, and each refused to the other."""
    loaded("queue=jobs,mode=0660,gid=2001", "queue=mail,mode=0660,gid=2002")
    make("live,mode=0660,gid=2001")
    for name, let_in, refused_one in (("jobs", MEMBER, OTHER),
                                      ("mail", OTHER, MEMBER),
                                      ("live", MEMBER, OTHER)):
        for flags in os.O_RDONLY, os.O_WRONLY, os.O_RDWR:
            check(open_as(let_in, path(name), flags) == 0, f"{name}: its group")
            check(open_as(refused_one, path(name), flags) == errno.EACCES,
                  f"{name}: the other group")
    check(open_as(OTHER, path(FIRST), os.O_RDWR) == 0, "the first queue")


def test_only_root():
    """Users look at parameters, settings and counters, and change nothing; they
    make and remove no queue."""
    loaded("queue=x")
    for directory in "parameters", f"queues/{FIRST}", "queues/x":
        for name in os.listdir(f"{SYS}/{directory}"):
            file = f"{SYS}/{directory}/{name}"
            # What is written to it is done, and not kept.
            check(open_as(OTHER, file, os.O_RDONLY) ==
                  (errno.EACCES if name == "queue" else 0), f"{file}: read")
            check(open_as(OTHER, file, os.O_WRONLY) == errno.EACCES,
                  f"{file}: not refused")


def test_containers():
    """Each queue's own "containers" decides about it."""
    loaded("queue=shared,containers=Y", "queue=own", "queue=late")
    inside = ["unshare", "--mount", "--pid", "--fork"]

    def tried(extra):
        done = subprocess.run(
            [*inside, *extra, "sh", "-c",
             f"cd {DIR} && for q in *; do true < $q && echo $q; done"],
            check=False, capture_output=True, text=True)
        return done.stdout.split()

    for extra in [], ["--mount-proc"]:
        check(tried(extra) == ["shared"], tried(extra))
    check(not store("late", "containers", "Y"), "it is not live")
    check(not store("shared", "containers", "0"), "it is not live")
    for extra in [], ["--mount-proc"]:
        check(tried(extra) == ["late"], tried(extra))
    # One that may be opened there may be bind-mounted, and is all that shows.
    done = subprocess.run(
        [*inside, "sh", "-c", "touch /tmp/jobs && "
         f"mount --bind {DIR}/late /tmp/jobs && mount -t tmpfs none /proc && "
         "echo inside > /tmp/jobs"], check=False, capture_output=True,
        text=True)
    check(not done.returncode, done)
    check(take("late") == b"inside\n", "not what was written inside")
    # A container's root makes no queue, unless it is the host's root.
    done = subprocess.run(
        ["setpriv", "--reuid=1003", "--regid=1003", "--clear-groups",
         "unshare", "--user", "--map-root-user", *inside[1:], "sh", "-c",
         f"echo y > {SYS}/parameters/queue"], check=False,
        capture_output=True, text=True)
    check("ermission denied" in done.stderr, done)
    check("y" not in names(), names())


def test_mount_stays_no_queue():
    """A file that is bind-mounted when its queue goes leads nowhere."""
    loaded("queue=x")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c",
         f"touch /tmp/mounted; mount --bind {path('x')} /tmp/mounted && "
         f"echo -x > {SYS}/parameters/queue && cat /tmp/mounted"],
        check=False, capture_output=True, text=True)
    check("No such file" in done.stderr, done)
    check_gone("x")


def test_open_files_in_sysfs():
    """A file in sysfs that stays open when its queue goes keeps nobody
    waiting, and leads nowhere; the next queue's is another."""
    loaded("queue=x")
    reads = os.open(f"{SYS}/queues/x/queued", os.O_RDONLY)
    writes = os.open(f"{SYS}/queues/x/msg_max_size", os.O_WRONLY)
    here = os.open(f"{SYS}/queues/x", os.O_RDONLY)
    remove("x")
    check_gone("x")
    for attempt in 1, 2:
        for what, call in (("read", lambda: os.pread(reads, 10, 0)),
                           ("write", lambda: os.write(writes, b"5"))):
            try:
                call()
            except OSError as error:
                check(error.errno == errno.ENODEV, f"{what}: {error}")
            else:
                check(False, f"{what} {attempt}: it goes on")
        check(not os.listdir(here), os.listdir(here))
        if attempt == 1:
            make("x")
    check(show("x", "msg_max_size") == "8192", "the old file sets the new one")
    for fd in reads, writes, here:
        os.close(fd)


TESTS = [
    ("created, removed, and created again", test_made_and_removed),
    ("creating and removing logs nothing", test_silent),
    ("as echo does it", test_as_echo_does),
    ("EEXIST: the queue exists", test_exists),
    ("ENOENT: the queue does not exist", test_none),
    ("EBUSY: it is open", test_open),
    ("EBUSY: another process has it open", test_open_elsewhere),
    ("opens that are refused do not keep it",
     test_failed_opens_count_for_nothing),
    ("ENOTEMPTY: the queue has messages", test_not_empty),
    ("EBUSY while a message is held, ENOTEMPTY once it has returned",
     test_returned_is_not_empty),
    ("EBUSY: it is somebody's dead queue", test_dead_queue),
    ("the default queue as a dead queue", test_dead_first),
    ("two queues for two groups", test_two_groups),
    ("users create, remove and set nothing", test_only_root),
    ("containers: each queue has its own", test_containers),
    ("a file bind-mounted elsewhere leads nowhere afterwards",
     test_mount_stays_no_queue),
    ("files of its directory that stay open lead nowhere",
     test_open_files_in_sysfs),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
