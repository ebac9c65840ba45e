#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A task that is stopped (SIGSTOP, a debugger, a frozen container) keeps
nobody else from reading and writing, whatever it was about to do."""
import os
import select
import signal
import sys
import time

from module import QUEUE, loaded, stat
from tap import check, run

SECONDS = 60        # a guard


class Child:
    """A child that runs a function, which gives bytes for us."""

    def __init__(self, function):
        self.out, out = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self.out)
            os.write(out, function(out) or b"")
            os._exit(0)
        os.close(out)

    def sleeps(self):
        """Waits until the child does."""
        self.state("S")

    def state(self, wanted):
        """Waits until the child is in that state."""
        end = time.monotonic() + SECONDS
        while True:
            with open(f"/proc/{self.pid}/stat", encoding="ascii",
                      errors="replace") as file:
                state = file.read().rsplit(")", 1)[1].split()[0]
            if state == wanted:
                return
            check(time.monotonic() < end, f"its state is {state}")
            time.sleep(0.02)

    def stop(self):
        """Stops it, in a moment."""
        os.kill(self.pid, signal.SIGSTOP)
        self.state("T")

    def go_on(self):
        """Lets it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def get(self, count=65536):
        """The next bytes from it."""
        ready, _, _ = select.select([self.out], [], [], SECONDS)
        check(ready, "nothing from the child")
        return os.read(self.out, count)

    def end(self):
        """Be rid of it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.out)


def write(message):
    """One message, which must not wait."""
    fd = os.open(QUEUE, os.O_WRONLY | os.O_NONBLOCK)
    os.write(fd, message)
    os.close(fd)


def read():
    """One message, which must not wait."""
    fd = os.open(QUEUE, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(fd, 1024)
    finally:
        os.close(fd)


def test_reader_in_message():
    """Stopped when it has half of a message; then it gets the rest."""
    loaded()

    def half(out):
        fd = os.open(QUEUE, os.O_RDONLY)
        os.write(out, os.read(fd, 3))
        signal.pause()

    def rest(out):
        fd = os.open(QUEUE, os.O_RDONLY)
        os.write(out, os.read(fd, 3))
        os.kill(os.getpid(), signal.SIGSTOP)
        return os.read(fd, 1024)

    for function in half, rest:
        write(b"abcdef")
        child = Child(function)
        check(child.get() == b"abc", "no half of a message")
        if function is half:
            child.stop()
        else:
            child.state("T")
        for number in range(100):
            write(b"%d" % number)
            got = read()
            check(got == b"%d" % number, f"{got}, not {number}")
        if function is rest:
            child.go_on()
            check(child.get() == b"def", "not the rest")
        child.end()
    check(stat("dropped") == 1, f"{stat('dropped')} dropped, not the one half")


def wait_and_read(out):
    """A reader that waits in read()."""
    fd = os.open(QUEUE, os.O_RDONLY)
    return os.read(fd, 1024)


def poll_and_read(out):
    """A reader that waits in epoll, as one of several."""
    fd = os.open(QUEUE, os.O_RDONLY | os.O_NONBLOCK)
    events = select.epoll()
    events.register(fd, select.EPOLLIN | select.EPOLLEXCLUSIVE)
    while True:
        events.poll()
        try:
            return os.read(fd, 1024)
        except BlockingIOError:
            pass


def test_waiting_reader(function):
    """Two wait, and either may be the one that is stopped."""
    for stopped in 0, 1:
        loaded("read_wait=Y")
        children = []
        for _ in range(2):
            children.append(Child(function))
            children[-1].sleeps()
        children[stopped].stop()
        write(b"first")
        got = children[1 - stopped].get()
        check(got == b"first", f"the other reader got {got}")
        children[stopped].go_on()
        write(b"second")
        got = children[stopped].get()
        check(got == b"second", f"the one that was stopped got {got}")
        for child in children:
            child.end()


def fill():
    """Fills the queue; gives how many messages."""
    fd = os.open(QUEUE, os.O_WRONLY | os.O_NONBLOCK)
    count = 0
    try:
        while True:
            os.write(fd, b"x" * 1024)
            count += 1
    except BlockingIOError:
        return count
    finally:
        os.close(fd)


def test_waiting_writer():
    """The room goes to the other writer."""
    def wait_and_write(out):
        fd = os.open(QUEUE, os.O_WRONLY)
        os.write(fd, b"y")
        return b"written"

    for stopped in 0, 1:
        loaded("queue_max_bytes=16384")
        fill()
        children = []
        for _ in range(2):
            children.append(Child(wait_and_write))
            children[-1].sleeps()
        children[stopped].stop()
        read()
        got = children[1 - stopped].get()
        check(got == b"written", f"from the other writer: {got}")
        children[stopped].go_on()
        read()
        got = children[stopped].get()
        check(got == b"written", f"from the one that was stopped: {got}")
        for child in children:
            child.end()


def test_full():
    """A full queue, its writers asleep, is in no other's way."""
    loaded("queue_max_bytes=16384")
    count = fill()
    check(count > 2, f"{count} messages fill it")

    def write_on(out):
        fd = os.open(QUEUE, os.O_WRONLY)
        os.write(fd, b"last")
        return b"written"

    child = Child(write_on)
    child.sleeps()
    check(stat("queued") == count, f"{stat('queued')} of {count} queued")
    fd = os.open(QUEUE, os.O_RDONLY | os.O_NONBLOCK)
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    check(poll.poll(0) == [(fd, select.POLLIN)], "poll sees no message")
    for _ in range(count):
        check(os.read(fd, 1024) == b"x" * 1024, "not what was written")
    check(child.get() == b"written", "the writer did not go on")
    check(os.read(fd, 1024) == b"last", "not the last message")
    os.close(fd)
    child.end()


sys.exit(run([
    ("a reader in the middle of a message", test_reader_in_message),
    ("a reader that waits", lambda: test_waiting_reader(wait_and_read)),
    ("a reader in epoll, exclusively",
     lambda: test_waiting_reader(poll_and_read)),
    ("a writer that waits for room", test_waiting_writer),
    ("writers asleep at a full queue", test_full),
]))
