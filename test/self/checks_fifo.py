#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The FIFO checker accepts what a FIFO can do, and rejects all else."""
import functools
import random
import sys

import fifo_checker
import tap

# Name, the calls, and what is wrong with them.
HISTORIES = [
    ("nothing at all", "", set()),
    ("one after the other",
     "w 1 2 a, w 3 4 b, r 5 6 a, r 7 8 b, e 9 10", set()),
    ("writes that overlap, read in either order",
     "w 1 5 a, w 2 4 b, r 6 7 b, r 8 9 a", set()),
    ("reads that overlap, ended in either order",
     "w 1 2 a, w 3 4 b, r 5 9 a, r 6 7 b", set()),
    ("the younger's read begins first, but overlaps",
     "w 1 2 a, w 3 4 b, r 5 9 b, r 8 12 a", set()),
    ("a read that begins before its write, and ends before its end",
     "r 1 5 a, w 2 9 a", set()),
    ("calls that touch may be in either order",
     "w 1 2 a, w 2 3 b, r 4 5 b, r 6 7 a", set()),
    ("empty before, between and after",
     "e 1 2, w 3 4 a, r 5 6 a, e 7 8, w 9 10 b, r 11 12 b, e 13 14", set()),
    ("empty while the only message is being written",
     "w 1 9 a, e 2 8, r 10 11 a", set()),
    ("empty while the only message is being read",
     "w 1 2 a, r 3 9 a, e 4 8", set()),
    ("empty that begins before the write's end",
     "w 1 5 a, e 4 9, r 10 11 a", set()),
    ("empty that ends after the read's begin",
     "w 1 2 a, e 3 9, r 8 12 a", set()),
    ("empty at the one moment between two messages",
     "w 1 2 a, r 5 9 a, w 3 5 b, r 10 11 b, e 3 8", set()),
    ("empty in a gap between two that touch many others",
     "w 1 2 a, r 4 5 a, w 4 6 b, r 9 10 b, e 3 5", set()),

    ("lost", "w 1 2 a, w 3 4 b, r 5 6 a", {"lost"}),
    ("read twice", "w 1 2 a, r 3 4 a, r 5 6 a", {"twice"}),
    ("read twice at once", "w 1 2 a, r 3 9 a, r 4 8 a", {"twice"}),
    ("never written", "w 1 2 a, r 3 4 a, r 5 6 x", {"invented"}),
    ("read before its write", "r 1 2 a, w 3 4 a", {"invented"}),
    ("neighbours changed places",
     "w 1 2 a, w 3 4 b, r 5 6 b, r 7 8 a", {"order"}),
    ("the first read last, far apart",
     "w 1 2 a, w 3 4 b, w 5 6 c, w 7 8 d, "
     "r 11 12 b, r 13 14 c, r 15 16 d, r 17 18 a", {"order"}),
    ("the last read first, far apart",
     "w 1 2 a, w 3 4 b, w 5 6 c, r 11 12 c, r 13 14 a, r 15 16 b",
     {"order"}),
    ("order broken behind one that overlaps both",
     "w 1 2 a, w 1 9 o, w 3 4 b, r 10 11 b, r 12 13 a, r 14 15 o",
     {"order"}),
    ("overtaken while the other's read had not begun",
     "w 1 2 a, w 3 4 b, r 5 9 b, r 10 30 a", {"order"}),
    ("the one that was read last is not the one written last",
     "w 1 2 a, w 3 4 b, w 5 6 c, r 7 8 b, r 9 10 c, r 11 12 a", {"order"}),
    ("a stack",
     "w 1 2 a, w 3 4 b, w 5 6 c, r 7 8 c, r 9 10 b, r 11 12 a", {"order"}),
    ("empty though a message was there",
     "w 1 2 a, e 3 4, r 5 6 a", {"false empty"}),
    ("empty though the one message or the next was there",
     "w 1 2 a, w 3 6 b, e 4 9, r 8 12 a, r 10 13 b", {"false empty"}),
    ("empty though three messages in turn were there",
     "w 1 2 a, w 3 4 b, w 5 7 c, r 5 8 a, r 8 9 b, r 12 13 c, e 3 11",
     {"false empty"}),
    ("empty long after a message came that is still there",
     "w 1 2 a, w 3 4 b, r 5 6 a, e 100 110, r 200 210 b", {"false empty"}),
    ("several things at once",
     "w 1 2 a, w 3 4 b, w 5 6 c, e 7 8, r 9 10 b, r 11 12 a, r 13 14 x",
     {"lost", "order", "invented", "false empty"}),
]


def checker_says(calls):
    """What the checker finds in a list of calls."""
    return {what for what, _ in fifo_checker.check(calls)}


def fits_a_fifo(calls):
    """The same question, answered by trying every order of a few calls."""
    calls = [call.split() for call in calls]
    tried = set()

    def go_on(left, queue):
        if not left:
            return not queue
        if (left, queue) in tried:
            return False
        tried.add((left, queue))
        first_end = min(int(calls[i][2]) for i in left)
        for i in left:
            kind, begin, _, *message = calls[i]
            if int(begin) > first_end:
                continue        # another one had ended before it began
            if kind == "w":
                after = queue + (message[0],)
            elif kind == "e" and not queue:
                after = queue
            elif kind == "r" and queue and queue[0] == message[0]:
                after = queue[1:]
            else:
                continue
            if go_on(left - {i}, after):
                return True
        return False

    return go_on(frozenset(range(len(calls))), ())


def random_history(rng):
    """A few calls that may or may not be a FIFO's, often nearly."""
    def call(kind, around):
        begin = max(0, around + rng.randint(-1, 1))
        return f"{kind} {begin} {begin + rng.randint(1, 4)}"

    calls = []
    for i in range(rng.randint(1, 4)):
        at = rng.randint(0, 9)
        calls.append(f"{call('w', at)} m{i}")
        calls.append(f"{call('r', at + rng.randint(1, 9))} m{i}")
    calls += [call("e", rng.randint(0, 14)) for _ in range(rng.randint(0, 3))]
    return calls


def agrees_with_every_order():
    """Compares the checker with trying every order."""
    rng = random.Random(1)
    fits = 0
    for _ in range(20000):
        calls = random_history(rng)
        expected = fits_a_fifo(calls)
        fits += expected
        tap.check(expected != bool(checker_says(calls)),
                  f"{calls}: is {'' if expected else 'not '}a FIFO's")
    tap.check(4000 < fits < 16000,
              f"{fits} of 20000 random histories are a FIFO's: no good test")


def quick_for_many():
    """A checker that compares all with all would not come to an end here."""
    count = 200000
    calls = []
    for i in range(count):
        calls.append(f"w {10 * i} {10 * i + 25} m{i}")
        calls.append(f"r {10 * i + 20} {10 * i + 60} m{i}")
        calls.append(f"e {10 * i} {10 * i + 12}")
    tap.check(not checker_says(calls), "a good history is rejected")
    calls.append(f"w {10 * count + 100} {10 * count + 101} late")
    calls.append("r 1 2 late")
    tap.check(checker_says(calls) == {"invented"}, "a bad one is accepted")


def finds(calls, expected):
    """The checker finds what is expected in these calls, and nothing else."""
    found = checker_says([call for call in calls.split(", ") if call])
    tap.check(found == expected, f"found {found}")


TESTS = [(f"{'rejects' if expected else 'accepts'}: {name}",
          functools.partial(finds, calls, expected))
         for name, calls, expected in HISTORIES]
TESTS += [("agrees with the trying of every order, 20,000 times",
           agrees_with_every_order),
          ("takes 600,000 calls", quick_for_many)]

if __name__ == "__main__":
    sys.exit(tap.run(TESTS))
