# SPDX-License-Identifier: GPL-2.0-only
"""Loads, unloads and configures the module, for the tests in Python."""
import os
import re
import subprocess

from tap import check

SYS = "/sys/module/kmsg_queue"
# The queue that is tested: one that "loaded" makes, or the first.
NAME = os.environ.get("KMSGQ_QUEUE", "msg_queue")
FURTHER = [f"queue={NAME}"] * (NAME != "msg_queue")
QUEUE = f"/proc/msg_queues/{NAME}" if FURTHER else "/proc/msg_queue"
DIR = "/proc/msg_queues"

# The line in the log for an invalid value: of which setting, and the value.
COMPLAINT = r"parameter {0}: invalid value '{1}.*': must be .{{5,}}"


def load(*parameters):
    """Loads the module; gives modprobe's complaint, "" if there is none."""
    done = subprocess.run(["modprobe", "kmsg_queue", *parameters],
                          check=False, capture_output=True, text=True)
    check(bool(done.stderr.strip()) == bool(done.returncode), done.stderr)
    return done.stderr.strip()


def unload():
    """Unloads the module, if it is loaded."""
    if os.path.exists(SYS):
        subprocess.run(["rmmod", "kmsg_queue"], check=True)


def loaded(*parameters):
    """Has the module loaded with these parameters."""
    unload()
    complaint = load(*parameters, *FURTHER)
    check(not complaint, f"{parameters}: {complaint}")


def get(name):
    """A parameter's value."""
    with open(f"{SYS}/parameters/{name}", encoding="utf-8") as file:
        value = file.read()
    check(value.endswith("\n"), f"{name}: no newline in {value!r}")
    return value[:-1]


def write(path, value):
    """Writes to a file of the module in /sys; gives the errno, or 0."""
    try:
        fd = os.open(path, os.O_WRONLY)
        try:
            os.write(fd, value.encode())
        finally:
            os.close(fd)
    except OSError as error:
        return error.errno
    return 0


def put(name, value):
    """Changes a parameter; gives the errno, 0 if there is none."""
    return write(f"{SYS}/parameters/{name}", value)


def check_complaint(lines, setting, value):
    """One line, which names the setting, the value and what is allowed. The
    kernel shows what is no ASCII as numbers."""
    wanted = re.escape(value[:40]) if value.isascii() and \
        value.isprintable() else ""
    check(len(lines) == 1 and
          re.fullmatch(COMPLAINT.format(re.escape(setting), wanted), lines[0]),
          f"{setting}={value:.40}: in the log: {lines}")


def check_not_loaded(complaint, what):
    """The load was refused, and nothing is left of it."""
    check("Invalid argument" in complaint or "invalid parameters" in complaint,
          f"{what}: {complaint or 'it loads'}")
    for left in SYS, QUEUE, DIR:
        check(not os.path.lexists(left), f"{what}: {left} exists")


def open_as(who, path, flags):
    """The errno of an open without waiting, or 0, by a user with an id, a
    group and a list of other groups."""
    pid = os.fork()
    if not pid:
        user, group, groups = who
        os.setgroups(groups)
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
        try:
            os.open(path, flags | os.O_NONBLOCK)
        except OSError as error:
            os._exit(error.errno)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def stat(name, queue=NAME):
    """A counter's value."""
    with open(f"{SYS}/queues/{queue}/{name}", encoding="ascii") as file:
        return int(file.read())


class KernelLog:
    """What comes into the kernel log after this was made."""

    def __init__(self):
        self.log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.log, 0, os.SEEK_END)

    def lines(self):
        """The module's own lines."""
        found = []
        while True:
            try:
                record = os.read(self.log, 8192).decode(errors="replace")
            except BlockingIOError:
                os.close(self.log)
                return found
            text = record.split(";", 1)[1].split("\n", 1)[0]
            # The kernel's own "`value' invalid" begins with the name, too.
            if text.startswith("kmsg_queue: ") and text[12] != "`":
                found.append(text[12:])
