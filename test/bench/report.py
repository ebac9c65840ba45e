#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Shows what was measured: tables and bars on standard output.

    report.py DIRECTORY

DIRECTORY has the records bench.cost, bench.shapes and bench.load. Writes
bench.json, with all of it, and bench.gp, the data for plot.gp, there.
"""

import datetime
import json
import math
import os
import platform
import sys

from results import Results

OURS = "kmsg_queue"
# What does a queue's work, as opposed to what only shows a lower bound; and
# the ways in which each can wait, of which the best counts.
WAYS = {
    OURS: ["kmsg_queue", "kmsg_queue_stream"],
    "mq": ["mq", "mq_blocking"],
    "sysv": ["sysv"],
    "pipe": ["pipe", "pipe_blocking"],
    "packets": ["packets", "packets_blocking"],
    "fifo": ["fifo", "fifo_blocking"],
    "dgram": ["dgram"],
    "seqpacket": ["seqpacket"],
}
PEERS = [peer for peer in WAYS if peer != OURS]
# Those that keep messages apart. A byte FIFO does not: its reader has to know
# where a message ends.
QUEUES = [peer for peer in PEERS if peer != "fifo"]
# Where the scheduler moves the figures by 5 %.
MOVED = ["1x4", "1x50"]
NAMES = {
    "kmsg_queue_plain": "kmsg_queue, opened again",
    "kmsg_queue_stream": "kmsg_queue, read_eof=N read_wait=Y",
    "kmsg_queue_further": "kmsg_queue, an additional queue",
    "kmsg_queue_ack": "kmsg_queue, read_ack=Y",
    "floor": "floor: two calls, two copies",
    "null_zero": "/dev/null and /dev/zero",
    "mq": "POSIX mq",
    "mq_blocking": "POSIX mq, blocking",
    "sysv": "SysV msg",
    "pipe": "pipe, packet mode",
    "pipe_blocking": "pipe, packet mode, blocking",
    "packets": "packet FIFO",
    "packets_blocking": "packet FIFO, blocking",
    "fifo": "byte FIFO",
    "fifo_blocking": "byte FIFO, blocking",
    "kmsg_queue_held": "kmsg_queue, one of two messages held",
    "dgram": "AF_UNIX dgram",
    "seqpacket": "AF_UNIX seqpacket",
}
# What the picture shows, in the order of plot.gp's colors.
SHOWN = {
    OURS: "kmsg_queue",
    "mq": "POSIX mq",
    "sysv": "SysV msg",
    "packets": "packet FIFO (to 4 KiB)",
    "fifo": "byte FIFO",
    "seqpacket": "AF_UNIX",
    "floor": "(no queue)",
}


def number(value, digits=0):
    return "-" if value is None else f"{value:.{digits}f}"


def print_rows(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  " + row[0].ljust(widths[0]),
              *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:])),
              sep="  ")
    print()


def table(results, measure, title, head, digits=0, scale=1, get=Results.get):
    """Mechanisms down, x across, and how ours compares with each."""
    xs = results.xs(measure)
    rows = [[head, *map(str, xs)]]
    for mechanism in results.mechanisms(measure):
        values = [get(results, measure, mechanism, x) for x in xs]
        rows.append([NAMES.get(mechanism, mechanism)] +
                    [number(v and v / scale, digits) for v in values])
    for peer in results.mechanisms(measure):
        if peer.startswith(OURS) or OURS not in results.mechanisms(measure):
            continue
        ratios = [get(results, measure, OURS, x) / get(results, measure, peer, x)
                  if (measure, peer, x) in results.values else None
                  for x in xs]
        rows.append([f"{OURS} / {NAMES.get(peer, peer)}"] +
                    [number(r, 2) for r in ratios])
    print(title)
    print_rows(rows)


def unload_table(results):
    """The module's own end, and the lines in the log for the first thousand
    messages, are not the others' cost."""
    rest = results.get("unload", OURS, 1000)
    rows = [["messages left", "in all", "each beyond 1000"]]
    for x in results.xs("unload"):
        value = results.get("unload", OURS, x)
        rows.append([str(x), number(value),
                     number((value - rest) / (x - 1000)) if x > 1000 else "-"])
    print("Unloading with messages left: instructions")
    print_rows(rows)


def best(results, get, measure, who, x):
    """What a message costs by the best way of waiting."""
    return min(get(results, measure, way, x) for way in WAYS[who]
               if (measure, way, x) in results.values)


def against(results, get, measure, peers, x):
    """Our best way beside that of the best of these peers."""
    return (best(results, get, measure, OURS, x) /
            min(best(results, get, measure, peer, x) for peer in peers))


def service_bars(results):
    """Bursts in a control group beside others: name, figure, limit."""
    for x in results.xs("service"):
        for peer, limit in ("mq", 0.80), ("sysv", 0.80), ("fifo", 1.10):
            yield (f"bursts of {x} in a control group / {NAMES[peer]}",
                   results.ratio(("service", OURS, x), ("service", peer, x)),
                   limit)


def tight_bar(results):
    """A queue of two messages, one of them held, beside a queue of one."""
    return ("space for two messages, one held / POSIX mq of one",
            results.least("tight", "kmsg_queue_held", "1x1") /
            results.least("tight", "mq_blocking", "1x1"), 3)


def bars(cost, shapes, load):
    """What this is to reach: name, figure reached, limit."""
    def worst(measure, peers, sizes, ours=OURS):
        return max(cost.ratio((measure, ours, x), (measure, p, x))
                   for x in sizes for p in peers
                   if (measure, p, x) in cost.values)

    sizes = cost.xs("alternating")
    yield ("alternating pair to 256 bytes / floor",
           worst("alternating", ["floor"], [x for x in sizes if x <= 256]), 1.34)
    yield ("alternating pair from 1024 bytes / floor",
           worst("alternating", ["floor"], [x for x in sizes if x > 256]), 1.30)
    yield ("alternating pair, any size / best peer",
           worst("alternating", PEERS, sizes), 1)
    yield ("deep, any size / best of POSIX mq and SysV",
           worst("deep", ["mq", "sysv"], sizes), 1)
    yield ("pair with read_ack=Y / without",
           worst("alternating", [OURS], sizes, "kmsg_queue_ack"), 1.15)
    yield ("pair on an additional queue / on the first",
           worst("alternating", [OURS], sizes, "kmsg_queue_further"), 1.01)
    for shape in shapes.xs("load"):
        yield (f"under load, {shape} / best that keeps boundaries",
               against(shapes, Results.least, "load", QUEUES, shape), 1)
        yield (f"under load, {shape} / byte FIFO",
               against(shapes, Results.least, "load", ["fifo"], shape),
               1.08 if shape in MOVED else 1.05)
    yield ("one waiting reader / POSIX mq",
           against(shapes, Results.least, "latency", ["mq"], 50), 1.05)
    yield from service_bars(shapes)
    yield tight_bar(shapes)
    for shape in load.xs("load"):
        yield (f"two processors, {shape} / best peer",
               against(load, Results.get, "load", PEERS, shape), 1)
    yield ("pair with a million messages waiting / with none",
           cost.ratio(("depth", OURS, 1000000), ("depth", OURS, 1)), 1.1)
    yield ("memory for a message of 100 bytes, in bytes",
           cost.get("memory", OURS, 100), 200)


def host():
    """The processor that ran it, as far as it says so."""
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def count(how_many, what):
    return f"{how_many} {what}" + ("" if how_many == "1" else "s")


def spread(ends, least):
    """Moves values apart that are closer than @least, keeping their order."""
    ends = sorted(ends)
    for _ in range(100):
        for i in range(len(ends) - 1):
            (low, a), (high, b) = ends[i], ends[i + 1]
            if high - low < least:
                more = (least - (high - low)) / 2
                ends[i], ends[i + 1] = (low - more, a), (high + more, b)
    return ends


def block(out, name, rows):
    """One of plot.gp's data blocks."""
    print(f"${name} << END", *rows, "END", sep="\n", file=out)


def write_plot(cost, shapes, title, path):
    """The data for plot.gp. Columns of $lines and colors are in the order of
    SHOWN."""
    with open(path, "w") as out:
        print(f'title = "{title}"', file=out)
        sizes = cost.xs("alternating")
        block(out, "lines", [
            " ".join([str(x)] + [number(cost.get("alternating", m, x))
                                 .replace("-", "NaN") for m in SHOWN])
            for x in sizes])
        # A line's label stands at its end; a pipe's message is at most a page,
        # and costs what a FIFO's does.
        ends = [(math.log2(cost.get("alternating", m, sizes[-1]) or
                           cost.get("alternating", "fifo", sizes[-1]) * 1.01), m)
                for m in SHOWN]
        block(out, "labels", [
            f'{sizes[-1]} {2 ** y:.0f} {list(SHOWN).index(m) + 1} "{SHOWN[m]}"'
            for y, m in spread(ends, 0.32)])
        # Dots of one shape are a little apart, so that none hides another.
        # That of POSIX mq is a line.
        dots = []
        names = []
        for row, shape in enumerate(reversed(shapes.xs("load"))):
            writers, readers = shape.split("x")
            names.append(f'{row} "{count(writers, "writer")},'
                         f' {count(readers, "reader")}"')
            mq = best(shapes, Results.least, "load", "mq", shape)
            for color, m in enumerate(SHOWN, 1):
                if m not in WAYS or m == "mq":
                    continue
                ratio = best(shapes, Results.least, "load", m, shape) / mq
                dots.append(f"{ratio:.3f} {row - (color - 3.5) * 0.13:.2f}"
                            f" {color}")
        block(out, "dots", dots)
        block(out, "shapes", names)


def main():
    directory = sys.argv[1]

    def path(name):
        return os.path.join(directory, "bench." + name)

    cost, shapes, load = (Results(path(area))
                          for area in ("cost", "shapes", "load"))
    date = datetime.date.today().isoformat()
    machine = f"QEMU on {host()}"
    print(f"{date}, kernel {cost.kernel}, {machine}\n")

    table(cost, "alternating",
          "One write and one read, alternating: instructions", "bytes")
    table(cost, "deep",
          "1000 writes, then 1000 reads: instructions for a pair", "bytes")
    table(cost, "open_write_close", "Open, write, close: instructions", "bytes")
    table(cost, "open_read_close", "Open, read, close: instructions", "bytes")
    table(cost, "depth", "One write and one read of 16 bytes at the ends of a"
          " queue of so many: instructions", "messages waiting")
    table(cost, "fill_and_drain", "So many in, then all out, 16 bytes each:"
          " instructions for a pair", "messages")
    unload_table(cost)
    table(cost, "memory", "Memory of the kernel's allocator for each message"
          " that waits: bytes", "bytes", 1)
    table(shapes, "load", "Writers x readers on one processor, 64 bytes, room"
          " for 1000 messages:\ninstructions a message with context switches"
          " (least of the rounds)", "writers x readers", get=Results.least)
    table(shapes, "latency", "From write to the return of the one waiting"
          " reader's read: instructions", "percentile", get=Results.least)
    table(shapes, "service", "So many in, then all out, 64 bytes each, in a"
          " control group:\ninstructions for a pair", "messages")
    table(shapes, "tight", "One writer and one reader, 64 bytes, space for one"
          " message:\ninstructions a message (least of the rounds)", "",
          get=Results.least)
    table(load, "load", "Writers x readers on two processors, 64 bytes, room"
          " for 1000 messages:\nmicroseconds a message (medians)",
          "writers x readers", 1, 1000)
    table(load, "latency", "From write to the return of the one waiting"
          " reader's read: microseconds", "percentile", 1, 1000)

    reached = [{"bar": name, "figure": round(figure, 3), "limit": limit,
                "met": figure <= limit}
               for name, figure, limit in bars(cost, shapes, load)]
    print("Bars")
    print_rows([["", "reached", "at most", ""]] +
               [[b["bar"], number(b["figure"], 2), str(b["limit"]),
                 "met" if b["met"] else "MISSED"] for b in reached])

    with open(path("json"), "w") as out:
        json.dump({"date": date, "kernel": cost.kernel, "machine": machine,
                   "bars": reached,
                   "results": {"cost": cost.tree(), "shapes": shapes.tree(),
                               "load": load.tree()}}, out, indent=1)
    write_plot(cost, shapes, f"Linux {cost.kernel} on QEMU's instruction clock, {date}",
               path("gp"))


if __name__ == "__main__":
    main()
