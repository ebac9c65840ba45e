#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq-relays(7) on Kafka, without a broker: Debian has none."""
import sys

from module import stat
from relay import example, make_as_shown, same, send, status
from tap import check, run


def no_broker():
    """kcat fails, and the message stays."""
    make_as_shown("kafka")
    send("kafka", "kept")
    command = example("kcat -P").replace("kafka:9092", "localhost:9092")
    check(status(command.replace("consume", "consume -1")), "it succeeds")
    same("messages queued and held", (1, 0),
         (stat("queued", "kafka"), stat("held", "kafka")))


TESTS = [
    ("without a broker kcat fails and the message stays (no other test of it)",
     no_broker),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
