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


def put(name, value):
    """Changes a parameter; gives the errno, 0 if there is none."""
    try:
        fd = os.open(f"{SYS}/parameters/{name}", os.O_WRONLY)
        try:
            os.write(fd, value.encode())
        finally:
            os.close(fd)
    except OSError as error:
        return error.errno
    return 0


def stat(name, queue=NAME):
    """A counter's value."""
    with open(f"{SYS}/queues/{queue}/{name}", encoding="ascii") as file:
        return int(file.read())
