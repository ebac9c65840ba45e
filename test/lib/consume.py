# SPDX-License-Identifier: GPL-2.0-only
"""Runs kmsgq-consume with each shell that may be sh, for its tests.

test/check puts the script beside this file.
"""
import contextlib
import os
import signal
import subprocess
import tempfile
import time

import module
from module import QUEUE, stat
from tap import check

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "kmsgq-consume")
# busybox has all other programs that the script needs in itself.
SHELLS = {"dash": ["dash"], "busybox": ["busybox", "sh"],
          "bash": ["bash", "--posix"]}


def each_shell(tests):
    """The tests [(name, function(shell))] of every shell, for tap.run()."""
    return [(f"{shell}: {name}", lambda f=function, s=shell: f(s))
            for shell in SHELLS for name, function in tests]


def command_line(shell, *arguments):
    """The words that run kmsgq-consume."""
    return [*SHELLS[shell], SCRIPT, *arguments]


def once(shell, *command, queue=QUEUE):
    """Runs it for one message; gives what subprocess does."""
    return subprocess.run(command_line(shell, "-1", queue, *command),
                          check=False, capture_output=True, text=True)


@contextlib.contextmanager
def consumer(shell, *arguments):
    """A kmsgq-consume that runs; what is left of it is killed at the end, by
    its process group."""
    process = subprocess.Popen(command_line(shell, *arguments),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def until(condition):
    """Waits; the test's deadline is the limit."""
    while not condition():
        time.sleep(0.02)


def end(process, sig=signal.SIGTERM):
    """Ends a consumer by a signal; gives (status, output, errors)."""
    process.send_signal(sig)
    output, errors = process.communicate()
    return process.returncode, output, errors


def loaded(**parameters):
    """The module, with read_ack unless the parameters say otherwise."""
    module.loaded(*(f"{name}={value}" for name, value in
                    {"read_ack": "Y", **parameters}.items()))


def send(message, queue=QUEUE):
    """Puts a message into a queue."""
    fd = os.open(queue, os.O_WRONLY)
    try:
        if isinstance(message, str):
            message = message.encode()
        check(os.write(fd, message) == len(message), "a short write")
    finally:
        os.close(fd)


def receive(queue=QUEUE):
    """Takes a message out, and confirms it; None if there is none."""
    fd = os.open(queue, os.O_RDONLY | os.O_NONBLOCK)
    try:
        message = os.read(fd, 1 << 20)
        os.fsync(fd)
        return message
    except BlockingIOError:
        return None
    finally:
        os.close(fd)


def counters(**wanted):
    """Each counter is as it should be."""
    found = {name: stat(name) for name in wanted}
    check(found == wanted, f"{found}, not {wanted}")


def openers(queue=QUEUE):
    """The programs that have the queue open: [(pid, name)]."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            for fd in os.listdir(f"/proc/{pid}/fd"):
                if os.readlink(f"/proc/{pid}/fd/{fd}") == queue:
                    found.append((int(pid), name_of(pid)))
                    break
    return found


def name_of(pid):
    """A process's program; "" if it has ended meanwhile."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read().strip()
    return ""


def children(pid):
    """The processes that a process has started, by program: {name: pid}."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return {name_of(child): int(child) for child in file.read().split()}


@contextlib.contextmanager
def handler(text):
    """A command: a script for sh, in a directory of its own, which is $here
    there. Gives (command, directory)."""
    with tempfile.TemporaryDirectory() as here:
        path = os.path.join(here, "handler")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\nhere={here}\n{text}")
        os.chmod(path, 0o755)
        yield path, here


def lines(path):
    """What a handler has written; [] if it has not yet."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []
