#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Check that each file of the module uses only files of lower layers.

    lint_layers.py [DIRECTORY]

The layers are the rows of the table in DESIGN.md under "## Layers", lowest
first. A file uses another one if it includes its header, or names a function,
variable, type or macro that the other one defines; so a forward declaration of
a higher layer's struct counts, too. Because the layers have one order, files
that use only lower ones cannot use each other in a circle.

Prints what is wrong and exits with 1.
"""
import glob
import os
import re
import sys

# Differences between kernels: every file may include it, and it includes none.
FOR_ALL = "compat"
# Tracepoints are generated from this header, for the queue alone.
TRACE = "trace"
TRACE_USER = "queue"
# Files that nothing can use: they need no header.
TOP = {"params", "main"}


def layers(design):
    """The names of the layers, lowest first."""
    with open(design, encoding="utf-8") as page:
        text = page.read()
    section = text.partition("\n## Layers\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)\.(?:\[ch\]|c)` \|", section, re.M)


def strip(text):
    """C without comments, and without what is in strings."""
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"',
                  lambda m: '""' if m[0][0] == '"' else " ", text, flags=re.S)


def outside(code):
    """The declarations and heads of definitions at file level, each with the
    character that ends it: ";" or "{"."""
    code = re.sub(r"^\s*#(?:\\\n|[^\n])*", "", code, flags=re.M)
    depth, head = 0, ""
    for part in re.findall(r"[{};]|[^{};]+", code):
        if part == "{":
            if not depth:
                yield head.strip(), part
                head = ""
            depth += 1
        elif part == "}":
            depth -= 1
        elif not depth and part == ";":
            yield head.strip(), part
            head = ""
        elif not depth:
            head += part


def defined(code, header):
    """The names with the module's prefix that a file gives to others."""
    if header:
        yield from re.findall(r"^\s*#\s*define\s+(\w+)", code, re.M)
        yield from re.findall(r"\b(?:struct|union|enum)\s+(kmsgq_\w+)\s*\{", code)
        for body in re.findall(r"\benum\b[^;{]*\{(.*?)\}", code, re.S):
            yield from re.findall(r"\bKMSGQ_\w+\b(?=\s*(?:,|=|$))", body)
    for head, end in outside(code):
        if header and end == "{":       # an inline function
            yield from re.findall(r"\b(kmsgq_\w+)\s*\(", head)[:1]
        elif not head.startswith(("static", "extern", "typedef")):
            # A function that is defined here, or a variable.
            found = re.match(r"[\w\s*]*?\b(kmsgq_\w+)\s*(\(|\[|=|$)", head)
            if found and not re.match(r"(?:struct|union|enum)\s+\w+$", head) and \
               (end == "{") >= (found[2] == "("):
                yield found[1]


def check(directory):
    order = layers(os.path.join(directory, "DESIGN.md"))
    rank = {name: place for place, name in enumerate(order)}
    if not order:
        yield "DESIGN.md: no table of the layers"
        return
    files = {}
    for path in sorted(glob.glob(os.path.join(directory, "*.[ch]"))):
        if not path.endswith(".mod.c"):
            with open(path, encoding="utf-8") as text:
                files[os.path.basename(path)] = text.read()

    home = {}           # name -> the layer that defines it
    for file, text in files.items():
        layer = file[:-2]
        if layer not in (FOR_ALL, TRACE):
            for name in defined(strip(text), file.endswith(".h")):
                home.setdefault(name, layer)

    for layer in order:
        for file in f"{layer}.c", f"{layer}.h":
            if file not in files and not (file[-1] == "h" and layer in TOP):
                yield f"{file}: DESIGN.md has it, but the file is missing"

    for file, text in files.items():
        layer = file[:-2]
        includes = re.findall(r'^\s*#\s*include\s+"([^"]+)\.h"', text, re.M)
        if layer == FOR_ALL:
            for header in includes:
                yield f"{file}: includes {header}.h: must include none of ours"
            continue
        place = rank.get(TRACE_USER if layer == TRACE else layer)
        if place is None:
            yield f"{file}: not in the table of DESIGN.md"
            continue
        if file.endswith(".c") and layer not in TOP and \
           includes[:1] != [layer]:
            yield f"{file}: must include {layer}.h first"
        for header in includes:
            if header == TRACE:
                if layer != TRACE_USER:
                    yield f"{file}: includes trace.h: only {TRACE_USER}.c may"
            elif header != FOR_ALL and rank.get(header, len(rank)) > place:
                yield f"{file}: includes {header}.h, of a higher layer"
        for name in sorted(set(re.findall(r"\bkmsgq_\w+|\bKMSGQ_\w+",
                                          strip(text)))):
            if rank.get(home.get(name), 0) > place:
                yield f"{file}: uses {name} of {home[name]}, a higher layer"

    # A header declares what its own .c file defines, and nothing else.
    for file, text in files.items():
        layer = file[:-2]
        if not file.endswith(".h") or layer not in rank:
            continue
        for head, end in outside(strip(text)):
            found = re.match(r"(?:extern\s+)?[\w\s*]*?\b(kmsgq_\w+)\s*(?:\(|\[|$)",
                             head)
            if end == ";" and found and \
               not re.match(r"(?:struct|union|enum)\s+\w+$", head) and \
               home.get(found[1], layer) != layer:
                yield f"{file}: declares {found[1]} of {home[found[1]]}.c"


if __name__ == "__main__":
    problems = list(check(sys.argv[1] if len(sys.argv) > 1 else "src"))
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
