#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""tap-join counts correctly, and never counts what is missing as passed."""
import functools
import os
import subprocess
import sys

import tap

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib/tap-join")

GOOD = "# stream a\nTAP version 13\n1..2\nok 1 - x\nok 2 - y\n# end 0\n"

# Names expected, streams, what the output has, last line, exit status.
CASES = {
    "two streams are one": (
        "a b", GOOD + GOOD.replace("stream a", "stream b"),
        ["ok 1 - a: x", "ok 4 - b: y", "1..4"],
        "4 passed, 0 failed, 0 skipped", 0),
    "a failure, with its reason": (
        "a", "# stream a\n1..2\nok 1 - x\nnot ok 2 - y: why\n# end 1\n",
        ["not ok 2 - a: y: why"], "1 passed, 1 failed, 0 skipped", 1),
    "a skipped subtest": (
        "a", "# stream a\n1..2\nok 1 - x\nok 2 - y # SKIP no y\n# end 0\n",
        ["ok 2 - a: y # SKIP no y"], "1 passed, 0 failed, 1 skipped", 0),
    "a skipped test beside others": (
        "a b", GOOD + "# stream b\n1..0 # SKIP no b\n# end 77\n",
        ["ok 3 - b: # SKIP no b"], "2 passed, 0 failed, 1 skipped", 0),
    "nothing but skipped tests is no success": (
        "a", "# stream a\n1..0 # SKIP no a\n# end 77\n", [],
        "0 passed, 0 failed, 1 skipped", 1),
    "nothing at all is no success": (
        "", "", [], "0 passed, 0 failed, 0 skipped", 1),
    "no TAP: by the exit status": (
        "a b c", "# stream a\nhello\n# end 0\n# stream b\nwrong\n# end 3\n"
        "# stream c\nSKIP: no c\n# end 77\n",
        ["ok 1 - a", "not ok 2 - b: exit status 3", "# wrong",
         "ok 3 - c: # SKIP SKIP: no c"], "1 passed, 1 failed, 1 skipped", 1),
    "fewer results than planned": (
        "a", "# stream a\n1..3\nok 1 - x\nok 2 - y\n# end 0\n",
        ["not ok 3 - a: 2 results instead of 3, exit status 0"],
        "2 passed, 1 failed, 0 skipped", 1),
    "a plan at the end": (
        "a", "# stream a\nok 1 - x\n1..1\n# end 0\n", ["ok 1 - a: x"],
        "1 passed, 0 failed, 0 skipped", 0),
    "a bad exit status after good results": (
        "a", GOOD.replace("end 0", "end 139"),
        ["not ok 3 - a: exit status 139"], "2 passed, 1 failed, 0 skipped", 1),
    "a test that timed out": (
        "a", "# stream a\n1..2\nok 1 - x\n# end 124\n",
        ["not ok 2 - a: timed out"], "1 passed, 1 failed, 0 skipped", 1),
    "trouble after good results": (
        "a", GOOD.replace("end 0", "end 0 in the log: BUG"),
        ["not ok 3 - a: in the log: BUG"], "2 passed, 1 failed, 0 skipped", 1),
    "a stream that is cut off": (
        "a", "# stream a\n1..2\nok 1 - x\n", ["not ok 2 - a: cut off"],
        "1 passed, 1 failed, 0 skipped", 1),
    "cut off by the next stream": (
        "a b", "# stream a\n1..1\n" + GOOD.replace("stream a", "stream b"),
        ["not ok 1 - a: cut off", "ok 2 - b: x"],
        "2 passed, 1 failed, 0 skipped", 1),
    "tests that did not run": (
        "a b c", GOOD, ["not ok 3 - b: did not run", "not ok 4 - c: did not run"],
        "2 passed, 2 failed, 0 skipped", 1),
    "comments stay, other lines show after a failure": (
        "a", "# stream a\n1..1\n# fine\ngarbage\nnot ok 1 - x\n# end 1\n",
        ["# fine", "# garbage"], "0 passed, 1 failed, 0 skipped", 1),
}


def joins(case):
    """One case."""
    names, streams, wanted, last, status = CASES[case]
    done = subprocess.run([PROGRAM, *names.split()], input=streams, text=True,
                          check=False, capture_output=True)
    lines = done.stdout.splitlines()
    tap.check(not done.stderr, done.stderr)
    for line in wanted:
        tap.check(line in lines, f"no {line!r} in {lines}")
    tap.check(lines[-1] == last, lines[-1])
    tap.check(done.returncode == status, f"exit status {done.returncode}")


if __name__ == "__main__":
    sys.exit(tap.run([(case, functools.partial(joins, case))
                      for case in CASES]))
