"""The scenarios against the local system on another DynamoDB than the embedded one: the emulator's.

Usage: engine.py; `make test-engine` prepares what it needs.
"""

from programs import free_port, seen
from workplace import SCENARIOS, phase, workplace


def run(place):
    phase("engine: scenarios")
    seen([*SCENARIOS, "--no-run"])
    port = free_port()
    with place.emulator(port) as emulator:
        emulator.wait()
        seen([*SCENARIOS, "scenarios::"], MUSTER_ENGINE=f"http://127.0.0.1:{port}")


if __name__ == "__main__":
    with workplace("test-engine") as place:
        run(place)
