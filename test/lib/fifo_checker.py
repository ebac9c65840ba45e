#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Proves that a history of writes and reads is that of a FIFO.

A history has a line for each call that was made, with the times at which it
began and ended, in any order:

    w BEGIN END MESSAGE     a write that succeeded
    r BEGIN END MESSAGE     a read that gave this message
    e BEGIN END             a read that found the queue empty

Each message is written once, and all have been read at the end.

What was to happen first is known only of calls of which one had ended before
the other began; those that overlap may have taken effect in either order. The
history is that of a FIFO if an order exists that fits everything. It exists
exactly if none of these is found (Henzinger, Sezgin, Vafeiadis,
"Aspect-Oriented Linearizability Proofs", CONCUR 2013):

    lost         a message was never read
    twice        a message was read more than once
    invented     what was read was not written, or not yet
    order        a was written before b, and b was read before a
    false empty  a read found the queue empty, though at each moment of the
                 call some message was certainly in it: its write had ended,
                 and its read had not begun

Takes O(n log n) time.
"""
import bisect
import sys


def parse(lines):
    """Returns writes {message: (begin, end)}, reads [(message, begin, end)] and
    empty reads [(begin, end)]."""
    writes, reads, empties = {}, [], []
    for line in lines:
        kind, begin, end, *message = line.split()
        begin, end = int(begin), int(end)
        if begin > end:
            raise ValueError(f"ends before it begins: {line}")
        if kind == "e":
            empties.append((begin, end))
        elif kind == "r":
            reads.append((message[0], begin, end))
        elif kind == "w" and message[0] not in writes:
            writes[message[0]] = begin, end
        else:
            raise ValueError(f"not a history: {line}")
    return writes, reads, empties


def match(writes, reads):
    """Returns [(message, write, read)] of what was written and read, and what is
    wrong about the others."""
    wrong, taken = [], {}
    for message, begin, end in reads:
        if message not in writes:
            wrong.append(("invented", f"{message} was never written"))
        elif message in taken:
            wrong.append(("twice", f"{message} was read once more"))
        elif end < writes[message][0]:
            wrong.append(("invented", f"{message} was read before its write"))
            taken[message] = None
        else:
            taken[message] = begin, end
    wrong += [("lost", f"{message} was never read")
              for message in writes if message not in taken]
    matched = [(message, writes[message], read)
               for message, read in taken.items() if read]
    return matched, wrong


def overtaken(matched):
    """Returns what is wrong with the order: for each b, of all that were written
    before it, only the one that was read last needs a look."""
    wrong = []
    by_end = sorted(matched, key=lambda m: m[1][1])
    last, done = None, 0
    for b in sorted(matched, key=lambda m: m[1][0]):
        while done < len(by_end) and by_end[done][1][1] < b[1][0]:
            if last is None or by_end[done][2][0] > last[2][0]:
                last = by_end[done]
            done += 1
        if last is not None and b[2][1] < last[2][0]:
            wrong.append(("order",
                          f"{last[0]} was written before {b[0]}, read after"))
    return wrong


def nonempty_spans(matched):
    """Returns the sorted, disjoint open intervals in which the queue certainly
    had a message."""
    spans = []
    inside = ((write[1], read[0]) for _, write, read in matched)
    for begin, end in sorted(span for span in inside if span[0] < span[1]):
        if spans and begin < spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], end)
        else:
            spans.append([begin, end])
    return spans


def false_empties(matched, empties):
    """Returns the empty reads that lie within a span of a non-empty queue."""
    wrong = []
    spans = nonempty_spans(matched)
    begins = [span[0] for span in spans]
    for begin, end in empties:
        at = bisect.bisect_left(begins, begin) - 1
        if at >= 0 and end < spans[at][1]:
            wrong.append(("false empty",
                          f"{begin}..{end}: the queue had messages from "
                          f"{spans[at][0]} to {spans[at][1]}"))
    return wrong


def check(lines):
    """Returns all that is wrong with a history: [(what, where)]."""
    writes, reads, empties = parse(lines)
    matched, wrong = match(writes, reads)
    return wrong + overtaken(matched) + false_empties(matched, empties)


def main():
    """Checks the history on standard input."""
    wrong = check(sys.stdin)
    for what, where in wrong[:10]:
        print(f"{what}: {where}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
