#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq reload: new parameters, and the messages are still there."""
import contextlib
import os
import subprocess
import sys

import module
import queues
from module import QUEUE, SYS
from saved import numbered
from tap import check, run
from tool import (TOOL, as_user, counters, fails, kmsgq, state, succeeds, take_all,
                  until)

CONF = "/etc/modprobe.d/kmsgq-test.conf"
A, B, C = (queues.path(name) for name in "abc")

# Writes numbers to queues in a loop, and tells which it has written.
WRITER = """
import os, sys, time
number = 0
while True:
    for queue in sys.argv[1:]:
        message = f"{os.getuid()} {number}"
        try:
            fd = os.open(queue, os.O_WRONLY)
            try:
                os.write(fd, message.encode())
            finally:
                os.close(fd)
            print(message, flush=True)
            number += 1
        except OSError:
            pass
        time.sleep(0.005)
"""


def configured(*queue_list, **parameters):
    """The module as modprobe.d now says."""
    with open(CONF, "w", encoding="utf-8") as file:
        for name, value in parameters.items():
            file.write(f"options kmsg_queue {name}={value}\n")
        for queue in queue_list:
            file.write(f"options kmsg_queue queue={queue}\n")


def fresh(*queue_list, **parameters):
    """The same, loaded; only root and user may write."""
    module.unload()
    configured(*queue_list, **parameters)
    module.load()


@contextlib.contextmanager
def writer(*paths, **options):
    """A process that writes; gives it and the file of what it has written."""
    with open("/tmp/written", "w+", encoding="ascii") as log, \
            subprocess.Popen([sys.executable, "-c", WRITER, *paths],
                             stdout=log, **options) as process:
        try:
            until(lambda: log.tell() or os.fstat(log.fileno()).st_size)
            yield log
        finally:
            process.kill()


def modes():
    """The files' modes."""
    return {name: os.stat(queues.path(name)).st_mode & 0o777
            for name in queues.names()}


def three_queues():
    """One of them created at run time; new parameters for the others."""
    fresh("a", "b,mode=0600", msg_max_size=100)
    queues.make("c,mode=0640,read_ack=Y")
    queues.make("empty")
    sent = {path: numbered(number * 10, 5, path)
            for number, path in enumerate((QUEUE, A, B, C))}
    settings = queues.settings("c")
    configured("a,read_eof=N", "b,mode=0660", msg_max_size=200)
    with state() as here:
        done = kmsgq("reload", here)
        check(done.returncode == 0, done)
        check("queue empty was empty" in done.stderr, done.stderr)
        check(not os.listdir(here), os.listdir(here))
    check(module.get("msg_max_size") == "200" and
          queues.show("a", "read_eof") == "N", "not the new parameters")
    check(queues.names() == ["a", "b", "c", "msg_queue"], queues.names())
    check(queues.settings("c") == settings, queues.settings("c"))
    check(modes() == {"a": 0o666, "b": 0o660, "c": 0o640, "msg_queue": 0o666},
          modes())
    for path, messages in sent.items():
        check(take_all(path) == messages, f"{path}: not these messages")


def dead_queues():
    """With their queues, in any order."""
    fresh("z,max_deliveries=2,dead=a", "a", "b,max_deliveries=2,dead=z-dead",
          "z-dead")
    sent = [numbered(0, 3, path) for path in (A, B)]
    with state() as here:
        succeeds("reload", here)
        check(queues.show("b", "dead_queue") == "z-dead", "no dead queue")
        configured()
        kmsgq("reload", here)
    check(queues.names() == ["a", "b", "msg_queue", "z-dead"], queues.names())
    check([take_all(path) for path in (A, B)] == sent, "not these messages")


def while_writing(**options):
    """Another process writes to all queues: what it has written is there."""
    fresh("a", "b")
    queues.make("c")
    with state() as here, writer(QUEUE, A, B, C, **options):
        lost = reloads = 0
        for _ in range(3):
            done = kmsgq("reload", here)
            for _ in range(50):
                if "is open" not in done.stderr:
                    break
                done = kmsgq("reload", here)
            else:
                check(False, done.stderr)
            if "messages were lost" in done.stderr:
                lost += int(done.stderr.split(" messages were lost")[0].split()[-1])
            check(done.returncode == (lost > 0) or lost, done)
            reloads += 1
            if "c" not in queues.names():
                queues.make("c")
    log_text = log_of()
    found = [message for path in (QUEUE, A, B, C)
             for message in take_all(path)]
    missing = set(log_text) - {message.decode() for message in found}
    check(len(found) == len(set(found)), "some came twice")
    check(len(missing) <= lost, f"{len(missing)} of {len(log_text)} are missing,"
                                f" {lost} reported")
    return f"{len(log_text)} written, {lost} reported lost, {reloads} reloads"


def log_of():
    """What the writer has written."""
    with open("/tmp/written", encoding="ascii") as file:
        return file.read().splitlines()


def users_writer():
    """None is lost: a user's writer is kept out."""
    comment = while_writing(**as_user())
    check(", 0 reported lost" in comment, comment)
    return comment


def refused():
    """Parameters that the module refuses: its line; the two commands; then these
    restore everything."""
    fresh("a")
    sent = {path: numbered(0, 3, path) for path in (QUEUE, A)}
    configured("a,mode=777")
    with state() as here:
        log = module.KernelLog()
        done = fails(1, "modprobe kmsg_queue", "reload", here)
        line = [text for text in log.lines() if "777" in text]
        check(line and line[0] in done.stderr, done.stderr)
        check(sorted(os.listdir(here)) == ["a", "msg_queue"], os.listdir(here))
        check(not os.path.exists(SYS), "the module is loaded")
        configured("a,mode=0660")
        commands = [text.strip() for text in done.stderr.splitlines()
                    if text.startswith("    ")]
        check(commands == ["modprobe kmsg_queue", f"kmsgq restore {here}"],
              commands)
        subprocess.run(commands[0].split(), check=True)
        succeeds(*commands[1].split()[1:])
    check({path: take_all(path) for path in sent} == sent, "not these messages")


def is_open():
    """Refused, and the process is named; nothing is taken, no mode changed."""
    fresh("a")
    numbered(0, 3)
    numbered(0, 3, A)
    before = modes()
    with state() as here:
        # A rest of earlier stays where it is, too.
        succeeds("save", here)
        numbered(3, 3)
        for path, flags in (QUEUE, os.O_RDONLY), (A, os.O_WRONLY):
            fd = os.open(path, flags)
            done = fails(1, f"is open in {os.getpid()} (", "reload", here)
            check("nothing was reloaded" in done.stderr, done.stderr)
            os.close(fd)
        check(sorted(os.listdir(here)) == ["a", "msg_queue"], os.listdir(here))
        counters(queued=3, dequeued=3)
        check(modes() == before, modes())
        succeeds("reload", here)
        check(not os.listdir(here), os.listdir(here))
    check(take_all() == [f"{n} {'x' * n}".encode() for n in range(6)],
          "not these messages, in order")


def read_only_state():
    """The messages cannot be saved: nothing is reloaded, nothing lost."""
    fresh("a,read_ack=Y")
    sent = numbered(0, 3, A)
    with state() as here:
        os.mkdir(f"{here}/msg_queue")
        inode = os.stat(f"{SYS}/queues/a").st_ino
        fails(1, "nothing was reloaded", "reload", here)
        check(os.stat(f"{SYS}/queues/a").st_ino == inode, "it was reloaded")
        check(set(modes().values()) == {0o666}, modes())
        os.rmdir(f"{here}/msg_queue")
    check(take_all(A) == sent, "not these messages")


# Runs the tool: another process reads a message from the queue before it is saved.
WITH_READER = """
import os, sys
tool = {"__name__": "kmsgq"}
with open(sys.argv[1]) as file:
    exec(file.read(), tool)
save = tool["save_queue"]
def save_queue(*words):
    tool["save_queue"] = save
    fd = os.open("/proc/msg_queue", os.O_RDONLY)
    os.read(fd, 100)
    os.close(fd)
    return save(*words)
tool["save_queue"] = save_queue
sys.exit(tool["main"]("reload", sys.argv[2]))
"""


def reader():
    """What it took is reported; the others are there."""
    fresh("a")
    sent = {path: numbered(0, 3, path) for path in (QUEUE, A)}
    with state() as here:
        done = subprocess.run([sys.executable, "-c", WITH_READER, TOOL, here],
                              check=False, capture_output=True, text=True)
    check(done.returncode == 1 and "kmsgq: 1 messages were lost" in done.stderr,
          done)
    sent[QUEUE] = sent[QUEUE][1:]
    check({path: take_all(path) for path in sent} == sent, "not these messages")


def ends():
    """For the tests that come later."""
    os.unlink(CONF)
    module.unload()


TESTS = [
    ("messages in queues old and new, new parameters", three_queues),
    ("dead queues", dead_queues),
    ("a user writes meanwhile: nothing is lost", users_writer),
    ("root writes meanwhile: what is lost is reported", while_writing),
    ("another process reads meanwhile: reported", reader),
    ("parameters that the module refuses", refused),
    ("a queue is open", is_open),
    ("the messages cannot be saved", read_only_state),
    ("the module without parameters", ends),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
