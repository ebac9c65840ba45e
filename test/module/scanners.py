#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Programs of others that read all of /proc, and so messages like any reader.

While each of them runs somebody writes numbered messages and somebody reads.
No message is changed or comes twice or out of order, the counters add up, and
both go on. That the kernel has not complained is for guest-run to see.
"""
import functools
import os
import select
import shutil
import subprocess
import sys
import time

from module import QUEUE, stat
from tap import Skip, check, run

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 4
LEAST = 20      # messages that are written, and those that are read

# Files that grow as fast as they are read, or that wait.
ENDLESS = ("kmsg", "kcore", "kpage*", "pagemap", "mem")


def message(number):
    """The message of this number: 1 to 1024 bytes."""
    text = b"%d " % number
    return (text + bytes(number * 7919 % 256 for _ in range(number * 31 % 1024)
                         ))[:1024]


def told(stop, seconds):
    """Waits for so long; True once told to stop."""
    return bool(select.select([stop], [], [], seconds)[0])


def write_all(stop):
    """Writes until told to stop; gives how many."""
    fd = os.open(QUEUE, os.O_WRONLY)
    count = 0
    while not told(stop, 0):
        # The scanner shall not see a full queue all the time.
        if stat("queued") > 100 and told(stop, 0.01):
            break
        text = message(count)
        check(os.write(fd, text) == len(text), "a write was cut")
        count += 1
    return count


def read_all(stop):
    """Reads until told to stop, then what is left; gives how many."""
    fd = os.open(QUEUE, os.O_RDONLY | os.O_NONBLOCK)
    count, last, stopped = 0, -1, False
    while True:
        stopped = stopped or told(stop, 0)
        # Nor an empty one.
        if not stopped and stat("queued") < 20:
            stopped = told(stop, 0.01)
            continue
        try:
            text = os.read(fd, 1024)
        except BlockingIOError:
            if stopped:
                return count
            continue
        number = int(text.split(b" ", 1)[0])
        check(text == message(number), f"message {number} has changed")
        check(number > last, f"message {number} after {last}")
        last = number
        count += 1


class Worker:
    """A process that works until it is stopped, and reports how often it did."""

    def __init__(self, work):
        stop, self.stop = os.pipe()
        self.result, result = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(stop)
            os.close(result)
            return
        os.close(self.stop)
        try:
            os.write(result, b"%d" % work(stop))
        except BaseException as error:
            os.write(result, str(error).encode())
        os._exit(0)

    def finish(self):
        """Stops it; gives its number."""
        os.write(self.stop, b"x")
        text = os.read(self.result, 1000).decode()
        os.waitpid(self.pid, 0)
        check(text.isdigit(), text)
        return int(text)


def scan(command):
    """Runs it again and again, for a while."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        done = subprocess.run(["timeout", "60", *command], check=False,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True,
                              errors="replace")
        # What grep cannot open or read makes its status 2.
        if done.returncode and (command[0], done.returncode) != ("grep", 2):
            return f"status {done.returncode}: {done.stderr[-300:]}"
    return ""


def test(command):
    """Runs a scanner beside a writer and a reader."""
    if not shutil.which(command[0]):
        raise Skip(f"there is no {os.path.basename(command[0])} here")
    before = {name: stat(name) for name in ("enqueued", "dequeued", "dropped")}
    writer, reader = Worker(write_all), Worker(read_all)
    complaint = scan(command)
    written, read = writer.finish(), reader.finish()
    check(not complaint, complaint)
    enqueued, dequeued, dropped = [stat(name) - was
                                   for name, was in before.items()]
    check((enqueued, dequeued) == (written, written),
          f"{written} written; enqueued {enqueued}, dequeued {dequeued}")
    check((stat("queued"), stat("queued_bytes")) == (0, 0), "something is left")
    check(written >= LEAST and read >= LEAST, "the others hardly went on")
    check(dequeued > read, "it took no message: has it seen the file at all?")
    check(dropped <= dequeued - read, "more dropped than it has taken")
    return (f"{written} written, {read} read here, {dequeued - read} by it, "
            f"{dropped} of them in part")


# All of /proc would take stress-ng minutes: give it one with this file only.
ONLY_FILE = f"""
touch /tmp/file && mount --bind {QUEUE} /tmp/file &&
mount -t tmpfs tmpfs /proc && touch {QUEUE} && mount --bind /tmp/file {QUEUE} &&
exec stress-ng --procfs 2 --timeout {SECONDS}"""

TESTS = [(name, functools.partial(test, command)) for name, command in (
    ("stress-ng --procfs: reads the file in many ways",
     ["unshare", "-m", "sh", "-c", ONLY_FILE]),
    ("the kernel's selftest proc/read",
     [f"{HERE}/../lib/selftest_proc_read"]),
    ("grep -r of /proc, but for the processes",
     ["grep", "-r", "-a", "-s", ".", "/proc", "--exclude-dir=[0-9]*",
      *[f"--exclude={name}" for name in ENDLESS]]),
)]

if __name__ == "__main__":
    sys.exit(run(TESTS))
