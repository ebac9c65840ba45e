# SPDX-License-Identifier: GPL-2.0-only
"""Further queues, for the tests in Python: made, removed, looked at."""
import contextlib
import os

from module import DIR, SYS, get, put, write
from tap import check

FIRST = "msg_queue"

WRITABLE = ("msg_max_size", "queue_max_bytes", "read_wait", "read_eof",
            "read_ack", "containers")
FIXED = ("mode", "uid", "gid", "max_deliveries", "dead_queue")
COUNTERS = ("queued", "queued_bytes", "held", "enqueued", "dequeued",
            "dropped", "returned", "dead", "high_water_bytes",
            "oldest_age_ms", "waiting_readers", "waiting_writers")


def path(queue):
    """A queue's file."""
    return f"/proc/{get('procfs_name')}" if queue == FIRST else \
        f"{DIR}/{queue}"


def command(words):
    """Writes words to the parameter "queue"; gives the errno, 0 if there is
    none."""
    return put("queue", words)


def make(words):
    """Makes a queue."""
    error = command(words)
    check(not error, f"queue={words:.80}: {os.strerror(error)}")


def remove(name):
    """Removes a queue."""
    error = command(f"-{name}")
    check(not error, f"queue=-{name}: {os.strerror(error)}")


def names():
    """The queues that there are, as sysfs has them."""
    return sorted(os.listdir(f"{SYS}/queues"))


def show(queue, name):
    """A setting or a counter, as text."""
    with open(f"{SYS}/queues/{queue}/{name}", encoding="utf-8") as file:
        value = file.read()
    check(value.endswith("\n") and "\n" not in value[:-1],
          f"{queue}/{name}: {value!r} is not one line")
    return value[:-1]


def store(queue, name, value):
    """Changes a setting; gives the errno, 0 if there is none."""
    return write(f"{SYS}/queues/{queue}/{name}", value)


def settings(queue):
    """All settings of a queue."""
    return {name: show(queue, name) for name in WRITABLE + FIXED}


def send(queue, text):
    """Puts a message in, without waiting."""
    with opened(queue, os.O_WRONLY) as fd:
        check(os.write(fd, text) == len(text), "a write was cut")


def take(queue):
    """Takes a message out and confirms it; None if there is none."""
    with opened(queue, os.O_RDONLY) as fd:
        try:
            text = os.read(fd, 1 << 20)
        except BlockingIOError:
            return None
        os.fsync(fd)
        return text


@contextlib.contextmanager
def opened(queue, flags):
    """A queue's file, open with O_NONBLOCK."""
    fd = os.open(path(queue), flags | os.O_NONBLOCK)
    try:
        yield fd
    finally:
        os.close(fd)


def check_gone(name):
    """Nothing is left of a queue."""
    check(name not in names(), f"/sys has {name}")
    check(name not in os.listdir(DIR), f"{DIR} has {name}")
    check(not os.path.lexists(f"{DIR}/{name}"), f"{DIR}/{name} is there")
