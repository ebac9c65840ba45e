#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq-relays(7) on RabbitMQ, with the example to-rabbitmq."""
import sys

import pika

from module import stat
from relay import (arrived, install, make_as_shown, relay_out, same, send,
                   start, status)
from tap import check, run


def channel():
    """A connection of this test."""
    return pika.BlockingConnection(
        pika.ConnectionParameters(heartbeat=0)).channel()


def begin():
    """The service, and the queue that the manual's settings make."""
    install("to-rabbitmq")
    start("rabbitmq-server")
    make_as_shown("rabbitmq")


def to_broker():
    """The broker's queue has them all."""
    relay_out("to-rabbitmq /proc", "rabbitmq", "rabbitmq-server")
    came = []
    there = channel()
    while True:
        found, _, body = there.basic_get("jobs", auto_ack=True)
        if not found:
            return arrived(came)
        came.append(body)


def unroutable():
    """A message that no queue takes stays; mandatory=True sees to that."""
    there = channel()
    there.queue_delete("jobs")
    # As if the queue were deleted while the relay runs.
    with open("/usr/local/bin/to-rabbitmq", encoding="utf-8") as file:
        text = file.read()
    check("queue_declare" in text, "the example makes no queue")
    with open("/root/no-queue", "w", encoding="utf-8") as file:
        file.writelines(line for line in text.splitlines(True)
                        if "queue_declare" not in line)
    send("rabbitmq", "kept")
    check(status("python3 /root/no-queue /proc/msg_queues/rabbitmq jobs 2> "
                 "/root/why"), "it succeeds")
    check(not status("grep -q UnroutableError /root/why"), "another reason")
    same("messages in the queue", 1, stat("queued", "rabbitmq"))


def amqp_publish():
    """It exits with 0 though nobody has the message."""
    same("the status", 0, status("amqp-publish -r nowhere -b lost"))


TESTS = [
    ("rabbitmq-server runs", begin),
    ("to the broker: all messages arrive", to_broker),
    ("a message that no queue takes stays", unroutable),
    ("amqp-publish exits with 0 and loses one", amqp_publish),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
