#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Shows what was measured: tables and bars on standard output.

    report.py JSON PLOT RECORDS...

JSON is written with all of it, PLOT with the data for plot.gp.
"""

import datetime
import json
import platform
import sys

from results import Results

OURS = "kmsg_queue"
# Those that do a queue's work, and not only show what must be paid.
PEERS = ["mq", "sysv", "pipe", "fifo", "dgram", "seqpacket"]
NAMES = {
    "kmsg_queue_plain": "kmsg_queue, opened anew",
    "floor": "floor: two calls, two copies",
    "null_zero": "/dev/null and /dev/zero",
    "mq": "POSIX mq",
    "mq_blocking": "POSIX mq, blocking",
    "sysv": "SysV msg",
    "pipe": "pipe, packet mode",
    "fifo": "FIFO",
    "dgram": "AF_UNIX dgram",
    "seqpacket": "AF_UNIX seqpacket",
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


def table(results, measure, title, head, digits=0, scale=1):
    """Mechanisms down, x across, and how ours compares with each."""
    xs = results.xs(measure)
    rows = [[head, *map(str, xs)]]
    for mechanism in results.mechanisms(measure):
        values = [results.get(measure, mechanism, x) for x in xs]
        rows.append([NAMES.get(mechanism, mechanism)] +
                    [number(v and v / scale, digits) for v in values])
    for peer in results.mechanisms(measure):
        if peer == OURS:
            continue
        ratios = [results.ratio((measure, OURS, x), (measure, peer, x))
                  if (measure, peer, x) in results.values else None
                  for x in xs]
        rows.append([f"{OURS} / {NAMES.get(peer, peer)}"] +
                    [number(r, 2) for r in ratios])
    print(title)
    print_rows(rows)


def writev_table(results):
    print("Messages of 16 bytes put in: instructions a message")
    rows = [["messages"] + [str(x) for x in results.xs("writev")]]
    for measure, name in ("writev", "one writev()"), ("writes", "write() each"):
        rows.append([name] + [number(results.get(measure, OURS, x))
                              for x in results.xs(measure)])
    rows.append(["ratio"] + [number(results.ratio(("writev", OURS, x),
                                                  ("writes", OURS, x)), 2)
                             for x in results.xs("writev")])
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


def bars(r):
    """What this is to reach: name, figure reached, limit."""
    def against(measure, peers, sizes):
        return max(r.ratio((measure, OURS, x), (measure, p, x))
                   for x in sizes for p in peers
                   if (measure, p, x) in r.values)

    sizes = r.xs("alternating")
    small = [x for x in sizes if x <= 8192]
    yield ("alternating pair to 8192 bytes / floor",
           against("alternating", ["floor"], small), 1.25)
    yield ("alternating pair to 8192 bytes / best peer",
           against("alternating", PEERS, small), 1)
    yield ("alternating pair of 16 bytes / POSIX mq",
           against("alternating", ["mq"], [16]), 0.70)
    yield ("deep, any size / best of POSIX mq and SysV",
           against("deep", ["mq", "sysv"], sizes), 0.85)
    for shape in "1x1", "4x4", "20x1":
        yield (f"two processors, {shape} / POSIX mq",
               against("load", ["mq"], [shape]), 0.75)
    yield ("two processors, 1x100 / 1x4",
           r.ratio(("load", OURS, "1x100"), ("load", OURS, "1x4")), 1.5)
    yield ("pair with a million messages waiting / with none",
           r.ratio(("depth", OURS, 1000000), ("depth", OURS, 1)), 1.1)
    yield ("memory for a message of 100 bytes, in bytes",
           r.get("memory", OURS, 100), 192)
    yield ("writev() of 64 messages / 64 write()",
           r.ratio(("writev", OURS, 64), ("writes", OURS, 64)), 0.65)


def host():
    """The processor that ran it, as far as it says so."""
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def write_plot(results, path):
    """Blocks for plot.gp: instructions by size, then load by shape, both with
    one column for each mechanism."""
    columns = [OURS, *PEERS, "floor"]
    with open(path, "w") as plot:
        for measure in "alternating", "load":
            for x in results.xs(measure):
                cells = []
                for mechanism in columns:
                    key = measure, mechanism, x
                    if key not in results.values:
                        cells.append("NaN")
                    elif measure == "load":
                        mq = measure, "mq", x
                        cells.append(f"{results.ratio(key, mq):.3f}")
                    else:
                        cells.append(f"{results.get(*key):.0f}")
                print(x, *cells, file=plot)
            print("\n", file=plot)


def main():
    json_path, plot_path, *records = sys.argv[1:]
    r = Results(*records)
    date = datetime.date.today().isoformat()
    machine = f"QEMU on {host()}"
    print(f"{date}, kernel {r.kernel}, {machine}\n")

    table(r, "alternating", "One write and one read, alternating: instructions",
          "bytes")
    table(r, "deep", "1000 writes, then 1000 reads: instructions for a pair",
          "bytes")
    table(r, "open_write_close", "Open, write, close: instructions", "bytes")
    table(r, "open_read_close", "Open, read, close: instructions", "bytes")
    writev_table(r)
    table(r, "depth", "One write and one read of 16 bytes at the ends of a"
          " queue of so many: instructions", "messages waiting")
    table(r, "fill_and_drain", "So many in, then all out, 16 bytes each:"
          " instructions for a pair", "messages")
    unload_table(r)
    table(r, "memory", "Memory of the kernel's allocator for each message that"
          " waits: bytes", "bytes", 1)
    table(r, "load", "Writers x readers on two processors, 64 bytes:"
          " microseconds a message (medians; ratios of each round).\n"
          "  Room: kmsg_queue 32 MiB, its default; the others 1000 messages",
          "writers x readers", 1, 1000)
    table(r, "latency", "From write to the return of the one waiting reader's"
          " read: microseconds", "percentile", 1, 1000)

    reached = [{"bar": name, "figure": round(figure, 3), "limit": limit,
                "met": figure <= limit}
               for name, figure, limit in bars(r)]
    print("Bars")
    print_rows([["", "reached", "at most", ""]] +
               [[b["bar"], number(b["figure"], 2), str(b["limit"]),
                 "met" if b["met"] else "MISSED"] for b in reached])

    with open(json_path, "w") as out:
        json.dump({"date": date, "kernel": r.kernel, "machine": machine,
                   "bars": reached, "results": r.tree()}, out, indent=1)
    write_plot(r, plot_path)


if __name__ == "__main__":
    main()
