#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq-relays(7) on tracers: bpftrace and perf trace see each event, with its
fields. module/trace.py compares all fields of all events."""
import re
import shlex
import subprocess
import sys

from queues import make
from relay import example, same
from tap import check, run

# Every event, on a queue for this test: one message is confirmed, one returns.
SESSION = """
printf 12345 > /proc/msg_queues/trace
cat /proc/msg_queues/trace > /dev/null
printf 1234567 > /proc/msg_queues/trace
head -c 7 /proc/msg_queues/trace > /dev/null
"""
EVENTS = [("enqueue", 5, 1, 0), ("dequeue", 5, 0, 0), ("confirm", 5, 0, 1),
          ("enqueue", 7, 1, 0), ("dequeue", 7, 0, 0), ("return", 7, 1, 1)]


def traced(*command):
    """What a tracer prints about the session."""
    make("trace,read_ack=Y")
    with open("/root/session", "w", encoding="ascii") as file:
        file.write(SESSION)
    done = subprocess.run([*command], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    # One message is left; and an event for the next tracer.
    subprocess.run("cat /proc/msg_queues/trace; echo -trace > "
                   "/sys/module/kmsg_queue/parameters/queue", shell=True,
                   check=True, stdout=subprocess.DEVNULL)
    check(done.returncode == 0, f"{command[0]}: {done.stdout}")
    return done.stdout


def shown():
    """The program in the manual page, for as long as the session runs."""
    command = shlex.split(example("bpftrace -e"))
    found = traced(*command, "-c", "/bin/sh /root/session")
    check("@[trace]" in found, f"bpftrace prints {found}")


def bpftrace():
    """bpftrace knows the fields by their names."""
    text = traced("bpftrace", "-c", "/bin/sh /root/session", "-e", " ".join(
        f'tracepoint:kmsg_queue:kmsgq_{event} /args->queue == "trace"/ '
        f'{{ printf("kmsgq_{event} len %d queued %d deliveries %d\\n", '
        'args->len, args->queued, args->deliveries); }'
        for event in ("enqueue", "dequeue", "confirm", "return")))
    found = re.findall(r"kmsgq_(\w+) len (\d+) queued (\d+) deliveries (\d+)",
                       text)
    same("the events", EVENTS, [(event, *map(int, rest))
                                for event, *rest in found])


def perf():
    """perf trace shows them."""
    text = traced(*shlex.split(example("perf trace")), "sh", "/root/session")
    found = []
    for event, fields in re.findall(r"kmsgq_(\w+)\((.*trace.*)\)", text):
        # It leaves out what is 0.
        fields = dict(re.findall(r"(\w+): (\d+)", fields))
        found.append((event, *(int(fields.get(name, 0)) for name in
                               ("len", "queued", "deliveries"))))
    check(found, f"perf prints {text}")
    same("the events", EVENTS, found)


TESTS = [
    ("the manual's program for bpftrace", shown),
    ("bpftrace", bpftrace),
    ("perf trace", perf),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
