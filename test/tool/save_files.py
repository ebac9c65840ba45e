#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq save and restore: directories and files that are not as they should be."""
import contextlib
import os
import subprocess
import sys

import queues
from module import SYS, get, stat
from saved import numbered
from tap import check, run
from tool import (as_user, counters, fails, loaded, send, state, succeeds,
                  take_all)

HEADER = 512
RECORD = 16


def content(path):
    """A file's bytes."""
    with open(path, "rb") as file:
        return file.read()


def put_content(path, data):
    """Replaces them."""
    with open(path, "wb") as file:
        file.write(data)


def foreign_directory():
    """Another owner or mode; a link; an ordinary user."""
    loaded()
    numbered(0, 3)
    with state() as here:
        for uid, mode in (1000, 0o700), (0, 0o755), (0, 0o1700), (0, 0o710):
            os.chown(here, uid, 0)
            os.chmod(here, mode)
            for verb in "save", "restore", "reload":
                fails(1, "must belong to root and have mode 0700", verb, here)
        os.chown(here, 0, 0)
        os.chmod(here, 0o700)
        os.symlink(here, f"{here}/link")
        for verb in "save", "restore", "reload":
            fails(1, "link: ", verb, f"{here}/link")
            fails(1, "none: ", verb, f"{here}/none/none")
            fails(1, "Permission denied", verb, here, **as_user())
            fails(1, "Not a directory", verb, "/etc/passwd")
        os.unlink(f"{here}/link")
        check(not os.listdir(here), os.listdir(here))
    counters(queued=3, dequeued=0)


def damaged(at, data=None):
    """A file with this change at a position (from its end, if it is negative) is
    kept, its queue is left alone, and other queues are restored."""
    loaded("a")
    with state() as here:
        messages = numbered(0, 5)
        others = numbered(10, 3, queues.path("a"))
        succeeds("save", here)
        path = f"{here}/msg_queue"
        good = content(path)
        bad = bytearray(good)
        bad[at] ^= 0x41
        if data is not None:
            bad = bad[:at] + data
        put_content(path, bad)
        done = fails(1, "damaged", "restore", here)
        check(done.stderr.count("damaged") == 1 and path in done.stderr,
              done.stderr)
        counters(queued=0, enqueued=5)
        check(take_all(queues.path("a")) == others, "the other queue")
        # Nor is anything added to it, or taken from the queue.
        send("new")
        fails(1, "damaged", "save", here)
        fails(1, "damaged", "reload", here)
        check(content(path) == bytes(bad), "the file has changed")
        check(stat("queued") == 1 and get("read_ack") == "Y", "queue changed")
        take_all()
        put_content(path, good)
        succeeds("restore", here)
        check(take_all() == messages, "not these messages")


def torn():
    """What save was writing when it was killed, after what it had finished."""
    loaded()
    for size in 1, RECORD - 1, RECORD, RECORD + 1:
        with state() as here:
            messages = numbered(0, 5)
            succeeds("save", here)
            path = f"{here}/msg_queue"
            good = content(path)
            record = good[HEADER:HEADER + RECORD + 2]
            put_content(path, good + record[:size])
            messages += numbered(5, 2)
            succeeds("save", here)
            succeeds("restore", here)
            check(take_all() == messages, f"{size}: not these messages")
    with state() as here:
        # Killed before there was a header.
        put_content(f"{here}/msg_queue", b"kmsgq")
        messages = numbered(0, 2)
        succeeds("save", here)
        succeeds("restore", here)
        check(take_all() == messages, "not these messages")


def other_files():
    """A copy of a file is not a queue; names that no queue has are ignored."""
    loaded()
    with state() as here:
        messages = numbered(0, 3)
        succeeds("save", here)
        put_content(f"{here}/copy", content(f"{here}/msg_queue"))
        put_content(f"{here}/.hidden", b"x")
        os.mkdir(f"{here}/lost+found")
        fails(1, "copy: damaged", "restore", here)
        check(take_all() == messages, "not these messages")
        check(sorted(os.listdir(here)) == [".hidden", "copy", "lost+found"],
              os.listdir(here))
        os.unlink(f"{here}/copy")
        os.symlink("/etc/passwd", f"{here}/msg_queue")
        before = content("/etc/passwd")
        numbered(0, 3)
        fails(1, f"{here}/msg_queue", "save", here)
        check(content("/etc/passwd") == before, "a link was followed")
    counters(queued=3)
    take_all()


@contextlib.contextmanager
def small_disk(size):
    """A directory with its own file system."""
    with state() as here:
        subprocess.run(["mount", "-t", "tmpfs", "-o",
                        f"size={size},mode=0700", "tmpfs", here], check=True)
        try:
            yield here
        finally:
            subprocess.run(["umount", here], check=True)


def full_disk():
    """Each message is in the queue or in the file; later all are back."""
    loaded("b", read_ack="N")
    with small_disk("64k") as here:
        messages = [bytes([65 + number]) * 1500 for number in range(60)]
        for message in messages:
            send(message)
        for _ in range(2):
            done = fails(1, "No space left on device", "save", here)
            check("msg_queue" in done.stderr, done.stderr)
        check(0 < stat("queued") < 60, f"{stat('queued')} in the queue")
        check(get("read_ack") == "N" and not stat("held"), "read_ack")
        fails(1, "No space left on device", "reload", here)
        if not stat("queued") == 60:
            succeeds("restore", here)
        found = take_all()
        check(sorted(found) == messages, f"{len(found)} messages")


def read_ack_after_kill():
    """A file that says that a save was interrupted: the old value is set, but not
    in another instance of the queue."""
    for again, wanted in (False, "N"), (True, "Y"):
        loaded("a,read_ack=N")
        with state() as here:
            numbered(0, 3, queues.path("a"))
            succeeds("save", here)
            path = f"{here}/a"
            header = content(path)[:HEADER].split()
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                mark = file.read().strip()
            mark += f":{os.stat(f'{SYS}/queues/a').st_ino}"
            new = b" ".join([*header[:4], mark.encode()]).ljust(HEADER)
            put_content(path, new + content(path)[HEADER:])
            if again:
                loaded("a")
            else:
                queues.store("a", "read_ack", "Y")
            succeeds("restore", here)
        check(queues.show("a", "read_ack") == wanted, f"read_ack is not {wanted}")
        check(stat("queued", "a") == 3, "not three messages")


TESTS = [
    ("a directory that others may change", foreign_directory),
    ("a damaged record", lambda: damaged(HEADER + RECORD)),
    ("a damaged length", lambda: damaged(HEADER + 4)),
    ("the last byte is damaged", lambda: damaged(-1)),
    ("a damaged header", lambda: damaged(0)),
    ("a damaged position", lambda: damaged(20)),
    ("a file that ends early", lambda: damaged(HEADER + RECORD, b"")),
    ("a torn record at the end", torn),
    ("other files", other_files),
    ("a full disk", full_disk),
    ("read_ack after a kill", read_ack_after_kill),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
