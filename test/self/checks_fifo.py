#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The FIFO checker accepts what a FIFO can do, and rejects all else."""
import functools
import random
import sys

import fifo_checker
import tap

# Name, the calls, and what is wrong with them: each way in which something can be
# wrong. All else is for the trying of every order, below.
HISTORIES = [
    ("nothing at all", "", set()),
    ("one after the other",
     "w 1 2 a, w 3 4 b, r 5 6 a, r 7 8 b, e 9 10", set()),
    ("calls that touch may be in either order",
     "w 1 2 a, w 2 3 b, r 4 5 b, r 6 7 a", set()),
    ("lost", "w 1 2 a, w 3 4 b, r 5 6 a", {"lost"}),
    ("read twice", "w 1 2 a, r 3 4 a, r 5 6 a", {"twice"}),
    ("never written", "w 1 2 a, r 3 4 a, r 5 6 x", {"invented"}),
    ("read before its write", "r 1 2 a, w 3 4 a", {"invented"}),
    ("neighbours changed places",
     "w 1 2 a, w 3 4 b, r 5 6 b, r 7 8 a", {"order"}),
    ("empty though a message was there",
     "w 1 2 a, e 3 4, r 5 6 a", {"false empty"}),
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
        # One in 50 is lost, one is read twice.
        for _ in range(rng.choice([0, 2] + [1] * 48)):
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
