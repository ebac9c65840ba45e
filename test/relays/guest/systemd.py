#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq-relays(7) on systemd: units that a message starts, and what protects a
service from the system."""
import os
import sys

from module import SYS
from relay import same, send, sh, show, start, take_all, until
from tap import check, run

UNITS = "/etc/systemd/system"
MESSAGES = ["starts it", "more", "last"]


def units():
    """A socket unit for the first queue, with each of these services."""
    for name, command in (
            ("handles", "/usr/bin/kmsgq consume -1 msg_queue "
                        "/bin/sh -c 'cat >> /root/handled'"),
            ("sleeps", "/bin/sleep 100000")):
        for kind, text in (("socket", "[Socket]\n"
                            "ListenSpecial=/proc/msg_queue\n"
                            "TriggerLimitIntervalSec=0\n"),
                           ("service", "[Unit]\nStartLimitIntervalSec=0\n"
                            "[Service]\nType=oneshot\n"
                            f"ExecStart={command}\n")):
            with open(f"{UNITS}/{name}.{kind}", "w", encoding="utf-8") as file:
                file.write(text)
    sh("systemctl daemon-reload")


def lines(file):
    """A file's lines; none if there is no file."""
    if not os.path.exists(file):
        return []
    with open(file, encoding="utf-8") as text:
        return text.read().split()


def started():
    """A message starts the service, and the next one again."""
    start("handles.socket")
    for number in range(1, 4):
        send("msg_queue", f"{number}\n")
        until(lambda: len(lines("/root/handled")) == number)
    # Several at once: it is started until the queue is empty.
    for number in range(4, 7):
        send("msg_queue", f"{number}\n")
    until(lambda: len(lines("/root/handled")) == 6)
    same("the messages", ["1", "2", "3", "4", "5", "6"], lines("/root/handled"))
    same("the socket", "active", show("handles.socket", "ActiveState"))
    sh("systemctl stop handles.socket")


def stop_idle():
    """A socket that waits is stopped; messages that come later stay."""
    start("sleeps.socket")
    sh("systemctl stop sleeps.socket")
    send("msg_queue", "later")
    same("the message", ["later"], take_all("msg_queue"))


def left(*units):
    """The messages that are left when the socket and its service, which does
    not read, have been stopped, each of these in the order given."""
    start("sleeps.socket")
    for text in MESSAGES:
        send("msg_queue", text)
    until(lambda: show("sleeps.service", "ActiveState") == "activating")
    sh(["systemctl", "stop", *units])
    sh("systemctl stop sleeps.socket sleeps.service")
    return take_all("msg_queue")


def stop_socket():
    """The socket is stopped first."""
    same("the messages", MESSAGES, left("sleeps.socket"))
    same("the messages", MESSAGES, left("sleeps.socket", "sleeps.service"))


def service(options, command):
    """Runs a command as a service with these settings: its output."""
    words = " ".join(f"-p {option}" for option in options.split())
    return sh(f"systemd-run -q --wait --pipe {words} sh -c '{command}' 2>&1"
              " || :")


SESSION = "echo message > /proc/msg_queue && cat /proc/msg_queue"
LIMIT = f"{SYS}/queues/msg_queue/msg_max_size"


def subset():
    """ProcSubset=pid hides the file."""
    found = service("ProcSubset=pid", "ls /proc/msg_queue")
    check("No such file or directory" in found, found)


def protect_proc():
    """ProtectProc= leaves it alone."""
    for value in ("noaccess", "invisible", "ptraceable"):
        same(value, "message\n",
             service(f"ProtectProc={value} User=user", SESSION))


def tunables():
    """ProtectKernelTunables= makes settings read-only, not the queue."""
    same("the session", "message\n",
         service("ProtectKernelTunables=yes", SESSION))
    same("the setting", "8192\n",
         service("ProtectKernelTunables=yes", f"cat {LIMIT}"))
    found = service("ProtectKernelTunables=yes", f"echo 2048 > {LIMIT}")
    check("Read-only file system" in found, found)
    same("the setting", "8192\n", sh(f"cat {LIMIT}"))


TESTS = [
    ("the units are known", units),
    ("a message starts the service of a socket unit", started),
    ("a stopped socket unit leaves later messages", stop_idle),
    ("a socket unit that is stopped before its service leaves all",
     stop_socket),
    ("ProcSubset=pid hides the file", subset),
    ("ProtectProc= does not", protect_proc),
    ("ProtectKernelTunables=yes protects the settings alone", tunables),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
