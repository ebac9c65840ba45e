# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of the relays share, in the system that boots."""
import contextlib
import itertools
import os
import random
import re
import signal
import subprocess
import time

import queues
from module import stat
from tap import check

MANUAL = "kmsgq-relays.7"
MESSAGES = 300
RELAY_KILLS = 8
BROKER_KILLS = 5


def examples():
    """The manual page's examples, as one types them."""
    with open(MANUAL, encoding="utf-8") as file:
        blocks = re.findall(r"^\.EX\n(.*?)^\.EE$", file.read(), re.M | re.S)
    text = re.sub(r"\\f.", "", "".join(blocks)).replace(r"\-", "-")
    return text.replace(r"\(aq", "'").replace(r"\e", "\\").splitlines()


def example(words):
    """The one line of them that has these words, without its prompt."""
    found = [line for line in examples() if words in line]
    check(len(found) == 1, f"{MANUAL} has {found} with '{words}'")
    return re.sub(r"^[#$] ", "", found[0])


def install(name):
    """Installs one of the examples, as the manual page shows."""
    sh(example(f"/{name} /usr/local/bin"))


def sh(command):
    """Runs a command, which has to succeed; gives what it prints."""
    done = subprocess.run(command, shell=isinstance(command, str), check=False,
                          stdout=subprocess.PIPE, text=True)
    check(done.returncode == 0, f"status {done.returncode}: {command}")
    return done.stdout


def status(command):
    """A command's exit status."""
    return subprocess.run(command, shell=isinstance(command, str), check=False,
                          stdout=subprocess.DEVNULL).returncode


def same(what, wanted, found):
    """They are the same."""
    check(wanted == found, f"{what} should be {wanted!r} and is {found!r}")


def until(condition):
    """Waits; the boot's time limit is the limit."""
    while not condition():
        time.sleep(0.1)


def make_as_shown(*names):
    """Makes these queues, with the manual page's settings."""
    words = example("options kmsg_queue queue=mqtt,").split("=", 1)[1]
    for name in names:
        queues.make(words.replace("mqtt", name))


def send(queue, text):
    """Puts a message into a queue."""
    queues.send(queue, text.encode())


def fill(queue):
    """Puts messages in until the queue is full; gives their number."""
    with queues.opened(queue, os.O_WRONLY) as fd:
        try:
            for count in itertools.count():
                os.write(fd, b"full")
        except BlockingIOError:
            return count


def take_all(queue):
    """Takes all of a queue's messages out."""
    return [text.decode() for text in iter(lambda: queues.take(queue), None)]


def show(unit, name):
    """A property of a unit."""
    return sh(["systemctl", "show", "-P", name, unit]).strip()


def start(unit):
    """Has a unit run."""
    # As often as this test wants.
    sh(f"systemctl reset-failed {unit} 2> /dev/null || :")
    sh(["systemctl", "start", unit])
    same(f"the unit {unit}", "active", show(unit, "ActiveState"))


def kill(unit):
    """Kills a service with SIGKILL, and has it run again after a moment."""
    process = show(unit, "MainPID")
    sh(["systemctl", "kill", "-s", "KILL", unit])
    until(lambda: show(unit, "MainPID") != process)
    time.sleep(random.random())
    start(unit)


class Relay:
    """A relay that runs, in a process group of its own."""

    def __init__(self, command):
        self.command = command
        self.kills = 0
        self.run()

    def run(self):
        """Starts it."""
        self.process = subprocess.Popen(f"exec {self.command}", shell=True,
                                        stdout=subprocess.DEVNULL,
                                        start_new_session=True)

    def watch(self):
        """Starts it again if it has ended, as systemd would."""
        if self.process.poll() is not None:
            time.sleep(1)
            self.run()
        time.sleep(0.1)

    def kill(self):
        """Kills it, alone or together with what it started, by turns."""
        self.kills += 1
        if self.kills % 2:
            self.process.kill()
        else:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.run()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Ends it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def relay(command, broker, left, count=MESSAGES):
    """Runs the relay, and kills it and the broker, until nothing is left of so
    many messages."""
    with Relay(command) as relaying:
        kills = [relaying.kill] * RELAY_KILLS + \
            [lambda: kill(broker)] * BROKER_KILLS
        random.Random(count).shuffle(kills)
        for number, act in enumerate(kills, 1):
            while left() > count - number * count // (len(kills) + 1):
                relaying.watch()
            time.sleep(random.random())
            act()
        while left():
            relaying.watch()


def relay_out(words, queue, broker):
    """Sends numbered messages with the manual page's command that has these
    words."""
    for number in range(MESSAGES):
        send(queue, f"{number}")
    relay(example(words), broker,
          lambda: stat("queued", queue) + stat("held", queue))
    same("messages dropped", 0, stat("dropped", queue))
    same("messages sent", MESSAGES, stat("enqueued", queue))


def arrived(came):
    """All numbers have come; says how many of them came twice."""
    missing = sorted(set(range(MESSAGES)) - {int(number) for number in came})
    check(not missing, f"{len(missing)} did not arrive: {missing}")
    return (f"{MESSAGES} messages, {RELAY_KILLS} kills of the relay and "
            f"{BROKER_KILLS} of the broker: all arrived, "
            f"{len(came) - MESSAGES} repeats")
