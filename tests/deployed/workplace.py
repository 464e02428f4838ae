"""Where a run keeps what it makes, and the servers that it starts there."""

import contextlib
import fcntl
import os
import shutil
import signal
import sys
from pathlib import Path

from api import ask
from programs import Failed, Server

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").absolute()
REGION = "eu-central-1"
# Credentials of the emulator's root, as its documentation has them.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
SCENARIOS = ["cargo", "test", "--locked", "--workspace", "--test", "api"]


class Workplace:
    """A directory of a run's own, emptied when the run begins."""

    def __init__(self, name):
        self.path = TARGET / name
        self.logs, self.scratch = self.path / "logs", self.path / "tmp"
        shutil.rmtree(self.path, ignore_errors=True)
        for directory in (self.logs, self.scratch):
            directory.mkdir(parents=True)

    def emulator(self, port, *how):
        """ministack, on loopback only; `bridged`, it enforces policies."""
        return Server(
            self.logs / "emulator.log",
            [ROOT / ".venv-emulator" / "bin" / "python", Path(__file__).parent / "emulator.py", *how],
            lambda: ask(f"http://127.0.0.1:{port}/_ministack/health")[0] == 200,
            GATEWAY_PORT=str(port),
            BIND_HOST="127.0.0.1",
            LAMBDA_EXECUTOR="local",
            IOT_MTLS_ENABLED="0",
            SFTP_ENABLED="0",
            AUTH="true" if how else "false",
            MINISTACK_REGION=REGION,
            # Functions inherit it.
            AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
            TMPDIR=str(self.scratch),
            S3_DATA_DIR=str(self.scratch / "s3"),
            STATE_DIR=str(self.scratch / "state"),
            **CREDENTIALS,
        )

    def issuer(self, port):
        """The local system, for the sake of its issuer."""
        return Server(
            self.logs / "issuer.log",
            [TARGET / "debug" / "muster-local"],
            lambda: ask(f"http://127.0.0.1:{port}/.well-known/openid-configuration")[0] == 200,
            PORT=str(port),
            DATA_DIR=str(self.path / "issuer"),
        )


def phase(name):
    print(f"==> {name}", flush=True)


@contextlib.contextmanager
def workplace(name):
    """Lets one run of a name go on at a time, and says in a line why it failed and where the logs are."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    TARGET.mkdir(parents=True, exist_ok=True)
    with (TARGET / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit(f"{name}: another run is going on in this directory: wait for it, or stop it")
        place = Workplace(name)
        try:
            yield place
        except KeyboardInterrupt:
            sys.exit(130)
        except (Failed, AssertionError) as error:
            sys.exit(f"{name}: {error}\nThe logs are in {os.path.relpath(place.logs)}")


def isolate(emulator):
    """Lets no tool of this run speak to anybody but the emulator."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
        del os.environ[name]
    os.environ |= {
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": emulator,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "1",
    }
