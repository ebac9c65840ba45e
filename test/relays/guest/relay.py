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

from tap import check

MANUAL = "kmsgq-relays.7"
MESSAGES = 300
RELAY_KILLS = 8
BROKER_KILLS = 5
SYS = "/sys/module/kmsg_queue"


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


def stat(queue, name):
    """A queue's counter."""
    with open(f"{SYS}/queues/{queue}/{name}", encoding="ascii") as file:
        return int(file.read())


def configure(queue, name, value):
    """Changes a setting of a queue."""
    with open(f"{SYS}/queues/{queue}/{name}", "w", encoding="ascii") as file:
        file.write(f"{value}")


def make(words):
    """Makes a queue."""
    with open(f"{SYS}/parameters/queue", "w", encoding="ascii") as file:
        file.write(words)


def make_as_shown(*queues):
    """Makes these queues, with the manual page's settings."""
    words = example("options kmsg_queue queue=mqtt,").split("=", 1)[1]
    for queue in queues:
        make(words.replace("mqtt", queue))


def path(queue):
    """A queue's file."""
    return "/proc/msg_queue" if queue == "msg_queue" else \
        f"/proc/msg_queues/{queue}"


def send(queue, text):
    """Puts a message into a queue."""
    with open(path(queue), "wb", buffering=0) as file:
        check(file.write(text.encode()) == len(text), "a short write")


def fill(queue):
    """Puts messages in until the queue is full; gives their number."""
    fd = os.open(path(queue), os.O_WRONLY | os.O_NONBLOCK)
    try:
        for count in itertools.count():
            os.write(fd, b"full")
    except BlockingIOError:
        return count
    finally:
        os.close(fd)


def take(queue):
    """Takes a queue's message out; None if there is none."""
    fd = os.open(path(queue), os.O_RDONLY | os.O_NONBLOCK)
    try:
        message = os.read(fd, 1 << 20)
        os.fsync(fd)
        return message.decode()
    except BlockingIOError:
        return None
    finally:
        os.close(fd)


def take_all(queue):
    """Takes all of a queue's messages out."""
    return list(iter(lambda: take(queue), None))


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

    def end(self):
        """Ends it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def relay(command, broker, left, count=MESSAGES):
    """Runs the relay, and kills it and the broker, until nothing is left of so
    many messages."""
    relaying = Relay(command)
    kills = [relaying.kill] * RELAY_KILLS + \
        [lambda: kill(broker)] * BROKER_KILLS
    random.Random(count).shuffle(kills)
    try:
        for number, act in enumerate(kills, 1):
            while left() > count - number * count // (len(kills) + 1):
                relaying.watch()
            time.sleep(random.random())
            act()
        while left():
            relaying.watch()
    finally:
        relaying.end()


def relay_out(words, queue, broker):
    """Sends numbered messages with the manual page's command that has these
    words."""
    for number in range(MESSAGES):
        send(queue, f"{number}")
    relay(example(words), broker,
          lambda: stat(queue, "queued") + stat(queue, "held"))
    same("messages dropped", 0, stat(queue, "dropped"))
    same("messages sent", MESSAGES, stat(queue, "enqueued"))


def arrived(came):
    """All numbers have come; says how many of them came twice."""
    missing = sorted(set(range(MESSAGES)) - {int(number) for number in came})
    check(not missing, f"{len(missing)} did not arrive: {missing}")
    return (f"{MESSAGES} messages, {RELAY_KILLS} kills of the relay and "
            f"{BROKER_KILLS} of the broker: all arrived, "
            f"{len(came) - MESSAGES} repeats")
