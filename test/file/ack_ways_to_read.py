#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""read_ack: when each usual way to read confirms, as the table in
kmsg_queue(4) says."""
import ctypes
import functools
import os
import signal
import subprocess
import sys
import tempfile
import time

from module import NAME, QUEUE, SYS, loaded, stat
from tap import check, run

LINE = b"message\n"
NO_NEWLINE = b"message"
# More than a pipe takes: who writes it there has to wait.
LONG = b"x" * 200000
SHELLS = ("bash", "dash", "busybox sh")

# What becomes of a message: (held, queued).
COUNTERS = f"{SYS}/queues/{NAME}"
HELD, RETURNED, CONFIRMED = (1, 0), (0, 1), (0, 0)


def start(message, **parameters):
    """A queue with this message."""
    loaded("read_ack=Y", f"msg_max_size={1 << 20}",
           *(f"{name}={value}" for name, value in parameters.items()))
    fd = os.open(QUEUE, os.O_WRONLY)
    os.write(fd, message)
    os.close(fd)


def is_now(want, when):
    """The one message is in this state."""
    names = {HELD: "held", RETURNED: "returned", CONFIRMED: "confirmed"}
    now = stat("held"), stat("queued")
    check(now == want, f"{when}: {names.get(now, now)}, not {names[want]}")


def shell(which, text, want):
    """A shell runs this; gives what it printed."""
    done = subprocess.run([*which.split(), "-c", text], cwd=COUNTERS,
                          check=False, capture_output=True, text=True)
    check(not done.stderr, f"{which}: {done.stderr}")
    is_now(want, f"{which}: {text}")
    return done.stdout


def until_written(command):
    """Confirmed when the program has written it, not before."""
    start(LONG)
    with subprocess.Popen(command, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        first = os.read(process.stdout.fileno(), 4096)
        is_now(HELD, "while it is written")
        process.kill()
    is_now(RETURNED, "killed while it was written")
    with subprocess.Popen(command, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        check(first + process.stdout.read()[len(first):] == LONG, "not all")
    is_now(CONFIRMED, "written")


def substitution():
    """$(cat FILE): before the work begins."""
    for which in SHELLS:
        start(LINE)
        text = f'work() {{ echo "$1"; cat held queued; }}; work "$(cat {QUEUE})"'
        came = shell(which, text, CONFIRMED)
        check(came == "message\n0\n0\n", f"{which}: {came!r} at work")


def read_loop():
    """while read, read_eof=N: after the work, by the next read."""
    text = f"""while read -r m <&3; do echo "$m"; cat held queued; done 3< {QUEUE}
        cat held queued"""
    # busybox's read waits in poll(2), so it would not come to the end here.
    for which in "bash", "dash":
        start(LINE, read_eof="N")
        came = shell(which, text, CONFIRMED)
        check(came == "message\n1\n0\n0\n0\n", f"{which}: {came!r} at work")
    start(LINE, read_eof="N")
    shell("bash", f"while read -r m <&3; do exit; done 3< {QUEUE}", RETURNED)


def read_once():
    """read <FILE: never, but for a message that does not end in a newline."""
    for which in SHELLS:
        for message, want in ((LINE, RETURNED), (NO_NEWLINE, CONFIRMED),
                              (b"two\nlines", RETURNED)):
            start(message)
            shell(which, f"read -r m < {QUEUE} || :", want)


def head():
    """head -n1: never, but for a message without a newline."""
    for message, want in ((LINE, RETURNED), (NO_NEWLINE, CONFIRMED),
                          (b"two\nlines", RETURNED)):
        start(message)
        shell("sh", f"head -n1 {QUEUE} 2>&-", want)


def dd_one_block():
    """dd count=1: never."""
    start(LINE)
    came = shell("sh", f"dd bs=1M count=1 status=none if={QUEUE}", RETURNED)
    check(came == LINE.decode(), came)


def python_read():
    """open(FILE).read(): before it returns."""
    start(LINE)
    with open(QUEUE, encoding="ascii") as file:
        check(file.read() == LINE.decode(), "another message")
        is_now(CONFIRMED, "after read()")
    start(LINE)
    with open(QUEUE, "rb") as file:
        check(file.read() == LINE, "another message")
        is_now(CONFIRMED, "after read() of a binary file")


def python_readline():
    """readline(): by the next one, for a message of one line."""
    for mode in "r", "rb":
        start(LINE)
        with open(QUEUE, mode) as file:
            check(len(file.readline()) == len(LINE), "another message")
            is_now(HELD, "after readline()")
            check(not file.readline(), "more lines")
            is_now(CONFIRMED, "after the next readline()")
        start(LINE)
        with open(QUEUE, mode) as file:
            file.readline()
        is_now(RETURNED, "closed after one readline()")


def python_os_read():
    """os.read(): by the next, or by os.fsync()."""
    for confirm in lambda fd: check(os.read(fd, 9) == b"", "no end"), os.fsync:
        start(LINE)
        fd = os.open(QUEUE, os.O_RDONLY)
        check(os.read(fd, 1 << 20) == LINE, "another message")
        is_now(HELD, "after os.read()")
        confirm(fd)
        is_now(CONFIRMED, "after the next, or os.fsync()")
        os.close(fd)
    start(LINE)
    fd = os.open(QUEUE, os.O_RDONLY)
    os.read(fd, 1 << 20)
    os.close(fd)
    is_now(RETURNED, "closed after one os.read()")


def c_calls():
    """The C library's read() by the next, or by fsync(); fgets() by the next,
    for a message of one line."""
    libc = ctypes.CDLL(None)
    libc.fopen.restype = libc.fgets.restype = ctypes.c_void_p
    text = ctypes.create_string_buffer(100)
    for confirm in lambda fd: libc.read(fd, text, 100), libc.fsync:
        start(LINE)
        fd = libc.open(QUEUE.encode(), os.O_RDONLY)
        check(libc.read(fd, text, 100) == len(LINE), "another message")
        is_now(HELD, "after read()")
        check(confirm(fd) == 0, "no end of file")
        is_now(CONFIRMED, "after the next, or fsync()")
        libc.close(fd)
    start(LINE)
    file = ctypes.c_void_p(libc.fopen(QUEUE.encode(), b"r"))
    check(libc.fgets(text, 100, file) and text.value == LINE, text.value)
    is_now(HELD, "after fgets()")
    check(not libc.fgets(text, 100, file), "more lines")
    is_now(CONFIRMED, "after the next fgets()")
    libc.fclose(file)


def inherited():
    """A child that has the descriptor keeps the message held; one that has
    closed it does not."""
    for close, want in (("", HELD), ("3<&-", RETURNED)):
        start(LINE)
        with tempfile.TemporaryFile() as out:
            subprocess.run(["sh", "-c", f"""
                exec 3< {QUEUE}; dd bs=1M count=1 status=none <&3
                sleep 100000 {close} & echo $!"""],
                check=True, stdout=out)
            out.seek(0)
            child = int(out.read().split()[1])
        # The shell may have ended before its child has closed the file.
        while want == RETURNED and stat("held"):
            time.sleep(0.01)
        is_now(want, f"with a child, {close or 'open'}")
        os.kill(child, signal.SIGKILL)
        while stat("held"):
            time.sleep(0.01)


TESTS = [
    ("cat: when it has written the message",
     functools.partial(until_written, ["cat", QUEUE])),
    ("dd: when it has written the message",
     functools.partial(until_written, ["dd", "bs=1M", f"if={QUEUE}"])),
    ("dd count=1: never", dd_one_block),
    ("$(cat): before the work", substitution),
    ("while read: by the next read", read_loop),
    ("read: never, if the message ends in a newline", read_once),
    ("head -n1: never, if the message has a newline", head),
    ("Python's read(): before it returns", python_read),
    ("Python's readline(): by the next", python_readline),
    ("Python's os.read(): by the next, or os.fsync()", python_os_read),
    ("C: by the next read, or fsync()", c_calls),
    ("a child keeps a message that its parent has read", inherited),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
