# SPDX-License-Identifier: GPL-2.0-only
"""Reads the records "MEASURE MECHANISM X VALUE" that the measuring prints, and
prints what is found of them."""

from statistics import median


def report(verdicts):
    """Prints (whether it holds, the text) of each as TAP; gives the exit
    status."""
    verdicts = list(verdicts)
    print(f"1..{len(verdicts)}")
    for i, (ok, text) in enumerate(verdicts, 1):
        print(f"{'ok' if ok else 'not ok'} {i} - bench: {text}")
    return not all(ok for ok, _ in verdicts)


class Results:
    """What was measured: for each measure, mechanism and x the values of all
    rounds, in the order of the rounds."""

    def __init__(self, *paths):
        self.values = {}
        self.kernel = None
        for path in paths:
            with open(path) as records:
                for record in records:
                    self.add(*record.split())

    def add(self, measure, mechanism, x, value):
        if measure == "kernel":
            self.kernel = value
            return
        key = measure, mechanism, int(x) if x.isdigit() else x
        self.values.setdefault(key, []).append(float(value))

    def get(self, measure, mechanism, x):
        """The median of the rounds; None where there is no such record."""
        values = self.values.get((measure, mechanism, x))
        return median(values) if values else None

    def least(self, measure, mechanism, x):
        """The least of the rounds, for what only ever adds to a figure."""
        values = self.values.get((measure, mechanism, x))
        return min(values) if values else None

    def ratio(self, one, other):
        """How much more one costs than the other: the median of the rounds'
        ratios, since what disturbs a round disturbs both."""
        return median(a / b for a, b in
                      zip(self.values[one], self.values[other]))

    def mechanisms(self, measure):
        """Those that have the measure, in the order of the records."""
        return list(dict.fromkeys(m for w, m, _ in self.values if w == measure))

    def xs(self, measure):
        return list(dict.fromkeys(x for w, _, x in self.values if w == measure))

    def tree(self):
        """All values, for JSON."""
        tree = {}
        for (measure, mechanism, x), values in self.values.items():
            tree.setdefault(measure, {}).setdefault(mechanism, {})[str(x)] = \
                values if len(values) > 1 else values[0]
        return tree
