#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Checks of test/lint on what is written more than once, or not at all.

    lint_texts.py kernel-doc FILE...    functions and structs without kernel-doc
    lint_texts.py parameters            modinfo, the manual page, modprobe.d
    lint_texts.py dates                 CHANGELOG and the packages' changelogs
    lint_texts.py variables FILE...     environment and test/README.md

Prints what is wrong and exits with 1.
"""

import datetime
import email.utils
import glob
import re
import sys

MANUAL = "src/man/kmsg_queue.5"
MODPROBE_D = "src/conf/modprobe.d/kmsg_queue.conf"


def read(path):
    with open(path) as text:
        return text.read()


def undocumented(path):
    """Functions and structs without a kernel-doc block directly above them.

    In kernel style, a function's opening brace is alone in its line and a
    struct's ends the line that names it.
    """
    in_doc = documented = False
    head = ""           # the line with the name of a function
    for number, line in enumerate(read(path).split("\n"), 1):
        if line == "/**":
            in_doc = True
        elif line == " */":
            in_doc, documented, head = False, in_doc, ""
        elif not line or line.startswith("}"):
            documented, head = False, ""
        elif re.match(r"(\w[\w *]*\b)?(struct|union|enum) \w+ \{$", line):
            if not documented:
                yield f"{path}:{number}: {line[:-2]} has no kernel-doc"
        elif line == "{" and "(" in head:
            if not documented:
                yield f"{path}:{number - 1}: {head} has no kernel-doc"
        elif re.match(r"\w", line):
            head = line
            if line.startswith("static inline") and line.endswith("}"):
                if not documented:
                    yield f"{path}:{number}: {line} has no kernel-doc"


def kernel_doc(*paths):
    for path in paths:
        yield from undocumented(path)


def descriptions():
    """What modinfo says of each parameter."""
    found = {}
    for path in glob.glob("src/*.c"):
        text = read(path)
        for name, string in re.findall(r'^#define (\w+) ("[^"]*")$', text, re.M):
            text = re.sub(rf"\b{name}\b", string, text)
        for name, strings in re.findall(
                r'^MODULE_PARM_DESC\((\w+),\s*((?:"[^"]*"\s*)+)\)', text, re.M):
            found[name] = "".join(re.findall(r'"([^"]*)"', strings))
    return found


def manual_entries():
    """What the manual page says of each parameter: title and text."""
    section = read(MANUAL).split(".SH PARAMETERS")[1].split("\n.S")[0]
    for entry in section.split("\n.TP\n")[1:]:
        title, _, text = entry.partition("\n")
        for name in re.findall(r"[a-z_]+", re.sub(r"\(.*\)", "", title)):
            yield name, title, text


def parameters():
    """modinfo is the one source: the manual has each parameter, with the same
    default and every number that bounds it; the packages' configuration sets
    parameters that there are, to their defaults."""
    manual = {name: (title, text) for name, title, text in manual_entries()}
    known = descriptions()
    if len(known) < 7:
        yield f"only {len(known)} parameters found in src"
    defaults = {}
    for name, description in known.items():
        default = re.search(r"\(default ([^)]+)\)", description)
        defaults[name] = default and default[1]
        if name not in manual:
            yield f"{MANUAL}: no parameter {name}"
            continue
        title, text = manual[name]
        if default and not re.search(rf"\({re.escape(default[1])}[,)]", title):
            yield (f"{MANUAL}: {title}: modinfo says that the default of"
                   f" {name} is {default[1]}")
        if ("live" in description) != ("live" in title):
            yield f"{MANUAL}: {title}: is {name} live or not? See modinfo"
        for number in re.findall(r"\b\d{2,}\b", description):
            if number not in title + text:
                yield f"{MANUAL}: {name}: {number} of modinfo is missing"
    for name in manual:
        if name not in known:
            yield f"{MANUAL}: there is no parameter {name}"
    for line in re.findall(r"^#?\s*options kmsg_queue (.*)",
                           read(MODPROBE_D), re.M):
        for word in line.split():
            if word.split("=")[0] not in known:
                yield f"{MODPROBE_D}: there is no parameter '{word}'"
    for line in re.findall(r"^options kmsg_queue (.*)", read(MODPROBE_D), re.M):
        for word in line.split():
            name, _, value = word.partition("=")
            if name in known and value != defaults[name]:
                yield (f"{MODPROBE_D}: {word}, but the default is"
                       f" {defaults[name]}")


def dates():
    """The newest entry of each changelog has one date, not in the future."""
    stamp = re.search(r"^ -- .*>  (.*)", read("debian/changelog"), re.M)[1]
    spec, = glob.glob("rpm/*.spec")
    entry = re.search(r"^\* (\w{3} \w{3} +\d+ \d{4}) ", read(spec), re.M)[1]
    found = {
        "CHANGELOG": datetime.date.fromisoformat(
            re.match(r"\S+ \((\S+)\)", read("CHANGELOG"))[1]),
        "debian/changelog": email.utils.parsedate_to_datetime(stamp).date(),
        spec: datetime.datetime.strptime(entry, "%a %b %d %Y").date(),
    }
    today = datetime.datetime.now(datetime.timezone.utc).date()
    for path, date in found.items():
        if date > today:
            yield f"{path}: {date} is in the future"
        if date != found["CHANGELOG"]:
            yield f"{path} says {date}, CHANGELOG {found['CHANGELOG']}"


def variables(*paths):
    """test/README.md describes every variable that a script takes from the
    environment, and no other."""
    rows = re.findall(r"^\| (`KMSGQ_[^|]*)", read("test/README.md"), re.M)
    described = set(re.findall(r"KMSGQ_\w+", "".join(rows)))
    used = set()
    for path in paths:
        used |= set(re.findall(r"\$\{(KMSGQ_\w+)[:+-]", read(path)))
    for name in sorted(used - described):
        yield f"test/README.md: no variable {name}"
    for name in sorted(described - used):
        yield f"test/README.md: {name} is used nowhere"


CHECKS = {"kernel-doc": kernel_doc, "parameters": parameters, "dates": dates,
          "variables": variables}

problems = list(CHECKS[sys.argv[1]](*sys.argv[2:]))
for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
