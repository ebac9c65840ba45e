#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq consume: a command that fails returns its message."""
import os
import signal
import sys

from module import put, stat
from tap import check, run
from tool import (QUEUE, as_user, children, consumer, counters, each_jobs, end,
                  handler, lines, loaded, once, openers, receive, running, send,
                  touch, until)


def by_status():
    """With -1 the command's status is that of kmsgq."""
    loaded()
    send("first")
    send("second")
    for want, text in ((3, "exit 3"), (137, "kill -KILL $$"),
                       (1, "cat > $here/all; false")):
        with handler(text) as (command, _):
            done = once(command)
        check(done.returncode == want, f"{text}: {done}")
        check(f"status {want}" in done.stderr, done.stderr)
    counters(queued=2, held=0, dropped=0, returned=3)
    check(receive() == b"first", "another message has come first")


def no_such_command():
    """No message is taken for it; later, the message returns."""
    loaded()
    send("message")
    for word in "/no/such/command", "no-such-command", "/etc":
        done = once(word)
        check(done.returncode == 1 and word in done.stderr, done)
    with handler("") as (command, _):
        os.chmod(command, 0o644)
        done = once(command)
        check(done.returncode == 1 and command in done.stderr, done)
        counters(queued=1, dequeued=0)
        with open(command, "w", encoding="utf-8") as file:
            file.write("#!/no/such/interpreter\n")
        os.chmod(command, 0o755)
        done = once(command)
        check(done.returncode == 127 and "No such file" in done.stderr, done)
    counters(queued=1, held=0, dropped=0, returned=1)


def until_it_succeeds():
    """The same message again, and each failure is reported."""
    loaded()
    text = """cat >> $here/log; echo >> $here/log
        [ $(wc -l < $here/log) -ge 3 ]"""
    with handler(text) as (command, here), \
            consumer("-d", "0.1", QUEUE, command) as process:
        send("first")
        send("second")
        until(lambda: len(lines(f"{here}/log")) == 4)
        status, _, errors = end(process)
        came = lines(f"{here}/log")
    check(came == ["first"] * 3 + ["second"], came)
    check(status == 0 and errors.count("failed with status 1") == 2, errors)
    counters(queued=0, held=0, dropped=0, returned=2)


def pause(jobs):
    """No message is taken meanwhile; those that run continue."""
    loaded()
    text = """read -r number; echo $number >> $here/begun
        until [ -e $here/go.$number ]; do sleep 0.1; done
        echo $number >> $here/log; [ $number != 0 ]"""
    number = int(jobs)
    with handler(text) as (command, here), \
            consumer("-j", jobs, "-d", "100000", QUEUE, command) as process:
        for message in range(number):
            send(f"{message}\n")
        until(lambda: len(lines(f"{here}/begun")) == number)
        touch(f"{here}/go.0")
        until(lambda: stat("returned") == 1)
        counters(queued=1, held=number - 1)
        # Another command ends, another message comes: all of them wait.
        for message in range(1, number):
            touch(f"{here}/go.{message}")
        until(lambda: not stat("held") and not children(process.pid))
        send("more")
        counters(queued=2, held=0, returned=1)
        check(len(lines(f"{here}/begun")) == number, lines(f"{here}/begun"))
        status, _, errors = end(process)
    check(status == 0 and errors.count("failed") == 1, errors)
    counters(queued=2, held=0)


def dead_queue():
    """After max_deliveries runs of the command, not more."""
    loaded()
    put("queue", "dead")
    put("queue", "jobs,max_deliveries=3,dead=dead")
    jobs, dead = "/proc/msg_queues/jobs", "/proc/msg_queues/dead"
    text = "x=$(cat); echo \"$x\" >> $here/log; test \"$x\" != poison"
    with handler(text) as (command, here), \
            consumer("-d", "0.1", "jobs", command) as process:
        send("poison", jobs)
        until(lambda: len(lines(f"{here}/log")) >= 3)
        send("next", jobs)
        until(lambda: len(lines(f"{here}/log")) >= 4)
        end(process)
        came = lines(f"{here}/log")
    check(came == ["poison"] * 3 + ["next"], came)
    check(receive(dead) == b"poison", "the message is not in the dead queue")
    check(receive(jobs) is None, "a message is left")


def killed():
    """The command is killed from outside."""
    loaded()
    with handler("echo $$ > $here/pid; exec sleep 100000") as (command, here), \
            consumer("-1", QUEUE, command) as process:
        send("message")
        until(lambda: lines(f"{here}/pid"))
        counters(queued=0, held=1)
        os.kill(int(lines(f"{here}/pid")[0]), signal.SIGKILL)
        process.communicate()
        check(process.returncode == 137, process.returncode)
    counters(queued=1, held=0, dropped=0)


def removed():
    """The queue's file is closed to us: the reason, after what runs."""
    loaded()
    os.chmod(QUEUE, 0o444)
    text = "echo x > $here/begun; until [ -e $here/go ]; do sleep 0.1; done"
    with handler(text) as (command, here):
        os.chmod(here, 0o777)
        os.chown(here, 1000, 1000)
        with consumer("-j", "2", QUEUE, "true") as process:
            until(lambda: openers() == [process.pid])
            end(process)
        with running("consume", "-j", "2", QUEUE, command,
                     **as_user()) as process:
            send("first")
            until(lambda: lines(f"{here}/begun"))
            os.chmod(QUEUE, 0)
            send("second")
            until(lambda: stat("queued") == 1)
            check(process.poll() is None, "the command was not waited for")
            touch(f"{here}/go")
            _, errors = process.communicate()
        check(process.returncode == 1 and "Permission denied" in errors,
              (process.returncode, errors))
    counters(queued=1, held=0, returned=0)


TESTS = [
    ("-1: the message returned, and the status is the command's", by_status),
    ("no such command", no_such_command),
    ("the same message again until the command succeeds", until_it_succeeds),
    ("a message that always fails goes to the dead queue", dead_queue),
    ("the command is killed", killed),
    ("the queue cannot be opened any more", removed),
    *each_jobs([("-d: the pause after a failure, the message in the queue",
                 pause)]),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
