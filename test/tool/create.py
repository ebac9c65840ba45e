#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq create and remove."""
import os
import sys

import queues
from module import KernelLog
from tap import check, run
from tool import as_user, fails, loaded, send, succeeds


def settings():
    """Each key; names of users and groups; the rest as the parameters are."""
    loaded(read_wait="Y")
    succeeds("create", "dead")
    succeeds("create", "jobs", "mode=0640", "user=user", "group=www-data",
             "msg_max_size=100", "queue_max_bytes=100000", "read_eof=N",
             "max_deliveries=3", "dead=dead", "containers=Y")
    found = queues.settings("jobs")
    check(found == {"mode": "0640", "uid": "1000", "gid": "33",
                    "msg_max_size": "100", "queue_max_bytes": "100000",
                    "read_eof": "N", "read_wait": "Y", "read_ack": "Y",
                    "max_deliveries": "3", "dead_queue": "dead",
                    "containers": "Y"}, found)
    status = os.stat("/proc/msg_queues/jobs")
    check((status.st_uid, status.st_gid) == (1000, 33), status)
    succeeds("create", "numbers", "uid=5", "gid=6")
    check(queues.show("numbers", "uid") == "5", "not the uid")


def refused():
    """The module's own line is shown."""
    loaded()
    for word in ("mode=777", "msg_max_size=0", "colour=red", "read_ack=x",
                 "dead=none", "max_deliveries=3", "queue_max_bytes=1"):
        log = KernelLog()
        done = fails(1, "kmsg_queue: parameter ", "create", "jobs", word)
        line, = log.lines()
        check(line in done.stderr, f"{done.stderr} without {line}")
        check(queues.names() == ["msg_queue"], queues.names())


def bad_words():
    """What the tool itself refuses."""
    loaded()
    for name in ("-jobs", "a/b", "", "a b", "a,mode=0666", "x" * 64, ".a"):
        fails(2, f"invalid name '{name}'", "create", "--", name)
    for word in ("mode", "", "a b=c", "mode=0600,uid=1", "uid=1\n"):
        fails(2, f"invalid setting '{word}'", "create", "jobs", word)
    for word, reason in (("user=nobody-here", "no user 'nobody-here'"),
                         ("group=", "no group ''")):
        fails(1, reason, "create", "jobs", word)
    for name in "msg_queue", "twice":
        if name == "twice":
            succeeds("create", name)
        fails(1, f"queue {name} exists", "create", name)
    fails(1, "Permission denied", "create", "jobs", **as_user())
    check(queues.names() == ["msg_queue", "twice"], queues.names())


def remove():
    """A queue that is empty and not in use; else the reason."""
    loaded("dead", "jobs,max_deliveries=2,dead=dead", "next")
    queues.send("jobs", b"message")
    fails(1, "it has 1 messages", "remove", "jobs")
    fails(1, "it is the dead queue of jobs", "remove", "dead")
    fd = os.open("/proc/msg_queues/next", os.O_WRONLY)
    fails(1, f"it is open in {os.getpid()} (", "remove", "next")
    os.close(fd)
    fails(1, "kmsg_queue: parameter queue: ", "remove", "msg_queue")
    fails(1, "none: not a queue", "remove", "none")
    fails(1, "Permission denied", "remove", "next", **as_user())
    succeeds("remove", "next")
    queues.take("jobs")
    succeeds("remove", "/proc/msg_queues/jobs")
    succeeds("remove", "dead")
    check(queues.names() == ["msg_queue"], queues.names())
    send("message")


TESTS = [
    ("create: each key, and names of users and groups", settings),
    ("create: what the module refuses, with its line", refused),
    ("create: bad names and settings", bad_words),
    ("remove", remove),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
