# SPDX-License-Identifier: GPL-2.0-only
"""Runs kmsgq, for its tests. test/check puts it beside this file."""
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time

import module
from module import QUEUE, stat
from tap import check

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kmsgq")
# How many commands at once.
JOBS = ("1", "4")
LARGEST = 1 << 20
STATE = "/var/lib/kmsg_queue"


def each_jobs(tests):
    """The tests [(name, function(jobs))] with each number of jobs, for
    tap.run()."""
    return [(f"-j {jobs}: {name}", lambda f=function, j=jobs: f(j))
            for jobs in JOBS for name, function in tests]


def command_line(*words):
    """The words that run kmsgq, with the Python that runs the test."""
    return [sys.executable, "-I", TOOL, *words]


def kmsgq(*words, stdin=b"", **options):
    """Runs it; gives what subprocess does, as text."""
    done = subprocess.run(command_line(*words), check=False, input=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          **options)
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    check("Traceback" not in done.stderr, done.stderr)
    return done


def succeeds(*words, **options):
    """Runs it without a complaint; gives what it prints."""
    done = kmsgq(*words, **options)
    check(done.returncode == 0 and not done.stderr, done)
    return done.stdout


def fails(status, reason, *words, **options):
    """Runs it: the exit status, and the reason on standard error."""
    done = kmsgq(*words, **options)
    check(done.returncode == status, f"{words}: status {done.returncode}, not"
                                     f" {status}: {done.stderr}")
    check(reason in done.stderr, f"{words}: {done.stderr!r} without {reason!r}")
    check(done.stderr.startswith("kmsgq: "), done.stderr)
    return done


def once(*command, queue=QUEUE):
    """consume -1."""
    return kmsgq("consume", "-1", queue, *command)


@contextlib.contextmanager
def running(*words, **options):
    """A kmsgq that runs; what is left of it is killed at the end, by its process
    group."""
    process = subprocess.Popen(command_line(*words), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True,
                               start_new_session=True, **options)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def consumer(*words):
    """A kmsgq consume that runs."""
    return running("consume", *words)


def until(condition):
    """Waits; the test's deadline is the limit."""
    while not condition():
        time.sleep(0.02)


def end(process, sig=signal.SIGTERM):
    """Ends it by a signal; gives (status, output, errors)."""
    process.send_signal(sig)
    output, errors = process.communicate()
    return process.returncode, output, errors


def loaded(*queues, **parameters):
    """The module, with read_ack unless the parameters say otherwise, and with
    additional queues."""
    module.loaded(*(f"{name}={value}" for name, value in
                    {"read_ack": "Y", **parameters}.items()),
                  *(f"queue={queue}" for queue in queues))


def send(message, queue=QUEUE):
    """Sends a message to a queue."""
    fd = os.open(queue, os.O_WRONLY)
    try:
        if isinstance(message, str):
            message = message.encode()
        check(os.write(fd, message) == len(message), "a short write")
    finally:
        os.close(fd)


def receive(queue=QUEUE):
    """Takes a message out, and confirms it; None if there is none."""
    messages = take_all(queue, 1)
    return messages[0] if messages else None


def take_all(queue=QUEUE, most=sys.maxsize):
    """Takes all messages out, and confirms them."""
    fd = os.open(queue, os.O_RDONLY | os.O_NONBLOCK)
    messages = []
    try:
        while len(messages) < most:
            messages.append(os.read(fd, LARGEST))
            os.fsync(fd)
    except BlockingIOError:
        pass
    finally:
        os.close(fd)
    return messages


def counters(queue=module.NAME, **wanted):
    """Each counter has the value wanted."""
    found = {name: stat(name, queue) for name in wanted}
    check(found == wanted, f"{found}, not {wanted}")


def openers(queue=QUEUE):
    """The processes that have the queue open."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if any(os.readlink(f"/proc/{pid}/fd/{fd}") == queue
                   for fd in os.listdir(f"/proc/{pid}/fd")):
                found.append(int(pid))
    return found


def children(pid):
    """The processes that a process has started."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def waits(process):
    """A consumer is asleep in poll, with no command."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{process.pid}/wchan", encoding="ascii") as file:
            return "poll" in file.read() and not children(process.pid)
    return False


@contextlib.contextmanager
def handler(text):
    """A command: a script for sh, in its own directory, which is $here there.
    Gives (command, directory)."""
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


def touch(path):
    """Creates a file, for which a handler waits."""
    with open(path, "w", encoding="utf-8"):
        pass


@contextlib.contextmanager
def state():
    """A directory for save and restore, which is removed at the end."""
    with tempfile.TemporaryDirectory() as here:
        yield here


def as_user():
    """Options of subprocess: as an ordinary user."""
    def change():
        os.setgroups([])
        os.setgid(1000)
        os.setuid(1000)
    return {"preexec_fn": change}
