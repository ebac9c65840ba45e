#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq-consume: a command gets each message once, whole, in order."""
import random
import sys

from consume import (QUEUE, consumer, counters, each_shell, end, handler,
                     lines, loaded, once, receive, send, until)
from tap import check, run

LARGEST = 1 << 20


def any_bytes(shell):
    """Sizes around those of a pipe and of a read; all values of a byte."""
    loaded(msg_max_size=LARGEST)
    messages = [b"\0", b"\n", b"\n\nx\0"]
    messages += [random.Random(size).randbytes(size)
                 for size in (65537, LARGEST)]
    with handler("exec cat > $here/message") as (command, here):
        for message in messages:
            send(message)
            done = once(shell, command)
            check(done.returncode == 0, f"{done.returncode} {done.stderr}")
            with open(f"{here}/message", "rb") as file:
                came = file.read()
            check(came == message, f"{len(message)} bytes {message[:9]!r}: "
                                   f"{len(came)} bytes {came[:9]!r} came")
    counters(queued=0, held=0, dropped=0, returned=0, dequeued=len(messages))


def in_order(shell):
    """A longer message before a shorter one, too."""
    loaded()
    texts = [f"message {'x' * (12 - i % 12)} {i}" for i in range(12)]
    with handler("exec cat >> $here/log") as (command, here), \
            consumer(shell, QUEUE, command) as process:
        for text in texts:
            send(f"{text}\n")
        until(lambda: len(lines(f"{here}/log")) == len(texts))
        status, output, errors = end(process)
        check(lines(f"{here}/log") == texts, lines(f"{here}/log"))
    check((status, output, errors) == (0, "", ""), (status, output, errors))
    counters(queued=0, held=0, dropped=0, returned=0)


def unread(shell):
    """Of a command that reads nothing."""
    loaded(msg_max_size=LARGEST)
    send(b"x" * LARGEST)
    send("next")
    done = once(shell, "true")
    check(done.returncode == 0 and not done.stderr, done)
    counters(queued=1, held=0, dropped=0, returned=0)
    check(receive() == b"next", "not the next message")


def words_and_output(shell):
    """Arguments as they are, output and errors passed on."""
    loaded()
    send("message")
    done = once(shell, "sh", "-c", 'cat; echo; echo "$1"; echo "$2" >&2', "-",
                "-d  *", "an error")
    check(done.stdout == "message\n-d  *\n", done.stdout)
    check(done.stderr == "an error\n", done.stderr)


def slow_child(shell):
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
            consumer(shell, QUEUE, command) as process:
        send("first")
        send("second")
        until(lambda: len(lines(f"{here}/log")) == 2)
        with open(f"{here}/go", "w", encoding="utf-8"):
            pass
        until(lambda: lines(f"{here}/late"))
        came = lines(f"{here}/late")
        end(process)
    check(came == ["first"], came)


def other_descriptors(shell):
    """The command has the caller's other descriptors, and none of ours."""
    loaded()
    send("message")
    done = once(shell, "sh", "-c", "for fd in 0 2 3 4 5 6 7 8 9; do"
                " ! [ -e /proc/$$/fd/$fd ] || echo $fd; done")
    check(done.stdout.split() == ["0", "2"], done.stdout)


def one_word_command(shell):
    """A command that is a word of the shell is the program of that name."""
    loaded()
    send("message")
    done = once(shell, "echo", "-n", "exit")
    check(done.stdout == "exit", done.stdout)
    counters(queued=0, held=0)


TESTS = [
    ("any bytes, up to 1 MiB", any_bytes),
    ("messages in order, each once", in_order),
    ("a message that the command does not read is handled", unread),
    ("the command's arguments and its output", words_and_output),
    ("what a command leaves running keeps its message", slow_child),
    ("the command has no descriptor of the queue", other_descriptors),
    ("the command is a program", one_word_command),
]

if __name__ == "__main__":
    sys.exit(run(each_shell(TESTS)))
