#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq consume: a command gets each message once, complete, in order."""
import os
import random
import subprocess
import sys

from module import stat
from tap import check, run
from tool import (LARGEST, QUEUE, command_line, consumer, counters, each_jobs,
                  end, handler, kmsgq, lines, loaded, once, receive, send,
                  touch, until)

SETTINGS = [{"read_eof": eof, "read_wait": wait}
            for eof in "YN" for wait in "YN"]


def any_bytes():
    """Sizes around those of a pipe and of a read; all values of a byte."""
    loaded(msg_max_size=LARGEST)
    messages = [b"\0", b"\n", b"\n\nx\0"]
    messages += [random.Random(size).randbytes(size)
                 for size in (65537, LARGEST)]
    with handler("exec cat > $here/message") as (command, here):
        for message in messages:
            send(message)
            done = once(command)
            check(done.returncode == 0, f"{done.returncode} {done.stderr}")
            with open(f"{here}/message", "rb") as file:
                came = file.read()
            check(came == message, f"{len(message)} bytes {message[:9]!r}: "
                                   f"{len(came)} bytes {came[:9]!r} came")
    counters(queued=0, held=0, dropped=0, returned=0, dequeued=len(messages))


def in_order():
    """A longer message before a shorter one, too; with all settings."""
    texts = [f"message {'x' * (12 - i % 12)} {i}" for i in range(12)]
    for settings in SETTINGS:
        loaded(**settings)
        with handler("exec cat >> $here/log") as (command, here), \
                consumer(QUEUE, command) as process:
            for text in texts:
                send(f"{text}\n")
            until(lambda: len(lines(f"{here}/log")) == len(texts))
            status, output, errors = end(process)
            check(lines(f"{here}/log") == texts, lines(f"{here}/log"))
        check((status, output, errors) == (0, "", ""), (status, output, errors))
        counters(queued=0, held=0, dropped=0, returned=0)


def each_once(jobs):
    """All of them, in each setting; no more than JOBS at once."""
    text = """read -r number
        set -- $here/run.*
        mkdir $here/run.$$; set -- $here/run.*; echo $# >> $here/at_once
        rmdir $here/run.$$; echo $number >> $here/log"""
    for settings in SETTINGS:
        loaded(**settings)
        with handler(text) as (command, here), \
                consumer("-j", jobs, "msg_queue", command) as process:
            for number in range(30):
                send(f"{number}\n")
            until(lambda: len(lines(f"{here}/log")) >= 30 and
                  not stat("queued") + stat("held"))
            status, _, errors = end(process)
            check((status, errors) == (0, ""), (status, errors))
            came = lines(f"{here}/log")
            check(sorted(came, key=int) == [str(n) for n in range(30)], came)
            most = max(map(int, lines(f"{here}/at_once")))
            check(most <= int(jobs), f"{most} commands at once")
        counters(queued=0, held=0, dropped=0, returned=0, dequeued=30)


def at_once(jobs):
    """JOBS commands run at once, each message held by its own file; a message
    that comes then waits in the queue."""
    loaded()
    number = int(jobs)
    text = """read -r number; echo $number >> $here/begun
        until [ -e $here/go.$number ]; do sleep 0.1; done
        echo $number >> $here/log"""
    with handler(text) as (command, here), \
            consumer("-j", jobs, QUEUE, command) as process:
        for message in range(number + 1):
            send(f"{message}\n")
        until(lambda: len(lines(f"{here}/begun")) == number)
        counters(queued=1, held=number)
        # The last one that was taken ends first: only it is confirmed.
        touch(f"{here}/go.{number - 1}")
        until(lambda: len(lines(f"{here}/begun")) == number + 1)
        counters(queued=0, held=number)
        check(lines(f"{here}/log") == [str(number - 1)], lines(f"{here}/log"))
        process.kill()
        process.wait()
        until(lambda: not stat("held"))
        counters(queued=number, returned=number)
    check(receive() == b"0\n" if number > 1 else b"1\n", "not the oldest message")


def unread():
    """Of a command that reads nothing."""
    loaded(msg_max_size=LARGEST)
    send(b"x" * LARGEST)
    send("next")
    done = once("true")
    check(done.returncode == 0 and not done.stderr, done)
    counters(queued=1, held=0, dropped=0, returned=0)
    check(receive() == b"next", "not the next message")


def words_and_output():
    """Arguments as they are, output and errors passed on."""
    loaded()
    send("message")
    done = once("sh", "-c", 'cat; echo; echo "$1"; echo "$2" >&2', "-",
                "-d  *", "an error")
    check(done.stdout == "message\n-d  *\n", done.stdout)
    check(done.stderr == "an error\n", done.stderr)


def slow_child():
    """What a command leaves running reads its own message, not the next."""
    loaded()
    text = """
        echo x >> $here/log
        [ $(wc -l < $here/log) -gt 1 ] || {
            exec 5<&0
            { until [ -e $here/go ]; do sleep 0.1; done
              cat; echo; } <&5 > $here/late 2> /dev/null &
        }"""
    with handler(text) as (command, here), \
            consumer(QUEUE, command) as process:
        send("first")
        send("second")
        until(lambda: len(lines(f"{here}/log")) == 2)
        touch(f"{here}/go")
        until(lambda: lines(f"{here}/late"))
        came = lines(f"{here}/late")
        end(process)
    check(came == ["first"], came)


def other_descriptors():
    """The command has the caller's other descriptors, and none of ours, also
    while others run."""
    loaded()
    text = """number=$(cat)
        for fd in /proc/$$/fd/*; do readlink $fd; done > $here/new.$number
        mv $here/new.$number $here/fds.$number
        until [ -e $here/go ]; do sleep 0.1; done"""
    with handler(text) as (command, here), \
            open("/dev/null", encoding="ascii") as passed, \
            consumer("-j", "3", QUEUE, command) as process:
        del passed
        for number in range(3):
            send(f"{number}")
        until(lambda: all(lines(f"{here}/fds.{n}") for n in range(3)))
        for number in range(3):
            # In addition, the shell has its script open.
            found = " ".join(lines(f"{here}/fds.{number}"))
            check(QUEUE not in found and found.count("memfd:") == 1 and
                  found.count("pipe:") == 2 and "fdinfo" not in found,
                  f"message {number}: {found}")
        touch(f"{here}/go")
        end(process)
    send("message")
    reader, writer = os.pipe()
    done = kmsgq("consume", "-1", QUEUE, "sh", "-c", f"echo passed >&{writer}",
                 pass_fds=[writer])
    os.close(writer)
    with open(reader, encoding="ascii") as file:
        check(file.read() == "passed\n" and done.returncode == 0, done)


def standard_input():
    """The message, also where kmsgq has none, or it can be opened by its name."""
    loaded()
    for before in "exec", "exec <&-;":
        for command in "cat", "cat /dev/stdin":
            send("message")
            line = f'{before} "$@" {command}' if before == "exec" else \
                f'exec <&-; exec "$@" {command}'
            done = kmsgq_by_shell(line)
            check(done.stdout == "message" and not done.returncode, done)


def kmsgq_by_shell(line):
    """Runs consume -1 in a shell, as "$@"."""
    return subprocess.run(["sh", "-c", line, "-", *command_line(
        "consume", "-1", QUEUE)], check=False, capture_output=True, text=True)


def signals_of_command():
    """The command's signals are as they were for kmsgq, and none is blocked."""
    loaded()
    for before, ignored in (("", 0), ("trap '' INT HUP;", 0b11)):
        send("message")
        done = kmsgq_by_shell(f'{before} exec "$@" grep Sig /proc/self/status')
        masks = dict(line.split() for line in done.stdout.splitlines())
        check(int(masks["SigBlk:"], 16) == 0, masks)
        # glibc's posix_spawn() ignores the two that it uses itself, 32 and 33.
        check(int(masks["SigIgn:"], 16) & 0x7fffffff == ignored, masks)


TESTS = [
    ("any bytes, up to 1 MiB", any_bytes),
    ("messages in order, with all settings", in_order),
    ("a message that the command does not read is handled", unread),
    ("the command's arguments and its output", words_and_output),
    ("what a command leaves running keeps its message", slow_child),
    ("the command has no descriptor of the queue", other_descriptors),
    ("the command's standard input", standard_input),
    ("the command's signals", signals_of_command),
    *each_jobs([
        ("each message once, with all settings", each_once),
        ("commands at once; each message is held until its own ends", at_once),
    ]),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
