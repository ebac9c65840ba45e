# SPDX-License-Identifier: GPL-2.0-only
"""Loads, unloads and configures the module, for the tests in Python."""
import os
import subprocess

from tap import check

SYS = "/sys/module/kmsg_queue"
# The queue that is tested: one that "loaded" makes, or the first.
NAME = os.environ.get("KMSGQ_QUEUE", "msg_queue")
FURTHER = [f"queue={NAME}"] * (NAME != "msg_queue")
QUEUE = f"/proc/msg_queues/{NAME}" if FURTHER else "/proc/msg_queue"


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
