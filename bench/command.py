"""`make bench-command`: how large the `muster` command is, and how long it takes.

`muster up` is against the whole service on loopback; a machine that is in, and one that joins. What is held to a target
is the median of all runs; the least is told beside it, for these times swing.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
MUSTER = TARGET / "release/muster"
RUNS = 50

sys.path.insert(0, str(ROOT / "tests/end_to_end"))

from stage import ControlPlane, Person


def once(arguments, state, token=""):
    environment = {"MUSTER_STATE_DIR": state, "MUSTER_TOKEN": token, "LC_ALL": "C"}
    began = time.perf_counter()
    done = subprocess.run(
        [MUSTER, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    took = (time.perf_counter() - began) * 1e3
    if done.returncode != 0:
        sys.exit(f"bench-command: muster {' '.join(arguments)}: {done.stderr}")
    return took


class Bench(unittest.TestCase):
    """A case for what the stage cleans up after it."""

    def runTest(self):
        """Nothing by itself."""


def measure(case):
    control = ControlPlane(case)
    admin = Person(control, "alice@example.com")
    token = admin.make_token(admin.make_team())["token"]
    state = tempfile.mkdtemp()
    joined = ["up", "--control", control.url, "--hostname", "web-0"]
    once(joined, state, token)
    yield "muster --version", 5, [once(["--version"], state) for _ in range(RUNS)]
    yield "muster up, in already", 50, [once(["up"], state) for _ in range(RUNS)]
    joins = []
    for n in range(RUNS):
        join = ["up", "--control", control.url, "--hostname", f"web-{n + 1}"]
        joins.append(once(join, tempfile.mkdtemp(), token))
    yield "muster up, joins", 50, joins


def main():
    megabytes = MUSTER.stat().st_size / 1e6
    rows = [("size, MB", 6, megabytes, megabytes)]
    case = Bench()
    try:
        rows += [(f"{name}, ms", most, statistics.median(took), min(took)) for name, most, took in measure(case)]
    finally:
        case.doCleanups()
    print(f"{'':28}{'median':>8}{'least':>8}{'at most':>9}")
    for name, most, median, least in rows:
        print(f"{name:28}{median:8.2f}{least:8.2f}{most:9}  {'met' if median <= most else 'MISSED'}")
    return all(median <= most for _, most, median, _ in rows)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
