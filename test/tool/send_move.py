#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq send and move."""
import os
import random
import signal
import sys

from module import put, stat
from tap import check, run
from tool import (LARGEST, as_user, counters, fails, kmsgq, loaded, receive,
                  running, send, succeeds, take_all, until)

A, B = "/proc/msg_queues/a", "/proc/msg_queues/b"


def any_bytes():
    """From an argument and from standard input: exactly these."""
    loaded(msg_max_size=LARGEST)
    for message in b"x", b"two words\n", b"\xff\xfe", "\u00e4".encode():
        succeeds("send", "msg_queue", os.fsdecode(message))
        check(receive() == message, f"{message} did not come")
    for message in (b"\0", b"a\n\0b\n", b"-x",
                    *(random.Random(size).randbytes(size)
                      for size in (8191, 8192, 8193, 65537, LARGEST))):
        succeeds("send", "/proc/msg_queue", stdin=message)
        check(receive() == message, f"{len(message)} bytes did not come")
    succeeds("send", "--", "msg_queue", "-x")
    check(receive() == b"-x", "not the message -x")
    counters(queued=0)


def refused():
    """Too large, none, closed to us; nothing is sent."""
    loaded("closed,mode=0600", msg_max_size=100)
    for size in 101, LARGEST:
        fails(1, f"{size} bytes: queue msg_queue has msg_max_size=100", "send",
              "msg_queue", stdin=b"x" * size)
    fails(1, f"1..{LARGEST} bytes", "send", "msg_queue", stdin=b"x" * (2 * LARGEST))
    fails(1, f"1..{LARGEST} bytes", "send", "msg_queue", stdin=b"")
    fails(1, f"1..{LARGEST} bytes", "send", "msg_queue", "")
    fails(1, "Permission denied", "send", "closed", "x", **as_user())
    fails(1, "Bad file descriptor", "send", "msg_queue",
          preexec_fn=lambda: os.close(0))
    fails(2, "unexpected 'b'", "send", "msg_queue", "a", "b")
    counters(enqueued=0)


def full():
    """It waits, and a signal ends it with nothing sent."""
    loaded(msg_max_size=4000, queue_max_bytes=9000)
    send(b"x" * 4000)
    send(b"x" * 4000)
    with running("send", "msg_queue", "later") as process:
        until(lambda: stat("waiting_writers") == 1)
        process.send_signal(signal.SIGINT)
        process.communicate()
        check(process.returncode == -signal.SIGINT, process.returncode)
    with running("send", "msg_queue", "later") as process:
        until(lambda: stat("waiting_writers") == 1)
        check(len(take_all(most=2)) == 2, "not two messages")
        process.communicate()
        check(process.returncode == 0, process.returncode)
    check(receive() == b"later", "it has not been sent")


def numbered(count):
    """Puts messages into the queue a."""
    for number in range(count):
        send(f"{number}", A)


def move():
    """All in order, also those that come from a dead queue; with -n some."""
    loaded("a", "b")
    numbered(10)
    check(succeeds("move", "-n", "3", "a", "b") == "3 messages moved\n", "not 3")
    counters("a", queued=7, held=0, returned=0)
    check(succeeds("move", A, B) == "7 messages moved\n", "not 7")
    check(take_all(B) == [f"{n}".encode() for n in range(10)], "not in order")
    check(succeeds("move", "a", "b") == "0 messages moved\n", "not 0")
    check(succeeds("move", "-n", "0", "a", "b") == "0 messages moved\n", "not 0")


def move_waits():
    """While TO is full; SIGKILL leaves each message in one queue."""
    loaded("a", "b,msg_max_size=4000,queue_max_bytes=9000")
    for number in range(5):
        send(f"{number}" * 4000, A)
    with running("move", "a", "b"):
        until(lambda: stat("waiting_writers", "b") == 1)
        counters("a", queued=2, held=1)
    counters("a", queued=3, held=0, returned=1)
    with running("move", "a", "b") as process:
        came = []
        while len(came) < 5:
            came += take_all(B, 1)
        output, _ = process.communicate()
        check(output == "3 messages moved\n", output)
    check([text[:1] for text in came] == [b"0", b"1", b"2", b"3", b"4"], "order")


def move_refused():
    """Without read_ack; a message that TO refuses; one queue twice."""
    loaded("a", "b,msg_max_size=10", "c")
    send("x" * 5, A)
    send("x" * 11, A)
    done = fails(1, "11 bytes: queue b has msg_max_size=10", "move", "a", "b")
    check(done.stdout == "1 messages moved\n", done.stdout)
    counters("a", queued=1, held=0, returned=1)
    fails(2, "the same queue", "move", "a", A)
    fails(2, "'x'", "move", "-n", "x", "a", "b")
    fails(2, "'-1'", "move", "-n", "-1", "a", "b")
    put("read_ack", "N")
    fails(1, "--lossy", "move", "msg_queue", "c")
    send("message")
    check(kmsgq("move", "--lossy", "msg_queue", "c").stdout ==
          "1 messages moved\n", "--lossy does not move it")
    check(take_all("/proc/msg_queues/c") == [b"message"], "it did not come")


def move_ends():
    """Messages that come back meanwhile are not moved again."""
    loaded("a", "b")
    numbered(5)
    with running("consume", "b", "sh", "-c",
                 "cat > /proc/msg_queues/a") as process:
        output = succeeds("move", "a", "b")
        until(lambda: not stat("queued", "b") + stat("held", "b"))
        process.terminate()
        process.communicate()
    check(output == "5 messages moved\n", output)
    counters("a", queued=5, dequeued=5)


TESTS = [
    ("send: any bytes, up to 1 MiB", any_bytes),
    ("send: what is refused", refused),
    ("send: a full queue", full),
    ("move: all, or some, in order", move),
    ("move: a full queue, and a kill", move_waits),
    ("move: what is refused", move_refused),
    ("move: ends, whatever comes back", move_ends),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
