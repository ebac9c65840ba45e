# SPDX-License-Identifier: GPL-2.0-only
"""Kills of kmsgq save and restore, for tests of different length."""
import os
import random
import signal
import time

from module import QUEUE, stat
from tap import check, run
from tool import loaded, running, state, succeeds, take_all

MESSAGES = 3000


def numbered(first, count, queue=QUEUE):
    """Puts messages of different sizes into a queue; gives them."""
    messages = [f"{number} {'x' * (number % 7)}".encode()
                for number in range(first, first + count)]
    fd = os.open(queue, os.O_WRONLY)
    for message in messages:
        os.write(fd, message)
    os.close(fd)
    return messages


def in_file(directory, name="msg_queue"):
    """How large the file of a queue is, 0 if it does not exist."""
    try:
        return os.stat(f"{directory}/{name}").st_size
    except FileNotFoundError:
        return 0


def kill(process, chance, least, most, progress):
    """Kills it at a random moment of its progress, which goes from least to
    most. Gives whether it had not ended."""
    goal = least + chance.random() * (most - least)
    while process.poll() is None and not least < goal <= progress():
        time.sleep(0.001)
    time.sleep(chance.random() * 0.01)
    process.kill()
    process.wait()
    return process.returncode == -signal.SIGKILL


def kills_of_save(kills, ack):
    """Each message is in the queue once, in order, after save was killed, and
    restore completed it; read_ack is as it was."""
    loaded(read_ack=ack)
    chance = random.Random(kills)
    with state() as here:
        messages = numbered(0, MESSAGES)
        largest = 512 + sum(16 + len(message) for message in messages)
        struck = 0
        for _ in range(kills):
            begin = in_file(here)
            with running("save", here) as process:
                struck += kill(process, chance, begin, largest,
                               lambda: in_file(here))
            if chance.random() < 0.3:
                # A second save completes it, and may be killed as well.
                with running("save", here) as process:
                    kill(process, chance, in_file(here), largest,
                         lambda: in_file(here))
            succeeds("restore", here)
            check(stat("queued") == MESSAGES, f"{stat('queued')} messages")
            check(os.listdir(here) == [], os.listdir(here))
            with open("/sys/module/kmsg_queue/queues/msg_queue/read_ack",
                      encoding="ascii") as file:
                check(file.read() == f"{ack}\n", "read_ack has changed")
        check(struck * 2 >= kills, f"only {struck} of {kills} came in time")
        check(take_all() == messages, "not these messages, in order")
    return f"{struck} of {kills} kills while it ran"


def kills_of_restore(kills):
    """Each message comes once, in order, but the last one that a killed restore
    wrote may come twice."""
    loaded()
    chance = random.Random(kills)
    struck = twice = 0
    with state() as here:
        for _ in range(kills):
            messages = numbered(0, MESSAGES)
            succeeds("save", here)
            with running("restore", here) as process:
                struck += kill(process, chance, 0, MESSAGES,
                               lambda: stat("queued"))
            last = stat("queued")
            if os.path.exists(f"{here}/msg_queue"):
                succeeds("restore", here)
            check(os.listdir(here) == [], os.listdir(here))
            came = take_all()
            if came != messages:
                twice += 1
                check(came[last - 1] == came[last],
                      f"{came[last - 1]} {came[last]} around {last}")
                del came[last]
            check(came == messages, f"{len(came)} messages, not these in order")
        check(struck * 2 >= kills, f"only {struck} of {kills} came in time")
    return f"{struck} of {kills} kills while it ran, {twice} came twice"


def run_kills(kills):
    """Runs all of these, each with so many kills; gives the exit status."""
    return run([
        ("save, of a queue with read_ack=N", lambda: kills_of_save(kills, "N")),
        ("save, of a queue with read_ack=Y", lambda: kills_of_save(kills, "Y")),
        ("restore", lambda: kills_of_restore(kills)),
    ])
