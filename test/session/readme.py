#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The configuration, commands and programs in README.md, as they stand there.

test/check puts README.md, its program in C, and kmsgq into lib/.
"""
import contextlib
import os
import re
import subprocess
import sys

from module import QUEUE, SYS, loaded, write
from tap import check, run
from tool import send

JOBS, NEWS = "/proc/msg_queues/jobs", "/proc/msg_queues/news"

LIB = os.path.dirname(os.path.abspath(sys.modules["tap"].__file__))
os.environ["PATH"] = f"{LIB}:{os.environ['PATH']}"
with open(os.path.join(LIB, "README.md"), encoding="utf-8") as page:
    README = page.read()


def program(language):
    """The program in that language."""
    return re.search(rf"^```{language}\n(.*?)^```", README, re.M | re.S)[1]


@contextlib.contextmanager
def running(*command):
    """Runs it in the background."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            yield process
            # It has not come to an end on a message, or for lack of one.
            check(process.poll() is None, f"it has ended: {process.poll()}")
        finally:
            process.kill()


def prints(process, line):
    """The next line that it prints is this one."""
    got = process.stdout.readline().decode().rstrip("\n")
    check(got == line, f"it printed {got[:60]!r}, not {line[:60]!r}")


def same_table(got, wanted):
    """The same columns and queues, with the same modes and limits; README's
    queues are busier."""
    got, wanted = ([line.split() for line in table.splitlines()]
                   for table in (got, wanted))
    check(got[:1] == wanted[:1], f"columns: {got[:1]}")
    limit = wanted[0].index("LIMIT")
    for rows in got, wanted:
        rows[:] = [(row[0], row[1], row[limit]) for row in rows]
    check(got == wanted, f"kmsgq list: {got}")


def configure():
    """Loads the module with the configuration, and runs root's commands."""
    options = re.findall(r"^    options kmsg_queue (.*)", README, re.M)
    loaded(*" ".join(options).split())
    shown = re.findall(r"^    # ([a-z].*)\n((?:    [^#\n].*\n)*)", README, re.M)
    check(len(shown) >= 3, f"only {len(shown)} commands found")
    for command, output in shown:
        done = subprocess.run(["sh", "-ec", command], capture_output=True,
                              check=False, text=True)
        check(not done.returncode, f"{command}: {done.stderr}")
        wanted = re.sub("^    ", "", output, flags=re.M)
        if command == "kmsgq list":
            same_table(done.stdout, wanted)
        else:
            check(done.stdout == wanted, f"{command}: {done.stdout}")


def test_reader(queue, command, shown):
    """A reader prints every message: also one that was written before the
    limit was lowered, and is larger than it."""
    configure()
    send(b"x" * 4096, queue)
    limit = f"{SYS}/queues/{os.path.basename(queue)}/msg_max_size"
    check(not write(limit, "10"), limit)
    with running(*command) as process:
        prints(process, shown(b"x" * 4096))
        for message in b"one\n", b"two\0three\n":
            send(message, queue)
            prints(process, shown(message))


def test_configuration():
    """It makes the queues that it says."""
    configure()
    for path, mode, group in ((QUEUE, 0o660, 1000), (JOBS, 0o660, 33),
                              (NEWS, 0o660, 1000)):
        is_now = os.stat(path)
        check(is_now.st_mode & 0o7777 == mode, f"{path}: {is_now.st_mode:o}")
        check(is_now.st_gid == group, f"{path}: group {is_now.st_gid}")


def test_loop():
    """The loop prints each line as it comes."""
    configure()
    loop = re.search(r"^    (while read .*)", README, re.M)[1]
    with running("sh", "-c", loop) as process:
        for line in "one", "  two  words", "back\\slash":
            send(f"{line}\n".encode(), NEWS)
            prints(process, f"got {line.strip()}")


sys.exit(run([
    ("the configuration and root's commands", test_configuration),
    ("the loop in the shell", test_loop),
    ("the program in Python reads every message",
     lambda: test_reader(QUEUE, (sys.executable, "-c", program("python")),
                         repr)),
    ("the program in C reads every message",
     lambda: test_reader(NEWS, (os.path.join(LIB, "readme"),),
                         lambda message: f"{len(message)} bytes")),
]))
