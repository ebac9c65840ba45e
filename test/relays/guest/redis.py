#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq-relays(7) on Redis."""
import sys

from module import stat
from relay import (MESSAGES, arrived, example, examples, install,
                   make_as_shown, relay, relay_out, same, send, sh, start,
                   status, take_all)
from tap import check, run

CONF = "/etc/redis/redis.conf"


def settings():
    """The manual's settings for Redis, instead of Debian's."""
    found = [line for line in examples() if line.startswith("append")]
    check(len(found) == 2, f"the manual page has {found}")
    with open(CONF, encoding="utf-8") as file:
        text = [line for line in file if not line.startswith("append")]
    with open(CONF, "w", encoding="utf-8") as file:
        file.writelines(text + [line + "\n" for line in found])
    start("redis-server")
    make_as_shown("redis", "from-redis")
    same("what it has of them", "yes\nalways\n",
         sh("for name in appendonly appendfsync; do"
            " redis-cli CONFIG GET $name | tail -n 1; done"))


def to_redis():
    """A list has them all."""
    relay_out("-x LPUSH jobs", "redis", "redis-server")
    return arrived(sh("redis-cli -e LRANGE jobs 0 -1").split())


def to_queue():
    """A queue has them all: the messages of the test before."""
    sh("redis-cli DEL jobs")
    for first in range(0, MESSAGES, 100):
        sh("redis-cli -e LPUSH jobs " +
           " ".join(f"{number}" for number in range(first, first + 100)))
    install("from-redis")

    def left():
        # Without a broker there is something left. With repeats it is more.
        return max(MESSAGES - stat("queued", "from-redis"), 0) or \
            sum(int(sh(f"redis-cli LLEN {name} 2> /dev/null || echo 1"))
                for name in ("jobs", "jobs-taken"))

    relay(example("from-redis jobs"), "redis-server", left)
    same("messages in the list", 0, left())
    return arrived(take_all("from-redis"))


def refused():
    """A command that Redis refuses; only with -e redis-cli fails."""
    sh("redis-cli -e SET word text")
    same("the status without -e", 0, status("echo | redis-cli -x LPUSH word"))
    check(status("echo | redis-cli -e -x LPUSH word"),
          "the status with -e is 0")
    send("redis", "kept")
    command = example("-x LPUSH jobs").replace("jobs", "word")
    check(status(command.replace("consume", "consume -1")), "it succeeds")
    same("messages in the queue", 1, stat("queued", "redis"))


TESTS = [
    ("redis-server runs, with the manual's settings", settings),
    ("to Redis: all messages arrive", to_redis),
    ("from Redis: all messages arrive", to_queue),
    ("redis-cli needs -e to fail", refused),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
