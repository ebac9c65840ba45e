#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""lint_layers.py accepts a module in layers, and finds each way up."""
import functools
import os
import subprocess
import sys
import tempfile

import tap

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "../lib/lint_layers.py")

TREE = {
    "DESIGN.md": """
## Layers

| file | what it is |
| --- | --- |
| `msg.[ch]` | memory |
| `queue.[ch]` | the FIFO |
| `entry.[ch]` | settings |
| `main.c` | init |

## Locks

| `other.[ch]` | of another table |
""",
    "compat.h": "#define pde_data(inode) PDE_DATA(inode)\n",
    "trace.h": '#include "queue.h"\nDEFINE_EVENT(kmsgq_message, kmsgq_full);\n',
    "msg.h": """
#define KMSGQ_INLINE_MAX 2048
struct kmsgq_msg {
	struct kmsgq_msg *next;
};
struct kmsgq_msg *kmsgq_msg_alloc(size_t len);
""",
    "msg.c": """
#include "msg.h"
#include "compat.h"
/* kmsgq_entry_get() is only spoken of here. */
static int kmsgq_class(void)
{
	pr_err("kmsgq_entry_get\\n");
	return 0;
}
struct kmsgq_msg *kmsgq_msg_alloc(size_t len)
{
	return NULL;
}
""",
    "queue.h": """
#include "msg.h"
enum kmsgq_state { KMSGQ_HELD, KMSGQ_FREE };
static inline bool kmsgq_is_full(const struct kmsgq_queue *q)
{
	return true;
}
int kmsgq_enqueue(struct kmsgq_queue *q, struct kmsgq_msg *msg);
""",
    "queue.c": """
#include "queue.h"
#include "trace.h"
int kmsgq_enqueue(struct kmsgq_queue *q, struct kmsgq_msg *msg)
{
	return kmsgq_is_full(q) ? 0 : KMSGQ_HELD;
}
""",
    "entry.h": """
#include "queue.h"
#define KMSGQ_NAME_SIZE 64
struct kmsgq_entry {
	enum { KMSGQ_LIVE, KMSGQ_GONE } state;
};
extern struct kobj_type kmsgq_ktype;
int kmsgq_entry_get(struct kmsgq_entry *e);
""",
    "entry.c": """
#include "entry.h"
struct kobj_type kmsgq_ktype = {
	.release = NULL,
};
int kmsgq_entry_get(struct kmsgq_entry *e)
{
	return kmsgq_enqueue(&e->queue, kmsgq_msg_alloc(KMSGQ_INLINE_MAX));
}
""",
    "main.c": '#include "entry.h"\nmodule_init(kmsgq_entry_get);\n',
}

# What is added to which file, and what is then reported.
CASES = {
    "layers": (None, "", []),
    "a header of a higher layer": (
        "msg.c", '#include "queue.h"\n',
        ["msg.c: includes queue.h, of a higher layer"]),
    "a call of a higher layer": (
        "queue.c", "int kmsgq_x(void)\n{\n\treturn kmsgq_entry_get(e);\n}\n",
        ["queue.c: uses kmsgq_entry_get of entry, a higher layer"]),
    "a variable of a higher layer": (
        "queue.c", "static void *kmsgq_x = &kmsgq_ktype;\n",
        ["queue.c: uses kmsgq_ktype of entry, a higher layer"]),
    "an enumerator of a higher layer": (
        "msg.c", "static int kmsgq_x = KMSGQ_HELD;\n",
        ["msg.c: uses KMSGQ_HELD of queue, a higher layer"]),
    "a macro of a higher layer": (
        "msg.c", "static char kmsgq_x[KMSGQ_NAME_SIZE];\n",
        ["msg.c: uses KMSGQ_NAME_SIZE of entry, a higher layer"]),
    "an inline function of a higher layer": (
        "msg.c", "static bool kmsgq_x(void)\n{\n\treturn kmsgq_is_full(q);\n}\n",
        ["msg.c: uses kmsgq_is_full of queue, a higher layer"]),
    "a struct of a higher layer, declared forward": (
        "queue.h", "struct kmsgq_entry;\n",
        ["queue.h: uses kmsgq_entry of entry, a higher layer"]),
    "a function that another file defines": (
        "entry.h", "int kmsgq_enqueue(struct kmsgq_queue *q);\n",
        ["entry.h: declares kmsgq_enqueue of queue.c"]),
    "tracepoints above the queue": (
        "entry.c", '#include "trace.h"\n',
        ["entry.c: includes trace.h: only queue.c may"]),
    "tracepoints that use a higher layer": (
        "trace.h", '#include "entry.h"\n',
        ["trace.h: includes entry.h, of a higher layer"]),
    "compat.h that uses another header": (
        "compat.h", '#include "msg.h"\n',
        ["compat.h: includes msg.h: must include none of ours"]),
    "a file that is in no layer": (
        "read.c", '#include "entry.h"\n',
        ["read.c: not in the table of DESIGN.md"]),
    "a file that does not begin with its header": (
        "queue.c", None, ["queue.c: must include queue.h first"]),
    "a layer without its header": (
        "msg.h", None, ["msg.h: DESIGN.md has it, but the file is missing"]),
}


def checks(case):
    """One case."""
    file, text, wanted = CASES[case]
    tree = dict(TREE)
    if text is not None and file:
        tree[file] = tree.get(file, "") + text
    elif file and file.endswith(".c"):
        tree[file] = tree[file].replace('#include "queue.h"\n', "")
    elif file:
        del tree[file]
    with tempfile.TemporaryDirectory() as directory:
        for name, content in tree.items():
            with open(os.path.join(directory, name), "w",
                      encoding="utf-8") as out:
                out.write(content)
        done = subprocess.run([PROGRAM, directory], text=True, check=False,
                              capture_output=True)
    tap.check(not done.stderr, done.stderr)
    lines = done.stdout.splitlines()
    for line in wanted:
        tap.check(line in lines, f"no {line!r} in {lines}")
    tap.check(wanted or not lines, f"reported: {lines}")
    tap.check(done.returncode == (1 if wanted else 0),
              f"exit status {done.returncode}")


if __name__ == "__main__":
    sys.exit(tap.run([(case, functools.partial(checks, case))
                      for case in CASES]))
