#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Checks of test/lint on texts: what is written twice, badly, or not at all.

    lint_texts.py kernel-doc            what headers export without kernel-doc
    lint_texts.py parameters            modinfo, the manual page, modprobe.d
    lint_texts.py dates                 CHANGELOG, packages and manual pages
    lint_texts.py terms                 words that users should not have to read
    lint_texts.py variables FILE...     environment and test/README.md

Prints what is wrong and exits with 1.
"""

import ast
import datetime
import email.utils
import glob
import os
import re
import sys

MANUAL = "src/man/kmsg_queue.5"
MODPROBE_D = "src/conf/modprobe.d/kmsg_queue.conf"


def read(path):
    with open(path) as text:
        return text.read()


def kernel_doc():
    """What a header exports has kernel-doc: structs, unions, enums and inline
    functions in the header itself, other functions where they are defined.
    Static functions of a .c file need none; where they have it, the kernel's own
    script checks that it is complete.

    In kernel style, a function's opening brace is alone in its line and a
    struct's ends the line that names it.
    """
    headers = [path for path in sorted(glob.glob("src/*.h"))
               if not path.endswith(("compat.h", "trace.h"))]
    exported = set()
    for path in headers:
        exported |= set(re.findall(r"\b(kmsgq_\w+)\([^{;]*\)\s*;", read(path)))
    for path in headers + sorted(glob.glob("src/*.c")):
        in_doc = documented = False
        head = ""           # the line with the name of a function
        for number, line in enumerate(read(path).split("\n"), 1):
            if line == "/**":
                in_doc = True
            elif line == " */":
                in_doc, documented, head = False, in_doc, ""
            elif not line or line.startswith("}"):
                documented, head = False, ""
            elif re.match(r"(\w[\w *]*\b)?(struct|union|enum) \w+ \{", line):
                if path.endswith(".h") and not documented:
                    yield f"{path}:{number}: {line[:-2]} has no kernel-doc"
            elif re.match(r"\w", line):
                # A return type may have a line to itself.
                head += line
            if head and (line == "{" or line.endswith("}")):
                name = re.search(r"\b(kmsgq_\w+)\(", head)
                if name and not documented and \
                   (path.endswith(".h") or name[1] in exported):
                    yield f"{path}:{number}: {name[1]}() has no kernel-doc"
                head = ""


def descriptions():
    """What modinfo says of each parameter."""
    found = {}
    for path in glob.glob("src/*.c"):
        for name, strings in re.findall(
                r'^(?:KMSGQ_PARAM|MODULE_PARM_DESC)\((\w+),(?: "\w+", \d+,)?\s*'
                r'((?:"[^"]*"\s*)+)\)', read(path), re.M):
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
    existing parameters, to their defaults."""
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
        if default and not re.search(rf"\(default {re.escape(default[1])}[;)]",
                                     title):
            yield (f"{MANUAL}: {title}: modinfo says that the default of"
                   f" {name} is {default[1]}")
        if ("at run time" in description) != ("at run time" in title):
            yield (f"{MANUAL}: {title}: can {name} be changed at run time?"
                   " See modinfo")
        for number in re.findall(r"\b\d{2,}\b", description):
            if number not in title + text:
                yield f"{MANUAL}: {name}: {number} of modinfo is missing"
    for name in manual:
        if name not in known:
            yield f"{MANUAL}: no parameter {name}"
    for line in re.findall(r"^#?\s*options kmsg_queue (.*)",
                           read(MODPROBE_D), re.M):
        for word in line.split():
            if word.split("=")[0] not in known:
                yield f"{MODPROBE_D}: no parameter '{word}'"
    for line in re.findall(r"^options kmsg_queue (.*)", read(MODPROBE_D), re.M):
        for word in line.split():
            name, _, value = word.partition("=")
            if name in known and value != defaults[name]:
                yield (f"{MODPROBE_D}: {word}, but the default is"
                       f" {defaults[name]}")


def dates():
    """The newest entries of the changelogs have one date, and no date is in the
    future, as none of a manual page is. An entry of CHANGELOG that is not
    released has no date; the packages' changelogs need one all the same."""
    stamp = re.search(r"^ -- .*>  (.*)", read("debian/changelog"), re.M)[1]
    spec, = glob.glob("rpm/*.spec")
    entry = re.search(r"^\* (\w{3} \w{3} +\d+ \d{4}) ", read(spec), re.M)[1]
    found = {
        "debian/changelog": email.utils.parsedate_to_datetime(stamp).date(),
        spec: datetime.datetime.strptime(entry, "%a %b %d %Y").date(),
    }
    released = re.match(r"\S+ \((\S+)\)", read("CHANGELOG"))
    if not released:
        yield "CHANGELOG: must begin with VERSION (DATE) or VERSION (unreleased)"
    elif released[1] != "unreleased":
        found["CHANGELOG"] = datetime.date.fromisoformat(released[1])
    if len(set(found.values())) > 1:
        yield ", but ".join(f"{path} says {date}" for path, date in found.items())
    for page in glob.glob("src/man/*.[1-9]"):
        title = re.search(r"^\.TH \S+ \d (\d{4}-\d\d-\d\d) ", read(page), re.M)
        if title:
            found[page] = datetime.date.fromisoformat(title[1])
        else:
            yield f"{page}: .TH needs a date such as 2026-11-24"
    today = datetime.datetime.now(datetime.timezone.utc).date()
    for path, date in found.items():
        if date > today:
            yield f"{path}: {date} is in the future"


# What users should not have to read, and what to write instead. A blank stands
# for any space, so that a term is found across lines.
TERMS = {
    r"further": "additional",
    r"(?:is|are|was|were|be|been) made|mak(?:e|es|ing) (?:a|the|more|one) "
    r"(?:\w+ )?(?:queue|file|directory)s?|made a (?:queue|file)": "create",
    r"plain (?:read|write|open|file|call)\w*|(?:as|for) plain|nonblock":
        "without O_NONBLOCK, with O_NONBLOCK; blocking, non-blocking",
    r"live": "can be changed at run time",
    r"rooms?": "space (of a queue), suite (of tests)",
    r"in the same words": "the same specification",
    r"(?:go|goes|going|went) on": "continue",
    r"who(?:m|se)?ever": "any process that",
    r"(?:anyone|anybody|somebody|nobody|those|users?|tasks?) who|"
    r"who (?:is|are|waits?|reads?|writes?|opens?|sleeps?|may)":
        "a process that",
    r"of (?:its|their|your) own": "its own; separate",
    r"there (?:is|are|was|were)": "the subject first",
    r"(?:come|comes|came|coming|is|are|was|were|be) back": "return",
    r"los(?:e|es|ing) (?:the|all|any|queued)(?: queued)? messages": "discard",
    r"may not|(?:is|are) not allowed": "must not; is invalid",
    r"so far as": "as far as",
    r"beside": "alongside; in addition to",
    r"in (?:the account|hand)": "held",
    r"retailed": "requeued",
    r"for ever": "indefinitely",
    r"(?:that|those) of": "the noun again",
    r"(?:is|are|was|were) to be": "must be; should be",
    r"throw-?away": "disposable",
    r"one for one": "each message wakes one",
    r"in whatever way|whatever \w+ says": "for any reason; regardless of",
    r"in all[.;)]": "in total",
}


def python_strings(text):
    """The strings of a program in Python, in their lines; no docstrings but the
    first, which may be the usage."""
    lines = [[] for _ in range(text.count("\n") + 1)]
    tree = ast.parse(text)
    docs = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    docs -= {getattr(node, "value", None) for node in tree.body[:1]}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and \
           node not in docs:
            lines[node.lineno - 1] += node.value.split()
    return "\n".join(map(" ".join, lines))


def prose(path, text):
    """The text with markup and code blanked out, line by line."""
    if re.match(r"#!.*python", text):
        return python_strings(text)
    if re.search(r"\.[1-9]$", path):
        text = re.sub(r"\\f.|\\[&/~ ]", "", text.replace("\\-", "-"))
        return re.sub(r"^(?:['.]\\\".*|\.TH .*|\.[A-Za-z]+)|\"|T[{}]", "", text,
                      flags=re.M)
    if path.endswith((".c", ".h")):
        text = re.sub(r"/\*.*?\*/|^\s*#\s*include[^\n]*",
                      lambda m: re.sub(r"[^\n]", "", m[0]), text,
                      flags=re.M | re.S)
        return re.sub(r'([^"]*)("(?:\\.|[^"\\])*"|$)', lambda m: re.sub(
            r"[^\n]", "", m[1]) + m[2].strip('"') + " ", text)
    if path.endswith((".md", ".conf")) or "README" in path or path == "CHANGELOG":
        return text
    return re.sub(r"^[ \t]*#.*", "", text, flags=re.M)     # comments of scripts


def terms():
    """What users read has none of these terms: README and the like, manual
    pages, configuration, the kernel log, modinfo, help, messages of scripts."""
    paths = [path for pattern in (
        "README.md", "CHANGELOG", "Makefile", "debian/README*", "debian/*.p*",
        "debian/control", "rpm/README*", "rpm/*.spec", "src/*",
        "src/man/*", "src/conf/*/*", "src/examples/**", "src/completion/*",
        "test/README.md", "test/check-*", "test/vm/run", "test/package/demo")
             for path in sorted(glob.glob(pattern, recursive=True))
             if os.path.isfile(path) and not path.endswith((".ko", ".o", ".mod.c"))]
    for path in paths:
        text = prose(path, read(path))
        for term, better in TERMS.items():
            pattern = rf"\b(?:{term})(?!\w)".replace(" ", r"\s+")
            for found in re.finditer(pattern, text, re.I):
                number = text.count("\n", 0, found.start()) + 1
                yield (f"{path}:{number}: '{' '.join(found[0].split())}':"
                       f" write {better}")


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
          "terms": terms, "variables": variables}

problems = list(CHECKS[sys.argv[1]](*sys.argv[2:]))
for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
