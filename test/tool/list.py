#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq list, watch and check, and the usage."""
import json
import os
import pty
import re
import subprocess
import sys

import queues
from module import QUEUE, stat, unload
from tap import check, run
from tool import (command_line, fails, kmsgq, loaded, running, send, succeeds,
                  until)

TITLES = "QUEUE MODE OWNER MESSAGES HELD SIZE LIMIT OLDEST READERS WRITERS"


def table(*words):
    """What list prints: {queue: {title: text}}."""
    lines = succeeds("list", *words).splitlines()
    check(lines[0].split() == TITLES.split(), lines[0])
    return {line.split()[0]: dict(zip(TITLES.split(), line.split()))
            for line in lines[1:]}


def idle():
    """Queues without messages; the default queue first."""
    loaded("a-queue,mode=0620,uid=1000,gid=1000,queue_max_bytes=1536000",
           "zz,uid=12345,gid=54321,msg_max_size=1,queue_max_bytes=4000",
           procfs_file_mode="0600")
    found = table()
    check(list(found) == ["msg_queue", "a-queue", "zz"], found)
    check(found["msg_queue"]["OWNER"] == "root:root" and
          found["msg_queue"]["MODE"] == "0600", found)
    check(found["a-queue"]["OWNER"] == "user:user" and
          found["a-queue"]["MODE"] == "0620" and
          found["a-queue"]["LIMIT"] == "1.5M", found)
    check(found["zz"]["OWNER"] == "12345:54321" and
          found["zz"]["LIMIT"] == "3.9K", found)
    check(all(queue["OLDEST"] == "-" for queue in found.values()), found)
    check(list(table("zz", "/proc/msg_queue")) == ["zz", "msg_queue"],
          "not the two queues that were named")


def busy():
    """Messages, a held one, a reader and a writer that wait; all within 80
    columns."""
    loaded("jobs,gid=33,read_ack=Y", "full,msg_max_size=4000,queue_max_bytes=9000",
           "wait,read_wait=Y")
    for size in 10, 100, 1000:
        send(b"x" * size, "/proc/msg_queues/jobs")
    holder = os.open("/proc/msg_queues/jobs", os.O_RDONLY)
    os.read(holder, 4096)
    for _ in range(2):
        send(b"x" * 4000, "/proc/msg_queues/full")
    with running("send", "full", "more"), \
            subprocess.Popen(["cat", "/proc/msg_queues/wait"]) as reader:
        until(lambda: stat("waiting_writers", "full") == 1 and
              stat("waiting_readers", "wait") == 1)
        found = table()
        output = succeeds("list")
        parsed = json.loads(succeeds("list", "--json"))["queues"]
        reader.kill()
    jobs, full = found["jobs"], found["full"]
    check((jobs["MESSAGES"], jobs["HELD"]) == ("2", "1"), jobs)
    check(jobs["OWNER"] == "root:www-data" and re.fullmatch(r"1\.\dK", jobs["SIZE"]), jobs)
    check(re.fullmatch(r"\d+s", jobs["OLDEST"]), jobs)
    check((full["WRITERS"], full["READERS"]) == ("1", "0"), full)
    check(found["wait"]["READERS"] == "1", found["wait"])
    check(max(map(len, output.splitlines())) <= 80, output)
    for queue in parsed:
        for key, text in queue.items():
            if key in ("name", "file", "oldest_age_ms"):
                continue
            shown = queues.show(queue["name"], key)
            same = text == (shown == "Y") if isinstance(text, bool) else \
                str(text) == shown
            check(same or key.startswith(("waiting", "queued", "held")),
                  f"{queue['name']}: {key} is {text}, not {shown}")
        check(set(queue) >= {*queues.WRITABLE, *queues.FIXED, *queues.COUNTERS},
              queue)
    os.close(holder)
    return "\n# ".join(output.splitlines())


def watch():
    """The rates are those of the counters; SIGTERM ends it."""
    loaded()
    with running("watch", "-n", "0.5", "msg_queue") as process:
        title = process.stdout.readline().split()
        check(title[0] == "QUEUE" and title[-2:] == ["IN/s", "OUT/s"], title)
        first = process.stdout.readline().split()
        check(first[0] == "msg_queue" and first[-2:] == ["0", "0"], first)
        for _ in range(1000):
            send("message")
        found = False
        while not found:
            line = process.stdout.readline().split()
            found = line[:1] == ["msg_queue"] and int(line[-2]) > 0
        check(line[-1] == "0", line)
        process.terminate()
        process.communicate()


def terminal():
    """On a terminal, watch begins each table at the top."""
    loaded()
    ours, theirs = pty.openpty()
    with subprocess.Popen(command_line("watch"), stdout=theirs) as process:
        found = b""
        while b"msg_queue" not in found:
            found += os.read(ours, 1000)
        process.kill()
    check(found.startswith(b"\033[H\033[J"), found)


def reader_gone():
    """A pipe that is closed: no complaint."""
    loaded()
    done = subprocess.run(["sh", "-c", '"$@" | true', "-", *command_line("list")],
                          check=False, capture_output=True)
    check(not done.stderr, done.stderr)
    done = subprocess.run(["sh", "-c", '"$@" > /dev/full', "-",
                           *command_line("list")], check=False,
                          capture_output=True, text=True)
    check(done.returncode == 1 and "No space left" in done.stderr, done)


def words():
    """Usage errors; queues that do not exist; no module."""
    loaded()
    for given, reason in (((), "no command"), (("lst",), "'lst'"),
                          (("list", "-x"), "-x"), (("list", "--jsn"), "jsn"),
                          (("watch", "-n", "x"), "'x'"), (("check", "a"), "'a'"),
                          (("remove",), "no QUEUE"), (("save", "a", "b"), "'b'"),
                          (("move", "a"), "no TO")):
        done = fails(2, reason, *given)
        check("usage: kmsgq" in done.stderr, done.stderr)
    fails(1, "none: not a queue", "list", "none")
    for given in (("--help",), ("list", "--help")):
        done = kmsgq(*given)
        check(done.returncode == 0 and "usage: kmsgq list" in done.stdout, done)
    unload()
    for given in (("list",), ("watch",), ("create", "x"), ("remove", "x"),
                  ("send", QUEUE, "x"), ("move", "x", "y"), ("save",)):
        fails(1, "modprobe kmsg_queue", *given)


def installed():
    """check is dkms-setup's."""
    fails(1, "kmsg-queue-dkms is not installed", "check")
    setup = "/usr/libexec/kmsg_queue/dkms-setup"
    os.makedirs(os.path.dirname(setup))
    for status in 0, 1:
        with open(setup, "w", encoding="ascii") as file:
            file.write(f'#!/bin/sh\necho "$@"; exit {status}\n')
        os.chmod(setup, 0o755)
        done = kmsgq("check")
        check((done.returncode, done.stdout) == (status, "check\n"), done)


TESTS = [
    ("list: queues without messages", idle),
    ("list: a busy queue", busy),
    ("watch: rates", watch),
    ("watch: on a terminal", terminal),
    ("list: into a pipe that is closed, a full disk", reader_gone),
    ("usage errors, and no module", words),
    ("check", installed),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
