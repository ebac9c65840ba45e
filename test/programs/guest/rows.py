#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq-programs(7), row by row, with the real programs.

    rows.py PART...                 runs these parts' rows; TAP
    rows.py --parts                 names the parts
    rows.py --packages PART...      names the Debian packages that they need
    rows.py --build PART...         compiles what they need, beside this file
"""
import contextlib
import os
import re
import signal
import subprocess
import sys
import time

import queues
from tap import Skip, check, run

HERE = os.path.dirname(os.path.abspath(__file__))
MANUAL = os.path.join(HERE, "kmsgq-programs.7")
NAME = "t"
Q = queues.path(NAME)
ONE, TWO, THREE = "one\n", "two\n", "three\n"
# For what does not end by itself. Only a hang takes as long.
GUARD = 600

PARTS = ("shells", "tools", "scripts", "compiled", "services")
# {row: (part, packages)}: the first of them is the one whose version is shown.
ROWS = {}
TESTS = []      # (row, what it says, function)
BUILDS = {
    "Go": ["go build -o queue-go queue.go", "go build -o example-go example.go"],
    "Java": ["javac Queue.java"],
    "Rust": ["rustc -O -o queue-rs queue.rs"],
    "C++": ["g++ -O2 -Wall -Werror -o queue-cc queue.cc"],
}


def row(name, part=None, *packages):
    """Has a function be a test of a row; what it says is its docstring."""
    if part:
        ROWS[name] = (part, packages)

    def add(function):
        TESTS.append((name, " ".join(function.__doc__.split()).rstrip("."),
                      function))
        return function
    return add


# What the tests do.

def send(*messages):
    """Puts them into the queue."""
    for message in messages:
        queues.send(NAME, message.encode())


def left():
    """Takes what is left in the queue."""
    found = []
    while True:
        message = queues.take(NAME)
        if message is None:
            return found
        found.append(message.decode())


def counter(name):
    """A counter of the queue."""
    return int(queues.show(NAME, name))


def until(condition, what):
    """Waits for it."""
    end = time.monotonic() + GUARD
    while not condition():
        check(time.monotonic() < end, f"this does not happen: {what}")
        time.sleep(0.02)


@contextlib.contextmanager
def queue(*messages, **settings):
    """A queue with these messages."""
    words = {"msg_max_size": 1 << 20, **settings}
    queues.make(",".join([NAME, *(f"{k}={v}" for k, v in words.items())]))
    try:
        send(*messages)
        yield
    finally:
        # Who was killed may not have closed it yet.
        until(lambda: left() is not None
              and not queues.command(f"-{NAME}"), "the queue is removed")


@contextlib.contextmanager
def started(command, **options):
    """Runs a command in the background."""
    if isinstance(command, str):
        command = ["bash", "-c", command]
    with subprocess.Popen(
            command, start_new_session=True, cwd=HERE,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
               "stderr": subprocess.PIPE, "text": True, **options}) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def printed(process):
    """What it has printed by now."""
    os.set_blocking(process.stdout.fileno(), False)
    try:
        return os.read(process.stdout.fileno(), 1 << 16).decode()
    except BlockingIOError:
        return ""
    finally:
        os.set_blocking(process.stdout.fileno(), True)


def done(command, **options):
    """Runs a command to its end: its status, its output, its complaints."""
    with started(command, **options) as process:
        try:
            out, err = process.communicate(timeout=GUARD)
        except subprocess.TimeoutExpired:
            check(False, f"it does not end: {command}")
        return process.returncode, out, err


def same(what, wanted, found):
    """They are the same."""
    check(wanted == found, f"{what} should be {wanted!r} and is {found!r}")


def reads(command, wanted, rest=(TWO,), messages=(ONE, TWO), status=0,
          says="", **settings):
    """Of a queue with these messages, a command prints this, says this, and
    leaves the rest."""
    with queue(*messages, **settings):
        code, out, err = done(command)
        kept = left()
    same(f"output of {command} ({err.strip()})", wanted, out)
    same(f"status of {command}", status, code)
    same(f"what {command} leaves", list(rest), kept)
    check(says in err, f"{command} says {err}")


def writes(command, *wanted, status=0, **settings):
    """A command puts these messages in."""
    with queue(**settings):
        code, _, err = done(command)
        kept = left()
    check(kept == list(wanted), f"{command} ({err.strip()}) should write "
          f"{[*map(short, wanted)]} and writes {[*map(short, kept)]}")
    same(f"status of {command} ({err.strip()})", status, code)


def debian():
    """The version of Debian."""
    with open("/etc/os-release", encoding="ascii") as file:
        return int(re.search(r'^VERSION_ID="(\d+)"', file.read(), re.M)[1])


def short(text):
    """Long messages by their length."""
    return text if len(text) < 80 else f"{len(text)} bytes"


def swallows(command, **settings):
    """A command takes every message, and does not end."""
    with queue(ONE, TWO, **settings), \
            started(command, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL) as process:
        for number in range(3):
            until(lambda: not counter("queued") or process.poll() is not None,
                  f"{command} takes message {number}")
            check(process.poll() is None, f"{command} has ended")
            send(THREE)
        until(lambda: not counter("queued"), "the last message is taken")
        check(process.poll() is None, f"{command} has ended")


def follows(command, *lines, **settings):
    """A command prints what becomes of each message before the next is sent."""
    settings = {"read_eof": "N", "read_wait": "Y", **settings}
    with queue(**settings), started(command) as process:
        for message, line in zip((ONE, TWO, THREE), lines):
            send(message)
            same(f"output of {command}", line, process.stdout.readline())
        check(process.poll() is None, f"{command} has ended")


# The rows.

@row("bash, dash", "shells", "bash", "dash")
def _():
    """read takes one line of one message."""
    reads(f"read -r x < {Q}; echo $x", ONE)


@row("bash, dash")
def _():
    """bash writes line by line, dash in one piece."""
    text = r"printf 'one\ntwo\n' > " + Q
    writes(["bash", "-c", text], ONE, TWO)
    writes(["dash", "-c", text], ONE + TWO)


@row("bash, dash")
def _():
    """dash's echo is one message whatever its size, bash's up to 8192 bytes."""
    text = "x=$(head -c %d /dev/zero | tr '\\0' x); echo \"$x\" > " + Q
    writes(["dash", "-c", text % 99999], "x" * 99999 + "\n")
    writes(["bash", "-c", text % 8191], "x" * 8191 + "\n")
    with queue():
        same("status", 0, done(["bash", "-c", text % 9999])[0])
        check(len(left()) > 1, "bash writes 10000 bytes at once")


@row("bash read -t", "shells", "bash")
def _():
    """read -t and TMOUT do not time out on the file."""
    for text in (f"read -t 0.1 x < {Q}; echo $?",
                 f"TMOUT=1; read x < {Q}; echo $?"):
        with queue(read_wait="Y"), started(["bash", "-c", text]) as process:
            until(lambda: counter("waiting_readers"), "it waits")
            # Twice the longer time.
            time.sleep(2)
            check(process.poll() is None, f"{text}: it has ended")
            send(ONE)
            same(text, "0\n", process.communicate()[0])


@row("bash read -t")
def _():
    """read -t times out on a pipe from cat, and loses nothing."""
    text = (f"exec 3< <(exec cat {Q}); read -t 0.1 -u 3 x; echo $?; "
            "read -r x <&3; echo $x; read -r x <&3; echo $x")
    with queue(read_wait="Y", read_eof="N"), started(text) as process:
        until(lambda: counter("waiting_readers"), "it waits")
        check(int(process.stdout.readline()) > 128, "no time-out")
        send(ONE, TWO)
        same(text, ONE, process.stdout.readline())
        same(text, TWO, process.stdout.readline())


@row("bash read -t")
def _():
    """timeout 1 cat ends with 124 and takes nothing."""
    with queue(read_wait="Y"):
        same("status", 124, done(f"timeout 1 cat {Q}")[0])
        send(ONE)
        same("left", [ONE], left())


@row("cat, cp, dd", "tools", "coreutils")
def _():
    """cat, cp and dd read one message."""
    for command in (f"cat {Q}", f"cp {Q} /dev/stdout",
                    f"dd bs=1M status=none if={Q}",
                    f"cp {Q} /tmp/copy; cat /tmp/copy"):
        reads(command, ONE)


@row("cat, cp, dd")
def _():
    """cat, cp and dd bs=1M write a file of up to 1 MiB as one message; tee and
    cat in a pipe write pieces."""
    with open("/tmp/file", "w", encoding="ascii") as file:
        file.write("x" * (1 << 20))
    for command in (f"cat /tmp/file > {Q}", f"cp /tmp/file {Q}",
                    f"dd bs=1M status=none if=/tmp/file of={Q}"):
        writes(command, "x" * (1 << 20))
    for command in (f"cat /tmp/file | cat > {Q}", f"tee {Q} < /tmp/file"):
        with queue():
            same("status", 0, done(command, stdout=subprocess.DEVNULL)[0])
            pieces = left()
        check(len(pieces) > 1, f"{command} writes one message")
        same("bytes", 1 << 20, len("".join(pieces)))


@row("cat, cp, dd")
def _():
    """from a pipe, dd bs=1M with iflag=fullblock writes one message."""
    writes(f"head -c 500000 /dev/zero | tr '\\0' x | "
           f"dd bs=1M iflag=fullblock status=none > {Q}", "x" * 500000)


@row("tail", "tools", "coreutils")
def _():
    """tail and tail -c print one message."""
    reads(f"tail {Q}", ONE)
    reads(f"tail -c 2 {Q}", ONE[-2:])


@row("tail")
def _():
    """tail -f prints one message and ends with an error."""
    reads(f"tail -f {Q}", ONE, status=1, says="cannot seek")


@row("tail")
def _():
    """tail -f prints nothing of a queue with read_eof=N, and takes all."""
    with queue(ONE, TWO, read_eof="N", read_wait="Y"), \
            started(f"tail -f {Q}") as process:
        until(lambda: not counter("queued"), "all are taken")
        send(THREE)
        until(lambda: not counter("queued"), "all are taken")
        same("output", "", printed(process))


@row("head", "tools", "coreutils")
def _():
    """head -n1 prints the first line; the rest of the message is lost, and it
    complains that it cannot seek."""
    reads(f"head -n1 {Q}", ONE)
    reads(f"head -n1 {Q}", ONE, messages=(ONE + TWO, THREE), rest=(THREE,),
          says="cannot seek")
    reads(f"head -c2 {Q}", ONE[:2])


@row("seq, stdbuf", "tools", "coreutils")
def _():
    """seq and cut send a block as a message, cut with stdbuf -oL lines."""
    writes(f"seq 3 > {Q}", "1\n2\n3\n")
    writes(f"seq 3 | cut -c1 > {Q}", "1\n2\n3\n")
    writes(f"seq 3 | stdbuf -oL cut -c1 > {Q}", "1\n", "2\n", "3\n")


@row("seq, stdbuf")
def _():
    """stdbuf -oL has seq send lines in Debian 12, not in 13."""
    writes(f"stdbuf -oL seq 3 > {Q}", *(
        ["1\n", "2\n", "3\n"] if debian() == 12
        else ["1\n2\n3\n"]))


@row("test -s", "tools", "coreutils")
def _():
    """test -s and stat take the queue for empty."""
    with queue(ONE):
        same("test -s", 1, done(["bash", "-c", f"test -s {Q}"])[0])
        same("/usr/bin/test -s", 1, done(["/usr/bin/test", "-s", Q])[0])
        same("stat", "0\n", done(f"stat -c %s {Q}")[1])
        same("counter", 1, counter("queued"))


@row("gzip, xz", "tools", "gzip", "xz-utils")
def _():
    """gzip -c joins all messages; gzip < FILE takes one."""
    reads(f"gzip -c {Q} | zcat", ONE + TWO, rest=())
    reads(f"gzip < {Q} | zcat", ONE)


@row("gzip, xz")
def _():
    """xz -c FILE and xz < FILE take all messages and do not end; cat FILE | xz
    takes one."""
    swallows(f"exec xz -c {Q}")
    swallows(f"exec xz < {Q}")
    reads(f"cat {Q} | xz | xz -d", ONE)


@row("rsync, tar, git", "tools", "tar", "rsync", "git")
def _():
    """tar makes an empty copy, reports success, and takes nothing."""
    reads(f"tar -C / -cf - {Q[1:]} | tar -xOf -", "", rest=(ONE, TWO))


@row("rsync, tar, git")
def _():
    """rsync makes an empty copy, reports success, and takes nothing."""
    reads(f"rsync {Q} /tmp/rsync-copy && cat /tmp/rsync-copy", "",
          rest=(ONE, TWO))


@row("rsync, tar, git")
def _():
    """git hash-object takes it for an empty file."""
    reads(f"git hash-object {Q}",
          "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\n", rest=(ONE, TWO))


@row("uutils cp", "tools", "rust-coreutils")
def _():
    """cp loses the first message in Debian 13, not in 12."""
    command = f"{uutils('cp')} {Q} /tmp/uutils; cat /tmp/uutils"
    if debian() == 12:
        reads(command, ONE, rest=(TWO, THREE), messages=(ONE, TWO, THREE))
    else:
        reads(command, TWO, rest=(THREE,), messages=(ONE, TWO, THREE))


@row("uutils cp")
def _():
    """cat, head and tee are right."""
    reads(f"{uutils('cat')} {Q}", ONE)
    writes(f"echo one | {uutils('tee')} {Q} > /dev/null", ONE)


def uutils(name):
    """A program of uutils."""
    for path in (f"/usr/lib/cargo/bin/coreutils/{name}",):
        if os.path.exists(path):
            return path
    raise Skip(f"there is no {name} of uutils: "
               + done("dpkg -L rust-coreutils | tail -3")[1])


@row("inotify, flock", "tools", "inotify-tools", "util-linux")
def _():
    """inotify: a write is seen in the same procfs mount, not through another."""
    os.makedirs("/tmp/proc", exist_ok=True)
    same("mount", 0, done("mount -t proc proc /tmp/proc")[0])
    try:
        for path, seen in ((Q, True), (f"/tmp{Q}", False)):
            with queue(), started(f"inotifywait -q -e modify {Q}") as process:
                until(lambda: "inotify" in done(
                    f"ls -l /proc/{process.pid}/fd; cat /proc/{process.pid}/fdinfo/*")[1]
                    and done(f"grep -c '^inotify wd' /proc/{process.pid}/fdinfo/3")[1].strip() == "1",
                    "it watches")
                with open(path, "w", encoding="ascii") as file:
                    file.write(ONE)
                time.sleep(1)
                if seen:
                    until(lambda: process.poll() is not None, "it is seen")
                same(f"seen through {path}", seen, process.poll() is not None)
    finally:
        done("umount /tmp/proc")


@row("inotify, flock")
def _():
    """flock excludes through the same procfs mount, not through another."""
    os.makedirs("/tmp/proc", exist_ok=True)
    same("mount", 0, done("mount -t proc proc /tmp/proc")[0])
    try:
        with queue():
            for path, status in ((Q, 1), (f"/tmp{Q}", 0)):
                same(path, status,
                     done(f"flock {Q} flock -n {path} true")[0])
    finally:
        done("umount /tmp/proc")


@row("xargs", "tools", "findutils")
def _():
    """xargs takes one message."""
    reads(f"xargs -a {Q} echo", ONE)


@row("xargs")
def _():
    """xargs -n1 of a stream runs a command for each message as it comes."""
    follows(f"xargs -n1 echo < {Q}", ONE, TWO, THREE)


@row("parallel", "tools", "parallel")
def _():
    """parallel of a stream runs a command for each line as it comes."""
    follows(f"parallel --will-cite -u -j2 echo :::: {Q}", ONE, TWO, THREE)


@row("parallel")
def _():
    """parallel takes one message of a queue with end of file."""
    reads(f"parallel --will-cite echo :::: {Q}", ONE)


@row("logger", "services", "bsdutils")
def _():
    """logger -f takes one message, of a stream all."""
    reads(f"logger --no-act -s -f {Q} 2>&1 | sed 's/.*: //'", ONE)
    follows(f"logger --no-act -s -f {Q} 2>&1 | sed -u 's/.*: //'", ONE, TWO)


@row("awk, sed, jq", "tools", "mawk", "gawk", "sed", "jq")
def _():
    """each sends a block as a message."""
    for command in "mawk 1", "gawk 1", "sed ''", "jq .":
        writes(f"seq 3 | {command} > {Q}", "1\n2\n3\n")


@row("awk, sed, jq")
def _():
    """with fflush(), -u or --unbuffered each sends lines."""
    for command in ("mawk '{ print; fflush() }'", "gawk '{ print; fflush() }'",
                    "sed -u ''", "jq --unbuffered ."):
        writes(f"seq 3 | {command} > {Q}", "1\n", "2\n", "3\n")


@row("awk, sed, jq")
def _():
    """mawk -W interactive sends a long line in two pieces."""
    writes(f"head -c 5000 /dev/zero | tr '\\0' x | mawk -W interactive 1 > {Q}",
           "x" * 5000, "\n")


@row("Node", "scripts", "nodejs")
def _():
    """readFile, readFileSync and a child cat read one message."""
    for text in (f"process.stdout.write(fs.readFileSync('{Q}'))",
                 f"fs.readFile('{Q}', (e, d) => process.stdout.write(d))",
                 "process.stdout.write(child_process.execFileSync('cat', "
                 f"['{Q}']))"):
        reads(["node", "-e", text], ONE)


@row("Node")
def _():
    """writeFileSync and appendFileSync write one message."""
    for call in "writeFileSync", "appendFileSync":
        writes(["node", "-e", f"fs.{call}('{Q}', 'x'.repeat(100000))"],
               "x" * 100000)


@row("Node")
def _():
    """createReadStream reads one message."""
    reads(["node", "-e", f"fs.createReadStream('{Q}').pipe(process.stdout)"],
          ONE)


@row("Node")
def _():
    """createWriteStream joins what is written at once."""
    writes(["node", "-e", f"const s = fs.createWriteStream('{Q}'); "
            "for (const x of ['one', 'two', 'three']) s.write(x + '\\n')"],
           ONE + TWO + THREE)


@row("Node")
def _():
    """copyFile makes an empty copy, reports success, and takes nothing."""
    reads(["node", "-e", f"fs.copyFileSync('{Q}', '/tmp/node-copy'); "
           "process.stdout.write(fs.readFileSync('/tmp/node-copy'))"],
          "", rest=(ONE, TWO))


@row("Node")
def _():
    """process.exit does not end it while a read waits."""
    with queue(read_wait="Y"), started(
            ["node", "-e", f"fs.readFile('{Q}', () => 0); "
             "setTimeout(() => process.exit(3), 100)"]) as process:
        until(lambda: counter("waiting_readers"), "it waits")
        time.sleep(2)
        check(process.poll() is None, "it has ended")
        send(ONE)
        process.communicate()
        same("status", 3, process.returncode)


@row("Node")
def _():
    """four reads that wait stop all other files."""
    text = (f"for (let i = 0; i < 4; i++) fs.readFile('{Q}', () => 0); "
            "setTimeout(() => fs.readFile('/etc/hostname', () => "
            "console.log('read')), 100)")
    with queue(read_wait="Y"), started(["node", "-e", text]) as process:
        until(lambda: counter("waiting_readers") == 4, "they wait")
        time.sleep(2)
        same("output", "", printed(process))
        send(ONE)
        same("output", "read\n", process.stdout.readline())


@row("PHP", "scripts", "php-cli")
def _():
    """file_get_contents and fgets read one message."""
    reads(["php", "-r", f"echo file_get_contents('{Q}');"], ONE)
    reads(["php", "-r", f"echo fgets(fopen('{Q}', 'r'));"], ONE)


@row("PHP")
def _():
    """file_put_contents and fwrite write one message."""
    for text in (f"file_put_contents('{Q}', str_repeat('x', 100000));",
                 f"fwrite(fopen('{Q}', 'w'), str_repeat('x', 100000));"):
        writes(["php", "-r", text], "x" * 100000)


@row("PHP")
def _():
    """a non-blocking fread joins messages, and gets none of more than 8192
    bytes."""
    text = (f"$f = fopen('{Q}', 'r'); stream_set_blocking($f, false); "
            "echo fread($f, 1 << 20);")
    reads(["php", "-r", text], ONE + TWO, rest=())
    reads(["php", "-r", text], "", messages=["x" * 9000], rest=["x" * 9000])


@row("PHP")
def _():
    """copy copies one message."""
    reads(["php", "-r", f"copy('{Q}', '/tmp/php-copy'); "
           "echo file_get_contents('/tmp/php-copy');"], ONE)


@row("Ruby", "scripts", "ruby")
def _():
    """File.read, IO.binread and sysread read one message."""
    for text in (f"print File.read('{Q}')", f"print IO.binread('{Q}')",
                 f"print File.open('{Q}').sysread(1 << 20)",
                 f"print File.open('{Q}').gets"):
        reads(["ruby", "-e", text], ONE)


@row("Ruby")
def _():
    """File.write and syswrite write one message."""
    for text in (f"File.write('{Q}', 'x' * 100000)",
                 f"File.open('{Q}', 'w').syswrite('x' * 100000)"):
        writes(["ruby", "-e", text], "x" * 100000)


@row("Ruby")
def _():
    """puts joins lines unless sync is set."""
    text = "f = File.open('%s', 'w'); %s f.puts 'one'; f.puts 'two'"
    writes(["ruby", "-e", text % (Q, "")], ONE + TWO)
    writes(["ruby", "-e", text % (Q, "f.sync = true;")], ONE, TWO)


@row("Ruby")
def _():
    """IO.copy_stream and FileUtils.cp raise, and take nothing."""
    for text in (f"IO.copy_stream('{Q}', '/tmp/ruby-copy')",
                 f"require 'fileutils'; FileUtils.cp('{Q}', '/tmp/ruby-copy')"):
        reads(["ruby", "-e", text], "", rest=(ONE, TWO), status=1,
              says="copy_stream")


@row("Python", "scripts", "python3")
def _():
    """read(), os.read() and pathlib read one message."""
    for text in (f"print(open('{Q}').read(), end='')",
                 f"import os; print(os.read(os.open('{Q}', 0), 1 << 20).decode(), end='')",
                 f"import pathlib; print(pathlib.Path('{Q}').read_text(), end='')"):
        reads(["python3", "-c", text], ONE)


@row("Python")
def _():
    """write() sends one message up to 8192 bytes, os.write() of any size."""
    for text in (f"open('{Q}', 'w').write('x' * 8192)",
                 f"open('{Q}', 'wb').write(b'x' * 8192)",
                 f"import os; os.write(os.open('{Q}', 1), b'x' * 8192)"):
        writes(["python3", "-c", text], "x" * 8192)
    for text in (f"open('{Q}', 'wb').write(b'x' * 100000)",
                 f"open('{Q}', 'w').write('x' * 100000)",
                 f"import pathlib; pathlib.Path('{Q}').write_text('x' * 100000)",
                 f"import os; os.write(os.open('{Q}', 1), b'x' * 100000)"):
        writes(["python3", "-c", text], "x" * 100000)


@row("Python")
def _():
    """print joins lines unless it flushes."""
    text = "for x in 'one', 'two': print(x%s)"
    writes(f"python3 -c \"{text % ''}\" > {Q}", ONE + TWO)
    writes(f"python3 -c \"{text % ', flush=True'}\" > {Q}", ONE, TWO)


@row("Python")
def _():
    """asyncio's connect_read_pipe refuses the file; add_reader works."""
    text = f"""if True:
        import asyncio, os
        fd = os.open('{Q}', os.O_RDONLY | os.O_NONBLOCK)
        async def main():
            loop = asyncio.get_running_loop()
            try:
                await loop.connect_read_pipe(asyncio.Protocol, os.fdopen(fd, closefd=False))
            except ValueError:
                pass
            else:
                return
            got = loop.create_future()
            loop.add_reader(fd, lambda: got.set_result(os.read(fd, 1 << 20)))
            print((await got).decode(), end="")
            loop.remove_reader(fd)
        asyncio.run(main())
    """
    reads(["python3", "-c", text], ONE)


@row("Python")
def _():
    """shutil.copyfile copies one message."""
    reads(["python3", "-c", "import shutil; "
           f"shutil.copyfile('{Q}', '/tmp/python-copy'); "
           "print(open('/tmp/python-copy').read(), end='')"], ONE)


@row("Perl", "scripts", "perl")
def _():
    """<> in slurp mode, by lines, and sysread read one message."""
    for text in (f"open F, '<', '{Q}'; local $/; print <F>",
                 f"open F, '<', '{Q}'; print scalar <F>",
                 f"open F, '<', '{Q}'; sysread F, $x, 1 << 20; print $x"):
        reads(["perl", "-e", text], ONE)


@row("Perl")
def _():
    """print sends one message up to 8192 bytes, syswrite of any size."""
    writes(["perl", "-e", f"open F, '>', '{Q}'; print F 'x' x 8192"], "x" * 8192)
    writes(["perl", "-e", f"open F, '>', '{Q}'; syswrite F, 'x' x 100000"],
           "x" * 100000)
    writes(["perl", "-e", f"open F, '>', '{Q}'; print F 'x' x 10000"],
           "x" * 8192, "x" * 1808)


@row("Perl")
def _():
    """print joins lines unless autoflush is set."""
    text = "open F, '>', '%s'; %s print F \"one\\n\"; print F \"two\\n\""
    writes(["perl", "-e", text % (Q, "")], ONE + TWO)
    writes(["perl", "-e", text % (Q, "use IO::Handle; F->autoflush(1);")],
           ONE, TWO)


@row("Lua", "scripts", "lua5.4")
def _():
    """read("a") and lines() read one message."""
    reads(["lua5.4", "-e", f"io.write(io.open('{Q}'):read('a'))"], ONE)
    reads(["lua5.4", "-e", f"for l in io.lines('{Q}') do print(l) end"], ONE)


@row("Lua")
def _():
    """write joins lines unless setvbuf("line") is set."""
    text = "f = io.open('%s', 'w') %s f:write('one\\n') f:write('two\\n')"
    writes(["lua5.4", "-e", text % (Q, "")], ONE + TWO)
    writes(["lua5.4", "-e", text % (Q, "f:setvbuf('line')")], ONE, TWO)


def compiled(name, how, *arguments):
    """The command of a compiled program."""
    start = {"Go": ["./queue-go"], "Rust": ["./queue-rs"], "C++": ["./queue-cc"],
             "Java": ["java", "-Xint", "-XX:+UseSerialGC", "-cp", ".", "Queue"]}
    return [*start[name], how, Q, *arguments]


def from_stdin(command):
    """The same, with the queue as its standard input."""
    return ["sh", "-c", f'exec "$@" < {Q}', "sh", *command]


def to_stdout(command):
    """The same, with the queue as its standard output."""
    return ["sh", "-c", f'exec "$@" > {Q}', "sh", *command]


@row("Go", "compiled", "golang-go")
def _():
    """os.ReadFile, io.ReadAll and io.Copy take all messages and do not end."""
    for how in "os.ReadFile", "io.ReadAll", "io.Copy":
        swallows(compiled("Go", how))


@row("Go")
def _():
    """bufio.Reader fails on a message of more than its 4096 bytes."""
    reads(compiled("Go", "bufio.Reader"), '"one\\n"\n')
    with queue("x" * 5000):
        code, out, _ = done(compiled("Go", "bufio.Reader"))
        same("status", 1, code)
        check("message too long" in out, out)


@row("Go")
def _():
    """io.ReadAll of os.Stdin, or of syscall.Open's file, reads one message."""
    reads(compiled("Go", "syscall.Open"), '"one\\n"\n')
    reads(from_stdin(compiled("Go", "os.Stdin")), '"one\\n"\n')


@row("Go")
def _():
    """os.WriteFile and fmt.Fprintf write one message."""
    writes(compiled("Go", "os.WriteFile", "x" * 100000), "x" * 100000)
    writes(compiled("Go", "fmt.Fprintf", "x" * 50000),
           f"{'x' * 50000} and {'x' * 50000}\n")


@row("Go")
def _():
    """bufio.Writer joins lines."""
    writes(compiled("Go", "bufio.Writer", "one two"), ONE + TWO)


@row("Go")
def _():
    """the page's example prints each message as it comes."""
    follows(["./example-go", Q], *(f"{message!r}\n".replace("'", '"')
                                    for message in (ONE, TWO, THREE)))
    follows(["./example-go", Q], *(f"{message!r}\n".replace("'", '"')
                                    for message in (ONE, TWO, THREE)),
            read_eof="Y", read_wait="N")


JAVA = ("FileInputStream", "FileChannel", "Files.readString",
        "Files.readAllBytes", "Files.newInputStream")


@row("Java", "compiled", "default-jdk-headless")
def _():
    """FileInputStream, FileChannel and Files.readString read one message."""
    for how in JAVA:
        reads(compiled("Java", how), ONE + "\n")
    with queue(ONE, TWO):
        same("FileReader", (0, ONE, ""), done(compiled("Java", "FileReader")))


@row("Java")
def _():
    """System.in and BufferedInputStream lose a message."""
    for command in (from_stdin(compiled("Java", "System.in")),
                    from_stdin(compiled("Java", "System.in.readAllBytes")),
                    compiled("Java", "BufferedInputStream")):
        reads(command, "", status=1, says="Illegal seek")


@row("Java")
def _():
    """readAllBytes of a FileInputStream, and in Debian 13 of
    Files.newInputStream, fails and takes nothing."""
    fails = {"wanted": "", "status": 1, "says": "Illegal seek",
             "rest": (ONE, TWO)}
    reads(compiled("Java", "FileInputStream.readAllBytes"), **fails)
    reads(compiled("Java", "Files.newInputStream.readAllBytes"),
          **({"wanted": ONE + "\n"} if debian() == 12 else fails))


@row("Java")
def _():
    """with read_ack=Y that message returns."""
    reads(from_stdin(compiled("Java", "System.in")), "", status=1,
          says="Illegal seek", rest=(ONE, TWO), read_ack="Y")


@row("Java")
def _():
    """FileOutputStream writes one message."""
    writes(compiled("Java", "FileOutputStream", "x", "100000"), "x" * 100000)


@row("Java")
def _():
    """Files.writeString, PrintWriter and System.out cut at 8192 bytes."""
    for how, end in (("Files.writeString", ""), ("PrintWriter", "\n")):
        writes(compiled("Java", how, "x", "8191"), "x" * 8191 + end)
        writes(compiled("Java", how, "x", "10000"),
               "x" * 8192, "x" * 1808 + end)
    writes(to_stdout(compiled("Java", "PrintStream", "x", "8191")),
           "x" * 8191 + "\n")
    writes(to_stdout(compiled("Java", "PrintStream", "x", "10000")),
           "x" * 8192, "x" * 1808 + "\n")


@row("Rust", "compiled", "rustc")
def _():
    """fs::read, io::copy and lines read one message."""
    for how in "fs::read", "BufReader::lines", "io::copy":
        reads(compiled("Rust", how), ONE)


@row("Rust")
def _():
    """a non-blocking file: read is right, read_to_end is not."""
    reads(compiled("Rust", "read, O_NONBLOCK"), ONE)
    reads(compiled("Rust", "read_to_end, O_NONBLOCK"), ONE + TWO, rest=(),
          status=1, says="WouldBlock")


@row("Rust")
def _():
    """fs::write and write_all write one message, writeln! one for each part."""
    writes(compiled("Rust", "fs::write", "x" * 100000), "x" * 100000)
    writes(compiled("Rust", "write_all", "x" * 100000), "x" * 100000)
    writes(compiled("Rust", "writeln", "one"), "one", " and ", "one", "\n")


@row("Rust")
def _():
    """println! sends a line of up to 1023 bytes as one message."""
    writes(to_stdout(compiled("Rust", "println", "x" * 1023)),
           "x" * 1023 + "\n")
    writes(to_stdout(compiled("Rust", "println", "x" * 2000)),
           "x" * 2000, "\n")


@row("C++", "compiled", "g++", "libc6-dev")
def _():
    """getline and istreambuf_iterator read one message."""
    for how in "getline", "iterators":
        reads(compiled("C++", how), ONE)


@row("C++")
def _():
    """an ofstream sends a string of 1024 bytes or more (8192 in Debian 13)
    apart from what follows it."""
    writes(compiled("C++", "endl", "x" * 1023), "x" * 1023 + "\n")
    writes(compiled("C++", "endl", "x" * 8192), "x" * 8192, "\n")
    writes(compiled("C++", "endl", "x" * 1024),
           *(["x" * 1024, "\n"] if debian() == 12 else ["x" * 1024 + "\n"]))
    if debian() > 12:
        writes(compiled("C++", "endl", "x" * 8000), "x" * 8000 + "\n")
    writes(compiled("C++", "one string", "x" * 100000), "x" * 100000 + "\n")


@row("C++")
def _():
    """cout sends a line of up to 8192 bytes as one message."""
    writes(to_stdout(compiled("C++", "cout", "x" * 8000)), "x" * 8000 + "\n")


def unit(name, text):
    """Writes a unit of systemd."""
    with open(f"/etc/systemd/system/{name}", "w", encoding="ascii") as file:
        file.write(text)
    same("daemon-reload", 0, done("systemctl daemon-reload")[0])


def systemctl(*words):
    """What systemctl prints."""
    return done(["systemctl", *words])[1].strip()


def content(path):
    """What is in a file."""
    with contextlib.suppress(FileNotFoundError):
        with open(path, encoding="ascii") as file:
            return file.read()
    return ""


@contextlib.contextmanager
def service(restart, words=""):
    """A service whose standard input is the queue, of which it takes one
    message."""
    unit("taker.service", f"[Unit]\n{words}\n[Service]\n{restart}\n"
         f"StandardInput=file:{Q}\nExecStart=sh -c 'cat >> /run/taken'\n")
    with contextlib.suppress(FileNotFoundError):
        os.unlink("/run/taken")
    systemctl("start", "taker")
    try:
        yield
    finally:
        systemctl("stop", "taker")
        systemctl("reset-failed", "taker")


@row("systemd", "services", "systemd")
def _():
    """a service with StandardInput=file: and Restart=always handles a message a
    start, with StartLimitIntervalSec=0; else it stops after some."""
    numbers = [f"{number}\n" for number in range(9)]
    with queue(*numbers, read_wait="Y"):
        with service("Restart=always", "StartLimitIntervalSec=0"):
            until(lambda: content("/run/taken") == "".join(numbers), "all come")
    with queue(*numbers, read_wait="Y"):
        # For the default of 10 s, this machine may be too slow.
        with service("Restart=always", "StartLimitIntervalSec=1h"):
            until(lambda: systemctl("show", "-P", "Result", "taker")
                  == "start-limit-hit", "the limit is hit")
            check(len(left()) == 4, "not five messages were handled")


@row("systemd")
def _():
    """StandardOutput=file: sends each line that a service prints."""
    with queue():
        same("status", 0, done(
            f"systemd-run -q --wait -p StandardOutput=file:{Q} "
            "bash -c 'echo one; echo two'")[0])
        same("left", [ONE, TWO], left())


@row("systemd")
def _():
    """ConditionFileNotEmpty= takes the queue for empty."""
    unit("full.service", f"[Unit]\nConditionFileNotEmpty={Q}\n"
         "[Service]\nType=oneshot\nExecStart=true\n")
    with queue(ONE):
        systemctl("start", "full")
        same("condition", "no", systemctl("show", "-P", "ConditionResult",
                                          "full"))


@row("systemd")
def _():
    """PathModified= sees writes, but not those of a service with
    ProtectProc=."""
    unit("seen.path", f"[Path]\nPathModified={Q}\n")
    unit("seen.service", "[Service]\nType=oneshot\n"
         "ExecStart=sh -c 'echo seen >> /run/seen'\n")
    write = f"systemd-run -q --wait %s sh -c 'echo one > {Q}'"
    with queue():
        same("start", 0, done("systemctl start seen.path")[0])
        try:
            same("write", 0, done(write % "-p ProtectProc=invisible")[0])
            same("left", [ONE], left())
            time.sleep(2)
            same("seen", "", content("/run/seen"))
            same("write", 0, done(write % "")[0])
            until(lambda: content("/run/seen") == "seen\n", "it is seen")
        finally:
            systemctl("stop", "seen.path")


@contextlib.contextmanager
def rsyslog(*lines):
    """rsyslogd with these lines in its configuration, which takes what comes
    to its own socket."""
    with open("/run/rsyslog.conf", "w", encoding="ascii") as file:
        file.write("\n".join((
            'module(load="imuxsock" SysSock.Use="off")',
            'input(type="imuxsock" Socket="/run/rsyslog.sock")',
            'template(name="t" type="string" string="%msg%\\n")',
            *lines, "")))
    with contextlib.suppress(FileNotFoundError):
        os.unlink("/run/rsyslog.sock")
    with started(["rsyslogd", "-n", "-f", "/run/rsyslog.conf", "-i",
                  "/run/rsyslog.pid"], stdout=None, stderr=None):
        until(lambda: os.path.exists("/run/rsyslog.sock"), "rsyslogd runs")
        yield


@row("rsyslog", "services", "rsyslog")
def _():
    """ompipe sends each line as a message."""
    with queue(), rsyslog(f'action(type="ompipe" pipe="{Q}" template="t")'):
        for text in "one", "two":
            same("logger", 0, done(["logger", "-u", "/run/rsyslog.sock",
                                    text])[0])
        until(lambda: counter("queued") == 2, "both come")
        same("messages", [" one\n", " two\n"], left())


@row("rsyslog")
def _():
    """imfile loses the first message."""
    for mode in "polling", "inotify":
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/run/logged")
        with queue(ONE), rsyslog(
                'global(workDirectory="/run")',
                f'module(load="imfile" mode="{mode}" PollingInterval="1")',
                f'input(type="imfile" File="{Q}" Tag="queue")',
                'action(type="omfile" file="/run/logged" template="t")'):
            until(lambda: not counter("queued"), "the first is taken")
            send(TWO)
            until(lambda: TWO in content("/run/logged"), "the second is logged")
            same(f"log of {mode}", TWO, content("/run/logged"))


def version(name):
    """The version of a row's first program."""
    return versions(ROWS[name][1][:1]).split(" ")[-1] or "not installed"


def versions(packages):
    """Packages, each with its version."""
    return ", ".join(line for line in subprocess.run(
        ["dpkg-query", "-W", "-f", r"${Package} ${Version}\n", *packages],
        check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True).stdout.splitlines() if not line.endswith(" "))


def page_has_rows():
    """Each row of the page has a test, and each test a row. Gives the versions
    of the programs."""
    with open(MANUAL, encoding="utf-8") as page:
        table = page.read().split(".TS\n")[1].split(".TE\n")[0]
    names = re.findall(r"^(?!T\})([^|\n]+)\|T\{$", table, re.M)
    same("rows", sorted(ROWS), sorted(name.replace("\\", "") for name in names))
    return f"Debian {debian()}: " + versions(sorted(
        {package for _, packages in ROWS.values() for package in packages}))


def example():
    """The manual page's program in Go."""
    with open(MANUAL, encoding="utf-8") as page:
        text = re.search(r"^\.EX\n(package main.*?)^\.EE", page.read(),
                         re.M | re.S)[1]
    return text.replace("\\e", "\\").replace("\\-", "-").replace("\\(dq", '"') \
        .replace("\\&", "")


def build(names):
    """Compiles what these rows need."""
    if "Go" in names:
        with open("example.go", "w", encoding="utf-8") as file:
            file.write(example())
    for name in names:
        for command in BUILDS.get(name, []):
            subprocess.run(command.split(), check=True)


def main(arguments):
    """See above."""
    parts = [word for word in arguments if not word.startswith("--")]
    names = [name for name, (part, _) in ROWS.items() if part in parts]
    if "--parts" in arguments:
        print(*PARTS)
    elif "--packages" in arguments:
        print(*{package: 1 for name in names for package in ROWS[name][1]})
    elif "--build" in arguments:
        build(names)
    else:
        shown = {name: f"{name} ({version(name)})" for name in names}
        return run([("the page's rows", page_has_rows)] + [(f"{shown[name]}: {says}", function)
                    for name, says, function in TESTS if name in names])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
