# SPDX-License-Identifier: GPL-2.0-only
"""TAP for the tests in Python."""


def check(condition, reason):
    """Ends the subtest unless the condition holds."""
    if not condition:
        raise AssertionError(reason)


class Skip(Exception):
    """Ends a subtest that cannot be run here."""


def run(tests):
    """Runs subtests [(name, function)] and prints TAP. A subtest fails by an
    exception other than Skip; what it returns is a comment. Gives the exit
    status."""
    failed = False
    print("TAP version 13")
    print(f"1..{len(tests)}")
    for number, (name, function) in enumerate(tests, 1):
        try:
            comment = function()
            print(f"ok {number} - {name}")
            if comment:
                print(f"# {comment}")
        except Skip as why:
            print(f"ok {number} - {name} # SKIP {why}")
        # Whatever went wrong, the other subtests go on.
        except Exception as error:      # pylint: disable=broad-except
            failed = True
            reason = " ".join(str(error).split())
            kind = "" if isinstance(error, AssertionError) else \
                f"{type(error).__name__} "
            print(f"not ok {number} - {name}: {kind}{reason}")
        print(end="", flush=True)
    return 1 if failed else 0
