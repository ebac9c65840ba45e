#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The unit kmsgq-consume@.service: off until it is enabled; killed by SIGKILL ten
times under 1000 messages, of which every one is handled; stopped after the command
that runs."""
import os
import signal
import sys

import queues
from module import stat
from relay import same, send, sh, show, until
from tap import check, run

UNIT = "kmsgq-consume@jobs"
MESSAGES = 1000
KILLS = 10
HANDLED = "/root/handled"
STEPS = "/root/steps"
HANDLE = f"""#!/bin/sh
read -r number && echo "$number $1" >> {HANDLED} && echo > {STEPS}
"""
# As long as it takes to see whether a stop waits for it.
SLOW = """#!/bin/sh
echo x > /root/begun
sleep 3
echo x > /root/ended
"""


def command(text):
    """Has the unit run this script."""
    with open("/srv/handle", "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod("/srv/handle", 0o755)


def off():
    """It does not run, and will not at boot."""
    queues.make("jobs,mode=0600,read_wait=Y,read_ack=Y")
    with open("/etc/default/kmsgq-consume-jobs", "w", encoding="utf-8") as file:
        file.write('COMMAND=/srv/handle "of jobs"\n')
    # The pause before it starts again would only take time.
    os.makedirs(f"/run/systemd/system/{UNIT}.service.d")
    with open(f"/run/systemd/system/{UNIT}.service.d/now.conf", "w",
              encoding="utf-8") as file:
        file.write("[Service]\nRestartSec=0\n")
    sh("systemctl daemon-reload")
    command(HANDLE)
    os.mkfifo(STEPS)
    same("the unit", "disabled", sh(f"systemctl is-enabled {UNIT} || :").strip())
    same("the unit", "inactive", show(UNIT, "ActiveState"))


def killed():
    """Whether alone or with its command, no message is lost."""
    for number in range(MESSAGES):
        send("jobs", f"{number}\n")
    same("the messages in the queue", MESSAGES, stat("queued", "jobs"))
    steps = os.open(STEPS, os.O_RDWR)
    sh(["systemctl", "-q", "enable", "--now", UNIT])
    for kill in range(KILLS):
        # Spread over the messages, whatever the speed.
        left = MESSAGES * 9 // 10 // KILLS
        while left:
            left -= len(os.read(steps, left))
        if kill % 2:
            sh(["systemctl", "kill", "-s", "KILL", UNIT])
        else:
            os.kill(int(show(UNIT, "MainPID")), signal.SIGKILL)
    until(lambda: not stat("queued", "jobs") + stat("held", "jobs"))
    same("how often it was started again", str(KILLS), show(UNIT, "NRestarts"))
    with open(HANDLED, encoding="utf-8") as file:
        handled = file.read().splitlines()
    missing = {f"{n} of jobs" for n in range(MESSAGES)} ^ set(handled)
    check(not missing, f"missing, or not from us: {sorted(missing)[:20]}")
    same("what was dropped", 0, stat("dropped", "jobs"))
    again, returned = len(handled) - MESSAGES, stat("returned", "jobs")
    check(again <= returned, f"{again} handled again, {returned} returned")
    return f"{returned} messages returned, {again} handled again"


def stopped():
    """A command that runs is waited for."""
    command(SLOW)
    send("jobs", "last")
    send("jobs", "next")
    until(lambda: os.path.exists("/root/begun"))
    sh(["systemctl", "stop", UNIT])
    check(os.path.exists("/root/ended"), "the command was not waited for")
    same("the result", "success", show(UNIT, "Result"))
    same("messages queued and held", (1, 0),
         (stat("queued", "jobs"), stat("held", "jobs")))


TESTS = [
    ("off until it is enabled", off),
    (f"killed {KILLS} times under {MESSAGES} messages: each is handled", killed),
    ("a stop waits for the command that runs", stopped),
]
sys.exit(run(TESTS))
