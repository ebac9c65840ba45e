#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq save and restore: killed at random moments. slow/save_kills does so more
often."""
import sys

from saved import kills_of_restore, kills_of_save
from tap import run
from tool import loaded

KILLS = 5


def save(ack):
    """Of a queue with this read_ack."""
    loaded(read_ack=ack)
    return kills_of_save(KILLS, read_ack=ack)


def restore():
    """Of the default queue."""
    loaded()
    return kills_of_restore(KILLS)


TESTS = [
    ("save, of a queue with read_ack=N", lambda: save("N")),
    ("save, of a queue with read_ack=Y", lambda: save("Y")),
    ("restore", restore),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
