#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What people's programs print is one message: whole, or refused with nothing
left; on a standard output that a shell has redirected, and where they open the
file themselves."""
import functools
import os
import subprocess
import sys
import tempfile

from module import NAME, QUEUE, SYS, loaded, stat, write
from tap import check, run

LIB = os.path.dirname(os.path.abspath(sys.modules["tap"].__file__))

# By the limit: sizes that fit, and sizes that do not. stdio writes more than its
# 8192 bytes in pieces, whatever the limit.
SIZES = {
    1024: ((1024,), (1025, 3000)),
    4096: ((1500, 4096), (4097, 8000)),
    1 << 20: ((8000,), ()),
}
# Two writers at once write this many lines each, of this size.
LINES, LINE = 5, 1500
# What some programs can write in one piece.
LARGE = 100000

# mawk's fflush() does not tell of a line that was refused; its end does.
MAWK = '{ print; if (NR < ENVIRON["n"]) fflush() }'
MAWK_NAME = "{ print > Q; if (close(Q)) exit 1 }"
GAWK = "{ print > Q; if (fflush(Q)) exit 1 }"
PYTHON = """if True:
    import sys
    out = open(sys.argv[1], "w") if sys.argv[1:] else sys.stdout
    for line in sys.stdin:
        print(line, end="", file=out, flush=True)
"""
PERL = """
    use IO::Handle;
    *OUT = *STDOUT;
    open OUT, ">", $ARGV[0] or exit 1 if @ARGV;
    while (<STDIN>) { print OUT $_ or exit 1; OUT->flush or exit 1 }
"""
LUA = """
    out = %s
    for line in io.lines() do
        assert(out:write(line, "\\n"))
        assert(out:flush())
    end
"""


def repeat(command, shell="sh"):
    """A shell's loop: the command, $n times."""
    return [*shell.split(), "-c", "i=0; while [ $i -lt $n ]; do i=$((i + 1)); "
            f"{command} || exit; done"]


def of_shell(shell):
    """What a shell has itself."""
    return {f"{shell} {command.split()[0]}":
            (repeat(command, shell), repeat(f'{command} > "$Q"', shell))
            for command in ('echo "$x"', 'printf "%s\\n" "$x"')}


# {program: (a command that prints $n lines on its standard output, one that
# opens the file $Q itself)}. The lines are on its standard input; each is in the
# variable x, and in the file $f.
PROGRAMS = {
    **of_shell("bash"), **of_shell("dash"), **of_shell("busybox sh"),
    "echo": (repeat('/bin/echo "$x"'), None),
    "printf": (repeat('/usr/bin/printf "%s\\n" "$x"'), None),
    "cat": (repeat('cat "$f"'), None),
    "cp": (None, repeat('cp "$f" "$Q"')),
    "dd": (repeat('dd bs=1M status=none < "$f"'),
           repeat('dd bs=1M status=none if="$f" of="$Q"')),
    "tee": (repeat('tee < "$f"'), repeat('tee "$Q" < "$f" > /dev/null')),
    "sed": (["sed", "-u", ""], ["sed", "-u", "-n", f"w {QUEUE}"]),
    "mawk": (["mawk", MAWK], ["mawk", "-v", f"Q={QUEUE}", MAWK_NAME]),
    "gawk": (["gawk", "-v", "Q=/dev/stdout", GAWK],
             ["gawk", "-v", f"Q={QUEUE}", GAWK]),
    "jq": (["jq", "-Rr", "--unbuffered", "."], None),
    "stdio of C": ([f"{LIB}/lines_stdio"], [f"{LIB}/lines_stdio", QUEUE]),
    "streams of C++": ([f"{LIB}/lines_stream"],
                       [f"{LIB}/lines_stream", QUEUE]),
    "Python": (["python3", "-c", PYTHON], ["python3", "-c", PYTHON, QUEUE]),
    "Perl": (["perl", "-e", PERL], ["perl", "-e", PERL, QUEUE]),
    "Lua": (["lua5.4", "-e", LUA % "io.stdout"],
            ["lua5.4", "-e", LUA % "io.open(os.getenv('Q'), 'w')"]),
}


def limit(size):
    """Has the queue take messages of up to this many bytes."""
    path = f"{SYS}/queues/{NAME}/msg_max_size"
    check(not write(path, str(size)), f"{path}: {size} is refused")


def take():
    """The messages in the queue."""
    fd = os.open(QUEUE, os.O_RDONLY | os.O_NONBLOCK)
    messages = [os.read(fd, 1 << 20) for _ in range(stat("queued"))]
    os.close(fd)
    return messages


def started(command, line, directory, count=1):
    """Starts a command that prints the line count times; its standard output
    is redirected to the queue."""
    once = os.path.join(directory, line[:1].decode())
    with open(once, "wb") as file:
        file.write(line)
    with open(f"{once}.all", "wb") as file:
        file.write(line * count)
    with open(f"{once}.all", "rb") as lines:
        return subprocess.Popen(
            ["sh", "-c", 'exec "$@" > "$Q"', "sh", *command], stdin=lines,
            stderr=subprocess.PIPE, env={
                **os.environ, "x": line[:-1].decode(), "n": str(count),
                "f": once, "Q": QUEUE})


def ended(process, when):
    """Waits for it: gives its exit status, and what it said."""
    said = process.communicate()[1].decode()
    return process.returncode, f"{when}: status {process.returncode}, {said}"


def sizes(way):
    """Messages of all sizes, each printed this way."""
    with tempfile.TemporaryDirectory() as directory:
        for largest, (fitting, too_long) in SIZES.items():
            limit(largest)
            for size in fitting + too_long:
                line = b"x" * (size - 1) + b"\n"
                code, said = ended(started(way, line, directory),
                                   f"{size} bytes, limit {largest}")
                came = take()
                check(came == [line] * (size in fitting),
                      f"{said}: messages of {[*map(len, came)]} bytes")
                check((code == 0) == (size in fitting), said)


def two_writers(way):
    """Two of it at once."""
    limit(4096)
    lines = [letter * (LINE - 1) + b"\n" for letter in (b"a", b"b")]
    with tempfile.TemporaryDirectory() as directory:
        both = [started(way, line, directory, LINES) for line in lines]
        for process in both:
            code, said = ended(process, "two writers")
            check(code == 0, said)
    check(sorted(take()) == sorted(lines * LINES), "lines are not whole")


def test_program(ways):
    """A program, each way."""
    loaded()
    for way in filter(None, ways):
        sizes(way)
        two_writers(way)


def test_large():
    """What writes a message of any size in one piece."""
    loaded()
    line = b"x" * (LARGE - 1) + b"\n"
    python = "import os, sys; os.write(1, sys.stdin.buffer.read())"
    with tempfile.TemporaryDirectory() as directory:
        for way in (PROGRAMS["dash echo"][0], ["python3", "-c", python],
                    ["sh", "-c", "cat | dd bs=1M iflag=fullblock"]):
            for largest in LARGE, LARGE - 1:
                limit(largest)
                code, said = ended(started(way, line, directory), way[-1])
                fits = largest == LARGE
                check(take() == [line] * fits, f"not one message: {said}")
                check((code == 0) == fits, said)


if __name__ == "__main__":
    sys.exit(run([
        *((name, functools.partial(test_program, ways))
          for name, ways in PROGRAMS.items()),
        ("dash, dd with iflag=fullblock and os.write(): any size", test_large),
    ]))
