#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The tracepoints: which event comes when, with what in each field.

The trace's text is compared, and the fields themselves with a filter on each
event, which finds them by name. Across the events, no two fields of one type
have the same value, so it shows when any two are swapped.
"""
import contextlib
import os
import select
import subprocess
import sys
import time

from module import loaded, stat, write
from queues import make, opened, path, send, store, take
from tap import check, run

TRACING = "/sys/kernel/tracing"
MESSAGE = ("queue", "seq", "len", "queued", "bytes", "wait_ms", "deliveries")
FIELDS = {"kmsgq_enqueue": MESSAGE, "kmsgq_dequeue": MESSAGE,
          "kmsgq_confirm": MESSAGE, "kmsgq_return": MESSAGE,
          "kmsgq_full": ("queue", "queued", "bytes")}

# The queue that is traced; where its messages go after two deliveries; and one
# with a message that is older than any other.
QUEUE, DEAD, OLD = "traced", "traced-dead", "old"
FIRST = 20          # the first traced message's place in the order
AGE = 50            # how old messages are before they are taken, milliseconds


class Instance:
    """One of the kernel's traces."""

    def __init__(self, name):
        # With this option, which an instance has from here, the kernel patches the
        # scheduler each time. QEMU (7.2, TCG) can then execute the breakpoint that
        # was there for a moment, again and again, and the machine hangs.
        check(not write(f"{TRACING}/options/record-cmd", "0"), "record-cmd stays")
        self.path = f"{TRACING}/instances/kmsgq-{name}"
        os.mkdir(self.path)
        self.put("events/kmsg_queue/enable", "1")

    def put(self, name, text):
        """Writes to one of its files."""
        with open(f"{self.path}/{name}", "w", encoding="ascii") as file:
            file.write(text)

    def filter(self, event, fields):
        """From here on, this event is recorded only with these fields."""
        self.put(f"events/kmsg_queue/{event}/filter", " && ".join(
            f'{name} == "{value}"' if name == "queue" else
            f"{name} {'>=' if name == 'wait_ms' else '=='} {value}"
            for name, value in fields.items()))

    def seen(self):
        """What came since the last look: [(event, {field: value})]."""
        with open(f"{self.path}/trace", encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith("#")]
        # What comes in between would be lost to one who waits for it.
        if lines:
            self.put("trace", "")
        return [parse(line) for line in lines]

    def remove(self):
        """Ends it."""
        self.put("events/kmsg_queue/enable", "0")
        os.rmdir(self.path)


def parse(line):
    """A line of a trace: the event and its fields."""
    event, _, text = line.partition(": kmsgq_")[2].partition(": ")
    fields = dict(word.split("=") for word in text.split())
    return f"kmsgq_{event}", {name: value if name == "queue" else int(value)
                              for name, value in fields.items()}


@contextlib.contextmanager
def traced():
    """The queues, and two instances that trace them: (all, filtered)."""
    loaded()
    make(DEAD)
    make(f"{QUEUE},read_ack=Y,max_deliveries=2,dead={DEAD}")
    make(OLD)
    send(OLD, b"old")
    for _ in range(FIRST):
        send(QUEUE, b"earlier")
        take(QUEUE)
    with contextlib.ExitStack() as stack:
        instances = []
        for name in ("all", "filtered"):
            instances.append(Instance(name))
            stack.callback(instances[-1].remove)
        yield instances


def step(instances, action, *wanted):
    """The action has exactly these events, each with these fields; wait_ms is
    the least that it may be. Gives what the action does."""
    every, filtered = instances
    for event, fields in wanted:
        check(tuple(fields) == FIELDS[event], f"a fault of this test: {fields}")
        filtered.filter(event, fields)
    result = action()
    found = every.seen()
    check([event for event, _ in found] == [event for event, _ in wanted],
          f"the events are {found}, not {wanted}")
    oldest = stat("oldest_age_ms", OLD)
    for (event, fields), (_, want) in zip(found, wanted):
        check(tuple(fields) == FIELDS[event], f"{event} has {tuple(fields)}")
        for name, value in want.items():
            if name == "wait_ms":
                check(value <= fields[name] <= oldest, f"{event}: {name} is "
                      f"{fields[name]}, not {value} to {oldest}; {fields}")
            else:
                check(fields[name] == value, f"{event}: {name} is "
                      f"{fields[name]}, not {value}; {fields}")
    # Each instance looks at the clock itself.
    passed = [(event, {**fields, "wait_ms": 0}) for event, fields in
              filtered.seen()]
    check(passed == [(event, {**fields, "wait_ms": 0})
                     for event, fields in found],
          f"the filter lets {passed} pass, not all of {found}")
    return result


def message(event, queue, *values):
    """An event of a message."""
    return f"kmsgq_{event}", dict(zip(MESSAGE, (queue, *values)))


def footprints(*lengths):
    """What messages of these lengths count in queued_bytes."""
    make("sizes")
    found = []
    for length in lengths:
        send("sizes", bytes(length))
        found.append(stat("queued_bytes", "sizes"))
        take("sizes")
    return found


def grown_old():
    """Waits for the oldest message to be AGE old; gives its age."""
    while stat("oldest_age_ms", QUEUE) < AGE:
        time.sleep(0.01)
    return stat("oldest_age_ms", QUEUE)


def messages():
    """Two messages: one is confirmed, one fails twice."""
    with traced() as instances:
        small, large = footprints(100, 700)
        for instance in instances:
            instance.seen()
        step(instances, lambda: send(QUEUE, bytes(700)),
             message("enqueue", QUEUE, FIRST, 700, 1, large, 0, 0))
        step(instances, lambda: send(QUEUE, bytes(100)),
             message("enqueue", QUEUE, FIRST + 1, 100, 2, large + small, 0, 0))
        with opened(QUEUE, os.O_RDONLY) as fd:
            age = grown_old()
            step(instances, lambda: os.read(fd, 1024),
                 message("dequeue", QUEUE, FIRST, 700, 1, large + small, age, 0))
            step(instances, lambda: os.fsync(fd),
                 message("confirm", QUEUE, FIRST, 700, 1, small, age, 1))
        age = grown_old()
        for deliveries in range(2):
            fd = os.open(path(QUEUE), os.O_RDONLY | os.O_NONBLOCK)
            step(instances, lambda f=fd: os.read(f, 1024),
                 message("dequeue", QUEUE, FIRST + 1, 100, 0, small, age,
                         deliveries))
            step(instances, lambda f=fd: os.close(f),
                 message("enqueue", DEAD, 0, 100, 1, small, 0, 0) if deliveries
                 else message("return", QUEUE, FIRST + 1, 100, 1, small, age, 1))


def full():
    """A writer that does not wait, a poller, and a writer that waits."""
    with traced() as instances:
        size, = footprints(1024)
        for name, value in ("msg_max_size", 1024), ("queue_max_bytes", 3 * size):
            check(not store(QUEUE, name, f"{value}"), f"no {name}={value}")
        for _ in range(3):
            send(QUEUE, bytes(1024))
        for instance in instances:
            instance.seen()
        event = ("kmsgq_full", dict(zip(FIELDS["kmsgq_full"],
                                        (QUEUE, 3, 3 * size))))
        with opened(QUEUE, os.O_WRONLY) as fd:
            def refused():
                try:
                    os.write(fd, b"more")
                except BlockingIOError:
                    return True
                return False

            check(step(instances, refused, event), "the queue is not full")
            poll = select.poll()
            poll.register(fd, select.POLLOUT)
            check(not step(instances, lambda: poll.poll(0), event),
                  "there is room")

        writer = subprocess.Popen(["sh", "-c", f"echo more > {path(QUEUE)}"])
        # It looks for room once or twice before it sleeps.
        while not (found := instances[0].seen()):
            time.sleep(0.01)
        check(all(one == event for one in found),
              f"a writer waits: {found}, not {event}")
        take(QUEUE)
        check(writer.wait() == 0, "the writer has failed")
        found = instances[0].seen()[-1]
        check(found[0] == "kmsgq_enqueue" and
              (found[1]["len"], found[1]["queued"]) == (5, 3), found)


def off():
    """An event that is not enabled is not recorded."""
    with traced() as (every, _):
        every.put("events/kmsg_queue/kmsgq_dequeue/enable", "0")
        send(QUEUE, b"message")
        take(QUEUE)
        found = [event for event, _ in every.seen()]
        check(found == ["kmsgq_enqueue", "kmsgq_confirm"], found)


def raw(instance, cpu):
    """The pages of a processor's part of a trace, as a tracer gets them."""
    pages = b""
    fd = os.open(f"{instance.path}/per_cpu/cpu{cpu}/trace_pipe_raw",
                 os.O_RDONLY | os.O_NONBLOCK)
    try:
        while page := os.read(fd, os.sysconf("SC_PAGE_SIZE")):
            pages += page
    except BlockingIOError:
        pass
    finally:
        os.close(fd)
    return pages


def nothing_stale():
    """A record shows nothing of the one that was in its place before: a user
    who may trace one queue sees no name of another."""
    loaded()
    long, short = "L" * 63, "s"
    make(long)
    make(short)
    cpu = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpu})
    instance = Instance("raw")
    try:
        instance.put("buffer_size_kb", "8")
        for name in long, short:
            # Each page of the buffer is used again and again.
            for _ in range(1000):
                send(name, b"x")
                take(name)
            pages = raw(instance, cpu)
            check(pages.count(name.encode() + b"\0") > 50,
                  f"{len(pages)} bytes, without the records of {name}")
        check(b"L" * 8 not in pages, "records have parts of another's name")
    finally:
        instance.remove()
        os.sched_setaffinity(0, range(os.cpu_count()))


TESTS = [
    ("enqueue, dequeue, confirm and return, to a dead queue too", messages),
    ("full: a refused write, a poll and a write that waits", full),
    ("each event can be enabled alone", off),
    ("a record has nothing of an older one", nothing_stale),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
