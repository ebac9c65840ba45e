#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq-relays(7) on MQTT, with mosquitto."""
import os
import subprocess
import sys

from module import stat
from queues import make, store
from relay import (MESSAGES, Relay, arrived, example, examples, fill, kill,
                   make_as_shown, relay_out, same, send, sh, start, status,
                   take_all, until)
from tap import check, run

CONF = "/etc/mosquitto/conf.d/save.conf"
NUMBERS = {f"{number}" for number in range(MESSAGES)}


def lines(file):
    """The lines of a file that somebody still writes."""
    with open(file, encoding="ascii") as text:
        return text.read().split()


def subscribe(topic):
    """Makes a session of that name whose messages the broker keeps."""
    sh(f"mosquitto_sub -c -i {topic} -q 1 -t {topic} -E")


def received(topic, count):
    """Takes so many messages of such a session."""
    return sh(f"mosquitto_sub -c -i {topic} -q 1 -t {topic} -C {count}").split()


def to_broker():
    """With a subscriber that is there, in a session that the broker keeps."""
    subscribe("jobs")
    with Relay("mosquitto_sub -c -i jobs -q 1 -t jobs > /root/came") as relay:
        relay_out("consume mqtt mosquitto_pub", "mqtt", "mosquitto")
        until(lambda: relay.process.poll() is not None or
              NUMBERS <= set(lines("/root/came")))
    return arrived(lines("/root/came"))


def no_subscriber():
    """Such a message is confirmed, and nobody gets it."""
    same("the status", 0, status("mosquitto_pub -q 1 -t nobody -m lost"))
    subscribe("nobody")
    sh("mosquitto_pub -q 1 -t nobody -m last")
    same("what a later subscriber gets", ["last"], received("nobody", 1))


def saved():
    """The broker is killed while the subscriber is absent."""
    subscribe("absent")
    for number in range(3):
        sh(f"mosquitto_pub -q 1 -t absent -m {number}")
    # The next message is handled after this one's save.
    sh("mosquitto_pub -q 1 -t absent -m last")
    kill("mosquitto")
    same("what comes", ["0", "1", "2"], received("absent", 3))


def not_saved():
    """The same with the broker's own settings."""
    os.rename(CONF, "/root/save.conf")
    sh("systemctl stop mosquitto")
    start("mosquitto")
    subscribe("default")
    sh("systemctl stop mosquitto")
    start("mosquitto")
    sh("mosquitto_pub -q 1 -t default -m lost")
    kill("mosquitto")
    sh("mosquitto_pub -q 1 -t default -m last")
    same("what comes", ["last"], received("default", 1))
    os.rename("/root/save.conf", CONF)
    sh("systemctl restart mosquitto")


def stream():
    """200 messages for a mosquitto_pub -l whose broker has gone."""
    make("news,read_eof=N,read_wait=Y")
    subscribe("news")
    with Relay(example("-l < /proc/msg_queues/news").split("  ")[0]):
        send("news", "first\n")
        same("what comes", ["first"], received("news", 1))
        sh("systemctl stop mosquitto")
        for number in range(200):
            send("news", f"{number}\n")
        until(lambda: not stat("queued", "news"))
    start("mosquitto")
    sh("mosquitto_pub -q 1 -t news -m last")
    same("what comes of the 200", ["last"], received("news", 1))


def to_queue():
    """A message stays one, whatever is in it."""
    sh("mosquitto_sub -c -i relay -q 1 -t jobs -E")
    with Relay(example("> /proc/msg_queues/from-mqtt")):
        for text in ("one", "two\nlines", "three\n"):
            subprocess.run("mosquitto_pub -q 1 -t jobs -s", shell=True,
                           check=True, input=text.encode())
        until(lambda: stat("queued", "from-mqtt") >= 3)
    same("the messages", ["one", "two\nlines", "three\n"],
         take_all("from-mqtt"))


def to_queue_killed():
    """It has confirmed the message that it still has to write."""
    command = example("> /proc/msg_queues/from-mqtt")
    for key, value in ("msg_max_size", "1024"), ("queue_max_bytes", "2048"):
        same(key, 0, store("from-mqtt", key, value))
    count = fill("from-mqtt")
    with Relay(command):
        for number in range(3):
            sh(f"mosquitto_pub -q 1 -t jobs -m {number}")
        until(lambda: stat("waiting_writers", "from-mqtt"))
    same("what filled the queue", ["full"] * count, take_all("from-mqtt"))
    with Relay(command):
        until(lambda: stat("queued", "from-mqtt") >= 2)
        sh("mosquitto_pub -q 1 -t jobs -m last")
        until(lambda: stat("queued", "from-mqtt") >= 3)
    same("what comes", ["1", "2", "last"], take_all("from-mqtt"))


def settings():
    """The manual's settings for mosquitto."""
    found = [line for line in examples()
             if line.startswith(("persistence", "autosave"))]
    check(len(found) == 3, f"the manual page has {found}")
    # Debian's own file has the first.
    with open(CONF, "w", encoding="ascii") as file:
        file.write("\n".join(found[1:]) + "\n")
    start("mosquitto")
    make_as_shown("mqtt", "from-mqtt")


TESTS = [
    ("mosquitto runs, with the manual's settings", settings),
    ("to the broker: all messages arrive", to_broker),
    ("a message without a subscriber is confirmed and lost", no_subscriber),
    ("a killed broker has what it saved", saved),
    ("with its own settings it does not", not_saved),
    ("mosquitto_pub -l takes messages and loses them", stream),
    ("to a queue: each message is one", to_queue),
    ("to a queue: a kill loses the message that is being written",
     to_queue_killed),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
