#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kmsgq-relays(7) on Prometheus: the example kmsgq-metrics."""
import os
import re
import subprocess
import sys
import urllib.request

from module import SYS, stat
from queues import make, take
from relay import example, install, same, send, sh, start
from tap import check, run

SCRIPT = "/usr/local/bin/kmsgq-metrics"
SETTINGS = ("containers", "dead_queue", "gid", "max_deliveries", "mode",
            "msg_max_size", "queue_max_bytes", "read_ack", "read_eof",
            "read_wait", "uid")


def metrics():
    """What it prints: {(name, queue): value}."""
    return {(name, queue): float(value) for name, queue, value in
            re.findall(r'^kmsgq_(\w+)\{queue="(.*)"\} (\S+)$', sh(SCRIPT),
                       re.M)}


def promtool():
    """Prometheus's own checker has nothing to say."""
    install("kmsgq-metrics")
    done = subprocess.run(["promtool", "check", "metrics"], input=sh(SCRIPT),
                          check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    same("promtool's status and words", (0, ""), (done.returncode, done.stdout))


def values():
    """Each queue's counters, each with its own value."""
    make("metrics,read_ack=Y")
    for text in ("a", "bc", "def"):
        send("metrics", text)
    take("metrics")
    # 0.2 s, since the file has milliseconds.
    while stat("oldest_age_ms", "metrics") < 200:
        pass
    found = metrics()
    for name, value in (("enqueued_total", 3), ("dequeued_total", 1),
                        ("queued", 2), ("held", 0), ("dropped_total", 0)):
        same(name, value, found[name, "metrics"])
    check(0.2 <= found["oldest_age_seconds", "metrics"] < 200,
          f"an age of {found['oldest_age_seconds', 'metrics']} s")
    for queue in os.listdir(f"{SYS}/queues"):
        check(("queued", queue) in found, f"no queue {queue}")


def every_counter():
    """No file of a queue is left out but settings and the high-water mark."""
    names = {re.sub("_(total|seconds)$", "", name) for name, _ in metrics()}
    files = {re.sub("_ms$", "", name)
             for name in os.listdir(f"{SYS}/queues/msg_queue")}
    same("what it leaves out", {"high_water_bytes", *SETTINGS}, files - names)


def node_exporter():
    """It shows them."""
    start("prometheus-node-exporter")
    sh(example("kmsgq-metrics >"))
    with urllib.request.urlopen("http://localhost:9100/metrics") as page:
        text = page.read().decode()
    check('\nkmsgq_queued{queue="metrics"} 2\n' in text,
          "it is not in what node_exporter shows")


TESTS = [
    ("promtool finds nothing", promtool),
    ("each queue's counters", values),
    ("no counter is left out", every_counter),
    ("node_exporter shows them", node_exporter),
]

if __name__ == "__main__":
    sys.exit(run(TESTS))
